package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/engine"
)

// prepareTime bounds the making of a sandbox.
const prepareTime = 30 * time.Second

// pausePath is where the pause image holds its only program.
const pausePath = "/pause"

// Options configures a Pool.
type Options struct {
	Engine engine.Engine
	// Pause is the path of the static pause program for the engine's architecture.
	Pause string
	// Dir is where file systems for /tmp are mounted. Whoever removes it has to unmount them if a sandbox is left.
	Dir string
	// Size is how many sandboxes are kept ready; at least 1.
	Size   int
	Logger *slog.Logger
}

// Pool keeps sandboxes ready. New ones are prepared while no instance is starting, so that they never compete with a
// cold start for the processor; a Take that finds none waits for one that is prepared at once.
type Pool struct {
	opts  Options
	image string
	ready chan prepared

	life context.Context //nolint:containedctx // ends with Close; preparations outlive the call that caused them
	end  context.CancelFunc
	wake chan struct{}
	done chan struct{}

	mu       sync.Mutex
	starting int // sandboxes taken whose start is not settled
	waiting  int // Takes that wait
	making   int // that are being made
	made     int
	softTmp  error         // why /tmp cannot be a file system of its own here; nil while it can
	grown    chan struct{} // closed when a sandbox was added
}

// prepared is a sandbox, or why there is none.
type prepared struct {
	sandbox *Sandbox
	err     error
	began   time.Time
}

// ErrClosed means that the pool was closed.
var ErrClosed = errors.New("sandbox pool closed")

// Open loads the pause image and begins to prepare sandboxes.
func Open(ctx context.Context, opts Options) (*Pool, error) {
	opts.Size = max(opts.Size, 1)
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	p := &Pool{
		opts: opts, image: "scfcert-" + opts.Engine.Run() + "/pause:latest", ready: make(chan prepared, opts.Size+1),
		life: life, end: end, wake: make(chan struct{}, 1), done: make(chan struct{}), grown: make(chan struct{}),
	}
	if err := p.loadPause(ctx); err != nil {
		end()
		return nil, err
	}
	go p.fill()
	return p, nil
}

// Take gives a sandbox for one instance. The caller says Settled when the start is over and Remove at the end.
func (p *Pool) Take(ctx context.Context) (*Sandbox, error) {
	p.mu.Lock()
	p.starting++
	p.waiting++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.waiting--
		p.mu.Unlock()
	}()
	for began := time.Now(); ; {
		p.poke()
		select {
		case next, open := <-p.ready:
			switch {
			case !open:
				next.err = ErrClosed
			case next.err != nil && next.began.Before(began):
				continue // what failed then need not fail now
			}
			if next.err != nil {
				p.settled()
			}
			return next.sandbox, next.err
		case <-ctx.Done():
			p.settled()
			return nil, fmt.Errorf("wait for a sandbox: %w", ctx.Err())
		}
	}
}

// Await waits until the pool is full, which it becomes while nothing starts.
func (p *Pool) Await(ctx context.Context) error {
	for {
		p.mu.Lock()
		full := len(p.ready) >= p.opts.Size
		grown := p.grown
		p.mu.Unlock()
		if full {
			return nil
		}
		p.poke()
		select {
		case <-grown:
		case <-p.done:
			return ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("wait for the sandbox pool: %w", ctx.Err())
		}
	}
}

func (p *Pool) settled() {
	p.mu.Lock()
	p.starting--
	p.mu.Unlock()
	p.poke()
}

func (p *Pool) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// fill prepares sandboxes: one after the other while nobody waits, and as many at a time as the engine has processors for
// those who do.
func (p *Pool) fill() {
	defer close(p.done)
	defer close(p.ready)
	var making sync.WaitGroup
	defer making.Wait()
	for {
		for p.needed() {
			making.Go(p.add)
		}
		select {
		case <-p.wake:
		case <-p.life.Done():
			return
		}
	}
}

// add prepares a sandbox and puts it into the stock.
func (p *Pool) add() {
	began := time.Now()
	// A container whose making is broken off may appear when nobody looks for it any more, so Close waits for it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.life), prepareTime)
	defer cancel()
	s, err := p.prepare(ctx)
	p.mu.Lock()
	p.making--
	unwanted := err != nil && p.waiting <= len(p.ready)+p.making
	p.mu.Unlock()
	if unwanted {
		p.opts.Logger.Debug("could not prepare a sandbox", "error", err)
		return // the next Take tries again and hears of it
	}
	p.ready <- prepared{s, err, began}
	p.mu.Lock()
	close(p.grown)
	p.grown = make(chan struct{})
	p.mu.Unlock()
	p.poke()
}

// needed tells whether to make another one, which is then counted as being made.
func (p *Pool) needed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	stock := len(p.ready) + p.making
	yes := p.waiting > stock && p.making < max(p.opts.Engine.Info().CPUs, 1) || p.making == 0 && p.starting == 0 && stock < p.opts.Size
	if yes {
		p.making++
	}
	return yes
}

func (p *Pool) prepare(ctx context.Context) (*Sandbox, error) {
	p.mu.Lock()
	p.made++
	number := p.made
	p.mu.Unlock()
	spec := engine.ContainerSpec{
		Name: fmt.Sprintf("sandbox-%d", number), Role: "sandbox", Image: p.image, Argv: []string{pausePath},
		ReadOnlyRoot: true,
	}
	if !p.opts.Engine.Info().Privileged {
		spec.PublishPort = contract.Port
	}
	tmp := p.makeTmp(ctx, number)
	if tmp != nil {
		spec.TmpSource = tmp.path
	}
	c, err := p.opts.Engine.Create(ctx, spec)
	if err != nil {
		err = fmt.Errorf("prepare sandbox: %w", err)
		if tmp != nil {
			err = errors.Join(err, tmp.unmount())
		}
		return nil, err
	}
	s := &Sandbox{container: c, settle: p.settled, tmp: tmp}
	if err := p.begin(ctx, s); err != nil {
		s.settle = func() {} // it was never taken
		removed := s.Remove(context.WithoutCancel(ctx))
		if errors.Is(err, errTmp) && removed == nil {
			p.giveUpTmp(err)
			return p.prepare(ctx)
		}
		return nil, errors.Join(err, removed)
	}
	return s, nil
}

// makeTmp makes a file system for /tmp where we are root beside the engine, until it fails once.
func (p *Pool) makeTmp(ctx context.Context, number int) *tmpDir {
	if !p.OwnTmp() {
		return nil
	}
	tmp, err := newTmpDir(ctx, p.opts.Dir, number)
	if err != nil {
		p.giveUpTmp(err)
		return nil
	}
	return tmp
}

// OwnTmp tells whether instances get a file system of their own for /tmp. It may turn false with the first sandbox.
func (p *Pool) OwnTmp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.softTmp == nil && p.opts.Dir != "" && p.opts.Engine.Info().Privileged
}

func (p *Pool) giveUpTmp(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.softTmp = reason
	p.opts.Logger.Info("/tmp is a tmpfs here, and the memory limit loose", "reason", reason)
}

func (p *Pool) begin(ctx context.Context, s *Sandbox) error {
	if err := s.container.Start(ctx); err != nil {
		return fmt.Errorf("start sandbox: %w", err)
	}
	pid, hostPort, err := s.container.Process(ctx)
	if err != nil {
		return fmt.Errorf("look at sandbox: %w", err)
	}
	s.hostPort = hostPort
	info := p.opts.Engine.Info()
	if !info.Local {
		return nil
	}
	if err := s.enter(pid, info.Privileged); err != nil {
		if errors.Is(err, errElsewhere) && hostPort != 0 {
			return nil // the prober serves
		}
		return fmt.Errorf("enter sandbox: %w", err)
	}
	if s.tmp != nil {
		if err := s.tmp.visibleTo(pid); err != nil {
			return fmt.Errorf("%w: %w", errTmp, err)
		}
	}
	return nil
}

// errTmp means that the engine does not mount what we have mounted.
var errTmp = errors.New("the engine does not see /tmp")

// Close removes the sandboxes that nobody took.
func (p *Pool) Close(ctx context.Context) error {
	p.end()
	var errs []error
	for left := range p.ready {
		if left.sandbox != nil {
			left.sandbox.settle = func() {}
			errs = append(errs, left.sandbox.Remove(ctx))
		}
	}
	<-p.done
	return errors.Join(errs...)
}

// loadPause gives the engine the pause image: one file in an empty root.
func (p *Pool) loadPause(ctx context.Context) error {
	archive, err := pauseArchive(p.opts.Pause, p.image, p.opts.Engine.Info().Architecture)
	if err != nil {
		return fmt.Errorf("build pause image: %w", err)
	}
	if err := p.opts.Engine.LoadImage(ctx, archive); err != nil {
		return fmt.Errorf("load pause image: %w", err)
	}
	return nil
}
