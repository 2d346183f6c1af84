package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/scfcert/scfcert/mockplatform/program"
	"github.com/scfcert/scfcert/mockplatform/serve"
	"github.com/scfcert/scfcert/mockplatform/serve/config"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// saved writes the built-in sample, told apart by a label, as the only image of an OCI layout.
func saved(t testing.TB, dir, label string) string {
	t.Helper()
	return savedAs(t, dir, label, samplefunctions.BuiltIn)
}

func savedAs(t testing.TB, dir, label string, sample func(context.Context, *program.Programs) (v1.Image, error)) string {
	t.Helper()
	programs, err := program.Open(t.TempDir())
	check(t, err)
	defer func() { _ = programs.Close() }()
	img, err := sample(t.Context(), programs)
	check(t, err)
	file, err := img.ConfigFile()
	check(t, err)
	changed := file.DeepCopy()
	changed.Config.Env = append(changed.Config.Env, "LABEL="+label)
	img, err = mutate.ConfigFile(img, changed)
	check(t, err)
	path, err := layout.FromPath(dir)
	if err != nil {
		path, err = layout.Write(dir, empty.Index)
		check(t, err)
	}
	check(t, path.ReplaceImage(img, func(v1.Descriptor) bool { return true }))
	return "oci:" + dir
}

// served opens a server for a configuration. The console's text is read when the server has ended, or under the lock.
func served(t testing.TB, text string, watch bool) (*serve.Server, *httptest.Server, *console) {
	t.Helper()
	loaded, err := config.Parse("functions.yaml", []byte(text), config.Options{})
	check(t, err)
	to := &console{}
	if _, measured := t.(*testing.B); measured {
		file, err := os.Create(filepath.Join(t.TempDir(), "log")) // as with 2>log
		check(t, err)
		t.Cleanup(func() { _ = file.Close() })
		to.file = file
	}
	listener := httptest.NewUnstartedServer(nil)
	s, err := serve.Open(t.Context(), serve.Options{Config: loaded, Address: listener.Listener.Addr().String(), Console: to, Watch: watch})
	check(t, err)
	listener.Config.Handler = s
	listener.Start()
	t.Cleanup(func() {
		listener.Close()
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(to.String())
		}
	})
	return s, listener, to
}

type console struct {
	file *os.File // nil keeps the text
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *console) Write(p []byte) (int, error) {
	if c.file != nil {
		return c.file.Write(p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// get sends a request, with a host where one is given.
func get(t *testing.T, method, url, host, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	check(t, err)
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	check(t, err)
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(response.Body) // an answer that breaks off shows in the text
	return response.StatusCode, string(text)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func TestFunctionsAreServedByTheirNames(t *testing.T) {
	image := saved(t, t.TempDir(), "one")
	s, listener, _ := served(t, fmt.Sprintf(`functions:
  web: {image: %q, type: http, memory: 256}
  events: {image: %q, type: event, memory: 256, triggers: [{timer: {name: nightly, cron: "0 0 2 * * * *", message: wake up}}]}
  old: {image: %q, type: event, memory: 256, gateway: {type: apigw, stage: test, integration-response: true}}
  broken: {image: "oci:%s/nothing", type: http}
`, image, image, image, t.TempDir()), false)
	if status, body := get(t, http.MethodPut, listener.URL+"/a%2Fb?x=1", "web.localhost", "body"); status != http.StatusOK || body != "PUT /a%2Fb?x=1\n" {
		t.Errorf("the HTTP function answers %d %q", status, body)
	}
	if status, body := get(t, http.MethodGet, listener.URL+"/p?x=1", "events.localhost:80", ""); status != http.StatusOK || !strings.Contains(body, `"queryString":{"x":"1"}`) {
		t.Errorf("the event function answers %d %q", status, body)
	}
	if status, body := get(t, http.MethodGet, listener.URL+"/test/p", "old.localhost", ""); status != http.StatusOK || body != "hello from scfcert" {
		t.Errorf("behind API Gateway the event function answers %d %q", status, body)
	}
	if status, body := get(t, http.MethodGet, listener.URL+"/p", "old.localhost", ""); status != http.StatusNotFound || !strings.Contains(body, "/test") {
		t.Errorf("without the stage API Gateway answers %d %q", status, body)
	}
	if status, body := get(t, http.MethodGet, listener.URL+"/", "broken.localhost", ""); status != 438 || !strings.Contains(body, "nothing") {
		t.Errorf("the function without an image answers %d %q", status, body)
	}
	if status, body := get(t, http.MethodGet, listener.URL+"/", "", ""); status != http.StatusNotFound || !strings.Contains(body, "http://web.localhost:") {
		t.Errorf("without a name the answer is %d %q", status, body)
	}
	if status, body := get(t, http.MethodGet, listener.URL+"/_scfcert/", "", ""); status != http.StatusOK || !strings.Contains(body, "broken") {
		t.Errorf("the page is %d %.200q", status, body)
	}
	if status, _ := get(t, http.MethodPost, listener.URL+"/_scfcert/api/functions/events/timers/nightly", "", ""); status >= http.StatusBadRequest {
		t.Errorf("firing a timer gives %d", status)
	}
	eventually(t, "the timer's event is answered", func() bool {
		_, body := get(t, http.MethodGet, listener.URL+"/_scfcert/api/invocations?function=events", "", "")
		var list struct {
			Invocations []struct{ Kind, StatusName string }
		}
		if json.Unmarshal([]byte(body), &list) != nil {
			t.Fatal(body)
		}
		return len(list.Invocations) == 2 && list.Invocations[0].Kind == "timer" && list.Invocations[0].StatusName == "Success"
	})
	if _, metrics := get(t, http.MethodGet, listener.URL+"/_scfcert/metrics", "", ""); !strings.Contains(metrics, `scfcert_invocations_total{function="web"`) {
		t.Errorf("metrics are %.500s", metrics)
	}
	if urls := s.URLs(); len(urls) != 4 || !strings.HasPrefix(urls[2].URL, "http://old.localhost:") || !strings.HasSuffix(urls[2].URL, "/test/") {
		t.Errorf("the addresses are %v", urls)
	}
}

func TestARoleOfAFunctionWinsOverTheReading(t *testing.T) {
	image := saved(t, t.TempDir(), "one")
	_, listener, _ := served(t, fmt.Sprintf(`platform: {readings: {execution-role: "false"}}
functions:
  with: {image: %q, type: event, memory: 256, role: true}
  without: {image: %q, type: event, memory: 256}
`, image, image), false)
	for name, want := range map[string]bool{"with": true, "without": false} {
		_, body := get(t, http.MethodPost, listener.URL+"/_scfcert/api/functions/"+name+"/invoke", "", `{"scfcertProbe":{"version":1}}`)
		if got := strings.Contains(body, "X-Scf-Secret-Id"); got != want {
			t.Errorf("%s has credential headers: %v, want %v", name, got, want)
		}
	}
}

func TestAResultIsWholeForTheOneWhoAsked(t *testing.T) {
	_, listener, _ := served(t, fmt.Sprintf("functions: {events: {image: %q, type: event, memory: 256}}", saved(t, t.TempDir(), "one")), false)
	_, body := get(t, http.MethodPost, listener.URL+"/_scfcert/api/functions/events/invoke", "", `{"scfcertProbe":{"version":1,"answerBytes":200000}}`)
	if whole := strings.Repeat("x", 200000); !strings.Contains(body, whole) || strings.Contains(body, whole+"x") {
		t.Errorf("the answer of 200000 bytes is not in %d bytes", len(body))
	}
}

func TestAnOpenPageDoesNotKeepTheServerFromEnding(t *testing.T) {
	s, listener, _ := served(t, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 256}}", saved(t, t.TempDir(), "one")), false)
	listener.Config.RegisterOnShutdown(s.EndStreams)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, listener.URL+"/_scfcert/changes", nil)
	check(t, err)
	response, err := http.DefaultClient.Do(request) // which stays open
	check(t, err)
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("status %d", response.StatusCode)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := listener.Config.Shutdown(ctx); err != nil {
		t.Errorf("the server does not end: %v", err)
	}
}

func TestARebuiltImageIsServedWithoutLosingARequest(t *testing.T) {
	dir := t.TempDir()
	image := saved(t, dir, "before")
	_, listener, shown := served(t, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 256, concurrency: 5}}", image), true)
	var lost, served atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			for ctx.Err() == nil {
				// An answer in parts takes long enough to be under way when its instance has to go.
				if status, body := get(t, http.MethodGet, listener.URL+"/stream", "", ""); status != http.StatusOK || !strings.Contains(body, "part 3") {
					lost.Add(1)
				}
				served.Add(1)
			}
		})
	}
	saved(t, dir, "after")
	eventually(t, "it is deployed anew", func() bool { return strings.Contains(shown.String(), "deployed anew") })
	before := served.Load()
	eventually(t, "requests go on", func() bool { return served.Load() > before+20 })
	stop()
	wait.Wait()
	if lost.Load() > 0 {
		t.Errorf("%d of %d requests were lost", lost.Load(), served.Load())
	}
}
