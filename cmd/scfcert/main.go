// Command scfcert certifies container images as Tencent Cloud SCF WebServer image functions.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
)

func main() { os.Exit(run(os.Args[1:])) }

// run executes a command line and returns the exit code.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, endAtNext)
	code := report.ExitConformant
	root := rootCommand(&code)
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return code
	case errors.Is(err, errInconclusive):
		_, _ = fmt.Fprintln(os.Stderr, "scfcert:", diagnose.Clean(err.Error()))
		return report.ExitInconclusive
	default: // cobra's own errors are about usage
		_, _ = fmt.Fprintf(os.Stderr, "scfcert: %s\nsee \"%s --help\"\n", diagnose.Clean(err.Error()), command.CommandPath())
		return report.ExitUsage
	}
}

// exitInterrupted is what a shell says of a program that Ctrl-C has ended.
const exitInterrupted = 130

// endAtNext has a second Ctrl-C end the program at once, also where it was started with that signal ignored, as shells do
// for what they run in the background. The watcher removes what is left.
func endAtNext() {
	second := make(chan os.Signal, 1)
	signal.Notify(second, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-second
		os.Exit(exitInterrupted)
	}()
}

// errInconclusive marks errors that are no wrong usage: we could not do what was asked.
var errInconclusive = errors.New("failed")

func rootCommand(code *int) *cobra.Command {
	root := &cobra.Command{
		Use:           "scfcert",
		Short:         "Certify container images as Tencent Cloud SCF WebServer image functions",
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(runCommand(code), invokeCommand(code), serveCommand(), eventCommand(), requirementsCommand(), explainCommand(), doctorCommand(code), versionCommand(),
		baselineCommand(), compareCommand(code), matrixCommand(code), reportCommand(), keygenCommand(), signCommand(), attachCommand(), verifyCommand(code), watchCommand())
	return root
}

// sortError tells wrong usage from what kept us from certifying.
func sortError(err error) error {
	if err == nil || errors.Is(err, suite.ErrUsage) {
		return err
	}
	return fmt.Errorf("%w: %w", errInconclusive, err)
}
