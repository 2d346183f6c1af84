//go:build debian

package samplefunctions_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// terminal is what a program has printed so far.
type terminal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (c *terminal) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *terminal) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

func await(t *testing.T, what string, log *terminal, holds func() bool) {
	t.Helper()
	limit := time.After(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within a minute: %s\n%s", what, log)
		}
	}
}

func fetch(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// TestDebianWalkThrough does what docs/local-server.md tells a newcomer to do with an ordinary Flask image: serve it, post
// an event, open the page, watch the log, rebuild, and see the change.
func TestDebianWalkThrough(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "flask")
	if err := os.CopyFS(folder, os.DirFS("flask")); err != nil {
		t.Fatal(err)
	}
	tag := built(t, folder, "flask")
	binary := filepath.Join(t.TempDir(), "scfcert")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/scfcert").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	server := exec.Command(binary, "serve", tag, "--type=event", "--watch", "--listen=127.0.0.1:0")
	log := &terminal{}
	server.Stderr = log
	says, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	defer func() {
		_ = server.Process.Signal(syscall.SIGINT)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("after Ctrl-C: %v\n%s", err, log)
			}
		case <-time.After(time.Minute):
			_ = server.Process.Kill()
			t.Errorf("it does not end after Ctrl-C\n%s", log)
		}
	}()
	lines := bufio.NewScanner(says)
	page := ""
	for page == "" && lines.Scan() {
		if name, url, ok := strings.Cut(lines.Text(), " "); ok && name == "page" {
			page = strings.TrimSpace(url)
		}
	}
	go func() { ended <- server.Wait() }()
	if page == "" {
		t.Fatalf("it does not say where the page is\n%s", log)
	}

	post := func() string {
		_, body := fetch(t, http.MethodPost, page+"api/functions/function/invoke", `{"name":"Ada"}`)
		return body
	}
	if answer := post(); !strings.Contains(answer, "hello Ada") {
		t.Fatalf("the event is answered with %s\n%s", answer, log)
	}
	await(t, "the function's line is in the log", log, func() bool { return strings.Contains(log.String(), "stdout   an event for Ada") })
	if status, html := fetch(t, http.MethodGet, page, ""); status != http.StatusOK || !strings.Contains(html, tag) || !strings.Contains(html, "200 Success") {
		t.Errorf("the page is %d %.3000s", status, html)
	}
	source := filepath.Join(folder, "app.py")
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(source, []byte(strings.Replace(string(text), "hello {name}", "good day {name}", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	built(t, folder, "flask")
	await(t, "the rebuilt image answers", log, func() bool { return strings.Contains(post(), "good day Ada") })
}
