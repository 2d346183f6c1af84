package statement

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

var update = flag.Bool("update", false, "write the golden files anew")

// finished is when every certification of these tests ended.
var finished = time.Date(2026, 11, 2, 3, 5, 0, 0, time.UTC)

const imageDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// certified is the report of a conformant image that does not follow one advice.
func certified() report.Report {
	must := func(id string, outcome report.Outcome) report.Requirement {
		return report.Requirement{ID: id, Level: requirement.Must, Subject: requirement.Image, Outcome: outcome}
	}
	advice := report.Requirement{ID: "image.tag", Level: requirement.Should, Subject: requirement.Image, Outcome: report.Warn, Reason: diagnose.ImageMemory}
	platform := report.Requirement{ID: "headers.common", Level: requirement.Must, Subject: requirement.Platform, Outcome: report.Pass}
	return report.Report{
		SchemaVersion: report.SchemaVersion, Tool: report.Tool{Name: "scfcert", Version: "v1.2.3", Commit: "abc"},
		Contract: report.Contract{Name: contract.Name, Version: "2026.11", Basis: "pages"}, Readings: map[string]string{"Q4": "user <root> & more"},
		Image: report.Image{
			Reference: "registry.example.com:5000/team/app:v1", Source: "registry", Digest: imageDigest, DigestKind: "manifest",
			Architecture: "amd64", CompressedBytes: 1000, UncompressedBytes: 3000, Command: []string{"/run", "--token=secret"},
		},
		Function:  report.Function{Type: "event", MemoryMB: 512, TimeoutSeconds: 3, InitTimeoutSeconds: 30},
		Engine:    report.Engine{Name: "Engine", Version: "1", Enforcement: report.Enforcement{Tmp: "hard", Rootfs: "hard", Memory: "soft", CPU: "none"}},
		StartedAt: finished.Add(-time.Minute).In(time.FixedZone("", 8*60*60)), FinishedAt: finished,
		Verdict: report.Conformant, Verdicts: report.Verdicts{Event: report.Conformant, HTTP: report.NotSelected},
		Requirements: []report.Requirement{
			must("image.manifest", report.Pass), must("start.listen", report.Pass), must("http.answers", report.NotApplicable), advice, platform,
		},
		Waivers: []report.Waiver{},
	}
}

// waived is the report of an image one of whose failures somebody answers for.
func waived() report.Report {
	r := certified()
	r.Verdict = report.WithWaivers
	r.Requirements[0].Outcome, r.Requirements[0].Reason = report.Waived, diagnose.ImageTooLarge
	r.Waivers = []report.Waiver{{Requirement: "image.manifest", Reason: diagnose.ImageTooLarge, Justification: "being moved", Owner: "ops", Expires: "2027-01-01"}}
	return r
}

// failed is the report of an image that fails, which leaves one requirement open.
func failed() report.Report {
	r := certified()
	r.Verdict = report.NonConformant
	r.Requirements[1].Outcome, r.Requirements[1].Reason = report.Fail, diagnose.ListenLoopback
	r.Requirements = append(r.Requirements, report.Requirement{ID: "event.answers", Level: requirement.Must, Subject: requirement.Image, Outcome: report.NotAssessed, Because: "start.listen"})
	return r
}

// saved is the report.json of a report.
func saved(t testing.TB, r report.Report) []byte {
	t.Helper()
	var text bytes.Buffer
	if err := report.WriteJSON(&text, r); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

func stated(t testing.TB, r report.Report) Statement {
	t.Helper()
	s, err := New(r, saved(t, r))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStatementsAreThoseOfTheGoldenFiles(t *testing.T) {
	for name, r := range map[string]report.Report{"conformant": certified(), "waived": waived(), "failed": failed()} {
		payload, err := encode(stated(t, r))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := json.Indent(&got, append(payload, '\n'), "", "  "); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s differs from %s; look, and run with -update:\n%s", name, file, got.String())
		}
	}
}

func TestTheStatementTellsTheDigestOfTheReportThatWasSaved(t *testing.T) {
	// As of a later version, and written in another way.
	var text bytes.Buffer
	if err := json.Compact(&text, bytes.Replace(saved(t, certified()), []byte("{"), []byte(`{"later": 1,`), 1)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := report.WriteFile(path, text.Bytes()); err != nil {
		t.Fatal(err)
	}
	r, read, err := report.LoadText(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(r, read)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text.Bytes())
	if got := s.Predicate.Certification.ReportDigest["sha256"]; got != hex.EncodeToString(sum[:]) {
		t.Errorf("digest %s", got)
	}
}

func TestCommandAndCredentialsStayOutOfTheStatement(t *testing.T) {
	r := certified()
	r.Image.Reference = "me:secret@registry.example.com/app:v1"
	payload, err := encode(stated(t, r))
	if err != nil || strings.Contains(string(payload), "secret") {
		t.Errorf("%v %s", err, payload)
	}
}

func TestReportsThatStateNothingAreRefused(t *testing.T) {
	cases := map[string]struct {
		change func(*report.Report)
		says   string
	}{
		"no manifest digest":           {func(r *report.Report) { r.Image.DigestKind = "config" }, "no manifest digest"},
		"no image":                     {func(r *report.Report) { r.Image = report.Image{} }, "no manifest digest"},
		"built-in sample":              {func(r *report.Report) { r.Image.Source = "built-in" }, "built-in sample"},
		"digest of another kind":       {func(r *report.Report) { r.Image.Digest = "sha512:00" }, "no sha256 digest"},
		"digest in upper case":         {func(r *report.Report) { r.Image.Digest = "sha256:" + strings.Repeat("A", 64) }, "no sha256 digest"},
		"type auto":                    {func(r *report.Report) { r.Function.Type = "auto" }, "--type event"},
		"no type":                      {func(r *report.Report) { r.Function.Type = "" }, "--type event"},
		"inconclusive":                 {func(r *report.Report) { r.Verdict = report.Inconclusive }, "inconclusive"},
		"not selected":                 {func(r *report.Report) { r.Verdict = report.NotSelected }, "not-selected"},
		"no verdict":                   {func(r *report.Report) { r.Verdict = "" }, "states nothing"},
		"no contract":                  {func(r *report.Report) { r.Contract.Version = "" }, "names no contract"},
		"no end":                       {func(r *report.Report) { r.FinishedAt = time.Time{} }, "began and ended"},
		"ended before it began":        {func(r *report.Report) { r.FinishedAt = r.StartedAt.Add(-1) }, "before it began"},
		"conformant with failure":      {func(r *report.Report) { r.Requirements[0].Outcome = report.Fail }, "although"},
		"conformant and open":          {func(r *report.Report) { r.Requirements[0].Outcome = report.NotAssessed }, "although"},
		"conformant of nothing":        {func(r *report.Report) { r.Requirements = nil }, "make it inconclusive"},
		"waived by nobody":             {func(r *report.Report) { r.Requirements[0].Outcome = report.Waived }, "no waiver names it"},
		"waived, but plain conformant": {func(r *report.Report) { *r = waived(); r.Verdict = report.Conformant }, "although"},
		"with waivers, but none":       {func(r *report.Report) { r.Verdict = report.WithWaivers }, "make it conformant"},
		"non-conformant, none fails":   {func(r *report.Report) { r.Verdict = report.NonConformant }, "make it conformant"},
		"a fault of ours":              {func(r *report.Report) { r.Fault = "no disk" }, "no disk"},
		"open because of nothing": {func(r *report.Report) {
			r.Requirements[0].Outcome, r.Requirements[0].Because = report.NotAssessed, "no.thing"
		}, "make it inconclusive"},
		"a failure of no level":        {func(r *report.Report) { r.Requirements[0].Outcome, r.Requirements[0].Level = report.Fail, "" }, "there is not"},
		"an outcome that there is not": {func(r *report.Report) { r.Requirements[0].Outcome = "error" }, "make it inconclusive"},
		"only the platform passes":     {func(r *report.Report) { r.Requirements = r.Requirements[4:] }, "make it inconclusive"},
		"a waived platform":            {func(r *report.Report) { *r = waived(); r.Requirements[0].Subject = requirement.Platform }, "make it inconclusive"},
		"waived for another reason":    {func(r *report.Report) { *r = waived(); r.Waivers[0].Reason = diagnose.ListenLoopback }, "with its reason"},
		"a waiver of nothing":          {func(r *report.Report) { *r = waived(); r.Waivers = append(r.Waivers, report.Waiver{Requirement: "x"}) }, "not waived"},
		"an expired waiver":            {func(r *report.Report) { *r = waived(); r.Waivers[0].Expires = "2026-11-01" }, "expired"},
		"a requirement twice":          {func(r *report.Report) { r.Requirements = append(r.Requirements, r.Requirements[0]) }, "twice"},
	}
	for name, c := range cases {
		r := certified()
		c.change(&r)
		s, err := New(r, nil)
		if !errors.Is(err, ErrReport) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q in it", name, err, c.says)
		}
		if err != nil && (!strings.Contains(err.Error(), "; ") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %q has no remedy or several lines", name, err)
		}
		if !reflect.DeepEqual(s, Statement{}) {
			t.Errorf("%s: a statement came with the error", name)
		}
	}
}

func TestASubjectIsNamedWithoutTagDigestAndCredentials(t *testing.T) {
	for reference, want := range map[string]string{
		"app":                                        "app",
		"app:v1":                                     "app",
		"team/app:v1":                                "team/app",
		"localhost:5000/app":                         "localhost:5000/app",
		"localhost:5000/app:v1":                      "localhost:5000/app",
		"localhost:5000/app@" + imageDigest:          "localhost:5000/app",
		"localhost:5000/app:v1@" + imageDigest:       "localhost:5000/app",
		"engine:team/app:v1":                         "team/app",
		"registry:ccr.ccs.tencentyun.com/a/b:v1":     "ccr.ccs.tencentyun.com/a/b",
		"registry:me:pw@ccr.ccs.tencentyun.com/a:v1": "ccr.ccs.tencentyun.com/a",
		"https://me:p@w@host.example/a:v1":           "host.example/a",
		"me@host.example/a@" + imageDigest:           "host.example/a",
		"oci:/home/me/layout:v1":                     "_",
		"tar:/home/me/app.tar":                       "_",
		imageDigest:                                  "_",
		"engine:" + imageDigest:                      "_",
		"me:secret@nowhere":                          "_",
		"":                                           "_",
		"no image":                                   "_",
	} {
		if got := subjectName(report.Image{Reference: reference, Source: "registry"}); got != want {
			t.Errorf("%q is named %q, want %q", reference, got, want)
		}
	}
}

func TestASignedStatementReadsBackAsItWas(t *testing.T) {
	want := stated(t, waived())
	payload, err := encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readStatement(payload)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%+v\n%+v", err, got, want)
	}
}

func TestTheTagOfTheExtensionIsItsURI(t *testing.T) {
	field, _ := reflect.TypeFor[Predicate]().FieldByName("Certification")
	if got := field.Tag.Get("json"); got != CertificationURI {
		t.Errorf("the tag is %q", got)
	}
}

func TestAStatementKeepsNothingOfTheReportsMemory(t *testing.T) {
	r := waived()
	s := stated(t, r)
	r.Readings["Q4"], r.Waivers[0].Owner, r.Requirements[0].ID = "changed", "changed", "changed"
	c := s.Predicate.Certification
	if c.Readings["Q4"] == "changed" || c.Waivers[0].Owner == "changed" || slices.Contains(s.Predicate.WarnedTests, "changed") {
		t.Errorf("%+v", s)
	}
}
