// Package compare tells what changed between the certifications of an old and of a new image.
//
// In come reports, one or more repeated samples of each side; out comes a Comparison and its texts. It reads no file and
// runs nothing. Rule.Text states how numbers are judged.
package compare

import (
	"errors"
	"slices"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

// SchemaVersion of the JSON form. Fields are added, never renamed.
const SchemaVersion = "1"

// Errors of Compare.
var (
	// ErrIncomparable means that the reports do not belong beside each other.
	ErrIncomparable = errors.New("reports cannot be compared")
	// ErrOptions means that an option is outside its range.
	ErrOptions = errors.New("wrong option")
)

// Options configures Compare. Zero values mean the defaults.
type Options struct {
	// Alpha is how likely one false alarm or more over all noisy numbers of a comparison may be, in (0, 1); 0.01.
	Alpha float64
	// MinChange is the least relative change of a number that counts, of the smaller median, in (0, 10]; 0.05.
	MinChange float64
	// MinSamples is how many values a side needs before a noisy number is judged, 2 to MaxSamples; 5.
	MinSamples int
}

// MaxSamples is how many reports a side may hold.
const MaxSamples = 500

// Kind is what became of a verdict or of a requirement.
type Kind string

// The kinds. Those of a comparison the other way round are: worse for better, newly for no longer, and the rest as it is.
const (
	Worse          Kind = "worse"
	Better         Kind = "better"
	ReasonChanged  Kind = "reason-changed"   // still broken or still open, for another reason
	NewlyOpen      Kind = "newly-open"       // could be assessed, and cannot any more
	NoLongerOpen   Kind = "no-longer-open"   // could not be assessed, and now is
	NewlyJudged    Kind = "newly-judged"     // was not applicable or not in the catalogue
	NoLongerJudged Kind = "no-longer-judged" // is not applicable or not in the catalogue any more
	Unstable       Kind = "unstable"         // differs between the samples of one side
)

// Severity is how much a change weighs.
type Severity string

// The severities. Error and Warning are regressions.
const (
	Error   Severity = "error"   // a MUST or a verdict got worse
	Warning Severity = "warning" // a SHOULD or a number got worse
	None    Severity = "none"
)

// Regression tells whether a change of this severity is one.
func (s Severity) Regression() bool { return s == Error || s == Warning }

// Comparison is what changed.
type Comparison struct {
	SchemaVersion string          `json:"schemaVersion"`
	Contract      report.Contract `json:"contract"`
	Old           Side            `json:"old"`
	New           Side            `json:"new"`
	Summary       Summary         `json:"summary"`
	// Verdicts holds those that differ, Requirements likewise in the order of the catalogue.
	Verdicts     []VerdictChange `json:"verdicts"`
	Requirements []Change        `json:"requirements"`
	// Numbers holds every number, whether it changed or not.
	Numbers []Number `json:"numbers"`
	Rule    Rule     `json:"rule"`
	// Notes tell what makes the comparison weaker.
	Notes []diagnose.Text `json:"notes"`
}

// Side is one of the two images.
type Side struct {
	Reference  string `json:"reference"`
	Digest     string `json:"digest"`
	DigestKind string `json:"digestKind"`
	Samples    int    `json:"samples"`
	// Verdict is that of all samples, or "unstable".
	Verdict string `json:"verdict"`
}

// Summary counts regressions.
type Summary struct {
	Regression bool `json:"regression"`
	// Inconclusive tells that a side could not be judged, or that its samples differ in a MUST: the absence of regressions
	// means little then.
	Inconclusive bool `json:"inconclusive"`
	Verdicts     int  `json:"verdicts"`
	Must         int  `json:"must"`
	Should       int  `json:"should"`
	Numbers      int  `json:"numbers"`
}

// VerdictChange is a verdict that differs: overall, event or http.
type VerdictChange struct {
	Name     string   `json:"name"`
	Kind     Kind     `json:"kind"`
	Severity Severity `json:"severity"`
	Old      []string `json:"old"` // each verdict of the samples once
	New      []string `json:"new"`
}

// Change is a requirement that differs.
type Change struct {
	ID       string              `json:"id"`
	Title    diagnose.Text       `json:"title"`
	Level    requirement.Level   `json:"level"`
	Subject  requirement.Subject `json:"subject"`
	Kind     Kind                `json:"kind"`
	Severity Severity            `json:"severity"`
	Old      Held                `json:"old"`
	New      Held                `json:"new"`
}

// Held is what a side says of one requirement.
type Held struct {
	// Outcomes counts the samples by outcome; it is empty where the side does not have the requirement.
	Outcomes map[report.Outcome]int `json:"outcomes"`
	// Reasons are the reason codes, or the requirements that leave it open, each once, sorted.
	Reasons []string `json:"reasons"`
	// Found is what the first sample of the worst outcome found.
	Found *diagnose.Text `json:"found,omitempty"`
}

// Regression tells whether something got worse that counts; the caller's exit code is 1 then.
func (c Comparison) Regression() bool { return c.Summary.Regression }

// Inconclusive tells that a side could not be judged as a whole; the caller's exit code is 2 then, if it is not 1.
func (c Comparison) Inconclusive() bool { return c.Summary.Inconclusive }

// Compare tells what changed from the old image to the new one. Each side is the reports of one image, best taken in turns
// on one machine. The error is ErrIncomparable or ErrOptions.
func Compare(before, after []report.Report, opts Options) (Comparison, error) {
	opts, err := opts.complete()
	if err != nil {
		return Comparison{}, err
	}
	if err := belongTogether(before, after); err != nil {
		return Comparison{}, err
	}
	c := Comparison{
		SchemaVersion: SchemaVersion, Contract: before[0].Contract, Old: side(before), New: side(after),
		Verdicts: verdicts(before, after), Requirements: requirements(before, after),
	}
	c.Numbers, c.Rule = numbers(before, after, opts)
	c.Notes = notes(before, after, c)
	c.Summary = summary(c)
	return c, nil
}

func side(samples []report.Report) Side {
	image := samples[0].Image
	for _, r := range samples { // a sample that failed early has no digest
		if r.Image.Digest != "" {
			image = r.Image
			break
		}
	}
	s := Side{Reference: image.Reference, Digest: image.Digest, DigestKind: image.DigestKind, Samples: len(samples), Verdict: string(Unstable)}
	if seen := overall.seen(samples); len(seen.outcomes()) == 1 {
		s.Verdict = seen.words()[0]
	}
	return s
}

func summary(c Comparison) Summary {
	open := func(s Side) bool { // an unstable one too
		_, judged := rank(outcomeOf(report.Verdict(s.Verdict)))
		return !judged
	}
	unstable := slices.ContainsFunc(c.Requirements, func(q Change) bool {
		return q.Kind == Unstable && q.Level == requirement.Must && q.Subject != requirement.Platform && len(q.New.Outcomes) > 1
	})
	s := Summary{Inconclusive: open(c.Old) || open(c.New) || unstable}
	for _, v := range c.Verdicts {
		s.Verdicts += count(v.Severity)
	}
	for _, q := range c.Requirements {
		switch q.Severity {
		case Error:
			s.Must++
		case Warning:
			s.Should++
		case None:
		}
	}
	for _, n := range c.Numbers {
		s.Numbers += count(n.Severity)
	}
	s.Regression = s.Verdicts+s.Must+s.Should+s.Numbers > 0
	return s
}

func count(s Severity) int {
	if s.Regression() {
		return 1
	}
	return 0
}
