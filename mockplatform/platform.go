// Package mockplatform is the contract mock of SCF for WebServer image functions, and its public face.
//
// In comes a container image and a FunctionSpec; out come Functions that can be invoked as on SCF, with Results that
// hold the platform's status, the function's answer, the log lines of exactly that request and the evidence behind a
// failure. Everything runs on a real container engine: temporary credentials, pull, cold start, readiness, limits.
// The contract is contract/runtime.md; the package contract holds its tables.
package mockplatform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/engine/docker"
	"github.com/scfcert/scfcert/mockplatform/engine/docker/reap"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/mockplatform/program"
	"github.com/scfcert/scfcert/mockplatform/registry"
	"github.com/scfcert/scfcert/mockplatform/sandbox"
	"github.com/scfcert/scfcert/mockplatform/scheduler"
)

// Sentinels of this package. What an image did wrong is never one of them but a StartError or a Result.
var (
	// ErrEngine means that no container engine could be used.
	ErrEngine = engine.ErrUnavailable
	// ErrEngineElsewhere means that the engine cannot reach the registry on this machine's loopback.
	ErrEngineElsewhere = errors.New("the engine does not share this machine's loopback")
	// ErrClosed means that the platform was closed.
	ErrClosed = errors.New("platform closed")
)

// Options configures Open. The zero value is a platform with invented account data on the engine that the user's
// Docker client would use.
type Options struct {
	// Host is the engine's endpoint, such as unix:///var/run/docker.sock; empty means to look for it.
	Host string
	// Engine is taken instead of the one at Host, and closed with the platform.
	Engine engine.Engine
	// Region, AppID and Uin are the account's data as functions see them.
	Region, AppID, Uin string
	// Sandboxes is how many network sandboxes, and instances of each function that has started once, are kept ready for
	// cold starts; at least 1.
	Sandboxes int
	// Readings are the switches of contract/runtime.md 16; nil are the decisions taken there.
	Readings *contract.Readings
	// IdleTimeout is how long an instance waits for its next request; default 10 minutes (unspecified and adaptive on
	// SCF). Negative keeps it.
	IdleTimeout time.Duration
	// StopGrace is how long an instance that is evicted or not needed any more may take to end after SIGTERM; 0 kills it
	// at once, as nothing is documented (contract/runtime.md 10).
	StopGrace time.Duration
	// QuotaMB is the region's concurrency quota in MB of busy instances; default 128000.
	QuotaMB int
	// BurstPerMinute is how many instances may start within a minute; default 500.
	BurstPerMinute int
	// CredentialTTL is how long a pull credential is good; default 10 minutes.
	CredentialTTL time.Duration
	// LogBytes bounds the log store; default 64 MiB. The oldest lines go first.
	LogBytes int
	// Clock tells the time to credentials and to the burst limit; nil is the real one.
	Clock func() time.Time
	// Tamper breaks the platform on purpose; nil leaves it as it is.
	Tamper *Tampering
	// WatchCommand starts the watcher that cleans up after a killed process: a command that calls Watch. Empty means
	// to use the watcher's own program.
	WatchCommand []string
	// KeepDead leaves alone what dead runs left in the engine, which is removed otherwise.
	KeepDead bool
	// PullProgress, if not nil, hears of the bytes of the engine's pulls, from whichever goroutine causes one.
	PullProgress func(doneBytes, totalBytes int64)
	// Began, if not nil, hears of every invocation that the platform takes up, which Finished hears of too when it ends.
	// What there is of its Result is its request id, its type and when it began. It must not block.
	Began func(Invocation)
	// Live, if not nil, hears of each line of a function's output when it has come, with the request that it belongs to as
	// far as that is known by then. Its text is raw. It must not block: the function would stand still.
	Live func(LogEntry)
	// Finished, if not nil, hears of every invocation whose result is complete and whose log is filed. It is called from
	// whichever goroutine ends one, and must not block.
	Finished func(Invocation)
	// Logger gets what is worth knowing besides results; nil discards it.
	Logger *slog.Logger
}

// Platform is one running mock platform.
type Platform struct {
	opts     Options
	dir      string
	programs *program.Programs
	engine   engine.Engine
	registry *registry.Registry
	pool     *sandbox.Pool
	secrets  secrets
	readings contract.Readings
	quota    *scheduler.Quota // the region's
	burst    *scheduler.Burst
	logs     logStore

	serial atomic.Int64 // numbers functions and instances

	mu        sync.Mutex
	functions []*Function
	closed    bool
}

// Open starts a platform on the container engine. An engine that does not answer is ErrEngine. Close it.
func Open(ctx context.Context, opts Options) (*Platform, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	opts.Region = orElse(opts.Region, "ap-guangzhou")
	opts.AppID = orElse(opts.AppID, "1250000001")
	opts.Uin = orElse(opts.Uin, "100000000001")
	opts.IdleTimeout = orElse(opts.IdleTimeout, defaultIdleTimeout)
	opts.LogBytes = orElse(opts.LogBytes, defaultLogBytes)
	p := &Platform{
		opts: opts, readings: contract.DefaultReadings(), logs: logStore{maxBytes: opts.LogBytes},
		quota: scheduler.NewQuota(orElse(opts.QuotaMB, contract.RegionQuotaMB), nil),
		burst: scheduler.NewBurst(orElse(opts.BurstPerMinute, contract.MaxBurstPerMinute), opts.Clock),
	}
	if opts.Readings != nil {
		p.readings = *opts.Readings
	}
	if err := p.open(ctx); err != nil {
		return nil, errors.Join(err, p.Close(ctx))
	}
	return p, nil
}

const (
	defaultIdleTimeout = 10 * time.Minute
	defaultLogBytes    = 64 << 20
)

func (p *Platform) open(ctx context.Context) (err error) {
	if p.secrets, err = newSecrets(); err != nil {
		return err
	}
	if p.dir, err = os.MkdirTemp("", "scfcert-"); err != nil {
		return fmt.Errorf("make the run's directory: %w", err)
	}
	if p.programs, err = program.Open(p.dir); err != nil {
		return fmt.Errorf("open the built-in programs: %w", err)
	}
	if p.engine = p.opts.Engine; p.engine == nil {
		if err := p.openEngine(ctx); err != nil {
			return err
		}
	}
	if p.registry, err = registry.Open(ctx, registry.Options{
		CredentialTTL: p.opts.CredentialTTL, Clock: p.opts.Clock, Logger: p.opts.Logger, Open: p.opts.Tamper != nil && p.opts.Tamper.OpenRegistry,
	}); err != nil {
		return fmt.Errorf("open the registry: %w", err)
	}
	pause, err := p.programs.Executable(ctx, program.Pause, "linux", p.engine.Info().Architecture)
	if err != nil {
		return fmt.Errorf("find the pause program: %w", err)
	}
	p.pool, err = sandbox.Open(ctx, sandbox.Options{Engine: p.engine, Pause: pause, Dir: p.dir, Size: p.opts.Sandboxes, Logger: p.opts.Logger})
	if err != nil {
		return fmt.Errorf("open the sandbox pool: %w", err)
	}
	return nil
}

func (p *Platform) openEngine(ctx context.Context) error {
	watch := p.opts.WatchCommand
	if len(watch) == 0 {
		path, err := p.programs.Executable(ctx, program.Watch, runtime.GOOS, runtime.GOARCH)
		if err != nil {
			return fmt.Errorf("find the watcher: %w", err)
		}
		watch = []string{path}
	}
	opened, err := docker.Open(ctx, docker.Options{Host: p.opts.Host, Watch: watch, Dir: p.dir, KeepDead: p.opts.KeepDead, Logger: p.opts.Logger})
	if err != nil {
		return fmt.Errorf("open the container engine: %w", err)
	}
	p.engine = opened
	return nil
}

// Watch is the body of a watcher process: see Options.WatchCommand. It blocks until standard input ends.
func Watch(ctx context.Context, args []string) error {
	return reap.Watch(ctx, args, os.Stdin) //nolint:wrapcheck // the watcher's own words
}

// Engine describes the container engine.
func (p *Platform) Engine() engine.Info { return p.engine.Info() }

// Leftover is what a run left in the engine.
type Leftover = reap.Leftover

// Leftovers lists what there is of other runs in the engine: those that are going on, and dead ones.
func (p *Platform) Leftovers(ctx context.Context) ([]Leftover, error) {
	opened, ok := p.engine.(*docker.Engine)
	if !ok {
		return nil, nil
	}
	return opened.Leftovers(ctx) //nolint:wrapcheck // it says all
}

// Programs gives the built-in static programs, from which sample images are made.
func (p *Platform) Programs() *program.Programs { return p.programs }

// Resolve looks up an image: in the engine, in a registry with the user's credentials, in an OCI layout or in a
// docker-save archive. Progress, if not nil, hears of the bytes of a download. Close the candidate.
func (p *Platform) Resolve(ctx context.Context, reference string, progress func(stage string, done, total int64)) (*image.Candidate, error) {
	ref, err := image.ParseReference(reference)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all that the user needs
	}
	return image.Resolve(ctx, ref, image.Options{Engine: p.engine, SpoolDir: filepath.Join(p.dir, "blobs"), Progress: progress}) //nolint:wrapcheck // as above
}

// Mask hides the platform's marker credentials in a text that leaves the process.
func (p *Platform) Mask(text string) string { return p.secrets.mask(text) }

// closeLimit bounds Close, which must not be cut short by the end of what it cleans up after.
const closeLimit = time.Minute

// Close ends every function and removes everything of the run from the engine. It does so also when the context has
// ended, and takes a minute at most.
func (p *Platform) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	p.mu.Lock()
	p.closed = true
	functions := slices.Clone(p.functions)
	p.mu.Unlock()
	closed := make([]error, len(functions))
	var wait sync.WaitGroup
	for n, f := range functions {
		wait.Go(func() { closed[n] = f.Close(ctx) })
	}
	wait.Wait()
	errs := slices.Clone(closed)
	if p.pool != nil {
		errs = append(errs, p.pool.Close(ctx))
	}
	if p.registry != nil {
		errs = append(errs, p.registry.Close(ctx))
	}
	if p.engine != nil {
		errs = append(errs, p.engine.Close(ctx))
	}
	if p.programs != nil {
		errs = append(errs, p.programs.Close())
	}
	return errors.Join(append(errs, reap.Directory(p.dir))...)
}

func orElse[T comparable](value, fallback T) T {
	var none T
	if value == none {
		return fallback
	}
	return value
}
