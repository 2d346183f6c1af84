package waiver

import (
	"bytes"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

// FromReport writes a file of waivers for all failures of a report, to begin from: every MUST on the image that failed and
// is not waived yet. Warnings need no waiver. All get the same owner, justification and last day, of which the UTC date
// counts. Whether that day is too far ahead is found when the file is read. The error is ErrWaivers: an owner or a
// justification that no file takes, or a failure that this version does not know, which is ErrUnknown too.
func FromReport(r report.Report, owner string, expires time.Time, justification string) ([]byte, error) {
	day := expires.UTC().Format(time.DateOnly)
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, q := range r.Requirements {
		if q.Outcome == report.Fail && q.Subject != requirement.Platform {
			if err := known(q); err != nil {
				return nil, err
			}
			list.Content = append(list.Content, item(q, owner, day, justification))
		}
	}
	if len(list.Content) == 0 {
		list.Style = yaml.FlowStyle // []
	}
	document := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar(listKey), list}}
	document.HeadComment = "# Failures that somebody answers for. One that is mended has to be taken out."
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("%w: write: %w", ErrWaivers, err)
	}
	if _, err := Parse("baseline", out.Bytes(), Options{Now: expires}); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// known tells whether a failure is one that a file can waive.
func known(q report.Requirement) error {
	err := checkRequirement(q.ID)
	if err == nil {
		err = checkReason(q.ID, q.Reason)
	}
	if err != nil {
		return fmt.Errorf("%w: %w: %s fails for %q: %w; take the scfcert that wrote the report", ErrWaivers, ErrUnknown, q.ID, q.Reason, err)
	}
	return nil
}

// item is a waiver as it stands in a file, with what the failure is as comment.
func item(q report.Requirement, owner, day, justification string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	if reason, ok := diagnose.ReasonOf(q.Reason); ok {
		node.HeadComment = "# " + reason.Summary.EN
	}
	date := scalar(day)
	date.Tag = "!!timestamp" // written without quotes
	for _, member := range []struct {
		name  string
		value *yaml.Node
	}{{"requirement", scalar(q.ID)}, {"reason", scalar(string(q.Reason))}, {"justification", scalar(justification)}, {"owner", scalar(owner)}, {"expires", date}} {
		node.Content = append(node.Content, scalar(member.name), member.value)
	}
	return node
}

// scalar is a text, in quotes where YAML needs some.
func scalar(text string) *yaml.Node {
	node := new(yaml.Node)
	node.SetString(text)
	return node
}
