// Package instance is one container's life: prepared, started, ready, invoked, ended.
//
// In comes a Config and a sandbox; out comes an Instance that serves requests, or a StartError that says
// with which SCF status it failed and holds the evidence. Readiness is read from the sandbox's socket tables and
// confirmed by one bare IPv4 connection; the limit runs from the start of the container. It implements sections 4, 7
// and 8 of contract/runtime.md.
package instance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/sandbox"
)

// Config is what an instance is made from.
type Config struct {
	Engine engine.Engine
	Name   string   // unique within the run
	Image  string   // image id in the engine
	Argv   []string // resolved, never empty
	Env    []string
	User   string // "" keeps the image's
	// Volumes are the paths that the image declares. They are read-only, like the root, unless WritableRoot.
	Volumes      []string
	WritableRoot bool
	// TmpInLayer makes /tmp a part of the writable layer; MeasureLayer has its size in every Outcome.
	TmpInLayer, MeasureLayer bool
	MemoryMB                 int
	Port                     int // default 9000
	Concurrency              int // requests at a time; default 1
	InitTimeout              time.Duration
	// ConnectWhenReady makes one bare connection before the instance counts as ready (Q6).
	ConnectWhenReady bool
	KeepAlive        bool // connections to the function (R15)
	Freeze           bool // between requests (Q19)
	StrictAnswers    bool // an event's answer other than 2xx is a failure (Q16)
	OversizeStatus   int  // 407 or 410 for HTTP functions (Q9)
	// Live, if not nil, hears of each line of output when it has come. It must not block: the function would stand still.
	Live   func(Line)
	Logger *slog.Logger
}

// Line is a line of output as it came.
type Line struct {
	// RequestID is the request that it belongs to as far as that is known by then; empty for start-up and what comes
	// between requests.
	RequestID string
	Stream    Stream
	At        time.Time
	Text      string // without its end
}

// Timings of a cold start, each from the end of the one before.
type Timings struct {
	Create time.Duration // 0 if the container was made ahead
	Start  time.Duration // the engine's start call
	Ready  time.Duration // from the started container to a usable listener
}

// Instance is one running function.
type Instance struct {
	config    Config
	sandbox   *sandbox.Sandbox
	container engine.Container
	recorder  *recorder
	pipes     *pipes    // nil where no fence can be set
	startup   *turn     // nil where no fence has ended it
	fenced    time.Time // when the last fence was set

	outputEnded <-chan struct{}
	started     time.Time
	timings     Timings

	wires      *wires
	barriers   barriers
	terminated atomic.Bool // by us, at once
	relaxed    atomic.Bool // nobody waits for the output of the last request

	removing sync.Once
	removed  error

	freezing sync.Mutex
	frozen   bool
	inFlight int

	measuring    sync.Mutex
	measured     time.Time
	samples      float64 // that may be taken now
	peakBytes    int64
	memoryMethod string
	kills        int64
}

// StartError is a start that failed on account of the image. Faults of ours are other errors.
type StartError struct {
	Status   contract.Status
	Message  string // the platform's text for it
	Evidence diagnose.Evidence
}

// Error is the platform's text with the status in front.
func (e *StartError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status.Code, e.Status.Name, e.Message)
}

// Prepare makes the container in the sandbox and attaches to it, without starting it.
// The instance owns the sandbox from here on, also when an error is returned.
func Prepare(ctx context.Context, config Config, box *sandbox.Sandbox) (*Instance, error) {
	began := time.Now()
	config.Port = orElse(config.Port, contract.Port)
	i := &Instance{config: config, sandbox: box, recorder: newRecorder(config.Concurrency > 1, config.Live)}
	i.wires = &wires{dial: func(ctx context.Context) (net.Conn, error) { return box.Dial(ctx, config.Port) }}
	spec := engine.ContainerSpec{
		Name: config.Name, Role: "instance", Image: config.Image, Argv: config.Argv, Env: config.Env, User: config.User,
		JoinNetwork: box.Container(), ReadOnlyRoot: !config.WritableRoot,
		Volumes: config.Volumes, ReadOnlyVolumes: !config.WritableRoot,
		TmpSource: box.Tmp(),
		CPUs:      contract.CPUs(config.MemoryMB),
		OpenFiles: contract.MaxOpenFiles, Processes: contract.MaxProcesses,
		MemoryBytes: int64(config.MemoryMB) << 20,
	}
	switch {
	case config.TmpInLayer:
		spec.TmpSource, spec.TmpInLayer = "", true
	case spec.TmpSource == "":
		// The pages of a tmpfs count as memory of the function: without room for them a full /tmp would end it.
		spec.TmpBytes = contract.TmpBytes
		spec.MemoryBytes += contract.TmpBytes
	}
	c, err := config.Engine.Create(ctx, spec)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare instance: %w", err), box.Remove(context.WithoutCancel(ctx)))
	}
	i.container = c
	if i.outputEnded, err = c.Attach(ctx, i.recorder.writer(Stdout), i.recorder.writer(Stderr), i.rest); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare instance: %w", err), i.Remove(context.WithoutCancel(ctx)))
	}
	i.timings.Create = time.Since(began)
	return i, nil
}

func orElse[T comparable](value, fallback T) T {
	var none T
	if value == none {
		return fallback
	}
	return value
}

// PeakBytes is the most memory that the instance has used so far.
func (i *Instance) PeakBytes() int64 {
	bytes, _ := i.peak()
	return bytes
}

// About is what is known of an instance without asking the engine.
type About struct {
	ID        string    // the engine's id of the container
	Started   time.Time // when its process began
	Frozen    bool
	PeakBytes int64 // of memory so far
}

// About tells what is known of the instance.
func (i *Instance) About() About {
	i.freezing.Lock()
	frozen := i.frozen
	i.freezing.Unlock()
	i.measuring.Lock()
	defer i.measuring.Unlock()
	return About{ID: i.container.ID(), Started: i.started, Frozen: frozen, PeakBytes: i.peakBytes}
}

// Ahead tells that the container was made before anybody waited for it.
func (i *Instance) Ahead() { i.timings.Create = 0 }

// Fenced tells that Settle takes microseconds: the output of a request is ended by a fence, and not by waiting.
func (i *Instance) Fenced() bool {
	return i.pipes != nil && !i.shared() && !i.config.Freeze && !i.config.MeasureLayer
}

// Timings of the cold start; complete once Start has returned.
func (i *Instance) Timings() Timings { return i.timings }

// Remove ends the instance at once and removes its container and sandbox. Later calls tell what the first one did.
func (i *Instance) Remove(ctx context.Context) error {
	i.removing.Do(func() {
		i.wires.close()
		if i.pipes != nil {
			i.pipes.close()
		}
		i.removed = errors.Join(i.container.Remove(ctx), i.sandbox.Remove(ctx))
	})
	return i.removed
}

// Exited is closed when the instance's first process has ended.
func (i *Instance) Exited() <-chan struct{} { return i.container.Exited() }

// Changes lists what the instance changed in its writable layer.
func (i *Instance) Changes(ctx context.Context) ([]diagnose.Change, error) {
	found, err := i.container.Changes(ctx)
	changes := make([]diagnose.Change, 0, len(found))
	for _, c := range found {
		changes = append(changes, diagnose.Change{Path: c.Path, Kind: c.Kind})
	}
	return changes, err //nolint:wrapcheck // the engine names what failed
}

// Idle tells the pool that this instance was made ahead and is not starting for now.
func (i *Instance) Idle() { i.sandbox.Settled() }
