package cron_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scfcert/scfcert/mockplatform/serve/cron"
)

// record collects what fires. In a bubble of synctest time begins at 2000-01-01 00:00:00 UTC and moves by itself.
type record struct {
	mu    sync.Mutex
	fired []string
}

func (r *record) fire(_ context.Context, name string, scheduled time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fired = append(r.fired, fmt.Sprint(name, " ", scheduled.Format(time.RFC3339)))
	return nil
}

func timer(t *testing.T, text string) cron.Timer {
	t.Helper()
	s, err := cron.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return cron.Timer{Schedule: s}
}

// runFor runs timers for a time of the bubble.
func runFor(t *testing.T, d time.Duration, opts cron.TimersOptions) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	cron.NewTimers(opts).Run(ctx)
}

func (r *record) want(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.Sort(r.fired)
	if !slices.Equal(r.fired, want) {
		t.Errorf("fired\n%s\nwanted\n%s", strings.Join(r.fired, "\n"), strings.Join(want, "\n"))
	}
}

func TestTimersFireAtEachDueTimeUntilTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r record
		off := timer(t, "* * * * * * *")
		off.Disabled = true
		runFor(t, 23*time.Hour, cron.TimersOptions{Fire: r.fire, Timers: map[string]cron.Timer{
			"nightly": timer(t, "0 0 2 * * * *"), "often": timer(t, "0 0 */8 * * * *"), "off": off, "past": timer(t, "0 0 0 1 1 * 1999"),
		}})
		r.want(t, "nightly 2000-01-01T18:00:00Z",
			"often 2000-01-01T08:00:00Z", "often 2000-01-01T16:00:00Z")
	})
}

func TestATimerThatFailsOrIsSlowFiresAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r record
		runFor(t, 15*time.Second, cron.TimersOptions{
			Timers: map[string]cron.Timer{"a": timer(t, "*/5 * * * * * *")},
			Fire: func(ctx context.Context, name string, scheduled time.Time) error {
				_ = r.fire(ctx, name, scheduled)
				<-time.After(6 * time.Second)
				return errors.New("queue full")
			},
		})
		r.want(t, "a 2000-01-01T00:00:05Z", "a 2000-01-01T00:00:10Z") // the second one at 11
	})
}

// sleeper is a clock that jumps: the machine sleeps for a while in the middle of the first wait.
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
	s.slept, s.jump = s.slept+s.jump, 0
	return time.After(d)
}

func TestAfterASleepOfTheMachineTimersDoNotMakeUpForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r record
		runFor(t, 2*time.Minute, cron.TimersOptions{
			Timers: map[string]cron.Timer{"a": timer(t, "0 */30 * * * * *")},
			Fire:   r.fire, Clock: &sleeper{jump: 8*time.Hour - 90*time.Second},
		})
		r.want(t, "a 2000-01-01T08:00:00Z") // asleep until 07:58:30, then awake for two minutes
	})
}

func TestATimerIsNotLateAfterASleepOfTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fired time.Time
		clock := &sleeper{jump: 110 * time.Minute}
		runFor(t, 15*time.Minute, cron.TimersOptions{
			Timers: map[string]cron.Timer{"a": timer(t, "0 0 */2 * * * *")}, Clock: clock,
			Fire: func(context.Context, string, time.Time) error { fired = clock.Now().UTC(); return nil },
		})
		if want := time.Date(2000, 1, 1, 2, 0, 0, 0, time.UTC); !fired.Equal(want) {
			t.Errorf("fired at %s, wanted %s", fired, want)
		}
	})
}

func TestATimerCanBeFiredNowEvenIfDisabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r record
		off := timer(t, "0 0 2 * * * *")
		off.Disabled = true
		timers := cron.NewTimers(cron.TimersOptions{Fire: r.fire, Timers: map[string]cron.Timer{"b": off, "a": timer(t, "0 0 2 * * * *")}})
		<-time.After(1500 * time.Millisecond)
		if err := timers.FireNow(t.Context(), "b"); err != nil {
			t.Error(err)
		}
		r.want(t, "b 2000-01-01T00:00:01Z")
		err := timers.FireNow(t.Context(), "c")
		if !errors.Is(err, cron.ErrUnknownTimer) || !strings.Contains(err.Error(), `"c"; take one of a, b`) {
			t.Errorf("an unknown timer: %v", err)
		}
	})
}

func TestWhatAFiringFailsWithIsTold(t *testing.T) {
	full := errors.New("queue full")
	timers := cron.NewTimers(cron.TimersOptions{
		Fire: func(context.Context, string, time.Time) error { return full }, Timers: map[string]cron.Timer{"a": {}},
	})
	if err := timers.FireNow(t.Context(), "a"); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if err := cron.NewTimers(cron.TimersOptions{}).FireNow(t.Context(), "a"); !errors.Is(err, cron.ErrUnknownTimer) || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("without timers: %v", err)
	}
}
