package suite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/check"
)

// invoke sends one of the events that were asked for.
func invoke(ctx context.Context, f *mockplatform.Function, event Event) (mockplatform.Result, error) {
	trigger := mockplatform.AnyTrigger
	if event.Timer {
		trigger = mockplatform.Timer
	}
	return f.InvokeBy(ctx, trigger, event.Body) //nolint:wrapcheck // it says all
}

// firstEvent is the event that stands for all of them.
func (r *runner) firstEvent() Event {
	if len(r.opts.Events) > 0 {
		return r.opts.Events[0]
	}
	return defaultEvent()
}

// get is the HTTP request that stands for all of them.
func (r *runner) get() mockplatform.Request {
	return mockplatform.Request{Target: r.opts.Path, InspectFraming: true}
}

// send sends a function what it serves: the first event, or the HTTP request.
func (r *runner) send(ctx context.Context, f *mockplatform.Function) (mockplatform.Result, error) {
	if f.Spec().Type == mockplatform.Event {
		return invoke(ctx, f, r.firstEvent())
	}
	return f.Do(ctx, r.get()) //nolint:wrapcheck // it says all
}

// event invokes the candidate as event function.
func (r *runner) event(ctx context.Context) error {
	result, err := r.send(ctx, r.first)
	if err != nil {
		return err
	}
	r.observed.Event = result
	if err := errors.Join(r.answered("event", result), r.blameBareConnections(ctx, mockplatform.Event, result), r.tryWritable(ctx, &r.observed.Event, mockplatform.Event, check.Succeeded)); err != nil {
		return err
	}
	return r.keepConnection(ctx, r.first, &r.observed.Events.Kept, result)
}

// keepTimes is how many requests go over one connection, and how many each over their own.
const keepTimes = 3

// keepConnection sends more requests over the connection of a first one. Where that fails, all later ones get connections
// of their own, so that one fault is one finding.
func (r *runner) keepConnection(ctx context.Context, f *mockplatform.Function, into *[]check.Sent, first mockplatform.Result) error {
	for n := 1; n < keepTimes && good(first) && r.observed.Readings.UpstreamKeepAlive; n++ {
		result, err := r.send(ctx, f)
		if err != nil {
			return err
		}
		*into = append(*into, check.Sent{Name: "another request over the same connection", Result: result})
		if !good(result) {
			r.closing = true
			return nil
		}
	}
	return nil
}

// http sends the candidate a request as HTTP function.
func (r *runner) http(ctx context.Context) error {
	return r.deployed(ctx, r.spec("http", mockplatform.HTTP), func(f *mockplatform.Function) error {
		result, err := r.send(ctx, f)
		if err != nil {
			return err
		}
		r.observed.HTTP = result
		var kept []check.Sent
		if err := r.keepConnection(ctx, f, &kept, result); err != nil {
			return err
		}
		return errors.Join(r.answered("http", result), r.blameBareConnections(ctx, mockplatform.HTTP, result), r.tryWritable(ctx, &r.observed.HTTP, mockplatform.HTTP, func(r mockplatform.Result) bool {
			return r.HTTPStatus != 0 && r.HTTPStatus < http.StatusInternalServerError && r.Status.Code == contract.StatusSuccess.Code
		}))
	})
}

// errUnstable means that an image started once and once it did not, which is ours to report and not to guess about.
var errUnstable = errors.New("the function starts at one time and fails to start at another")

func (r *runner) answered(kind string, result mockplatform.Result) error {
	if result.Status.Code != contract.StatusSuccess.Code && result.Evidence.Phase != diagnose.PhaseInvoke && result.HTTPStatus == 0 {
		return fmt.Errorf("%w: %d %s: %s", errUnstable, result.Status.Code, result.Status.Name, result.ErrorMessage)
	}
	r.report.Timings[kind+"InvokeMs"] = result.Duration.Milliseconds()
	r.margin(kind+" response time", result.Duration.Seconds(), orElse(r.opts.Timeout, contract.DefaultTimeout).Seconds(), "s")
	return nil
}

// tryWritable sends what was not answered well once more where everything can be written: if it is answered then, and not
// where nothing is changed, writing is the cause.
func (r *runner) tryWritable(ctx context.Context, result *mockplatform.Result, kind mockplatform.Type, good func(mockplatform.Result) bool) error {
	if good(*result) || result.Evidence.TooLarge || result.Evidence.HeaderTooLarge || result.HTTPStatus != 0 && result.HTTPStatus < http.StatusInternalServerError {
		return nil
	}
	r.progress("try again with a writable root", 0, 0)
	spec := r.spec("writable-"+string(kind), kind)
	spec.WritableRoot = true
	err := r.deployed(ctx, spec, func(f *mockplatform.Function) error {
		again, err := r.send(ctx, f)
		if err != nil {
			return err
		}
		tried := &diagnose.Experiment{Ready: good(again)}
		if tried.Ready {
			if tried.Changes, err = f.Changes(ctx); err != nil {
				return err //nolint:wrapcheck // the engine names what failed
			}
			result.Evidence.WritableRoot = tried
		}
		return nil
	})
	if err != nil || result.Evidence.WritableRoot == nil {
		return err
	}
	return r.deployed(ctx, r.spec("unchanged-"+string(kind), kind), func(f *mockplatform.Function) error {
		again, err := r.send(ctx, f)
		result.Evidence.Unchanged = &diagnose.Experiment{Ready: good(again)}
		return err
	})
}

// events sends more of them: of other triggers, of other shapes and sizes, over other connections.
func (r *runner) events(ctx context.Context) error {
	if r.observed.Event.HTTPStatus == 0 {
		return nil
	}
	e := &r.observed.Events
	e.Gateway = -1
	selected := r.opts.Events
	if len(selected) == 0 {
		selected = []Event{defaultEvent()}
	}
	err := r.deployed(ctx, r.spec("events", mockplatform.Event), func(f *mockplatform.Function) error {
		for n, event := range selected {
			result, err := invoke(ctx, f, event)
			if err != nil {
				return err
			}
			if event.Gateway {
				e.Gateway = n
			}
			e.Triggers = append(e.Triggers, check.Sent{Name: event.Name, Bytes: len(event.Body), Result: result})
		}
		for _, value := range []string{`"a text"`, "42", "null", "true", `[{"n":1},{"n":2}]`} {
			if err := r.sendEvent(ctx, f, &e.Values, value, []byte(value)); err != nil {
				return err
			}
		}
		return r.largeEvents(ctx, f)
	})
	if err != nil {
		return err
	}
	spec := r.spec("closing", mockplatform.Event)
	spec.Readings.UpstreamKeepAlive = false
	return r.deployed(ctx, spec, func(f *mockplatform.Function) error {
		for range keepTimes {
			if err := r.sendEvent(ctx, f, &e.Closed, "an event with Connection: close", r.firstEvent().Body); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *runner) sendEvent(ctx context.Context, f *mockplatform.Function, into *[]check.Sent, name string, body []byte) error {
	result, err := f.Invoke(ctx, body)
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	*into = append(*into, check.Sent{Name: name, Bytes: len(body), Result: result})
	return nil
}

// largeEvents sends one of 6 MB and, if that is refused, smaller ones to find the limit; and asks a probe for an answer of
// that size.
func (r *runner) largeEvents(ctx context.Context, f *mockplatform.Function) error {
	e := &r.observed.Events
	whole := func(sent []check.Sent) bool {
		last := sent[len(sent)-1]
		return last.Good() || last.Result.Evidence.TooLarge
	}
	var tried []check.Sent
	if err := r.sendEvent(ctx, f, &tried, "an event of 6 MB", padded(r.firstEvent().Body, contract.MaxEventBytes)); err != nil {
		return err
	}
	e.Large = tried
	if !whole(tried) {
		e.Large = nil
		for _, size := range []int{64 << 10, 200 << 10, 1536 << 10, 3 << 20, contract.MaxEventBytes} { // between the limits of known parsers
			if err := r.sendEvent(ctx, f, &e.Large, "", padded(r.firstEvent().Body, size)); err != nil {
				return err
			}
			if !whole(e.Large) {
				break
			}
		}
	}
	if _, err := r.askProbe(ctx, f, nil); errors.Is(err, check.ErrProbe) {
		return nil
	} else if err != nil {
		return err
	}
	result, err := f.Invoke(ctx, probeEvent(map[string]any{"answerBytes": contract.MaxResponseBytes}))
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	e.Response = &check.Sent{Name: "an answer of 6 MB", Bytes: contract.MaxResponseBytes, Result: result}
	return nil
}

// padded makes an event so many bytes long.
func padded(event []byte, size int) []byte {
	const member = `"scfcertPadding":""`
	event = bytes.TrimSpace(event)
	var object map[string]json.RawMessage
	if json.Unmarshal(event, &object) != nil || object == nil || len(event)+len(member)+1 > size {
		return []byte(`"` + strings.Repeat("x", size-2) + `"`) //nolint:mnd // the quotes
	}
	comma := ","
	if len(object) == 0 {
		comma = ""
	}
	head := string(bytes.TrimSuffix(event, []byte("}"))) + comma + member[:len(member)-1]
	return []byte(head + strings.Repeat("x", size-len(head)-len(`"}`)) + `"}`)
}

// methods are tried beside GET.
func methods() []string {
	return []string{http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}
}

// requests sends more HTTP requests: to an unknown path, by other methods, with a large body.
func (r *runner) requests(ctx context.Context) error {
	q := &r.observed.Requests
	return r.deployed(ctx, r.spec("requests", mockplatform.HTTP), func(f *mockplatform.Function) error {
		send := func(into *check.Sent, name string, request mockplatform.Request) (err error) {
			request.InspectFraming = true
			request.Target = orElse(request.Target, r.opts.Path)
			*into = check.Sent{Name: name, Bytes: len(request.Body)}
			into.Result, err = f.Do(ctx, request)
			return err //nolint:wrapcheck // it says all
		}
		if err := send(&q.Unknown, "GET of an unknown path", mockplatform.Request{Target: "/scfcert-no-such-path/7f3a?x=1"}); err != nil {
			return err
		}
		for _, method := range methods() {
			var sent check.Sent
			if err := send(&sent, method, mockplatform.Request{Method: method}); err != nil {
				return err
			}
			q.Methods = append(q.Methods, sent)
		}
		const small = 100
		header := http.Header{"Content-Type": {"application/octet-stream"}}
		return errors.Join(
			send(&q.Small, "POST of 100 bytes", mockplatform.Request{Method: http.MethodPost, Header: header, Body: bytes.Repeat([]byte("x"), small)}),
			send(&q.Large, "POST of 6 MB", mockplatform.Request{Method: http.MethodPost, Header: header, Body: bytes.Repeat([]byte("x"), contract.MaxEventBytes)}))
	})
}

// concurrency sends as many requests at a time as were declared.
func (r *runner) concurrency(ctx context.Context) error {
	c := &r.observed.Concurrency
	if c.Declared = r.opts.Concurrency; c.Declared <= 1 {
		return nil
	}
	spec := r.spec("concurrent", mockplatform.HTTP)
	spec.Concurrency = c.Declared
	return r.deployed(ctx, spec, func(f *mockplatform.Function) error {
		if _, err := r.send(ctx, f); err != nil { // starts the instance
			return err
		}
		results := make(chan mockplatform.Result, c.Declared)
		errs := make(chan error, c.Declared)
		for range c.Declared {
			go func() {
				result, err := r.send(ctx, f)
				results <- result
				errs <- err
			}()
		}
		var failed error
		for range c.Declared {
			c.Results = append(c.Results, <-results)
			failed = errors.Join(failed, <-errs)
		}
		c.Instances = f.Instances().Instances
		return failed
	})
}
