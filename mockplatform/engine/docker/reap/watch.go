package reap

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/moby/moby/client"
)

// WatchLimit bounds the watcher's work once the run's process is gone. Until then it tries again: an engine that has
// gone with the run may come back.
const (
	WatchLimit = 2 * time.Minute
	watchPause = time.Second
)

// WatchArgs are the arguments that Watch understands.
func WatchArgs(host, run, dir string) []string {
	return []string{"-host", host, "-run", run, "-dir", dir}
}

// Watch outlives a run: it blocks until input ends, which happens when the run's process closes it or dies by whatever
// signal, and then removes everything of the run. A run that has removed everything itself costs it three list calls.
func Watch(ctx context.Context, args []string, input io.Reader) error {
	flags := flag.NewFlagSet("watch", flag.ContinueOnError)
	host := flags.String("host", "", "endpoint of the container engine")
	run := flags.String("run", "", "id of the run")
	dir := flags.String("dir", "", "directory of the run")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("parse watcher's arguments: %w", err)
	}
	if *run == "" {
		return errors.New("watch: no run given")
	}
	// A terminal's signals and a CI's polite ones are meant for the run; only the end of input ends the watcher.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	_, _ = io.Copy(io.Discard, input) // any end is the end of the run

	ctx, cancel := context.WithTimeout(ctx, WatchLimit)
	defer cancel()
	engine, err := client.New(client.FromEnv, client.WithHost(*host))
	if err != nil {
		return fmt.Errorf("watcher's engine client: %w", err)
	}
	defer func() { _ = engine.Close() }()
	err = Run(ctx, engine, *run)
	for pause := time.NewTicker(watchPause); err != nil && ctx.Err() == nil; {
		select {
		case <-pause.C:
			err = Run(ctx, engine, *run)
		case <-ctx.Done():
		}
	}
	return errors.Join(err, Directory(*dir))
}
