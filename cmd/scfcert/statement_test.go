package main

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/program"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
	"github.com/scfcert/scfcert/suite/report"
)

// ociSample writes the built-in sample as OCI layout.
func ociSample(t *testing.T) string {
	t.Helper()
	programs, err := program.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = programs.Close() }()
	img, err := samplefunctions.BuiltIn(t.Context(), programs)
	if err != nil {
		t.Fatal(err)
	}
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

// TestAVendorSignsAndACustomerVerifies goes from an image to a statement and back, with the binary's commands only.
func TestAVendorSignsAndACustomerVerifies(t *testing.T) {
	image, dir := ociSample(t), t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	expect := func(want int, args ...string) {
		t.Helper()
		if got := run(args); got != want {
			t.Errorf("scfcert %s: exit code %d, want %d", strings.Join(args, " "), got, want)
		}
	}
	expect(0, "run", image, "--type=event", "--report-dir", dir)
	expect(0, "keygen", "--out", at("vendor"))
	expect(2, "keygen", "--out", at("vendor")) // is there already
	expect(0, "keygen", "--out", at("other"), "--type=ecdsa-p256")
	expect(64, "keygen", "--type=rsa", "--out", at("third"))
	expect(0, "sign", at("report.json"), "--key", at("vendor.key"), "--out", at("statement.json"))
	expect(2, "sign", at("report.json"), "--key", at("vendor.pub"), "--out", at("nothing.json"))
	expect(2, "sign", at("none.json"), "--key", at("vendor.key"))
	expect(64, "sign", at("report.json"))
	expect(64, "sign", at("report.json"), "--key", at("vendor.key"), "--public", at("vendor.pub"))
	expect(64, "sign", at("report.json"), "--key", at("vendor.key"), "--out", at("vendor.key")) // which would be lost
	expect(64, "sign", at("report.json"), "--key", at("vendor.key"), "--out", at("report.json"))
	expect(64, "sign", at("report.json"), "--key", at("vendor.key"), "--out", "")
	expect(64, "report", at("report.json"), "--format=html", "--out", at("report.json"))
	if err := os.Symlink(at("elsewhere"), at("link")); err != nil {
		t.Fatal(err)
	}
	expect(2, "sign", at("report.json"), "--key", at("vendor.key"), "--out", at("link")) // such as /dev/stdout
	if link, err := os.Lstat(at("link")); err != nil || link.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", link, err)
	}
	expect(64, "keygen", "--out", dir+"/")
	if info, err := os.Stat(at("vendor.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the private key: %v, %v", info, err)
	}

	verify := func(want int, more ...string) {
		t.Helper()
		expect(want, append([]string{"verify", at("statement.json")}, more...)...)
	}
	r, err := report.Load(at("report.json"))
	if err != nil {
		t.Fatal(err)
	}
	good := []string{"--key", at("vendor.pub"), "--digest", r.Image.Digest}
	verify(0, good...)
	verify(0, append(good, "--type=event", "--max-age=1h", "--contract=2026.11", "--key-until=2999-01-01", "--format=json")...)
	verify(0, "--key", at("other.pub"), "--key", at("vendor.pub"), "--image", image)
	verify(1, "--key", at("other.pub"), "--digest", r.Image.Digest)
	verify(1, "--key", at("vendor.pub"), "--digest", "sha256:"+strings.Repeat("0", 64))
	verify(1, append(good, "--type=http")...)
	verify(1, append(good, "--max-age=1ns")...)
	verify(1, append(good, "--contract=2020.01")...)
	verify(1, append(good, "--key-until=2020-01-01")...)
	verify(2, "--key", at("none.pub"), "--digest", r.Image.Digest)
	verify(2, "--key", at("vendor.pub"), "--image", "oci:"+at("none"))
	verify(64, "--key", at("vendor.pub"))
	verify(64, "--digest", r.Image.Digest)
	verify(64, append(good, "--key-until=soon")...)
	verify(64, "--key", at("vendor.pub"), "--digest", "sha256:XX")
	verify(64, "--key", at("vendor.pub"), "--image", "Bad Ref")
	verify(64, append(good, "--contract=")...)
	verify(64, append(good, "--contract=2026.11,2026.12")...)
	verify(64, append(good, "--max-age=-1h")...)
	verify(64, append(good, "--type=both")...)

	text, err := os.ReadFile(at("statement.json"))
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(text, []byte(`"payload":"e`), []byte(`"payload":"f`), 1)
	if bytes.Equal(text, changed) {
		t.Fatalf("nothing to change in %.100s", text)
	}
	if err := os.WriteFile(at("statement.json"), changed, 0o600); err != nil {
		t.Fatal(err)
	}
	verify(1, good...)

	// A report that names no type is not signed.
	expect(0, "run", image, "--report-dir", at("auto"))
	expect(2, "sign", filepath.Join(at("auto"), "report.json"), "--key", at("vendor.key"), "--out", at("auto.json"))
	if _, err := os.Stat(at("auto.json")); err == nil {
		t.Error("a statement was written all the same")
	}
}

func TestABaselineMakesAFailingImageConformantWithWaivers(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	expect := func(want int, args ...string) {
		t.Helper()
		if got := run(args); got != want {
			t.Errorf("scfcert %s: exit code %d, want %d", strings.Join(args, " "), got, want)
		}
	}
	failing := []string{"run", "--command=/nothing", "--type=event", "--report-dir", dir}
	expect(1, failing...)
	baseline := []string{"baseline", at("report.json"), "--owner=team", "--justification=known", "--out", at("waivers.yaml")}
	expect(64, append(baseline, "--expires=soon")...)
	expect(64, append(baseline, "--expires=2999-01-01")...)
	expect(0, append(baseline, "--expires="+loaded(t, at("report.json")).StartedAt.AddDate(0, 1, 0).Format("2006-01-02"))...)
	expect(0, append(failing, "--waivers", at("waivers.yaml"))...)
	if r := loaded(t, at("report.json")); r.Verdict != report.WithWaivers || len(r.Waivers) == 0 {
		t.Errorf("verdict %s with %d waivers", r.Verdict, len(r.Waivers))
	}
	expect(64, "run", "--type=event", "--report-dir", dir, "--waivers", at("waivers.yaml")) // passes, and is waived
	if r := loaded(t, at("report.json")); r.Verdict != report.Conformant || len(r.Waivers) != 0 {
		t.Errorf("verdict %s with %d waivers", r.Verdict, len(r.Waivers))
	}
	expect(64, "run", "--waivers", at("none.yaml"))
}

func loaded(t *testing.T, path string) report.Report {
	t.Helper()
	r, err := report.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAStatementIsKeptBesideItsImage goes from a report to a registry and back, with the binary's commands only.
func TestAStatementIsKeptBesideItsImage(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	dir, blobs := t.TempDir(), atomic.Int32{}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			blobs.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	at := func(name string) string { return filepath.Join(dir, name) }
	expect := func(want int, says string, args ...string) string {
		t.Helper()
		code, text := told(args)
		if code != want || !strings.Contains(text, says) || strings.Contains(text, "s3cr3t") {
			t.Errorf("scfcert %s: exit code %d, want %d and %q in %q", strings.Join(args, " "), code, want, says, text)
		}
		return text
	}
	push := func(reference string) string {
		t.Helper()
		img, err := random.Image(10, 1)
		if err != nil {
			t.Fatal(err)
		}
		ref, err := name.ParseReference(reference)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, img); err != nil {
			t.Fatal(err)
		}
		digest, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return digest.String()
	}
	ref := host + "/team/app:1"
	digest, other := push(ref), push(host+"/team/app:2")
	expect(0, "", "keygen", "--out", at("vendor"))
	expect(0, "", "keygen", "--out", at("other"))
	expect(0, "", "keygen", "--out", at("nobody"))
	sign := func(file, key string, finished time.Time) {
		t.Helper()
		r := loaded(t, "../../suite/report/testdata/passing.json")
		r.Image.Digest, r.Function.Type, r.StartedAt, r.FinishedAt = digest, "event", finished, finished
		r.Contract = report.Contract{Name: contract.Name, Version: contract.Version}
		if err := report.Save(dir, r); err != nil {
			t.Fatal(err)
		}
		expect(0, digest, "sign", at("report.json"), "--key", at(key+".key"), "--out", at(file))
	}
	now := time.Now().UTC().Truncate(time.Second)
	sign("old.json", "vendor", now.Add(-48*time.Hour))
	sign("new.json", "vendor", now.Add(-24*time.Hour))
	sign("foreign.json", "other", now)

	verify := []string{"verify", "--attached", "--image=registry:" + ref, "--key", at("vendor.pub")}
	expect(1, "refused: no statement is attached to "+digest, verify...)
	for _, d := range []string{digest, other} {
		expect(2, d, "attach", at("old.json"), host+"/team/app:2")
	}
	for n, file := range []string{"old.json", "old.json", "foreign.json", "new.json"} {
		expect(0, " is attached to ", "attach", at(file), []string{"", "registry:"}[n%2]+ref)
	}
	blobs.Store(0)
	expect(0, "certified at "+now.Add(-24*time.Hour).Format(time.RFC3339), verify...)
	if got := blobs.Load(); got != 3 {
		t.Errorf("%d blobs were read, of 3 statements", got)
	}
	expect(0, `"predicateType"`, append(verify, "--format=json")...)
	expect(0, digest, "verify", at("new.json"), "--key", at("vendor.pub"), "--image="+ref)
	if got := blobs.Load(); got != 6 {
		t.Errorf("%d blobs were read for the digest of the image", got-6)
	}
	if text := expect(1, "refused: sha256:", append(verify[:3:3], "--key", at("nobody.pub"))...); strings.Count(text, "refused: ") != 3 || strings.Count(text, "\n") != 3 {
		t.Errorf("three refusals are %q", text)
	}
	expect(1, "no statement is attached", "verify", "--attached", "--image="+host+"/team/app:2", "--key", at("vendor.pub"))

	const either = "either STATEMENT, the file to verify, or --attached"
	expect(64, either, append(verify, at("old.json"))...)
	expect(64, either, "verify", "--key", at("vendor.pub"), "--digest", digest)
	expect(64, "--image=registry:REF", "verify", "--attached", "--key", at("vendor.pub"), "--digest", digest)
	expect(64, "in no registry", "verify", "--attached", "--key", at("vendor.pub"), "--image=oci:"+at("none"))
	expect(64, "in no registry", "attach", at("old.json"), "engine:team/app:1")
	expect(64, "…@"+host, "attach", at("old.json"), "me:s3cr3t@"+host+"/team/app:1")
	expect(64, "", "attach", at("old.json"))
	expect(2, "none.json", "attach", at("none.json"), ref)
	expect(2, "malformed", "attach", at("vendor.pub"), ref)
	expect(2, "not found", "attach", at("old.json"), host+"/team/app:none")
	expect(2, "not found", "verify", "--attached", "--key", at("vendor.pub"), "--image="+host+"/team/app:none")
	server.Close()
	expect(2, "unreachable", "attach", at("old.json"), ref)
	expect(2, "unreachable", verify...)
}

// told runs a command line and returns the exit code and all that was written.
func told(args []string) (int, string) {
	code := 0
	var text bytes.Buffer
	root := rootCommand(&code)
	root.SetOut(&text)
	root.SetErr(&text)
	root.SetArgs(args)
	switch err := root.Execute(); {
	case err == nil:
		return code, text.String()
	case errors.Is(err, errInconclusive):
		return report.ExitInconclusive, text.String() + err.Error()
	default:
		return report.ExitUsage, text.String() + err.Error()
	}
}
