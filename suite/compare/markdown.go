package compare

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits of the Markdown form. Forges take comments of 65536 characters.
const (
	// MaxMarkdown is the greatest length of Markdown's result, in bytes.
	MaxMarkdown = 60_000
	rowsBudget  = 36_000 // of which the tables may take this
	mostNotes   = 10
	mostNote    = 200 // characters
)

// Markdown is the comparison as a comment of a pull request, the conclusion first, in at most MaxMarkdown bytes. What an
// image chose is shown as it is and is neither markup nor a mention.
func Markdown(c Comparison, lang Language) string {
	m := &markdownWriter{lang: lang}
	m.linef("### %s %s\n", m.lang.word("scfcert:", "scfcert："), lang.conclusion(c.Summary))
	m.sides(c)
	m.verdicts(c.Verdicts)
	for _, s := range sections() {
		m.section(s, of(s.kind, c.Requirements))
	}
	if len(c.Verdicts)+len(c.Requirements) == 0 {
		m.linef("%s\n", lang.word("All requirements are as they were.", "所有要求均无变化。"))
	}
	m.numbers(c.Numbers)
	m.notes(c)
	m.linef("<details><summary>%s</summary>\n\n%s\n\n</details>", lang.word("How numbers are judged", "数值的判断规则"), lang.say(c.Rule.Text()))
	return m.String()
}

type markdownWriter struct {
	strings.Builder

	lang Language
}

// linef never fails: it writes into memory.
func (m *markdownWriter) linef(format string, args ...any) {
	_, _ = fmt.Fprintf(m, format+"\n", args...)
}

func (m *markdownWriter) sides(c Comparison) {
	rows := []string{}
	for _, s := range []struct {
		label string
		side  Side
	}{{m.lang.word("old", "旧"), c.Old}, {m.lang.word("new", "新"), c.New}} {
		rows = append(rows, row(s.label, code(s.side.Reference, mostName), code(s.side.Digest, mostName), strconv.Itoa(s.side.Samples), plain(m.lang.verdict(s.side.Verdict), mostName)))
	}
	m.table([]string{"", m.lang.word("image", "镜像"), m.lang.word("digest", "摘要"), m.lang.word("samples", "样本数"), m.lang.word("verdict", "结论")}, rows)
}

func (m *markdownWriter) verdicts(all []VerdictChange) {
	rows := []string{}
	for _, v := range all {
		rows = append(rows, row(m.lang.about(v), m.lang.kind(v.Kind), plain(m.lang.verdicts(v.Old), mostName), plain(m.lang.verdicts(v.New), mostName), m.weight(v.Severity)))
	}
	m.table([]string{m.lang.word("verdict", "结论"), "", m.lang.word("old", "旧"), m.lang.word("new", "新"), ""}, rows)
}

func (m *markdownWriter) section(s section, changes []Change) {
	if len(changes) == 0 {
		return
	}
	m.linef("**%s** (%d)\n", m.lang.say(s.name), len(changes))
	rows := []string{}
	for _, c := range changes {
		about := plain(m.lang.say(c.Title), mostName)
		if text := finding(c); text != nil {
			about += "<br>" + code(m.lang.say(*text), mostFound)
		}
		rows = append(rows, row(code(string(c.Level), mostName), code(c.ID, mostName), about, m.held(c.Old), m.held(c.New), m.weight(c.Severity)))
	}
	m.table([]string{"", m.lang.word("requirement", "要求"), "", m.lang.word("old", "旧"), m.lang.word("new", "新"), ""}, rows)
}

func (m *markdownWriter) weight(s Severity) string {
	if text := m.lang.severity(s); text != "" {
		return "**" + text + "**"
	}
	return ""
}

func (m *markdownWriter) held(h Held) string {
	text := m.lang.outcomes(h)
	if len(h.Reasons) > 0 {
		text += " " + code(strings.Join(h.Reasons, ", "), mostName)
	}
	return text
}

func (m *markdownWriter) numbers(all []Number) {
	if len(all) == 0 {
		return
	}
	m.linef("**%s**\n", m.lang.word("numbers (min / median / max)", "数值（最小 / 中位 / 最大）"))
	rows := []string{}
	for _, n := range all {
		result := m.lang.result(n)
		if n.Severity.Regression() {
			result = "**" + result + "**"
		}
		rows = append(rows, row(plain(m.lang.say(n.Title), mostName), m.spread(n, n.Old), m.spread(n, n.New), cell(change(n)), result))
	}
	m.table([]string{"", m.lang.word("old", "旧"), m.lang.word("new", "新"), m.lang.word("change", "变化"), ""}, rows)
}

func (m *markdownWriter) spread(n Number, s Spread) string {
	return cell(m.lang.spread(n, s)) + fmt.Sprintf(" (n=%d)", s.N)
}

// cell escapes an amount: an unknown unit is untrusted. What we write ourselves stays readable.
func cell(text string) string {
	if strings.Trim(text, "0123456789. /+-()%msKMGiBe") == "" {
		return text
	}
	return plain(text, mostName)
}

func (m *markdownWriter) notes(c Comparison) {
	for n, note := range c.Notes {
		if n == mostNotes {
			break
		}
		m.linef("> %s\n", plain(m.lang.say(note), mostNote))
	}
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |" }

// table writes as many rows as the budget allows, and tells how many it leaves out.
func (m *markdownWriter) table(head, rows []string) {
	if len(rows) == 0 {
		return
	}
	written := 0
	for n, text := range rows {
		if m.Len()+len(text) > rowsBudget {
			break
		}
		if n == 0 {
			m.linef("%s\n|%s", row(head...), strings.Repeat("---|", len(head)))
		}
		m.linef("%s", text)
		written++
	}
	if left := len(rows) - written; left > 0 {
		m.linef("\n%s", m.lang.word(fmt.Sprintf("… and %d more; see the JSON.", left), fmt.Sprintf("……另有 %d 项，见 JSON。", left)))
	}
	m.linef("")
}
