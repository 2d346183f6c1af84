package report

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// Bounds of report.md. GitHub takes 65 536 characters in a comment, and less of those that take several bytes.
const (
	markdownBytes = 60_000
	markdownRest  = 1_000   // kept for what is said at the end
	markdownText  = 2 << 10 // of one text
)

// MarkdownOptions configures WriteMarkdown.
type MarkdownOptions struct {
	Chinese bool
}

// WriteMarkdown writes the report for a step summary of GitHub or a merge request of GitLab: the verdict, root causes
// with their fixes, what is not pass, and budgets. It stays below 60 000 bytes and says what it leaves out. Nothing
// that an image chose can become markup, a link or a mention: it stands in code, which neither of the two looks into.
func WriteMarkdown(w io.Writer, r Report, opts MarkdownOptions) error {
	m := &markdownWriter{phrases: in(opts.Chinese), r: &r}
	m.head()
	m.fault()
	m.causes()
	m.waivers()
	m.counts()
	m.open()
	m.budgets()
	m.end()
	if _, err := io.WriteString(w, m.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

type markdownWriter struct {
	*phrases
	strings.Builder

	r    *Report
	left int // blocks that found no room
}

// write never fails: it writes into memory.
func (m *markdownWriter) write(text string) { _, _ = m.WriteString(text) }

// block writes a piece that stands or falls as a whole.
func (m *markdownWriter) block(text string) bool {
	if m.Len()+len(text) > markdownBytes-markdownRest {
		m.left++
		return false
	}
	m.write(text)
	return true
}

// table writes a table as far as there is room. Cells are Markdown already.
func (m *markdownWriter) table(header []string, rows [][]string) {
	line := func(cells []string) string { return "| " + strings.Join(cells, " | ") + " |\n" }
	if len(rows) == 0 || !m.block(line(header)+strings.Repeat("|---", len(header))+"|\n") {
		return
	}
	for n, row := range rows {
		if !m.block(line(row)) {
			m.left += len(rows) - n - 1
			break
		}
	}
	m.write("\n")
}

// code is a short untrusted text in one line, as code.
func code(text string) string {
	e := quote(text, shownName)
	if e.Of > 0 {
		e.Text += "…"
	}
	return asCode(e.Text)
}

// codeText is an untrusted text that may be longer, as code in one line, with a note of what was cut.
func (m *markdownWriter) codeText(text string) string {
	e := quote(text, markdownText)
	if e.Of > 0 {
		return asCode(e.Text) + " (" + m.Cut + " " + amount(float64(e.Of), "bytes") + ")"
	}
	return asCode(e.Text)
}

// asCode makes one line of code of a text that is clean. A tick within it looks like one and is none: no length of fence is safe
// in every renderer. Nothing else can end it.
func asCode(text string) string {
	line := strings.Join(strings.Fields(strings.ReplaceAll(text, "`", "ˋ")), " ")
	if line == "" {
		return "–"
	}
	return "`" + line + "`"
}

// cell is code within a table, where a pipe would end the cell.
func cell(text string) string { return strings.ReplaceAll(code(text), "|", "∣") }

// special are the characters that mean something in Markdown or HTML.
var special = regexp.MustCompile("[\\\\`*_\\[\\]<>&#|~$]")

// trigger are the characters that GitHub and GitLab look for in the text that comes out: mentions, issues, links.
var trigger = regexp.MustCompile(`[@#!%~&^$](?:[\pL\pN"_*])|://|(?i:www\.|GH-\d)`)

// prose is a text of the catalogue in one line. It is not the image's; it is escaped all the same.
func prose(text string) string {
	const gap = "\u200b" // shows as nothing, and parts what would be taken together
	line := trigger.ReplaceAllStringFunc(name(text), func(found string) string {
		first := 1
		if strings.ContainsAny(found[:1], "wWgG") {
			first = len(found) - 1
		}
		return found[:first] + gap + found[first:]
	})
	return special.ReplaceAllString(line, `\$0`)
}

// fenced is an untrusted text of several lines, as a block of code.
func (m *markdownWriter) fenced(text string) string {
	e := quote(text, markdownText)
	body := strings.TrimRight(strings.ReplaceAll(e.Text, "`", "ˋ"), "\n")
	if e.Of > 0 {
		body += "\n[" + m.Cut + " " + amount(float64(e.Of), "bytes") + "]"
	}
	return "\n\n```text\n" + body + "\n```\n"
}

// labelled is a text with its label. What is the image's stands in code, what is ours in prose.
func (m *markdownWriter) labelled(label string, text *diagnose.Text, write func(string) string) string {
	if text == nil || text.EN == "" && text.ZH == "" {
		return ""
	}
	first, rest := parted(m.say(*text))
	line := m.bold(label) + write(first)
	if rest != "" {
		return line + m.fenced(rest) + "\n"
	}
	return line + "\n\n"
}

// bold is a label. A space before its end would undo it.
func (m *markdownWriter) bold(label string) string {
	return "**" + label + strings.TrimSpace(m.Colon) + "** "
}

func (m *markdownWriter) signed(v Verdict) string {
	return mark(verdictOutcome(v)) + " " + prose(m.VerdictName(v))
}

func (m *markdownWriter) head() {
	r := m.r
	m.block(fmt.Sprintf("## scfcert%s%s\n\n%s\n\n", m.Colon, m.signed(r.Verdict), code(r.Image.Reference)))
	m.block(fmt.Sprintf("%s%s**%s** · %s%s**%s**\n\n", m.AsEvent, m.Colon, m.signed(r.Verdicts.Event), m.AsHTTP, m.Colon, m.signed(r.Verdicts.HTTP)))
	var facts []string
	fact := func(label, text string) { facts = append(facts, label+m.Colon+text) }
	if r.Image.Digest != "" {
		fact(m.Digest, code(r.Image.Digest))
	}
	fact(m.Contract, code(r.Contract.Name+" "+r.Contract.Version))
	fact(m.Tool, code(r.Tool.Name+" "+r.Tool.Version))
	fact(m.When, moment(r.StartedAt)+m.Comma+m.Took+" "+milliseconds(r.DurationMS))
	e := r.Engine.Enforcement
	fact(m.Enforcement, strings.Join([]string{
		m.Tmp + " " + prose(m.Strength(e.Tmp)), m.Rootfs + " " + prose(m.Strength(e.Rootfs)),
		m.MemoryLimit + " " + prose(m.Strength(e.Memory)), m.CPU + " " + prose(m.Strength(e.CPU)),
	}, m.Comma))
	m.block(strings.Join(facts, "<br>\n") + "\n\n")
	var readings []string
	for _, key := range slices.Sorted(maps.Keys(r.Readings)) {
		readings = append(readings, code(key+"="+r.Readings[key]))
	}
	if len(readings) > 0 {
		m.block(m.bold(m.Readings) + strings.Join(readings[:min(len(readings), shownRows/5)], m.Comma) + "\n\n") //nolint:mnd // more than there are
	}
}

func (m *markdownWriter) fault() {
	if m.r.Fault != "" {
		first, rest := parted(m.r.Fault)
		text := "### " + m.Fault + "\n\n" + m.codeText(first)
		if rest != "" {
			text += m.fenced(rest)
		}
		text += "\n\n"
		if reason, ok := diagnose.ReasonOf(m.r.FaultReason); ok {
			text += m.bold(m.Reason) + prose(m.say(reason.Summary)) + " (" + code(string(reason.Code)) + ")\n\n" + m.labelled(m.Fix, &reason.Fix, prose)
		}
		m.block(text + m.FaultNote + "\n\n")
	}
	if m.r.LeftBehind != "" {
		m.block(m.bold(m.LeftBehind) + m.codeText(m.r.LeftBehind) + "\n\n")
	}
}

func (m *markdownWriter) causes() {
	all := causes(m.r)
	if len(all) == 0 {
		return
	}
	m.block("### " + m.Causes + "\n\n")
	for _, c := range all {
		q := &c.Requirement
		text := fmt.Sprintf("#### %s %s%s%s\n\n%s · %s%s%s\n\n", mark(q.Outcome), prose(m.OutcomeName(q.Outcome)), m.Colon, prose(m.say(c.Summary)),
			code(q.ID), m.Reason, m.Colon, code(string(c.Reason)))
		text += m.labelled(m.Found, q.Found, m.codeText) + m.labelled(m.Required, q.Required, prose) + m.labelled(m.Fix, q.Fix, prose)
		if len(c.Blocks) > 0 {
			text += m.bold(m.LeavesOpen) + m.ids(c.Blocks) + "\n\n"
		}
		m.block(text)
	}
}

// ids lists requirements.
func (m *markdownWriter) ids(all []string) string {
	shown, left := names(all)
	for n := range shown {
		shown[n] = code(shown[n])
	}
	text := strings.Join(shown, m.Comma)
	if left > 0 {
		text += fmt.Sprintf("%s%d %s", m.Comma, left, m.More)
	}
	return text
}

func (m *markdownWriter) waivers() {
	if len(m.r.Waivers) == 0 {
		return
	}
	m.block("### " + m.Waivers + "\n\n")
	var rows [][]string
	for _, w := range m.r.Waivers {
		rows = append(rows, []string{cell(w.Requirement), cell(string(w.Reason)), cell(w.Justification), cell(w.Owner), cell(w.Expires), m.ids(w.Covers)})
	}
	m.table([]string{m.Requirement, m.Reason, m.Justification, m.Owner, m.Expires, m.Covers}, rows)
}

func (m *markdownWriter) counts() {
	counts := count(m.r.Requirements)
	var parts []string
	for _, o := range outcomes() {
		if counts[o] > 0 {
			parts = append(parts, fmt.Sprintf("%s %s %d", mark(o), m.OutcomeName(o), counts[o]))
		}
	}
	m.block("### " + m.Requirements + "\n\n" + strings.Join(append(parts, fmt.Sprintf("%s %d", m.Total, len(m.r.Requirements))), " · ") + "\n\n")
}

// open lists what is not pass, what matters most first.
func (m *markdownWriter) open() {
	shared := 0
	var rows [][]string
	for _, o := range outcomes() {
		for _, q := range m.r.Requirements {
			switch {
			case q.Outcome != o || o == Pass:
				continue
			case m.r.shares(&q):
				shared++
				continue
			}
			note := ""
			switch {
			case q.Because != "":
				note = m.Because + " " + cell(q.Because)
			case q.Reason != "":
				note = cell(string(q.Reason))
			case q.Found != nil:
				note = cell(m.say(*q.Found))
			}
			rows = append(rows, []string{mark(o) + " " + m.OutcomeName(o), cell(q.ID), prose(m.say(q.Title)), note})
		}
	}
	if shared > 0 {
		m.block(fmt.Sprintf("%s %d %s%s%s\n\n", mark(NotAssessed), shared, m.Open, m.Comma, m.SeeFault))
	}
	m.table([]string{m.Outcome, "id", m.Requirement, m.Note}, rows)
}

func (m *markdownWriter) budgets() {
	drawn := m.phrases.budgets(m.r.Margins)
	if len(drawn) == 0 {
		return
	}
	m.block("### " + m.Margins + "\n\n")
	var rows [][]string
	for _, b := range drawn {
		share := prose(b.Percent)
		switch {
		case b.Over:
			share += " ✗ " + m.Over
		case b.Little:
			share += " ! " + m.Little
		}
		rows = append(rows, []string{prose(b.Name), prose(b.Used), prose(b.Limit), share})
	}
	m.table([]string{m.Name, m.Used, m.Limit, m.Share}, rows)
}

func (m *markdownWriter) end() {
	if m.left > 0 {
		m.write(fmt.Sprintf("_%d %s. %s_\n", m.left, m.LeftOut, m.ReportFiles))
		return
	}
	m.write("_" + m.ReportFiles + "_\n")
}
