package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/compare"
	"github.com/scfcert/scfcert/suite/report"
)

func compareCommand(code *int) *cobra.Command {
	var lang language
	var opts compare.Options
	as := choice{value: "text", of: []string{"text", "markdown", "json"}}
	cmd := &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "Tell what got worse, better, slower or larger between two certifications",
		Long: `Compare the certifications of two images: requirements, reasons, sizes, and times with a stated rule that takes noise
into account. OLD and NEW are a report.json, or a folder whose report.json files are repeated samples of one image: times
are judged from several samples only. Take them in turns on one machine.

Exit codes: 0 nothing that counts got worse, 1 something did, 2 we could not tell (a report cannot be read, the two do not
belong together, or one could not be assessed), 64 wrong usage.`,
		Example: "  scfcert compare old/report.json new/report.json\n  for n in 1 2 3 4 5 6 7; do scfcert run old:1 --report-dir old/$n; scfcert run new:1 --report-dir new/$n; done; scfcert compare old new --format=markdown",
		Args:    cobra.ExactArgs(2), //nolint:mnd // the two
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.MinSamples == 0 || opts.MinChange == 0 || opts.Alpha == 0 {
				return fmt.Errorf("%w: --min-samples, --min-change and --alpha have to be above 0; leave out what is not needed", suite.ErrUsage)
			}
			before, paths, err := reportsAt(args[0])
			if err != nil {
				return sortError(err)
			}
			after, more, err := reportsAt(args[1])
			if err != nil {
				return sortError(err)
			}
			c, err := compare.Compare(before, after, opts)
			switch {
			case errors.Is(err, compare.ErrOptions):
				return fmt.Errorf("%w: %w", suite.ErrUsage, err)
			case err != nil:
				return sortError(fmt.Errorf("%w\nold reports, from 1: %s\nnew reports, from 1: %s", err, strings.Join(paths, ", "), strings.Join(more, ", ")))
			}
			switch {
			case c.Regression():
				*code = report.ExitNonConformant
			case c.Inconclusive():
				*code = report.ExitInconclusive
			}
			words := compare.Language(lang)
			var text []byte
			switch as.value {
			case "markdown":
				text = []byte(compare.Markdown(c, words))
			case "json":
				text, err = compare.JSON(c)
			default:
				text = []byte(compare.Text(c, words))
			}
			if err == nil {
				_, err = cmd.OutOrStdout().Write(text)
			}
			return sortError(err)
		},
	}
	cmd.Flags().Var(&as, "format", "format")
	cmd.Flags().IntVar(&opts.MinSamples, "min-samples", compare.DefaultMinSamples, "`samples` of each side from which times are judged")
	cmd.Flags().Float64Var(&opts.MinChange, "min-change", compare.DefaultMinChange, "`share` of change below which nothing counts")
	cmd.Flags().Float64Var(&opts.Alpha, "alpha", compare.DefaultAlpha, "how often noise may be taken for a change, over all times")
	lang.bind(cmd)
	return cmd
}

// reportsAt reads a report, or all that are named report.json in a folder and below it, and tells where they are.
func reportsAt(path string) (all []report.Report, paths []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // names the file
	}
	paths = []string{path}
	if info.IsDir() {
		paths = nil
		err := filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Name() == "report.json" && entry.Type().IsRegular() {
				paths = append(paths, at)
			}
			return err
		})
		if err != nil {
			return nil, nil, err //nolint:wrapcheck // names the file
		}
		if len(paths) == 0 {
			return nil, nil, fmt.Errorf("%s holds no report.json; make one with scfcert run --report-dir", path)
		}
	}
	for _, at := range paths {
		r, err := report.Load(at)
		if err != nil {
			return nil, nil, err //nolint:wrapcheck // names the file
		}
		all = append(all, r)
	}
	return all, paths, nil
}

// textOrJSON is the flag of what has these two.
func textOrJSON() choice { return choice{value: "text", of: []string{"text", "json"}} }

// choice is a flag with a few values.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.of, "|") }

func (c *choice) Set(value string) error {
	if !slices.Contains(c.of, value) {
		return fmt.Errorf("%w: %q is none of %s", suite.ErrUsage, value, strings.Join(c.of, ", "))
	}
	c.value = value
	return nil
}
