package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// watcher is the process that removes everything of the run if we cannot. It has a session of its own and only one
// thread to us: its input, which the kernel closes when this process ends, by whatever signal.
type watcher struct {
	input io.WriteCloser
	done  chan struct{}
	err   error // valid once done is closed
}

// startWatcher starts the command with the arguments.
func startWatcher(command, args []string) (*watcher, error) {
	if len(command) == 0 {
		return nil, errors.New("no watcher command: without it a killed run would leave containers behind")
	}
	cmd := exec.Command(command[0], append(command[1:len(command):len(command)], args...)...) //nolint:noctx // it must outlive any context of ours
	cmd.SysProcAttr = ownSession()
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("connect watcher: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start watcher %s: %w", command[0], err)
	}
	w := &watcher{input: input, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		w.err = cmd.Wait()
	}()
	return w, nil
}

// release lets the watcher take its last look.
func (w *watcher) release() { _ = w.input.Close() }

// await waits until it has.
func (w *watcher) await(ctx context.Context) error {
	select {
	case <-w.done:
		if w.err != nil {
			return fmt.Errorf("watcher could not remove everything: %w", w.err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for watcher: %w", ctx.Err())
	}
}
