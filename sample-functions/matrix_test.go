package samplefunctions_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

var (
	matrix = flag.Bool("matrix", false, "certify every violator, not only some")
	update = flag.Bool("update", false, "write docs/kill-matrix.* anew")
)

// everyday are the violators that are certified each time: one of each way in which a certification comes to an end.
var everyday = []string{
	"arm64-binary", "command-line-entrypoint", "exits", "loopback-only", "event-404", "all-404", "writes-quietly", "loses-header", "platform-no-header",
}

// TestEveryViolatorFailsForItsReason is the kill matrix: exactly the bound requirement falls, for the bound reason.
// "make matrix" runs all of it.
func TestEveryViolatorFailsForItsReason(t *testing.T) {
	built := programs(t)
	for _, v := range samplefunctions.Violators() {
		if !*matrix && !slices.Contains(everyday, v.Name) {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			if !v.Setup.Alone {
				t.Parallel() // most of the time is waiting for something
			}
			expect(t, certify(t, options(t, v, built)), v.Broken, v.Also)
		})
	}
}

// expect looks whether exactly what is broken has fallen, for its reason, and whether the verdict follows from it.
func expect(t *testing.T, certified report.Report, broken samplefunctions.Broken, also *samplefunctions.Broken) {
	t.Helper()
	var failed []samplefunctions.Broken
	for _, q := range certified.Requirements {
		if q.Outcome == report.Fail || q.Outcome == report.Warn {
			failed = append(failed, samplefunctions.Broken{Requirement: q.ID, Reason: q.Reason})
		}
	}
	want, verdict := []samplefunctions.Broken{broken}, report.NonConformant
	if also != nil {
		want = append(want, *also)
	}
	q, ok := requirement.ByID(broken.Requirement)
	switch {
	case !ok:
		t.Fatalf("no requirement %s", broken.Requirement)
	case q.Subject == requirement.Platform:
		verdict = report.Inconclusive
	case q.Level == requirement.Should:
		verdict = report.Conformant
	}
	byID := func(a, b samplefunctions.Broken) int { return strings.Compare(a.Requirement, b.Requirement) }
	slices.SortFunc(failed, byID)
	slices.SortFunc(want, byID)
	if certified.Verdict != verdict || !slices.Equal(failed, want) || certified.Fault != "" {
		show(t, certified)
		t.Errorf("verdict %s, failed %v, fault %q; want %s for %v", certified.Verdict, failed, certified.Fault, verdict, want)
	}
}

func TestEverydayViolatorsExist(t *testing.T) {
	for _, name := range everyday {
		if !slices.ContainsFunc(samplefunctions.Violators(), func(v samplefunctions.Violator) bool { return v.Name == name }) {
			t.Errorf("no violator %s", name)
		}
	}
}

// killed is one row of the kill matrix.
type killed struct {
	Requirement string               `json:"requirement"`
	Level       requirement.Level    `json:"level"`
	Subject     requirement.Subject  `json:"subject"`
	Observed    requirement.Observed `json:"observed"`
	Killers     []killer             `json:"killers"`
}

// killer is an image that fails, or a fault of the platform.
type killer struct {
	Name   string        `json:"name"`
	Fault  string        `json:"fault"`
	Reason diagnose.Code `json:"reason"`
	// World is where it is of: a program of ours with a fault, or a realistic image on Debian.
	World string `json:"world"`
}

// killers are all that break something, by the requirement that they break.
func killers(t *testing.T) map[string][]killer {
	t.Helper()
	all := map[string][]killer{}
	names := map[string]bool{}
	add := func(name, fault, world string, broken samplefunctions.Broken) {
		if reason, ok := diagnose.ReasonOf(broken.Reason); !ok || reason.Requirement != broken.Requirement {
			t.Errorf("%s: reason %s belongs to %q, not to %s", name, broken.Reason, reason.Requirement, broken.Requirement)
		}
		all[broken.Requirement] = append(all[broken.Requirement], killer{name, fault, broken.Reason, world})
	}
	for _, v := range samplefunctions.Violators() {
		if names[v.Name] {
			t.Errorf("two violators are named %s", v.Name)
		}
		names[v.Name] = true
		world := "go"
		if v.Setup.Tamper != nil {
			world = "platform"
		}
		add(v.Name, v.Fault, world, v.Broken)
		if v.Also != nil {
			add(v.Name, v.Fault, world, *v.Also)
		}
	}
	for _, v := range samplefunctions.Realistics() {
		world, _, _ := strings.Cut(v.Name, "-")
		add(v.Name, v.Fault, world, v.Broken)
	}
	return all
}

func TestEveryRequirementAndEveryReasonHasAKiller(t *testing.T) {
	all := killers(t)
	reasons := map[diagnose.Code]bool{}
	for _, some := range all {
		for _, k := range some {
			reasons[k.Reason] = true
		}
	}
	for _, q := range requirement.All() {
		if q.Level != requirement.Info && len(all[q.ID]) == 0 {
			t.Errorf("nothing kills %s", q.ID)
		}
	}
	for _, reason := range diagnose.Reasons() {
		if reason.Requirement != "" && !reasons[reason.Code] {
			t.Errorf("nothing fails for %s", reason.Code)
		}
	}
}

func TestTheKillMatrixIsWrittenDown(t *testing.T) {
	all := killers(t)
	rows := []killed{}
	var table strings.Builder
	table.WriteString("# Kill matrix\n\n" +
		"Which image, or which fault of the platform, breaks which requirement, and the reason that the report has to name.\n" +
		"Certified one by one, each makes exactly this requirement fall, for exactly this reason: `make matrix`, and `make test-debian` for those in Python, Node and shell.\n\n" +
		"Generated by `go test ./sample-functions -run Matrix -update`; do not edit. For programs: [kill-matrix.json](kill-matrix.json).\n\n" +
		"| requirement | level | subject | killer | fault | reason |\n|---|---|---|---|---|---|\n")
	for _, q := range requirement.All() {
		row := killed{q.ID, q.Level, q.Subject, q.Observed, all[q.ID]}
		if row.Killers == nil {
			row.Killers = []killer{}
			_, _ = fmt.Fprintf(&table, "| `%s` | %s | %s | – | not observable | – |\n", q.ID, q.Level, q.Subject)
		}
		for _, k := range row.Killers {
			_, _ = fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s | `%s` |\n", q.ID, q.Level, q.Subject, k.Name, strings.ReplaceAll(k.Fault, "|", "\\|"), k.Reason)
		}
		rows = append(rows, row)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(rows); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"../docs/kill-matrix.json": text.String(), "../docs/kill-matrix.md": table.String()} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s differs from the violators (%v): go test ./sample-functions -run Matrix -update", path, err)
		}
	}
}
