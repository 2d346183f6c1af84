// Package scftest runs a function for the tests of other modules, in the shape of a testcontainers module.
//
// In comes an image reference; out comes a Function with a base URL, Invoke and the log of each request, on a mock
// platform of its own. Terminate or Cleanup removes everything from the engine.
//
//	f, err := scftest.Run(ctx, "my-function:1", scftest.WithType(scftest.Event))
//	scftest.Cleanup(t, f)
package scftest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/serve"
	"github.com/scfcert/scfcert/mockplatform/serve/config"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
)

// The types of functions.
const (
	Event = config.Event
	HTTP  = config.HTTP
)

// BuiltIn is the reference of the built-in sample function.
const BuiltIn = samplefunctions.Reference

// name of the function, as it sees it.
const name = "function"

// Option changes what is run. Its error is Run's.
type Option func(*config.Config, *config.Function) error

// Customize changes any member of the function's configuration (docs/functions-yaml.md).
func Customize(change func(*config.Function)) Option {
	return func(_ *config.Config, f *config.Function) error {
		change(f)
		return nil
	}
}

// WithType makes it an Event or an HTTP function; the default is HTTP.
func WithType(kind config.Type) Option { return Customize(func(f *config.Function) { f.Type = kind }) }

// WithEnvironment adds variables.
func WithEnvironment(variables map[string]string) Option {
	return Customize(func(f *config.Function) {
		if f.Environment == nil {
			f.Environment = map[string]string{}
		}
		maps.Copy(f.Environment, variables)
	})
}

// WithMemory sets the memory in MB.
func WithMemory(mb int) Option { return Customize(func(f *config.Function) { f.MemoryMB = mb }) }

// WithTimeout sets the timeout of one invocation.
func WithTimeout(timeout time.Duration) Option {
	return Customize(func(f *config.Function) { f.Timeout = timeout })
}

// WithReading takes another reading of the contract (docs/readings.md).
func WithReading(reading, value string) Option {
	return func(c *config.Config, _ *config.Function) error { return c.Platform.Readings.Set(reading, value) }
}

// Function is a function that runs until Terminate.
type Function struct {
	// URL is the base of its HTTP trigger, without a slash at the end.
	URL string

	server *serve.Server
	http   *http.Server
}

// Run starts an image as SCF does, on the engine that testcontainers would use, and returns when it has started. An image
// that does not start is serve.ErrFunction with the cause and the fix. Terminate what it returns.
func Run(ctx context.Context, reference string, opts ...Option) (*Function, error) {
	loaded := config.Single(name, reference)
	about := &loaded.Functions[0]
	for _, change := range opts {
		if err := change(&loaded, about); err != nil {
			return nil, err
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the function: %w", err)
	}
	address := listener.Addr().String()
	server, err := serve.Open(ctx, serve.Options{Config: loaded, Address: address})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	f := &Function{URL: "http://" + address, server: server, http: &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}} //nolint:mnd // seconds
	go func() { _ = f.http.Serve(listener) }()                                                                                         // ends with Terminate
	if err := server.Check(name); err != nil {
		return nil, errors.Join(err, f.Terminate(ctx))
	}
	return f, nil
}

// Invoke sends an event to an event function and waits for its end.
func (f *Function) Invoke(ctx context.Context, event []byte) (mockplatform.Result, error) {
	return f.server.Invoke(ctx, name, event) //nolint:wrapcheck // it says all
}

// Logs are the lines of one request, the platform's and the function's own, in the platform's order.
func (f *Function) Logs(requestID string) []mockplatform.LogEntry {
	lines, _ := f.server.Platform().Logs(mockplatform.LogQuery{RequestID: requestID})
	return lines
}

// Terminate ends the function and removes everything from the engine.
func (f *Function) Terminate(ctx context.Context) error {
	return errors.Join(f.http.Close(), f.server.Close(ctx))
}

// Cleanup terminates a function when the test ends. It takes nil, so that it can stand before the check of Run's error.
func Cleanup(t testing.TB, f *Function) {
	t.Helper()
	if f == nil {
		return
	}
	t.Cleanup(func() {
		if err := f.Terminate(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("terminate the function: %v", err)
		}
	})
}
