package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/suite"
)

// functionFlags are the flags that say what a function is, and those beside them that are bound with them.
type functionFlags struct {
	set     *flag.FlagSet
	bound   *suite.Flags
	verbose bool
}

func (f *functionFlags) bind(cmd *cobra.Command, bind func(*flag.FlagSet) *suite.Flags) {
	f.set = flag.NewFlagSet(cmd.Name(), flag.ContinueOnError)
	f.bound = bind(f.set)
	cmd.Flags().SortFlags = false
	cmd.Flags().AddGoFlagSet(f.set)
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "say on stderr what happens behind the scenes")
}

// options reads the flags, and the image from the arguments.
func (f *functionFlags) options(cmd *cobra.Command, args []string) (suite.Options, error) {
	if len(args) == 1 {
		if cmd.Flags().Changed("image") {
			return suite.Options{}, fmt.Errorf("%w: the image is given twice, as %q and with --image", suite.ErrUsage, args[0])
		}
		if err := f.set.Set("image", args[0]); err != nil {
			return suite.Options{}, err //nolint:wrapcheck // it says all
		}
	}
	return f.bound.Options("") //nolint:wrapcheck // it says all
}

func (f *functionFlags) logger(to io.Writer) *slog.Logger {
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: level}))
}

// spec is the function that the flags describe.
func spec(opts suite.Options, kind mockplatform.Type, candidate *image.Candidate) mockplatform.FunctionSpec {
	return mockplatform.FunctionSpec{
		Name: "function", Type: kind, Image: candidate, Command: opts.Command, Args: opts.Args, Environment: opts.Environment,
		MemoryMB: opts.MemoryMB, Timeout: opts.Timeout, InitTimeout: opts.InitTimeout, Concurrency: opts.Concurrency,
	}
}

// printCause says why an invocation failed, and what to do.
func printCause(w io.Writer, lang *language, cause diagnose.Cause, mask func(string) string) {
	_, _ = fmt.Fprintf(w, "%s (%s)\n", lang.say(cause.Summary), cause.Code)
	for _, row := range [][2]string{
		{lang.word("found    ", "发现"), lang.say(cause.Found)}, {lang.word("required ", "要求"), lang.say(cause.Required)}, {lang.word("fix      ", "修复"), lang.say(cause.Fix)},
	} {
		_, _ = fmt.Fprintf(w, "  %s  %s\n", row[0], mask(strings.ReplaceAll(row[1], "\n", "\n             ")))
	}
}
