package page_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

// fake is a Source whose functions echo events.
type fake struct {
	mu          sync.Mutex
	functions   []page.Function
	invocations []page.Invocation // the newest first
	lines       []page.Line
	templates   []page.Template
	fired       []string
	changed     []chan struct{}
	stopped     bool
	left        chan struct{} // gets a signal for each watcher that left
	failure     error         // what Invoke says
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// newFake has one function of each type, one that could not be created, and one invocation with a log.
func newFake() *fake {
	f := &fake{
		left: make(chan struct{}, 8),
		functions: []page.Function{
			{
				Name: "hello", Type: page.EventFunction, Image: "registry.example.com/team/hello:1.4.2", State: page.Active, URL: "http://127.0.0.1:8080/hello/",
				MemoryMB: 256, Timeout: 3 * time.Second, Concurrency: 1, Provisioned: 1,
				Instances: []page.Instance{
					{ID: "4f1c9a7e0b22", State: page.Busy, Started: noon, Requests: 1, PeakBytes: 37 << 20},
					{ID: "9d03b1aa57c4", State: page.Idle, Started: noon.Add(time.Second), PeakBytes: 35 << 20},
				},
				Triggers: []page.Trigger{
					{Name: "nightly", Kind: page.Timer, Schedule: "0 0 2 * * * *", Next: noon.Add(6 * time.Hour), Enabled: true},
					{Name: "url", Kind: "http", Enabled: true},
				},
			},
			{Name: "web", Type: page.HTTPFunction, Image: "web:2", State: page.Active, URL: "http://127.0.0.1:8080/web/", MemoryMB: 512, Timeout: 10 * time.Second, Concurrency: 20},
			{
				Name: "broken", Type: page.EventFunction, Image: "broken:1", State: "CreateFailed", MemoryMB: 128, Timeout: 3 * time.Second, Concurrency: 1,
				Problem: page.Text{EN: "The server listens on 127.0.0.1:9000 only.", ZH: "服务只监听 127.0.0.1:9000。"},
				Fix:     page.Text{EN: "Listen on 0.0.0.0:9000.", ZH: "请监听 0.0.0.0:9000。"},
			},
		},
		templates: []page.Template{
			{Name: "timer", Event: []byte(`{"Type":"Timer","TriggerName":"nightly","Time":"2026-11-25T02:00:00Z","Message":"hello"}`)},
			{Name: "cos", Event: []byte(`{"Records":[{"cos":{"cosSchemaVersion":"1.0"}}]}`)},
		},
	}
	f.add("hello", "first", []byte(`{"key":"value"}`))
	return f
}

// add files an invocation with its log, as a platform would.
func (f *fake) add(function, id string, event []byte) page.Invocation {
	f.mu.Lock()
	defer f.mu.Unlock()
	done := page.Invocation{
		RequestID: id, Function: function, Started: noon.Add(time.Minute), Kind: "event", Status: 200, StatusName: "Success", HTTPStatus: 200,
		Duration: 12300 * time.Microsecond, Billed: 100 * time.Millisecond, PeakBytes: 37 << 20, ColdStart: 214 * time.Millisecond, Attempt: 1,
		Result: append([]byte("echo "), event...),
	}
	f.invocations = append([]page.Invocation{done}, f.invocations...)
	for n, text := range []string{"START RequestId:" + id, "got " + string(event), "careful", "END RequestId:" + id} {
		source := []string{page.FromPlatform, page.FromStdout, page.FromStderr, page.FromPlatform}[n]
		f.lines = append(f.lines, page.Line{RequestID: id, At: noon.Add(time.Duration(n) * time.Millisecond), Source: source, Text: text, AfterResponse: n == 2})
	}
	f.tell()
	return done
}

// say files one more line of a request.
func (f *fake) say(id, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, page.Line{RequestID: id, At: noon.Add(time.Hour), Source: page.FromStdout, Text: text})
	f.tell()
}

func (f *fake) tell() {
	for _, c := range f.changed {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// stop ends all streams of changes.
func (f *fake) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	for _, c := range f.changed {
		close(c)
	}
	f.changed = nil
}

func (f *fake) Functions() []page.Function {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.functions
}

func (f *fake) Invocations(function string, limit int) []page.Invocation {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []page.Invocation
	for _, i := range f.invocations {
		if (function == "" || i.Function == function) && (limit == 0 || len(out) < limit) {
			out = append(out, i)
		}
	}
	return out
}

func (f *fake) Lines(id string) []page.Line {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []page.Line
	for _, l := range f.lines {
		if l.RequestID == id {
			out = append(out, l)
		}
	}
	return out
}

func (f *fake) Log(function, contains string, limit int) []page.Line {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []page.Line
	for _, l := range f.lines {
		if (function == "" || function == "hello") && strings.Contains(l.Text, contains) {
			out = append(out, l)
		}
	}
	if limit > 0 && len(out) > limit {
		out = out[len(out)-limit:]
	}
	return out
}

func (f *fake) Changes(ctx context.Context) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := make(chan struct{}, 1)
	if f.stopped {
		close(c)
		return c
	}
	f.changed = append(f.changed, c)
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for n, one := range f.changed {
			if one == c {
				f.changed = append(f.changed[:n:n], f.changed[n+1:]...)
				close(c)
				select {
				case f.left <- struct{}{}:
				default:
				}
			}
		}
	})
	return c
}

func (f *fake) Templates() []page.Template { return f.templates }

func (f *fake) Invoke(_ context.Context, function string, event []byte, asynchronous bool) (page.Invocation, error) {
	switch {
	case f.failure != nil:
		return page.Invocation{}, f.failure
	case function != "hello":
		return page.Invocation{}, fmt.Errorf("%w: function %q; there are hello and web", page.ErrUnknown, function)
	case !json.Valid(event):
		return page.Invocation{}, fmt.Errorf("%w: the event is no JSON", page.ErrRefused)
	}
	done := f.add(function, fmt.Sprintf("5a1c0000-0000-4000-8000-%012d", len(f.Invocations("", 0))), event)
	if asynchronous {
		f.mu.Lock()
		defer f.mu.Unlock()
		done = page.Invocation{RequestID: done.RequestID, Function: function, Kind: "async", Status: 202, Attempt: 1}
		f.invocations[0] = done
	}
	return done, nil
}

func (f *fake) Fire(_ context.Context, function, trigger string) error {
	if function != "hello" || trigger != "nightly" {
		return fmt.Errorf("%w: timer %q of %q; there is nightly of hello", page.ErrUnknown, trigger, function)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fired = append(f.fired, trigger)
	return nil
}
