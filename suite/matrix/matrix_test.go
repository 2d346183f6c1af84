package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/program"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

func TestWhatDecidesAboutAReportIsInItsFingerprint(t *testing.T) {
	known := map[string]string{}
	for _, text := range []string{
		"images: [a]", "images: [b]", "images: [{image: a, env: {A: b}}]", "images: [{image: a, memory: 256}]", "images: [{image: a, event: cos}]",
		"images: [{image: a, command: x}]", "images: [{image: a, reading: {process-user: '10000'}}]",
	} {
		mark := fingerprint("", &parse(t, text).Runs[0], nil)
		if other, twice := known[mark]; twice {
			t.Errorf("%s and %s have the same", text, other)
		}
		known[mark] = text
	}
	changed := parse(t, "images: [a]").Runs[0]
	changed.Options.Procs, changed.Options.ReportDir = 7, "/elsewhere"
	if known[fingerprint("", &changed, nil)] != "images: [a]" {
		t.Error("where and how fast it is certified decides nothing")
	}
	for what, mark := range map[string]string{"the program": fingerprint("2", &changed, nil), "the report": fingerprint("", &changed, []byte("{}"))} {
		if known[mark] != "" {
			t.Errorf("%s is not in it", what)
		}
	}
}

func TestMeansAreThoseOfTheMachine(t *testing.T) {
	const gib = 1 << 30
	for name, c := range map[string]struct {
		engine       engine.Info
		parallel, mb int
		runs         int64
	}{
		"two processors":       {engine.Info{CPUs: 2, MemoryBytes: 24 * gib}, 0, 512, 2},
		"by the image's size":  {engine.Info{CPUs: 2, MemoryBytes: 24 * gib}, 0, 0, 2},
		"little memory":        {engine.Info{CPUs: 8, MemoryBytes: 4 * gib}, 0, 512, 1},
		"eight":                {engine.Info{CPUs: 8, MemoryBytes: 64 * gib}, 0, 512, 8},
		"two processors each":  {engine.Info{CPUs: 8, MemoryBytes: 64 * gib}, 0, contract.MaxMemoryMB, 4},
		"much memory each":     {engine.Info{CPUs: 8, MemoryBytes: 26 * gib}, 0, contract.MaxMemoryMB, 2},
		"nothing is known":     {engine.Info{}, 0, 512, 1},
		"more than there are":  {engine.Info{CPUs: 1, MemoryBytes: 4 * gib}, 0, contract.MaxMemoryMB, 1},
		"as many as were told": {engine.Info{CPUs: 1, MemoryBytes: gib}, 5, contract.MaxMemoryMB, 5},
	} {
		m := meansOf(c.engine, c.parallel)
		if runs := m.room / m.of(c.mb); runs != c.runs {
			t.Errorf("%s: %d runs at a time, want %d (%+v)", name, runs, c.runs, m)
		}
	}
}

func TestWhatOthersMayHaveCausedIsDoubtful(t *testing.T) {
	with := func(o report.Outcome, observed requirement.Observed, id string) report.Report {
		return report.Report{Requirements: []report.Requirement{{ID: id, Outcome: o, Observed: observed}}}
	}
	for name, c := range map[string]struct {
		report report.Report
		want   bool
	}{
		"fails while it runs":    {with(report.Fail, requirement.BlackBox, "start.listen"), true},
		"fails as it is":         {with(report.Fail, requirement.Static, "image.architecture"), false},
		"passes":                 {with(report.Pass, requirement.BlackBox, "start.listen"), false},
		"warns of a time":        {with(report.Warn, requirement.BlackBox, "start.headroom"), true},
		"warns of another":       {with(report.Warn, requirement.BlackBox, "start.other-uid"), false},
		"is waived":              {with(report.Waived, requirement.BlackBox, "start.listen"), false},
		"we could not":           {report.Report{FaultReason: diagnose.PlatformFault}, true},
		"the image is not there": {report.Report{FaultReason: diagnose.ImageNotFound}, false},
	} {
		if got := doubtful(&c.report); got != c.want {
			t.Errorf("%s: doubtful is %v", name, got)
		}
	}
	for _, id := range timed() {
		if q, ok := requirement.ByID(id); !ok || q.Level != requirement.Should {
			t.Errorf("%s is no SHOULD", id)
		}
	}
}

// violator writes an image that breaks something and gives its folder.
func violator(t *testing.T, name, dir string) {
	t.Helper()
	built, err := program.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = built.Close() }()
	all := samplefunctions.Violators()
	at := slices.IndexFunc(all, func(v samplefunctions.Violator) bool { return v.Name == name })
	img, err := all[at].Image(t.Context(), built)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.AppendImage(img); err != nil {
		t.Fatal(err)
	}
}

// states tells what became of each run, by its name.
type states map[string][]State

func (s states) observe(p Progress) { s[p.Run] = append(s[p.Run], p.State) }

func TestAMatrixIsCertifiedAndResumed(t *testing.T) {
	base, dir := t.TempDir(), t.TempDir()
	violator(t, "exits", filepath.Join(base, "exits"))
	const exits, text = "images:\n  - oci:exits", `
  - {name: absent, image: 'oci:nowhere'}
  - {name: command, image: 'oci:exits', command: /nothing}
variants:
  - {name: small, type: event, memory: 128, function-timeout: %d}
  - {name: large, type: http, memory: 256}
`
	certify := func(first string, timeout int, resume bool) (report.Overview, states) {
		t.Helper()
		plan, err := Parse("matrix.yaml", fmt.Appendf(nil, first+text, timeout), base)
		if err != nil {
			t.Fatal(err)
		}
		seen := states{}
		o, err := Certify(t.Context(), plan, Options{ReportDir: dir, Parallel: 2, Resume: resume, Observer: seen.observe})
		if err != nil {
			t.Fatal(err)
		}
		return o, seen
	}
	o, seen := certify(exits, 3, false)
	want := map[string]struct {
		verdict report.Verdict
		states  []State
	}{
		"exits/small":   {report.NonConformant, []State{Started, Again, Started, Ended}},
		"exits/large":   {report.NonConformant, []State{Started, Again, Started, Ended}},
		"absent/small":  {report.Inconclusive, []State{Started, Ended}},
		"absent/large":  {report.Inconclusive, []State{Started, Ended}},
		"command/small": {report.NonConformant, []State{Started, Ended}},
		"command/large": {report.NonConformant, []State{Started, Ended}},
	}
	for _, r := range o.Runs {
		w := want[r.Name()]
		delete(want, r.Name())
		if r.Verdict != w.verdict || !slices.Equal(seen[r.Name()], w.states) || r.State != report.RunEnded {
			t.Errorf("%s: %s by %v, %+v", r.Name(), r.Verdict, seen[r.Name()], r)
		}
		if saved, err := report.Load(filepath.Join(dir, r.Folder, "report.json")); err != nil || saved.Verdict != r.Verdict {
			t.Errorf("%s: its report says %s, %v", r.Name(), saved.Verdict, err)
		}
		if repeated := strings.HasPrefix(r.Name(), "exits"); repeated != r.Again || repeated && !r.Alone {
			t.Errorf("%s: again %v, alone %v", r.Name(), r.Again, r.Alone)
		}
	}
	if len(want) > 0 || o.ExitCode() != report.ExitNonConformant {
		t.Errorf("missing %v, exit code %d", want, o.ExitCode())
	}
	var read report.Overview
	if saved, err := os.ReadFile(filepath.Join(dir, "matrix.json")); err != nil || json.Unmarshal(saved, &read) != nil || len(read.Runs) != len(o.Runs) {
		t.Errorf("matrix.json: %v, %d runs", err, len(read.Runs))
	}

	// The settings of one variant have changed, and what had no verdict has none to be kept.
	_, seen = certify("images:", 4, true)
	for name, first := range map[string]State{"absent/small": Started, "absent/large": Started, "command/small": Started, "command/large": Kept} {
		if len(seen[name]) == 0 || seen[name][0] != first {
			t.Errorf("%s: %v, want %s first", name, seen[name], first)
		}
	}

	// The image has changed, and nothing else.
	violator(t, "reserved-variable", filepath.Join(base, "exits"))
	o, seen = certify("images:", 4, true)
	for _, r := range o.Runs {
		if seen[r.Name()][0] != Started {
			t.Errorf("%s: %v", r.Name(), seen[r.Name()])
		}
		if r.Image == "command" && !slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.Reason == diagnose.ImageReserved }) {
			t.Errorf("%s: found %v", r.Name(), r.Findings)
		}
	}
}

func TestAnInterruptedMatrixTellsWhatWasNotRun(t *testing.T) {
	dir := t.TempDir()
	plan := parse(t, "images: [{name: a, image: built-in}, {name: b, image: built-in}, {name: c, image: built-in}]\ndefaults: {type: event}")
	ctx, cancel := context.WithCancel(t.Context())
	o, err := Certify(ctx, plan, Options{ReportDir: dir, Parallel: 1, Observer: func(p Progress) {
		if p.State == Started {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if o.Runs[0].Verdict != report.Inconclusive || o.Runs[1].State != report.NotRun || o.Runs[2].State != report.NotRun || o.ExitCode() != report.ExitInconclusive {
		t.Errorf("overview %+v", o.Runs)
	}
	if page, err := os.ReadFile(filepath.Join(dir, "matrix.html")); err != nil || !strings.Contains(string(page), "not run") {
		t.Errorf("matrix.html: %v", err)
	}
	if past := readRecord(dir); len(past) > 0 {
		t.Errorf("%v are taken for done", past)
	}
}

func TestAFolderThatCannotBeWrittenIsToldBeforeAnythingRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Certify(t.Context(), parse(t, "images: [built-in]"), Options{ReportDir: file, Observer: func(p Progress) { t.Error(p) }}); !errors.Is(err, report.ErrFolder) {
		t.Errorf("error %v", err)
	}
}

func TestABrokenRecordIsNone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, recordName), []byte(`{"a": 1`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := readRecord(dir); r == nil || len(r) > 0 {
		t.Errorf("record %v", r)
	}
	if err := (record{"a": "b"}).write(dir); err != nil || readRecord(dir)["a"] != "b" {
		t.Errorf("error %v, record %v", err, readRecord(dir))
	}
	if err := (record{}).write(filepath.Join(dir, "nowhere")); err == nil || !strings.Contains(err.Error(), "--report-dir") {
		t.Errorf("error %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, recordName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func conformant() report.Report {
	return report.Report{
		SchemaVersion: report.SchemaVersion, Verdict: report.Conformant, Verdicts: report.Verdicts{Event: report.Conformant, HTTP: report.Conformant},
		Image: report.Image{Digest: "sha256:1"},
	}
}

// certified is a machine whose runs are all on record as conformant.
func certified(t *testing.T, text string) *machine {
	t.Helper()
	plan := parse(t, text)
	m := &machine{opts: Options{ReportDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}, program: "1", past: record{}}
	for n := range plan.Runs {
		r := running{Run: &plan.Runs[n], entry: report.OverviewRun{State: report.NotRun}}
		done := conformant()
		if err := report.Save(m.dir(&r), done); err != nil {
			t.Fatal(err)
		}
		m.runs = append(m.runs, r)
		m.note(&m.runs[n], &done)
	}
	return m
}

func TestOnlyWhatHoldsIsKept(t *testing.T) {
	same := func(string) (string, error) { return "sha256:1", nil }
	for name, c := range map[string]struct {
		change func(t *testing.T, m *machine)
		digest func(string) (string, error)
		kept   bool
	}{
		"nothing has changed":    {func(*testing.T, *machine) {}, same, true},
		"another image":          {func(*testing.T, *machine) {}, func(string) (string, error) { return "sha256:2", nil }, false},
		"the image is not there": {func(*testing.T, *machine) {}, func(string) (string, error) { return "", errors.New("gone") }, false},
		"another program":        {func(_ *testing.T, m *machine) { m.program = "2" }, same, false},
		"other settings":         {func(_ *testing.T, m *machine) { m.runs[0].Options.MemoryMB = 3072 }, same, false},
		"another call has put its report there, of other settings": {func(t *testing.T, m *machine) {
			other := conformant()
			other.Function.MemoryMB = 3072
			if err := report.Save(m.dir(&m.runs[0]), other); err != nil {
				t.Fatal(err)
			}
		}, same, false},
		"no report": {func(t *testing.T, m *machine) {
			if err := os.RemoveAll(m.dir(&m.runs[0])); err != nil {
				t.Fatal(err)
			}
		}, same, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := certified(t, "images: [a]")
			m.past = readRecord(m.opts.ReportDir)
			c.change(t, m)
			m.keep(t.Context(), c.digest)
			if kept := m.runs[0].entry.State == report.RunKept; kept != c.kept || kept != (len(m.past) == 1) {
				t.Errorf("kept %v, record %v", kept, m.past)
			}
		})
	}
}

func TestAnImageOfManyRunsIsLookedAtOnce(t *testing.T) {
	m, looks := certified(t, "images: [a, b]\nvariants: [{name: v}, {name: w}, {name: x}]"), map[string]int{}
	m.keep(t.Context(), func(reference string) (string, error) {
		looks[reference]++
		return "sha256:1", nil
	})
	if !maps.Equal(looks, map[string]int{"a": 1, "b": 1}) || m.runs[5].entry.State != report.RunKept {
		t.Errorf("looked at %v, the last is %s", looks, m.runs[5].entry.State)
	}
}

func TestWhatIsInterruptedWhileItLooksForgetsNothing(t *testing.T) {
	m := certified(t, "images: [a, b]")
	ctx, cancel := context.WithCancel(t.Context())
	m.keep(ctx, func(string) (string, error) {
		cancel()
		return "", context.Canceled
	})
	if len(m.past) != 2 || m.runs[0].entry.State != report.NotRun {
		t.Errorf("record %v, the first is %s", m.past, m.runs[0].entry.State)
	}
}

func TestWithoutAnEngineTheOverviewOfAnEarlierCallGoes(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "matrix.json"), []byte(`{"runs": [{"verdict": "conformant"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := Certify(t.Context(), parse(t, "images: [a, b]"), Options{ReportDir: dir, Host: "unix:///nonexistent"})
	if err == nil || len(o.Runs) != 2 || o.ExitCode() != report.ExitInconclusive {
		t.Errorf("error %v, overview %+v", err, o)
	}
	if saved, err := os.ReadFile(filepath.Join(dir, "matrix.json")); err != nil || strings.Contains(string(saved), "conformant") || !strings.Contains(string(saved), `"not-run"`) {
		t.Errorf("matrix.json: %s, %v", saved, err)
	}
}

func TestAFailureThatNobodyCouldConfirmDoesNotCount(t *testing.T) {
	m := certified(t, "images: [a, b]")
	m.runs[0].entry, m.runs[0].doubtful = report.OverviewRun{State: report.RunEnded, Verdict: report.NonConformant}, true
	m.runs[1].entry = report.OverviewRun{State: report.RunEnded, Verdict: report.Conformant}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.alone(ctx)
	o := m.overview(Plan{})
	if o.Runs[0].Error == "" || o.Runs[1].Error != "" || o.ExitCode() != report.ExitInconclusive {
		t.Errorf("overview %+v, exit code %d", o.Runs, o.ExitCode())
	}
}

func TestWhatIsNotedIsTheReportThatWasSaved(t *testing.T) {
	m := certified(t, "images: [a]")
	m.opts.Host, m.past = "unix:///nonexistent", record{}
	m.certify(t.Context(), &m.runs[0])
	saved, err := os.ReadFile(filepath.Join(m.dir(&m.runs[0]), "report.json"))
	if err != nil || readRecord(m.opts.ReportDir)["a"] != fingerprint(m.program, m.runs[0].Run, saved) {
		t.Errorf("record %v, %v", readRecord(m.opts.ReportDir), err)
	}
}

func TestAReportThatIsNotSavedIsNotLinked(t *testing.T) {
	m := certified(t, "images: [a]")
	r := &m.runs[0]
	m.opts.Host, m.past = "unix:///nonexistent", record{}
	for name := range report.Files() { // what is a folder cannot be written
		if err := errors.Join(os.Remove(filepath.Join(m.dir(r), name)), os.MkdirAll(filepath.Join(m.dir(r), name, "x"), 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	m.certify(t.Context(), r)
	if r.entry.Error == "" || r.entry.Folder != "" || len(m.past) > 0 {
		t.Errorf("entry %+v, record %v", r.entry, m.past)
	}
}
