package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// TextOptions configures WriteText.
type TextOptions struct {
	Color   bool
	Chinese bool
}

// WriteText writes the report for a terminal or a log: a line for each requirement, then what is broken and how to
// mend it, then the verdict. Nothing that an image chose can control the terminal.
func WriteText(w io.Writer, r Report, opts TextOptions) error {
	t := &textWriter{opts: opts}
	t.head(r)
	t.table(r)
	t.causes(r)
	t.verdict(r)
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

type textWriter struct {
	strings.Builder

	opts TextOptions
}

// printf never fails: it writes into memory.
func (t *textWriter) printf(format string, args ...any) { _, _ = fmt.Fprintf(t, format, args...) }

func (t *textWriter) say(text diagnose.Text) string {
	if t.opts.Chinese {
		return diagnose.Clean(text.ZH)
	}
	return diagnose.Clean(text.EN)
}

func (t *textWriter) word(en, zh string) string { return t.say(diagnose.Text{EN: en, ZH: zh}) }

// Colours of a terminal.
const (
	green  = "32"
	red    = "31"
	yellow = "33"
	grey   = "90"
	bold   = "1"
)

func (t *textWriter) colored(color, text string) string {
	if !t.opts.Color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (t *textWriter) head(r Report) {
	t.printf("%s  %s\n", t.colored(bold, t.word("image", "镜像")), diagnose.Clean(r.Image.Reference))
	if r.Image.Digest != "" {
		t.printf("       %s (%s), %s, %s\n", name(r.Image.Digest), name(r.Image.DigestKind), name(r.Image.Architecture), size(r.Image.UncompressedBytes))
	}
	if r.Engine.Name != "" {
		e := r.Engine.Enforcement
		t.printf("       %s %s; %d MB; /tmp %s, root %s, memory %s, CPU %s\n", name(r.Engine.Name), name(r.Engine.Version), r.Function.MemoryMB, name(e.Tmp), name(e.Rootfs), name(e.Memory), name(e.CPU))
	}
	t.printf("\n")
}

// size is a number of bytes for people.
func size(bytes int64) string {
	const unit = 1024
	switch {
	case bytes >= unit*unit*unit:
		return fmt.Sprintf("%.2f GiB", float64(bytes)/(unit*unit*unit))
	case bytes >= unit*unit:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(unit*unit))
	default:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/unit)
	}
}

func (t *textWriter) table(r Report) {
	marks := map[Outcome][3]string{
		Pass: {"pass", "通过", green}, Fail: {"FAIL", "失败", red}, Warn: {"warn", "警告", yellow},
		NotAssessed: {"open", "未评", grey}, NotApplicable: {"n/a", "无关", grey}, Waived: {"waived", "豁免", yellow},
	}
	labelOf := func(outcome Outcome) string { return t.word(marks[outcome][0], marks[outcome][1]) }
	unassessed, labelWidth, idWidth, titleWidth := 0, 5, 0, 0 //nolint:mnd // room for the usual labels
	for _, q := range r.Requirements {
		labelWidth, idWidth, titleWidth = max(labelWidth, width(labelOf(q.Outcome))), max(idWidth, width(name(q.ID))), max(titleWidth, width(name(t.say(q.Title))))
	}
	for _, q := range r.Requirements {
		if q.Outcome == NotAssessed && q.Because == "" {
			unassessed++ // for one reason, which stands below
			continue
		}
		note := ""
		switch {
		case q.Because != "":
			note = t.word("because of ", "因为 ") + name(q.Because)
		case q.Reason != "":
			note = name(string(q.Reason))
		case q.DurationMS > 0:
			note = fmt.Sprintf("%d ms", q.DurationMS)
		}
		t.printf("  %s %s  %s  %s\n", t.colored(marks[q.Outcome][2], pad(labelOf(q.Outcome), labelWidth)), pad(name(q.ID), idWidth), pad(name(t.say(q.Title)), titleWidth), t.colored(grey, note))
	}
	if unassessed > 0 {
		t.printf("  %s %d %s\n", t.colored(yellow, t.word("open ", "未评 ")), unassessed, t.word("requirements could not be assessed", "条要求无法评估"))
	}
	t.printf("\n")
}

// pad fills up to a width.
func pad(text string, to int) string { return text + strings.Repeat(" ", max(0, to-width(text))) }

// width is how many columns a text takes; Chinese characters take two.
func width(text string) int {
	used := 0
	for _, r := range text {
		used++
		if utf8.RuneLen(r) > 2 { //nolint:mnd // such characters are wide
			used++
		}
	}
	return used
}

func (t *textWriter) causes(r Report) {
	for _, cause := range r.RootCauses {
		q := r.requirement(cause.Requirement)
		color := red
		if q.Outcome != Fail {
			color = yellow
		}
		t.printf("%s  %s (%s)\n", t.colored(color, name(cause.Requirement)), t.say(cause.Summary), name(string(cause.Reason)))
		t.waiver(r, cause)
		t.paragraph(t.word("found", "发现"), q.Found)
		t.paragraph(t.word("required", "要求"), q.Required)
		t.paragraph(t.word("fix", "修复"), q.Fix)
		for _, also := range q.AlsoPossible {
			if reason, ok := diagnose.ReasonOf(also); ok {
				t.paragraph(t.word("or", "或者"), &reason.Summary)
			}
		}
		if len(cause.Blocks) > 0 {
			text := strings.Join(cause.Blocks, ", ")
			t.paragraph(t.word("leaves open", "未评"), &diagnose.Text{EN: text, ZH: text})
		}
		t.printf("\n")
	}
}

// waiver tells who answers for a waived cause, until when and why.
func (t *textWriter) waiver(r Report, cause RootCause) {
	for _, w := range r.Waivers {
		if cause.Waived && w.Requirement == cause.Requirement && w.Reason == cause.Reason {
			t.paragraph(t.word("waived", "豁免"), &diagnose.Text{
				EN: fmt.Sprintf("by %s until %s: %s", w.Owner, w.Expires, w.Justification),
				ZH: fmt.Sprintf("%s 负责，至 %s：%s", w.Owner, w.Expires, w.Justification),
			})
		}
	}
}

func (r *Report) requirement(id string) Requirement {
	for _, q := range r.Requirements {
		if q.ID == id {
			return q
		}
	}
	return Requirement{}
}

func (t *textWriter) paragraph(label string, text *diagnose.Text) {
	if text == nil {
		return
	}
	const indent = 14
	for n, line := range strings.Split(t.say(*text), "\n") {
		if n > 0 {
			label = ""
		}
		t.printf("  %s%s\n", t.colored(grey, pad(label, indent)), line)
	}
}

func (t *textWriter) verdict(r Report) {
	color := map[Verdict]string{Conformant: green, WithWaivers: yellow, NonConformant: red, Inconclusive: yellow}[r.Verdict]
	names := map[Verdict]string{Conformant: "符合", WithWaivers: "符合（含豁免）", NonConformant: "不符合", Inconclusive: "无法判定", NotSelected: "未选择"}
	name := func(v Verdict) string { return t.word(string(v), names[v]) }
	if r.Fault != "" {
		t.printf("%s  %s\n", t.colored(yellow, t.word("could not assess:", "无法评估：")), diagnose.Clean(r.Fault))
		if reason, ok := diagnose.ReasonOf(r.FaultReason); ok {
			t.paragraph(t.word("reason", "原因"), &diagnose.Text{EN: reason.Summary.EN + " (" + string(reason.Code) + ")", ZH: reason.Summary.ZH + " (" + string(reason.Code) + ")"})
			t.paragraph(t.word("fix", "修复"), &reason.Fix)
		}
		t.printf("\n")
	}
	if r.LeftBehind != "" {
		t.printf("%s  %s\n\n", t.colored(yellow, t.word("left behind:", "残留：")), diagnose.Clean(r.LeftBehind))
	}
	t.printf("%s %s  (%s %s, %s %s)\n", t.word("verdict:", "结论："), t.colored(color, name(r.Verdict)),
		t.word("as event function", "事件函数"), name(r.Verdicts.Event), t.word("as HTTP function", "HTTP 函数"), name(r.Verdicts.HTTP))
}
