package mockplatform

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/instance"
	"github.com/scfcert/scfcert/mockplatform/registry"
)

// ColdStart tells how an instance came to be.
type ColdStart struct {
	Pull    time.Duration // the engine's pull with the temporary credential; 0 where the image was prefetched
	Create  time.Duration // making the container; 0 if it was made ahead
	Runtime time.Duration // the engine's start of it
	Ready   time.Duration // from the started container to a usable listener
	// PeakBytes is the memory used until then.
	PeakBytes int64
	// Transfers is what the pull really moved; an image that the engine holds already moves nothing.
	Transfers registry.Transfers
}

// Total is the whole cold start.
func (c ColdStart) Total() time.Duration { return c.Pull + c.Create + c.Runtime + c.Ready }

// prepared is an instance that was made ahead of a start, from an image that the engine holds.
type prepared struct {
	instance *instance.Instance
	image    string
}

func gone(i *instance.Instance) bool {
	select {
	case <-i.Exited():
		return true
	default:
		return false
	}
}

// Start makes one instance ready ahead of the first request. A failure of the image is a *StartError.
func (f *Function) Start(ctx context.Context) (ColdStart, error) {
	i, err := f.coldStart(ctx)
	if err != nil {
		return ColdStart{}, err
	}
	cold := *i.cold
	if err := f.scheduler.Add(i); err != nil {
		f.discard(ctx, i)
		return ColdStart{}, ErrClosed
	}
	return cold, nil
}

// coldStart is the way of an image to a ready instance: credential, pull, create, start, ready.
func (f *Function) coldStart(ctx context.Context) (*live, error) {
	if err := f.platform.burst.Take(); err != nil {
		return nil, err //nolint:wrapcheck // made into a result
	}
	began := time.Now()
	cold := &ColdStart{}
	imageID := f.cached
	if imageID == "" {
		var err error
		if imageID, err = f.pull(ctx); err != nil {
			return nil, err
		}
		cold.Pull, cold.Transfers = time.Since(began), f.Transfers()
	}
	i, err := f.takePrepared(ctx, imageID)
	if err != nil {
		return nil, err
	}
	if err := i.Start(ctx, f.startDeadline(cold.Pull)); err != nil {
		if failed, ok := errors.AsType[*StartError](err); ok && f.spec.WritableRoot {
			if changes, err := i.Changes(ctx); err == nil {
				failed.Evidence.WritableRoot = &diagnose.Experiment{Changes: changes}
			}
		}
		f.remove(ctx, i)
		return nil, err //nolint:wrapcheck // a StartError is the result
	}
	timings := i.Timings()
	cold.Create, cold.Runtime, cold.Ready, cold.PeakBytes = timings.Create, timings.Start, timings.Ready, i.PeakBytes()
	f.prepareAhead(imageID)
	return &live{Instance: i, cold: cold}, nil
}

// initTimeout is the limit in force for the start, and whether it was set or is the platform's own.
func (f *Function) initTimeout() (limit time.Duration, set bool) {
	limit = orElse(f.spec.InitTimeout, f.readings.InitTimeout)
	return limit, f.spec.InitTimeout != 0 || f.readings.InitTimeout != contract.DefaultInitTimeout
}

// startDeadline ends a start whose limit covers the pull; zero where it does not (R7). What the platform needs to make
// room for an instance counts for nobody.
func (f *Function) startDeadline(pull time.Duration) time.Time {
	if limit, set := f.initTimeout(); set {
		return time.Now().Add(max(limit-pull, 0))
	}
	return time.Time{}
}

// pull gets the image into the engine with a temporary credential and tells its id there. A credential that expired on
// the way is renewed once.
func (f *Function) pull(ctx context.Context) (string, error) {
	limit, set := f.initTimeout()
	if !set {
		limit = contract.MaxInitTimeout // a slow disk never fails the 30 s (R7), and a pull without end has to end
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	reference := f.platform.registry.Address() + "/" + f.repository + ":" + imageTag
	credential := f.platform.registry.Issue(f.repository)
	err := f.pullWith(limited, reference, credential)
	if errors.Is(err, engine.ErrPullRefused) && f.platform.registry.Expired(credential) {
		err = f.pullWith(limited, reference, f.platform.registry.Issue(f.repository))
	}
	if err != nil {
		return "", f.pullFailed(ctx, limited, limit, err)
	}
	found, err := f.platform.engine.InspectImage(ctx, reference)
	// Another run on this engine that removes the same image just now takes it away under our name too.
	for tries := 0; errors.Is(err, engine.ErrImageNotFound) && tries < morePulls; tries++ {
		if err = f.pullWith(limited, reference, f.platform.registry.Issue(f.repository)); err != nil {
			return "", f.pullFailed(ctx, limited, limit, err)
		}
		found, err = f.platform.engine.InspectImage(ctx, reference)
	}
	if err != nil {
		return "", fmt.Errorf("find the pulled image: %w", err)
	}
	return found.ID, nil
}

// morePulls is how often an image is pulled again that has gone before it could be used.
const morePulls = 3

func (f *Function) pullWith(ctx context.Context, reference string, credential engine.Credential) error {
	defer f.platform.registry.Revoke(credential.Username)
	var progress func(engine.PullProgress)
	if hear := f.platform.opts.PullProgress; hear != nil {
		progress = func(p engine.PullProgress) { hear(p.DoneBytes, p.TotalBytes) }
	}
	return f.platform.engine.PullImage(ctx, reference, credential, progress) //nolint:wrapcheck // sorted by the caller
}

// pullFailed tells what the image is to blame for from what we are.
func (f *Function) pullFailed(ctx, limited context.Context, limit time.Duration, err error) error {
	failed := func(status contract.Status, message, text string) error {
		return &StartError{Status: status, Message: message, Evidence: diagnose.Evidence{
			Phase: diagnose.PhasePull, PullError: text, Argv: f.argv, MemoryMB: f.spec.MemoryMB, InitTimeout: limit,
		}}
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("pull the image: %w", ctx.Err())
	case limited.Err() != nil:
		return failed(contract.StatusPullImageTimeout, contract.StatusPullImageTimeout.Message(), fmt.Sprintf("not finished within %s", limit))
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, engine.ErrDiskFull):
		return fmt.Errorf("pull the image: %w", err)
	case errors.Is(err, engine.ErrRegistryUnreachable):
		info := f.platform.Engine()
		return fmt.Errorf("%w: %s at %s could not reach our registry at %s; run on the engine's own machine, with a rootful engine (%w)",
			ErrEngineElsewhere, info.Name, info.Host, f.platform.registry.Address(), err)
	default:
		return failed(contract.StatusPullImageFailed, contract.PullFailedMessage(err.Error()), err.Error())
	}
}

// takePrepared gives an instance that was made ahead, if it is of this image, or makes one.
func (f *Function) takePrepared(ctx context.Context, imageID string) (*instance.Instance, error) {
	for {
		f.mu.Lock()
		n := len(f.ahead)
		if n == 0 {
			f.mu.Unlock()
			return f.prepare(ctx, imageID)
		}
		made := f.ahead[n-1]
		f.ahead = f.ahead[:n-1]
		f.mu.Unlock()
		if made.image == imageID {
			made.instance.Ahead()
			return made.instance, nil
		}
		f.remove(ctx, made.instance)
	}
}

// prepare makes an instance that is not started.
func (f *Function) prepare(ctx context.Context, imageID string) (*instance.Instance, error) {
	box, err := f.platform.pool.Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("take a sandbox: %w", err)
	}
	limit, _ := f.initTimeout()
	inLayer := f.readings.RootFilesystem == "writable"
	config := instance.Config{
		Engine: f.platform.engine, Name: fmt.Sprintf("%s-%d", f.spec.Name, f.platform.serial.Add(1)),
		Image: imageID, Argv: f.argv, Env: f.environment(), Volumes: slices.Sorted(maps.Keys(f.spec.Image.Config.Config.Volumes)),
		WritableRoot: f.spec.WritableRoot || f.spec.ImageTmp || inLayer, TmpInLayer: f.spec.ImageTmp || inLayer, MeasureLayer: inLayer,
		MemoryMB: f.spec.MemoryMB, Port: f.spec.ImagePort, Concurrency: f.spec.Concurrency, InitTimeout: limit,
		ConnectWhenReady: f.readings.ReadinessProbe == "connect", KeepAlive: f.readings.UpstreamKeepAlive,
		Freeze: f.readings.FreezeBetween, StrictAnswers: f.readings.NonSuccessAnswer == "strict",
		OversizeStatus: f.readings.OversizeStatus, Logger: f.platform.opts.Logger,
	}
	if hear := f.platform.opts.Live; hear != nil {
		config.Live = func(line instance.Line) {
			hear(LogEntry{
				LogLine:   LogLine{Source: Source(line.Stream), At: line.At, Text: line.Text},
				Namespace: f.spec.Namespace, Function: f.spec.Name, Qualifier: f.spec.Version, RequestID: line.RequestID,
			})
		}
	}
	if f.readings.ProcessUser != "image" {
		config.User = f.readings.ProcessUser
	}
	i, err := instance.Prepare(ctx, config, box)
	if err != nil {
		return nil, err //nolint:wrapcheck // the room names itself
	}
	f.mu.Lock()
	f.all[i] = struct{}{}
	f.mu.Unlock()
	return i, nil
}

// prepareAhead makes next instances in the background, now that the engine holds the image: as many as the platform
// keeps sandboxes ready.
func (f *Function) prepareAhead(imageID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.state == Active && len(f.ahead)+f.preparing < max(f.platform.opts.Sandboxes, 1) {
		f.preparing++
		f.work.Go(func() {
			var i *instance.Instance
			err := f.platform.pool.Await(f.life) // which is full only while nothing starts
			if err == nil {
				i, err = f.prepare(f.life, imageID)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.preparing--
			if err != nil {
				f.platform.opts.Logger.Debug("could not make an instance ahead", "function", f.spec.Name, "error", err)
				return
			}
			i.Idle()
			f.ahead = append(f.ahead, &prepared{instance: i, image: imageID})
		})
	}
}

// discard ends a started instance for good and files what it printed after its last request.
func (f *Function) discard(ctx context.Context, i *live) {
	f.mu.Lock()
	grace := f.grace
	f.mu.Unlock()
	if grace > 0 && !gone(i.Instance) {
		f.stop(ctx, i, grace)
	}
	f.remove(ctx, i.Instance)
	i.mu.Lock()
	last := i.lastRequest
	i.mu.Unlock()
	rest, strays := i.Rest(ctx)
	if last != "" {
		f.file(last, split(rest, false), Result{})
	}
	f.fileStrays(strays)
	f.replenish()
}

// stop has an instance end by itself, if it does so in time.
func (f *Function) stop(ctx context.Context, i *live, grace time.Duration) {
	byItself, err := i.Stop(context.WithoutCancel(ctx), grace)
	if err != nil {
		f.platform.opts.Logger.Warn("could not stop an instance", "function", f.spec.Name, "error", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if byItself {
		f.stopped.ByThemselves++
	} else {
		f.stopped.Killed++
	}
}

// remove ends an instance for good. It outlives whoever asks for it.
func (f *Function) remove(ctx context.Context, i *instance.Instance) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	f.mu.Lock()
	delete(f.all, i)
	f.mu.Unlock()
	if err := i.Remove(ctx); err != nil {
		f.platform.opts.Logger.Warn("could not remove an instance; it goes with the run", "function", f.spec.Name, "error", err)
	}
}
