// Package async delivers events to functions whose callers do not wait.
//
// In come events with the request id that their caller was told; out go invocations, until one succeeds or the event is
// given up and written to a dead-letter file. It implements "Asynchronous delivery, retry, results" of
// contract/events.md 5: which failures are tried again, when, and for how long.
package async

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/serve/clock"
)

// Rules of contract/events.md 5.
const (
	RetryInterval   = time.Minute   // between a failure and the next attempt (D 583/41138)
	DefaultRetries  = 2             // of a function that fails, and the limit (D S)
	DefaultMaxAge   = 6 * time.Hour // message TTL, and the limit (D)
	MinMaxAge       = time.Minute   // (D, QA13)
	DefaultCapacity = 100_000       // queue depth (D)
)

// What Submit refuses an event with.
var (
	ErrFull     = errors.New("asynchronous queue full")
	ErrClosed   = errors.New("asynchronous queue closed")
	ErrTooLarge = errors.New("asynchronous event too large")
	// ErrInvalid means that the event is no JSON, or that it has no request id.
	ErrInvalid = errors.New("invalid asynchronous invocation")
)

// Invocation is one event on its way.
type Invocation struct {
	// RequestID stays the same over all attempts (I, events.md 1 and trap T20).
	RequestID string
	Function  string
	Qualifier string
	Event     []byte
	Trigger   string // "Timer", or empty
	// Accepted and Attempt are set by the queue. The first attempt is 1; RetryNum of logs is one less.
	Accepted time.Time
	Attempt  int
}

// Result is what became of one attempt.
type Result struct {
	// StatusCode is the platform's: 200, or a row of the table in contract/runtime.md 5.
	StatusCode int
	// Message tells a reader why it failed.
	Message string
}

// Reason tells why an event was given up.
type Reason string

// The reasons.
const (
	RetriesUsed Reason = "retries-used" // the function failed once too often
	Expired     Reason = "expired"      // the next attempt would come after its age's limit
	CallerError Reason = "caller-error" // the same call can only fail again
	Undelivered Reason = "undelivered"  // the queue was closed before it could be tried again
)

// Letter is an event that was given up: the last attempt and its result.
type Letter struct {
	Invocation Invocation
	Result     Result
	Reason     Reason
	GivenUp    time.Time
}

// Options configures a Queue. Functions with settings of their own have queues of their own.
type Options struct {
	// Invoke makes one attempt. It is called from several goroutines: as on SCF no bound but the concurrency quota
	// applies, which answers 432. An error is a fault of the platform and counts as 500. It has to return when its
	// context ends, which happens only if Close runs out of time.
	Invoke func(ctx context.Context, invocation Invocation) (Result, error)
	// MaxRetries is how often an event is tried again after the function failed: 0 to 2, DefaultRetries in SCF.
	MaxRetries int
	// MaxAge is how old an event may be when it is tried again: 1 minute to 6 hours, 0 is DefaultMaxAge.
	MaxAge time.Duration
	// Capacity is how many events can be on their way, those that run or wait for another attempt included; 0 is
	// DefaultCapacity.
	Capacity int
	// DeadLetter takes an event that was given up, from several goroutines; nil drops it, as SCF does without a
	// dead-letter queue.
	DeadLetter func(letter Letter) error
	// Clock is the real one if nil.
	Clock  clock.Clock
	Logger *slog.Logger
}

// Stats counts what a queue did. Accepted is the sum of Succeeded, GivenUp, Running and Waiting.
type Stats struct {
	Accepted  int
	Refused   int // by Submit
	Succeeded int
	GivenUp   int
	Lost      int // of those given up: the dead letter failed, or there is none
	Retries   int // attempts after the first
	Running   int // being tried now
	Waiting   int // for another attempt
}

// Queue delivers events. It is safe for use by several goroutines.
type Queue struct {
	opts Options

	life    context.Context //nolint:containedctx // attempts outlive the call that submits; ends when Close gives up
	end     context.CancelFunc
	closing chan struct{}
	work    sync.WaitGroup // events on their way

	mu     sync.Mutex
	closed bool
	stats  Stats
}

// New makes an empty queue, or fails with contract.ErrLimit for a setting that the platform does not take.
func New(opts Options) (*Queue, error) {
	if opts.MaxAge == 0 {
		opts.MaxAge = DefaultMaxAge
	}
	if opts.Capacity == 0 {
		opts.Capacity = DefaultCapacity
	}
	switch {
	case opts.MaxRetries < 0 || opts.MaxRetries > DefaultRetries:
		return nil, fmt.Errorf("%w: %d retries of an asynchronous event; take 0 to %d", contract.ErrLimit, opts.MaxRetries, DefaultRetries)
	case opts.MaxAge < MinMaxAge || opts.MaxAge > DefaultMaxAge:
		return nil, fmt.Errorf("%w: message TTL of %s; take 60 to 21600 seconds", contract.ErrLimit, opts.MaxAge)
	case opts.Capacity < 1 || opts.Capacity > DefaultCapacity:
		return nil, fmt.Errorf("%w: a queue of %d events; take 1 to %d", contract.ErrLimit, opts.Capacity, DefaultCapacity)
	}
	if opts.Clock == nil {
		opts.Clock = clock.System{}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	q := &Queue{opts: opts, closing: make(chan struct{})}
	q.life, q.end = context.WithCancel(context.Background())
	return q, nil
}

// Submit accepts an event and returns before its first attempt ends; it keeps a copy. It fails with ErrTooLarge over
// 128 KB (D 583/11637), ErrInvalid, ErrFull, ErrClosed, or when the context has ended.
func (q *Queue) Submit(ctx context.Context, invocation Invocation) error {
	err := ctx.Err()
	if err == nil {
		err = check(invocation)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch onTheWay := q.stats.Running + q.stats.Waiting; {
	case err != nil:
	case q.closed:
		err = ErrClosed
	case onTheWay >= q.opts.Capacity:
		err = fmt.Errorf("%w: %d events are on their way; try again when some have ended", ErrFull, onTheWay)
	}
	if err != nil {
		q.stats.Refused++
		return fmt.Errorf("submit event %s to function %s: %w", invocation.RequestID, invocation.Function, err)
	}
	q.stats.Accepted++
	q.stats.Running++
	invocation.Event = bytes.Clone(invocation.Event)
	invocation.Accepted, invocation.Attempt = q.opts.Clock.Now(), 1
	q.work.Go(func() { q.deliver(invocation) })
	return nil
}

func check(invocation Invocation) error {
	switch size := len(invocation.Event); {
	case size > contract.MaxAsyncEventBytes:
		return fmt.Errorf("%w: %d bytes; at most %d (128 KB)", ErrTooLarge, size, contract.MaxAsyncEventBytes)
	case !json.Valid(invocation.Event):
		return fmt.Errorf("%w: the event of %d bytes is no JSON", ErrInvalid, size)
	case invocation.RequestID == "":
		return fmt.Errorf("%w: it has no request id", ErrInvalid)
	}
	return nil
}

// deliver tries until the event is delivered or given up.
func (q *Queue) deliver(invocation Invocation) {
	for failures := 0; ; invocation.Attempt++ {
		result, err := q.opts.Invoke(q.life, invocation)
		if err != nil {
			result = Result{StatusCode: contract.StatusInternalError.Code, Message: err.Error()}
		}
		outcome := judge(result.StatusCode)
		if outcome == functionFailed {
			failures++
		}
		switch {
		case outcome == succeeded:
			q.count(func(s *Stats) { s.Running--; s.Succeeded++ })
			return
		case outcome == callFailed:
			q.giveUp(invocation, result, CallerError)
			return
		case failures > q.opts.MaxRetries:
			q.giveUp(invocation, result, RetriesUsed)
			return
		case q.age(invocation)+RetryInterval >= q.opts.MaxAge:
			q.giveUp(invocation, result, Expired)
			return
		}
		q.opts.Logger.Info("asynchronous event is tried again", "request", invocation.RequestID, "function", invocation.Function,
			"attempt", invocation.Attempt, "status", result.StatusCode, "message", result.Message, "in", RetryInterval)
		if reason, ok := q.wait(invocation); !ok {
			q.giveUp(invocation, result, reason)
			return
		}
	}
}

// wait ends when the next attempt is due, or with the reason why there is none.
func (q *Queue) wait(invocation Invocation) (Reason, bool) {
	q.count(func(s *Stats) { s.Running--; s.Waiting++ })
	select {
	case <-q.closing:
	case <-q.opts.Clock.After(RetryInterval):
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.Waiting--
	q.stats.Running++
	switch {
	case q.closed:
		return Undelivered, false
	case q.age(invocation) >= q.opts.MaxAge: // the machine slept
		return Expired, false
	}
	q.stats.Retries++
	return "", true
}

func (q *Queue) age(invocation Invocation) time.Duration {
	return q.opts.Clock.Now().Sub(invocation.Accepted)
}

// giveUp makes a dead letter of a running event.
func (q *Queue) giveUp(invocation Invocation, result Result, reason Reason) {
	log := q.opts.Logger.With("request", invocation.RequestID, "function", invocation.Function, "attempts", invocation.Attempt,
		"status", result.StatusCode, "message", result.Message, "reason", string(reason))
	lost := 0
	if q.opts.DeadLetter == nil {
		lost = 1
		log.Warn("asynchronous event dropped: no dead-letter file is set")
	} else if err := q.opts.DeadLetter(Letter{Invocation: invocation, Result: result, Reason: reason, GivenUp: q.opts.Clock.Now()}); err != nil {
		lost = 1
		log.Error("asynchronous event lost", "error", err)
	} else {
		log.Warn("asynchronous event given up: see the dead-letter file")
	}
	q.count(func(s *Stats) { s.Running--; s.GivenUp++; s.Lost += lost })
}

func (q *Queue) count(change func(*Stats)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change(&q.stats)
}

// Stats is the state of the queue now.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stats
}

// Close ends the queue: it accepts nothing more, attempts under way finish, and each event that still waits, or whose
// last attempt failed and would be tried again, becomes a dead letter at once, as Undelivered. If the context ends
// first, attempts are interrupted, and become dead letters too; Close returns when that is done, with an error that
// tells how many there were. After it nothing is invoked and no dead letter is written.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.closing)
	}
	q.mu.Unlock()
	defer q.end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		q.work.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	running := q.Stats().Running
	q.end()
	<-done
	if running == 0 {
		return nil
	}
	return fmt.Errorf("close the asynchronous queue: %d attempts were interrupted: %w", running, ctx.Err())
}
