package mockplatform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/gateway"
	"github.com/scfcert/scfcert/mockplatform/instance"
	"github.com/scfcert/scfcert/mockplatform/scheduler"
)

// Result is what became of one invocation: what the caller of SCF would get, and what the platform knows behind it.
type Result struct {
	RequestID string
	// Event tells that it was an event, and not an HTTP request.
	Event bool
	// Status is the platform's: 200, or one of the table in contract/runtime.md 5.
	Status contract.Status
	// ErrorMessage is the platform's text where Status is no success.
	ErrorMessage string
	// HTTPStatus, Header and Body are the function's own answer; HTTPStatus is 0 if there was none.
	HTTPStatus int
	Header     http.Header
	Body       []byte
	Started    time.Time
	Duration   time.Duration // of the request, without the cold start
	ColdStart  *ColdStart    // nil where a warm instance served
	// PeakBytes is the most memory that the instance has used so far, without page cache and /tmp; MemoryMethod names
	// how that was measured.
	PeakBytes    int64
	MemoryMethod string
	// Framing is what is wrong with the framing of the answer, where that was asked for.
	Framing []string
	// LayerBytes is the size of the writable layer with the reading root-filesystem=writable, else 0.
	LayerBytes int64
	Bill       contract.Bill
	Log        []LogLine
	// DroppedLogBytes counts output that was too much to keep. LogLost means that the engine broke off the output.
	DroppedLogBytes int64
	LogLost         bool
	// Evidence explains a failure; empty after a success.
	Evidence diagnose.Evidence
}

// ErrorBody is the body of a failed invocation as a synchronous caller gets it (contract/runtime.md 6.1).
func (r *Result) ErrorBody() []byte {
	return contract.InvokeErrorBody(r.Status, r.ErrorMessage, r.RequestID)
}

// Request is an HTTP request to an HTTP-triggered function.
type Request struct {
	Method string // default GET
	// Target is path and query as on the wire; they reach the function byte for byte. Default "/".
	Target string
	Host   string
	Header http.Header
	Body   []byte
	// InspectFraming has the result tell what is wrong with the answer's framing.
	InspectFraming bool
}

// ErrType means that a function was invoked in the way of the other type.
var ErrType = errors.New("not a function of this type")

// Trigger tells what an event comes from, as far as a function can tell by its headers.
type Trigger string

// The triggers of events.
const (
	AnyTrigger Trigger = ""
	Timer      Trigger = "Timer" // has X-Scf-Trigger-Src (contract/runtime.md 7.1)
)

// Invoke sends an event to an event-triggered function: POST /event-invoke with the event as its body
// (contract/runtime.md 7.2). An event that is no JSON is refused with 400 before it reaches the container. An error
// means that the platform failed or the context ended; a *StartError never leaves as an error but as the Result.
func (f *Function) Invoke(ctx context.Context, event []byte) (Result, error) {
	return f.InvokeBy(ctx, AnyTrigger, event)
}

// InvokeBy is Invoke for an event of a trigger.
func (f *Function) InvokeBy(ctx context.Context, trigger Trigger, event []byte) (Result, error) {
	return f.Deliver(ctx, "", trigger, event)
}

// Deliver is InvokeBy under a request id that was given out before: one event of an asynchronous invocation keeps its id
// over all attempts (contract/events.md 5). An empty id makes a new one.
func (f *Function) Deliver(ctx context.Context, requestID string, trigger Trigger, event []byte) (Result, error) {
	if f.spec.Type != Event {
		return Result{}, fmt.Errorf("%w: %s is HTTP-triggered, send it a request", ErrType, f.spec.Name)
	}
	call := instance.Call{
		ID: requestID, Event: true, Method: http.MethodPost, Target: contract.EventPath, Body: event,
		Header: http.Header{
			"Content-Type": {"application/json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"Go-http-client/1.1"},
			"X-Forwarded-For": {"127.0.0.1"}, "X-Real-Ip": {"127.0.0.1"},
		},
	}
	if trigger == Timer {
		call.Header[contract.HeaderTriggerSrc] = []string{string(trigger)}
	}
	switch {
	case len(event) > contract.MaxEventBytes:
		return f.turnAway(contract.StatusRequestTooLarge, call, trigger)
	case !json.Valid(event):
		return f.turnAway(contract.StatusInvalidParameterValue, call, trigger)
	}
	return f.serve(ctx, call, trigger, nil)
}

// Do passes an HTTP request through to an HTTP-triggered function (contract/runtime.md 7.3) and collects the answer.
// Client-sent X-Scf-* headers are stripped (Q14), hop-by-hop headers end here. Errors are as in Invoke, and
// gateway.ErrRequest for a request that cannot be put into HTTP.
func (f *Function) Do(ctx context.Context, request Request) (Result, error) {
	if f.spec.Type != HTTP {
		return Result{}, fmt.Errorf("%w: %s is event-triggered, invoke it with an event", ErrType, f.spec.Name)
	}
	call := instance.Call{
		Method: orElse(request.Method, http.MethodGet), Target: orElse(request.Target, "/"), Host: request.Host,
		Header: gateway.PassedThrough(request.Header, f.readings), Body: request.Body,
	}
	if err := gateway.Check(call.Method, call.Target, call.Host, call.Header); err != nil {
		return Result{}, err //nolint:wrapcheck // it says all
	}
	if len(request.Body) > contract.MaxEventBytes {
		return f.turnAway(contract.StatusRequestTooLarge, call, AnyTrigger)
	}
	var framing []string
	if request.InspectFraming {
		call.Framing = &framing
	}
	result, err := f.serve(ctx, call, AnyTrigger, request.Header)
	result.Framing = framing
	return result, err
}

func (f *Function) serve(ctx context.Context, call instance.Call, trigger Trigger, client http.Header) (Result, error) {
	flown, err := f.fly(ctx, call, client)
	if err != nil {
		return Result{}, err
	}
	result := flown.land(ctx)
	f.platform.opts.Tamper.result(f.spec.Name, &result)
	f.finished(call.Method, call.Target, trigger, result)
	return result, nil
}

// flight is one invocation whose answer is there, or that has failed; it has to land.
type flight struct {
	function *Function
	call     instance.Call
	result   Result
	lease    scheduler.Lease[*live]
	before   string            // the request that began on the instance before this one
	outcome  *instance.Outcome // nil where no instance served
	settled  bool
}

// fly finds an instance for the call and sends it. An error is a fault of the platform or the end of the context;
// there is nothing to land then.
func (f *Function) fly(ctx context.Context, call instance.Call, client http.Header) (*flight, error) {
	if state, _ := f.State(); state != Active {
		refused, err := f.refuse(contract.StatusFunctionStatusError, call.ID)
		return &flight{function: f, result: refused}, err
	}
	var err error
	if call.ID == "" {
		if call.ID, err = NewRequestID(); err != nil {
			return nil, err
		}
	}
	maps.Copy(call.Header, f.headers)
	call.Header[contract.HeaderRequestID] = []string{call.ID}
	call.Timeout = f.spec.Timeout
	f.platform.opts.Tamper.request(f.spec.Name, &call, client)
	fl := &flight{function: f, call: call, result: Result{RequestID: call.ID, Event: call.Event, Started: time.Now()}}
	f.began(call.Method, call.Target, fl.result)
	if err := fl.exchange(ctx); err != nil {
		fault := fl.result
		fault.Status, fault.ErrorMessage, fault.Duration = contract.StatusInternalError, err.Error(), time.Since(fault.Started)
		f.finished(call.Method, call.Target, AnyTrigger, fault)
		return nil, err
	}
	return fl, nil
}

// exchange finds an instance for the call and sends it.
func (fl *flight) exchange(ctx context.Context) error {
	f, call := fl.function, fl.call
	var err error
	fl.lease, err = f.scheduler.Acquire(ctx)
	if err != nil {
		return f.refused(fl, err)
	}
	i := fl.lease.Instance
	fl.before = i.began(call.ID)
	f.track(call.ID, i)
	fl.outcome, err = i.Exchange(ctx, call)
	f.track(call.ID, nil)
	if err != nil {
		fl.lease.Release(false)
		return fmt.Errorf("invoke function %s: %w", f.spec.Name, err)
	}
	if !fl.outcome.Alive {
		fl.lease.Retire()
	}
	fl.lease.Answered()
	o := fl.outcome
	fl.result.Status, fl.result.ErrorMessage, fl.result.Duration = o.Status, o.Message, o.Duration
	fl.result.HTTPStatus, fl.result.Header, fl.result.Body = o.HTTPStatus, o.Header, o.Body
	if fl.lease.Fresh {
		fl.result.ColdStart = i.cold
	}
	return nil
}

// refused makes the result of an invocation that got no instance; an error that is no result is returned.
func (f *Function) refused(fl *flight, err error) error {
	r := &fl.result
	switch failed := err.(type) { //nolint:errorlint // the scheduler and the start return them bare
	case *StartError:
		r.Status, r.ErrorMessage, r.Evidence = failed.Status, failed.Message, failed.Evidence
		r.Log = f.log(r, nil)
		f.file(r.RequestID, r.Log, *r)
	case *scheduler.QuotaError:
		r.Status, r.ErrorMessage = contract.StatusResourceLimitReached, failed.Message
	case *scheduler.BurstError:
		r.Status, r.ErrorMessage = contract.StatusResourceLimit, failed.Error()
	default:
		if errors.Is(err, scheduler.ErrClosed) {
			r.Status, r.ErrorMessage = contract.StatusFunctionStatusError, contract.StatusFunctionStatusError.Message()
			break
		}
		return err
	}
	f.count(nil, r, time.Time{})
	return nil
}

// settle ends the request's output, measures, and gives the instance back.
func (fl *flight) settle(ctx context.Context) {
	if fl.outcome == nil || fl.settled {
		return
	}
	fl.settled = true
	fl.lease.Instance.Settle(ctx, fl.outcome)
	fl.function.count(fl.lease.Instance, &fl.result, fl.outcome.Began)
	fl.lease.Release(fl.outcome.Alive)
}

// land settles, collects the output, files the log and makes the bill.
func (fl *flight) land(ctx context.Context) Result {
	f, o, r := fl.function, fl.outcome, &fl.result
	if o == nil {
		return *r
	}
	fl.settle(ctx)
	fl.lease.Instance.Finish(ctx, fl.call, o)
	r.PeakBytes, r.MemoryMethod, r.LayerBytes, r.Evidence = o.PeakBytes, o.MemoryMethod, o.LayerBytes, o.Evidence
	r.DroppedLogBytes = o.Startup.DroppedBytes + o.Late.DroppedBytes + o.Output.DroppedBytes
	r.LogLost = o.OutputLost
	var initialisation time.Duration
	if r.ColdStart != nil {
		initialisation = r.ColdStart.Total()
	}
	r.Bill = contract.NewBill(r.Duration, initialisation, f.spec.MemoryMB, r.PeakBytes, f.readings)
	r.Log = f.log(r, o)
	f.file(fl.before, split(o.Late, false), Result{}) // of the request before, which has its result already
	f.fileStrays(o.Strays)
	f.file(r.RequestID, r.Log, *r)
	return *r
}

// turnAway is refuse for a call that is not even tried.
func (f *Function) turnAway(status contract.Status, call instance.Call, trigger Trigger) (Result, error) {
	result, err := f.refuse(status, call.ID)
	if err == nil {
		f.finished(call.Method, call.Target, trigger, result)
	}
	return result, err
}

// refuse is the result of an invocation that did not reach the function.
func (f *Function) refuse(status contract.Status, id string) (Result, error) {
	if id == "" {
		var err error
		if id, err = NewRequestID(); err != nil {
			return Result{}, err
		}
	}
	result := Result{RequestID: id, Event: f.spec.Type == Event, Started: time.Now(), Status: status, ErrorMessage: status.Message()}
	f.count(nil, &result, time.Time{})
	return result, nil
}

// track notes which instance serves a request; nil ends it.
func (f *Function) track(requestID string, i *live) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i == nil {
		delete(f.flying, requestID)
		return
	}
	f.flying[requestID] = i
}

// ErrNoRequest means that no such request is under way.
var ErrNoRequest = errors.New("no such request under way")

// Running lists the ids of the requests under way.
func (f *Function) Running() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := make([]string, 0, len(f.flying))
	for id := range f.flying {
		ids = append(ids, id)
	}
	return ids
}

// Terminate ends a request under way (contract/runtime.md 10, "Stop"): at once, so that it ends with 499, or gracefully
// by SIGTERM. A function without a handler for the signal ends, and the request with 439. The instance is gone then.
func (f *Function) Terminate(ctx context.Context, requestID string, graceful bool) error {
	f.mu.Lock()
	i := f.flying[requestID]
	f.mu.Unlock()
	if i == nil {
		return fmt.Errorf("%w: %s", ErrNoRequest, requestID)
	}
	err := i.Terminate(ctx, graceful)
	if graceful {
		text := contract.SignalReceivedLine
		if err != nil {
			text = contract.SignalFailedLine
		}
		f.file(requestID, []LogLine{{Source: FromPlatform, At: time.Now(), Text: text}}, Result{})
	}
	return err //nolint:wrapcheck // the engine names what failed
}

// NewRequestID makes a request id: a lowercase UUID of version 1 (R4).
func NewRequestID() (string, error) {
	id, err := uuid.NewUUID()
	if err != nil {
		return "", fmt.Errorf("make request id: %w", err)
	}
	return id.String(), nil
}
