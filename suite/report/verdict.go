package report

import (
	"slices"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/requirement"
)

// Verdict is the result of a certification in one word.
type Verdict string

// The verdicts.
const (
	Conformant    Verdict = "conformant"
	WithWaivers   Verdict = "conformant-with-waivers"
	NonConformant Verdict = "non-conformant"
	Inconclusive  Verdict = "inconclusive"
	NotSelected   Verdict = "not-selected" // of a type only
)

// Exit codes of the binary.
const (
	ExitConformant    = 0
	ExitNonConformant = 1
	ExitInconclusive  = 2
	ExitUsage         = 64
)

// ExitCode is the binary's exit code for a verdict.
func (v Verdict) ExitCode() int {
	switch v {
	case Conformant, WithWaivers:
		return ExitConformant
	case NonConformant:
		return ExitNonConformant
	default:
		return ExitInconclusive
	}
}

// Conclude fills in verdicts and root causes from the requirements. Types are those that were selected.
func (r *Report) Conclude(types []string) {
	decide := func(kind string) Verdict {
		if !slices.Contains(types, kind) {
			return NotSelected
		}
		return decideFor(kind, r.Requirements)
	}
	r.Verdicts = Verdicts{Event: decide(requirement.Event), HTTP: decide(requirement.HTTP)}
	r.Verdict = better(r.Verdicts.Event, r.Verdicts.HTTP)
	if r.Fault != "" {
		r.Verdict = Inconclusive
	}
	r.CollapseCauses()
}

// CollapseCauses fills in the root causes from the requirements alone.
func (r *Report) CollapseCauses() { r.RootCauses = rootCauses(r.Requirements) }

// decideFor judges one function type. Conformant is only what was assessed from the first requirement to the last.
func decideFor(kind string, requirements []Requirement) Verdict {
	assessed, failed, open := false, false, false
	for _, q := range requirements {
		if q.Level != requirement.Must || !slices.Contains(q.Types, kind) {
			continue
		}
		switch q.Outcome {
		case Pass:
			assessed = assessed || q.Subject == requirement.Image
		case Fail:
			if q.Subject == requirement.Platform {
				open = true // our own fault: what it says of the image is not sure
				continue
			}
			failed = true
		case NotAssessed:
			open = open || q.Because == ""
		case Warn, NotApplicable, Waived:
		}
	}
	switch {
	case failed:
		return NonConformant
	case open || !assessed:
		return Inconclusive
	default:
		return Conformant
	}
}

// better is the better of two verdicts: an image certified for either type is conformant.
func better(a, b Verdict) Verdict {
	order := []Verdict{Conformant, WithWaivers, NonConformant, Inconclusive, NotSelected}
	best := order[min(slices.Index(order, a), slices.Index(order, b))]
	if best == NonConformant && (a == Inconclusive || b == Inconclusive) {
		return Inconclusive // the open one might have been better
	}
	if best == NotSelected {
		return Inconclusive
	}
	return best
}

// rootCauses collapses failures and what they leave open: one broken thing is one message.
func rootCauses(requirements []Requirement) []RootCause {
	causes := []RootCause{}
	for _, q := range requirements {
		if q.Outcome != Fail && q.Outcome != Warn {
			continue
		}
		reason, ok := diagnose.ReasonOf(q.Reason)
		if !ok {
			continue
		}
		cause := RootCause{Requirement: q.ID, Reason: q.Reason, Summary: reason.Summary, Fix: reason.Fix, Blocks: []string{}}
		for _, other := range requirements {
			if other.Because == q.ID {
				cause.Blocks = append(cause.Blocks, other.ID)
			}
		}
		causes = append(causes, cause)
	}
	return causes
}
