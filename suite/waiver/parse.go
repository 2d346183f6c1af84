package waiver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/yamlfile"
	"github.com/scfcert/scfcert/suite/requirement"
)

// reader reads one file.
type reader struct {
	*yamlfile.Reader

	now time.Time
}

const (
	listKey = "waivers"
	example = "[{requirement: limits.memory, reason: run.little-memory-left, ...}]"
	// mostText bounds a justification and an owner, in characters.
	mostText = 500
)

// member is one key of a waiver, with an example for errors.
type member struct {
	name, sample string
	read         func(r *reader, v yamlfile.Value, into *Waiver)
}

func members() []member {
	return []member{
		{"requirement", "limits.memory", func(r *reader, v yamlfile.Value, into *Waiver) {
			into.Requirement = r.checked(v, checkRequirement)
		}},
		{"reason", "run.little-memory-left", func(r *reader, v yamlfile.Value, into *Waiver) {
			into.Reason = diagnose.Code(r.checked(v, checkText))
		}},
		{"justification", "one sentence", func(r *reader, v yamlfile.Value, into *Waiver) {
			into.Justification = r.checked(v, checkText)
		}},
		{"owner", "team@example.com", func(r *reader, v yamlfile.Value, into *Waiver) {
			into.Owner = r.checked(v, checkText)
		}},
		{"expires", "2027-01-31", func(r *reader, v yamlfile.Value, into *Waiver) {
			into.Expires = r.date(v)
		}},
	}
}

func names() []string {
	var all []string
	for _, m := range members() {
		all = append(all, m.name)
	}
	return all
}

// read makes waivers of the text, and notes all that is wrong with it.
func (r *reader) read(text []byte) []Waiver {
	top, ok := r.Document(text)
	if !ok {
		return nil
	}
	entries, ok := r.Entries(top, "{waivers: []}")
	if !ok {
		return nil
	}
	given := false
	waivers := []Waiver{}
	for _, e := range entries {
		if !r.PassesKey(e.Value, yamlfile.KnownKey(e.Name, []string{listKey})) {
			continue
		}
		given = true
		items, _ := r.Items(e.Value, example)
		for _, item := range items {
			if w, ok := r.waiver(item, waivers); ok {
				waivers = append(waivers, w)
			}
		}
	}
	if !given {
		r.Missing(top, listKey, "[]")
	}
	return waivers
}

// waiver reads one item; before are those that stand before it.
func (r *reader) waiver(item yamlfile.Value, before []Waiver) (Waiver, bool) {
	entries, ok := r.Entries(item, "{requirement: limits.memory, reason: run.little-memory-left, ...}")
	if !ok {
		return Waiver{}, false
	}
	w := Waiver{At: r.Place(item)}
	given := map[string]yamlfile.Value{}
	for _, e := range entries {
		given[e.Name] = e.Value
		at := slices.IndexFunc(members(), func(m member) bool { return m.name == e.Name })
		if at < 0 {
			r.PassesKey(e.Value, yamlfile.KnownKey(e.Name, names()))
			continue
		}
		members()[at].read(r, e.Value, &w)
	}
	for _, m := range members() {
		if _, ok := given[m.name]; !ok {
			r.Missing(item, m.name, m.sample)
		}
	}
	if w.Requirement == "" || w.Reason == "" { // which is reported
		return w, false
	}
	r.Passes(given["reason"], checkReason(w.Requirement, w.Reason))
	same := func(other Waiver) bool { return other.Requirement == w.Requirement && other.Reason == w.Reason }
	if at := slices.IndexFunc(before, same); at >= 0 {
		r.Problem(item, fmt.Errorf("%s with %s is waived twice, first in line %d; keep one of them", w.Requirement, w.Reason, before[at].At.Line))
	}
	return w, true
}

// checked reads a text of one line that passes a check; empty where something is wrong.
func (r *reader) checked(v yamlfile.Value, check func(string) error) string {
	text, ok := r.Word(v)
	if !ok || !r.Passes(v, checkText(text)) || !r.Passes(v, check(text)) {
		return ""
	}
	return text
}

func checkText(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("%q is empty; write a text", text)
	case diagnose.Clean(text) != text:
		return fmt.Errorf("%s holds a control character; take it out", yamlfile.Shown(text))
	case utf8.RuneCountInString(text) > mostText:
		return fmt.Errorf("this has %d characters; take at most %d", utf8.RuneCountInString(text), mostText)
	default:
		return nil
	}
}

func checkRequirement(id string) error {
	q, ok := requirement.ByID(id)
	switch {
	case !ok:
		var ids []string
		for _, known := range requirement.All() {
			ids = append(ids, known.ID)
		}
		return fmt.Errorf("%s is the id of no requirement; %s", yamlfile.Shown(id), hint(id, ids, "docs/requirements.md lists all"))
	case q.Subject == requirement.Platform:
		return fmt.Errorf("%s is a requirement on the platform, which counts against no image; take the waiver out, and report the failure to scfcert", id)
	case q.Level == requirement.Info:
		return fmt.Errorf("%s is never judged, so that there is nothing to waive; take the waiver out", id)
	default:
		return nil
	}
}

// hint names what somebody may have meant, or says something else.
func hint(word string, known []string, otherwise string) string {
	const most = 3
	meant := yamlfile.Near(word, known)
	if len(meant) == 0 {
		return otherwise
	}
	return "did you mean " + strings.Join(meant[:min(len(meant), most)], ", ") + "?"
}

func checkReason(id string, code diagnose.Code) error {
	explained, _ := requirement.Explain(id)
	var codes []string
	for _, reason := range explained.Reasons {
		codes = append(codes, string(reason.Code))
	}
	reason, known := diagnose.ReasonOf(code)
	takes := "take " + strings.Join(codes, ", ")
	switch {
	case known && reason.Requirement == id:
		return nil
	case known && reason.Requirement == "":
		return fmt.Errorf("%s says that nothing could be assessed, which cannot be waived; %s", code, takes)
	case known:
		return fmt.Errorf("%s is a reason of %s, and not of %s; %s", code, reason.Requirement, id, takes)
	default:
		return fmt.Errorf("%s is no reason of %s; %s", yamlfile.Shown(string(code)), id, hint(string(code), codes, takes))
	}
}

// date reads a day on which a waiver still holds; empty where something is wrong.
func (r *reader) date(v yamlfile.Value) string {
	if v.Node.Kind != yaml.ScalarNode || yamlfile.IsNull(v.Node) {
		r.Problem(v, errors.New("there is no date; write one, such as expires: 2027-01-31"))
		return ""
	}
	if !r.Passes(v, checkDate(v.Node.Value, r.now)) || !r.Tagged(v, "!!timestamp", "!!str") {
		return ""
	}
	return v.Node.Value
}

func checkDate(text string, now time.Time) error {
	day, err := time.Parse(time.DateOnly, text)
	today := now.Truncate(24 * time.Hour)
	last := today.AddDate(0, 0, MaxDays)
	switch {
	case err != nil:
		return fmt.Errorf("%s is no date; write year, month and day, such as 2027-01-31", yamlfile.Shown(text))
	case day.Before(today):
		return fmt.Errorf("the waiver expired at the end of %s, UTC; mend the failure and take the waiver out, or give it a new date and say why", text)
	case day.After(last):
		return fmt.Errorf("%s is more than %d days ahead; take %s or earlier", text, MaxDays, last.Format(time.DateOnly))
	default:
		return nil
	}
}
