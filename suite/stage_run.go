package suite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/suite/check"
)

// manyTimes is how often an instance is asked in a row.
const manyTimes = 100

// hundred sends many requests to one instance and looks at it before and afterwards.
func (r *runner) hundred(ctx context.Context) error {
	h := &r.observed.Hundred
	h.Printed, h.LateBytes = map[mockplatform.Source]int{}, map[mockplatform.Source]int{}
	spec := r.spec("hundred", r.serving)
	err := r.deployed(ctx, spec, func(f *mockplatform.Function) error {
		for h.Sent < manyTimes {
			result, err := r.send(ctx, f)
			if err != nil {
				return err
			}
			h.Sent++
			r.look(h, result)
			if !good(result) {
				h.Failed, h.FailedAt = &check.Sent{Result: result}, h.Sent
				break
			}
			if h.Sent == 1 {
				if h.Before, err = held(ctx, f); err != nil {
					return err
				}
			} else if result.ColdStart != nil {
				h.Restarted = true
				break
			}
		}
		var err error
		if h.After, err = held(ctx, f); err != nil {
			return err
		}
		_, err = f.Stop(ctx, stopTime) // what is in a buffer comes out now
		return err                     //nolint:wrapcheck // it says all
	})
	if err != nil {
		return err
	}
	late, _ := r.platform.Logs(mockplatform.LogQuery{Function: spec.Name})
	for _, line := range late {
		if line.AfterResponse {
			h.LateBytes[line.Source] += len(line.Text) + 1
		}
	}
	r.margin("memory", float64(h.PeakBytes), float64(r.observed.MemoryMB)*(1<<20), "bytes")
	if h.After != nil {
		r.margin("/tmp", float64(h.After.TmpBytes), contract.TmpBytes, "bytes")
	}
	return r.unbuffered(ctx)
}

// good tells that a request was answered as the very first one was.
func good(r mockplatform.Result) bool {
	if r.Event {
		return check.Succeeded(r)
	}
	return r.Status.Code == contract.StatusSuccess.Code && r.HTTPStatus < http.StatusInternalServerError
}

// look notes what a request printed and whether it gave a credential away.
func (r *runner) look(h *check.Hundred, result mockplatform.Result) {
	h.PeakBytes, h.MemoryMethod = max(h.PeakBytes, result.PeakBytes), result.MemoryMethod
	printed := map[mockplatform.Source]bool{}
	for _, line := range result.Log {
		if line.Source == mockplatform.FromPlatform {
			continue
		}
		printed[line.Source] = printed[line.Source] || !line.Init
		for _, name := range r.platform.Leaks(line.Text) {
			h.Leaked = append(h.Leaked, fmt.Sprintf("%s is in a line on %s", name, line.Source))
		}
	}
	for source, some := range printed {
		if some {
			h.Printed[source]++
		}
	}
	for _, name := range r.platform.Leaks(string(result.Body)) {
		h.Leaked = append(h.Leaked, name+" is in an answer")
	}
}

// held is what the function's only instance holds; nil where that cannot be seen.
func held(ctx context.Context, f *mockplatform.Function) (*mockplatform.InstanceUsage, error) {
	all, err := f.InstanceUsage(ctx)
	if errors.Is(err, mockplatform.ErrNotVisible) || err == nil && len(all) == 0 {
		return nil, nil //nolint:nilnil // documented
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	return &all[0], nil
}

// unbuffered decides whether a silent Python prints and keeps it in a buffer.
func (r *runner) unbuffered(ctx context.Context) error {
	h := &r.observed.Hundred
	if h.Printed[mockplatform.FromStdout] > 0 || !r.isPython() {
		return nil
	}
	spec := r.spec("unbuffered", r.serving)
	spec.Environment = map[string]string{"PYTHONUNBUFFERED": "1"}
	maps.Copy(spec.Environment, r.opts.Environment)
	return r.deployed(ctx, spec, func(f *mockplatform.Function) error {
		result, err := r.send(ctx, f)
		if err != nil {
			return err
		}
		for _, line := range result.Log {
			h.Unbuffered = h.Unbuffered || line.Source == mockplatform.FromStdout && !line.Init
		}
		return nil
	})
}

func (r *runner) isPython() bool {
	p := r.observed.Program
	for _, name := range append([]string{p.Path, p.Interpreter}, r.observed.Argv.Words...) {
		switch base := path.Base(name); {
		case strings.HasPrefix(base, "python"), base == "gunicorn", base == "uvicorn", base == "flask":
			return true
		}
	}
	return false
}

// writes has the function serve where everything can be written, and looks at what it wrote.
func (r *runner) writes(ctx context.Context) error {
	spec := r.spec("writes", r.serving)
	spec.WritableRoot = true
	return r.deployed(ctx, spec, func(f *mockplatform.Function) error {
		for range 2 {
			if _, err := r.send(ctx, f); err != nil {
				return err
			}
		}
		var err error
		r.observed.Writes.Changes, err = f.Changes(ctx)
		return err //nolint:wrapcheck // the engine names what failed
	})
}

// fillTmp has the function serve with a full /tmp and after that.
func (r *runner) fillTmp(ctx context.Context) error {
	t := &r.observed.Tmp
	return r.deployed(ctx, r.spec("tmp", r.serving), func(f *mockplatform.Function) error {
		if _, err := r.send(ctx, f); err != nil {
			return err
		}
		free, err := f.FillTmp()
		if errors.Is(err, mockplatform.ErrNotVisible) {
			t.NotVisible = true
			return nil
		}
		if err != nil {
			return err //nolint:wrapcheck // it says all
		}
		t.While, err = r.send(ctx, f)
		if err = errors.Join(err, free()); err != nil {
			return err
		}
		t.Afterward, err = r.send(ctx, f)
		return err
	})
}

// recovery ends an instance during a request and sends another one.
func (r *runner) recovery(ctx context.Context) error {
	v := &r.observed.Recovery
	return r.deployed(ctx, r.spec("recovery", r.serving), func(f *mockplatform.Function) error {
		if _, err := r.send(ctx, f); err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() {
			var err error
			v.Ended, err = r.send(ctx, f)
			ended <- err
		}()
		err := f.Kill(ctx)
		if err = errors.Join(err, <-ended); err != nil {
			return err //nolint:wrapcheck // it says all
		}
		v.Next, err = r.send(ctx, f)
		return err
	})
}

// stopTime is how long an instance may take to end after SIGTERM, stillTime how long it stands still between requests.
const (
	stopTime  = 5 * time.Second
	stillTime = 300 * time.Millisecond
)

// life freezes an instance between requests, and tells another one to end.
func (r *runner) life(ctx context.Context) error {
	l := &r.observed.Life
	spec := r.spec("frozen", r.serving)
	spec.Readings.FreezeBetween = true
	err := r.deployed(ctx, spec, func(f *mockplatform.Function) error {
		for range 3 {
			result, err := r.send(ctx, f)
			if err != nil {
				return err
			}
			l.Thawed = append(l.Thawed, result)
			select {
			case <-time.After(stillTime): // it stands still
			case <-ctx.Done():
				return ctx.Err() //nolint:wrapcheck // the caller knows
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.Grace = stopTime
	return r.deployed(ctx, r.spec("stopped", r.serving), func(f *mockplatform.Function) error {
		if _, err := r.send(ctx, f); err != nil {
			return err
		}
		var err error
		l.Stopped, err = f.Stop(ctx, stopTime)
		return err //nolint:wrapcheck // it says all
	})
}

// Header and member that ask for a probe report (docs/probe-protocol.md).
const (
	probeHeader = "Scfcert-Probe"
	probeMember = "scfcertProbe"
)

// probeEvent is an event that asks for a probe report, with what else is asked for.
func probeEvent(ask map[string]any) []byte {
	if ask == nil {
		ask = map[string]any{}
	}
	ask["version"] = check.ProbeVersion
	event, err := json.Marshal(map[string]any{probeMember: ask, "Type": "Timer", "TriggerName": "scfcert", "Time": "2026-01-01T00:00:00Z", "Message": "tell what you see"})
	if err != nil {
		panic(err) // a programmer's error
	}
	return event
}

// askProbe asks an event function for a probe report. One that gives none is check.ErrProbe.
func (r *runner) askProbe(ctx context.Context, f *mockplatform.Function, result *mockplatform.Result) (check.Report, error) {
	got, err := f.Invoke(ctx, probeEvent(nil))
	if err != nil {
		return check.Report{}, err //nolint:wrapcheck // it says all
	}
	if result != nil {
		*result = got
	}
	return check.ParseReport(got.Body) //nolint:wrapcheck // ErrProbe
}

// probeRequest is an HTTP request that has all that a proxy may want to change.
func probeRequest() (mockplatform.Request, check.ProbeRequest) {
	body := []byte("\x00\x01 binary \xff\xfe body\r\n")
	header := http.Header{"X-Scfcert-Twice": {"first", "second"}, "X-Scf-Name": {"forged"}, "X-Scf-Extra": {"forged"}}
	request := mockplatform.Request{
		Method: http.MethodPost, Target: "/scfcert%2Fprobe//a%20b/../c;d?x=1&x=2&empty=&%E4%B8%AD=%41+b", Header: header.Clone(), Body: body,
	}
	request.Header.Set(probeHeader, "1")
	request.Header.Set("Content-Type", "application/octet-stream")
	return request, check.ProbeRequest{Method: request.Method, Target: request.Target, Header: header, BodySHA256: hash(body), BodyBytes: len(body)}
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// inside asks the image whether it is a probe, within an ordinary event and an ordinary HTTP request.
func (r *runner) inside(ctx context.Context) error {
	told := &check.Inside{}
	if r.usable(mockplatform.Event) {
		err := r.deployed(ctx, r.spec("inside", mockplatform.Event), func(f *mockplatform.Function) error {
			told.Environment, told.Headers, told.EventSHA256 = f.Environment(), f.Headers(), hash(probeEvent(nil))
			saw, err := r.askProbe(ctx, f, nil)
			if err == nil {
				told.Event = &saw
			}
			return ignoreNoProbe(err)
		})
		if err != nil {
			return err
		}
	}
	if r.usable(mockplatform.HTTP) {
		err := r.deployed(ctx, r.spec("inside", mockplatform.HTTP), func(f *mockplatform.Function) error {
			request, want := probeRequest()
			for name := range want.Header {
				if strings.HasPrefix(name, "X-Scf-") { // a matter of the platform's
					delete(want.Header, name)
				}
			}
			told.Request = want
			if told.Environment == nil {
				told.Environment, told.Headers = f.Environment(), f.Headers()
			}
			result, err := f.Do(ctx, request)
			if err != nil {
				return err //nolint:wrapcheck // it says all
			}
			saw, err := check.ParseReport(result.Body)
			if err == nil {
				told.HTTP = &saw
			}
			return ignoreNoProbe(err)
		})
		if err != nil {
			return err
		}
	}
	if told.Event != nil || told.HTTP != nil {
		r.observed.Inside = told
		r.report.Probe = true
	}
	return nil
}

func ignoreNoProbe(err error) error {
	if errors.Is(err, check.ErrProbe) {
		return nil
	}
	return err
}

// usable tells whether the image was asked to serve as a type, and does.
func (r *runner) usable(kind mockplatform.Type) bool {
	result := r.observed.Event
	if kind == mockplatform.HTTP {
		result = r.observed.HTTP
	}
	return result.RequestID != "" && good(result)
}

// timeline is a client that notes when parts of an answer come.
type timeline struct {
	header http.Header
	status int
	began  time.Time
	parts  []time.Duration
}

func (t *timeline) Header() http.Header    { return t.header }
func (t *timeline) WriteHeader(status int) { t.status = status }
func (t *timeline) Flush()                 {}

func (t *timeline) Write(p []byte) (int, error) {
	t.parts = append(t.parts, time.Since(t.began))
	return len(p), nil
}

// streaming reads the answer of the path that streams, and notes when its parts come.
func (r *runner) streaming(ctx context.Context) error {
	s := &r.observed.Streaming
	if s.Path = r.opts.Stream; s.Path == "" {
		return nil
	}
	return r.deployed(ctx, r.spec("stream", mockplatform.HTTP), func(f *mockplatform.Function) error {
		if _, err := r.send(ctx, f); err != nil { // starts the instance
			return err
		}
		client := &timeline{header: http.Header{}, began: time.Now()}
		request := httptest.NewRequestWithContext(ctx, http.MethodGet, s.Path, nil)
		request.Header.Set("Accept", "text/event-stream")
		aborted := func() (aborted bool) {
			defer func() { aborted = recover() != nil }()
			f.ServeHTTP(client, request)
			return false
		}()
		s.Parts = client.parts
		s.Result = mockplatform.Result{Status: contract.StatusSuccess, HTTPStatus: client.status, Duration: time.Since(client.began)}
		if aborted || client.status == 0 {
			var err error
			s.Result, err = f.Do(ctx, mockplatform.Request{Target: s.Path}) // which says why
			return err                                                      //nolint:wrapcheck // it says all
		}
		return nil
	})
}

// webSocket opens a WebSocket at the path that was declared and pings.
func (r *runner) webSocket(ctx context.Context) error {
	w := &r.observed.WebSocket
	if w.Path = r.opts.WebSocket; w.Path == "" {
		return nil
	}
	spec := r.spec("websocket", mockplatform.HTTP)
	spec.WebSocket = true
	return r.deployed(ctx, spec, func(f *mockplatform.Function) error {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("listen for the WebSocket: %w", err)
		}
		server := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = server.Serve(listener) }()
		defer func() { _ = server.Close() }()
		if err := ping(ctx, "ws://"+listener.Addr().String()+w.Path); err != nil {
			w.Failed = err.Error()
		}
		return ctx.Err() //nolint:wrapcheck // the caller knows
	})
}

// ping opens a WebSocket, pings, and closes it.
func ping(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) //nolint:mnd // longer than the default timeout of a function
	defer cancel()
	conn, answer, err := websocket.Dial(ctx, url, nil)
	if answer != nil && answer.Body != nil {
		defer func() { _ = answer.Body.Close() }()
	}
	if err != nil {
		return err //nolint:wrapcheck // the finding
	}
	reading := conn.CloseRead(ctx)
	if err := conn.Ping(ctx); err != nil {
		return fmt.Errorf("no pong for a ping: %w", err)
	}
	_ = conn.Close(websocket.StatusNormalClosure, "") // the function may be slow to answer this
	<-reading.Done()
	return nil
}
