package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/waiver"
)

func baselineCommand() *cobra.Command {
	var owner, expires, justification, out string
	cmd := &cobra.Command{
		Use:   "baseline REPORT",
		Short: "Write waivers for all present failures of a report",
		Long: `Write a file of waivers for every MUST that fails in report.json, to begin from: with run --waivers=FILE only new failures
count from then on, and what is mended has to be taken out of the file. See docs/waivers.md.`,
		Example: "  scfcert baseline scfcert-report/report.json --owner=team@example.com --expires=2027-01-31 --justification=\"known; see ticket 17\" --out=waivers.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			day, err := time.Parse(time.DateOnly, expires)
			if err != nil {
				return fmt.Errorf("%w: --expires %q: write a date as 2027-01-31", suite.ErrUsage, expires)
			}
			if err := notOver(out); err != nil {
				return err
			}
			r, err := report.Load(args[0])
			if err != nil {
				return sortError(err)
			}
			if r.Fault != "" {
				return sortError(fmt.Errorf("%s could not be assessed as a whole, so that its failures are not known; certify the image again", args[0]))
			}
			text, err := waiver.FromReport(r, owner, day, justification)
			switch {
			case errors.Is(err, waiver.ErrUnknown):
				return sortError(fmt.Errorf("%s: %w", args[0], err))
			case err != nil:
				return fmt.Errorf("%w: --owner or --justification: %w", suite.ErrUsage, err)
			}
			if _, err := waiver.Parse("the waivers", text, waiver.Options{}); err != nil {
				return fmt.Errorf("%w: --expires: %w", suite.ErrUsage, err)
			}
			if out == "-" {
				_, err = cmd.OutOrStdout().Write(text)
				return sortError(err)
			}
			if err := absent(out); err != nil {
				return sortError(err)
			}
			return sortError(writeNew(out, text, 0o644)) //nolint:mnd // for everybody
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "who answers for the failures")
	cmd.Flags().StringVar(&expires, "expires", "", "last `DATE` on which the waivers hold (YYYY-MM-DD)")
	cmd.Flags().StringVar(&justification, "justification", "", "why they are waived, in a sentence")
	cmd.Flags().StringVar(&out, "out", "-", "`FILE` to write, which must not be there yet; - for standard output")
	return cmd
}
