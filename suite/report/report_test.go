package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/requirement"
)

var update = flag.Bool("update", false, "write the golden files anew")

// with makes a report in which the requirements named have the outcomes given and all others pass.
func with(changes map[string]Requirement) Report {
	r := Report{
		SchemaVersion: SchemaVersion, Tool: Tool{Name: "scfcert", Version: "test"}, Contract: Contract{Name: "c", Version: "1"},
		Image:     Image{Reference: "evil\x1b[2Jimage:1", Source: "registry", Digest: "sha256:00", DigestKind: "manifest", Architecture: "amd64", UncompressedBytes: 6 << 20},
		Function:  Function{Type: "auto", MemoryMB: 512, TimeoutSeconds: 3, InitTimeoutSeconds: 30},
		Engine:    Engine{Name: "Engine", Version: "1", Enforcement: Enforcement{"hard", "hard", "soft", "hard"}},
		StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), FinishedAt: time.Date(2026, 1, 2, 3, 4, 6, 234e6, time.UTC), DurationMS: 1234,
	}
	for _, q := range requirement.All() {
		entry := Requirement{ID: q.ID, Title: q.Title, Level: q.Level, Subject: q.Subject, Observed: q.Observed, Types: q.Types, Clause: q.Clause, Outcome: Pass, DurationMS: 5}
		if change, ok := changes[q.ID]; ok {
			entry.Outcome, entry.Because = change.Outcome, change.Because
			if change.Reason != "" {
				cause := diagnose.Because(change.Reason, "found \x07 here")
				entry.Reason, entry.Found, entry.Required, entry.Fix = cause.Code, &cause.Found, &cause.Required, &cause.Fix
			}
		}
		r.Requirements = append(r.Requirements, entry)
	}
	return r
}

var both = []string{requirement.Event, requirement.HTTP}

func failing() map[string]Requirement {
	return map[string]Requirement{
		"start.listen":  {Outcome: Fail, Reason: diagnose.ListenLoopback},
		"start.time":    {Outcome: NotAssessed, Because: "start.listen"},
		"event.answers": {Outcome: NotAssessed, Because: "start.listen"}, "event.timeout": {Outcome: NotAssessed, Because: "start.listen"},
		"http.answers": {Outcome: NotAssessed, Because: "start.listen"}, "http.timeout": {Outcome: NotAssessed, Because: "start.listen"},
	}
}

// waivedReport is a report in which somebody answers for the only failure, after which nothing could be assessed any more.
func waivedReport() Report {
	r := with(failing())
	r.Conclude(both)
	for n := range r.Requirements {
		if q := &r.Requirements[n]; q.ID == "start.listen" {
			q.Outcome = Waived
		}
	}
	r.Waivers = []Waiver{{
		Requirement: "start.listen", Reason: diagnose.ListenLoopback, Justification: "the sidecar listens\x1b on all addresses", Owner: "team@example.com", Expires: "2026-06-30",
		Covers: []string{"start.time", "event.answers", "event.timeout", "http.answers", "http.timeout"},
	}}
	r.Reconclude()
	return r
}

func allOpen() map[string]Requirement {
	changes := map[string]Requirement{}
	for _, q := range requirement.All() {
		changes[q.ID] = Requirement{Outcome: NotAssessed, Reason: diagnose.PlatformFault}
	}
	return changes
}

func TestVerdicts(t *testing.T) {
	cases := map[string]struct {
		changes map[string]Requirement
		types   []string
		fault   string
		want    Verdict
	}{
		"everything passes":            {nil, both, "", Conformant},
		"only one type selected":       {nil, both[:1], "", Conformant},
		"a MUST fails":                 {failing(), both, "", NonConformant},
		"a SHOULD fails":               {map[string]Requirement{"image.memory-guidance": {Outcome: Warn, Reason: diagnose.ImageMemory}}, both, "", Conformant},
		"one type fails":               {map[string]Requirement{"event.answers": {Outcome: Fail, Reason: diagnose.EventStatus}}, both, "", Conformant},
		"the selected type fails":      {map[string]Requirement{"event.answers": {Outcome: Fail, Reason: diagnose.EventStatus}}, both[:1], "", NonConformant},
		"nothing could be assessed":    {allOpen(), both, "no engine", Inconclusive},
		"something was not assessed":   {map[string]Requirement{"start.time": {Outcome: NotAssessed}}, both, "", Inconclusive},
		"the platform fails":           {map[string]Requirement{"headers.common": {Outcome: Fail, Reason: diagnose.PlatformHeaders}}, both, "", Inconclusive},
		"all passes, but for a fault":  {nil, both, "left something behind", Inconclusive},
		"one type fails, other open":   {map[string]Requirement{"event.answers": {Outcome: Fail, Reason: diagnose.EventStatus}, "http.answers": {Outcome: NotAssessed}}, both, "", Inconclusive},
		"nothing was selected":         {nil, nil, "", Inconclusive},
		"all of it is not applicable":  {allOf(NotApplicable), both, "", Inconclusive},
		"failed beside something open": {map[string]Requirement{"image.size": {Outcome: Fail, Reason: diagnose.ImageTooLarge}, "start.time": {Outcome: NotAssessed}}, both, "", NonConformant},
	}
	for name, c := range cases {
		r := with(c.changes)
		r.Fault = c.fault
		r.Conclude(c.types)
		if r.Verdict != c.want {
			t.Errorf("%s: verdict %s %+v, want %s", name, r.Verdict, r.Verdicts, c.want)
		}
	}
}

func allOf(outcome Outcome) map[string]Requirement {
	changes := map[string]Requirement{}
	for _, q := range requirement.All() {
		changes[q.ID] = Requirement{Outcome: outcome}
	}
	return changes
}

// changed are the failures that are waived in these tests, and what they leave open.
func changed(id string, outcome Outcome, reason diagnose.Code, blocked ...string) map[string]Requirement {
	changes := map[string]Requirement{id: {Outcome: outcome, Reason: reason}}
	for _, other := range blocked {
		changes[other] = Requirement{Outcome: NotAssessed, Because: id}
	}
	return changes
}

func and(all ...map[string]Requirement) map[string]Requirement {
	changes := map[string]Requirement{}
	for _, some := range all {
		maps.Copy(changes, some)
	}
	return changes
}

func TestWhatIsWaivedAndWhatItLeavesOpenDoesNotCountAgainstTheVerdict(t *testing.T) {
	size := changed("image.size", Waived, diagnose.ImageTooLarge)
	listen := changed("start.listen", Waived, diagnose.ListenLoopback, "start.time", "limits.tmp-full")
	status := changed("event.answers", Waived, diagnose.EventStatus, "event.hundred")
	cases := map[string]struct {
		changes map[string]Requirement
		fault   string
		want    Verdict
		verdict Verdicts
	}{
		"one failure is waived":                    {size, "", WithWaivers, Verdicts{WithWaivers, WithWaivers}},
		"with what it leaves open":                 {listen, "", WithWaivers, Verdicts{WithWaivers, WithWaivers}},
		"one of two failures is waived":            {and(size, changed("start.listen", Fail, diagnose.ListenLoopback)), "", NonConformant, Verdicts{NonConformant, NonConformant}},
		"something else is open":                   {and(size, map[string]Requirement{"start.time": {Outcome: NotAssessed}}), "", Inconclusive, Verdicts{Inconclusive, Inconclusive}},
		"something is open because of what is not": {and(size, map[string]Requirement{"start.time": {Outcome: NotAssessed, Because: "start.listen"}}), "", Inconclusive, Verdicts{Inconclusive, Inconclusive}},
		"of one type, which is not the image's":    {status, "", Conformant, Verdicts{WithWaivers, Conformant}},
		"of one type, and the other fails":         {and(status, changed("http.answers", Fail, diagnose.HTTPStatus)), "", WithWaivers, Verdicts{WithWaivers, NonConformant}},
		"a warning is waived":                      {changed("limits.memory", Waived, diagnose.ImageMemory), "", Conformant, Verdicts{Conformant, Conformant}},
		"the platform's failure cannot be":         {changed("headers.common", Waived, diagnose.PlatformHeaders, "http.unknown-path"), "", Inconclusive, Verdicts{Inconclusive, Inconclusive}},
		"a waiver covers no fault":                 {size, "left something behind", Inconclusive, Verdicts{WithWaivers, WithWaivers}},
		"nothing passes beside it":                 {and(allOf(NotApplicable), size), "", Inconclusive, Verdicts{Inconclusive, Inconclusive}},
	}
	for name, c := range cases {
		r := with(c.changes)
		r.Fault = c.fault
		r.Conclude(both)
		if r.Verdict != c.want || r.Verdicts != c.verdict {
			t.Errorf("%s: verdict %s %+v, want %s %+v", name, r.Verdict, r.Verdicts, c.want, c.verdict)
		}
	}
}

func TestAWaivedFailureStaysAsRootCauseWithWhatItLeavesOpen(t *testing.T) {
	r := waivedReport()
	if len(r.RootCauses) != 1 || !r.RootCauses[0].Waived || r.RootCauses[0].Requirement != "start.listen" || len(r.RootCauses[0].Blocks) != 5 {
		t.Errorf("root causes are %+v", r.RootCauses)
	}
	if q := r.requirement("start.listen"); q.Found == nil || q.Required == nil || q.Fix == nil || q.Reason != diagnose.ListenLoopback {
		t.Errorf("the waived requirement is %+v", q)
	}
}

// waive marks one failure and concludes anew.
func waive(r *Report, id string) {
	for n := range r.Requirements {
		if q := &r.Requirements[n]; q.ID == id {
			q.Outcome = Waived
		}
	}
	r.Reconclude()
}

func TestAnewConcludedTheOtherTypeIsForgivenAndKeepsItsVerdict(t *testing.T) {
	r := with(and(changed("image.size", Fail, diagnose.ImageTooLarge), changed("http.answers", Fail, diagnose.HTTPStatus, "http.unknown-path")))
	r.Conclude(both)
	waive(&r, "image.size")
	for range 2 { // once more changes nothing
		if r.Verdict != WithWaivers || r.Verdicts != (Verdicts{WithWaivers, NonConformant}) || len(r.RootCauses) != 1 {
			t.Fatalf("the verdict is %s %+v, causes %+v", r.Verdict, r.Verdicts, r.RootCauses)
		}
		for _, id := range []string{"http.answers", "http.unknown-path"} {
			if q := r.requirement(id); q.Outcome != NotApplicable || q.Because != "" {
				t.Errorf("%s is %s because of %q", id, q.Outcome, q.Because)
			}
		}
		r.Reconclude()
	}
}

func TestAnewConcludedOneTypeAloneIsNotForgiven(t *testing.T) {
	r := with(and(changed("image.size", Fail, diagnose.ImageTooLarge), changed("event.answers", Fail, diagnose.EventStatus)))
	r.Function.Type = requirement.Event
	r.Conclude(both[:1])
	waive(&r, "image.size")
	if r.Verdict != NonConformant || r.Verdicts != (Verdicts{NonConformant, NotSelected}) || r.requirement("event.answers").Outcome != Fail {
		t.Errorf("the verdict is %s %+v", r.Verdict, r.Verdicts)
	}
}

func TestExitCodes(t *testing.T) {
	for v, want := range map[Verdict]int{Conformant: 0, WithWaivers: 0, NonConformant: 1, Inconclusive: 2} {
		if v.ExitCode() != want {
			t.Errorf("%s exits with %d", v, v.ExitCode())
		}
	}
}

func TestOneBrokenThingIsOneRootCause(t *testing.T) {
	r := with(failing())
	r.Conclude(both)
	if len(r.RootCauses) != 1 || r.RootCauses[0].Requirement != "start.listen" || len(r.RootCauses[0].Blocks) != 5 {
		t.Errorf("root causes are %+v", r.RootCauses)
	}
}

// fixtures are reports of every kind, concluded.
func fixtures() map[string]Report {
	inconclusive := with(allOpen())
	inconclusive.Fault, inconclusive.FaultReason = "no engine\x1b found", diagnose.PlatformFault
	reports := map[string]Report{"passing": with(nil), "failing": with(failing()), "inconclusive": inconclusive, "waived": waivedReport()}
	for name, r := range reports {
		r.Conclude(both)
		reports[name] = r
	}
	return reports
}

func TestEveryFormatByTheByte(t *testing.T) {
	for name, r := range fixtures() {
		for ending, write := range map[string]func(*bytes.Buffer) error{
			"txt":    func(b *bytes.Buffer) error { return WriteText(b, r, TextOptions{}) },
			"zh.txt": func(b *bytes.Buffer) error { return WriteText(b, r, TextOptions{Chinese: true}) },
			"xml":    func(b *bytes.Buffer) error { return WriteJUnit(b, r) },
			"json":   func(b *bytes.Buffer) error { return WriteJSON(b, r) },
		} {
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(got.String(), "\x1b\x07") {
				t.Errorf("%s.%s holds a control character", name, ending)
			}
			golden(t, name+"."+ending, got.String())
		}
	}
}

// golden compares with a file by the byte.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at it and run with -update:\n%s", path, got)
	}
}

func TestJUnitCountsWhatItHolds(t *testing.T) {
	r := with(failing())
	r.Conclude(both)
	var text bytes.Buffer
	if err := WriteJUnit(&text, r); err != nil {
		t.Fatal(err)
	}
	var read junitSuites
	if err := xml.Unmarshal(text.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if read.Tests != len(r.Requirements) || read.Failures != 1 || read.Skipped != 5 || read.Errors != 0 || len(read.Suite.Cases) != read.Tests {
		t.Errorf("counts are %d tests, %d failures, %d skipped, %d errors", read.Tests, read.Failures, read.Skipped, read.Errors)
	}
}

func TestAReportIsSavedWholeOrNotAtAll(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if err := CheckDir(dir); err != nil {
		t.Fatal(err)
	}
	r := with(nil)
	r.Conclude(both)
	if err := Save(dir, r); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var read Report
	if err := json.Unmarshal(text, &read); err != nil || read.Verdict != Conformant {
		t.Errorf("read back: %s, %v", read.Verdict, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	r.Requirements[0].Evidence = map[string]any{"unwritable": func() {}}
	if err := Save(dir, r); !errors.Is(err, ErrFolder) {
		t.Errorf("a report that cannot be written gives %v", err)
	}
	if again, err := os.ReadFile(filepath.Join(dir, "report.json")); err != nil || !bytes.Equal(again, text) {
		t.Errorf("the old report was touched: %v", err)
	}
}

func TestAFolderThatCannotBeWrittenIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Join(file, "below"), "/proc/none"} {
		if err := CheckDir(dir); !errors.Is(err, ErrFolder) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s gives %v", dir, err)
		}
	}
}
