package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/matrix"
)

func matrixCommand(code *int) *cobra.Command {
	var file string
	var opts matrix.Options
	var log functionFlags
	cmd := &cobra.Command{
		Use:   "matrix -f FILE",
		Short: "Certify many images in many variants, with one overview",
		Long: `Certify every image of a YAML file in every variant: function type, command, memory, and whatever else "scfcert run" takes.
docs/matrix.md tells how to write one. Each run has its report in a folder of its name; matrix.html, matrix.md and
matrix.json are the overview.

Runs go on side by side as far as the engine has processors and memory for them. What does not hold beside others is
certified once more alone, and that counts. A run that fails does not keep the others from theirs.

Exit codes: 0 all conformant, 1 one is not, 2 one could not be assessed, 64 wrong usage.`,
		Example: "  scfcert matrix -f matrix.yaml\n  scfcert matrix -f matrix.yaml --resume",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return fmt.Errorf("%w: %q is no flag; a file is named with -f", suite.ErrUsage, args[0])
			case file == "":
				return fmt.Errorf("%w: name a matrix file with -f (docs/matrix.md)", suite.ErrUsage)
			case opts.ReportDir == "":
				return fmt.Errorf("%w: --report-dir names no folder; name one, it is made if it does not exist", suite.ErrUsage)
			case cmd.Flags().Changed("parallel") && opts.Parallel < 1:
				return fmt.Errorf("%w: --parallel %d: give a number from 1, or leave the flag out", suite.ErrUsage, opts.Parallel)
			}
			plan, err := matrix.Load(file)
			if err != nil {
				return fmt.Errorf("%w: %w", suite.ErrUsage, err)
			}
			opts.Logger = log.logger(cmd.ErrOrStderr())
			if opts.WatchCommand, err = watchSelf(); err != nil {
				return sortError(err)
			}
			began := time.Now()
			opts.Observer = func(p matrix.Progress) { printProgress(cmd.OutOrStdout(), time.Since(began), p) }
			overview, err := matrix.Certify(cmd.Context(), plan, opts)
			if errors.Is(err, context.Canceled) {
				err = fmt.Errorf("interrupted; what is done is kept, go on with --resume: %w", err)
			}
			if err != nil {
				return sortError(err)
			}
			*code = overview.ExitCode()
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "overview: %s\n", filepath.Join(opts.ReportDir, "matrix.html"))
			return sortError(err)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "matrix `FILE` in YAML")
	cmd.Flags().StringVar(&opts.ReportDir, "report-dir", "scfcert-matrix", "`folder` for the overview and the reports")
	cmd.Flags().IntVar(&opts.Parallel, "parallel", 0, "how many `runs` go on at a time (default: as the engine has processors and memory)")
	cmd.Flags().BoolVar(&opts.Resume, "resume", false, "keep what is certified in the folder already, unless its settings, its image or scfcert have changed")
	cmd.Flags().BoolVarP(&log.verbose, "verbose", "v", false, "say on stderr what happens behind the scenes")
	return cmd
}

// printProgress tells of one run.
func printProgress(w io.Writer, since time.Duration, p matrix.Progress) {
	words := []string{string(p.Report.Verdict)}
	for _, cause := range p.Report.RootCauses {
		if !cause.Waived {
			words = append(words, string(cause.Reason))
		}
	}
	switch p.State {
	case matrix.Started:
		words = []string{"…"}
	case matrix.Kept:
		words = append(words, "(kept)")
	case matrix.Again:
		words = append(words, "(once more alone, later)")
	case matrix.Ended:
	}
	_, _ = fmt.Fprintf(w, "%7.1fs  %-40s  %s\n", since.Seconds(), p.Run, strings.Join(words, "  "))
	switch {
	case p.Err != nil:
		_, _ = fmt.Fprintf(w, "          %s\n", diagnose.Clean(p.Err.Error()))
	case p.Report.Fault != "":
		_, _ = fmt.Fprintf(w, "          %s\n", diagnose.Clean(p.Report.Fault))
	}
}
