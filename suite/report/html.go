package report

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/requirement"
)

//go:embed html
var htmlFiles embed.FS

// WriteHTML writes report.html: the whole report in one file, in English and in Chinese, for a browser or for paper.
// It loads nothing and needs no script. Nothing that an image chose can become markup.
func WriteHTML(w io.Writer, r Report) error {
	return document{
		Title: inEnglish.VerdictName(r.Verdict) + " – " + name(r.Image.Reference) + " – scfcert",
		Parts: []view{newView(&r, &inEnglish), newView(&r, &inChinese)},
	}.write(w)
}

// document is the whole file.
type document struct {
	Title  string
	Policy string
	Style  template.CSS
	Script template.JS
	// One of them: a report, or an overview, in each language.
	Parts     []view
	Overviews []overviewView
}

func (d document) write(w io.Writer) error {
	page, err := template.New("").ParseFS(htmlFiles, "html/*.html")
	style, err2 := htmlFiles.ReadFile("html/report.css")
	script, err3 := htmlFiles.ReadFile("html/report.js")
	if err := errors.Join(err, err2, err3); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	d.Policy = "default-src 'none'; style-src '" + hashOf(style) + "'; script-src '" + hashOf(script) + "'; img-src data:; base-uri 'none'; form-action 'none'"
	d.Style, d.Script = template.CSS(style), template.JS(script) //nolint:gosec // our own files
	if err := page.ExecuteTemplate(w, "document", d); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// view is the report in one language, as the template takes it.
type view struct {
	*phrases

	R        *Report
	Causes   []cause
	Budgets  []budget
	Line     timeline
	Chapters []chapter
	Shown    []Outcome // those that occur
	Logs     []logExcerpt
}

func newView(r *Report, p *phrases) view {
	v := view{
		phrases: p, R: r, Causes: causes(r), Budgets: p.budgets(r.Margins), Line: p.line(r.Timings), Chapters: chapters(r.Requirements),
	}
	counts := count(r.Requirements)
	for _, o := range outcomes() {
		if counts[o] > 0 {
			v.Shown = append(v.Shown, o)
		}
	}
	v.Logs = v.logs()
	return v
}

// Passage is a text as it is shown: its first line, and what stands below it.
type Passage struct {
	First excerpt
	Rest  excerpt
	Lang  string // where it differs from the page's
}

// Say is a text in the language of the view; nil where there is none.
func (v view) Say(text *diagnose.Text) *Passage {
	if text == nil || text.EN == "" && text.ZH == "" {
		return nil
	}
	p := v.Plain(v.say(*text))
	if v.Key != inEnglish.Key && (text.ZH == "" || text.ZH == text.EN) {
		p.Lang = inEnglish.Tag
	}
	return p
}

// Title is a short text.
func (v view) Title(text diagnose.Text) string { return name(v.say(text)) }

// Plain is a text that is the same in every language.
func (v view) Plain(text string) *Passage {
	first, rest := parted(text)
	return &Passage{First: quote(first, shownText), Rest: quote(rest, shownText)}
}

// Name is a short text in one line.
func (v view) Name(of string) string { return name(of) }

// Quote is a text that may be long.
func (v view) Quote(of string) excerpt { return quote(of, shownText) }

// With joins the view with something else, for a part of the template.
func (v view) With(data any) part { return part{v, data} }

// part is what a part of the template gets.
type part struct {
	view

	Data any
}

// Bytes is a size for people.
func (v view) Bytes(of int) string { return amount(float64(of), "bytes") }

// Size64 is a size for people.
func (v view) Size64(of int64) string { return amount(float64(of), "bytes") }

// MS is a duration for people.
func (v view) MS(ms int64) string { return milliseconds(ms) }

// OfVerdict is the outcome that a verdict looks like.
func (v view) OfVerdict(verdict Verdict) Outcome { return verdictOutcome(verdict) }

// Sentence says what the verdict means.
func (v view) Sentence() string {
	return cmp.Or(v.sentences[v.R.Verdict], v.sentences[Inconclusive])
}

// ChapterName is a chapter for people.
func (v view) ChapterName(key string) string { return v.chapters[key] }

// Words are the start command as it was resolved.
func (v view) Words() string {
	words := slices.Concat(v.R.Image.Command, v.R.Image.Args)
	shown := make([]string, 0, len(words))
	for _, word := range words[:min(len(words), shownRows)] {
		shown = append(shown, fmt.Sprintf("%q", word[:min(len(word), shownName)]))
	}
	return strings.Join(shown, " ")
}

// Pair is a name with its value.
type Pair struct {
	Key   string
	Value excerpt
}

// Readings are those that differ from the default.
func (v view) Readings() []Pair {
	var pairs []Pair
	for _, key := range slices.Sorted(maps.Keys(v.R.Readings)) {
		if len(pairs) < shownRows {
			pairs = append(pairs, Pair{name(key), quote(v.R.Readings[key], shownName)})
		}
	}
	return pairs
}

// Evidence is what was observed, by name.
func (v view) Evidence(of map[string]any) []Pair {
	var pairs []Pair
	for _, key := range slices.Sorted(maps.Keys(of)) {
		if len(pairs) < shownRows {
			pairs = append(pairs, Pair{name(key), quote(value(key, of[key]), shownText)})
		}
	}
	return pairs
}

// Enforced lists how hard each limit was held.
func (v view) Enforced() []Pair {
	e := v.R.Engine.Enforcement
	var pairs []Pair
	for _, one := range []struct{ key, strength string }{{v.Tmp, e.Tmp}, {v.Rootfs, e.Rootfs}, {v.MemoryLimit, e.Memory}, {v.CPU, e.CPU}} {
		pairs = append(pairs, Pair{one.key, excerpt{Text: v.Strength(one.strength)}})
	}
	return pairs
}

// Types are the function types that a requirement concerns.
func (v view) Types(of []string) string {
	words := make([]string, 0, len(of))
	for _, kind := range of[:min(len(of), shownRows)] {
		words = append(words, or(v.types, kind))
	}
	return strings.Join(words, v.Comma)
}

// TypeName is a function type for people.
func (v view) TypeName(of string) string { return or(v.types, of) }

// ObservedAs tells how a requirement was observed.
func (v view) ObservedAs(of requirement.Observed) string { return or(v.observed, string(of)) }

// Reference is another requirement, with a link if it is in the report.
type Reference struct {
	ID   string
	Link string
}

// Refer makes a reference.
func (v view) Refer(id string) Reference {
	reference := Reference{ID: name(id)}
	if v.R.requirement(id).ID != "" {
		reference.Link = v.ID(id)
	}
	return reference
}

// ReferAll makes references, and tells how many were left out.
func (v view) ReferAll(ids []string) (all struct {
	Shown []Reference
	Left  int
},
) {
	shown, left := names(ids)
	for _, id := range shown {
		all.Shown = append(all.Shown, v.Refer(id))
	}
	all.Left = left
	return all
}

// Also are the summaries of other causes that the evidence does not rule out.
func (v view) Also(codes []diagnose.Code) []string {
	var summaries []string
	for _, code := range codes[:min(len(codes), shownRows)] {
		if reason, ok := diagnose.ReasonOf(code); ok {
			summaries = append(summaries, v.say(reason.Summary))
		}
	}
	return summaries
}

// FaultReason is the cause of the fault; nil if it has none that is known.
func (v view) FaultReason() *faultReason {
	reason, ok := diagnose.ReasonOf(v.R.FaultReason)
	if !ok {
		return nil
	}
	return &faultReason{reason.Code, v.Title(reason.Summary), v.Say(&reason.Fix)}
}

// faultReason is a cause of a fault as it is shown.
type faultReason struct {
	Code    diagnose.Code
	Summary string
	Fix     *Passage
}

// OfPlatform tells whether it is the platform that owes a requirement.
func (v view) OfPlatform(q Requirement) bool { return q.Subject == requirement.Platform }

// Shares tells whether a requirement is open for the fault at the top.
func (v view) Shares(q Requirement) bool { return v.R.shares(&q) }

// logExcerpt is output of the image, with the requirements that quote it.
type logExcerpt struct {
	First       string
	Text        excerpt
	Requirement []Reference
}

// logs are the outputs that were quoted, each once.
func (v view) logs() []logExcerpt {
	var all []logExcerpt
	for _, q := range v.R.Requirements {
		if q.Found == nil || v.R.shares(&q) {
			continue
		}
		first, rest := parted(q.Found.EN)
		if rest == "" {
			continue
		}
		text := quote(rest, shownText)
		at := slices.IndexFunc(all, func(l logExcerpt) bool { return l.Text == text })
		if at < 0 && len(all) == shownRows {
			continue
		}
		if at < 0 {
			all = append(all, logExcerpt{First: name(first), Text: text})
			at = len(all) - 1
		}
		all[at].Requirement = append(all[at].Requirement, v.Refer(q.ID))
	}
	return all
}
