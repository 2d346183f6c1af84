package instance

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/engine"
)

// Memory is sampled at most so often, and as often at once after a pause: a reading costs some 100 µs, which single
// requests can bear and floods of them cannot. What lies between two samples the kernel remembers (VmHWM).
const (
	sampleEvery = 50 * time.Millisecond
	sampleBurst = 20
	longRequest = 20 * time.Millisecond // is sampled while it runs
)

// freeze stops the instance between two requests, where the reading says so and nobody is being served.
func (i *Instance) freeze(ctx context.Context) {
	if !i.config.Freeze {
		return
	}
	i.freezing.Lock()
	defer i.freezing.Unlock()
	i.inFlight--
	if i.inFlight > 0 || i.gone() {
		return
	}
	if err := i.container.Freeze(ctx); err != nil {
		i.config.Logger.Warn("could not freeze an instance", "instance", i.config.Name, "error", err)
		return
	}
	i.frozen = true
}

// thaw lets it go on for a request.
func (i *Instance) thaw(ctx context.Context) error {
	if !i.config.Freeze {
		return nil
	}
	i.freezing.Lock()
	defer i.freezing.Unlock()
	i.inFlight++
	if !i.frozen {
		return nil
	}
	if err := i.container.Thaw(ctx); err != nil && !i.gone() {
		return fmt.Errorf("thaw instance: %w", err)
	}
	i.frozen = false
	return nil
}

// measure takes a sample of the memory, unless one was taken just before.
func (i *Instance) measure(ctx context.Context) {
	i.measuring.Lock()
	defer i.measuring.Unlock()
	now := time.Now()
	i.samples = min(i.samples+now.Sub(i.measured).Seconds()/sampleEvery.Seconds(), sampleBurst)
	i.measured = now
	if i.samples < 1 || i.gone() {
		return
	}
	i.samples--
	m, err := i.container.Memory(ctx)
	if err != nil {
		i.config.Logger.Debug("could not measure memory", "instance", i.config.Name, "error", err)
		return
	}
	i.peakBytes = max(i.peakBytes, m.PeakBytes)
	i.memoryMethod = m.Method
	i.kills = max(i.kills, m.Kills)
}

func (i *Instance) peak() (bytes int64, method string) {
	i.measuring.Lock()
	defer i.measuring.Unlock()
	return i.peakBytes, i.memoryMethod
}

// sampleWhileBusy samples the memory of requests that take long; the result ends it.
func (i *Instance) sampleWhileBusy(ctx context.Context) (end func()) {
	var mu sync.Mutex
	var timer *time.Timer
	ended := false
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(longRequest, func() {
		i.measure(ctx)
		mu.Lock()
		defer mu.Unlock()
		if !ended {
			timer.Reset(2 * sampleEvery)
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		ended = true
		timer.Stop()
	}
}

// Connect makes one bare connection to the function's port and closes it.
func (i *Instance) Connect(ctx context.Context) error {
	return i.sandbox.Connect(ctx, i.config.Port) //nolint:wrapcheck // it says all
}

// Usage is what an instance holds at a moment.
type Usage struct {
	engine.Processes

	TmpBytes    int64 // of files in /tmp
	MemoryBytes int64
}

// Usage measures the instance now; engine.ErrNotVisible where it cannot be seen.
func (i *Instance) Usage(ctx context.Context) (Usage, error) {
	var u Usage
	var err error
	if u.Processes, err = i.container.Processes(ctx); err != nil {
		return u, fmt.Errorf("look at instance: %w", err)
	}
	if u.TmpBytes, _, err = i.sandbox.TmpUsage(); err != nil {
		return u, fmt.Errorf("look at instance: %w", err)
	}
	m, err := i.container.Memory(ctx)
	u.MemoryBytes = m.Bytes
	return u, err //nolint:wrapcheck // the engine names what failed
}

// FillTmp fills the instance's /tmp; the result gives the room back. engine.ErrNotVisible where that cannot be done.
func (i *Instance) FillTmp() (free func() error, err error) {
	return i.sandbox.FillTmp() //nolint:wrapcheck // it says all
}

// Kill ends the instance at once.
func (i *Instance) Kill(ctx context.Context) error {
	if err := i.container.Signal(context.WithoutCancel(ctx), "KILL"); err != nil && !i.gone() {
		return err //nolint:wrapcheck // the engine names what failed
	}
	return nil
}

// Terminate ends the requests under way: by SIGTERM, which the function may answer by finishing them, or at once, in
// which case they end as cancelled (contract/runtime.md 10, "Stop").
func (i *Instance) Terminate(ctx context.Context, graceful bool) error {
	if !graceful {
		i.terminated.Store(true)
		return i.Kill(ctx)
	}
	return i.container.Signal(ctx, "TERM") //nolint:wrapcheck // the engine names what failed
}

// Stop ends an instance without requests by SIGTERM and, if it is not gone in time, at once. It tells whether it went
// by itself.
func (i *Instance) Stop(ctx context.Context, grace time.Duration) (byItself bool, err error) {
	if err := i.thaw(ctx); err != nil {
		return false, err
	}
	if err := i.container.Signal(ctx, "TERM"); err != nil && !i.gone() {
		return false, err //nolint:wrapcheck // the engine names what failed
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-i.container.Exited():
		return true, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return false, i.Kill(ctx)
}

// outOfMemory tells whether the kernel killed a process of the instance for its memory, be it a child.
func (i *Instance) outOfMemory() bool {
	select {
	case <-i.container.OutOfMemory():
		return true
	default:
	}
	i.measuring.Lock()
	defer i.measuring.Unlock()
	return i.kills > 0
}
