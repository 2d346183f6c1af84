package report

import (
	"slices"
	"strings"

	"github.com/scfcert/scfcert/suite/requirement"
)

// chapter is a part of the catalogue with what became of its requirements.
type chapter struct {
	Key          string
	Requirements []Requirement
	Counts       map[Outcome]int
}

// chapters groups the requirements in the order of the catalogue. What fits nowhere comes last.
func chapters(requirements []Requirement) []chapter {
	const rest = "other"
	order := []string{"image", "start", "event", "http", "process", "limits", "logs", "life", "platform", rest}
	grouped := map[string]*chapter{}
	for _, key := range order {
		grouped[key] = &chapter{Key: key, Counts: map[Outcome]int{}}
	}
	for _, q := range requirements {
		c := grouped[chapterOf(q)]
		if c == nil {
			c = grouped[rest]
		}
		c.Requirements = append(c.Requirements, q)
		c.Counts[q.Outcome]++
	}
	var found []chapter
	for _, key := range order {
		if len(grouped[key].Requirements) > 0 {
			found = append(found, *grouped[key])
		}
	}
	return found
}

// chapterOf is the first part of an id. What the code sees and what the platform owes have chapters of their own.
func chapterOf(q Requirement) string {
	first, last, _ := strings.Cut(q.ID, ".")
	switch {
	case q.Subject == requirement.Platform:
		return "platform"
	case last == "process":
		return last
	}
	return first
}

// outcomes are all that a requirement can come to, what matters most first.
func outcomes() []Outcome { return []Outcome{Fail, Warn, Waived, NotAssessed, NotApplicable, Pass} }

// count is how many requirements came to each outcome.
func count(requirements []Requirement) map[Outcome]int {
	counts := map[Outcome]int{}
	for _, q := range requirements {
		counts[q.Outcome]++
	}
	return counts
}

// cause is a root cause with its requirement.
type cause struct {
	RootCause
	Requirement Requirement
}

// causes are the root causes: what is binding first, what is waived after it, and advice last.
func causes(r *Report) []cause {
	var failures, waived, advice []cause
	for _, root := range r.RootCauses[:min(len(r.RootCauses), shownRows)] {
		c := cause{root, r.requirement(root.Requirement)}
		if c.Requirement.ID == "" { // not in the report
			c.Requirement.ID = root.Requirement
			c.Requirement.Outcome = Fail
		}
		switch {
		case c.Requirement.Outcome == Warn:
			advice = append(advice, c)
		case c.Waived:
			waived = append(waived, c)
		default:
			failures = append(failures, c)
		}
	}
	return slices.Concat(failures, waived, advice)
}

// shares tells whether a requirement is open for the very fault that the report tells of anyway.
func (r *Report) shares(q *Requirement) bool {
	return q.Outcome == NotAssessed && q.Because == "" && r.Fault != "" && (q.Found == nil || q.Found.EN == r.Fault || q.Reason == r.FaultReason)
}
