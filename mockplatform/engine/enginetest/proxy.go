package enginetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Proxy stands between the platform and the real engine and can be made to fail, as an engine would.
type Proxy struct {
	// Host is the endpoint to give to the platform.
	Host string

	server   *http.Server
	upstream string

	mu      sync.Mutex
	rules   []*rule
	left    int // requests until it is cut off; negative: never
	cut     bool
	conns   map[net.Conn]struct{}
	upward  []net.Conn // to the engine, since it was last cut off
	created []string
}

// rule is what becomes of matching requests.
type rule struct {
	method string
	path   *regexp.Regexp
	left   int // so many more; negative: all
	do     func(w http.ResponseWriter, r *http.Request) (done bool)
}

// NewProxy opens a proxy to the engine that the environment names. It ends with the test.
func NewProxy(t testing.TB) *Proxy {
	t.Helper()
	probe := Open(t)
	address, ok := strings.CutPrefix(probe.Info().Host, "unix://")
	if !ok {
		t.Fatalf("the proxy needs an engine on a unix socket, this one is at %s", probe.Info().Host)
	}
	socket := filepath.Join(t.TempDir(), "engine.sock")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	check(t, err)
	p := &Proxy{Host: "unix://" + socket, upstream: address, left: -1, conns: map[net.Conn]struct{}{}}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		FlushInterval: -1,
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, "unix", address)
			if err == nil {
				p.mu.Lock()
				p.upward = append(p.upward, conn)
				p.mu.Unlock()
			}
			return conn, err //nolint:wrapcheck // the proxy drops it
		}},
		ModifyResponse: p.note,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if p.countDown() {
				p.Cut()
				panic(http.ErrAbortHandler)
			}
			if found := p.match(r); found == nil || !found.do(w, r) {
				proxy.ServeHTTP(w, r)
			}
		}),
		ConnState: p.watch,
	}
	go func() { _ = p.server.Serve(listener) }()
	t.Cleanup(func() {
		p.Restore()
		_ = p.server.Close()
	})
	return p
}

// watch refuses connections while the engine is gone.
func (p *Proxy) watch(conn net.Conn, state http.ConnState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch state {
	case http.StateNew:
		p.conns[conn] = struct{}{}
		if p.cut {
			_ = conn.Close()
		}
	case http.StateClosed:
		delete(p.conns, conn)
	case http.StateActive, http.StateIdle, http.StateHijacked:
	}
}

// match finds the first rule for a request that is not used up.
func (p *Proxy) match(r *http.Request) *rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.rules {
		if one.left != 0 && one.method == r.Method && one.path.MatchString(r.URL.Path) {
			one.left--
			return one
		}
	}
	return nil
}

func (p *Proxy) add(method, path string, times int, do func(http.ResponseWriter, *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, &rule{method, regexp.MustCompile(path), times, do})
}

// Answer has matching requests answered with an engine's error, so many times; -1 for ever.
func (p *Proxy) Answer(method, path string, times, status int, message string) {
	p.add(method, path, times, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
		return true
	})
}

// Stream has the next matching request answered with a stream of JSON messages, as pulls are.
func (p *Proxy) Stream(method, path string, messages ...string) {
	p.add(method, path, 1, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(strings.Join(messages, "\r\n") + "\r\n"))
		return true
	})
}

// Hang keeps matching requests waiting until their client goes away.
func (p *Proxy) Hang(method, path string) {
	p.add(method, path, -1, func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	})
}

// Before has something done when the next matching request comes, which then goes on.
func (p *Proxy) Before(method, path string, do func()) {
	p.add(method, path, 1, func(http.ResponseWriter, *http.Request) bool {
		do()
		return false
	})
}

// Cut is the end of the engine as its clients see it: every connection breaks and none is taken.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for conn := range p.conns {
		_ = conn.Close()
	}
	for _, conn := range p.upward { // an engine keeps attached streams open whose other end is half closed
		_ = conn.Close()
	}
	p.upward = nil
}

// CutAfter cuts it off after so many more requests.
func (p *Proxy) CutAfter(requests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = requests
}

func (p *Proxy) countDown() (now bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left < 0 {
		return false
	}
	p.left--
	return p.left < 0
}

// Restore takes connections again and forgets all rules. It tells whether the engine had gone.
func (p *Proxy) Restore() (cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cut = p.cut
	p.cut, p.rules, p.left = false, nil, -1
	return cut
}

// note remembers the containers that are made.
func (p *Proxy) note(response *http.Response) error {
	if response.StatusCode != http.StatusCreated || !strings.HasSuffix(response.Request.URL.Path, "/containers/create") {
		return nil
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err //nolint:wrapcheck // the error handler drops it
	}
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(text))
	var made struct {
		ID string `json:"Id"`
	}
	if err := json.Unmarshal(text, &made); err != nil {
		return err //nolint:wrapcheck // the error handler drops it
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.created = append(p.created, made.ID)
	return nil
}

// Created lists the ids of the containers that were made through the proxy.
func (p *Proxy) Created() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.created)
}

// AwaitGone waits until no container is left of those that were made through the proxy, and fails the test if that
// takes too long.
func (p *Proxy) AwaitGone(t testing.TB) {
	t.Helper()
	cli, err := client.New(client.WithHost("unix://" + p.upstream))
	check(t, err)
	defer func() { _ = cli.Close() }()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	for _, id := range p.Created() {
		wait := cli.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: "removed"})
		select {
		case <-wait.Result:
		case err := <-wait.Error: // there is none, or the time is over
			if !cerrdefs.IsNotFound(err) {
				t.Log(err)
			}
		}
		if _, err := cli.ContainerInspect(ctx, id, client.ContainerInspectOptions{}); !cerrdefs.IsNotFound(err) {
			t.Errorf("container %s is left: %v", id, err)
		}
	}
}
