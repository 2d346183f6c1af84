package instance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/sandbox"
)

// exitGrace is how long an exit may follow a broken connection until it counts as its cause: engines tell of an exit
// 30 to 60 ms after the client has seen it.
const exitGrace = time.Second

// bodyHeadBytes of an answer are kept as evidence.
const bodyHeadBytes = 512

// Call is one request to an instance.
type Call struct {
	ID     string // request id
	Event  bool   // POST /event-invoke, or the request as given
	Method string
	// Target is the request target as it goes on the wire: path and query, byte for byte.
	Target string
	Host   string // "" is the sandbox's own
	Header http.Header
	Body   []byte
	// LongBody stands in the place of Body where it is not in memory. It is read while the request is sent.
	LongBody LongBody
	Timeout  time.Duration
	// Unhurried means that nobody waits for the request's output.
	Unhurried bool
	// Upgrade is the protocol that the connection is to be switched to, such as "websocket"; empty means none.
	Upgrade string
	// Framing, if not nil, gets what is wrong with the answer's framing.
	Framing *[]string
	// Deliver gets the answer as it arrives, once; nil has it collected in the Outcome. An error of it ends the request.
	Deliver func(*Answer) error
}

// LongBody is a body that is kept elsewhere.
type LongBody interface {
	Len() int64
	// Reader reads it from its beginning: a request may be sent twice.
	Reader() io.Reader
}

// length of the body in bytes.
func (c *Call) length() int64 {
	if c.LongBody != nil {
		return c.LongBody.Len()
	}
	return int64(len(c.Body))
}

// writeBody writes it; what fails, w keeps.
func (c *Call) writeBody(w *bufio.Writer) error {
	if c.LongBody == nil {
		_, _ = w.Write(c.Body)
		return nil
	}
	if _, err := io.Copy(w, c.LongBody.Reader()); err != nil {
		return fmt.Errorf("send request body: %w", err)
	}
	return nil
}

// Outcome is what became of a call.
type Outcome struct {
	Status  contract.Status // the platform's: success, 433, 434, 439, …
	Message string          // the platform's text when the status is no success
	// HTTPStatus, Header and Body are the function's answer; HTTPStatus is 0 if there was none.
	HTTPStatus int
	Header     http.Header
	Body       []byte
	Began      time.Time
	Duration   time.Duration
	// Startup is the output from before the instance's first call, Late that from between the answer to the call before
	// and this one, Output that of the call itself.
	Startup, Late, Output Window
	// Strays are output of earlier calls that came after they had been finished.
	Strays []Stray
	// OutputLost means that the engine broke off the output: there may have been more.
	OutputLost bool
	// PeakBytes is the most memory that the instance has used so far, MemoryMethod how that was found out.
	PeakBytes    int64
	MemoryMethod string
	// LayerBytes is the size of the writable layer where it is measured.
	LayerBytes int64
	Evidence   diagnose.Evidence
	// Alive means that the instance may serve another request.
	Alive bool

	turn   *turn       // with one request at a time
	gap    *turn       // what came before it, where a fence ended that
	call   *activeCall // with several
	broken error       // what went wrong with the exchange
}

// Exchange sends one request and returns when its answer is complete, or when there will be none. Settle has to follow.
// An error means that we failed, or that the context ended; whatever the function did is the Outcome.
func (i *Instance) Exchange(ctx context.Context, call Call) (*Outcome, error) {
	if call.Host == "" {
		call.Host = i.sandbox.Host()
	}
	if err := i.thaw(ctx); err != nil {
		return nil, err
	}
	outcome := &Outcome{}
	if i.shared() {
		outcome.call, outcome.Startup, outcome.Late = i.recorder.begin(call.ID)
	} else {
		if time.Since(i.fenced) > gapMost {
			if outcome.gap, _ = i.mark(); outcome.gap != nil {
				i.pass(outcome.gap)
			}
		}
		i.recorder.name(call.ID)
	}
	deliver := collect(outcome)
	if call.Deliver != nil {
		deliver = func(answer *Answer) error {
			outcome.HTTPStatus, outcome.Header = answer.Status, answer.Header
			return call.Deliver(answer)
		}
	}
	i.relaxed.Store(call.Unhurried)
	sampling := i.sampleWhileBusy(ctx)
	outcome.Began = time.Now()
	outcome.broken = i.wires.exchange(ctx, &call, i.config.KeepAlive, deliver)
	outcome.Duration = time.Since(outcome.Began)
	sampling()
	if ctx.Err() != nil {
		return outcome, fmt.Errorf("invoke: %w", ctx.Err())
	}
	return outcome, i.judge(ctx, call, outcome)
}

// Settle waits until the instance may serve its next request: until the end of this one's output is marked or, where
// it cannot be marked, has arrived. Finish has to follow.
func (i *Instance) Settle(ctx context.Context, outcome *Outcome) {
	switch {
	case i.shared():
	case !outcome.Alive:
		outcome.turn = i.quiet(ctx) // which ends at once when all output has come
	default:
		var ok bool
		if outcome.turn, ok = i.mark(); !ok {
			outcome.turn = i.quiet(ctx)
		}
	}
	if outcome.Alive {
		i.measure(ctx)
	}
	outcome.PeakBytes, outcome.MemoryMethod = i.peak()
	if i.config.MeasureLayer {
		outcome.LayerBytes, _ = i.container.LayerBytes(ctx) // 0 where the engine cannot tell
	}
	if i.outOfMemory() {
		outcome.Alive = false // a part of it is gone, whatever it answered
	}
	i.freeze(ctx)
}

// Finish waits for the request's output and completes the outcome. The instance may serve other requests meanwhile.
func (i *Instance) Finish(ctx context.Context, call Call, outcome *Outcome) {
	if i.shared() {
		i.barriers.await(ctx, i.settleShared)
		outcome.Output, outcome.Strays = i.recorder.finish(outcome.call)
	} else {
		i.await(ctx, outcome.turn)
		var before Window
		if before, outcome.Output = i.recorder.take(outcome.turn, outcome.Began); outcome.gap != nil {
			before = join(i.recorder.takeGap(outcome.gap), before)
		}
		if first := orElse(outcome.gap, outcome.turn).first; first {
			outcome.Startup = before
		} else {
			outcome.Late = before
		}
	}
	outcome.Startup = join(i.recorder.takeStartup(), outcome.Startup) // its fence has come by before any later one
	outcome.OutputLost = i.outputLost(ctx)
	if outcome.Status.Code != contract.StatusSuccess.Code || outcome.HTTPStatus >= http.StatusMultipleChoices || i.outOfMemory() {
		i.describe(call, outcome)
	}
}

// Rest is the output that belongs to no request: of the start-up, or from after the last one. Of an instance that was
// removed it is complete. Strays are of calls that had been finished.
func (i *Instance) Rest(ctx context.Context) (rest Window, strays []Stray) {
	if i.gone() {
		i.awaitLastOutput(context.WithoutCancel(ctx))
	}
	if i.startup != nil {
		i.await(ctx, i.startup)
	}
	rest, strays = i.recorder.rest()
	return join(i.recorder.takeStartup(), rest), strays
}

// outputLost tells whether the output has ended before the instance.
func (i *Instance) outputLost(ctx context.Context) bool {
	select {
	case <-i.outputEnded:
		i.awaitExit(ctx, exitGrace)
		return !i.gone() || i.container.End().Lost != nil
	default:
		return false
	}
}

func (i *Instance) shared() bool { return i.config.Concurrency > 1 }

// judge is the run-time map of contract/runtime.md 16.3: from what happened to the platform's status.
func (i *Instance) judge(ctx context.Context, call Call, outcome *Outcome) error {
	set := func(status contract.Status, message string) { outcome.Status, outcome.Message = status, message }
	switch err := outcome.broken; {
	case errors.Is(err, sandbox.ErrEnter), errors.Is(err, sandbox.ErrPort):
		return fmt.Errorf("invoke: %w", err)
	case err == nil:
		outcome.Alive = !i.gone()
		set(contract.StatusSuccess, "")
		if call.Event && i.config.StrictAnswers && outcome.HTTPStatus >= http.StatusMultipleChoices {
			set(contract.StatusUserCodeError, contract.StatusUserCodeError.Message())
		}
	case errors.Is(err, errTooLarge):
		outcome.Alive, outcome.Body = true, nil
		if call.Event || i.config.OversizeStatus == contract.StatusResponseTooLarge.Code {
			set(contract.StatusResponseTooLarge, contract.StatusResponseTooLarge.Message())
		} else {
			set(contract.StatusWebResponseTooLarge, contract.StatusWebResponseTooLarge.Message())
		}
	case errors.Is(err, errHeadTooLarge) && !call.Event:
		outcome.Alive = true
		set(contract.StatusInternalError, contract.ResponseHeaderMessage)
	case errors.Is(err, ErrCallerGone):
		outcome.Alive = !i.gone()
		set(contract.StatusRequestCanceled, contract.StatusRequestCanceled.Message())
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		set(contract.StatusTimeLimitReached, contract.TimeoutMessage(call.Timeout))
		outcome.Evidence.TimedOut = true
		if i.shared() {
			outcome.Alive = !i.gone() // only this request ends (contract/runtime.md 10, S11)
			break
		}
		// The platform ends the instance; what it has printed until now is all there will be.
		if err := i.Kill(ctx); err != nil {
			return fmt.Errorf("end the instance after its timeout: %w", err)
		}
		i.awaitExit(ctx, exitGrace)
	default:
		if end, ok := errors.AsType[*EndError](err); ok && end.Status.Code != contract.StatusProcessExit.Code {
			outcome.Alive = !i.gone() // not the function's doing
			set(end.Status, end.Message)
			break
		}
		return i.judgeBroken(ctx, set, outcome)
	}
	return nil
}

// judgeBroken is the part of the map for a request without a complete answer.
func (i *Instance) judgeBroken(ctx context.Context, set func(contract.Status, string), outcome *Outcome) error {
	i.awaitExit(ctx, exitGrace)
	switch {
	case i.gone() && i.container.End().Lost != nil:
		return fmt.Errorf("invoke: %w", i.container.End().Lost)
	case i.terminated.Load():
		set(contract.StatusRequestCanceled, contract.StatusRequestCanceled.Message())
	case i.outOfMemory():
		set(contract.StatusMemoryLimitReached, contract.MemoryMessage(i.config.MemoryMB))
	case i.gone():
		set(contract.StatusProcessExit, contract.ProcessExitMessage)
	default:
		outcome.Alive = true
		if end, ok := errors.AsType[*EndError](outcome.broken); ok {
			set(end.Status, end.Message)
			return nil
		}
		// Alive, and yet no complete answer: no page names a code for it (reading: the user's code is at fault).
		set(contract.StatusUserCodeError, contract.StatusUserCodeError.Message())
	}
	return nil
}

func (i *Instance) gone() bool {
	select {
	case <-i.container.Exited():
		return true
	default:
		return false
	}
}

// awaitExit waits a bounded time for the end or for the notice that memory ran out and, if the end came, for the rest
// of the output.
func (i *Instance) awaitExit(ctx context.Context, grace time.Duration) {
	wait, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	select {
	case <-i.container.Exited():
	case <-wait.Done():
		return
	}
	i.awaitLastOutput(ctx)
}

// awaitLastOutput waits a bounded time for all output of an instance that has ended.
func (i *Instance) awaitLastOutput(ctx context.Context) {
	rest, cancel := context.WithTimeout(ctx, lastOutput)
	defer cancel()
	select {
	case <-i.outputEnded:
	case <-rest.Done():
	}
}

// describe fills the evidence of a call that did not go well.
func (i *Instance) describe(call Call, outcome *Outcome) {
	timedOut := outcome.Evidence.TimedOut
	e := i.evidence()
	e.Phase, e.Ready, e.ReadyAfter = diagnose.PhaseInvoke, true, i.timings.Ready
	e.Method, e.Path, _ = strings.Cut(call.Method+" "+call.Target, " ")
	e.Timeout, e.TimedOut, e.Elapsed, e.HTTPStatus = call.Timeout, timedOut, outcome.Duration, outcome.HTTPStatus
	e.BodyHead = outcome.Body[:min(len(outcome.Body), bodyHeadBytes)]
	if outcome.broken != nil {
		e.InvokeError = outcome.broken.Error()
	}
	e.TooLarge, e.HeaderTooLarge = errors.Is(outcome.broken, errTooLarge), errors.Is(outcome.broken, errHeadTooLarge)
	e.OutOfMemory = i.outOfMemory()
	if i.gone() && !timedOut {
		end := i.container.End()
		e.Exit = &diagnose.Exit{Code: end.Code, OutOfMemory: e.OutOfMemory, After: end.At.Sub(i.started)}
	}
	outcome.Evidence = e
}
