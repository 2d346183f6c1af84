package waiver

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/yamlfile"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

var update = flag.Bool("update", false, "write the golden files anew")

// day is noon of a day, in UTC.
func day(text string) time.Time {
	parsed, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return parsed.Add(12 * time.Hour)
}

// on is the day of these tests.
var on = Options{Now: day("2026-06-30")}

func TestAFileOfWaiversIsRead(t *testing.T) {
	got, err := Load("testdata/waivers.yaml", on)
	if err != nil {
		t.Fatal(err)
	}
	want := []Waiver{
		{
			Waiver: report.Waiver{Requirement: "limits.memory", Reason: "run.little-memory-left", Justification: "The peak comes from a warm-up that runs once a day.", Owner: "team@example.com", Expires: "2027-01-31"},
			At:     yamlfile.Position{File: "testdata/waivers.yaml", Line: 3, Column: 5},
		},
		{
			Waiver: report.Waiver{Requirement: "start.listen", Reason: diagnose.ListenLoopback, Justification: "A sidecar listens on 0.0.0.0: see OPS-17.", Owner: "ops@example.com", Expires: "2026-12-31"},
			At:     yamlfile.Position{File: "testdata/waivers.yaml", Line: 8, Column: 5},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestTheGuideShowsTheExample(t *testing.T) {
	guide, err := os.ReadFile("../../docs/waivers.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("testdata/waivers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(guide), "```yaml\n"+string(example)+"```\n") {
		t.Error("docs/waivers.md does not show testdata/waivers.yaml")
	}
	for _, limit := range []string{fmt.Sprintf("at most %d days", MaxDays), fmt.Sprintf("at most %d KB", MaxBytes>>10)} {
		if !strings.Contains(string(guide), limit) {
			t.Errorf("docs/waivers.md does not say %q", limit)
		}
	}
}

func TestAFileMayHoldNoWaiver(t *testing.T) {
	if got, err := Parse("w.yaml", []byte("waivers: []"), on); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAWaiverHoldsUntilTheEndOfItsDayInUTC(t *testing.T) {
	text := []byte("waivers: [{requirement: limits.memory, reason: run.little-memory-left, justification: j, owner: o, expires: 2026-06-30}]")
	east := time.FixedZone("east", 8*60*60)
	for _, c := range []struct {
		now  time.Time
		want bool
	}{
		{time.Date(2026, 6, 30, 23, 59, 59, 999, time.UTC), true},
		{time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), false},
		{time.Date(2026, 7, 1, 7, 59, 0, 0, east), true}, // still June in UTC
		{time.Date(2026, 7, 1, 8, 0, 0, 0, east), false},
		{time.Date(2025, 6, 29, 0, 0, 0, 0, time.UTC), true}, // 366 days ahead
		{time.Date(2025, 6, 28, 23, 59, 0, 0, time.UTC), false},
	} {
		if _, err := Parse("w.yaml", text, Options{Now: c.now}); (err == nil) != c.want {
			t.Errorf("at %s: %v", c.now, err)
		}
	}
	if _, err := Parse("w.yaml", bytes.Replace(text, []byte("2026-06-30"), []byte("2000-01-01"), 1), Options{}); !errors.Is(err, ErrWaivers) {
		t.Errorf("without a time the present does not count: %v", err)
	}
}

// one is a file with a waiver that is good; each change is put in the place of what it names.
const one = `waivers:
  - requirement: limits.memory
    reason: run.little-memory-left
    justification: one sentence
    owner: team@example.com
    expires: 2027-01-31
`

func TestAnErrorSaysWhereAndWhatAndWhatToDo(t *testing.T) {
	second := strings.TrimPrefix(one, "waivers:\n")
	for _, c := range []struct{ old, changed, want string }{
		// the document
		{one, "", "w.yaml:1:1: the file is empty; it needs at least waivers: []"},
		{one, "---\n", "w.yaml:1:1: there is nothing in the file; it needs at least waivers: []"},
		{one, "limits.memory", "w.yaml:1:1: this is a text; write a mapping, such as {waivers: []}"},
		{one, "{}", "w.yaml:1:1: waivers: this key is missing; write waivers: []"},
		{one, "waivers:", "w.yaml:1:1: waivers: there is no value; write a list, such as [{requirement: limits.memory, reason: run.little-memory-left, ...}], or take the key out"},
		{one, "waivers: {}", "w.yaml:1:10: waivers: this is a mapping; write a list, such as [{requirement: limits.memory, reason: run.little-memory-left, ...}]"},
		{one, "waivers: [limits.memory]", "w.yaml:1:11: waivers[0]: this is a text; write a mapping, such as {requirement: limits.memory, reason: run.little-memory-left, ...}"},
		{one, "waivers: []\nwaiver: []", "w.yaml:2:1: waiver: there is no such key; did you mean waivers?"},
		{one, "waivers: []\nwaivers: []", "w.yaml:2:1: waivers: this key stands twice, first in line 1; keep one of them"},
		{one, one + "---\n" + one, "w.yaml:7:1: a second document begins; put all waivers into the first and take the line --- out"},
		{"    reason", "  reason", "w.yaml:1:1: here or in the next line the YAML is broken: did not find expected '-' indicator; indent this line and the next as their neighbours, and do not mix - items with KEY: VALUE"},
		{"limits.memory\n", "[\n", "w.yaml:1:1: here or in the next line the YAML is broken: did not find expected ',' or ']'; close the bracket or put a comma between the items"},
		{"one", "\xff", "w.yaml:4:20: this is not UTF-8; save the file as UTF-8 text"},
		{"one", "\x07", `w.yaml:1:1: here or in the next line the YAML is broken: control characters are not allowed; write it in quotes as an escape, such as "\x07"`},
		{"one", strings.Repeat("x", MaxBytes), "w.yaml:1:1: the file has more than 64 KB; mend some failures, or write shorter justifications"},
		// members
		{"    owner: team@example.com\n", "", "w.yaml:2:5: waivers[0].owner: this key is missing; write owner: team@example.com"},
		{"owner:", "ownr:", "w.yaml:2:5: waivers[0].owner: this key is missing; write owner: team@example.com\nw.yaml:5:5: waivers[0].ownr: there is no such key; did you mean owner?"},
		{"owner:", "team: x\n    owner:", "w.yaml:5:5: waivers[0].team: there is no such key; known are requirement, reason, justification, owner, expires"},
		{"owner:", "owner: x\n    owner:", "w.yaml:6:5: waivers[0].owner: this key stands twice, first in line 5; keep one of them"},
		{"team@example.com", "", "w.yaml:5:5: waivers[0].owner: there is no value; write a text, or take the key out"},
		{"team@example.com", `" "`, `w.yaml:5:12: waivers[0].owner: " " is empty; write a text`},
		{"team@example.com", "[a, b]", "w.yaml:5:12: waivers[0].owner: this is a list; write a text"},
		{"team@example.com", "true", `w.yaml:5:12: waivers[0].owner: "true" is a truth value in YAML; write it in quotes`},
		{"one sentence", `"one\nsentence"`, `w.yaml:4:20: waivers[0].justification: "one\nsentence" holds a control character or a line's end; write it in one line`},
		{"one sentence", `"one \e[2J"`, `w.yaml:4:20: waivers[0].justification: "one \x1b[2J" holds a control character or a line's end; write it in one line`},
		{"one sentence", `"one \u202e sentence"`, `w.yaml:4:20: waivers[0].justification: "one \u202e sentence" holds a control character; take it out`},
		{"one sentence", `"one\u2028sentence"`, `w.yaml:4:20: waivers[0].justification: "one\u2028sentence" holds a control character or a line's end; write it in one line`},
		{"one sentence", strings.Repeat("x", 501), "w.yaml:4:20: waivers[0].justification: this has 501 characters; take at most 500"},
		// requirements
		{"limits.memory\n", "limits.memry\n", `w.yaml:2:18: waivers[0].requirement: "limits.memry" is the id of no requirement; did you mean limits.memory?`},
		{"limits.memory\n", "limits.tmp\n", `w.yaml:2:18: waivers[0].requirement: "limits.tmp" is the id of no requirement; did you mean limits.tmp-writable, limits.tmp-usage, limits.tmp-full?`},
		{"limits.memory\n", "coffee.machine-warm\n", `w.yaml:2:18: waivers[0].requirement: "coffee.machine-warm" is the id of no requirement; docs/requirements.md lists all`},
		{"limits.memory\n", "headers.common\n", "w.yaml:2:18: waivers[0].requirement: headers.common is a requirement on the platform, which counts against no image; take the waiver out, and report the failure to scfcert"},
		{"limits.memory\n", "image.region\n", "w.yaml:2:18: waivers[0].requirement: image.region is never judged, so that there is nothing to waive; take the waiver out"},
		// reasons
		{"run.little-memory-left", "run.little-memory", `w.yaml:3:13: waivers[0].reason: "run.little-memory" is no reason of limits.memory; did you mean run.little-memory-left?`},
		{"run.little-memory-left", "because", `w.yaml:3:13: waivers[0].reason: "because" is no reason of limits.memory; take run.little-memory-left`},
		{"run.little-memory-left", "listen.loopback-only", "w.yaml:3:13: waivers[0].reason: listen.loopback-only is a reason of start.listen, and not of limits.memory; take run.little-memory-left"},
		{"run.little-memory-left", "platform.fault", "w.yaml:3:13: waivers[0].reason: platform.fault says that nothing could be assessed, which cannot be waived; take run.little-memory-left"},
		{one, "!old\n" + one, "w.yaml:1:1: the tag !old means nothing here; take it out"},
		{"waivers:\n", "waivers: !old\n", "w.yaml:1:10: waivers: the tag !old means nothing here; take it out"},
		{"- requirement", "- !disabled\n    requirement", "w.yaml:2:5: waivers[0]: the tag !disabled means nothing here; take it out"},
		{"- requirement", "- <<: !disabled {}\n    requirement", "w.yaml:2:9: waivers[0]: the tag !disabled means nothing here; take it out"},
		{"2027-01-31", "!disabled 2027-01-31", "w.yaml:6:14: waivers[0].expires: the tag !disabled means nothing here; take it out"},
		{"2027-01-31", "!!binary 2027-01-31", "w.yaml:6:14: waivers[0].expires: the tag !!binary means nothing here; take it out"},
		{one, one + second, "w.yaml:7:5: waivers[1]: limits.memory with run.little-memory-left is waived twice, first in line 2; keep one of them"},
		// dates
		{"2027-01-31", "", "w.yaml:6:5: waivers[0].expires: there is no date; write one, such as expires: 2027-01-31"},
		{"2027-01-31", "[]", "w.yaml:6:14: waivers[0].expires: there is no date; write one, such as expires: 2027-01-31"},
		{"2027-01-31", "never", `w.yaml:6:14: waivers[0].expires: "never" is no date; write year, month and day, such as 2027-01-31`},
		{"2027-01-31", "2027-02-29", `w.yaml:6:14: waivers[0].expires: "2027-02-29" is no date; write year, month and day, such as 2027-01-31`},
		{"2027-01-31", "2027-01-31T00:00:00Z", `w.yaml:6:14: waivers[0].expires: "2027-01-31T00:00:00Z" is no date; write year, month and day, such as 2027-01-31`},
		{"2027-01-31", "20270131", `w.yaml:6:14: waivers[0].expires: "20270131" is no date; write year, month and day, such as 2027-01-31`},
		{"2027-01-31", "2026-06-29", "w.yaml:6:14: waivers[0].expires: the waiver expired at the end of 2026-06-29, UTC; mend the failure and take the waiver out, or give it a new date and say why"},
		{"2027-01-31", "2027-07-02", "w.yaml:6:14: waivers[0].expires: 2027-07-02 is more than 366 days ahead; take 2027-07-01 or earlier"},
	} {
		text := strings.Replace(one, c.old, c.changed, 1)
		_, err := Parse("w.yaml", []byte(text), on)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s\ngives %v\nwant  %s", yamlfile.Shown(c.changed), err, c.want)
		}
		if !errors.Is(err, ErrWaivers) {
			t.Errorf("%s: the error is not ErrWaivers", yamlfile.Shown(c.changed))
		}
	}
}

func TestOneFileTellsAllItsErrorsByLine(t *testing.T) {
	text := strings.NewReplacer("limits.memory\n", "limits.memry\n", "team@example.com", `""`, "2027", "2025").Replace(one)
	_, err := Parse("w.yaml", []byte(text), on)
	const want = `w.yaml:2:18: waivers[0].requirement: "limits.memry" is the id of no requirement; did you mean limits.memory?
w.yaml:5:12: waivers[0].owner: "" is empty; write a text
w.yaml:6:14: waivers[0].expires: the waiver expired at the end of 2025-01-31, UTC; mend the failure and take the waiver out, or give it a new date and say why`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if problem, ok := errors.AsType[*yamlfile.Problem](err); !ok || problem.Line != 2 || problem.Key != "waivers[0].requirement" {
		t.Errorf("the first problem is %+v", problem)
	}
}

// Each error is about the first one, so that there are no more errors than waivers.
func TestAWaiverThatStandsManyTimesIsOneErrorEach(t *testing.T) {
	const times = 300
	text := strings.NewReplacer("- requirement", "- &first\n    requirement").Replace(one) + strings.Repeat("  - *first\n", times)
	_, err := Parse("w.yaml", []byte(text), on)
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != times || !strings.HasSuffix(lines[times-1], "is waived twice, first in line 2; keep one of them") {
		t.Errorf("%d waivers too many give %d errors, at last %s", times, len(lines), lines[len(lines)-1])
	}
}

func TestAFileThatIsNotThereOrTooLargeIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "waivers.yaml")
	if _, err := Load(path, on); !errors.Is(err, ErrWaivers) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Load(filepath.Dir(path), on); !errors.Is(err, ErrWaivers) {
		t.Errorf("a folder: %v", err)
	}
	for size, want := range map[int]bool{MaxBytes: true, MaxBytes + 1: false} {
		if err := os.WriteFile(path, []byte(one+"#"+strings.Repeat("x", size-len(one)-1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, on); (err == nil) != want {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// finding is what became of a requirement in a test's report.
type finding struct {
	outcome report.Outcome
	reason  diagnose.Code
	because string
}

// certified is a report of a function of the type auto in which all passes but for the findings.
func certified(findings map[string]finding) report.Report {
	r := report.Report{
		SchemaVersion: report.SchemaVersion, Tool: report.Tool{Name: "scfcert", Version: "test"},
		Image: report.Image{Reference: "my-function:1", Architecture: "amd64"}, Function: report.Function{Type: "auto", MemoryMB: 512},
	}
	for _, q := range requirement.All() {
		entry := report.Requirement{ID: q.ID, Title: q.Title, Level: q.Level, Subject: q.Subject, Observed: q.Observed, Types: q.Types, Clause: q.Clause, Outcome: report.Pass}
		if f, ok := findings[q.ID]; ok {
			entry.Outcome, entry.Because = f.outcome, f.because
			if f.reason != "" {
				cause := diagnose.Because(f.reason, "seen in a test")
				entry.Reason, entry.Found, entry.Required, entry.Fix = cause.Code, &cause.Found, &cause.Required, &cause.Fix
			}
		}
		r.Requirements = append(r.Requirements, entry)
	}
	r.Conclude([]string{requirement.Event, requirement.HTTP})
	return r
}

// loopback is a failure that leaves two requirements open.
func loopback() map[string]finding {
	return map[string]finding{
		"start.listen": {report.Fail, diagnose.ListenLoopback, ""}, "start.time": {report.NotAssessed, "", "start.listen"}, "limits.tmp-full": {report.NotAssessed, "", "start.listen"},
	}
}

// waive makes a waiver.
func waive(id string, reason diagnose.Code) Waiver {
	return Waiver{
		Waiver: report.Waiver{Requirement: id, Reason: reason, Justification: "a test", Owner: "team@example.com", Expires: "2026-12-31"},
		At:     yamlfile.Position{File: "w.yaml", Line: 2, Column: 5},
	}
}

func find(t *testing.T, r report.Report, id string) report.Requirement {
	t.Helper()
	at := slices.IndexFunc(r.Requirements, func(q report.Requirement) bool { return q.ID == id })
	if at < 0 {
		t.Fatalf("%s is not in the report", id)
	}
	return r.Requirements[at]
}

func TestAWaivedFailureStaysVisibleAndTheVerdictIsConformantWithWaivers(t *testing.T) {
	before := certified(loopback())
	r := certified(loopback())
	if r.Verdict != report.NonConformant {
		t.Fatalf("the verdict is %s before", r.Verdict)
	}
	for range 2 { // once more changes nothing
		if err := Apply(&r, []Waiver{waive("start.listen", diagnose.ListenLoopback)}); err != nil {
			t.Fatal(err)
		}
		if r.Verdict != report.WithWaivers || r.Verdict.ExitCode() != 0 || r.Verdicts != (report.Verdicts{Event: report.WithWaivers, HTTP: report.WithWaivers}) {
			t.Errorf("the verdict is %s %+v", r.Verdict, r.Verdicts)
		}
		was, q := find(t, before, "start.listen"), find(t, r, "start.listen")
		was.Outcome = report.Waived
		if !reflect.DeepEqual(q, was) {
			t.Errorf("the requirement is %+v\nwant %+v", q, was)
		}
		if open := find(t, r, "start.time"); open.Outcome != report.NotAssessed || open.Because != "start.listen" {
			t.Errorf("what it leaves open is %+v", open)
		}
		want := waive("start.listen", diagnose.ListenLoopback).Waiver
		want.Covers = []string{"start.time", "limits.tmp-full"}
		if !reflect.DeepEqual(r.Waivers, []report.Waiver{want}) {
			t.Errorf("waivers are %+v", r.Waivers)
		}
		if len(r.RootCauses) != 1 || !r.RootCauses[0].Waived || !slices.Equal(r.RootCauses[0].Blocks, want.Covers) {
			t.Errorf("root causes are %+v", r.RootCauses)
		}
	}
}

func TestAWaiverIsForOneRequirementAndOneReason(t *testing.T) {
	size := finding{report.Fail, diagnose.ImageTooLarge, ""}
	sizeAnd := func(id string, f finding) map[string]finding {
		return map[string]finding{"image.size": size, id: f}
	}
	for name, c := range map[string]struct {
		findings map[string]finding
		waivers  []Waiver
		want     report.Verdict
		taken    int
	}{
		"another reason":                  {loopback(), []Waiver{waive("start.listen", diagnose.ListenWrongPort)}, report.NonConformant, 0},
		"another requirement fails":       {sizeAnd("start.listen", finding{report.Fail, diagnose.ListenLoopback, ""}), []Waiver{waive("image.size", diagnose.ImageTooLarge)}, report.NonConformant, 1},
		"both reasons are waived":         {loopback(), []Waiver{waive("start.listen", diagnose.ListenWrongPort), waive("start.listen", diagnose.ListenLoopback)}, report.WithWaivers, 1},
		"something else is open":          {sizeAnd("start.time", finding{report.NotAssessed, "", ""}), []Waiver{waive("image.size", diagnose.ImageTooLarge)}, report.Inconclusive, 1},
		"what is open is waived itself":   {loopback(), []Waiver{waive("start.time", diagnose.StartTooSlow)}, report.NonConformant, 0},
		"not applicable":                  {map[string]finding{"image.tag": {report.NotApplicable, "", ""}}, []Waiver{waive("image.tag", diagnose.ImageLatest)}, report.Conformant, 0},
		"a warning":                       {map[string]finding{"image.tag": {report.Warn, diagnose.ImageLatest, ""}}, []Waiver{waive("image.tag", diagnose.ImageLatest)}, report.Conformant, 1},
		"a failure of the platform":       {map[string]finding{"headers.common": {report.Fail, diagnose.PlatformHeaders, ""}}, []Waiver{waive("headers.common", diagnose.PlatformHeaders)}, report.Inconclusive, 0},
		"a requirement that is not there": {nil, []Waiver{waive("gpu.driver", "gpu.old")}, report.Conformant, 0},
		"no waiver":                       {nil, nil, report.Conformant, 0},
	} {
		r := certified(c.findings)
		if err := Apply(&r, c.waivers); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if r.Verdict != c.want || len(r.Waivers) != c.taken || r.Waivers == nil {
			t.Errorf("%s: the verdict is %s, waivers %+v; want %s and %d", name, r.Verdict, r.Waivers, c.want, c.taken)
		}
	}
}

func TestAWaiverForWhatPassesIsAnErrorAndChangesNothing(t *testing.T) {
	r := certified(loopback())
	err := Apply(&r, []Waiver{waive("start.listen", diagnose.ListenLoopback), waive("image.size", diagnose.ImageTooLarge), {Waiver: report.Waiver{Requirement: "image.tag", Reason: diagnose.ImageLatest}}})
	const want = `w.yaml:2:5: unused waiver: image.size passes, so that image.too-large is not waived any more; take the waiver out
unused waiver: image.tag passes, so that image.latest-tag is not waived any more; take the waiver out`
	if !errors.Is(err, ErrUnused) || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if !reflect.DeepEqual(r, certified(loopback())) {
		t.Error("the report was changed")
	}
}

func TestWaiversOfOneTypeForgiveTheOtherWhichKeepsItsVerdict(t *testing.T) {
	r := certified(map[string]finding{"image.size": {report.Fail, diagnose.ImageTooLarge, ""}, "http.answers": {report.Fail, diagnose.HTTPStatus, ""}})
	if err := Apply(&r, []Waiver{waive("image.size", diagnose.ImageTooLarge)}); err != nil {
		t.Fatal(err)
	}
	if r.Verdict != report.WithWaivers || r.Verdicts.HTTP != report.NonConformant || find(t, r, "http.answers").Outcome != report.NotApplicable {
		t.Errorf("the verdict is %s %+v", r.Verdict, r.Verdicts)
	}
}

// A requirement of the type that the image is not is no longer open, so that no waiver covers it.
func TestAWaiverCoversOnlyWhatIsStillOpen(t *testing.T) {
	findings := loopback()
	findings["event.triggers"] = finding{report.Fail, diagnose.EventTrigger, ""}
	findings["event.large"] = finding{report.NotAssessed, "", "start.listen"}
	r := certified(findings)
	for range 2 { // once more changes nothing
		if err := Apply(&r, []Waiver{waive("start.listen", diagnose.ListenLoopback)}); err != nil {
			t.Fatal(err)
		}
		if r.Verdict != report.WithWaivers || find(t, r, "event.large").Outcome != report.NotApplicable {
			t.Fatalf("the verdict is %s %+v", r.Verdict, r.Verdicts)
		}
		if len(r.Waivers) != 1 || !slices.Equal(r.Waivers[0].Covers, []string{"start.time", "limits.tmp-full"}) {
			t.Errorf("waivers are %+v", r.Waivers)
		}
	}
}

func TestAWaiverThatIsGivenTwiceIsTakenOnce(t *testing.T) {
	r := certified(loopback())
	w := waive("start.listen", diagnose.ListenLoopback)
	if err := Apply(&r, []Waiver{w, w}); err != nil || len(r.Waivers) != 1 {
		t.Errorf("%v: waivers are %+v", err, r.Waivers)
	}
}

func TestABaselineWaivesAllPresentFailures(t *testing.T) {
	findings := loopback()
	findings["image.size"] = finding{report.Fail, diagnose.ImageTooLarge, ""}
	findings["image.tag"] = finding{report.Warn, diagnose.ImageLatest, ""}
	findings["headers.common"] = finding{report.Fail, diagnose.PlatformHeaders, ""}
	r := certified(findings)
	text, err := FromReport(r, "team@example.com", day("2026-12-31"), "failed when we began: see #17")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "baseline.yaml", text)
	waivers, err := Parse("w.yaml", text, on)
	if err != nil {
		t.Fatal(err)
	}
	delete(findings, "headers.common")
	mended := certified(findings)
	if err := Apply(&mended, waivers); err != nil || mended.Verdict != report.WithWaivers || len(mended.Waivers) != 2 {
		t.Errorf("%v: the verdict is %s with %+v", err, mended.Verdict, mended.Waivers)
	}
	written, err := json.MarshalIndent(mended.Waivers, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "applied.json", append(written, '\n'))
	if text, err = FromReport(mended, "o", day("2026-12-31"), "j"); err != nil || !strings.HasSuffix(string(text), "waivers: []\n") {
		t.Errorf("with nothing left to waive: %v\n%s", err, text)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v); look at it and run with -update:\n%s", path, err, got)
	}
}

func TestABaselineThatNoFileTakesIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		r                    report.Report
		owner, justification string
		want                 string
	}{
		"no owner":            {certified(loopback()), "", "j", `waivers[0].owner: "" is empty; write a text`},
		"a control character": {certified(loopback()), "o", "a\x1b[2J", `waivers[0].justification: "a\x1b[2J" holds a control character or a line's end; write it in one line`},
		"no UTF-8":            {certified(loopback()), "o", "a\xff", `waivers[0].justification: "Yf8=" is of the type !!binary in YAML; write it in quotes`},
	} {
		_, err := FromReport(c.r, c.owner, day("2026-12-31"), c.justification)
		if !errors.Is(err, ErrWaivers) || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

func TestAFailureThatThisVersionDoesNotKnowIsTheReports(t *testing.T) {
	for _, c := range []struct {
		id, reason, want string
	}{
		{"image.manifest", "image.news", `invalid waivers: unknown failure: image.manifest fails for "image.news": "image.news" is no reason of image.manifest; `},
		{"image.manifest", "", `invalid waivers: unknown failure: image.manifest fails for "": "" is no reason of image.manifest; `},
		{"gpu.driver", "gpu.old", `invalid waivers: unknown failure: gpu.driver fails for "gpu.old": "gpu.driver" is the id of no requirement; `},
	} {
		r := certified(nil)
		r.Requirements[0].ID, r.Requirements[0].Outcome, r.Requirements[0].Reason = c.id, report.Fail, diagnose.Code(c.reason)
		_, err := FromReport(r, "o", day("2026-12-31"), "j")
		if !errors.Is(err, ErrWaivers) || !errors.Is(err, ErrUnknown) || !strings.HasPrefix(fmt.Sprint(err), c.want) {
			t.Errorf("%+v gives %v", c, err)
		}
	}
}

func TestTextsThatMeanSomethingInYAMLSurviveABaseline(t *testing.T) {
	for _, word := range []string{"true", "2026-01-01", "a: b", "# no comment", "* star", "'", `"`, "- x", " padded ", "0x1f", "~", "日本", "a\u0085b", "a\u2028b"} {
		text, err := FromReport(certified(loopback()), word, day("2026-12-31"), word)
		if strings.ContainsAny(word, "\u0085\u2028") {
			if !errors.Is(err, ErrWaivers) {
				t.Errorf("%q is taken", word)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", word, err)
			continue
		}
		if waivers, err := Parse("w.yaml", text, on); err != nil || waivers[0].Owner != word || waivers[0].Justification != word {
			t.Errorf("%q becomes %+v, %v", word, waivers, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	full, err := os.ReadFile("testdata/waivers.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add([]byte(one))
	f.Fuzz(func(t *testing.T, text []byte) {
		waivers, err := Parse("w.yaml", text, on)
		if err != nil {
			if !errors.Is(err, ErrWaivers) || waivers != nil {
				t.Errorf("an error that is not ErrWaivers, or comes with waivers: %v", err)
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "w.yaml:") || diagnose.Clean(line) != line {
					t.Errorf("%q has no place, or a control character", line)
				}
			}
			return
		}
		for _, w := range waivers {
			if err := errors.Join(checkRequirement(w.Requirement), checkReason(w.Requirement, w.Reason), checkText(w.Justification), checkText(w.Owner), checkDate(w.Expires, on.Now)); err != nil {
				t.Error(err)
			}
			r := certified(map[string]finding{w.Requirement: {report.Fail, w.Reason, ""}})
			if err := Apply(&r, []Waiver{w}); err != nil || len(r.Waivers) != 1 {
				t.Errorf("%+v is not applied: %v", w, err)
			}
		}
	})
}
