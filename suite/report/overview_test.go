package report

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

func overviewOf(t *testing.T, o Overview, write func(io.Writer, Overview) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func inMarkdown(chinese bool) func(io.Writer, Overview) error {
	return func(w io.Writer, o Overview) error {
		return WriteOverviewMarkdown(w, o, MarkdownOptions{Chinese: chinese})
	}
}

// atAGlance is an overview with every verdict, one run that has no report and one that was not run.
func atAGlance() Overview {
	began := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	o := Overview{
		SchemaVersion: OverviewVersion, Tool: Tool{"scfcert", "1.0", "131ce2d"}, StartedAt: began, FinishedAt: began.Add(95 * time.Second),
		Images: []string{"python", "node", "go"}, Variants: []string{"event-256", "http"},
	}
	for n, name := range []string{"passing", "failing", "inconclusive", "waived"} {
		run := OverviewRun{Image: o.Images[n/2], Variant: o.Variants[n%2], State: RunEnded, Alone: n == 1, Again: n == 1}
		if n == 0 {
			run.State = RunKept
		}
		o.Runs = append(o.Runs, Summarize(run, dressed(name)))
	}
	o.Runs = append(o.Runs,
		OverviewRun{Image: "go", Variant: "event-256", State: RunEnded, Error: "wrong usage: waivers.yaml:3:5: limits.memory passes"},
		OverviewRun{Image: "go", Variant: "http", State: NotRun})
	return o
}

func TestAMatrixAtAGlanceByTheByte(t *testing.T) {
	for ending, write := range map[string]func(io.Writer, Overview) error{
		"json": WriteOverviewJSON, "html": WriteOverviewHTML, "md": inMarkdown(false), "zh.md": inMarkdown(true),
	} {
		golden(t, "matrix/overview."+ending, overviewOf(t, atAGlance(), write))
	}
}

func TestAGlanceTellsEachVerdictAndWhereItsReportIs(t *testing.T) {
	page := overviewOf(t, atAGlance(), WriteOverviewHTML)
	root := parsed(t, page)
	want := []string{"python/event-256/report.html", "python/http/report.html", "node/event-256/report.html", "node/http/report.html"}
	safe(t, root, want...)
	english := innerText(byID(t, root, "en"))
	for _, words := range []string{"✗ Non-conformant: 1", "python ✓ Conformant ✗ Non-conformant", "node ? Inconclusive ≈ Conformant, with waivers", "go ? could not be certified – not run", "limits.memory passes", "certified again, alone", "kept from an earlier call"} {
		if !strings.Contains(english, words) {
			t.Errorf("the page does not tell %q:\n%s", words, english)
		}
	}
	var links []string
	for _, a := range all(byID(t, root, "en-main"), "a") {
		links = append(links, attribute(a, "href"))
	}
	if !slices.Equal(links, want) {
		t.Errorf("links %q, want %q", links, want)
	}
	if class := attribute(all(byID(t, root, "en-main"), "div")[0], "class"); class != "card fail" {
		t.Errorf("the first card is of class %q; the worst verdict is non-conformant", class)
	}
}

func TestTheExitCodeIsThatOfTheWorstRun(t *testing.T) {
	run := func(v Verdict) OverviewRun { return OverviewRun{State: RunEnded, Verdict: v} }
	for name, c := range map[string]struct {
		runs []OverviewRun
		want int
	}{
		"all conformant":         {[]OverviewRun{run(Conformant), run(WithWaivers)}, ExitConformant},
		"one broken":             {[]OverviewRun{run(Inconclusive), run(NonConformant), run(Conformant)}, ExitNonConformant},
		"one inconclusive":       {[]OverviewRun{run(Conformant), run(Inconclusive), run(Conformant)}, ExitInconclusive},
		"none":                   {nil, ExitInconclusive},
		"one not run":            {[]OverviewRun{run(Conformant), {State: NotRun}}, ExitInconclusive},
		"one with an error":      {[]OverviewRun{{State: RunEnded, Verdict: Conformant, Error: "x"}}, ExitInconclusive},
		"one without a verdict":  {[]OverviewRun{{State: RunEnded}}, ExitInconclusive},
		"a kept one that breaks": {[]OverviewRun{{State: RunKept, Verdict: NonConformant}}, ExitNonConformant},
	} {
		if got := (&Overview{Runs: c.runs}).ExitCode(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestNothingARunChoosesBecomesMarkup(t *testing.T) {
	for _, text := range append(evil, strings.Repeat("x", 1<<20)) {
		o := Overview{SchemaVersion: text, Tool: Tool{text, text, text}, Images: []string{text}, Variants: []string{text}}
		run := Summarize(OverviewRun{Image: text, Variant: text, State: RunEnded}, hostile(text))
		run.Findings = append(run.Findings, Finding{text, diagnose.Code(text), Fail})
		run.Timings, run.Margins = map[string]int64{"coldStartMs": math.MaxInt64}, append(run.Margins, Margin{"memory", math.NaN(), math.Inf(1), text})
		failed := run
		failed.Variant, failed.Error, failed.Folder = "other", text, "javascript:alert(1)"
		o.Runs, o.Variants = []OverviewRun{run, failed}, append(o.Variants, "other")

		page := overviewOf(t, o, WriteOverviewHTML)
		harmless(t, page)
		safe(t, parsed(t, page))
		for _, chinese := range []bool{false, true} {
			got := overviewOf(t, o, inMarkdown(chinese))
			harmless(t, got)
			outside(t, got)
		}
	}
}

func TestAnEmptyOverviewIsWrittenToo(t *testing.T) {
	safe(t, parsed(t, overviewOf(t, Overview{}, WriteOverviewHTML)))
	outside(t, overviewOf(t, Overview{}, inMarkdown(true)))
	var read map[string]any
	if err := json.Unmarshal([]byte(overviewOf(t, Overview{Runs: []OverviewRun{{}}}, WriteOverviewJSON)), &read); err != nil {
		t.Fatal(err)
	}
	run := read["runs"].([]any)[0].(map[string]any)
	for _, key := range []string{"findings", "waived", "margins", "timings"} {
		if run[key] == nil {
			t.Errorf("%s is null", key)
		}
	}
}

func TestAnOverviewOfVeryManyIsCutAndSaysSo(t *testing.T) {
	o := Overview{Variants: []string{""}}
	for range 1000 {
		o.Images = append(o.Images, strings.Repeat("i", 60))
		o.Runs = append(o.Runs, Summarize(OverviewRun{Image: o.Images[0], State: RunEnded}, dressed("failing")))
	}
	got := overviewOf(t, o, inMarkdown(false))
	if len(got) >= markdownBytes || !strings.Contains(got, inEnglish.LeftOut) {
		t.Errorf("%d bytes, %q", len(got), got[max(0, len(got)-200):])
	}
}
