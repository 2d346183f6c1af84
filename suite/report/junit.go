package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// The part of JUnit's format that viewers share.
type (
	junitSuites struct {
		XMLName  xml.Name   `xml:"testsuites"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Time     string     `xml:"time,attr"`
		Suite    junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name       string          `xml:"name,attr"`
		Class      string          `xml:"classname,attr"`
		Time       string          `xml:"time,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Failure    *junitMessage   `xml:"failure,omitempty"`
		Error      *junitMessage   `xml:"error,omitempty"`
		Skipped    *junitMessage   `xml:"skipped,omitempty"`
		Output     string          `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes junit.xml: a test case for each requirement. What we could not assess is an error, what a failure
// leaves open is skipped.
func WriteJUnit(w io.Writer, r Report) error {
	suite := junitSuite{
		Name: "scfcert " + diagnose.Clean(r.Image.Reference), Tests: len(r.Requirements), Time: seconds(r.DurationMS),
		Timestamp: r.StartedAt.UTC().Format(time.RFC3339),
		Properties: []junitProperty{
			{"verdict", string(r.Verdict)}, {"image", diagnose.Clean(r.Image.Reference)}, {"digest", r.Image.Digest},
			{"contract", r.Contract.Name + " " + r.Contract.Version},
		},
	}
	for _, q := range r.Requirements {
		suite.add(q)
	}
	document := junitSuites{
		Name: "scfcert", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Skipped: suite.Skipped,
		Time: suite.Time, Suite: suite,
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	return nil
}

func (s *junitSuite) add(q Requirement) {
	chapter, _, _ := strings.Cut(q.ID, ".")
	c := junitCase{
		Name: q.ID + ": " + q.Title.EN, Class: "scfcert." + chapter, Time: seconds(q.DurationMS),
		Properties: []junitProperty{{"requirement", q.ID}, {"level", string(q.Level)}, {"subject", string(q.Subject)}},
	}
	if q.Reason != "" {
		c.Properties = append(c.Properties, junitProperty{"reason", string(q.Reason)})
	}
	message := func() *junitMessage {
		text := Explain(q)
		first, _, _ := strings.Cut(text, "\n")
		return &junitMessage{Message: first, Type: string(q.Reason), Text: text}
	}
	switch q.Outcome {
	case Fail:
		s.Failures++
		c.Failure = message()
	case NotAssessed:
		if q.Because == "" {
			s.Errors++
			c.Error = message()
			break
		}
		s.Skipped++
		c.Skipped = &junitMessage{Message: "not assessed because " + q.Because + " failed"}
	case NotApplicable:
		s.Skipped++
		c.Skipped = message()
	case Waived:
		s.Skipped++
		c.Skipped = message()
		c.Skipped.Message = "waived: " + c.Skipped.Message
	case Warn:
		c.Output = "warning: " + Explain(q)
	case Pass:
	}
	s.Cases = append(s.Cases, c)
}

// Explain is what a failed requirement has to say, in English: found, required, fix.
func Explain(q Requirement) string {
	var parts []string
	for _, part := range []struct {
		label string
		text  *diagnose.Text
	}{{"found", q.Found}, {"required", q.Required}, {"fix", q.Fix}} {
		if part.text != nil && part.text.EN != "" {
			parts = append(parts, part.label+": "+diagnose.Clean(part.text.EN))
		}
	}
	return strings.Join(parts, "\n")
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) } //nolint:mnd // milliseconds
