package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/serve/clock"
)

// ErrUnknownTimer means that there is no timer of that name; the error lists those that there are.
var ErrUnknownTimer = errors.New("unknown timer")

// The system's clock stands still for a waiting process while the machine sleeps, so a wait is never longer than
// longestWait. What was missed by more than latest is left out: a machine that wakes does not make up for a night.
const (
	longestWait = time.Minute
	latest      = time.Minute
)

// Timer is one timer trigger.
type Timer struct {
	Schedule Schedule
	// Disabled means that it fires by FireNow alone.
	Disabled bool
}

// TimersOptions configures Timers.
type TimersOptions struct {
	// Timers are the timers by name.
	Timers map[string]Timer
	// Fire is called at each due time with that time in UTC, whole seconds, as the event names it. It should hand over
	// and return: until it does, the timer waits, and no other does.
	Fire func(ctx context.Context, name string, scheduled time.Time) error
	// Clock is the real one if nil.
	Clock  clock.Clock
	Logger *slog.Logger
}

// Timers fires timers. It is safe for use by several goroutines.
type Timers struct {
	opts TimersOptions
}

// NewTimers makes timers that nothing fires before Run.
func NewTimers(opts TimersOptions) *Timers {
	opts.Timers = maps.Clone(opts.Timers)
	if opts.Clock == nil {
		opts.Clock = clock.System{}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Timers{opts: opts}
}

// Run fires each timer that is not disabled at its due times until the context ends, and then waits for calls of Fire
// that are under way. What Fire fails with is logged.
func (t *Timers) Run(ctx context.Context) {
	var running sync.WaitGroup
	for name, timer := range t.opts.Timers {
		if !timer.Disabled {
			running.Go(func() { t.run(ctx, name, timer.Schedule) })
		}
	}
	<-ctx.Done()
	running.Wait()
}

func (t *Timers) run(ctx context.Context, name string, schedule Schedule) {
	last := t.opts.Clock.Now()
	for {
		due, ok := schedule.Next(last)
		if !ok {
			t.opts.Logger.Info("timer never fires again", "timer", name, "cron", schedule.String())
			return
		}
		if !t.wait(ctx, due) {
			return
		}
		if now := t.opts.Clock.Now(); now.Sub(due) > latest {
			t.opts.Logger.Warn("timer was missed while the machine slept or the timer was busy; it goes on from now", "timer", name, "scheduled", due)
			last = now.Add(-latest)
			continue
		}
		if err := t.opts.Fire(ctx, name, due); err != nil {
			t.opts.Logger.Error("timer fired in vain", "timer", name, "scheduled", due, "error", err)
		}
		last = due
	}
}

// wait ends at the due time, or with false when the context ends.
func (t *Timers) wait(ctx context.Context, due time.Time) bool {
	for ctx.Err() == nil {
		left := due.Sub(t.opts.Clock.Now())
		if left <= 0 {
			return true
		}
		select {
		case <-t.opts.Clock.After(min(left, longestWait)):
		case <-ctx.Done():
		}
	}
	return false
}

// FireNow fires a timer at once, also a disabled one, whether Run runs or not. It fails with ErrUnknownTimer, or with
// what Fire fails with.
func (t *Timers) FireNow(ctx context.Context, name string) error {
	if _, ok := t.opts.Timers[name]; !ok {
		known := "there is none"
		if len(t.opts.Timers) > 0 {
			known = "take one of " + strings.Join(slices.Sorted(maps.Keys(t.opts.Timers)), ", ")
		}
		return fmt.Errorf("%w: %q; %s", ErrUnknownTimer, name, known)
	}
	if err := t.opts.Fire(ctx, name, t.opts.Clock.Now().UTC().Truncate(time.Second)); err != nil {
		return fmt.Errorf("fire timer %s: %w", name, err)
	}
	return nil
}
