// Package statement makes, signs and verifies statements about certifications.
//
// In comes a report; out comes an in-toto Statement v1 about the image's manifest digest, with the test-result predicate
// and our own details in it, signed in a DSSE envelope. Verify takes such an envelope from anywhere and tells whether a
// key that is trusted vouches for this very image, under a contract, a function type, a verdict and an age that are
// accepted. Nothing in it is believed before the signature holds.
package statement

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

// Names that stand in every statement.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://in-toto.io/attestation/test-result/v0.1"
	// CertificationURI names the member of the predicate that holds the Certification.
	CertificationURI = "https://github.com/scfcert/scfcert/predicate/certification/v1"
	// ContractURI, a slash, a contract's name, a slash and its version identify a contract.
	ContractURI = "https://github.com/scfcert/scfcert/contract"
)

// Result is the verdict in the words of the test-result predicate.
type Result string

// The results: of conformant, conformant with waivers, non-conformant. Advice that an image does not follow is listed
// under warnedTests and leaves it passed, as it leaves it conformant.
const (
	Passed Result = "PASSED"
	Warned Result = "WARNED"
	Failed Result = "FAILED"
)

// Statement is an in-toto Statement v1 about one certification.
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"` // exactly one
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// Subject is the image. Only its digest identifies it.
type Subject struct {
	Name   string            `json:"name"`   // without tag, digest and credentials; "_" where it has none that others know
	Digest map[string]string `json:"digest"` // sha256 of the manifest, in hex
}

// Predicate is the test-result predicate v0.1 with the details of a certification.
type Predicate struct {
	Result        Result               `json:"result"`
	Configuration []ResourceDescriptor `json:"configuration"`
	PassedTests   []string             `json:"passedTests"`
	WarnedTests   []string             `json:"warnedTests"` // advice not followed, and what is waived
	FailedTests   []string             `json:"failedTests"`
	Certification *Certification       `json:"https://github.com/scfcert/scfcert/predicate/certification/v1"`
}

// ResourceDescriptor is in-toto's description of a thing.
type ResourceDescriptor struct {
	Name      string            `json:"name"`
	URI       string            `json:"uri,omitempty"`
	Digest    map[string]string `json:"digest,omitempty"`
	Content   []byte            `json:"content,omitempty"`
	MediaType string            `json:"mediaType,omitempty"`
}

// Certification is what a report says, without what is only of use to those who mend an image.
type Certification struct {
	Contract     report.Contract    `json:"contract"`
	Tool         report.Tool        `json:"tool"`
	Verdict      report.Verdict     `json:"verdict"`
	Function     Function           `json:"function"`
	Readings     map[string]string  `json:"readings"` // only those that differ from the default
	Enforcement  report.Enforcement `json:"enforcement"`
	Image        Image              `json:"image"`
	Waivers      []report.Waiver    `json:"waivers"`
	Requirements []Requirement      `json:"requirements"`
	StartedAt    time.Time          `json:"startedAt"`
	FinishedAt   time.Time          `json:"finishedAt"`
	// ReportDigest is the sha256 of report.json, in hex.
	ReportDigest map[string]string `json:"reportDigest"`
}

// Function is how the image was deployed.
type Function struct {
	Type               string `json:"type"` // event or http
	MemoryMB           int    `json:"memoryMB"`
	TimeoutSeconds     int    `json:"timeoutSeconds"`
	InitTimeoutSeconds int    `json:"initTimeoutSeconds"`
}

// Image tells sizes and architecture.
type Image struct {
	Architecture      string `json:"architecture"`
	CompressedBytes   int64  `json:"compressedBytes"`
	Estimated         bool   `json:"compressedBytesEstimated"`
	UncompressedBytes int64  `json:"uncompressedBytes"`
}

// Requirement is what became of one requirement.
type Requirement struct {
	ID      string              `json:"id"`
	Level   requirement.Level   `json:"level"`
	Subject requirement.Subject `json:"subject"`
	Outcome report.Outcome      `json:"outcome"`
	Reason  diagnose.Code       `json:"reason,omitempty"`
	// Because is the requirement whose failure leaves this one open.
	Because string `json:"because,omitempty"`
}

// New states what a report says; text is the report.json that it was read from. The error is ErrReport where the image has
// no manifest digest, where no type of function was selected, where the verdict is inconclusive, and where the report
// contradicts itself.
func New(r report.Report, text []byte) (Statement, error) {
	if err := signable(r); err != nil {
		return Statement{}, err
	}
	certification := certificationOf(r, text)
	configuration, err := configurationOf(certification)
	if err != nil {
		return Statement{}, err
	}
	s := Statement{
		Type: StatementType, PredicateType: PredicateType,
		Subject: []Subject{{Name: subjectName(r.Image), Digest: map[string]string{"sha256": strings.TrimPrefix(r.Image.Digest, "sha256:")}}},
		Predicate: Predicate{
			Result: resultOf(r.Verdict), Configuration: configuration, Certification: certification,
			PassedTests: certification.tests(report.Pass), WarnedTests: certification.tests(report.Warn, report.Waived),
			FailedTests: certification.tests(report.Fail),
		},
	}
	if fault := certification.fault(); fault != "" {
		return Statement{}, refuse(ErrReport, "%s; certify the image again, and report a bug of scfcert if that says the same", fault)
	}
	return s, nil
}

// signable refuses what no statement can be made about.
func signable(r report.Report) error {
	switch {
	case r.Image.Source == string(image.FromProcess):
		return refuse(ErrReport, "the built-in sample is no image of yours; certify an image with --image")
	case r.Image.DigestKind != "manifest":
		return refuse(ErrReport, "the image has no manifest digest by which others could know it; push it and certify it as registry:NAME, or certify an OCI layout as oci:DIR")
	case !isDigest(r.Image.Digest):
		return refuse(ErrReport, "the image's digest %s is no sha256 digest; push the image again with one", shown(r.Image.Digest))
	case r.Function.Type != requirement.Event && r.Function.Type != requirement.HTTP:
		return refuse(ErrReport, "the run was of type %s, which certifies the image for no type of function; certify it again with --type event or --type http", shown(r.Function.Type))
	case r.Fault != "":
		return refuse(ErrReport, "the run had a fault of ours (%s); certify the image again", shown(r.Fault))
	case resultOf(r.Verdict) == "":
		return refuse(ErrReport, "the verdict is %s, which states nothing; remove what kept the run from assessing the image and certify it again", shown(string(r.Verdict)))
	}
	return nil
}

// resultOf is a verdict as a result; empty for a verdict that states nothing.
func resultOf(v report.Verdict) Result {
	switch v {
	case report.Conformant:
		return Passed
	case report.WithWaivers:
		return Warned
	case report.NonConformant:
		return Failed
	default:
		return ""
	}
}

func certificationOf(r report.Report, text []byte) *Certification {
	sum := sha256.Sum256(text)
	c := &Certification{
		Contract: r.Contract, Tool: r.Tool, Verdict: r.Verdict, Readings: map[string]string{}, Enforcement: r.Engine.Enforcement,
		Function: Function{
			Type: r.Function.Type, MemoryMB: r.Function.MemoryMB,
			TimeoutSeconds: r.Function.TimeoutSeconds, InitTimeoutSeconds: r.Function.InitTimeoutSeconds,
		},
		Image: Image{
			Architecture: r.Image.Architecture, CompressedBytes: r.Image.CompressedBytes,
			Estimated: r.Image.Estimated, UncompressedBytes: r.Image.UncompressedBytes,
		},
		Waivers: append([]report.Waiver{}, r.Waivers...), Requirements: []Requirement{},
		StartedAt: r.StartedAt.UTC(), FinishedAt: r.FinishedAt.UTC(),
		ReportDigest: map[string]string{"sha256": hex.EncodeToString(sum[:])},
	}
	maps.Copy(c.Readings, r.Readings)
	for _, q := range r.Requirements {
		c.Requirements = append(c.Requirements, Requirement{ID: q.ID, Level: q.Level, Subject: q.Subject, Outcome: q.Outcome, Reason: q.Reason, Because: q.Because})
	}
	return c
}

// configurationOf describes what was certified against, and how.
func configurationOf(c *Certification) ([]ResourceDescriptor, error) {
	function, err := document("function", c.Function)
	if err != nil {
		return nil, err
	}
	readings, err := document("readings", c.Readings)
	if err != nil {
		return nil, err
	}
	return []ResourceDescriptor{{Name: "contract", URI: ContractURI + "/" + url.PathEscape(c.Contract.Name) + "/" + url.PathEscape(c.Contract.Version)}, function, readings}, nil
}

// document describes a value by its JSON.
func document(called string, value any) (ResourceDescriptor, error) {
	content, err := encode(value)
	if err != nil {
		return ResourceDescriptor{}, fmt.Errorf("%w: %s: %w", ErrReport, called, err)
	}
	sum := sha256.Sum256(content)
	return ResourceDescriptor{Name: called, MediaType: "application/json", Content: content, Digest: map[string]string{"sha256": hex.EncodeToString(sum[:])}}, nil
}

// encode writes JSON on one line.
func encode(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the callers
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// subjectName is the image's name without source, tag, digest and credentials. It is "_", in-toto's word for none, where
// the image has only a path or an id on this machine.
func subjectName(i report.Image) string {
	const none = "_"
	text := withoutCredentials(i.Reference)
	if i.Source == string(image.FromLayout) || i.Source == string(image.FromArchive) || strings.HasPrefix(text, "oci:") || strings.HasPrefix(text, "tar:") {
		return none
	}
	ref, err := image.ParseReference(text)
	if err != nil {
		return none
	}
	if _, err := name.ParseReference(ref.Name); err != nil || strings.HasPrefix(ref.Name, "sha256:") {
		return none
	}
	plain, _, _ := strings.Cut(ref.Name, "@")
	if at := strings.LastIndexByte(plain, ':'); at > strings.LastIndexByte(plain, '/') {
		plain = plain[:at]
	}
	return plain
}

// withoutCredentials takes SCHEME:// and USER:PASSWORD@ off a reference.
func withoutCredentials(reference string) string {
	source := ""
	for _, prefix := range []string{"engine:", "registry:"} {
		if rest, ok := strings.CutPrefix(reference, prefix); ok && strings.Contains(rest, "@") {
			source, reference = prefix, rest
		}
	}
	if _, rest, ok := strings.Cut(reference, "://"); ok {
		reference = rest
	}
	host, path, ok := strings.Cut(reference, "/")
	if !ok {
		return source + reference
	}
	return source + host[strings.LastIndexByte(host, '@')+1:] + "/" + path
}

// isDigest tells a sha256 digest in its only spelling.
func isDigest(text string) bool {
	digits, ok := strings.CutPrefix(text, "sha256:")
	return ok && isHash(digits)
}

func isHash(text string) bool {
	return len(text) == hex.EncodedLen(sha256.Size) && strings.Trim(text, "0123456789abcdef") == ""
}
