// Package suite certifies a container image as SCF WebServer image function.
//
// In come Options; out comes a report. The runner fetches what it needs from the mock platform, stage by stage, has
// every requirement of the catalogue judged by its check, and draws the conclusion. It is plain Go: the binary, go test
// and other programs use the same. The suite never touches a container engine. See design.md, "The runner is plain Go".
package suite

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/suite/check"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
	"github.com/scfcert/scfcert/suite/waiver"
)

// Certify certifies an image. A report comes back in any case and is saved in Options.ReportDir; what kept us from
// assessing is its Fault and not an error. An error is ErrUsage, also where a waiver stands
// for what passes (waiver.ErrUnused; the report is without any waiver then), or report.ErrFolder when the report cannot be
// written.
func Certify(ctx context.Context, opts Options) (report.Report, error) {
	if err := opts.check(); err != nil {
		return report.Report{}, err
	}
	if opts.ReportDir != "" {
		if err := report.CheckDir(opts.ReportDir); err != nil {
			return report.Report{}, err //nolint:wrapcheck // it says all
		}
	}
	r := newRunner(opts)
	r.run(ctx)
	finished := r.finish()
	unused := waiver.Apply(&finished, opts.Waivers)
	if opts.ReportDir != "" {
		if err := report.Save(opts.ReportDir, finished); err != nil {
			return finished, err //nolint:wrapcheck // it says all
		}
	}
	if unused != nil {
		return finished, fmt.Errorf("%w: %w", ErrUsage, unused)
	}
	return finished, nil
}

// runner is one certification.
type runner struct {
	opts     Options
	types    []string
	started  time.Time
	platform *mockplatform.Platform
	observed check.Observations
	report   report.Report
	// first is the function of the first start, which later stages use on.
	first *mockplatform.Function
	// closing means that the function does not cope with connections that are kept open.
	closing bool
	// serving is the type of function that the image serves.
	serving mockplatform.Type

	mu sync.Mutex
	// durations of the stages, and what kept one from being fetched.
	durations map[check.Stage]time.Duration
	faults    map[check.Stage]error
	observing sync.Mutex // stages and layers are fetched by several goroutines
}

func newRunner(opts Options) *runner {
	r := &runner{
		opts: opts, started: time.Now(), types: []string{requirement.Event, requirement.HTTP},
		durations: map[check.Stage]time.Duration{}, faults: map[check.Stage]error{},
	}
	if opts.Type != TypeAuto {
		r.types = []string{opts.Type}
	}
	r.observed.Auto = opts.Type == TypeAuto
	r.observed.Readings, _ = opts.ReadingsInForce() // checked before
	if opts.InitTimeout != 0 {
		r.observed.Readings.InitTimeout = opts.InitTimeout
	}
	r.observed.InitTimeout = r.observed.Readings.InitTimeout
	reference := orElse(opts.Image, BuiltIn)
	r.report = report.Report{
		SchemaVersion: report.SchemaVersion, Tool: Tool(),
		Contract: report.Contract{Name: contract.Name, Version: opts.Contract, Basis: contract.Basis},
		Readings: r.observed.Readings.Differences(),
		Image:    report.Image{Reference: reference, Command: []string{}, Args: []string{}},
		Function: report.Function{
			Type: opts.Type, MemoryMB: opts.MemoryMB, Environment: slices.Sorted(maps.Keys(opts.Environment)),
			TimeoutSeconds:     int(orElse(opts.Timeout, contract.DefaultTimeout) / time.Second),
			InitTimeoutSeconds: int(r.observed.InitTimeout / time.Second),
		},
		StartedAt: r.started, Requirements: []report.Requirement{}, Margins: []report.Margin{}, Timings: map[string]int64{}, Waivers: []report.Waiver{},
	}
	if r.report.Function.Environment == nil {
		r.report.Function.Environment = []string{}
	}
	return r
}

// run fetches stage by stage and judges.
func (r *runner) run(ctx context.Context) {
	r.progress("start the platform", 0, 0)
	platform, err := mockplatform.Open(ctx, mockplatform.Options{
		Host: r.opts.Host, WatchCommand: r.opts.WatchCommand, Logger: r.opts.Logger, Readings: &r.observed.Readings, Tamper: r.opts.Tamper,
		PullProgress: func(done, total int64) {
			if r.observed.Candidate != nil { // the probe's is of no interest
				r.progress("pull image", done, total)
			}
		},
	})
	if err != nil {
		r.fault(ctx, err)
		r.judge()
		return
	}
	r.platform = platform
	r.stages(ctx)
	r.judge()
	r.progress("clean up", 0, 0)
	if err := platform.Close(ctx); err != nil {
		r.report.LeftBehind = err.Error() // the judgement stands
	}
}

// stage is one thing to fetch.
type stage struct {
	name  check.Stage
	fetch func(context.Context) error
}

// stages fetches what the checks need. A stage whose requirements are open already is left out. The first ones decide
// what comes after them, and a verdict on a start or a first answer is taken while nothing else runs; the rest goes on at
// the same time, as far as the machine has processors for it.
func (r *runner) stages(ctx context.Context) {
	for _, s := range []stage{
		{check.StageProbe, r.probe}, {check.StageImage, r.lookAtImage}, {check.StageStart, r.start},
		{check.StageEvent, r.event}, {check.StageHTTP, r.http},
	} {
		if r.wanted(s.name) && !r.fetch(ctx, s) {
			return
		}
	}
	var rest []stage
	for _, s := range []stage{
		{check.StageLife, r.life}, {check.StageHundred, r.hundred}, {check.StageEvents, r.events}, {check.StageRequests, r.requests},
		{check.StageInside, r.inside}, {check.StageAgain, r.again}, {check.StageUser, r.otherUser}, {check.StageRole, r.withoutRole},
		{check.StageWrites, r.writes}, {check.StageTmp, r.fillTmp}, {check.StageRecovery, r.recovery},
		{check.StageConcurrency, r.concurrency}, {check.StageStreaming, r.streaming}, {check.StageWebSocket, r.webSocket},
		{check.StagePlatform, r.restOfPlatform},
	} {
		if r.wanted(s.name) {
			rest = append(rest, s)
		}
	}
	r.serving = serves(r.findings())
	lanes := make(chan struct{}, r.lanes())
	var wait sync.WaitGroup
	for _, s := range rest { // each writes what it observes into a place of its own
		lanes <- struct{}{}
		wait.Go(func() {
			defer func() { <-lanes }()
			if ctx.Err() == nil {
				r.fetch(ctx, s)
			}
		})
	}
	wait.Wait()
}

// lanes is how many stages are fetched at a time.
func (r *runner) lanes() int {
	lanes := orElse(r.opts.Procs, runtime.GOMAXPROCS(0))
	if share := contract.CPUs(r.observed.MemoryMB); share > 0 {
		lanes = min(lanes, int(float64(r.platform.Engine().CPUs)/share))
	}
	return max(lanes, 1)
}

// fetch runs one stage and tells whether it went well.
func (r *runner) fetch(ctx context.Context, s stage) bool {
	r.progress(string(s.name), 0, 0)
	began := time.Now()
	err := s.fetch(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.durations[s.name] = time.Since(began)
	if err != nil {
		r.faults[s.name] = err
		if r.report.Fault == "" {
			r.fault(ctx, err)
		}
		return false
	}
	return true
}

// wanted tells whether some check of a stage can be judged once it is fetched.
func (r *runner) wanted(name check.Stage) bool {
	found := r.findings()
	return slices.ContainsFunc(check.All(), func(c check.Check) bool {
		f, selected := found[c.Requirement]
		return c.Stage == name && selected && f.Because == ""
	})
}

func (r *runner) selected(q requirement.Requirement) bool {
	return q.Since <= r.opts.Contract && slices.ContainsFunc(r.types, func(kind string) bool { return slices.Contains(q.Types, kind) })
}

// fault notes what kept us from going on.
func (r *runner) fault(ctx context.Context, err error) {
	r.report.Fault, r.report.FaultReason = err.Error(), faultReason(err)
	switch {
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		r.report.Fault = fmt.Sprintf("ran out of time after %s; allow more (go test -timeout)", time.Since(r.started).Round(time.Second))
	case ctx.Err() != nil:
		r.report.Fault = fmt.Sprintf("interrupted after %s", time.Since(r.started).Round(100*time.Millisecond))
	}
}

// faultReason is the reason code of what kept us from assessing.
func faultReason(err error) diagnose.Code {
	for sentinel, code := range map[error]diagnose.Code{
		image.ErrNotFound: diagnose.ImageNotFound, image.ErrDenied: diagnose.ImageAccessDenied,
		image.ErrUnreachable: diagnose.RegistryUnreachable, image.ErrInvalid: diagnose.ImageInvalid,
	} {
		if errors.Is(err, sentinel) {
			return code
		}
	}
	return diagnose.PlatformFault
}

func (r *runner) progress(stage string, done, total int64) {
	if r.opts.Observer != nil {
		r.observing.Lock()
		defer r.observing.Unlock()
		r.opts.Observer(Progress{Stage: stage, Done: done, Total: total})
	}
}

// findings judges every selected check whose stage was fetched. Those that need a function which serves come after those
// that tell whether it does.
func (r *runner) findings() map[string]check.Finding {
	found := map[string]check.Finding{}
	checks := check.All()
	slices.SortStableFunc(checks, func(a, b check.Check) int {
		return cmp.Compare(rank(a.Stage), rank(b.Stage))
	})
	for _, c := range checks {
		q, _ := requirement.ByID(c.Requirement)
		if !r.selected(q) {
			continue
		}
		blocking := blockedBy(q, found)
		if blocking == "" && check.NeedsService(c.Stage) && serves(found) == "" {
			blocking = unserved(found)
		}
		_, fetched := r.durations[c.Stage]
		switch {
		case blocking != "":
			found[q.ID] = check.Finding{Outcome: check.NotAssessed, Because: blocking}
		case !fetched || r.faults[c.Stage] != nil:
			found[q.ID] = check.Finding{Outcome: check.NotAssessed}
		default:
			found[q.ID] = c.Judge(r.observed)
		}
	}
	return found
}

// rank orders stages by whether they need a function that serves.
func rank(stage check.Stage) int {
	if check.NeedsService(stage) {
		return 1
	}
	return 0
}

// firstAnswers are the requirements that a first event or a first HTTP request has to meet.
func firstAnswers() map[mockplatform.Type][]string {
	return map[mockplatform.Type][]string{mockplatform.Event: {"event.answers", "event.timeout"}, mockplatform.HTTP: {"http.answers", "http.timeout"}}
}

// serves tells the type of function that the image serves, events before HTTP requests; empty if none.
func serves(found map[string]check.Finding) mockplatform.Type {
	for _, kind := range []mockplatform.Type{mockplatform.Event, mockplatform.HTTP} {
		if !slices.ContainsFunc(firstAnswers()[kind], func(id string) bool { return found[id].Outcome != check.Pass }) {
			return kind
		}
	}
	return ""
}

// unserved names the requirement for whose sake the image serves nothing; empty where nobody has looked yet.
func unserved(found map[string]check.Finding) string {
	for _, kind := range []mockplatform.Type{mockplatform.Event, mockplatform.HTTP} {
		for _, id := range firstAnswers()[kind] {
			if found[id].Outcome == check.Fail {
				return id
			}
		}
	}
	return ""
}

// blockedBy names the requirement at the root of why another cannot be assessed; empty if it can.
func blockedBy(q requirement.Requirement, found map[string]check.Finding) string {
	for _, id := range q.Preconditions {
		switch f := found[id]; f.Outcome {
		case check.Fail:
			return id
		case check.NotAssessed:
			if f.Because != "" {
				return f.Because
			}
		case check.Pass, check.NotApplicable:
		}
	}
	return ""
}

// judge files every requirement and draws the conclusion.
func (r *runner) judge() {
	found := r.findings()
	stages := map[string]check.Stage{}
	for _, c := range check.All() {
		stages[c.Requirement] = c.Stage
	}
	for _, q := range requirement.Of(r.opts.Contract) {
		f, ok := found[q.ID]
		if !ok {
			f = check.Finding{Outcome: check.NotApplicable, Note: "only for another type of function than " + r.opts.Type}
		}
		entry := entry(q, f)
		if f.Outcome != check.NotAssessed && f.Outcome != check.NotApplicable {
			entry.DurationMS = r.durations[stages[q.ID]].Milliseconds()
		}
		if f.Outcome == check.NotAssessed && f.Because == "" {
			reason, _ := diagnose.ReasonOf(r.report.FaultReason)
			entry.Reason, entry.Found, entry.Fix = reason.Code, &diagnose.Text{EN: r.report.Fault, ZH: r.report.Fault}, &reason.Fix
		}
		r.report.Requirements = append(r.report.Requirements, entry)
	}
	r.report.Conclude(r.types)
	r.report.ForgiveOtherType()
}

func entry(q requirement.Requirement, f check.Finding) report.Requirement {
	e := report.Requirement{
		ID: q.ID, Title: q.Title, Level: q.Level, Subject: q.Subject, Observed: q.Observed, Types: q.Types,
		Outcome: report.Outcome(f.Outcome), Because: f.Because, Clause: q.Clause, Evidence: f.Evidence,
	}
	if f.Outcome == check.Fail {
		cause := f.Cause
		e.Reason, e.Found, e.Required, e.Fix, e.AlsoPossible = cause.Code, &cause.Found, &cause.Required, &cause.Fix, cause.AlsoPossible
		if q.Level != requirement.Must {
			e.Outcome = report.Warn
		}
	}
	if f.Note != "" {
		e.Found = &diagnose.Text{EN: f.Note, ZH: f.Note}
	}
	return e
}

// finish completes the report.
func (r *runner) finish() report.Report {
	r.report.FinishedAt = time.Now()
	r.report.DurationMS = r.report.FinishedAt.Sub(r.started).Milliseconds()
	if r.platform != nil {
		return masked(r.report, r.platform.Mask)
	}
	return r.report
}

// masked hides the marker credentials wherever they may stand in a report.
func masked(r report.Report, mask func(string) string) report.Report {
	text, err := json.Marshal(r)
	if err != nil {
		return r // it cannot be written either, which the writer says
	}
	var clean report.Report
	if err := json.Unmarshal([]byte(mask(string(text))), &clean); err != nil {
		return r
	}
	return clean
}
