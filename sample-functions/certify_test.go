package samplefunctions_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/scfcert/scfcert/fixtures"
	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/engine/enginetest"
	"github.com/scfcert/scfcert/mockplatform/program"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

func programs(t *testing.T) *program.Programs {
	t.Helper()
	p, err := program.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// saved writes an image as OCI layout and gives the reference.
func saved(t *testing.T, img v1.Image) string {
	t.Helper()
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	return "oci:" + dir
}

func certify(t *testing.T, opts suite.Options) report.Report {
	t.Helper()
	opts.ReportDir = t.TempDir()
	certified, err := suite.Certify(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"report.json", "junit.xml"} {
		if _, err := os.Stat(filepath.Join(opts.ReportDir, name)); err != nil {
			t.Error(err)
		}
	}
	return certified
}

// show logs a report, for the reader of a failed test.
func show(t *testing.T, r report.Report) {
	t.Helper()
	if err := report.WriteText(t.Output(), r, report.TextOptions{}); err != nil {
		t.Error(err)
	}
}

func TestTheBuiltInSampleConforms(t *testing.T) {
	for _, kind := range []string{suite.TypeAuto, suite.TypeEvent, suite.TypeHTTP} {
		t.Run(kind, func(t *testing.T) {
			certified := certify(t, suite.Options{Type: kind})
			if certified.Verdict != report.Conformant || len(certified.RootCauses) != 0 {
				show(t, certified)
				t.Errorf("verdict %s", certified.Verdict)
			}
		})
	}
}

// What goes wrong once, and well when it is tried again with nothing changed, is not blamed on what an experiment changed.
func TestWhatGoesWrongOnceIsNotBlamedOnAnExperiment(t *testing.T) {
	built := programs(t)
	for fault, c := range map[string]struct {
		verdict report.Verdict
		reason  diagnose.Code
		says    string
	}{
		"exits":         {report.NonConformant, diagnose.StartExited, "went well when it was tried again"},
		"event-500":     {report.NonConformant, diagnose.EventStatus, "went well when it was tried again"},
		"never-listens": {report.Inconclusive, "", "certify it on an idle machine"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			none := samplefunctions.Violator{}
			for _, v := range samplefunctions.Violators() {
				if v.Name == "not-again" { // whose image is good
					none = v
				}
			}
			opts := options(t, none, built)
			opts.InitTimeout, opts.Tamper = 5*time.Second, &mockplatform.Tampering{Environment: func(function string, env []string) []string {
				if function == "candidate-first" {
					return append(env, "VIOLATE="+fault)
				}
				return env
			}}
			certified := certify(t, opts)
			said := certified.Fault
			for _, q := range certified.Requirements {
				if q.Outcome == report.Fail && q.Reason == c.reason {
					said = q.Found.EN
				}
			}
			if certified.Verdict != c.verdict || !strings.Contains(said, c.says) {
				show(t, certified)
				t.Errorf("verdict %s, which says %q", certified.Verdict, said)
			}
		})
	}
}

// options are how a violator is certified.
func options(t *testing.T, v samplefunctions.Violator, built *program.Programs) suite.Options {
	t.Helper()
	img, err := v.Image(t.Context(), built)
	if err != nil {
		t.Fatal(err)
	}
	setup := v.Setup
	opts := suite.Options{
		Type: suite.TypeEvent, MemoryMB: setup.MemoryMB, Timeout: setup.Timeout, InitTimeout: setup.InitTimeout, Command: setup.Command,
		Concurrency: setup.Concurrency, Stream: setup.Stream, WebSocket: setup.WebSocket, Tamper: setup.Tamper, Procs: 1,
	}
	if setup.Type != "" {
		opts.Type = setup.Type
	}
	for _, trigger := range setup.Triggers {
		event, ok := suite.TriggerEvent(trigger)
		if !ok {
			t.Fatalf("no trigger %s", trigger)
		}
		opts.Events = append(opts.Events, event)
	}
	if setup.Latest {
		opts.Image = pushed(t, img)
	} else {
		opts.Image = saved(t, img)
	}
	return opts
}

// pushed puts an image into a registry and gives the reference, which means the tag latest.
func pushed(t *testing.T, img v1.Image) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	tag, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/violator")
	if err == nil {
		err = remote.Write(tag, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "registry:" + tag.RegistryStr() + "/violator"
}

func TestAFaultOfOneTypeLeavesTheOtherConforming(t *testing.T) {
	built := programs(t)
	for _, v := range samplefunctions.Violators() {
		if v.Name != "event-404" && v.Name != "http-500" {
			continue
		}
		opts := options(t, v, built)
		opts.Type = suite.TypeAuto
		certified := certify(t, opts)
		if certified.Verdict != report.Conformant || len(certified.RootCauses) != 0 {
			show(t, certified)
			t.Errorf("%s: verdict %s", v.Name, certified.Verdict)
		}
	}
}

// TestTheBuiltInSampleShowsEverything declares and selects all that can be.
func TestTheBuiltInSampleShowsEverything(t *testing.T) {
	opts := suite.Options{Concurrency: 5, Stream: "/stream", WebSocket: "/ws"}
	for _, trigger := range fixtures.Triggers() {
		event, _ := suite.TriggerEvent(trigger)
		opts.Events = append(opts.Events, event)
	}
	certified := certify(t, opts)
	if certified.Verdict != report.Conformant || len(certified.RootCauses) != 0 || !certified.Probe {
		show(t, certified)
		t.Errorf("verdict %s, probe %v", certified.Verdict, certified.Probe)
	}
	for _, q := range certified.Requirements {
		if q.Outcome != report.Pass && q.Level != requirement.Info && q.ID != "image.tag" {
			t.Errorf("%s is %s", q.ID, q.Outcome)
		}
	}
}

func TestReadingsThatDifferAreListed(t *testing.T) {
	want := map[string]string{"execution-role": "false", "freeze-between": "true", "init-timeout": "1m0s"}
	certified := certify(t, suite.Options{Readings: map[string]string{"execution-role": "false", "freeze-between": "true"}, InitTimeout: time.Minute})
	if certified.Verdict != report.Conformant || !maps.Equal(certified.Readings, want) {
		show(t, certified)
		t.Errorf("verdict %s, readings %v", certified.Verdict, certified.Readings)
	}
}

// TestAnEngineThatDisappearsIsNeverConformant cuts the engine off after so many of its requests, from the first to the
// last. Whatever is under way then, the verdict is inconclusive, a report is written, and nothing is left behind when the
// engine comes back.
func TestAnEngineThatDisappearsIsNeverConformant(t *testing.T) {
	proxy := enginetest.NewProxy(t)
	conformant := 0
	for requests := 0; conformant == 0; requests += 41 {
		proxy.CutAfter(requests)
		certified := certify(t, suite.Options{Host: proxy.Host})
		cut := proxy.Restore()
		switch {
		case certified.Verdict == report.Inconclusive && certified.Fault != "":
		case certified.Verdict == report.Conformant && cut && certified.LeftBehind != "": // it came to an end before
		case certified.Verdict == report.Conformant && !cut && certified.LeftBehind == "":
			conformant++
		default:
			show(t, certified)
			t.Errorf("cut off after %d requests (%v): verdict %s, fault %q", requests, cut, certified.Verdict, certified.Fault)
		}
		if requests > 1000 {
			t.Fatal("it never ends")
		}
	}
	proxy.AwaitGone(t)
}

// TestCredentialsReachNoFileAndNoLog certifies a function that puts all of its headers into its answer and its output, as
// evidence of a failure.
func TestCredentialsReachNoFileAndNoLog(t *testing.T) {
	img, err := samplefunctions.Chaos(t.Context(), programs(t))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	dir := t.TempDir()
	certified, err := suite.Certify(t.Context(), suite.Options{
		Image: saved(t, img), Type: suite.TypeEvent, Events: []suite.Event{{Name: "leak", Body: []byte(`{"do":"leak"}`)}}, ReportDir: dir,
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := report.WriteText(&log, certified, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"log and terminal": log.String()}
	for _, name := range []string{"report.json", "junit.xml"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	for name, text := range texts {
		if !strings.Contains(text, "[secret key]") {
			t.Errorf("%s does not show what the function did: %s", name, text)
		}
		if at := strings.Index(text, "scfcertmarker"); at >= 0 {
			t.Errorf("%s holds a credential: %s", name, text[at:])
		}
	}
}

func TestAnInterruptedRunIsInconclusive(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	certified, err := suite.Certify(ctx, suite.Options{ReportDir: dir, Observer: func(p suite.Progress) {
		if p.Stage == "start the function" {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if certified.Verdict != report.Inconclusive || certified.Fault == "" {
		show(t, certified)
		t.Errorf("verdict %s, fault %q", certified.Verdict, certified.Fault)
	}
	if _, err := os.Stat(filepath.Join(dir, "report.json")); err != nil {
		t.Error(err)
	}
}
