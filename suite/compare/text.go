package compare

import (
	"fmt"
	"strings"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// Longest pieces of untrusted text in an output, in characters.
const (
	mostName  = 120
	mostFound = 300
)

// Text is the comparison for a terminal or a log: what changed, the numbers, the rule, and the conclusion as its last
// line. Nothing that an image chose can control the terminal.
func Text(c Comparison, lang Language) string {
	t := &textWriter{lang: lang}
	t.side(lang.word("old", "旧"), c.Old)
	t.side(lang.word("new", "新"), c.New)
	t.printf("\n")
	for _, v := range c.Verdicts {
		t.printf("%s  %s: %s -> %s%s\n", lang.kind(v.Kind), lang.about(v), name(lang.verdicts(v.Old)), name(lang.verdicts(v.New)), bracket(lang.severity(v.Severity)))
	}
	if len(c.Verdicts) > 0 {
		t.printf("\n")
	}
	for _, s := range sections() {
		t.section(s, of(s.kind, c.Requirements))
	}
	if len(c.Verdicts)+len(c.Requirements) == 0 {
		t.printf("%s\n\n", lang.word("all requirements are as they were", "所有要求均无变化"))
	}
	t.numbers(c.Numbers)
	t.printf("%s %s\n\n", lang.word("rule:", "规则："), lang.say(c.Rule.Text()))
	for _, note := range c.Notes {
		t.printf("%s %s\n\n", lang.word("note:", "注意："), found(lang.say(note)))
	}
	t.printf("%s\n", lang.conclusion(c.Summary))
	return t.String()
}

type textWriter struct {
	strings.Builder

	lang Language
}

// printf never fails: it writes into memory.
func (t *textWriter) printf(format string, args ...any) { _, _ = fmt.Fprintf(t, format, args...) }

func name(text string) string  { return brief(text, mostName) }
func found(text string) string { return brief(text, mostFound) }

func bracket(text string) string {
	if text == "" {
		return ""
	}
	return "  [" + text + "]"
}

func (t *textWriter) side(label string, s Side) {
	t.printf("%s  %s\n", label, name(s.Reference))
	if s.Digest != "" {
		t.printf("     %s (%s)\n", name(s.Digest), name(s.DigestKind))
	}
	t.printf("     %s %d, %s %s\n", t.lang.word("samples", "样本数"), s.Samples, t.lang.word("verdict", "结论"), name(t.lang.verdict(s.Verdict)))
}

func (t *textWriter) section(s section, changes []Change) {
	if len(changes) == 0 {
		return
	}
	t.printf("%s\n", t.lang.say(s.name))
	for _, c := range changes {
		t.printf("  %-6s %s  %s: %s -> %s%s\n", name(string(c.Level)), name(c.ID), name(t.lang.say(c.Title)), t.held(c.Old), t.held(c.New), bracket(t.lang.severity(c.Severity)))
		t.found(t.lang.word("found", "发现"), c)
	}
	t.printf("\n")
}

// held is what a side says, with its reasons.
func (t *textWriter) held(h Held) string {
	text := t.lang.outcomes(h)
	if len(h.Reasons) > 0 {
		text += " (" + name(strings.Join(h.Reasons, ", ")) + ")"
	}
	return text
}

// found tells what the new side found, or the old one where the new one found nothing.
func (t *textWriter) found(label string, c Change) {
	if text := finding(c); text != nil {
		t.printf("         %s  %s\n", label, found(t.lang.say(*text)))
	}
}

// finding is what was found of a change that somebody has to look at.
func finding(c Change) *diagnose.Text {
	if c.Kind == Better || c.Kind == NoLongerJudged {
		return nil
	}
	return c.New.Found
}

func (t *textWriter) numbers(all []Number) {
	if len(all) == 0 {
		return
	}
	t.printf("%s\n", t.lang.word("numbers (min / median / max)", "数值（最小 / 中位 / 最大）"))
	for _, n := range all {
		t.printf("  %s: %s\n", name(t.lang.say(n.Title)), t.lang.result(n)+bracket(t.lang.severity(n.Severity)))
		t.printf("    %s n=%d  %s\n", t.lang.word("old", "旧"), n.Old.N, t.lang.spread(n, n.Old))
		t.printf("    %s n=%d  %s\n", t.lang.word("new", "新"), n.New.N, t.lang.spread(n, n.New))
		if by := change(n); by != "" {
			t.printf("    %s  %s\n", t.lang.word("change", "变化"), by)
		}
	}
	t.printf("\n")
}
