package mockplatform_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/mockplatform/program"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
)

func open(t testing.TB) *mockplatform.Platform {
	t.Helper()
	p, err := mockplatform.Open(t.Context(), mockplatform.Options{})
	check(t, err)
	t.Cleanup(func() { check(t, p.Close(t.Context())) }) // the context has ended by then, which Close must not mind
	return p
}

func builtIn(t testing.TB, p *mockplatform.Platform) *image.Candidate {
	t.Helper()
	img, err := samplefunctions.BuiltIn(t.Context(), p.Programs())
	check(t, err)
	c, err := image.FromImage(t.Context(), "built-in", img)
	check(t, err)
	return c
}

// unseen is the built-in sample with a layer that no engine has: what another test pulled is not pulled again.
func unseen(t testing.TB, p *mockplatform.Platform) *image.Candidate {
	t.Helper()
	path, err := p.Programs().Executable(t.Context(), program.Function, "linux", "amd64")
	check(t, err)
	img, err := image.Scratch("amd64", v1.Config{Entrypoint: []string{"/function"}}, image.File{Name: "tmp/"},
		image.File{Name: "function", Mode: 0o755, From: path}, image.File{Name: "unseen", Mode: 0o644, Text: rand.Text()})
	check(t, err)
	c, err := image.FromImage(t.Context(), "unseen", img)
	check(t, err)
	return c
}

func TestAnEventReachesTheFunctionAndItsAnswerComesBack(t *testing.T) {
	p := open(t)
	f, err := p.Deploy(t.Context(), mockplatform.FunctionSpec{Image: unseen(t, p)})
	check(t, err)
	for n := range 3 {
		result, err := f.Invoke(t.Context(), []byte(`{"a":1}`))
		check(t, err)
		if result.Status.Code != 200 || result.HTTPStatus != 200 || !strings.Contains(string(result.Body), `"event":{"a":1}`) {
			t.Errorf("result %+v", result)
		}
		if cold := result.ColdStart != nil; cold != (n == 0) {
			t.Errorf("invocation %d met a cold start: %v", n, cold)
		}
		var order []string
		for _, line := range result.Log {
			word, _, _ := strings.Cut(line.Text, " ")
			order = append(order, word)
		}
		want := "START stdout stderr Response END Report"
		if n == 0 {
			want = "START listening Init stdout stderr Response END Report"
		}
		if got := strings.Replace(strings.Join(order, " "), "stderr stdout", "stdout stderr", 1); got != want {
			t.Errorf("the log is %s", got)
		}
	}
	if moved := f.Transfers(); moved.Blobs != 2 || len(moved.Refusals) != 0 {
		t.Errorf("the pull moved %+v", moved)
	}
}

func TestAClosedPlatformTakesNoFunctions(t *testing.T) {
	p := open(t)
	sample := builtIn(t, p)
	check(t, p.Close(t.Context()))
	if _, err := p.Deploy(t.Context(), mockplatform.FunctionSpec{Image: sample}); !errors.Is(err, mockplatform.ErrClosed) {
		t.Errorf("deploy gives %v", err)
	}
}

func TestWithoutAnEngineThereIsNoPlatform(t *testing.T) {
	_, err := mockplatform.Open(t.Context(), mockplatform.Options{Host: "unix:///nonexistent/docker.sock"})
	if !errors.Is(err, mockplatform.ErrEngine) || !strings.Contains(err.Error(), "/nonexistent/docker.sock") {
		t.Errorf("open gives %v", err)
	}
}
