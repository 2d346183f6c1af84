package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
)

func runCommand(code *int) *cobra.Command {
	var function functionFlags
	var lang language
	cmd := &cobra.Command{
		Use:   "run [IMAGE]",
		Short: "Certify an image; without one, the built-in sample",
		Long: `Certify an image: admit it with temporary credentials, start it as SCF does, invoke it, and judge every requirement.

IMAGE is a reference (the local engine first, then the registry with your Docker credentials), engine:REF, registry:REF,
oci:DIR for an OCI layout, or tar:FILE for a docker-save archive.

Exit codes: 0 conformant, 1 non-conformant, 2 inconclusive (we could not assess), 64 wrong usage.`,
		Example: "  scfcert run my-function:1.0 --type=event\n  scfcert run tar:function.tar --memory=256 --env MODE=test",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := function.options(cmd, args)
			if err != nil {
				return err
			}
			terminal := newTerminal(os.Stdout, os.Stderr)
			opts.Logger = function.logger(terminal.notes())
			opts.Observer = terminal.progress
			if opts.WatchCommand, err = watchSelf(); err != nil {
				return sortError(err)
			}
			certified, err := suite.Certify(cmd.Context(), opts)
			terminal.done()
			if err != nil {
				return sortError(err)
			}
			*code = certified.Verdict.ExitCode()
			if err := report.WriteText(os.Stdout, certified, report.TextOptions{Color: terminal.color, Chinese: lang == chinese}); err != nil {
				return sortError(err)
			}
			_, err = fmt.Fprintf(os.Stdout, "report:  %s\n", opts.ReportDir)
			return sortError(err)
		},
	}
	function.bind(cmd, suite.Bind)
	lang.bind(cmd)
	return cmd
}

// watchSelf is the command that starts this binary as watcher.
func watchSelf() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return []string{self, "watch"}, nil
}

// watchCommand is for ourselves: the process that cleans up when this one is killed.
func watchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch", Hidden: true, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return sortError(mockplatform.Watch(cmd.Context(), args))
		},
	}
}
