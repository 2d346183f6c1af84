package compare

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/report"
)

const hostile = "x\x1b[2J\u009b1m\r\n# h\n| a | b |\n`code` ``` <img src=x onerror=alert(1)> <!-- &lt; @admin @org/team #1 GH-2 " +
	"https://evil.example www.evil.example [a](javascript:b) ![i](http://e) **b** __u__ ~~s~~ $$x$$ :+1: a@b.cc\u202eabc\u200b\u2028\xff \\"

// evil is a report in which everything that can be a text is hostile.
func evil(name string, outcome report.Outcome) report.Report {
	text := &diagnose.Text{EN: hostile + name, ZH: hostile + name}
	r := report.Report{
		SchemaVersion: "1", Fault: hostile, Verdict: report.Verdict(hostile + name),
		Image:   report.Image{Reference: hostile + name, Digest: hostile + name, DigestKind: hostile, Source: hostile + name, CompressedBytes: 1},
		Tool:    report.Tool{Version: hostile + name},
		Engine:  report.Engine{Name: hostile + name, Enforcement: report.Enforcement{Tmp: hostile + name}},
		Timings: map[string]int64{hostile: 1},
		Margins: []report.Margin{{Name: hostile, Used: 1, Unit: hostile}},
	}
	for n := range 200 {
		r.Requirements = append(r.Requirements, report.Requirement{
			ID: fmt.Sprint(hostile, n), Title: *text, Level: hostile, Outcome: outcome, Reason: diagnose.Code(hostile + name), Because: hostile + name, Found: text,
		})
	}
	return r
}

func comparisonOfEvil(t *testing.T) Comparison {
	t.Helper()
	c := compared(t, []report.Report{evil("a", report.Pass)}, []report.Report{evil("b", report.Fail)})
	other := evil("b", report.Fail)
	other.Fault = ""
	quiet := evil("a", report.Pass)
	quiet.Fault = ""
	c.Notes = append(c.Notes, compared(t, []report.Report{quiet}, []report.Report{other}).Notes...)
	if len(c.Requirements) != 200 || len(c.Notes) < 5 {
		t.Fatalf("%d changes, %d notes", len(c.Requirements), len(c.Notes))
	}
	return c
}

func TestHostileTextsDoNotControlATerminal(t *testing.T) {
	c := comparisonOfEvil(t)
	text, err := JSON(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{Text(c, English), Text(c, Chinese), Markdown(c, English), Markdown(c, Chinese), string(text)} {
		for _, r := range out {
			if unicode.IsControl(r) && r != '\n' || r == '\u202e' || r == '\u200b' || r == unicode.ReplacementChar && out != string(text) {
				t.Fatalf("holds %U", r)
			}
		}
	}
	for line := range strings.SplitSeq(Text(c, English), "\n") {
		if strings.HasPrefix(line, "# h") || strings.HasPrefix(line, "| a") {
			t.Errorf("a line of the image's own: %q", line)
		}
	}
}

// spans are code spans, in which nothing is markup.
var spans = regexp.MustCompile("`[^`\n]*`")

func TestHostileTextsAreNoMarkdown(t *testing.T) {
	c := comparisonOfEvil(t)
	for _, lang := range []Language{English, Chinese} {
		out := Markdown(c, lang)
		if len(out) > MaxMarkdown {
			t.Errorf("%d bytes", len(out))
		}
		if strings.Count(strings.ReplaceAll(out, "\\`", ""), "`")%2 != 0 {
			t.Error("a code span is not closed")
		}
		columns := 0
		for line := range strings.SplitSeq(strings.ReplaceAll(out, "\\`", ""), "\n") {
			checkLine(t, spans.ReplaceAllString(line, "code"))
			cells := strings.Count(strings.ReplaceAll(spans.ReplaceAllString(line, "code"), "\\|", ""), "|")
			if cells == 0 {
				columns = 0
				continue
			}
			if columns == 0 {
				columns = cells
			}
			if cells != columns || strings.Contains(line, "\\\\|") {
				t.Errorf("%d cells in a table of %d: %s", cells, columns, line)
			}
		}
		if !strings.Contains(out, "more; see the JSON") && lang == English {
			t.Error("what was left out is not told")
		}
	}
}

// checkLine looks for markup in a line without its code spans.
func checkLine(t *testing.T, line string) {
	t.Helper()
	line = strings.ReplaceAll(line, breaker, "\u200b")
	for _, own := range []string{"<br>", "<details>", "</details>", "<summary>", "</summary>"} {
		line = strings.ReplaceAll(line, own, "")
	}
	for name, pattern := range map[string]string{
		"HTML": `<`, "mention": `@\w`, "issue": `#\d`, "issue by GH": `(?i)GH-\d`, "address": `:/`, "www": `www\.\w`,
		"link": `(^|[^\\])\]\(`, "picture": `(^|[^\\])!\[`, "strikes": `(^|[^\\])~`, "formula": `\$\$`, "emoji": `:\+`, "underline": `(^|[^\\])_`, "entity": `&lt; @`,
	} {
		if regexp.MustCompile(pattern).MatchString(line) {
			t.Errorf("%s in %q", name, line)
		}
	}
}

func TestJSONKeepsHostileTextsWhole(t *testing.T) {
	text, err := JSON(comparisonOfEvil(t))
	if err != nil {
		t.Fatal(err)
	}
	var back Comparison
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if want := strings.ToValidUTF8(hostile, "\ufffd") + "b"; back.New.Reference != want || back.SchemaVersion != "1" {
		t.Errorf("it is %q", back.New.Reference)
	}
}

func TestMarkdownIsBoundedWhateverIsInIt(t *testing.T) {
	wide := strings.Repeat("@", 1000)
	c := Comparison{Old: Side{Reference: wide, Digest: wide, Verdict: wide}, New: Side{Reference: wide, Digest: wide, Verdict: wide}}
	for n := range 1000 {
		c.Requirements = append(c.Requirements, Change{ID: fmt.Sprint(n, wide), Kind: sections()[n%len(sections())].kind, Title: diagnose.Text{EN: wide, ZH: wide}})
		c.Numbers = append(c.Numbers, Number{ID: wide, Title: diagnose.Text{EN: wide, ZH: wide}, Unit: wide, Kind: NumberKind(wide)})
		c.Notes = append(c.Notes, diagnose.Text{EN: wide, ZH: wide})
		c.Verdicts = append(c.Verdicts, VerdictChange{Name: wide, Kind: Worse, Old: []string{wide}, New: []string{wide}})
	}
	for _, lang := range []Language{English, Chinese} {
		if out := Markdown(c, lang); len(out) > MaxMarkdown {
			t.Errorf("%d bytes", len(out))
		}
	}
}
