package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/engine/docker/cgroup"
	"github.com/scfcert/scfcert/mockplatform/engine/docker/reap"
)

// running is one container of the run.
type running struct {
	engine   *Engine
	id, name string
	volumes  []string // named by us, so the engine does not remove them with the container

	exited      chan struct{}
	end         engine.Exit // valid once exited is closed
	outOfMemory chan struct{}
	oomOnce     sync.Once
	output      io.Closer

	look  sync.Once
	group *cgroup.Group // nil where it cannot be seen

	asking        sync.Mutex
	pid, hostPort int // 0 until the engine has told them
}

var _ engine.Container = (*running)(nil)

func (c *running) ID() string                   { return c.id }
func (c *running) Exited() <-chan struct{}      { return c.exited }
func (c *running) End() engine.Exit             { return c.end }
func (c *running) OutOfMemory() <-chan struct{} { return c.outOfMemory }

// Attach copies the output and waits for the end, both registered with the engine before Start can be called.
func (c *running) Attach(ctx context.Context, stdout, stderr io.Writer, rest func() time.Duration) (<-chan struct{}, error) {
	stream, err := c.engine.client.ContainerAttach(ctx, c.id, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, fmt.Errorf("attach to container %s: %w", c.name, broken(err))
	}
	c.output = stream.Conn
	wait := c.engine.client.ContainerWait(c.engine.life, c.id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit}) //nolint:contextcheck // it outlives this call
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer stream.Close()
		// An error here is the engine's end of the stream; the exit tells the rest.
		_, _ = stdcopy.StdCopy(stdout, stderr, &resting{stream.Reader, rest})
	}()
	go c.awaitExit(wait) //nolint:contextcheck // it outlives this call
	return ended, nil
}

// resting is a reader that lets output gather for a while after each read, so that a flood of small pieces costs few
// reads.
type resting struct {
	io.Reader

	rest func() time.Duration
}

func (r *resting) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if d := r.rest(); d > 0 && n < len(p) && err == nil {
		time.Sleep(d)
	}
	return n, err //nolint:wrapcheck // a reader's own error
}

func (c *running) awaitExit(wait client.ContainerWaitResult) {
	defer close(c.exited)
	select {
	case result := <-wait.Result:
		c.end = engine.Exit{Code: int(result.StatusCode), At: time.Now()}
	case err := <-wait.Error:
		c.end = engine.Exit{Code: -1, At: time.Now(), Lost: fmt.Errorf("%w: lost the container %s: %w", engine.ErrUnavailable, c.name, err)}
		return
	}
	// The event of an out-of-memory kill may still be under way; the state tells for the first process.
	ctx, cancel := context.WithTimeout(c.engine.life, 5*time.Second)
	defer cancel()
	if found, err := c.engine.client.ContainerInspect(ctx, c.id, client.ContainerInspectOptions{}); err == nil && found.Container.State.OOMKilled {
		c.noteOutOfMemory()
	}
}

func (c *running) noteOutOfMemory() { c.oomOnce.Do(func() { close(c.outOfMemory) }) }

// Start runs the program.
func (c *running) Start(ctx context.Context) error {
	if _, err := c.engine.client.ContainerStart(ctx, c.id, client.ContainerStartOptions{}); err != nil {
		return startError(err)
	}
	return nil
}

// broken tells faults of the engine from those of an image: an engine that does not answer, or that has no room.
func broken(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "no space left on device"):
		return fmt.Errorf("%w (free some, for example with docker system prune): %w", engine.ErrDiskFull, err)
	case client.IsErrConnectionFailed(err), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	default:
		return err
	}
}

// startError tells what the image is to blame for (its program or its user) from what the engine is.
func startError(err error) error {
	if err := broken(err); errors.Is(err, engine.ErrDiskFull) || errors.Is(err, engine.ErrUnavailable) {
		return fmt.Errorf("start container: %w", err)
	}
	text := err.Error()
	for _, sign := range []string{"exec:", "exec format error", "unable to find user", "chdir to cwd", "no such file or directory: unknown", "permission denied: unknown"} {
		if strings.Contains(text, sign) && !strings.Contains(text, "mount") {
			return fmt.Errorf("%w: %w", engine.ErrStartRefused, err)
		}
	}
	return fmt.Errorf("start container: %w", err)
}

// Process tells the process id on the engine's machine and the published port. Both stay the same for a container's
// life, so the engine is asked once.
func (c *running) Process(ctx context.Context) (pid, hostPort int, err error) {
	c.asking.Lock()
	defer c.asking.Unlock()
	if c.pid > 0 {
		return c.pid, c.hostPort, nil
	}
	found, err := c.engine.client.ContainerInspect(ctx, c.id, client.ContainerInspectOptions{})
	if err != nil {
		return 0, 0, fmt.Errorf("inspect container %s: %w", c.name, err)
	}
	for _, bindings := range found.Container.NetworkSettings.Ports {
		for _, binding := range bindings {
			if hostPort, err = strconv.Atoi(binding.HostPort); err != nil {
				return 0, 0, fmt.Errorf("published port of container %s: %w", c.name, err)
			}
		}
	}
	c.pid, c.hostPort = found.Container.State.Pid, hostPort
	return c.pid, c.hostPort, nil
}

// Exec runs a program inside and returns its stdout; an exit code other than 0 is an error that holds its stderr.
func (c *running) Exec(ctx context.Context, argv []string) ([]byte, error) {
	created, err := c.engine.client.ExecCreate(ctx, c.id, client.ExecCreateOptions{Cmd: argv, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return nil, fmt.Errorf("exec %s in container %s: %w", argv[0], c.name, err)
	}
	stream, err := c.engine.client.ExecAttach(ctx, created.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, fmt.Errorf("exec %s in container %s: %w", argv[0], c.name, err)
	}
	defer stream.Close()
	stop := context.AfterFunc(ctx, stream.Close)
	defer stop()
	var stdout, stderr bytes.Buffer
	if _, err := stdcopy.StdCopy(&stdout, &stderr, stream.Reader); err != nil {
		return nil, fmt.Errorf("exec %s in container %s: %w", argv[0], c.name, err)
	}
	result, err := c.engine.client.ExecInspect(ctx, created.ID, client.ExecInspectOptions{})
	if err != nil {
		return nil, fmt.Errorf("exec %s in container %s: %w", argv[0], c.name, err)
	}
	if result.ExitCode != 0 {
		return stdout.Bytes(), fmt.Errorf("exec %s in container %s ended with %d: %s", argv[0], c.name, result.ExitCode, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}

// Signal sends a signal to the first process.
func (c *running) Signal(ctx context.Context, signal string) error {
	if _, err := c.engine.client.ContainerKill(ctx, c.id, client.ContainerKillOptions{Signal: signal}); err != nil {
		return fmt.Errorf("send %s to container %s: %w", signal, c.name, err)
	}
	return nil
}

// seen is the container's control group, or nil where the engine's processes are not ours to look at.
func (c *running) seen(ctx context.Context) *cgroup.Group {
	c.look.Do(func() {
		if !c.engine.info.Privileged {
			return
		}
		pid, _, err := c.Process(ctx)
		if err == nil && pid > 0 {
			c.group, err = cgroup.Of("/proc", "/sys/fs/cgroup", pid, c.id)
		}
		if err != nil {
			c.engine.log.Debug("asking the engine instead of the control group", "container", c.name, "reason", err)
		}
	})
	return c.group
}

// Freeze stops all processes: by the control group, which takes a tenth of a millisecond, or by the engine.
func (c *running) Freeze(ctx context.Context) error {
	if group := c.seen(ctx); group != nil {
		return group.Freeze(ctx) //nolint:wrapcheck // it names itself
	}
	if _, err := c.engine.client.ContainerPause(ctx, c.id, client.ContainerPauseOptions{}); err != nil {
		return fmt.Errorf("freeze container %s: %w", c.name, broken(err))
	}
	return nil
}

// Thaw lets them go on.
func (c *running) Thaw(ctx context.Context) error {
	if group := c.seen(ctx); group != nil {
		return group.Thaw(ctx) //nolint:wrapcheck // it names itself
	}
	if _, err := c.engine.client.ContainerUnpause(ctx, c.id, client.ContainerUnpauseOptions{}); err != nil {
		return fmt.Errorf("thaw container %s: %w", c.name, broken(err))
	}
	return nil
}

// Memory measures by the control group, or else by the engine's statistics, which know of no peak in version 2.
func (c *running) Memory(ctx context.Context) (engine.Memory, error) {
	if group := c.seen(ctx); group != nil {
		m, err := group.Memory()
		return engine.Memory{Bytes: m.Bytes, PeakBytes: m.PeakBytes, Kills: m.Kills, Method: cgroup.Method}, err //nolint:wrapcheck // it names itself
	}
	figures, err := c.statistics(ctx)
	if err != nil {
		return engine.Memory{}, err
	}
	used, ok := figures.MemoryStats.Stats["total_rss"]
	if !ok {
		used = figures.MemoryStats.Stats["anon"]
	}
	return engine.Memory{Bytes: int64(used), PeakBytes: int64(used), Kills: -1, Method: "anonymous memory by the engine's statistics, sampled"}, nil //nolint:gosec // a size
}

// statistics is one sample of the engine's own.
func (c *running) statistics(ctx context.Context) (container.StatsResponse, error) {
	var figures container.StatsResponse
	answer, err := c.engine.client.ContainerStats(ctx, c.id, client.ContainerStatsOptions{})
	if err != nil {
		return figures, fmt.Errorf("measure container %s: %w", c.name, broken(err))
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(&figures); err != nil {
		return figures, fmt.Errorf("measure container %s: %w", c.name, err)
	}
	return figures, nil
}

// HeldBack counts by the engine's statistics, which have it from the control group in either version.
func (c *running) HeldBack(ctx context.Context) (time.Duration, error) {
	const period = 100 * time.Millisecond // of the kernel's scheduler, and what engines leave it at for a number of CPUs
	figures, err := c.statistics(ctx)
	return time.Duration(figures.CPUStats.ThrottlingData.ThrottledPeriods) * period, err //nolint:gosec // a count
}

// Processes counts what runs inside by the control group.
func (c *running) Processes(ctx context.Context) (engine.Processes, error) {
	group := c.seen(ctx)
	if group == nil {
		return engine.Processes{}, engine.ErrNotVisible
	}
	p, err := group.Processes()
	return engine.Processes(p), err //nolint:wrapcheck // it names itself
}

// LayerBytes asks the engine to measure the writable layer.
func (c *running) LayerBytes(ctx context.Context) (int64, error) {
	found, err := c.engine.client.ContainerInspect(ctx, c.id, client.ContainerInspectOptions{Size: true})
	if err != nil {
		return 0, fmt.Errorf("measure the layer of container %s: %w", c.name, broken(err))
	}
	if found.Container.SizeRw == nil {
		return 0, fmt.Errorf("measure the layer of container %s: the engine tells no size", c.name)
	}
	return *found.Container.SizeRw, nil
}

// Changes lists what the container changed in its writable layer.
func (c *running) Changes(ctx context.Context) ([]engine.Change, error) {
	found, err := c.engine.client.ContainerDiff(ctx, c.id, client.ContainerDiffOptions{})
	if err != nil {
		return nil, fmt.Errorf("list changes of container %s: %w", c.name, err)
	}
	kinds := map[container.ChangeType]string{container.ChangeModify: "modified", container.ChangeAdd: "added", container.ChangeDelete: "deleted"}
	changes := make([]engine.Change, 0, len(found.Changes))
	for _, change := range found.Changes {
		changes = append(changes, engine.Change{Path: change.Path, Kind: kinds[change.Kind]})
	}
	return changes, nil
}

// Remove kills and removes the container with its volumes.
func (c *running) Remove(ctx context.Context) error {
	err := reap.Container(ctx, c.engine.client, c.id)
	for _, volume := range c.volumes {
		err = errors.Join(err, reap.Volume(ctx, c.engine.client, volume))
	}
	if c.output != nil {
		_ = c.output.Close()
	}
	c.engine.mu.Lock()
	delete(c.engine.containers, c.id)
	c.engine.mu.Unlock()
	if err != nil {
		return fmt.Errorf("container %s: %w", c.name, err)
	}
	return nil
}
