package serve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scfcert/scfcert/fixtures"
	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/serve/async"
	"github.com/scfcert/scfcert/mockplatform/serve/config"
	"github.com/scfcert/scfcert/mockplatform/serve/cron"
	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

// events are what reaches a function without a waiting caller.
type events struct {
	queue      *async.Queue // nil for HTTP functions
	deadLetter *async.DeadLetterFile
	timers     *cron.Timers
	schedules  map[string]cron.Schedule
}

func (e *events) closeDeadLetter() error {
	if e.deadLetter == nil {
		return nil
	}
	return e.deadLetter.Close() //nolint:wrapcheck // it names the file
}

// openEvents makes the queue and the timers of a function.
func (s *Server) openEvents(f *served) error {
	f.schedules = map[string]cron.Schedule{}
	timers, messages := map[string]cron.Timer{}, map[string]string{}
	for _, timer := range f.about.Timers {
		schedule, err := cron.Parse(timer.Cron)
		if err != nil {
			return err //nolint:wrapcheck // it names the field
		}
		f.schedules[timer.Name], messages[timer.Name] = schedule, timer.Message
		timers[timer.Name] = cron.Timer{Schedule: schedule, Disabled: !timer.Enabled}
	}
	f.timers = cron.NewTimers(cron.TimersOptions{Timers: timers, Logger: s.opts.Logger, Fire: func(ctx context.Context, name string, at time.Time) error {
		return s.fire(ctx, f, name, messages[name], at)
	}})
	if f.about.Type != config.Event {
		return nil
	}
	opts := async.Options{
		MaxRetries: retries(f.about.Async), MaxAge: f.about.Async.MessageTTL, Logger: s.opts.Logger,
		Invoke: func(ctx context.Context, i async.Invocation) (async.Result, error) { return s.attempt(ctx, f, i) },
	}
	var err error
	if path := f.about.Async.DeadLetter; path != "" {
		if f.deadLetter, err = async.OpenDeadLetter(path); err != nil {
			return err //nolint:wrapcheck // it names the file
		}
		opts.DeadLetter = f.deadLetter.Write
	}
	f.queue, err = async.New(opts)
	return err //nolint:wrapcheck // it says all
}

// retries is what a configuration says, or the platform's default where it says nothing.
func retries(a config.Async) int {
	if a == (config.Async{DeadLetter: a.DeadLetter}) { // a file always sets the TTL
		return async.DefaultRetries
	}
	return a.Retries
}

// queued is how many events of a function are on their way.
func (s *Server) queued(function string) int {
	f, ok := s.find(function)
	if !ok || f.queue == nil {
		return 0
	}
	stats := f.queue.Stats()
	return stats.Running + stats.Waiting
}

// fire sends the event of a timer (contract/events.md 3.4).
func (s *Server) fire(ctx context.Context, f *served, name, message string, at time.Time) error {
	event, err := fixtures.With(fixtures.Timer, map[string]string{"TriggerName": name, "Message": message, "Time": at.UTC().Format(time.RFC3339)})
	if err != nil {
		return fmt.Errorf("make the event of timer %s: %w", name, err)
	}
	_, err = s.submit(ctx, f, mockplatform.Timer, event)
	return err
}

// submit puts an event into a function's queue.
func (s *Server) submit(ctx context.Context, f *served, trigger mockplatform.Trigger, event []byte) (page.Invocation, error) {
	if f.queue == nil {
		return page.Invocation{}, fmt.Errorf("%w: %s is HTTP-triggered and takes no events", page.ErrRefused, f.about.Name)
	}
	id, err := mockplatform.NewRequestID()
	if err != nil {
		return page.Invocation{}, err //nolint:wrapcheck // it says all
	}
	shown := running(id, f.about.Name, kind(trigger), 1)
	s.records.put(shown)
	err = f.queue.Submit(ctx, async.Invocation{RequestID: id, Function: f.about.Name, Qualifier: f.about.Version, Event: event, Trigger: string(trigger)})
	if err == nil {
		return shown, nil
	}
	s.fail(shown, contract.StatusInternalError, err.Error())
	if errors.Is(err, async.ErrTooLarge) || errors.Is(err, async.ErrInvalid) || errors.Is(err, async.ErrFull) || errors.Is(err, async.ErrClosed) {
		return page.Invocation{}, fmt.Errorf("%w: %w", page.ErrRefused, err)
	}
	return page.Invocation{}, err //nolint:wrapcheck // it says all
}

func kind(trigger mockplatform.Trigger) string {
	if trigger == mockplatform.Timer {
		return "timer"
	}
	return "async"
}

// fail notes that an invocation reached no function.
func (s *Server) fail(shown page.Invocation, status contract.Status, message string) {
	shown.Status, shown.StatusName, shown.ErrorMessage, shown.Failed = status.Code, status.Name, message, true
	s.note(shown)
}

// attempt delivers an event once.
func (s *Server) attempt(ctx context.Context, f *served, i async.Invocation) (async.Result, error) {
	trigger := mockplatform.Trigger(i.Trigger)
	shown := running(i.RequestID, f.about.Name, kind(trigger), i.Attempt)
	if i.Attempt > 1 {
		s.records.put(shown)
	}
	v, giveBack := f.take()
	defer giveBack()
	if v == nil {
		message := s.notActive(f)
		s.fail(shown, contract.StatusFunctionStatusError, message)
		return async.Result{StatusCode: contract.StatusFunctionStatusError.Code, Message: message}, nil
	}
	result, err := v.function.Deliver(ctx, i.RequestID, trigger, i.Event)
	if err != nil {
		return async.Result{}, err //nolint:wrapcheck // it says all
	}
	return async.Result{StatusCode: result.Status.Code, Message: s.platform.Mask(strings.TrimSpace(result.ErrorMessage))}, nil
}
