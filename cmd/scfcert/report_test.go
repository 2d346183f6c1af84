package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/report"
)

func TestAReportIsWrittenInEveryFormat(t *testing.T) {
	for name, annotated := range map[string]string{"passing": "", "failing": "::error title=start.listen%3A", "inconclusive": "::error title=scfcert%3A could not assess", "waived": "::notice title=start.listen%3A"} {
		source := filepath.Join("../../suite/report/testdata", name+".json")
		for format, holds := range map[string]string{"text": "verdict: ", "json": `"schemaVersion": "1"`, "junit": "<testsuites", "markdown": "## scfcert: ", "html": "<!doctype html>", "github": annotated} {
			out := filepath.Join(t.TempDir(), "out")
			if got := run([]string{"report", source, "--format", format, "--out", out}); got != 0 {
				t.Errorf("%s as %s: exit code %d", name, format, got)
			}
			text, err := os.ReadFile(out)
			if err != nil || !strings.Contains(strings.ToLower(string(text)), strings.ToLower(holds)) {
				t.Errorf("%s as %s is %.200q, %v", name, format, text, err)
			}
		}
	}
	for _, args := range [][]string{{"report", "none.json"}, {"report", "../../suite/report/testdata/passing.xml"}, {"report", "../../suite/report/testdata/passing.json", "--out", "/nonexistent/x"}} {
		if got := run(args); got != 2 {
			t.Errorf("%v: exit code %d, want 2", args, got)
		}
	}
	if got := run([]string{"report", "x.json", "--format=pdf"}); got != 64 {
		t.Errorf("an unknown format: exit code %d, want 64", got)
	}
}

func TestWhatAnImagePrintsIsNoWorkflowCommand(t *testing.T) {
	r := loaded(t, "../../suite/report/testdata/failing.json")
	hostile := diagnose.Text{EN: "a\n::set-env name=PATH::/evil\r\n::error::x%0A\x1b[2J", ZH: "z"}
	for n := range r.Requirements {
		if r.Requirements[n].Outcome == report.Fail {
			r.Requirements[n].Found, r.Requirements[n].Title = &hostile, hostile
		}
	}
	lang := english
	var out bytes.Buffer
	if err := annotate(&out, r, &lang); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if len(lines) != 1 || !strings.HasPrefix(lines[0], "::error title=start.listen%3A ") || strings.ContainsAny(out.String(), "\r\x1b") || !strings.Contains(lines[0], "x%250A") {
		t.Errorf("the annotations are %q", lines)
	}
}
