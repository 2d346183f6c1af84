package matrix

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/engine"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

// Options is how a plan is certified.
type Options struct {
	// ReportDir gets the overview, and below it a folder for each run.
	ReportDir string
	// Parallel is how many runs go on at a time; 0: as the engine's processors and memory allow.
	Parallel int
	// Resume keeps what an earlier call has certified in the same folder, if neither the settings nor the image nor this
	// program nor the report have changed since and there was a verdict.
	Resume bool
	// Host is the engine's endpoint; empty looks for it.
	Host string
	// WatchCommand starts a watcher; see mockplatform.Options.
	WatchCommand []string
	// Observer hears of runs; nil keeps it to ourselves.
	Observer func(Progress)
	Logger   *slog.Logger
}

// Progress is a step of one run. Calls come one at a time.
type Progress struct {
	Run   string
	State State
	// Report is valid unless the state is Started, and Err where a run ended with one.
	Report report.Report
	Err    error
}

// State is what a Progress tells.
type State string

// The states of a run.
const (
	Started State = "started"
	Ended   State = "ended"
	Again   State = "again" // it ended, and is to be certified again alone
	Kept    State = "kept"  // an earlier call has certified it
)

// Certify certifies a plan and writes the overview, which comes back. What keeps one run from its end is in its entry.
// An error is report.ErrFolder, the engine's, or the context's: then the overview, which is written where it can be, tells
// what was not run.
func Certify(ctx context.Context, plan Plan, opts Options) (report.Overview, error) {
	if err := report.CheckDir(opts.ReportDir); err != nil {
		return report.Overview{}, err //nolint:wrapcheck // it says all
	}
	m := &machine{opts: opts, runs: make([]running, len(plan.Runs)), began: time.Now(), program: thisProgram()}
	for n := range plan.Runs {
		m.runs[n] = running{Run: &plan.Runs[n], entry: report.OverviewRun{Image: plan.Runs[n].Image, Variant: plan.Runs[n].Variant, State: report.NotRun}}
	}
	if m.opts.Logger == nil {
		m.opts.Logger = slog.New(slog.DiscardHandler)
	}
	err := m.prepare(ctx)
	if err == nil {
		m.together(ctx)
		m.alone(ctx)
		err = context.Cause(ctx)
	}
	overview := m.overview(plan)
	return overview, errors.Join(err, report.SaveOverview(opts.ReportDir, overview))
}

// running is one run and what has become of it.
type running struct {
	*Run

	entry report.OverviewRun
	// shared means that others ran beside it, and doubtful that it may have failed on their account.
	shared, doubtful bool
}

// machine certifies a plan.
type machine struct {
	opts  Options
	began time.Time
	runs  []running
	means means
	past  record
	// program is this one, as thisProgram tells it.
	program string

	mu     sync.Mutex
	active []*running
}

// prepare asks the engine for its means and finds what need not be done again.
func (m *machine) prepare(ctx context.Context) (err error) {
	m.past = readRecord(m.opts.ReportDir)
	p, err := mockplatform.Open(ctx, mockplatform.Options{Host: m.opts.Host, WatchCommand: m.opts.WatchCommand, Logger: m.opts.Logger})
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	defer func() { err = errors.Join(err, p.Close(context.WithoutCancel(ctx))) }()
	m.means = meansOf(p.Engine(), m.opts.Parallel)
	if !m.opts.Resume {
		m.past = record{}
	}
	m.keep(ctx, func(reference string) (string, error) {
		candidate, err := samplefunctions.Resolve(ctx, p, reference, func(string, int64, int64) {})
		if err != nil {
			return "", err //nolint:wrapcheck // it is certified again, which tells
		}
		return candidate.Digest.String(), nil
	})
	return m.past.write(m.opts.ReportDir)
}

// keep takes reports of an earlier call that have a verdict on the image as it is now, and forgets the others. Digest
// looks at an image. When the context ends, what it has not come to stays as it is.
func (m *machine) keep(ctx context.Context, digest func(reference string) (string, error)) {
	digests := map[string]string{} // "" where there is none
	for n := range m.runs {
		r := &m.runs[n]
		earlier, ok := m.earlier(r)
		if image := r.Options.Image; ok {
			if _, known := digests[image]; !known {
				digests[image], _ = digest(image)
			}
			ok = digests[image] != "" && digests[image] == earlier.Image.Digest
		}
		switch {
		case ctx.Err() != nil:
			return
		case !ok:
			delete(m.past, r.Name())
		default:
			r.entry = report.Summarize(r.entry, earlier)
			r.entry.State = report.RunKept
			m.tell(Progress{Run: r.Name(), State: Kept, Report: earlier})
		}
	}
}

// earlier is the report of an earlier call with the same settings, if it has a verdict.
func (m *machine) earlier(r *running) (report.Report, bool) {
	noted, ok := m.past[r.Name()]
	if !ok {
		return report.Report{}, false
	}
	earlier, text, err := report.LoadText(filepath.Join(m.dir(r), "report.json"))
	return earlier, err == nil && earlier.Verdict != report.Inconclusive && noted == fingerprint(m.program, r.Run, text)
}

func (m *machine) dir(r *running) string {
	return filepath.Join(m.opts.ReportDir, filepath.FromSlash(r.Name()))
}

// together certifies everything, as much at a time as there are means for, in the order of the plan.
func (m *machine) together(ctx context.Context) {
	room := semaphore.NewWeighted(m.means.room)
	var wait sync.WaitGroup
	for n := range m.runs {
		r := &m.runs[n]
		if r.entry.State == report.RunKept {
			continue
		}
		share := m.means.of(r.Options.MemoryMB)
		if room.Acquire(ctx, share) != nil {
			break
		}
		wait.Go(func() {
			defer room.Release(share)
			m.enter(r)
			m.certify(ctx, r)
		})
	}
	wait.Wait()
}

// enter notes who runs beside whom.
func (m *machine) enter(r *running) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active = append(m.active, r)
	if len(m.active) > 1 {
		for _, other := range m.active {
			other.shared = true
		}
	}
}

// leave tells whether others ran beside it.
func (m *machine) leave(r *running) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active = slices.DeleteFunc(m.active, func(other *running) bool { return other == r })
	return r.shared
}

// certify certifies one run.
func (m *machine) certify(ctx context.Context, r *running) {
	m.tell(Progress{Run: r.Name(), State: Started})
	opts := r.Options
	opts.ReportDir, opts.Host, opts.WatchCommand, opts.Logger = m.dir(r), m.opts.Host, m.opts.WatchCommand, m.opts.Logger
	if m.means.room > 1 && !r.doubtful {
		opts.Procs = 1
	}
	finished, err := suite.Certify(ctx, opts)
	shared := m.leave(r)
	again := r.doubtful
	r.entry = report.Summarize(report.OverviewRun{Image: r.Image, Variant: r.Variant}, finished)
	r.entry.State, r.entry.Alone, r.entry.Again = report.RunEnded, !shared, again
	if err != nil {
		r.entry.Error = err.Error()
	}
	if errors.Is(err, report.ErrFolder) {
		r.entry.Folder = "" // what is there is not this report, or not all of it
	}
	r.doubtful = !again && shared && err == nil && doubtful(&finished)
	state := Ended
	if r.doubtful {
		state = Again
	}
	m.tell(Progress{Run: r.Name(), State: state, Report: finished, Err: err})
	if err == nil && !r.doubtful && ctx.Err() == nil {
		m.note(r, &finished)
	}
}

// doubtful tells whether a report might be another one on a machine that does nothing else. What was seen without
// running the image stays as it is.
func doubtful(r *report.Report) bool {
	return r.FaultReason == diagnose.PlatformFault || slices.ContainsFunc(r.Requirements, func(q report.Requirement) bool {
		return q.Outcome == report.Fail && q.Observed != requirement.Static || q.Outcome == report.Warn && slices.Contains(timed(), q.ID)
	})
}

// timed are the SHOULDs that are judged by a time.
func timed() []string { return []string{"start.headroom", "life.sigterm"} }

// alone certifies once more, one by one, what did not hold beside others. A failure that is not certified again, because
// the context has ended, does not count.
func (m *machine) alone(ctx context.Context) {
	for n := range m.runs {
		switch r := &m.runs[n]; {
		case !r.doubtful:
		case ctx.Err() == nil:
			r.shared = false
			m.enter(r)
			m.certify(ctx, r)
		case r.entry.Verdict == report.NonConformant:
			r.entry.Error = "it failed beside other runs, and was interrupted before it could be certified alone; go on with --resume"
		}
	}
}

// note remembers that a run is done, and with which report, so that it can be kept. That it cannot be noted costs a
// repetition, no more.
func (m *machine) note(r *running, finished *report.Report) {
	var saved bytes.Buffer
	err := report.WriteJSON(&saved, *finished)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.past[r.Name()] = fingerprint(m.program, r.Run, saved.Bytes())
		err = m.past.write(m.opts.ReportDir)
	}
	if err != nil {
		m.opts.Logger.Warn("--resume will certify this run again", "run", r.Name(), "reason", err)
	}
}

func (m *machine) tell(p Progress) {
	if m.opts.Observer != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.opts.Observer(p)
	}
}

func (m *machine) overview(plan Plan) report.Overview {
	o := report.Overview{
		SchemaVersion: report.OverviewVersion, Tool: suite.Tool(), Images: plan.Images, Variants: plan.Variants,
		StartedAt: m.began, FinishedAt: time.Now(),
	}
	for n := range m.runs {
		o.Runs = append(o.Runs, m.runs[n].entry)
	}
	return o
}

// means are what a machine can do at a time, in shares.
type means struct {
	room   int64
	memory int64 // bytes of one share; 0 counts runs only
}

// meansOf gives a share to each processor, and at most as many as there is memory for.
func meansOf(e engine.Info, parallel int) means {
	if parallel > 0 {
		return means{room: int64(parallel)}
	}
	const least = 3 << 30 // a few instances of a middling function, and their /tmp
	room := max(min(int64(e.CPUs), e.MemoryBytes/least), 1)
	return means{room, max(e.MemoryBytes/room, 1)}
}

// of is how many shares a function takes: several instances of it run at a time, each with its processors.
func (m means) of(memoryMB int) int64 {
	if m.memory == 0 {
		return 1
	}
	const instances = 4
	cpus := int64(contract.CPUs(memoryMB) + 0.5) //nolint:mnd // rounded
	bytes := int64(memoryMB) << 20 * instances
	return min(max(cpus, (bytes+m.memory-1)/m.memory, 1), m.room)
}
