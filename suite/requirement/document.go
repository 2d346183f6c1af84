package requirement

import (
	"fmt"
	"strings"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// Explained is a requirement with the reasons for which it can fail.
type Explained struct {
	Requirement

	Reasons []diagnose.Reason `json:"reasons"`
}

// Explain finds a requirement with its reasons, by its id.
func Explain(id string) (Explained, bool) {
	q, ok := ByID(id)
	if !ok {
		return Explained{}, false
	}
	e := Explained{Requirement: q, Reasons: []diagnose.Reason{}}
	for _, r := range diagnose.Reasons() {
		if r.Requirement == id {
			e.Reasons = append(e.Reasons, r)
		}
	}
	return e, true
}

// Markdown is the catalogue as a document: docs/requirements.md.
func Markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	line("# Requirements\n\nGenerated from the catalogue by `go test ./suite/requirement -update`; do not edit.\n")
	line("| id | level | subject | observed | requirement | clause |\n|---|---|---|---|---|---|")
	for _, q := range All() {
		line("| `%s` | %s | %s | %s | %s<br>%s | %s |", q.ID, q.Level, q.Subject, q.Observed, q.Title.EN, q.Title.ZH, q.Clause)
	}
	line("\n# Why does my image fail on SCF?\n")
	for _, r := range diagnose.Reasons() {
		about := "nothing can be assessed"
		if r.Requirement != "" {
			about = "`" + r.Requirement + "`"
		}
		line("## `%s`\n\n%s (%s). %s\n\n* Required: %s\n* Fix: %s\n", r.Code, r.Summary.EN, about, r.Summary.ZH, r.Required.EN, strings.ReplaceAll(r.Fix.EN, "\n", "\n  "))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// WhyTable is the README's table of the reasons why real images fail, the most frequent first.
func WhyTable(chinese bool) string {
	say := func(t diagnose.Text) string {
		text := t.EN
		if chinese {
			text = t.ZH
		}
		first, _, more := strings.Cut(text, "\n")
		if more {
			first = strings.TrimRight(first, ".。:：") + " …"
		}
		return strings.ReplaceAll(first, "|", "\\|")
	}
	var b strings.Builder
	if chinese {
		b.WriteString("| 原因 | 报告中的代码 | 修复 |\n|---|---|---|\n")
	} else {
		b.WriteString("| why | what the report says | fix |\n|---|---|---|\n")
	}
	for _, rank := range diagnose.Ranked() {
		codes := make([]string, len(rank.Codes))
		for n, code := range rank.Codes {
			codes[n] = "`" + string(code) + "`"
		}
		first, _ := diagnose.ReasonOf(rank.Codes[0])
		_, _ = fmt.Fprintf(&b, "| %s | %s | %s |\n", say(rank.Cause), strings.Join(codes, " "), say(first.Fix))
	}
	return b.String()
}
