package report

import (
	"cmp"
	"io"
	"path"
	"slices"
	"time"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// OverviewVersion is the version of matrix.json's form. Members may be added to it; none changes its meaning.
const OverviewVersion = "1"

// Overview is many certifications at a glance.
type Overview struct {
	SchemaVersion string        `json:"schemaVersion"`
	Tool          Tool          `json:"tool"`
	StartedAt     time.Time     `json:"startedAt"`
	FinishedAt    time.Time     `json:"finishedAt"`
	Images        []string      `json:"images"`   // names
	Variants      []string      `json:"variants"` // names; one that is empty where there are none
	Runs          []OverviewRun `json:"runs"`     // each image in each variant
}

// RunState tells where the entry of a run comes from.
type RunState string

// The states of a run.
const (
	RunEnded RunState = "ended"
	RunKept  RunState = "kept"    // certified by an earlier call
	NotRun   RunState = "not-run" // interrupted before it began, or there was no engine
)

// OverviewRun is one certification.
type OverviewRun struct {
	Image   string   `json:"image"`
	Variant string   `json:"variant"`
	State   RunState `json:"state"`
	// Alone tells that nothing else was certified beside it, and Again that it was certified a second time to make sure.
	Alone bool `json:"alone"`
	Again bool `json:"again"`
	// Folder holds the report, relative to the overview; empty if there is none.
	Folder string `json:"folder,omitempty"`
	// Error tells why there is no report, or why it does not count.
	Error string `json:"error,omitempty"`

	Reference         string           `json:"reference"`
	Digest            string           `json:"digest"`
	DigestKind        string           `json:"digestKind"`
	CompressedBytes   int64            `json:"compressedBytes"`
	UncompressedBytes int64            `json:"uncompressedBytes"`
	Function          Function         `json:"function"`
	ContractVersion   string           `json:"contractVersion"`
	DurationMS        int64            `json:"durationMs"`
	Verdict           Verdict          `json:"verdict"`
	Verdicts          Verdicts         `json:"verdicts"`
	Fault             string           `json:"fault,omitempty"`
	Findings          []Finding        `json:"findings"` // root causes that are not waived, and warnings
	Waived            []Finding        `json:"waived"`
	Open              int              `json:"open"` // requirements that could not be assessed
	Margins           []Margin         `json:"margins"`
	Timings           map[string]int64 `json:"timings"` // milliseconds, by name
}

// Finding is a requirement that does not hold.
type Finding struct {
	Requirement string        `json:"requirement"`
	Reason      diagnose.Code `json:"reason"`
	Outcome     Outcome       `json:"outcome"`
}

// Summarize fills in an entry from its report.
func Summarize(into OverviewRun, r Report) OverviewRun {
	r = complete(r)
	into.Reference, into.Digest, into.DigestKind = r.Image.Reference, r.Image.Digest, r.Image.DigestKind
	into.CompressedBytes, into.UncompressedBytes = r.Image.CompressedBytes, r.Image.UncompressedBytes
	into.Function, into.ContractVersion, into.DurationMS = r.Function, r.Contract.Version, r.DurationMS
	into.Verdict, into.Verdicts, into.Fault = r.Verdict, r.Verdicts, r.Fault
	into.Margins, into.Timings = r.Margins, r.Timings
	for _, q := range r.Requirements {
		f := Finding{q.ID, q.Reason, q.Outcome}
		switch q.Outcome {
		case Fail, Warn:
			into.Findings = append(into.Findings, f)
		case Waived:
			into.Waived = append(into.Waived, f)
		case NotAssessed:
			into.Open++
		case Pass, NotApplicable:
		}
	}
	if r.SchemaVersion != "" {
		into.Folder = into.Name()
	}
	return into
}

// Name is the run's name: IMAGE or IMAGE/VARIANT.
func (r *OverviewRun) Name() string { return path.Join(r.Image, r.Variant) }

// ExitCode is the binary's exit code: that of the worst verdict, where what is broken goes before what could not be
// assessed. Where there is no run nothing was.
func (o *Overview) ExitCode() int {
	if len(o.Runs) == 0 {
		return ExitInconclusive
	}
	code := ExitConformant
	for _, r := range o.Runs {
		switch c := r.exitCode(); {
		case c == ExitNonConformant:
			return c
		case c != ExitConformant:
			code = c
		}
	}
	return code
}

func (r *OverviewRun) exitCode() int {
	if r.Error != "" || r.State == NotRun {
		return ExitInconclusive
	}
	return r.Verdict.ExitCode()
}

// OverviewFiles are the files that SaveOverview writes, by their names.
func OverviewFiles() map[string]func(io.Writer, Overview) error {
	return map[string]func(io.Writer, Overview) error{
		"matrix.json": WriteOverviewJSON, "matrix.html": WriteOverviewHTML,
		"matrix.md": func(w io.Writer, o Overview) error { return WriteOverviewMarkdown(w, o, MarkdownOptions{}) },
	}
}

// SaveOverview writes matrix.json, matrix.md and matrix.html into the folder. Each file appears whole or not at all. The
// error is ErrFolder.
func SaveOverview(dir string, o Overview) error {
	return saveAll(dir, OverviewFiles(), o)
}

// WriteOverviewJSON writes matrix.json. Lists and mappings are never null.
func WriteOverviewJSON(w io.Writer, o Overview) error {
	o.Images, o.Variants, o.Runs = list(o.Images), list(o.Variants), list(slices.Clone(o.Runs))
	for n := range o.Runs {
		r := &o.Runs[n]
		r.Function.Environment, r.Findings, r.Waived, r.Margins, r.Timings = list(r.Function.Environment), list(r.Findings), list(r.Waived), list(r.Margins), mapping(r.Timings)
	}
	return writeJSON(w, o)
}

// broken is one reason, and the runs in which it was found.
type broken struct {
	Finding

	Runs []string
}

// broken gathers findings over runs: failures first, then what concerns most runs.
func (o *Overview) broken() []broken {
	var all []broken
	for _, r := range o.Runs {
		for _, f := range append(slices.Clone(r.Findings), r.Waived...) {
			at := slices.IndexFunc(all, func(b broken) bool { return b.Finding == f })
			if at < 0 {
				at = len(all)
				all = append(all, broken{Finding: f})
			}
			all[at].Runs = append(all[at].Runs, r.Name())
		}
	}
	slices.SortStableFunc(all, func(a, b broken) int {
		return cmp.Or(cmp.Compare(slices.Index(outcomes(), a.Outcome), slices.Index(outcomes(), b.Outcome)), cmp.Compare(len(b.Runs), len(a.Runs)))
	})
	return all
}

// run finds the entry of an image in a variant.
func (o *Overview) run(image, variant string) *OverviewRun {
	at := slices.IndexFunc(o.Runs, func(r OverviewRun) bool { return r.Image == image && r.Variant == variant })
	if at < 0 {
		return nil
	}
	return &o.Runs[at]
}

// figures are what a run used, ready to be read; dashes where nothing is known.
type figures struct{ Size, ColdStart, Memory, Took string }

func (r *OverviewRun) figures() figures {
	f := figures{"–", "–", "–", "–"}
	if r.UncompressedBytes > 0 {
		f.Size = bytesText(float64(r.UncompressedBytes))
	}
	if ms, ok := r.Timings["coldStartMs"]; ok {
		f.ColdStart = milliseconds(ms)
	}
	for _, m := range r.Margins {
		if m.Name == "memory" {
			f.Memory = amount(m.Used, m.Unit) + " / " + amount(m.Limit, m.Unit)
		}
	}
	if r.DurationMS > 0 {
		f.Took = milliseconds(r.DurationMS)
	}
	return f
}

// outcome is the sign of a run's verdict.
func (r *OverviewRun) outcome() Outcome {
	switch {
	case r.State == NotRun:
		return NotApplicable
	case r.Error != "":
		return NotAssessed
	default:
		return verdictOutcome(r.Verdict)
	}
}
