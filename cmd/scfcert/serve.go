package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/serve"
	"github.com/scfcert/scfcert/mockplatform/serve/config"
	"github.com/scfcert/scfcert/mockplatform/serve/cron"
	"github.com/scfcert/scfcert/suite"
)

// serving is what scfcert serve is told beside the function.
type serving struct {
	file, listen, filter string
	watch                bool
}

func serveCommand() *cobra.Command {
	var function functionFlags
	var local serving
	cmd := &cobra.Command{
		Use:   "serve [IMAGE]",
		Short: "Run a function on this machine as it runs on SCF",
		Long: `Run one function, or those of a functions.yaml, on this machine as they run on SCF, until Ctrl-C.

An HTTP function answers at http://LISTEN/, as behind a function URL; an event function gets each request as an event.
Several functions answer at http://NAME.localhost:PORT/. The page http://LISTEN/_scfcert/ shows instances, invocations and
logs and sends events; http://LISTEN/_scfcert/metrics is for Prometheus. Without --type the function is an HTTP function.

Ctrl-C finishes the requests under way and cleans up; a second one ends at once.
Exit codes: 0 after Ctrl-C, 2 we failed (no engine, address in use), 64 wrong usage.`,
		Example: "  scfcert serve my-function:1 --watch\n  scfcert serve my-events:1 --type=event --listen=127.0.0.1:8080\n  scfcert serve -f functions.yaml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			loaded, err := local.config(cmd, &function, args)
			if err != nil {
				return err
			}
			return sortError(local.run(cmd.Context(), loaded, function.logger(os.Stderr)))
		},
	}
	cmd.Flags().StringVarP(&local.file, "file", "f", "", "`functions.yaml` with the functions to serve (docs/functions-yaml.md)")
	cmd.Flags().StringVar(&local.listen, "listen", "127.0.0.1:9000", "`HOST:PORT` to listen on; port 0 takes a free one")
	cmd.Flags().BoolVar(&local.watch, "watch", false, "deploy an image again when it is rebuilt; no request is lost")
	cmd.Flags().StringVar(&local.filter, "log", "", "print only log lines of this `FUNCTION`, of request ids that begin so, or that hold this text")
	function.bind(cmd, suite.BindFunction)
	return cmd
}

// config reads the file, or makes a configuration of the flags.
func (l *serving) config(cmd *cobra.Command, function *functionFlags, args []string) (config.Config, error) {
	if l.file != "" {
		changed := ""
		function.set.VisitAll(func(f *flag.Flag) {
			if cmd.Flags().Changed(f.Name) {
				changed = f.Name
			}
		})
		switch {
		case len(args) > 0:
			return config.Config{}, fmt.Errorf("%w: both %q and --file; the file names the images", suite.ErrUsage, args[0])
		case changed != "":
			return config.Config{}, fmt.Errorf("%w: both --%s and --file; write it into the file", suite.ErrUsage, changed)
		}
		loaded, err := config.Load(l.file, config.Options{ValidateCron: func(text string) error {
			_, err := cron.Parse(text)
			return err //nolint:wrapcheck // the file's reader says where
		}})
		if err != nil {
			return loaded, fmt.Errorf("%w: %w", suite.ErrUsage, err)
		}
		return loaded, nil
	}
	opts, err := function.options(cmd, args)
	if err != nil {
		return config.Config{}, err
	}
	made := config.Single("function", opts.Image)
	if made.Platform.Readings, err = opts.ReadingsInForce(); err != nil {
		return made, fmt.Errorf("%w: %w", suite.ErrUsage, err)
	}
	f := &made.Functions[0]
	if opts.Type == suite.TypeEvent {
		f.Type = config.Event
	}
	f.Command, f.Args, f.Environment, f.MemoryMB, f.Timeout, f.InitTimeout = opts.Command, opts.Args, opts.Environment, opts.MemoryMB, opts.Timeout, opts.InitTimeout
	f.Concurrency, f.Role = max(opts.Concurrency, 1), made.Platform.Readings.ExecutionRole
	if f.Type == config.HTTP {
		f.WebSocket = &config.WebSocket{IdleTimeout: contract.DefaultWebSocketIdle}
	}
	return made, nil
}

const (
	// headTime is how long a client may take to send the head of a request, keepTime how long a connection may be idle.
	headTime = 10 * time.Second
	keepTime = 2 * time.Minute
	// drainTime is how long requests under way may take when the server ends.
	drainTime = 30 * time.Second
)

// run serves until the context ends.
func (l *serving) run(ctx context.Context, loaded config.Config, logger *slog.Logger) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; take another address with --listen, port 0 for a free one", l.listen, err)
	}
	defer func() { _ = listener.Close() }()
	watch, err := watchSelf()
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	s, err := serve.Open(ctx, serve.Options{
		Config: loaded, Platform: mockplatform.Options{WatchCommand: watch, Logger: logger}, Address: address, Watch: l.watch,
		Console: os.Stderr, ConsoleFilter: l.filter, Logger: logger,
	})
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: headTime, IdleTimeout: keepTime, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug)}
	server.RegisterOnShutdown(s.EndStreams)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	for _, at := range s.URLs() {
		_, _ = fmt.Fprintf(os.Stdout, "%-12s %s\n", at.Function, at.URL)
	}
	_, _ = fmt.Fprintf(os.Stdout, "%-12s http://%s%s\n", "page", address, serve.Prefix)
	select {
	case <-ctx.Done():
		_, _ = fmt.Fprintln(os.Stderr, "finishing the requests under way; Ctrl-C again ends at once")
	case err = <-ended:
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	stopped := server.Shutdown(drain)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	if errors.Is(stopped, context.DeadlineExceeded) {
		stopped = server.Close()
	}
	return errors.Join(err, stopped, s.Close(drain))
}
