package mockplatform

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// Usage is what a function has been billed for so far (contract/runtime.md 12).
type Usage struct {
	Invocations int64
	// GBs are gigabyte-seconds of invocations; with several requests per instance overlapping time counts once (S11).
	GBs float64
	// ProvisionedIdleGBs are those of provisioned instances without a request, sampled every 10 s.
	ProvisionedIdleGBs float64
	// Statuses counts invocations by status code.
	Statuses map[int]int64
}

// Usage tells what the function has been billed for so far.
func (f *Function) Usage() Usage {
	f.mu.Lock()
	defer f.mu.Unlock()
	copied := f.usage
	copied.Statuses = map[int]int64{}
	maps.Copy(copied.Statuses, f.usage.Statuses)
	return copied
}

// count adds an invocation to the function's usage. Began is zero for one that no instance served.
func (f *Function) count(i *live, result *Result, began time.Time) {
	var span time.Duration
	if i != nil {
		i.mu.Lock()
		ended := began.Add(result.Duration)
		span = ended.Sub(later(began, i.billedUntil))
		i.billedUntil = later(ended, i.billedUntil)
		i.mu.Unlock()
	}
	var initialisation time.Duration
	if result.ColdStart != nil {
		initialisation = result.ColdStart.Total()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.usage.Invocations++
	if f.usage.Statuses == nil {
		f.usage.Statuses = map[int]int64{}
	}
	f.usage.Statuses[result.Status.Code]++
	if span > 0 {
		f.usage.GBs += contract.NewBill(span, initialisation, f.spec.MemoryMB, 0, f.readings).GBs
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// provisionedStep is how often idle provisioned instances are counted (contract/runtime.md 12, S22).
const provisionedStep = 10 * time.Second

// ErrNotPublished means that $LATEST cannot have provisioned instances.
var ErrNotPublished = errors.New("not a published version")

// Provision keeps so many instances started ahead of requests (contract/runtime.md 13). Only a published version can
// have them, else it is ErrNotPublished. It returns when they are ready; a start that fails on account of the image is
// a *StartError. Each start writes a Provisioned Report. 0 ends it: instances are then evicted like any others.
func (f *Function) Provision(ctx context.Context, instances int) error {
	if f.spec.Version == latest && instances > 0 {
		return fmt.Errorf("%w: %s of function %s cannot have provisioned instances; deploy it with a version such as 1", ErrNotPublished, latest, f.spec.Name)
	}
	f.mu.Lock()
	f.provisioned = instances
	f.mu.Unlock()
	f.scheduler.Keep(instances)
	if instances > 0 {
		f.sampleProvisioned()
	}
	for f.scheduler.Stats().Instances < instances {
		if err := f.provisionOne(ctx); err != nil {
			return err
		}
	}
	return nil
}

// provisionOne starts one instance and writes its report.
func (f *Function) provisionOne(ctx context.Context) error {
	id, err := NewRequestID()
	if err != nil {
		return err
	}
	started := time.Now()
	i, err := f.coldStart(ctx)
	if failed, ok := errors.AsType[*StartError](err); ok {
		result := Result{RequestID: id, Started: started, Status: failed.Status, ErrorMessage: failed.Message, Evidence: failed.Evidence}
		lines := append(tails(&result, time.Now()), LogLine{
			Source: FromPlatform, At: time.Now(),
			Text: contract.ErrorLine(id, contract.InvokeErrorBody(failed.Status, failed.Message, id)),
		})
		f.file(id, lines, result)
	}
	if err != nil {
		return err
	}
	cold := i.cold
	i.cold = nil
	startup, _ := i.Rest(ctx)
	lines := append(split(startup, true), LogLine{
		Source: FromPlatform, At: time.Now(),
		Text: contract.ProvisionedReportLine(id, cold.Pull, cold.Create+cold.Runtime, cold.Ready, f.spec.MemoryMB, cold.PeakBytes),
	})
	f.file(id, lines, Result{RequestID: id, Started: started, PeakBytes: cold.PeakBytes, Status: contract.StatusSuccess})
	if err := f.scheduler.Add(i); err != nil {
		f.discard(ctx, i)
		return ErrClosed
	}
	return nil
}

// replenish replaces a provisioned instance that has gone.
func (f *Function) replenish() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state != Active || f.provisioned == 0 {
		return
	}
	f.work.Go(func() {
		f.mu.Lock()
		wanted := f.provisioned
		f.mu.Unlock()
		if f.scheduler.Stats().Instances >= wanted {
			return
		}
		if err := f.provisionOne(f.life); err != nil && f.life.Err() == nil {
			f.platform.opts.Logger.Warn("could not replace a provisioned instance", "function", f.spec.Name, "error", err)
		}
	})
}

// sampleProvisioned counts idle provisioned instances from now on.
func (f *Function) sampleProvisioned() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ticker != nil || f.state != Active {
		return
	}
	f.ticker = time.AfterFunc(provisionedStep, func() {
		stats := f.scheduler.Stats()
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.state != Active {
			return
		}
		f.usage.ProvisionedIdleGBs += idleGBs(min(f.provisioned, stats.Instances), stats.Requests, f.spec.MemoryMB)
		f.ticker.Reset(provisionedStep)
	})
}

// idleGBs is one sample: max(started − concurrent, 0) instances idle for one step.
func idleGBs(started, concurrent, memoryMB int) float64 {
	return float64(max(started-concurrent, 0)) * contract.GBSeconds(memoryMB, provisionedStep)
}
