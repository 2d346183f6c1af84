// Package docker is the Docker Engine behind the engine interface, and the only package that knows a Docker client.
//
// In comes an engine's endpoint, found by testcontainers-go as its users expect (contexts, rootless, Podman, remote);
// out comes an engine.Engine for one run. Everything that it creates carries the run's label and is removed on Close,
// by the watcher when this process dies, or by the next run. Facts about engines are in the project's engine notes.
package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"

	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/engine/docker/reap"
)

// Options configures Open.
type Options struct {
	// Host is the engine's endpoint, such as unix:///var/run/docker.sock; empty means to look for it.
	Host string
	// Watch is the command that starts the watcher, to which reap.WatchArgs are added.
	Watch []string
	// Dir is the run's directory. The watcher removes it together with what is mounted in it.
	Dir string
	// KeepDead leaves alone what dead runs left behind.
	KeepDead bool
	// Logger gets what is worth knowing while nobody can be told otherwise. Required.
	Logger *slog.Logger
}

// Engine is a Docker Engine opened for one run.
type Engine struct {
	client *client.Client
	info   engine.Info
	run    string
	log    *slog.Logger

	// life ends with Close: streams that outlive the call that opened them hang on it.
	life context.Context //nolint:containedctx // see above
	end  context.CancelFunc

	watcher *watcher
	events  chan struct{} // closed when the event stream has ended

	mu         sync.Mutex
	containers map[string]*running
}

var _ engine.Engine = (*Engine)(nil)

// Open connects to a container engine, starts the watcher and removes what dead runs left behind.
// An engine that does not answer is engine.ErrUnavailable.
func Open(ctx context.Context, opts Options) (*Engine, error) {
	cli, err := connect(ctx, opts)
	if err != nil {
		return nil, err
	}
	run, err := reap.NewRun()
	if err != nil {
		_ = cli.Close()
		return nil, err
	}
	info, err := describe(ctx, cli)
	if err != nil {
		_ = cli.Close()
		return nil, err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	e := &Engine{
		client: cli, info: info, run: run, log: opts.Logger, life: life, end: end,
		events: make(chan struct{}), containers: map[string]*running{},
	}
	e.watcher, err = startWatcher(opts.Watch, reap.WatchArgs(cli.DaemonHost(), run, opts.Dir))
	if err != nil {
		end()
		_ = cli.Close()
		return nil, err
	}
	if !opts.KeepDead {
		e.removeDead(ctx)
	}
	go e.watchEvents()
	return e, nil
}

func (e *Engine) removeDead(ctx context.Context) {
	if removed, err := reap.DeadRuns(ctx, e.client, e.run); err != nil {
		e.log.Warn("could not remove what earlier runs left behind", "error", err)
	} else if len(removed) > 0 {
		e.log.Info("removed what dead runs left behind", "runs", removed)
	}
}

// Leftovers lists what there is of other runs in the engine.
func (e *Engine) Leftovers(ctx context.Context) ([]reap.Leftover, error) {
	return reap.Leftovers(ctx, e.client, e.run) //nolint:wrapcheck // it says all
}

// connect finds the engine. A DOCKER_HOST that the user has set is taken or refused, never passed over in silence.
func connect(ctx context.Context, opts Options) (*client.Client, error) {
	host, from := opts.Host, "the given endpoint"
	if host == "" {
		host, from = os.Getenv("DOCKER_HOST"), "DOCKER_HOST"
	}
	if host != "" {
		cli, err := client.New(client.FromEnv, client.WithHost(host))
		if err == nil {
			_, err = cli.Ping(ctx, client.PingOptions{})
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s %s does not answer (%s): start the engine or correct the endpoint", engine.ErrUnavailable, from, host, oneLine(err))
		}
		return cli, nil
	}
	return discover(ctx, opts.Logger)
}

// discover looks for an engine where testcontainers-go does: properties file, contexts, sockets, rootless.
func discover(ctx context.Context, logger *slog.Logger) (cli *client.Client, err error) {
	defer func() {
		if r := recover(); r != nil { // testcontainers-go panics where it finds no socket
			cli, err = nil, noEngine(fmt.Errorf("%v", r))
		}
	}()
	own := tclog.Default()
	tclog.SetDefault(routed{logger}) // it would write to stderr, between our own lines
	defer tclog.SetDefault(own)
	found, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return nil, noEngine(err)
	}
	return found.Client, nil
}

func noEngine(cause error) error {
	return fmt.Errorf("%w: no engine found (%s): install or start Docker, or set DOCKER_HOST", engine.ErrUnavailable, oneLine(cause))
}

// routed sends the lines of testcontainers-go to our logger.
type routed struct{ *slog.Logger }

func (r routed) Printf(format string, args ...any) {
	r.Debug("testcontainers", "line", oneLine(fmt.Errorf(format, args...)))
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// describe asks the engine for everything that engine.Info holds.
func describe(ctx context.Context, cli *client.Client) (engine.Info, error) {
	answer, err := cli.Info(ctx, client.InfoOptions{})
	if err != nil {
		return engine.Info{}, fmt.Errorf("%w: %s does not tell about itself (%s)", engine.ErrUnavailable, cli.DaemonHost(), oneLine(err))
	}
	found := answer.Info
	info := engine.Info{
		Name: "Docker Engine", Version: found.ServerVersion, APIVersion: cli.ClientVersion(), Host: cli.DaemonHost(),
		OS: found.OperatingSystem, Architecture: goArchitecture(found.Architecture),
		CgroupVersion: found.CgroupVersion, CPUs: found.NCPU, MemoryBytes: found.MemTotal, DataRoot: found.DockerRootDir, Storage: found.Driver,
	}
	if version, err := cli.ServerVersion(ctx, client.ServerVersionOptions{}); err == nil && strings.Contains(version.Platform.Name, "Podman") {
		info.Name = "Podman"
	}
	for _, option := range found.SecurityOptions {
		info.Rootless = info.Rootless || strings.Contains(option, "name=rootless")
	}
	// The same kernel behind a local socket; a virtual machine (Desktop) has one of its own.
	info.Local = runtime.GOOS == "linux" && strings.HasPrefix(info.Host, "unix://") &&
		found.KernelVersion == kernelRelease() && !strings.Contains(found.OperatingSystem, "Docker Desktop") &&
		peerVisible(ctx, strings.TrimPrefix(info.Host, "unix://"))
	info.Privileged = info.Local && !info.Rootless && os.Geteuid() == 0
	return info, nil
}

// goArchitecture translates the kernel's name of a machine into Go's.
func goArchitecture(machine string) string {
	switch machine {
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	default:
		return machine
	}
}

// Info describes the engine.
func (e *Engine) Info() engine.Info { return e.info }

// Run is the id of the run.
func (e *Engine) Run() string { return e.run }

// Close removes everything of the run and ends the watcher. The context bounds the removal. An engine that is gone is
// not waited for: it is engine.ErrUnavailable, and the watcher goes on trying for a while.
func (e *Engine) Close(ctx context.Context) error {
	err := broken(reap.Run(ctx, e.client, e.run))
	e.end()
	<-e.events
	// The watcher looks once more when its input ends, so it also catches what the removal above failed at.
	e.watcher.release()
	if errors.Is(err, engine.ErrUnavailable) {
		e.log.Debug("lost the engine while cleaning up", "error", err)
		err = fmt.Errorf("%w: it has gone before everything of the run was removed; a process of ours goes on trying for %s", engine.ErrUnavailable, reap.WatchLimit)
	} else {
		err = errors.Join(err, e.watcher.await(ctx))
	}
	return errors.Join(err, e.client.Close())
}
