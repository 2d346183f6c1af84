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

// Reconclude draws the conclusion anew after failures became Waived. What is conformant already keeps its verdicts: a
// waiver makes nothing worse, and of the type that the image is not nothing is left to judge.
func (r *Report) Reconclude() {
	if r.Verdict.ExitCode() != ExitConformant {
		r.Conclude(r.selected())
		r.ForgiveOtherType()
		return
	}
	r.CollapseCauses()
}

// selected are the types that the verdicts tell to have been selected.
func (r *Report) selected() []string {
	var types []string
	for kind, verdict := range map[string]Verdict{requirement.Event: r.Verdicts.Event, requirement.HTTP: r.Verdicts.HTTP} {
		if verdict != NotSelected {
			types = append(types, kind)
		}
	}
	return types
}

// ForgiveOtherType takes the failures of the type that the image is not out of a report that conforms for the other one:
// nobody said that it was of that type. The verdict of that type stays. Where one type only was selected there is nothing
// to forgive.
func (r *Report) ForgiveOtherType() {
	if r.Verdict.ExitCode() != ExitConformant {
		return
	}
	verdicts := map[string]Verdict{requirement.Event: r.Verdicts.Event, requirement.HTTP: r.Verdicts.HTTP}
	for n := range r.Requirements {
		q := &r.Requirements[n]
		if len(q.Types) == 1 && verdicts[q.Types[0]].ExitCode() != ExitConformant && (q.Outcome == Fail || q.Outcome == NotAssessed) {
			q.Outcome, q.Because = NotApplicable, ""
		}
	}
	r.CollapseCauses()
}

// CollapseCauses fills in the root causes from the requirements alone.
func (r *Report) CollapseCauses() { r.RootCauses = rootCauses(r.Requirements) }

// decideFor judges one function type. Conformant is only what was assessed from the first requirement to the last. With
// waivers it may have failures that are waived, and what could not be assessed because of these; whatever else is open
// stays open.
func decideFor(kind string, requirements []Requirement) Verdict {
	covered := waivedIDs(requirements)
	seen := map[weight]bool{}
	for _, q := range requirements {
		if q.Level == requirement.Must && slices.Contains(q.Types, kind) {
			seen[weigh(q, covered)] = true
		}
	}
	switch {
	case seen[failed]:
		return NonConformant
	case seen[open] || !seen[assessed]:
		return Inconclusive
	case seen[waived]:
		return WithWaivers
	default:
		return Conformant
	}
}

// weight is how a requirement counts in a verdict.
type weight int

const (
	nothing weight = iota
	assessed
	failed
	open
	waived
)

// weigh tells how a MUST counts; covered are the requirements whose failures are waived.
func weigh(q Requirement, covered map[string]bool) weight {
	switch {
	case q.Subject == requirement.Platform:
		if q.Outcome == Fail || q.Outcome == Waived || q.Outcome == NotAssessed {
			return open // our own fault: what it says of the image is not sure
		}
		return nothing
	case q.Outcome == Pass:
		return assessed
	case q.Outcome == Fail:
		return failed
	case q.Outcome == Waived, q.Outcome == NotAssessed && covered[q.Because]:
		return waived
	case q.Outcome == NotApplicable:
		return nothing
	default: // not assessed, or something that there is not
		return open
	}
}

// waivedIDs are the requirements whose failures are waived.
func waivedIDs(requirements []Requirement) map[string]bool {
	ids := map[string]bool{}
	for _, q := range requirements {
		if q.Outcome == Waived {
			ids[q.ID] = true
		}
	}
	return ids
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
		if q.Outcome != Fail && q.Outcome != Warn && q.Outcome != Waived {
			continue
		}
		reason, ok := diagnose.ReasonOf(q.Reason)
		if !ok {
			continue
		}
		cause := RootCause{Requirement: q.ID, Reason: q.Reason, Summary: reason.Summary, Fix: reason.Fix, Blocks: []string{}, Waived: q.Outcome == Waived}
		for _, other := range requirements {
			if other.Because == q.ID {
				cause.Blocks = append(cause.Blocks, other.ID)
			}
		}
		causes = append(causes, cause)
	}
	return causes
}
