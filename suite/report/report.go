// Package report is the product's record of a certification, and its writers.
//
// In come the runner's findings; out come a Report, report.json and every other format, which are all drawn from it.
// The schema is versioned: fields are added, never renamed. It is the one of design.md, "The report".
package report

import (
	"time"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/requirement"
)

// SchemaVersion of report.json.
const SchemaVersion = "1"

// Outcome is what became of one requirement.
type Outcome string

// The outcomes.
const (
	Pass          Outcome = "pass"
	Fail          Outcome = "fail"
	Warn          Outcome = "warn" // a SHOULD that does not hold
	NotAssessed   Outcome = "not-assessed"
	NotApplicable Outcome = "not-applicable"
	Waived        Outcome = "waived"
)

// Report is the whole record.
type Report struct {
	SchemaVersion string            `json:"schemaVersion"`
	Tool          Tool              `json:"tool"`
	Contract      Contract          `json:"contract"`
	Readings      map[string]string `json:"readings"` // only those that differ from the default
	Image         Image             `json:"image"`
	Function      Function          `json:"function"`
	Engine        Engine            `json:"engine"`
	Probe         bool              `json:"probe"` // requirements on the image were seen from inside
	StartedAt     time.Time         `json:"startedAt"`
	FinishedAt    time.Time         `json:"finishedAt"`
	DurationMS    int64             `json:"durationMs"`
	Verdict       Verdict           `json:"verdict"`
	Verdicts      Verdicts          `json:"verdicts"`
	// Fault tells why we could not assess, and FaultReason its reason code; empty otherwise.
	Fault       string        `json:"fault,omitempty"`
	FaultReason diagnose.Code `json:"faultReason,omitempty"`
	// LeftBehind tells what could not be removed from the engine; empty otherwise.
	LeftBehind   string           `json:"leftBehind,omitempty"`
	Requirements []Requirement    `json:"requirements"`
	RootCauses   []RootCause      `json:"rootCauses"`
	Margins      []Margin         `json:"margins"`
	Timings      map[string]int64 `json:"timings"` // milliseconds, by name
	Waivers      []Waiver         `json:"waivers"`
}

// Tool is what made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Commit  string `json:"commit"`
}

// Contract is what was certified against.
type Contract struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Basis   string `json:"basis"`
}

// Image is what was certified.
type Image struct {
	Reference         string   `json:"reference"`
	Source            string   `json:"source"` // engine, registry, oci-layout, tar or built-in
	Digest            string   `json:"digest"`
	DigestKind        string   `json:"digestKind"` // manifest or config
	MediaType         string   `json:"mediaType"`
	Architecture      string   `json:"architecture"`
	CompressedBytes   int64    `json:"compressedBytes"`
	Estimated         bool     `json:"compressedBytesEstimated"`
	UncompressedBytes int64    `json:"uncompressedBytes"`
	Command           []string `json:"command"`
	Args              []string `json:"args"`
	BlobsTransferred  int      `json:"blobsTransferred"`
}

// Function is how it was deployed.
type Function struct {
	Type               string   `json:"type"`
	MemoryMB           int      `json:"memoryMB"`
	TimeoutSeconds     int      `json:"timeoutSeconds"`
	InitTimeoutSeconds int      `json:"initTimeoutSeconds"`
	Environment        []string `json:"environment"` // names only
}

// Engine is where it ran.
type Engine struct {
	Name        string      `json:"name"`
	Version     string      `json:"version"`
	Enforcement Enforcement `json:"enforcement"`
}

// Enforcement tells how hard each limit was: hard, soft or none.
type Enforcement struct {
	Tmp    string `json:"tmp"`
	Rootfs string `json:"rootfs"`
	Memory string `json:"memory"`
	CPU    string `json:"cpu"`
}

// Verdicts are those of the two types.
type Verdicts struct {
	Event Verdict `json:"event"`
	HTTP  Verdict `json:"http"`
}

// Requirement is what became of one requirement.
type Requirement struct {
	ID       string               `json:"id"`
	Title    diagnose.Text        `json:"title"`
	Level    requirement.Level    `json:"level"`
	Subject  requirement.Subject  `json:"subject"`
	Observed requirement.Observed `json:"observed"`
	Types    []string             `json:"types"`
	Outcome  Outcome              `json:"outcome"`
	Reason   diagnose.Code        `json:"reason,omitempty"`
	Found    *diagnose.Text       `json:"found,omitempty"`
	Required *diagnose.Text       `json:"required,omitempty"`
	Fix      *diagnose.Text       `json:"fix,omitempty"`
	// AlsoPossible are other causes that the evidence does not rule out.
	AlsoPossible []diagnose.Code `json:"alsoPossible,omitempty"`
	// Because is the requirement whose failure leaves this one open.
	Because    string         `json:"because,omitempty"`
	Clause     string         `json:"clause"`
	DurationMS int64          `json:"durationMs"`
	Evidence   map[string]any `json:"evidence,omitempty"`
}

// RootCause is one broken thing with all that it leaves open.
type RootCause struct {
	Requirement string        `json:"requirement"`
	Reason      diagnose.Code `json:"reason"`
	Summary     diagnose.Text `json:"summary"`
	Fix         diagnose.Text `json:"fix"`
	Blocks      []string      `json:"blocks"`
	// Waived tells that somebody answers for it; the report's Waivers tell who.
	Waived bool `json:"waived,omitempty"`
}

// Margin is how much of a limit was used.
type Margin struct {
	Name  string  `json:"name"`
	Used  float64 `json:"used"`
	Limit float64 `json:"limit"`
	Unit  string  `json:"unit"`
}

// Waiver is a failure that somebody answers for.
type Waiver struct {
	Requirement   string        `json:"requirement"`
	Reason        diagnose.Code `json:"reason"`
	Justification string        `json:"justification"`
	Owner         string        `json:"owner"`
	Expires       string        `json:"expires"` // the last day on which it holds, in UTC: 2027-01-31
	// Covers are the requirements that the waived failure leaves open, and which do not count against the verdict.
	Covers []string `json:"covers,omitempty"`
}
