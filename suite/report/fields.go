package report

import "github.com/scfcert/scfcert/suite/requirement"

// field is what the schema says of a field beside its type.
type field struct {
	about  string
	schema map[string]any
}

// only are the values that a field can have where its type does not tell.
func only[S ~string](values ...S) map[string]any { return map[string]any{"enum": texts(values...)} }

// fields are all fields of a report by their path, without indexes. A test holds the table against the types.
func fields() map[string]field {
	strength := only("hard", "soft", "none", "")
	return map[string]field{
		"schemaVersion": {"Version of this schema. Within one major version fields are only added.", map[string]any{"pattern": `^` + SchemaVersion + `([.][0-9]+)*$`}},
		"tool":          {"What made the report.", nil},
		"tool.name":     {"Name of the program.", nil},
		"tool.version":  {"Version of the program.", nil},
		"tool.commit":   {"Commit that the program was built from; empty where that is not known.", nil},

		"contract":         {"What was certified against.", nil},
		"contract.name":    {"Name of the contract.", nil},
		"contract.version": {"Version of the contract.", nil},
		"contract.basis":   {"Documents that the contract is drawn from, with their dates.", nil},
		"readings":         {"Readings of the contract that differ from the decisions of docs/readings.md, by name.", nil},

		"image":                          {"The image that was certified.", nil},
		"image.reference":                {"The reference as it was given. Untrusted: it may hold control characters.", nil},
		"image.source":                   {"Where the image came from; empty where it was not found.", only("engine", "registry", "oci-layout", "tar", "built-in", "")},
		"image.digest":                   {"Digest of the image; empty where it was not found.", nil},
		"image.digestKind":               {"What the digest is of: the manifest, or the config where the image has no manifest of its own.", only("manifest", "config", "")},
		"image.mediaType":                {"Media type of the image's own manifest; empty where it has none.", nil},
		"image.architecture":             {"Architecture that the image says it is built for.", nil},
		"image.compressedBytes":          {"Sum of the compressed layers, in bytes.", nil},
		"image.compressedBytesEstimated": {"Whether the source holds the layers uncompressed, and compressedBytes is what gzip makes of them.", nil},
		"image.uncompressedBytes":        {"Sum of the uncompressed layers, in bytes.", nil},
		"image.command":                  {"Command that was started: the image's ENTRYPOINT or what replaced it.", nil},
		"image.args":                     {"Arguments of the command: the image's CMD or what replaced it.", nil},
		"image.blobsTransferred":         {"Number of blobs that were moved into the platform's registry.", nil},

		"function":                    {"How the image was deployed.", nil},
		"function.type":               {"Type of function that was asked for; auto takes what the image serves.", only("auto", requirement.Event, requirement.HTTP)},
		"function.memoryMB":           {"Configured memory, in MB; 0 where nothing was deployed.", nil},
		"function.timeoutSeconds":     {"Timeout of one invocation, in seconds.", nil},
		"function.initTimeoutSeconds": {"Time until the server has to listen, in seconds.", nil},
		"function.environment":        {"Names of the configured variables. Their values are not in the report.", nil},

		"engine":                    {"The container engine; its fields are empty where none was reached.", nil},
		"engine.name":               {"Name of the engine.", nil},
		"engine.version":            {"Version of the engine.", nil},
		"engine.enforcement":        {"How hard each limit was held on this engine.", nil},
		"engine.enforcement.tmp":    {"The size of /tmp.", strength},
		"engine.enforcement.rootfs": {"The read-only root.", strength},
		"engine.enforcement.memory": {"The memory.", strength},
		"engine.enforcement.cpu":    {"The share of CPU.", strength},
		"probe":                     {"Whether the image is a probe, so that requirements were seen from inside too.", nil},
		"startedAt":                 {"Beginning of the certification.", nil},
		"finishedAt":                {"End of the certification.", nil},
		"durationMs":                {"Duration of the certification, in milliseconds.", nil},

		"verdict":        {"The result: the better of the two types. conformant and conformant-with-waivers exit with 0, non-conformant with 1, inconclusive with 2.", nil},
		"verdicts":       {"The result for each type of function.", nil},
		"verdicts.event": {"As event function.", nil},
		"verdicts.http":  {"As HTTP function.", nil},
		"fault":          {"Why something could not be assessed; not there if nothing kept us from it.", nil},
		"faultReason":    {"Reason code of the fault.", nil},
		"leftBehind":     {"What could not be removed from the engine; not there if all was.", nil},

		"requirements":              {"All requirements of the contract, chapter by chapter.", nil},
		"requirements.id":           {"Id of the requirement, which is never reused or renamed.", nil},
		"requirements.title":        {"The requirement in a few words.", nil},
		"requirements.level":        {"How binding it is: a MUST that fails makes an image non-conformant, a SHOULD is a warning, INFO is never judged.", nil},
		"requirements.subject":      {"Whose requirement it is: the image's, or the platform's own, which never counts against an image.", nil},
		"requirements.observed":     {"How it is seen.", only(requirement.Static, requirement.BlackBox, requirement.Probe, requirement.NotObservable)},
		"requirements.types":        {"Types of functions that it concerns.", map[string]any{"items": map[string]any{"type": "string", "enum": []string{requirement.Event, requirement.HTTP}}}},
		"requirements.outcome":      {"What became of it. warn is a SHOULD that does not hold, waived a failure that somebody answers for.", nil},
		"requirements.reason":       {"Reason code of the failure, or of why it could not be assessed.", nil},
		"requirements.found":        {"What was observed, with values. Untrusted: it quotes the image's output.", nil},
		"requirements.required":     {"What is required.", nil},
		"requirements.fix":          {"What to do.", nil},
		"requirements.alsoPossible": {"Reason codes of other causes that the evidence does not rule out.", nil},
		"requirements.because":      {"Id of the requirement whose failure leaves this one open.", nil},
		"requirements.clause":       {"The sentence that it comes from: page, date and section.", nil},
		"requirements.durationMs":   {"Time that the observation took, in milliseconds; requirements that were observed together have the same.", nil},
		"requirements.evidence":     {"Observed values, by name. Untrusted, and without a schema: it differs from requirement to requirement.", nil},

		"rootCauses":             {"Failures and warnings, each with all that it leaves open: one broken thing is one entry.", nil},
		"rootCauses.requirement": {"Id of the requirement that failed.", nil},
		"rootCauses.reason":      {"Reason code of the failure.", nil},
		"rootCauses.summary":     {"The cause in one line.", nil},
		"rootCauses.fix":         {"What to do.", nil},
		"rootCauses.blocks":      {"Ids of the requirements that it leaves open.", nil},
		"rootCauses.waived":      {"Whether it is waived; waivers tells who answers for it.", nil},

		"margins":       {"How much of each limit was used.", nil},
		"margins.name":  {"Name of the limit.", nil},
		"margins.used":  {"How much was used, in the unit.", nil},
		"margins.limit": {"The limit, in the unit.", nil},
		"margins.unit":  {"Unit of both.", nil},
		"timings":       {"Durations by name, in milliseconds.", nil},

		"waivers":               {"Waivers that took effect.", nil},
		"waivers.requirement":   {"Id of the requirement that failed.", nil},
		"waivers.reason":        {"Reason code of the failure that is waived; a failure for another reason is not.", nil},
		"waivers.justification": {"Why it is waived.", nil},
		"waivers.owner":         {"Who answers for it.", nil},
		"waivers.expires":       {"Last day on which the waiver holds, in UTC.", map[string]any{"format": "date"}},
		"waivers.covers":        {"Ids of the requirements that the waived failure leaves open; they do not count against the verdict.", nil},

		"text.en": {"In English.", nil},
		"text.zh": {"In Chinese.", nil},
	}
}
