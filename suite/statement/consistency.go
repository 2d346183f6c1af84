package statement

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

// check tells what is wrong with a statement, whoever made it. The error is ErrMalformed or ErrPredicate.
func (s *Statement) check() error {
	switch {
	case s.Type != StatementType:
		return refuse(ErrMalformed, "its _type is %s and not %s; take a statement that scfcert made", shown(s.Type), StatementType)
	case len(s.Subject) != 1:
		return refuse(ErrMalformed, "it has %d subjects; a certification is about exactly one image", len(s.Subject))
	case len(s.Subject[0].Digest) != 1 || !isHash(s.Subject[0].Digest["sha256"]):
		return refuse(ErrMalformed, "its subject must have exactly one digest, a sha256 of 64 lower-case hex digits; take a statement that scfcert made")
	case s.PredicateType != PredicateType:
		return refuse(ErrPredicate, "the predicate type is %s and not %s; take a statement that scfcert made", shown(s.PredicateType), PredicateType)
	case s.Predicate.Certification == nil:
		return refuse(ErrPredicate, "the predicate lacks %s; take a statement that scfcert made", CertificationURI)
	}
	if fault := s.Predicate.fault(); fault != "" {
		return refuse(ErrPredicate, "%s; do not trust what made this statement", fault)
	}
	return nil
}

// digest is the image's, as sha256:HEX; only for a statement that was checked.
func (s *Statement) digest() string { return "sha256:" + s.Subject[0].Digest["sha256"] }

// fault tells where the predicate says one thing here and another there; empty where it does not.
func (p *Predicate) fault() string {
	c := p.Certification
	if fault := c.fault(); fault != "" {
		return fault
	}
	for _, list := range []struct {
		called    string
		got, want []string
	}{
		{"passedTests", p.PassedTests, c.tests(report.Pass)},
		{"warnedTests", p.WarnedTests, c.tests(report.Warn, report.Waived)},
		{"failedTests", p.FailedTests, c.tests(report.Fail)},
	} {
		if !slices.Equal(list.got, list.want) {
			return list.called + " differs from the outcomes of the requirements"
		}
	}
	if want, err := configurationOf(c); err != nil || !reflect.DeepEqual(p.Configuration, want) {
		return "the configuration differs from what was certified"
	}
	if want := resultOf(c.Verdict); p.Result != want {
		return fmt.Sprintf("the result is %s where the verdict %s means %s", shown(string(p.Result)), c.Verdict, want)
	}
	return ""
}

// tests are the requirements with one of the outcomes, in their order.
func (c *Certification) tests(outcomes ...report.Outcome) []string {
	ids := []string{}
	for _, q := range c.Requirements {
		if slices.Contains(outcomes, q.Outcome) {
			ids = append(ids, q.ID)
		}
	}
	return ids
}

// fault tells what is missing or contradicts itself; empty where nothing does.
func (c *Certification) fault() string {
	switch {
	case c.Contract.Name == "" || c.Contract.Version == "":
		return "it names no contract"
	case c.Function.Type != requirement.Event && c.Function.Type != requirement.HTTP:
		return fmt.Sprintf("the function type is %s and neither event nor http", shown(c.Function.Type))
	case resultOf(c.Verdict) == "":
		return fmt.Sprintf("the verdict is %s, which states nothing", shown(string(c.Verdict)))
	case c.StartedAt.IsZero() || c.FinishedAt.IsZero():
		return "it does not tell when the certification began and ended"
	case c.FinishedAt.Before(c.StartedAt):
		return "it ended before it began"
	case !isHash(c.ReportDigest["sha256"]):
		return "it does not tell the digest of report.json"
	}
	return c.faultOfRequirements()
}

// faultOfRequirements tells where the requirements do not bear the verdict out. It is the rule by which a report concludes.
func (c *Certification) faultOfRequirements() string {
	borne := report.Report{}
	seen := map[string]bool{}
	for _, q := range c.Requirements {
		switch {
		case q.ID == "" || seen[q.ID]:
			return fmt.Sprintf("the requirement %s is listed twice or has no name", shown(q.ID))
		case q.Level != requirement.Must && q.Level != requirement.Should && q.Level != requirement.Info:
			return fmt.Sprintf("the requirement %s has the level %s, which there is not", shown(q.ID), shown(string(q.Level)))
		case q.Outcome == report.Waived && !c.waives(q):
			return fmt.Sprintf("the requirement %s is waived, but no waiver names it with its reason", shown(q.ID))
		}
		seen[q.ID] = true
		borne.Requirements = append(borne.Requirements, report.Requirement{
			ID: q.ID, Level: q.Level, Subject: q.Subject, Types: []string{c.Function.Type}, Outcome: q.Outcome, Because: q.Because,
		})
	}
	for _, w := range c.Waivers {
		if !slices.ContainsFunc(c.Requirements, func(q Requirement) bool { return q.ID == w.Requirement && q.Outcome == report.Waived }) {
			return fmt.Sprintf("there is a waiver of %s, which is not waived", shown(w.Requirement))
		}
		if !holds(w, c.FinishedAt) {
			return fmt.Sprintf("the waiver of %s had expired, on %s", shown(w.Requirement), shown(w.Expires))
		}
	}
	if borne.Conclude([]string{c.Function.Type}); borne.Verdict != c.Verdict {
		return fmt.Sprintf("the verdict is %s although the requirements make it %s", c.Verdict, borne.Verdict)
	}
	return ""
}

// holds tells whether a waiver had not expired: it does at the end of its last day, in UTC.
func holds(w report.Waiver, at time.Time) bool {
	day, err := time.Parse(time.DateOnly, w.Expires)
	return err == nil && at.Before(day.AddDate(0, 0, 1))
}

// waives tells whether a waiver names a requirement with the reason for which it fails.
func (c *Certification) waives(q Requirement) bool {
	return slices.ContainsFunc(c.Waivers, func(w report.Waiver) bool { return w.Requirement == q.ID && w.Reason == q.Reason })
}
