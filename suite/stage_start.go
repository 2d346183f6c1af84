package suite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/check"
)

// start starts the function once. A start that fails is followed by the experiments that decide on its cause.
func (r *runner) start(ctx context.Context) error {
	f, err := r.platform.Deploy(ctx, r.spec("first", mockplatform.Event))
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	cold, err := f.Start(ctx)
	r.observed.Transfers = f.Transfers()
	r.report.Image.BlobsTransferred = r.observed.Transfers.Blobs
	if errors.As(err, &r.observed.StartFailed) {
		return errors.Join(r.startFailed(ctx), f.Close(ctx))
	}
	if err != nil {
		return errors.Join(err, f.Close(ctx))
	}
	r.first = f // which goes with the platform
	r.observed.ColdStart = cold
	for name, d := range map[string]time.Duration{"pullMs": cold.Pull, "createMs": cold.Create, "runtimeMs": cold.Runtime, "readyMs": cold.Ready, "coldStartMs": cold.Total()} {
		r.report.Timings[name] = d.Milliseconds()
	}
	r.margin("start-up", cold.Ready.Seconds(), r.observed.InitTimeout.Seconds(), "s")
	return r.bareConnections(ctx)
}

// What is made of connections without a request, how long a server may take to fall over one, and how long one that did is
// watched when it is left alone.
const (
	bareConnections = 3
	bareTime        = 150 * time.Millisecond
	settleTime      = time.Second
)

// bareConnections opens and closes connections without a request. The platform's own readiness check has made one. A
// program that ends then is started once more and left alone: if it ends again, it is its start that fails.
func (r *runner) bareConnections(ctx context.Context) error {
	if err := r.first.Connect(ctx, bareConnections); err != nil && !errors.Is(err, mockplatform.ErrNoInstance) {
		r.opts.logger().Debug("a bare connection was not taken", "error", err) // which shows below
	}
	evidence, ended := r.first.AwaitExit(ctx, bareTime)
	r.observed.Bare = &check.Bare{Alive: !ended}
	if !ended {
		return nil
	}
	r.observed.Bare.Exit, r.observed.Bare.Tail = evidence.Exit, evidence.StderrTail
	spec := r.spec("untouched", mockplatform.Event)
	spec.Readings.ReadinessProbe = "none"
	untouched, err := r.tryAgain(ctx, spec, settleTime)
	if err != nil || untouched.Ready {
		return err
	}
	r.observed.Bare = nil
	r.observed.StartFailed = &mockplatform.StartError{Status: contract.StatusContainerStateExited, Message: contract.ContainerExitMessage, Evidence: evidence}
	return r.experiment(ctx, settleTime)
}

// blameBareConnections decides whether a crash at the first request comes of the connections without a request before it:
// a program that falls over them late, or at the next request, crashes again where they are made and serves where none is.
func (r *runner) blameBareConnections(ctx context.Context, kind mockplatform.Type, result mockplatform.Result) error {
	if exit := result.Evidence.Exit; exit == nil || exit.OutOfMemory || good(result) {
		return nil
	}
	touched, err := r.servesAfter(ctx, r.spec("touched", kind), bareConnections)
	if err != nil || touched {
		return err
	}
	spec := r.spec("untouched", kind)
	spec.Readings.ReadinessProbe = "none"
	if untouched, err := r.servesAfter(ctx, spec, 0); err != nil || !untouched {
		return err
	}
	r.observed.Bare = &check.Bare{Exit: result.Evidence.Exit, Tail: result.Evidence.StderrTail}
	return nil
}

// servesAfter tells whether a fresh instance lives on for settleTime after so many bare connections and then answers well.
func (r *runner) servesAfter(ctx context.Context, spec mockplatform.FunctionSpec, connections int) (bool, error) {
	serves := false
	err := r.deployed(ctx, spec, func(f *mockplatform.Function) error {
		_, err := f.Start(ctx)
		if _, failed := errors.AsType[*mockplatform.StartError](err); failed {
			return nil
		}
		if err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		if err := f.Connect(ctx, connections); err != nil && !errors.Is(err, mockplatform.ErrNoInstance) {
			r.opts.logger().Debug("a bare connection was not taken", "error", err) // which shows below
		}
		if _, ended := f.AwaitExit(ctx, settleTime); ended {
			return nil
		}
		result, err := r.send(ctx, f)
		serves = good(result)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("try again: %w", err)
	}
	return serves, nil
}

// errSlowEngine means that the limit ran out before the program had begun, which tells nothing of the image.
var errSlowEngine = errors.New("the engine took longer than the initialisation timeout to pull the image or to start the container; try again on an idle machine, or raise -init-timeout")

// startFailed decides on the cause of a start that failed.
func (r *runner) startFailed(ctx context.Context) error {
	if err := slowEngine(r.observed.StartFailed); err != nil {
		r.observed.StartFailed = nil
		return err
	}
	return r.experiment(ctx, 0)
}

// slowEngine is an error where a start failed before the program had begun.
func slowEngine(failed *mockplatform.StartError) error {
	if status := failed.Status; status == contract.StatusPullImageTimeout || status == contract.StatusInitContainerTimeout {
		return fmt.Errorf("%w: %s", errSlowEngine, failed.Error())
	}
	return nil
}

// experiment runs the image again with one thing changed, where that decides between causes. The experiments wait more
// than they work, so they go on at the same time. Settle is how long a program must live on to count as ready.
func (r *runner) experiment(ctx context.Context, settle time.Duration) error {
	e := &r.observed.StartFailed.Evidence
	if e.Phase != diagnose.PhaseInit && e.Phase != diagnose.PhaseStart || len(e.Listeners) > 0 {
		return nil
	}
	r.progress("try again with one thing changed", 0, 0)
	group, together := errgroup.WithContext(ctx)
	try := func(into **diagnose.Experiment, name string, change func(*mockplatform.FunctionSpec)) {
		group.Go(func() (err error) {
			spec := r.spec(name, mockplatform.Event)
			change(&spec)
			*into, err = r.tryAgain(together, spec, settle)
			return err
		})
	}
	outOfMemory := e.Exit != nil && e.Exit.OutOfMemory
	silent := e.Exit == nil && e.Phase == diagnose.PhaseInit
	if !outOfMemory {
		try(&e.WritableRoot, "writable", func(s *mockplatform.FunctionSpec) { s.WritableRoot = true })
	}
	if !outOfMemory && !silent {
		try(&e.ImageTmp, "image-tmp", func(s *mockplatform.FunctionSpec) { s.ImageTmp = true })
	}
	moreTime := min(2*r.observed.InitTimeout, contract.MaxInitTimeout) //nolint:mnd // twice the limit
	if more := moreMemory(r.observed.MemoryMB); (outOfMemory || silent) && more > 0 {
		try(&e.MoreMemory, "memory", func(s *mockplatform.FunctionSpec) { s.MemoryMB, s.InitTimeout = more, moreTime })
	}
	if silent {
		try(&e.MoreTime, "time", func(s *mockplatform.FunctionSpec) { s.InitTimeout = moreTime })
	}
	if err := group.Wait(); err != nil {
		return err //nolint:wrapcheck // ours
	}
	return r.control(ctx, settle)
}

// control sees that what went well with one thing changed goes wrong again without the change. A start that is late once
// and in time the next time says nothing of the image: the experiments had even less of the machine.
func (r *runner) control(ctx context.Context, settle time.Duration) (err error) {
	e := &r.observed.StartFailed.Evidence
	switch again := e.MoreTime; {
	case again.WentWell() && again.ReadyAfter <= e.InitTimeout && !e.ShortOfCPU():
		r.observed.StartFailed = nil
		return fmt.Errorf("%w: nothing listened within %s, and after %s when it was tried again; certify it on an idle machine", errUnstable, e.InitTimeout, again.ReadyAfter.Round(time.Millisecond))
	case e.Exit != nil && (e.WritableRoot.WentWell() || e.ImageTmp.WentWell()):
		// Some listen first and fall over a moment later: it has to outlive the time after which the first one ended.
		e.Unchanged, err = r.tryAgain(ctx, r.spec("unchanged", mockplatform.Event), max(settle, settleTime)+e.Exit.After)
	}
	return err
}

// moreMemory is what is tried where the configured memory may be too little; 0 where there is no more to try.
func moreMemory(mb int) int {
	const most, times = contract.MaxMemoryMB, 4
	if mb >= most {
		return 0
	}
	more := max(mb*times, 1024) //nolint:mnd // MB
	return min(more-more%contract.MemoryStepMB, most)
}

// tryAgain is one experiment: a second deployment of a varied function.
func (r *runner) tryAgain(ctx context.Context, spec mockplatform.FunctionSpec, settle time.Duration) (*diagnose.Experiment, error) {
	tried := &diagnose.Experiment{MemoryMB: spec.MemoryMB}
	err := r.deployed(ctx, spec, func(f *mockplatform.Function) error {
		cold, err := f.Start(ctx)
		if failed, ok := errors.AsType[*mockplatform.StartError](err); ok {
			tried.Waited = failed.Evidence.Waited
			return slowEngine(failed)
		}
		if err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		if settle > 0 {
			if _, ended := f.AwaitExit(ctx, settle); ended {
				return nil
			}
		}
		tried.Ready, tried.ReadyAfter = true, cold.Ready
		tried.Changes, err = f.Changes(ctx)
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return nil, fmt.Errorf("try again: %w", err)
	}
	return tried, nil
}

// again starts a second instance beside the first.
func (r *runner) again(ctx context.Context) error {
	return r.vary(ctx, &r.observed.Again, r.spec("again", r.serving), func(f *mockplatform.Function) error {
		_, err := f.Start(ctx)
		return err //nolint:wrapcheck // sorted by vary
	})
}

// otherUser starts the function as a user that the image does not know.
func (r *runner) otherUser(ctx context.Context) error {
	spec := r.spec("user", r.serving)
	spec.Readings.ProcessUser = "10000"
	return r.vary(ctx, &r.observed.User, spec, nil)
}

// withoutRole starts the function without an execution role.
func (r *runner) withoutRole(ctx context.Context) error {
	spec := r.spec("no-role", r.serving)
	spec.NoRole = true
	return r.vary(ctx, &r.observed.Role, spec, nil)
}

// vary starts and invokes a varied function. Before, if not nil, comes first.
func (r *runner) vary(ctx context.Context, into *check.Variation, spec mockplatform.FunctionSpec, before func(*mockplatform.Function) error) error {
	return r.deployed(ctx, spec, func(f *mockplatform.Function) error {
		if before != nil {
			if err := before(f); err != nil {
				return r.startedBadly(into, err)
			}
		}
		cold, err := f.Start(ctx)
		if err != nil {
			return r.startedBadly(into, err)
		}
		into.ColdStart = cold
		into.Result, err = r.send(ctx, f)
		return err
	})
}

// startedBadly keeps a start that failed on account of the image; any other error is returned.
func (r *runner) startedBadly(into *check.Variation, err error) error {
	if errors.As(err, &into.StartFailed) {
		return nil
	}
	return err
}
