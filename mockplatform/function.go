package mockplatform

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/mockplatform/instance"
	"github.com/scfcert/scfcert/mockplatform/registry"
	"github.com/scfcert/scfcert/mockplatform/scheduler"
)

// Type is how a function is triggered.
type Type string

// The two types of functions (contract/runtime.md 2.1).
const (
	Event Type = "event"
	HTTP  Type = "http"
)

// FunctionSpec is what is deployed. Zero values mean the platform's defaults.
type FunctionSpec struct {
	Name      string // default "function"
	Namespace string // default "default"
	Version   string // default "$LATEST"
	Type      Type   // default Event
	Image     *image.Candidate
	// Command and Args replace ENTRYPOINT and CMD (contract/runtime.md 2.2); nil keeps the image's.
	Command, Args *string
	Environment   map[string]string
	MemoryMB      int           // default by the size of the image (R11)
	Timeout       time.Duration // default 3 s
	// InitTimeout is the limit of the start. Where it is set it covers the pull too (R7); the default of 30 s runs from
	// the start of the container.
	InitTimeout time.Duration
	// ImagePort is the port of the server, default 9000. Others are taken with the reading image-port=lenient (Q2).
	ImagePort int
	// Concurrency is how many requests an instance serves at a time, default 1; more for HTTP functions only.
	Concurrency int
	// WebSocket lets clients of an HTTP function switch to that protocol; one connection is one invocation.
	WebSocket bool
	// WebSocketIdle is the time without a frame after which such a connection is cut: 10 to 7200 s and at most Timeout;
	// default 15 s.
	WebSocketIdle time.Duration
	// ReservedMB is a concurrency quota of the function's own; 0 means the region's unreserved one.
	ReservedMB int
	// Accelerate has the image prefetched at deployment, so that no cold start pulls it. At most 5 functions.
	Accelerate bool
	// WritableRoot has the root file system and declared volumes writable, with /tmp a file system of its own all the
	// same: an experiment, unlike the reading root-filesystem=writable (Q3).
	WritableRoot bool
	// ImageTmp has the image's own /tmp in the writable root instead of one of the platform's: an experiment, which tells
	// whether what the platform's hides is missing.
	ImageTmp bool
	// NoRole is a function without execution role: it gets no credential headers (R5).
	NoRole bool
	// Readings of this function; nil are the platform's.
	Readings *contract.Readings
}

// ErrSpec means that a FunctionSpec breaks a rule of the contract; the text says which and how to mend it.
var ErrSpec = errors.New("invalid function")

// latest is the version that is not published.
const latest = "$LATEST"

// complete fills in defaults and checks the rules.
func (s *FunctionSpec) complete(readings contract.Readings) error {
	if s.Image == nil {
		return fmt.Errorf("%w: no image", ErrSpec)
	}
	s.Name = orElse(s.Name, "function")
	s.Namespace = orElse(s.Namespace, "default")
	s.Version = orElse(s.Version, latest)
	s.Type = orElse(s.Type, Event)
	s.MemoryMB = orElse(s.MemoryMB, contract.DefaultMemoryMB(s.Image.UncompressedBytes))
	s.Timeout = orElse(s.Timeout, contract.DefaultTimeout)
	s.ImagePort = orElse(s.ImagePort, contract.Port)
	s.Concurrency = orElse(s.Concurrency, 1)
	s.NoRole = s.NoRole || !readings.ExecutionRole
	err := errors.Join(
		contract.ValidateFunctionName(s.Name), contract.ValidateNamespace(s.Namespace, s.Name), contract.ValidateMemory(s.MemoryMB),
		contract.ValidateTimeout(s.Timeout), contract.ValidateInitTimeout(orElse(s.InitTimeout, readings.InitTimeout)),
		contract.ValidateEnvironment(s.Environment), contract.ValidateConcurrency(s.Concurrency, s.Type == HTTP),
		contract.ValidateImagePort(s.ImagePort, readings),
	)
	if s.Type != Event && s.Type != HTTP {
		err = errors.Join(err, fmt.Errorf("type %q; take event or http", s.Type))
	}
	if s.WebSocketIdle != 0 {
		err = errors.Join(err, contract.ValidateWebSocketIdle(s.WebSocketIdle, s.Timeout))
	}
	s.WebSocketIdle = orElse(s.WebSocketIdle, contract.DefaultWebSocketIdle)
	if s.ReservedMB < 0 || s.ReservedMB > 0 && s.ReservedMB < s.MemoryMB {
		err = errors.Join(err, fmt.Errorf("reserved quota of %d MB holds no instance of %d MB", s.ReservedMB, s.MemoryMB))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return nil
}

// StartError is a start that failed on account of the image, with the status SCF gives it and the evidence.
type StartError = instance.StartError

// State is where a function is in its life (contract/runtime.md 10, S25).
type State string

// The states that a function of the mock can be in. Only an active one is invoked, others give 438.
const (
	Active       State = "Active"
	CreateFailed State = "CreateFailed" // its image could not be prefetched
	Deleting     State = "Deleting"
)

// Function is a deployed function.
type Function struct {
	platform   *Platform
	spec       FunctionSpec
	readings   contract.Readings
	argv       []string
	repository string // in our registry
	headers    map[string][]string
	scheduler  *scheduler.Scheduler[*live]

	life context.Context //nolint:containedctx // of what goes on in the background; ends with Close
	end  context.CancelFunc

	mu          sync.Mutex
	state       State
	cause       error  // of CreateFailed
	cached      string // image id in the engine, where the image was prefetched
	ahead       []*prepared
	preparing   int
	all         map[*instance.Instance]struct{}
	flying      map[string]*live // by request id
	usage       Usage
	grace       time.Duration // that an instance without requests has to end by itself
	stopped     Stopped
	provisioned int
	ticker      *time.Timer    // of provisioned idle time
	work        sync.WaitGroup // what goes on in the background
}

// live is a started instance and what its first request has to tell of it.
type live struct {
	*instance.Instance

	cold *ColdStart // nil once told

	mu          sync.Mutex
	lastRequest string
	billedUntil time.Time
}

// began notes that a request begins, and tells which one did before it.
func (l *live) began(requestID string) (before string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.lastRequest = l.lastRequest, requestID
	return before
}

// imageTag is the only tag in a function's repository.
const imageTag = "candidate"

// Deploy makes a function of an image: the image goes into a private repository of its own. It starts nothing. With
// Accelerate the image is prefetched; a function whose image cannot be is CreateFailed.
func (p *Platform) Deploy(ctx context.Context, spec FunctionSpec) (*Function, error) {
	readings := p.readings
	if spec.Readings != nil {
		readings = *spec.Readings
	}
	p.opts.Tamper.spec(&spec)
	if err := spec.complete(readings); err != nil {
		return nil, err
	}
	argv, err := contract.ResolveArgv(spec.Command, spec.Args, spec.Image.Config.Config.Entrypoint, spec.Image.Config.Config.Cmd)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	f := &Function{
		platform: p, spec: spec, readings: readings, argv: argv.Words, state: Active, grace: p.opts.StopGrace,
		all: map[*instance.Instance]struct{}{}, flying: map[string]*live{},
		repository: fmt.Sprintf("scfcert-%s/%s-%d", p.engine.Run(), strings.ToLower(spec.Name), p.serial.Add(1)),
	}
	f.headers = f.commonHeaders()
	f.life, f.end = context.WithCancel(context.WithoutCancel(ctx))
	quota := p.quota.For(func(mb int) string { return contract.RegionQuotaMessage(spec.Name, mb) })
	if spec.ReservedMB > 0 {
		quota = scheduler.NewQuota(spec.ReservedMB, func(mb int) string { return contract.ReservedQuotaMessage(spec.Name, mb) })
	}
	f.scheduler = scheduler.New(scheduler.Options[*live]{
		Concurrency: spec.Concurrency, IdleTimeout: p.opts.IdleTimeout, Quotas: []*scheduler.Quota{quota}, DemandMB: spec.MemoryMB,
		Start: f.coldStart, Stop: func(i *live) { f.discard(f.life, i) }, Gone: func(i *live) bool { return gone(i.Instance) },
	})
	if err := p.enter(f); err != nil {
		return nil, err
	}
	if err := p.registry.Admit(ctx, f.repository, imageTag, spec.Image); err != nil {
		return nil, errors.Join(fmt.Errorf("admit image: %w", err), f.Close(ctx))
	}
	if !spec.Accelerate {
		return f, nil
	}
	f.cached, err = f.pull(ctx)
	if failed, ok := errors.AsType[*StartError](err); ok {
		f.state, f.cause = CreateFailed, failed
		return f, nil
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(ctx))
	}
	return f, nil
}

// enter puts a function into the platform's list.
func (p *Platform) enter(f *Function) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	accelerated := 0
	for _, other := range p.functions {
		if other.spec.Accelerate {
			accelerated++
		}
	}
	if f.spec.Accelerate && accelerated >= contract.MaxAccelerated {
		return fmt.Errorf("%w: image acceleration for more than %d functions of a region and account; switch it off for another one first", ErrSpec, contract.MaxAccelerated)
	}
	p.functions = append(p.functions, f)
	return nil
}

// Spec is what was deployed, with the defaults filled in.
func (f *Function) Spec() FunctionSpec { return f.spec }

// State tells where the function is in its life, and why it failed if it did.
func (f *Function) State() (State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state, f.cause
}

// Argv is the resolved start command.
func (f *Function) Argv() []string { return slices.Clone(f.argv) }

// Transfers is what the function's pulls really moved so far.
func (f *Function) Transfers() registry.Transfers { return f.platform.registry.Transfers(f.repository) }

// Instances counts the function's instances and the requests that they serve now.
func (f *Function) Instances() scheduler.Stats { return f.scheduler.Stats() }

// Close ends all instances of the function and takes its image out of the registry. Requests under way end with them.
func (f *Function) Close(ctx context.Context) error {
	f.end()
	f.mu.Lock()
	f.state = Deleting
	ahead := f.ahead
	f.ahead = nil
	if f.ticker != nil {
		f.ticker.Stop()
	}
	f.mu.Unlock()
	f.scheduler.Close()
	f.work.Wait()
	f.mu.Lock()
	ahead = append(ahead, f.ahead...)
	instances := slices.Collect(maps.Keys(f.all))
	f.ahead = nil
	f.mu.Unlock()
	for _, made := range ahead {
		instances = append(instances, made.instance)
	}
	f.platform.registry.Expel(f.repository)
	f.platform.leave(f)
	errs := make([]error, len(instances))
	var wait sync.WaitGroup
	for n, i := range instances {
		wait.Go(func() { errs[n] = i.Remove(ctx) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

func (p *Platform) leave(f *Function) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := slices.Index(p.functions, f); at >= 0 {
		p.functions = slices.Delete(p.functions, at, at+1)
	}
}

// Recycle ends the function's instances, busy ones with their last request, so that the next request meets a cold
// start. It returns when the idle ones have gone and the platform is ready for the next start.
func (f *Function) Recycle(ctx context.Context) error {
	f.scheduler.Recycle()
	f.work.Wait() // the next instances are made ahead
	return f.platform.pool.Await(ctx)
}

// Stopped counts instances that were told to end by SIGTERM.
type Stopped struct{ ByThemselves, Killed int }

// Stop ends the function's instances by SIGTERM, busy ones after their last request, and kills those that are still
// there after the grace. It returns when the idle ones have gone. The next request meets a cold start.
func (f *Function) Stop(ctx context.Context, grace time.Duration) (Stopped, error) {
	f.mu.Lock()
	before, usual := f.stopped, f.grace
	f.grace = grace
	f.mu.Unlock()
	f.scheduler.Recycle()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.grace = usual
	return Stopped{f.stopped.ByThemselves - before.ByThemselves, f.stopped.Killed - before.Killed}, ctx.Err()
}

// BuiltInEnvironment is the table of contract/runtime.md 7.4 with this function's values.
func (f *Function) BuiltInEnvironment() map[string]string {
	values := map[string]string{
		contract.EnvFunctionName: f.spec.Name, contract.EnvFunctionVersion: f.spec.Version,
		contract.EnvRegion: f.platform.opts.Region, contract.EnvAppID: f.platform.opts.AppID, contract.EnvUin: f.platform.opts.Uin,
	}
	for _, variable := range contract.Environment() {
		if variable.Value != "" {
			values[variable.Key] = variable.Value
		}
	}
	return values
}

// environment is what the platform puts into the process: the built-in variables and the user's.
func (f *Function) environment() []string {
	var env []string
	for _, variables := range []map[string]string{f.BuiltInEnvironment(), f.spec.Environment} {
		for _, key := range slices.Sorted(maps.Keys(variables)) {
			env = append(env, key+"="+variables[key])
		}
	}
	return f.platform.opts.Tamper.environment(f.spec.Name, env)
}

// commonHeaders are the headers of contract/runtime.md 7.1 that are the same for every request.
func (f *Function) commonHeaders() map[string][]string {
	values := map[string]string{
		contract.HeaderMemory:    strconv.Itoa(f.spec.MemoryMB),
		contract.HeaderTimeout:   strconv.FormatInt(f.spec.Timeout.Milliseconds(), 10),
		contract.HeaderVersion:   f.spec.Version,
		contract.HeaderName:      f.spec.Name,
		contract.HeaderNamespace: f.spec.Namespace,
		contract.HeaderRegion:    f.platform.opts.Region,
		contract.HeaderAppID:     f.platform.opts.AppID,
		contract.HeaderUin:       f.platform.opts.Uin,
	}
	if !f.spec.NoRole {
		values[contract.HeaderSessionToken] = f.platform.secrets.token
		values[contract.HeaderSecretID] = f.platform.secrets.id
		values[contract.HeaderSecretKey] = f.platform.secrets.key
	}
	headers := map[string][]string{}
	for name, value := range values {
		headers[name] = []string{value}
	}
	return headers
}
