package statement

import (
	"fmt"
	"slices"

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
	seen := map[string]bool{}
	for _, q := range c.Requirements {
		if q.ID == "" || seen[q.ID] {
			return fmt.Sprintf("the requirement %s is listed twice or has no name", shown(q.ID))
		}
		seen[q.ID] = true
		if fault := c.faultOf(q); fault != "" {
			return fault
		}
	}
	return c.faultOfVerdict()
}

// faultOf tells how one requirement contradicts the verdict.
func (c *Certification) faultOf(q Requirement) string {
	if q.Outcome == report.Waived && !c.waives(q.ID) {
		return fmt.Sprintf("the requirement %s is waived, but no waiver names it", shown(q.ID))
	}
	if q.Level != requirement.Must || c.Verdict == report.NonConformant {
		return ""
	}
	open := q.Outcome == report.NotAssessed && q.Because == ""
	if q.Outcome == report.Fail || open || q.Outcome == report.Waived && c.Verdict == report.Conformant {
		return fmt.Sprintf("the verdict is %s although the requirement %s is %s", c.Verdict, shown(q.ID), q.Outcome)
	}
	return ""
}

func (c *Certification) waives(id string) bool {
	return slices.ContainsFunc(c.Waivers, func(w report.Waiver) bool { return w.Requirement == id })
}

// faultOfVerdict tells that no requirement bears the verdict out.
func (c *Certification) faultOfVerdict() string {
	for verdict, outcome := range map[report.Verdict]report.Outcome{
		report.Conformant: report.Pass, report.WithWaivers: report.Waived, report.NonConformant: report.Fail,
	} {
		if c.Verdict == verdict && len(c.tests(outcome)) == 0 {
			return fmt.Sprintf("the verdict is %s although no requirement is %s", verdict, outcome)
		}
	}
	return ""
}
