package instance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/sandbox"
)

// The socket tables send no event, so a ticker looks at them: often at first, when a fast function becomes ready, and
// less often later, when a few milliseconds mean nothing.
const (
	tickFast  = 2 * time.Millisecond
	tickSlow  = 10 * time.Millisecond
	fastTicks = 500
	// A listener that refuses IPv4 is asked again only every so many ticks.
	refusedTicks = 25
)

// lastOutput bounds the wait for the output of an instance that has ended.
const lastOutput = 2 * time.Second

// Start runs the program and returns when it is ready, or with a *StartError when it failed, or with another error
// when we did. Its limit runs from the start of the container; a deadline that is not zero cuts it short (R7: an
// initialisation timeout that was set covers the pull too). The instance is not removed on failure.
func (i *Instance) Start(ctx context.Context, deadline time.Time) error {
	defer i.sandbox.Settled()
	began := time.Now()
	if deadline.IsZero() {
		deadline = began.Add(i.config.InitTimeout)
	}
	starting, cancel := context.WithDeadline(ctx, deadline)
	err := i.container.Start(starting)
	late := starting.Err() != nil && ctx.Err() == nil
	cancel()
	i.started = time.Now()
	i.timings.Start = i.started.Sub(began)
	switch {
	case errors.Is(err, engine.ErrStartRefused):
		return i.refused(err)
	case err != nil && late:
		e := i.evidence()
		e.Phase, e.StartError = diagnose.PhaseStart, "the engine has not started the container in time: "+err.Error()
		return &StartError{Status: contract.StatusInitContainerTimeout, Message: contract.StatusInitContainerTimeout.Message(), Evidence: e}
	case err != nil:
		return fmt.Errorf("start instance: %w", err)
	}
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		i.findPipes(ctx)
	}()
	evidence, err := i.awaitReady(ctx, max(time.Until(deadline), 0))
	<-looked
	if err != nil {
		return err
	}
	i.timings.Ready = time.Since(i.started)
	if evidence != nil {
		return i.failed(*evidence)
	}
	if i.startup, _ = i.fence(i.recorder.markStartup); i.startup != nil {
		i.pass(i.startup)
	}
	i.measure(ctx)
	return nil
}

// findPipes makes fences possible where the engine runs under this kernel and we are root.
func (i *Instance) findPipes(ctx context.Context) {
	if !i.config.Engine.Info().Privileged {
		return
	}
	pid, _, err := i.container.Process(ctx)
	if err == nil && pid > 0 {
		i.pipes, err = openPipes(pid)
	}
	if err != nil {
		i.config.Logger.Debug("no fence for this instance, a quiet window ends its requests", "instance", i.config.Name, "reason", err)
	}
}

// awaitReady returns nil evidence when the instance is ready, the evidence when it failed, an error when we did.
func (i *Instance) awaitReady(ctx context.Context, within time.Duration) (*diagnose.Evidence, error) {
	limit := time.NewTimer(within)
	defer limit.Stop()
	ticker := time.NewTicker(tickFast)
	defer ticker.Stop()
	var listeners []diagnose.Listener
	refused := false
	for tick := 0; ; tick++ {
		if tick == fastTicks {
			ticker.Reset(tickSlow)
		}
		select {
		case <-i.container.Exited():
			return i.exitEvidence(ctx)
		case <-limit.C:
			e := i.evidence()
			e.Listeners, e.IPv4Refused, e.Waited = listeners, refused, within
			var err error
			if e.HeldBack, err = i.container.HeldBack(ctx); err != nil {
				i.config.Logger.Debug("whether the processor was short cannot be told", "instance", i.config.Name, "reason", err)
			}
			return &e, nil
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the instance to be ready: %w", ctx.Err())
		case <-ticker.C:
		}
		found, err := i.sandbox.Listeners(ctx)
		if err != nil {
			return nil, fmt.Errorf("wait for the instance to be ready: %w", err)
		}
		listeners = found
		if !usable(found, i.config.Port) || refused && tick%refusedTicks != 0 {
			continue
		}
		if !i.config.ConnectWhenReady {
			return nil, nil //nolint:nilnil // ready: no evidence of a failure
		}
		switch err := i.sandbox.Connect(ctx, i.config.Port); {
		case err == nil:
			return nil, nil //nolint:nilnil // ready: no evidence of a failure
		case errors.Is(err, sandbox.ErrRefused):
			refused = true
		default:
			return nil, fmt.Errorf("wait for the instance to be ready: %w", err)
		}
	}
}

// usable tells whether a listener on the port is bound to every address.
func usable(listeners []diagnose.Listener, port int) bool {
	for _, l := range listeners {
		if int(l.Address.Port()) == port && l.Address.Addr().IsUnspecified() {
			return true
		}
	}
	return false
}

func (i *Instance) exitEvidence(ctx context.Context) (*diagnose.Evidence, error) {
	if err := i.container.End().Lost; err != nil {
		return nil, fmt.Errorf("wait for the instance to be ready: %w", err)
	}
	e := i.Ended(ctx)
	return &e, nil
}

// Ended is the evidence of an instance whose process is gone, with all of its output.
func (i *Instance) Ended(ctx context.Context) diagnose.Evidence {
	i.awaitLastOutput(ctx)
	end := i.container.End()
	e := i.evidence()
	e.Exit = &diagnose.Exit{Code: end.Code, OutOfMemory: i.outOfMemory(), After: end.At.Sub(i.started)}
	return e
}

// evidence is what is known of the instance at any time.
func (i *Instance) evidence() diagnose.Evidence {
	return diagnose.Evidence{
		Phase: diagnose.PhaseInit, Argv: i.config.Argv, MemoryMB: i.config.MemoryMB, InitTimeout: i.config.InitTimeout,
		StdoutTail: i.recorder.tailOf(Stdout), StderrTail: i.recorder.tailOf(Stderr), Volumes: i.config.Volumes,
	}
}

// failed is the start map of contract/runtime.md 4.2 for a program that ran: gone means 405, alive means 446.
func (i *Instance) failed(e diagnose.Evidence) *StartError {
	if e.Exit != nil {
		return &StartError{Status: contract.StatusContainerStateExited, Message: contract.ContainerExitMessage, Evidence: e}
	}
	return &StartError{Status: contract.StatusPortBindingFailed, Message: contract.PortBindingMessage(i.config.InitTimeout), Evidence: e}
}

// refused is the start map for a program that the engine could not run. Engines that run it and let it fail show an
// exit instead, so a file of another machine or without interpreter is 405 here as there (R2).
func (i *Instance) refused(err error) *StartError {
	e := i.evidence()
	e.Phase, e.StartError = diagnose.PhaseStart, err.Error()
	status, message := contract.StatusContainerInitError, contract.StatusContainerInitError.Name
	if strings.Contains(e.StartError, "exec format error") {
		status, message = contract.StatusContainerStateExited, contract.ContainerExitMessage
	}
	return &StartError{Status: status, Message: message, Evidence: e}
}
