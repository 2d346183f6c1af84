package async_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/serve/async"
)

// function answers attempts and remembers them; time is that of a bubble of synctest.
type function struct {
	answer func(ctx context.Context, attempt async.Invocation) (async.Result, error)

	mu       sync.Mutex
	began    time.Time
	attempts []string // "id/attempt at time since the start"
	letters  []async.Letter
}

// always answers each attempt with a status.
func always(status int) *function {
	return &function{began: time.Now(), answer: func(context.Context, async.Invocation) (async.Result, error) {
		return async.Result{StatusCode: status}, nil
	}}
}

func (f *function) invoke(ctx context.Context, i async.Invocation) (async.Result, error) {
	f.mu.Lock()
	f.attempts = append(f.attempts, fmt.Sprintf("%s/%d at %s", i.RequestID, i.Attempt, time.Since(f.began)))
	f.mu.Unlock()
	return f.answer(ctx, i)
}

func (f *function) letter(l async.Letter) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.letters = append(f.letters, l)
	return nil
}

// queue makes a queue of the function; change may be nil.
func (f *function) queue(t *testing.T, change func(*async.Options)) *async.Queue {
	t.Helper()
	opts := async.Options{Invoke: f.invoke, DeadLetter: f.letter, MaxRetries: async.DefaultRetries}
	if change != nil {
		change(&opts)
	}
	q, err := async.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func submit(t *testing.T, q *async.Queue, id string) {
	t.Helper()
	if err := q.Submit(t.Context(), async.Invocation{RequestID: id, Function: "fn", Event: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
}

func (f *function) want(t *testing.T, attempts ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.attempts, attempts) {
		t.Errorf("attempts %q, wanted %q", f.attempts, attempts)
	}
}

// wantLetter expects one dead letter.
func (f *function) wantLetter(t *testing.T, reason async.Reason, attempts, status int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.letters) != 1 {
		t.Fatalf("%d dead letters, wanted one: %v", len(f.letters), f.letters)
	}
	if l := f.letters[0]; l.Reason != reason || l.Invocation.Attempt != attempts || l.Result.StatusCode != status {
		t.Errorf("dead letter %s after attempt %d with %d, wanted %s after %d with %d", l.Reason, l.Invocation.Attempt, l.Result.StatusCode, reason, attempts, status)
	}
}

// pass lets a time of the bubble go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestAFunctionThatFailsIsTriedTwiceMoreAMinuteApartUnderTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := always(contract.StatusTimeLimitReached.Code)
		q := f.queue(t, nil)
		submit(t, q, "a")
		pass(time.Hour)
		f.want(t, "a/1 at 0s", "a/2 at 1m0s", "a/3 at 2m0s")
		f.wantLetter(t, async.RetriesUsed, 3, 433)
		if got, want := q.Stats(), (async.Stats{Accepted: 1, GivenUp: 1, Retries: 2}); got != want {
			t.Errorf("stats %+v, wanted %+v", got, want)
		}
	})
}

func TestRetriesEndWithTheFirstSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := always(200)
		f.answer = func(_ context.Context, i async.Invocation) (async.Result, error) {
			<-time.After(10 * time.Second)
			return async.Result{StatusCode: map[bool]int{true: 200, false: 439}[i.Attempt == 2]}, nil
		}
		q := f.queue(t, nil)
		submit(t, q, "a")
		pass(30 * time.Second)
		if got, want := q.Stats(), (async.Stats{Accepted: 1, Waiting: 1}); got != want {
			t.Errorf("stats between attempts %+v, wanted %+v", got, want)
		}
		pass(time.Hour)
		f.want(t, "a/1 at 0s", "a/2 at 1m10s")
		if got, want := q.Stats(), (async.Stats{Accepted: 1, Succeeded: 1, Retries: 1}); got != want || len(f.letters) > 0 {
			t.Errorf("stats %+v, wanted %+v; dead letters %v", got, want, f.letters)
		}
	})
}

func TestAnEventWithoutRetriesIsTriedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := always(430)
		submit(t, f.queue(t, func(o *async.Options) { o.MaxRetries = 0 }), "a")
		pass(time.Hour)
		f.want(t, "a/1 at 0s")
		f.wantLetter(t, async.RetriesUsed, 1, 430)
	})
}

func TestEachStatusOfTheTableIsTriedAgainAsTheContractSays(t *testing.T) {
	attempts := map[int]int{ // within 6 hours
		200: 1,
		429: 360, 432: 360, 449: 360, 500: 360, // platform: every minute until the TTL
		400: 1, 401: 1, 402: 1, 404: 1, 406: 1, 410: 1, 435: 1, 436: 1, 438: 1, 441: 1, 442: 1, 499: 1, // the call
		405: 3, 407: 3, 430: 3, 433: 3, 434: 3, 439: 3, 443: 3, 444: 3, 445: 3, 446: 3, 447: 3, 450: 3, // the function
	}
	reasons := map[int]async.Reason{1: async.CallerError, 3: async.RetriesUsed, 360: async.Expired}
	for status, want := range attempts {
		synctest.Test(t, func(t *testing.T) {
			f := always(status)
			submit(t, f.queue(t, nil), "a")
			pass(24 * time.Hour)
			if len(f.attempts) != want {
				t.Errorf("%d: %d attempts, wanted %d", status, len(f.attempts), want)
			}
			if status == 200 {
				if len(f.letters) > 0 {
					t.Errorf("200 makes a dead letter: %v", f.letters)
				}
				return
			}
			f.wantLetter(t, reasons[want], want, status)
		})
	}
}

func TestAFaultOfThePlatformDoesNotUseUpTheRetriesOfTheFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := always(0)
		f.answer = func(_ context.Context, i async.Invocation) (async.Result, error) {
			switch i.Attempt {
			case 1, 5, 6:
				return async.Result{StatusCode: 430}, nil
			case 2:
				return async.Result{}, errors.New("engine gone")
			default:
				return async.Result{StatusCode: 432}, nil
			}
		}
		submit(t, f.queue(t, nil), "a")
		pass(time.Hour)
		f.want(t, "a/1 at 0s", "a/2 at 1m0s", "a/3 at 2m0s", "a/4 at 3m0s", "a/5 at 4m0s", "a/6 at 5m0s")
		f.wantLetter(t, async.RetriesUsed, 6, 430)
	})
}

func TestAnEventIsNotTriedAgainAtItsMaximumAge(t *testing.T) {
	for age, attempts := range map[time.Duration]int{time.Minute: 1, 61 * time.Second: 2, 3 * time.Minute: 3} {
		synctest.Test(t, func(t *testing.T) {
			f := always(500)
			submit(t, f.queue(t, func(o *async.Options) { o.MaxAge = age }), "a")
			pass(time.Hour)
			f.wantLetter(t, async.Expired, attempts, 500)
			if given := f.letters[0].GivenUp.Sub(f.letters[0].Invocation.Accepted); given >= age {
				t.Errorf("given up at the age of %s, wanted before %s", given, age)
			}
		})
	}
}

// sleeper is a clock that jumps when it is waited for: the machine sleeps.
type sleeper struct {
	mu    sync.Mutex
	jump  time.Duration
	slept time.Duration
}

func (s *sleeper) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.slept)
}

func (s *sleeper) After(d time.Duration) <-chan time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slept += s.jump
	return time.After(d)
}

func TestAnEventExpiresWhileTheMachineSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := always(500)
		submit(t, f.queue(t, func(o *async.Options) { o.Clock = &sleeper{jump: 7 * time.Hour} }), "a")
		pass(time.Hour)
		f.want(t, "a/1 at 0s")
		f.wantLetter(t, async.Expired, 1, 500)
	})
}

func TestAFullQueueRefusesUntilAnEventHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := always(430) // one that waits for its next attempt keeps its place
		q := f.queue(t, func(o *async.Options) { o.Capacity = 2 })
		submit(t, q, "a")
		submit(t, q, "b")
		pass(time.Second)
		err := q.Submit(t.Context(), async.Invocation{RequestID: "c", Function: "fn", Event: []byte(`1`)})
		if !errors.Is(err, async.ErrFull) || !strings.Contains(err.Error(), "submit event c to function fn") || !strings.Contains(err.Error(), "2 events") {
			t.Errorf("a third event: %v", err)
		}
		pass(3 * time.Minute)
		submit(t, q, "d")
		pass(time.Second)
		if got := q.Stats(); got.Refused != 1 || got.Accepted != 3 {
			t.Errorf("stats %+v", got)
		}
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestBadInputIsRefused(t *testing.T) {
	largest := []byte(`"` + strings.Repeat("x", contract.MaxAsyncEventBytes-2) + `"`)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx        context.Context
		invocation async.Invocation
		want       error
		says       string
	}{
		"128 KB are taken":     {t.Context(), async.Invocation{RequestID: "a", Event: largest}, nil, ""},
		"a byte more":          {t.Context(), async.Invocation{RequestID: "a", Event: append(bytes.Clone(largest), ' ')}, async.ErrTooLarge, "131073 bytes; at most 131072"},
		"no JSON":              {t.Context(), async.Invocation{RequestID: "a", Event: []byte("{")}, async.ErrInvalid, "no JSON"},
		"no event":             {t.Context(), async.Invocation{RequestID: "a"}, async.ErrInvalid, "no JSON"},
		"no request id":        {t.Context(), async.Invocation{Event: []byte("1")}, async.ErrInvalid, "no request id"},
		"an ended context":     {ended, async.Invocation{RequestID: "a", Event: []byte("1")}, context.Canceled, ""},
		"everything else is 0": {t.Context(), async.Invocation{}, async.ErrInvalid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := always(200)
			q := f.queue(t, nil)
			if err := q.Submit(test.ctx, test.invocation); !errors.Is(err, test.want) || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, wanted %v with %q", err, test.want, test.says)
			}
			if err := q.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if refused := q.Stats().Refused; (refused == 1) != (test.want != nil) || len(f.attempts) != 1-refused {
				t.Errorf("%d refused, %d attempts", refused, len(f.attempts))
			}
		})
	}
}

func TestSettingsOutsideTheLimitsAreRefused(t *testing.T) {
	for says, opts := range map[string]async.Options{
		"3 retries":         {MaxRetries: 3},
		"-1 retries":        {MaxRetries: -1},
		"TTL of 59s":        {MaxAge: 59 * time.Second},
		"TTL of 6h0m1s":     {MaxAge: 6*time.Hour + time.Second},
		"queue of -1":       {Capacity: -1},
		"queue of 100001 e": {Capacity: 100_001},
	} {
		if _, err := async.New(opts); !errors.Is(err, contract.ErrLimit) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, wanted ErrLimit with %q", err, says)
		}
	}
}

func TestTheEventIsACopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := always(430)
		event := []byte(`"mine"`)
		if err := f.queue(t, nil).Submit(t.Context(), async.Invocation{RequestID: "a", Event: event}); err != nil {
			t.Fatal(err)
		}
		copy(event, `"gone"`)
		pass(time.Hour)
		if got := string(f.letters[0].Invocation.Event); got != `"mine"` {
			t.Errorf("the dead letter has %s", got)
		}
	})
}

func TestAnAttemptOutlivesTheContextOfItsSubmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := always(200)
		f.answer = func(ctx context.Context, _ async.Invocation) (async.Result, error) {
			<-time.After(time.Second)
			return async.Result{StatusCode: 200}, ctx.Err()
		}
		q := f.queue(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		if err := q.Submit(ctx, async.Invocation{RequestID: "a", Event: []byte("1")}); err != nil {
			t.Fatal(err)
		}
		cancel()
		pass(time.Hour)
		if got := q.Stats(); got.Succeeded != 1 {
			t.Errorf("stats %+v, wanted a success", got)
		}
	})
}

func TestCloseLetsAttemptsFinishAndKeepsWhatWaitsAsUndelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := always(0)
		f.answer = func(_ context.Context, i async.Invocation) (async.Result, error) {
			switch i.RequestID {
			case "slow":
				<-time.After(20 * time.Second)
				return async.Result{StatusCode: 200}, nil
			case "slow-and-failing":
				<-time.After(20 * time.Second)
			}
			return async.Result{StatusCode: 430}, nil
		}
		q := f.queue(t, nil)
		for _, id := range []string{"slow", "slow-and-failing", "waiting"} {
			submit(t, q, id)
		}
		pass(10 * time.Second)
		began := time.Now()
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("closing took %s, wanted the rest of the attempt: 10s", took)
		}
		if got, want := q.Stats(), (async.Stats{Accepted: 3, Succeeded: 1, GivenUp: 2}); got != want {
			t.Errorf("stats %+v, wanted %+v", got, want)
		}
		for n, id := range []string{"waiting", "slow-and-failing"} {
			if l := f.letters[n]; l.Invocation.RequestID != id || l.Reason != async.Undelivered {
				t.Errorf("dead letter %d: %s, %s; wanted %s as undelivered", n, l.Invocation.RequestID, l.Reason, id)
			}
		}
		if err := q.Submit(t.Context(), async.Invocation{RequestID: "late", Event: []byte("1")}); !errors.Is(err, async.ErrClosed) {
			t.Errorf("an event after closing: %v", err)
		}
		if err := q.Close(t.Context()); err != nil {
			t.Errorf("closing again: %v", err)
		}
	})
}

func TestCloseInterruptsAttemptsWhenItsTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := always(0)
		f.answer = func(ctx context.Context, _ async.Invocation) (async.Result, error) {
			<-ctx.Done()
			return async.Result{}, ctx.Err()
		}
		q := f.queue(t, nil)
		submit(t, q, "a")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := q.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 attempts were interrupted") {
			t.Errorf("closing: %v", err)
		}
		f.wantLetter(t, async.Undelivered, 1, 500)
	})
}

func TestAnEventThatNobodyKeepsIsCountedAsLost(t *testing.T) {
	for name, keep := range map[string]func(async.Letter) error{
		"no dead letter": nil,
		"one that fails": func(async.Letter) error { return errors.New("disk full") },
	} {
		t.Run(name, func(t *testing.T) {
			f := always(400)
			q := f.queue(t, func(o *async.Options) { o.DeadLetter = keep })
			submit(t, q, "a")
			if err := q.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if got, want := q.Stats(), (async.Stats{Accepted: 1, GivenUp: 1, Lost: 1}); got != want {
				t.Errorf("stats %+v, wanted %+v", got, want)
			}
		})
	}
}

func TestNoEventGetsLostAmongManyWhileTheQueueCloses(t *testing.T) {
	f := always(0)
	f.answer = func(_ context.Context, i async.Invocation) (async.Result, error) {
		return async.Result{StatusCode: []int{200, 400, 430, 432}[len(i.RequestID)%4]}, nil
	}
	q := f.queue(t, nil)
	var submitting sync.WaitGroup
	for n := range 8 {
		submitting.Go(func() {
			for m := range 50 {
				_ = q.Submit(t.Context(), async.Invocation{RequestID: strings.Repeat("x", n+m+1), Event: []byte("1")})
				_ = q.Stats()
			}
		})
	}
	if err := q.Close(t.Context()); err != nil {
		t.Error(err)
	}
	submitting.Wait()
	s := q.Stats()
	if s.Accepted+s.Refused != 400 || s.Accepted != s.Succeeded+s.GivenUp || s.Running+s.Waiting+s.Retries != 0 || s.GivenUp != len(f.letters) {
		t.Errorf("stats %+v with %d dead letters", s, len(f.letters))
	}
}
