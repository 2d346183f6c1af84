package compare

import (
	"maps"
	"slices"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

// seen is what the samples of a side say of one thing, in their order.
type seen []report.Requirement

// decided leaves out the samples that could not assess the thing by no fault of the image, if another one could.
func (s seen) decided() seen {
	assessed := seen{}
	for _, q := range s {
		if q.Outcome != report.NotAssessed || q.Because != "" {
			assessed = append(assessed, q)
		}
	}
	if len(assessed) == 0 {
		return s
	}
	return assessed
}

func (s seen) outcomes() map[report.Outcome]int {
	counts := map[report.Outcome]int{}
	for _, q := range s.decided() {
		counts[q.Outcome]++
	}
	return counts
}

// reasons are the codes, or what leaves the thing open.
func (s seen) reasons() []string {
	set := map[string]bool{}
	for _, q := range s.decided() {
		switch {
		case q.Because != "":
			set[q.Because] = true
		case q.Reason != "":
			set[string(q.Reason)] = true
		}
	}
	return append([]string{}, slices.Sorted(maps.Keys(set))...)
}

// one is the outcome of all samples. A thing that no sample has counts as not applicable.
func (s seen) one() (report.Outcome, bool) {
	counts := s.outcomes()
	if len(counts) == 0 {
		return report.NotApplicable, true
	}
	for outcome := range counts {
		return outcome, len(counts) == 1
	}
	return "", false
}

// rank orders the outcomes that are judged, the best first. Others have none.
func rank(outcome report.Outcome) (int, bool) {
	n := slices.Index([]report.Outcome{report.Pass, report.Waived, report.Warn, report.Fail}, outcome)
	return n, n >= 0
}

// became tells what changed in a thing, if anything did.
func became(before, after seen) (Kind, bool) {
	old, stable := before.one()
	now, stableNow := after.one()
	_, wasJudged := rank(old)
	_, isJudged := rank(now)
	switch {
	case !stable && stableNow && now == report.Fail: // it failed in some samples, and in all of them now
		return Worse, true
	case !stableNow && stable && old == report.Fail:
		return Better, true
	case !stable || !stableNow:
		return Unstable, true
	case old == now:
		return otherReason(before.reasons(), after.reasons())
	case now == report.NotAssessed:
		return NewlyOpen, true
	case old == report.NotAssessed:
		return NoLongerOpen, true
	case !isJudged:
		return NoLongerJudged, wasJudged
	case !wasJudged:
		return NewlyJudged, true
	}
	return direction(old, now), true
}

func direction(old, now report.Outcome) Kind {
	was, _ := rank(old)
	is, _ := rank(now)
	if is > was {
		return Worse
	}
	return Better
}

// otherReason compares the reasons of one outcome. Those that differ between samples of one side tell nothing.
func otherReason(before, after []string) (Kind, bool) {
	switch {
	case slices.Equal(before, after):
		return "", false
	case len(before) > 1 || len(after) > 1:
		return Unstable, true
	default:
		return ReasonChanged, true
	}
}

// requirements are those that differ: the new side's in its order, then those that only the old side has.
func requirements(before, after []report.Report) []Change {
	earlier, later := byID(before), byID(after)
	changes := []Change{}
	for _, id := range ids(after, before) {
		was, is := earlier[id], later[id]
		kind, changed := became(was, is)
		if !changed {
			continue
		}
		about := slices.Concat(is, was)
		c := Change{ID: id, Title: about[0].Title, Level: strictest(about), Subject: about[0].Subject, Kind: kind, Old: was.held(), New: is.held()}
		c.Severity = weigh(c, is)
		changes = append(changes, c)
	}
	return changes
}

// ids are those of all requirements, each once.
func ids(sides ...[]report.Report) []string {
	met, order := map[string]bool{}, []string{}
	for _, samples := range sides {
		for _, r := range samples {
			for _, q := range r.Requirements {
				if !met[q.ID] {
					met[q.ID] = true
					order = append(order, q.ID)
				}
			}
		}
	}
	return order
}

// byID gathers what the samples say. Of two entries with one id in a report the first counts.
func byID(samples []report.Report) map[string]seen {
	all := map[string]seen{}
	for _, r := range samples {
		met := map[string]bool{}
		for _, q := range r.Requirements {
			if !met[q.ID] {
				met[q.ID] = true
				all[q.ID] = append(all[q.ID], q)
			}
		}
	}
	return all
}

// strictest is the level, the stricter one where a new version of the tool changed it.
func strictest(about []report.Requirement) requirement.Level {
	for _, level := range []requirement.Level{requirement.Must, requirement.Should} {
		if slices.ContainsFunc(about, func(q report.Requirement) bool { return q.Level == level }) {
			return level
		}
	}
	return requirement.Info
}

// weigh gives the severity. What only informs, what is the platform's and what somebody answers for is no regression.
func weigh(c Change, is seen) Severity {
	now, _ := is.one()
	switch {
	case c.Kind != Worse || c.Subject == requirement.Platform || now == report.Waived:
		return None
	case c.Level == requirement.Must:
		return Error
	case c.Level == requirement.Should:
		return Warning
	default:
		return None
	}
}

func (s seen) held() Held {
	return Held{Outcomes: s.outcomes(), Reasons: s.reasons(), Found: s.found()}
}

// found is what the first sample with the worst outcome found.
func (s seen) found() *diagnose.Text {
	var found *diagnose.Text
	worst := -2 // below those that have no rank
	for _, q := range s.decided() {
		if n, _ := rank(q.Outcome); n > worst && q.Found != nil {
			worst, found = n, q.Found
		}
	}
	return found
}

// verdictOf is one of the verdicts of a report.
type verdictOf struct {
	name string
	of   func(report.Report) report.Verdict
}

var overall = verdictOf{"overall", func(r report.Report) report.Verdict { return r.Verdict }}

// outcomeOf makes a verdict an outcome, so that both are compared in the same way.
func outcomeOf(v report.Verdict) report.Outcome {
	switch v {
	case report.Conformant:
		return report.Pass
	case report.WithWaivers:
		return report.Waived
	case report.NonConformant:
		return report.Fail
	case report.NotSelected:
		return report.NotApplicable
	default:
		return report.NotAssessed
	}
}

func (v verdictOf) seen(samples []report.Report) seen {
	all := seen{}
	for _, r := range samples {
		all = append(all, report.Requirement{ID: string(v.of(r)), Outcome: outcomeOf(v.of(r))})
	}
	return all
}

// words are the verdicts, each once.
func (s seen) words() []string {
	words := []string{}
	for _, q := range s.decided() {
		if !slices.Contains(words, q.ID) {
			words = append(words, q.ID)
		}
	}
	slices.Sort(words)
	return words
}

// verdicts are those that differ. An image that lost one of two function types shows it only here, for a certification
// that may choose the type forgives the failures of the other one.
func verdicts(before, after []report.Report) []VerdictChange {
	changes := []VerdictChange{}
	for _, v := range []verdictOf{
		overall,
		{requirement.Event, func(r report.Report) report.Verdict { return r.Verdicts.Event }},
		{requirement.HTTP, func(r report.Report) report.Verdict { return r.Verdicts.HTTP }},
	} {
		was, is := v.seen(before), v.seen(after)
		kind, changed := became(was, is)
		if !changed {
			continue
		}
		severity := None
		if now, _ := is.one(); kind == Worse && now == report.Fail {
			severity = Error
		}
		changes = append(changes, VerdictChange{v.name, kind, severity, was.words(), is.words()})
	}
	return changes
}
