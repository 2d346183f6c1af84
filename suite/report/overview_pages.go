package report

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// runSign is a verdict with its sign.
type runSign struct {
	Outcome Outcome
	Word    string
}

// Class is the style of the sign.
func (s runSign) Class() Outcome { return s.Outcome }

// Mark is the sign.
func (s runSign) Mark() string { return mark(s.Outcome) }

// sign is the verdict of a run in this language.
func (p *phrases) sign(r *OverviewRun) runSign {
	switch o := r.outcome(); {
	case r.State == NotRun:
		return runSign{o, p.NotRun}
	case r.Error != "":
		return runSign{o, p.NoReport}
	default:
		return runSign{o, p.VerdictName(r.Verdict)}
	}
}

// notes tell what is particular about a run.
func (p *phrases) notes(r *OverviewRun) string {
	var notes []string
	if r.State == RunKept {
		notes = append(notes, p.Kept)
	}
	if r.Again {
		notes = append(notes, p.CertifiedAgain)
	}
	return strings.Join(notes, p.Comma)
}

// variantName is the head of a column.
func (p *phrases) variantName(variant string) string {
	if variant == "" {
		return p.Verdict
	}
	return name(variant)
}

// overviewView is the overview in one language, as the template takes it.
type overviewView struct {
	*phrases

	O        *Overview
	Worst    Outcome
	Counts   []countedSign
	Variants []string
	Rows     []overviewRow
	Broken   []brokenRow
	Faults   []faultRow
	Runs     []figuresRow
}

type countedSign struct {
	runSign

	N int
}

type overviewRow struct {
	Name  string
	Cells []*overviewCell // nil where there is no such run
}

type overviewCell struct {
	runSign

	Link, First string
	More        int
}

type brokenRow struct {
	Outcome     Outcome
	Requirement string
	Summary     string
	Reason      diagnose.Code
	Runs        []string
	Left        int
}

type faultRow struct{ Name, Text string }

type figuresRow struct {
	runSign
	figures

	Name, Reference, Note string
	Open                  int
}

func newOverviewView(o *Overview, p *phrases) overviewView {
	v := overviewView{phrases: p, O: o, Worst: Pass}
	for _, variant := range o.Variants {
		v.Variants = append(v.Variants, p.variantName(variant))
	}
	for _, image := range o.Images {
		row := overviewRow{Name: name(image)}
		for _, variant := range o.Variants {
			row.Cells = append(row.Cells, p.cellOf(o.run(image, variant)))
		}
		v.Rows = append(v.Rows, row)
	}
	for _, b := range o.broken() {
		row := brokenRow{Outcome: b.Outcome, Requirement: b.Requirement, Reason: b.Reason}
		if reason, ok := diagnose.ReasonOf(b.Reason); ok {
			row.Summary = p.say(reason.Summary)
		}
		row.Runs, row.Left = names(b.Runs)
		v.Broken = append(v.Broken, row)
	}
	for n := range o.Runs {
		r := &o.Runs[n]
		v.Runs = append(v.Runs, figuresRow{p.sign(r), r.figures(), name(r.Name()), name(r.Reference), p.notes(r), r.Open})
		if why := r.why(); why != "" {
			v.Faults = append(v.Faults, faultRow{name(r.Name()), name(why)})
		}
	}
	if v.Counts = counted(v.Runs); len(v.Counts) > 0 {
		v.Worst = v.Counts[0].Outcome
	}
	return v
}

// why tells what kept a run from its verdict.
func (r *OverviewRun) why() string {
	if r.Error != "" {
		return r.Error
	}
	return r.Fault
}

// linked are folders that a page may link to: those of runs, and nothing that somebody else may have written.
var linked = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$`)

func (p *phrases) cellOf(r *OverviewRun) *overviewCell {
	if r == nil {
		return nil
	}
	cell := &overviewCell{runSign: p.sign(r)}
	if linked.MatchString(r.Folder) {
		cell.Link = r.Folder + "/report.html"
	}
	if failed := failures(r.Findings); len(failed) > 0 {
		cell.First, cell.More = name(string(failed[0].Reason)), len(failed)-1
	}
	return cell
}

// failures are the findings that count.
func failures(all []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f Finding) bool { return f.Outcome != Fail })
}

// counted counts the verdicts, the worst first.
func counted(runs []figuresRow) []countedSign {
	counts := map[runSign]int{}
	for _, row := range runs {
		counts[row.runSign]++
	}
	var all []countedSign
	for _, o := range outcomes() {
		for _, row := range runs {
			if n := counts[row.runSign]; row.Outcome == o && n > 0 {
				all = append(all, countedSign{row.runSign, n})
				delete(counts, row.runSign)
			}
		}
	}
	return all
}

// Plain is a short text that may be anybody's.
func (v overviewView) Plain(text string) string { return name(text) }

// Took is how long it took in all.
func (v overviewView) Took() string {
	return milliseconds(max(v.O.FinishedAt.Sub(v.O.StartedAt).Milliseconds(), 0))
}

// WriteOverviewHTML writes matrix.html: the overview in one file, in English and in Chinese, with links to the reports
// beside it.
func WriteOverviewHTML(w io.Writer, o Overview) error {
	return document{
		Title:     inEnglish.Matrix + " – scfcert",
		Overviews: []overviewView{newOverviewView(&o, &inEnglish), newOverviewView(&o, &inChinese)},
	}.write(w)
}

// WriteOverviewMarkdown writes the overview for a step summary of GitHub or a merge request of GitLab, within the bounds of
// WriteMarkdown.
func WriteOverviewMarkdown(w io.Writer, o Overview, opts MarkdownOptions) error {
	m := &markdownWriter{phrases: in(opts.Chinese)}
	v := newOverviewView(&o, m.phrases)
	var counts []string
	for _, c := range v.Counts {
		counts = append(counts, fmt.Sprintf("%s %s %d", c.Mark(), prose(c.Word), c.N))
	}
	m.block("## scfcert" + m.Colon + m.Matrix + "\n\n" + strings.Join(counts, " · ") + "\n\n")
	rows := make([][]string, 0, len(v.Rows))
	for _, row := range v.Rows {
		cells := []string{cell(row.Name)}
		for _, c := range row.Cells {
			cells = append(cells, overviewMarkdown(c))
		}
		rows = append(rows, cells)
	}
	head := []string{m.Image}
	for _, variant := range v.Variants {
		head = append(head, prose(variant))
	}
	m.table(head, rows)
	m.overviewBroken(v.Broken)
	m.overviewFaults(v.Faults)
	m.overviewFigures(v.Runs)
	m.write("_" + m.FolderNote + "_\n")
	if m.left > 0 {
		m.write(fmt.Sprintf("\n_%d %s_\n", m.left, m.LeftOut))
	}
	if _, err := io.WriteString(w, m.String()); err != nil {
		return fmt.Errorf("write overview: %w", err)
	}
	return nil
}

func overviewMarkdown(c *overviewCell) string {
	if c == nil {
		return "–"
	}
	text := c.Mark() + " " + prose(c.Word)
	if c.First != "" {
		text += " " + cell(c.First)
	}
	if c.More > 0 {
		text += fmt.Sprintf(" +%d", c.More)
	}
	return text
}

func (m *markdownWriter) overviewBroken(all []brokenRow) {
	if len(all) == 0 {
		return
	}
	m.block("### " + m.Broken + "\n\n")
	var rows [][]string
	for _, b := range all {
		runs := m.ids(b.Runs)
		if b.Left > 0 {
			runs += fmt.Sprintf("%s%d %s", m.Comma, b.Left, m.More)
		}
		rows = append(rows, []string{mark(b.Outcome) + " " + m.OutcomeName(b.Outcome), cell(b.Requirement), prose(b.Summary) + " " + cell(string(b.Reason)), runs})
	}
	m.table([]string{m.Outcome, m.Requirement, m.Reason, m.T().Runs}, rows)
}

func (m *markdownWriter) overviewFaults(all []faultRow) {
	if len(all) == 0 {
		return
	}
	m.block("### " + m.Fault + "\n\n")
	for _, f := range all {
		m.block("* " + code(f.Name) + m.Colon + m.codeText(f.Text) + "\n")
	}
	m.block("\n")
}

func (m *markdownWriter) overviewFigures(all []figuresRow) {
	m.block("### " + m.Figures + "\n\n")
	var rows [][]string
	for _, r := range all {
		rows = append(rows, []string{cell(r.Name), prose(r.Size), prose(r.ColdStart), prose(r.Memory), strconv.Itoa(r.Open), prose(r.Took), r.Note})
	}
	m.table([]string{m.T().Runs, m.Size, m.Timeline, m.Peak, m.OpenCount, m.Duration, m.Note}, rows)
}
