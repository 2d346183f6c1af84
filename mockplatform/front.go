package mockplatform

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/gateway"
	"github.com/scfcert/scfcert/mockplatform/gateway/tunnel"
	"github.com/scfcert/scfcert/mockplatform/instance"
)

// ServeHTTP is the function's HTTP trigger: the request reaches an HTTP-triggered function untouched, its answer goes
// back as it arrives, unbuffered. Failures get the status and the body of a function URL (contract/runtime.md 6.1). A
// fault of the platform is 500 and says nothing of the function. The log is collected after the answer has gone out.
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.ServeEntry(w, r, Entry{}) }

// Entry is how an HTTP request came to a function.
type Entry struct {
	// Front is the gateway; the zero value is a function URL. Context is what it knows of the request.
	Front   gateway.Front
	Context gateway.EventContext
	// Target is path and query that the gateway passes on; empty means those of the request.
	Target string
}

// Refuse writes the platform's own answer in the way of the gateway.
func (e *Entry) Refuse(w http.ResponseWriter, status contract.Status, message string) {
	if e.Front == gateway.APIGateway {
		gateway.RefuseAPIGateway(w, status, message, e.Context)
		return
	}
	gateway.Refuse(w, status, message)
}

// ServeEntry is ServeHTTP for a request that came through a gateway of the caller's.
func (f *Function) ServeEntry(w http.ResponseWriter, r *http.Request, entry Entry) {
	if f.spec.Type != HTTP {
		http.Error(w, "function "+f.spec.Name+" is event-triggered: invoke it with an event", http.StatusNotFound)
		return
	}
	body, err := gateway.TakeBody(r, f.platform.dir)
	if errors.Is(err, gateway.ErrBodyFile) {
		f.platform.opts.Logger.Error("the platform failed", "function", f.spec.Name, "error", err)
		entry.Refuse(w, contract.StatusInternalError, contract.StatusInternalError.Message())
		return
	}
	if errors.Is(err, gateway.ErrBodyTooLarge) {
		refused, _ := f.turnAway(contract.StatusRequestTooLarge, instance.Call{Method: r.Method, Target: r.RequestURI}, AnyTrigger)
		entry.Refuse(w, refused.Status, refused.ErrorMessage)
		return
	}
	if err != nil {
		http.Error(w, "the request's body broke off", http.StatusBadRequest)
		return
	}
	defer func() { _ = body.Close() }()
	answer := &answer{to: w, requestID: f.readings.ResponseRequestID, idle: f.spec.WebSocketIdle}
	call := instance.Call{
		Method: r.Method, Target: orElse(entry.Target, r.RequestURI), Host: r.Host, Header: gateway.PassedThrough(r.Header, f.readings), LongBody: body,
		Unhurried: true, Deliver: answer.deliver,
	}
	gateway.Forwarded(call.Header, r, entry.Front, entry.Context)
	if f.spec.WebSocket && gateway.AsksForWebSocket(r.Header) {
		call.Upgrade = "websocket"
	}
	if err := gateway.Check(call.Method, call.Target, call.Host, call.Header); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	// The caller's going away does not end an invocation, except that an answer which nobody takes is broken off.
	ctx := context.WithoutCancel(r.Context())
	answer.call = &call
	flown, err := f.fly(ctx, call, r.Header)
	if err != nil {
		f.platform.opts.Logger.Error("the platform failed", "function", f.spec.Name, "error", err)
		if answer.begun {
			panic(http.ErrAbortHandler)
		}
		entry.Refuse(w, contract.StatusInternalError, contract.StatusInternalError.Message())
		return
	}
	status := flown.result.Status
	if status.Code != contract.StatusSuccess.Code && !answer.begun {
		if f.readings.ResponseRequestID {
			w.Header().Set(contract.HeaderRequestID, flown.result.RequestID)
		}
		entry.Refuse(w, status, flown.result.ErrorMessage)
	}
	if flown.outcome != nil && flown.lease.Instance.Fenced() {
		flown.settle(ctx) // so fast that the next request finds the instance free
	}
	f.background(func() { f.finished(call.Method, call.Target, AnyTrigger, flown.land(ctx)) })
	if status.Code != contract.StatusSuccess.Code && answer.begun {
		panic(http.ErrAbortHandler) // what is missing cannot be told any other way
	}
}

// background runs what need not be waited for; a function that is being closed has it run at once.
func (f *Function) background(do func()) {
	f.mu.Lock()
	if f.state == Deleting {
		f.mu.Unlock()
		do()
		return
	}
	f.work.Go(do)
	f.mu.Unlock()
}

// answer passes a function's answer on as it arrives.
type answer struct {
	to        http.ResponseWriter
	call      *instance.Call
	requestID bool
	idle      time.Duration // of a WebSocket
	begun     bool
}

// tunnel takes the client's connection over and carries WebSocket frames both ways until one side ends.
func (a *answer) tunnel(from *instance.Answer) error {
	conn, buffered, err := http.NewResponseController(a.to).Hijack()
	if err != nil {
		return instance.ErrCallerGone
	}
	defer func() { _ = conn.Close() }()
	if err := gateway.Switch(conn, from.Header); err != nil {
		return instance.ErrCallerGone
	}
	err = tunnel.Carry(struct {
		io.Reader
		io.WriteCloser
	}{buffered, conn}, from.Tunnel, tunnel.DefaultLimits(a.idle))
	if end, ok := errors.AsType[*tunnel.EndError](err); ok {
		return &instance.EndError{Status: end.Status, Message: end.Reason}
	}
	return err //nolint:wrapcheck // judged by the instance
}

// copyBuffers are reused between requests.
var copyBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (a *answer) deliver(from *instance.Answer) error {
	if a.requestID {
		from.Header[contract.HeaderRequestID] = a.call.Header[contract.HeaderRequestID]
	}
	a.begun = true
	if from.Tunnel != nil {
		return a.tunnel(from)
	}
	gateway.Forward(a.to, from.Status, from.Header)
	buffer := copyBuffers.Get().(*[32 << 10]byte) //nolint:forcetypeassert // nothing else is in the pool
	defer copyBuffers.Put(buffer)
	control := http.NewResponseController(a.to)
	for {
		n, err := from.Body.Read(buffer[:])
		if n > 0 {
			if _, err := a.to.Write(buffer[:n]); err != nil {
				return instance.ErrCallerGone
			}
			if from.Length < 0 && control.Flush() != nil {
				return instance.ErrCallerGone
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err //nolint:wrapcheck // judged by the instance
		}
	}
	for name, values := range from.Trailer() {
		a.to.Header()[http.TrailerPrefix+name] = values
	}
	return nil
}
