// Package serve is the local server: functions of a configuration, reachable by HTTP clients, timers and events.
//
// In come a config.Config and a listener's requests; out come answers as SCF gives them, log lines on a console, and the
// page below /_scfcert/. It sits on the mock platform's public face and has no way around it. It implements
// contract/gateway.md and contract/events.md 3.3, 3.4, 4 and 5.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/mockplatform/serve/config"
	"github.com/scfcert/scfcert/mockplatform/serve/metrics"
	"github.com/scfcert/scfcert/mockplatform/serve/page"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
)

// Options configures Open.
type Options struct {
	Config config.Config
	// Platform is how the mock platform is opened. Its account, its readings and its observers come from here, and how many
	// sandboxes it keeps ready where nothing is said.
	Platform mockplatform.Options
	// Address is where the server listens, HOST:PORT, for the URLs that it shows.
	Address string
	// Watch deploys an image again that has changed.
	Watch bool
	// Console gets the log of each request, line by line; nil prints nothing.
	Console io.Writer
	// ConsoleFilter selects what Console gets: lines that hold it, of any function or of the one that it names. Empty
	// selects all.
	ConsoleFilter string
	// Logger gets what is worth knowing besides; nil discards it.
	Logger *slog.Logger
}

// Server serves functions. It is an http.Handler.
type Server struct {
	opts      Options
	platform  *mockplatform.Platform
	functions []*served    // in the order of the file
	page      http.Handler // below Prefix
	metrics   *metrics.Metrics
	records   records
	console   console
	live      *live

	life context.Context //nolint:containedctx // of what goes on in the background; ends with Close
	end  context.CancelFunc
	work sync.WaitGroup
}

// stock is how many cold starts are prepared for over all functions: as many requests as a browser sends at once.
const stock = 6

// Open starts the platform and deploys all functions. A function that cannot be deployed, or whose image does not start,
// keeps no other from being served: it says why on the console and on the page. An error means that the platform could not
// be opened, or the end of the context.
func Open(ctx context.Context, opts Options) (*Server, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{opts: opts}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	about := opts.Config.Platform
	s.opts.Platform.Region, s.opts.Platform.AppID, s.opts.Platform.Uin = about.Region, about.AppID, about.Uin
	if s.opts.Platform.Sandboxes == 0 {
		s.opts.Platform.Sandboxes = max(stock/max(len(opts.Config.Functions), 1), 1)
	}
	s.live = newLive(func(lines []mockplatform.LogEntry, left int) { s.console.output(lines, left) }, s.records.changed)
	s.opts.Platform.Readings, s.opts.Platform.Began, s.opts.Platform.Live, s.opts.Platform.Finished = &about.Readings, s.began, s.live.hear, s.finished
	platform, err := mockplatform.Open(ctx, s.opts.Platform)
	if err != nil {
		s.end()
		return nil, err //nolint:wrapcheck // it says all
	}
	s.platform = platform
	s.console = console{to: opts.Console, filter: opts.ConsoleFilter, mask: platform.Mask}
	shown := source{s}
	s.metrics = metrics.New(shown.Functions, s.queued)
	mux := http.NewServeMux()
	mux.Handle(Prefix+"metrics", s.metrics)
	mux.Handle("/", page.Handler(shown, Prefix, opts.Address))
	s.page = mux
	s.work.Go(func() { s.live.run(s.life.Done()) })
	if err := s.deployAll(ctx); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

func (s *Server) deployAll(ctx context.Context) error {
	for _, about := range s.opts.Config.Functions {
		f := &served{about: about}
		s.functions = append(s.functions, f)
		if err := s.openEvents(f); err != nil {
			return err
		}
	}
	var wait sync.WaitGroup
	for _, f := range s.functions {
		wait.Go(func() {
			s.redeploy(ctx, f)
			if s.opts.Watch {
				s.work.Go(func() { s.watch(f) })
			}
		})
	}
	wait.Wait()
	for _, f := range s.functions {
		s.work.Go(func() { f.timers.Run(s.life) })
	}
	return ctx.Err() //nolint:wrapcheck // the caller knows
}

// Close ends timers, delivers no more asynchronous events, lets requests under way finish until the context ends, and
// removes everything from the engine.
func (s *Server) Close(ctx context.Context) error {
	s.end()
	var errs []error
	for _, f := range s.functions {
		if f.queue != nil {
			errs = append(errs, f.queue.Close(ctx))
		}
	}
	s.work.Wait()
	var wait sync.WaitGroup
	for _, f := range s.functions {
		if old := f.swap(nil, problem{}); old != nil {
			wait.Go(func() { old.drain(ctx) })
		}
	}
	wait.Wait()
	errs = append(errs, s.platform.Close(ctx))
	s.live.flush()
	for _, f := range s.functions {
		errs = append(errs, f.closeDeadLetter())
	}
	s.EndStreams()
	return errors.Join(errs...)
}

// EndStreams ends what the page's clients listen to. Have http.Server call it on shutdown, which waits for them otherwise.
func (s *Server) EndStreams() { s.records.close() }

// Platform is the mock platform behind the server.
func (s *Server) Platform() *mockplatform.Platform { return s.platform }

// problem is why a function takes no requests, and what to do.
type problem struct{ found, fix text }

// text is a text in both languages.
type text struct{ en, zh string }

func same(words string) text { return text{words, words} }

// version is one deployment of a function.
type version struct {
	function    *mockplatform.Function
	candidate   *image.Candidate
	fingerprint string
	flying      sync.WaitGroup
}

// drain waits for the requests under way, or for the end of the context, and takes the version away.
func (v *version) drain(ctx context.Context) {
	landed := make(chan struct{})
	go func() {
		defer close(landed)
		v.flying.Wait()
	}()
	select {
	case <-landed:
	case <-ctx.Done():
	}
	_ = v.function.Close(context.WithoutCancel(ctx)) // what stays is the platform's to tell when it closes
	_ = v.candidate.Close()
}

// served is a function of the configuration with what is deployed of it.
type served struct {
	about config.Function
	events

	mu      sync.Mutex
	current *version // nil where nothing could be deployed
	problem problem
}

// take gives the current version, which stays until it is given back; nil where there is none.
func (f *served) take() (v *version, giveBack func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil {
		return nil, func() {}
	}
	f.current.flying.Add(1)
	return f.current, f.current.flying.Done
}

// swap puts a version into the place of the current one, which is returned.
func (f *served) swap(next *version, why problem) (old *version) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old, f.current, f.problem = f.current, next, why
	return old
}

// state is the version and the problem of now.
func (f *served) state() (*version, problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current, f.problem
}

// redeploy deploys the function from its image as it is now. The version before serves until the next one is there, and
// on where there is none; it drains then.
func (s *Server) redeploy(ctx context.Context, f *served) {
	fingerprint, err := s.platform.Fingerprint(ctx, f.about.Image)
	if err != nil {
		fingerprint = "" // which the deployment tells better, or a registry that is not watched
	}
	next, err := s.deploy(ctx, f.about)
	defer s.records.changed()
	if err != nil {
		if ctx.Err() != nil {
			return
		}
		s.console.say(f.about.Name, "cannot be deployed: "+err.Error())
		if current, _ := f.state(); current != nil {
			s.console.say(f.about.Name, "the version before serves on")
			return
		}
		f.swap(nil, problem{found: same(err.Error())})
		return
	}
	next.fingerprint = fingerprint
	why := s.startProvisioned(ctx, f, next)
	old := f.swap(next, why)
	if old == nil {
		return
	}
	s.console.say(f.about.Name, "deployed anew; the version before ends with its requests")
	s.work.Go(func() { old.drain(s.life) })
}

// deploy makes a version of a function.
func (s *Server) deploy(ctx context.Context, about config.Function) (*version, error) {
	candidate, err := samplefunctions.Resolve(ctx, s.platform, about.Image, nil)
	if err != nil {
		return nil, err
	}
	readings := s.opts.Config.Platform.Readings
	readings.ExecutionRole = about.Role // the reading is its default
	spec := mockplatform.FunctionSpec{
		Name: about.Name, Namespace: s.opts.Config.Platform.Namespace, Version: about.Version, Type: mockplatform.Type(about.Type), Image: candidate,
		Command: about.Command, Args: about.Args, Environment: about.Environment, MemoryMB: about.MemoryMB, Timeout: about.Timeout,
		InitTimeout: about.InitTimeout, Concurrency: about.Concurrency, WebSocket: about.WebSocket != nil, Accelerate: about.Accelerate, Readings: &readings,
	}
	if about.WebSocket != nil {
		spec.WebSocketIdle = about.WebSocket.IdleTimeout
	}
	function, err := s.platform.Deploy(ctx, spec)
	if err != nil {
		return nil, errors.Join(err, candidate.Close())
	}
	if state, cause := function.State(); state != mockplatform.Active {
		return nil, errors.Join(fmt.Errorf("%s: %w", state, cause), function.Close(ctx), candidate.Close())
	}
	return &version{function: function, candidate: candidate}, nil
}

// startProvisioned starts the provisioned instances, or else one, so that an image that does not start is told before the
// first request.
func (s *Server) startProvisioned(ctx context.Context, f *served, next *version) problem {
	var err error
	if f.about.Provisioned > 0 {
		err = next.function.Provision(ctx, f.about.Provisioned)
	} else {
		_, err = next.function.Start(ctx)
	}
	if failed, ok := errors.AsType[*mockplatform.StartError](err); ok {
		result := mockplatform.Result{Status: failed.Status, ErrorMessage: failed.Message, Evidence: failed.Evidence}
		cause, known := result.Cause()
		if !known {
			return problem{found: same(failed.Error())}
		}
		why := problem{
			found: text{cause.Summary.EN + " (" + string(cause.Code) + "): " + cause.Found.EN, cause.Summary.ZH + "（" + string(cause.Code) + "）：" + cause.Found.ZH},
			fix:   text{cause.Fix.EN, cause.Fix.ZH},
		}
		s.console.say(f.about.Name, "does not start: "+why.found.en+"\nfix: "+why.fix.en)
		return why
	}
	if err != nil && ctx.Err() == nil {
		return problem{found: same(err.Error())}
	}
	return problem{}
}

// find gives a function by its name.
func (s *Server) find(name string) (*served, bool) {
	for _, f := range s.functions {
		if f.about.Name == name {
			return f, true
		}
	}
	return nil, false
}

// names lists the functions.
func (s *Server) names() string {
	var names []string
	for _, f := range s.functions {
		names = append(names, f.about.Name)
	}
	return strings.Join(names, ", ")
}

// watchStep is how often a watched image is looked at.
const watchStep = 500 * time.Millisecond

// watch deploys a function anew when its image has changed.
func (s *Server) watch(f *served) {
	tried := ""
	if current, _ := f.state(); current != nil {
		tried = current.fingerprint
		if tried == "" {
			s.console.say(f.about.Name, "is not watched: changes of "+f.about.Image+" cannot be seen; take an image of the local engine, an OCI layout or an archive")
			return
		}
	}
	tick := time.NewTicker(watchStep)
	defer tick.Stop()
	for {
		select {
		case <-s.life.Done():
			return
		case <-tick.C:
		}
		now, err := s.platform.Fingerprint(s.life, f.about.Image)
		if err != nil || now == tried {
			continue // while it is being built there may be none
		}
		tried = now
		s.redeploy(s.life, f)
	}
}

// ErrFunction means that a function takes no requests; the text says why, and what to do.
var ErrFunction = errors.New("function cannot be served")

// Check tells what is wrong with a function: nil where it takes requests and its image starts.
func (s *Server) Check(name string) error {
	f, ok := s.find(name)
	if !ok {
		return fmt.Errorf("%w: no function %q; there are %s", ErrFunction, name, s.names())
	}
	_, why := f.state()
	if why.found.en == "" {
		return nil
	}
	words := why.found.en
	if why.fix.en != "" {
		words += "\nfix: " + why.fix.en
	}
	return fmt.Errorf("%w: %s: %s", ErrFunction, name, s.platform.Mask(words))
}

// Invoke sends an event to an event function and waits for its end. Errors are those of mockplatform.Function.Invoke, and
// ErrFunction where nothing is deployed.
func (s *Server) Invoke(ctx context.Context, name string, event []byte) (mockplatform.Result, error) {
	f, ok := s.find(name)
	if !ok {
		return mockplatform.Result{}, s.Check(name)
	}
	v, giveBack := f.take()
	defer giveBack()
	if v == nil {
		return mockplatform.Result{}, s.Check(name)
	}
	return v.function.Invoke(ctx, event) //nolint:wrapcheck // it says all
}
