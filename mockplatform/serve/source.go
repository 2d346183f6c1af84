package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scfcert/scfcert/fixtures"
	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/serve/config"
	"github.com/scfcert/scfcert/mockplatform/serve/cron"
	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

// source is the server as the page sees it.
type source struct{ *Server }

// finished hears of every invocation that has ended.
func (s *Server) finished(i mockplatform.Invocation) {
	r := i.Result
	shown := page.Invocation{
		RequestID: r.RequestID, Function: i.Function.Spec().Name, Started: r.Started, Kind: "http", Method: i.Method, Path: i.Target, Status: r.Status.Code,
		StatusName: r.Status.Name, ErrorMessage: s.platform.Mask(r.ErrorMessage), Failed: r.Failed(), HTTPStatus: r.HTTPStatus, Duration: r.Duration,
		Billed: r.Bill.Billed, PeakBytes: r.PeakBytes, Attempt: 1,
	}
	if r.Event {
		shown.Kind, shown.Method, shown.Path = "event", "", ""
		shown.Result = []byte(s.platform.Mask(string(r.Body[:min(len(r.Body), keptResult)])))
	}
	if r.ColdStart != nil {
		shown.ColdStart = r.ColdStart.Total()
	}
	if cause, ok := r.Cause(); ok {
		shown.Problem = page.Text{EN: s.platform.Mask(cause.Summary.EN + ": " + cause.Found.EN), ZH: s.platform.Mask(cause.Summary.ZH + "：" + cause.Found.ZH)}
		shown.Fix = page.Text{EN: cause.Fix.EN, ZH: cause.Fix.ZH}
	}
	s.note(shown)
	s.live.end(mockplatform.LogEntry{Function: shown.Function, RequestID: r.RequestID}, r.Log)
	if shown.Failed && shown.Problem.EN != "" {
		s.live.flush() // so that this stands behind it
		s.console.say(shown.Function, r.RequestID[:shortID]+" "+shown.Problem.EN+"\nfix: "+shown.Fix.EN)
	}
}

// note remembers and counts an invocation that has ended.
func (s *Server) note(shown page.Invocation) {
	s.records.put(shown)
	s.metrics.Observe(shown)
}

// keptResult is as much of a result as is remembered: a little more than the page shows.
const keptResult = 64<<10 + 1

func (s source) Functions() []page.Function {
	all := make([]page.Function, 0, len(s.functions))
	for _, f := range s.functions {
		all = append(all, s.function(f))
	}
	return all
}

func (s *Server) function(f *served) page.Function {
	current, why := f.state()
	shown := page.Function{
		Name: f.about.Name, Type: string(f.about.Type), Image: f.about.Image, State: string(mockplatform.CreateFailed), URL: s.url(f), MemoryMB: f.about.MemoryMB,
		Timeout: f.about.Timeout, Concurrency: f.about.Concurrency, Provisioned: f.about.Provisioned,
		Problem: page.Text{EN: s.platform.Mask(why.found.en), ZH: s.platform.Mask(why.found.zh)}, Fix: page.Text{EN: why.fix.en, ZH: why.fix.zh},
	}
	for _, timer := range f.about.Timers {
		trigger := page.Trigger{Name: timer.Name, Kind: page.Timer, Schedule: timer.Cron, Enabled: timer.Enabled}
		if timer.Enabled {
			trigger.Next, _ = f.schedules[timer.Name].Next(time.Now())
		}
		shown.Triggers = append(shown.Triggers, trigger)
	}
	if current == nil {
		return shown
	}
	state, _ := current.function.State()
	shown.State, shown.MemoryMB = string(state), current.function.Spec().MemoryMB
	for _, i := range current.function.InstanceStates() {
		instance := page.Instance{ID: i.ID, State: page.Idle, Started: i.Started, Requests: i.Requests, PeakBytes: i.PeakBytes}
		switch {
		case i.Requests > 0:
			instance.State = page.Busy
		case i.Frozen:
			instance.State = page.Frozen
		}
		shown.Instances = append(shown.Instances, instance)
	}
	return shown
}

func (s source) Invocations(function string, limit int) []page.Invocation {
	return s.records.newest(function, limit)
}

func (s source) Lines(requestID string) []page.Line {
	return append(s.lines(mockplatform.LogQuery{RequestID: requestID}), s.soFar(requestID)...)
}

func (s source) Log(function, contains string, limit int) []page.Line {
	lines := append(s.lines(mockplatform.LogQuery{Function: function, Contains: contains, Limit: limit}), s.underWay(function, contains)...)
	if limit > 0 && len(lines) > limit {
		lines = lines[len(lines)-limit:]
	}
	return lines
}

func (s *Server) lines(query mockplatform.LogQuery) []page.Line {
	entries, _ := s.platform.Logs(query)
	return s.shownLines(entries)
}

func (s *Server) shownLines(entries []mockplatform.LogEntry) []page.Line {
	lines := make([]page.Line, 0, len(entries))
	for _, e := range entries {
		lines = append(lines, page.Line{
			RequestID: e.RequestID, At: e.At, Source: string(e.Source), Text: s.platform.Mask(e.Text), Init: e.Init, AfterResponse: e.AfterResponse,
		})
	}
	return lines
}

func (s source) Changes(ctx context.Context) <-chan struct{} { return s.records.changes(ctx) }

func (s source) Templates() []page.Template {
	var templates []page.Template
	for _, name := range fixtures.Triggers() {
		event, _ := fixtures.Event(name)
		templates = append(templates, page.Template{Name: name, Event: event})
	}
	return templates
}

// Invoke sends an event to an event function, at once or by way of its queue.
func (s source) Invoke(ctx context.Context, function string, event []byte, asynchronous bool) (page.Invocation, error) {
	f, ok := s.find(function)
	switch {
	case !ok:
		return page.Invocation{}, fmt.Errorf("%w: no function %q; there are %s", page.ErrUnknown, function, s.names())
	case f.about.Type != config.Event:
		return page.Invocation{}, fmt.Errorf("%w: %s is HTTP-triggered: send it a request at %s", page.ErrRefused, function, s.url(f))
	case asynchronous:
		return s.submit(ctx, f, mockplatform.AnyTrigger, event)
	}
	v, giveBack := f.take()
	defer giveBack()
	if v == nil {
		_, why := f.state()
		return page.Invocation{}, fmt.Errorf("%w: %s cannot be invoked: %s", page.ErrRefused, function, s.platform.Mask(why.found.en))
	}
	id, err := mockplatform.NewRequestID()
	if err != nil {
		return page.Invocation{}, err //nolint:wrapcheck // it says all
	}
	shown := running(id, function, "event", 1)
	s.records.put(shown)
	result, err := v.function.Deliver(ctx, id, mockplatform.AnyTrigger, event)
	if err != nil {
		return shown, err //nolint:wrapcheck // it says all
	}
	shown, _ = s.records.find(id)
	shown.Result = []byte(s.platform.Mask(string(result.Body))) // whole, for the one who asked
	return shown, nil
}

// running is an invocation that has no result yet.
func running(id, function, kind string, attempt int) page.Invocation {
	return page.Invocation{RequestID: id, Function: function, Started: time.Now(), Kind: kind, Status: contract.StatusRunning.Code, StatusName: contract.StatusRunning.Name, Attempt: attempt}
}

// Fire has a timer fire now.
func (s source) Fire(ctx context.Context, function, trigger string) error {
	f, ok := s.find(function)
	if !ok {
		return fmt.Errorf("%w: no function %q; there are %s", page.ErrUnknown, function, s.names())
	}
	err := f.timers.FireNow(ctx, trigger)
	if errors.Is(err, cron.ErrUnknownTimer) {
		return fmt.Errorf("%w: %w", page.ErrUnknown, err)
	}
	return err //nolint:wrapcheck // it says all
}
