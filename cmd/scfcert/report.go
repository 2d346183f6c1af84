package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/report"
)

func reportCommand() *cobra.Command {
	var lang language
	var out string
	as := choice{value: "text", of: []string{"text", "json", "junit", "markdown", "html", "github"}}
	cmd := &cobra.Command{
		Use:   "report REPORT",
		Short: "Write a report.json in another format",
		Long: `Write what a report.json says in another format: text, JSON, JUnit XML, Markdown for step summaries and merge requests, one
HTML file in English and Chinese, or annotations for GitHub's log.

Exit codes: 0 written (whatever the verdict is), 2 the report cannot be read or the file not be written, 64 wrong usage.`,
		Example: "  scfcert report scfcert-report/report.json\n  scfcert report report.json --format=markdown >>\"$GITHUB_STEP_SUMMARY\"\n  scfcert report report.json --format=html --out=report.html",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notOver(out, args[0]); err != nil {
				return err
			}
			r, err := report.Load(args[0])
			if err != nil {
				return sortError(err)
			}
			var text bytes.Buffer
			if err := writeAs(&text, r, as.value, &lang); err != nil {
				return sortError(err)
			}
			if out == "-" {
				_, err = cmd.OutOrStdout().Write(text.Bytes())
				return sortError(err)
			}
			return sortError(report.WriteFile(out, text.Bytes()))
		},
	}
	cmd.Flags().Var(&as, "format", "format")
	cmd.Flags().StringVar(&out, "out", "-", "`FILE` to write; - for standard output")
	lang.bind(cmd)
	return cmd
}

func writeAs(w io.Writer, r report.Report, format string, lang *language) error {
	inChinese := *lang == chinese
	switch format {
	case "json":
		return report.WriteJSON(w, r) //nolint:wrapcheck // it says all
	case "junit":
		return report.WriteJUnit(w, r) //nolint:wrapcheck // it says all
	case "markdown":
		return report.WriteMarkdown(w, r, report.MarkdownOptions{Chinese: inChinese}) //nolint:wrapcheck // it says all
	case "html":
		return report.WriteHTML(w, r) //nolint:wrapcheck // it says all
	case "github":
		return annotate(w, r, lang)
	default:
		return report.WriteText(w, r, report.TextOptions{Chinese: inChinese}) //nolint:wrapcheck // it says all
	}
}

// annotate writes a workflow command of GitHub for each root cause, and for what kept us from assessing.
func annotate(w io.Writer, r report.Report, lang *language) error {
	if r.Fault != "" {
		if err := annotation(w, "error", "scfcert: could not assess", r.Fault); err != nil {
			return err
		}
	}
	for _, q := range r.Requirements {
		kind := map[report.Outcome]string{report.Fail: "error", report.Warn: "warning", report.Waived: "notice"}[q.Outcome]
		if kind == "" || q.Found == nil || q.Fix == nil {
			continue
		}
		text := lang.say(*q.Found) + "\n" + lang.word("fix: ", "修复：") + lang.say(*q.Fix)
		if err := annotation(w, kind, q.ID+": "+lang.say(q.Title), text); err != nil {
			return err
		}
	}
	return nil
}

// annotation escapes as workflow commands want it, so that what an image has printed is no command.
func annotation(w io.Writer, kind, title, text string) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	if _, err := fmt.Fprintf(w, "::%s title=%s::%s\n", kind, property.Replace(diagnose.Clean(title)), data.Replace(diagnose.Clean(text))); err != nil {
		return fmt.Errorf("write annotation: %w", err)
	}
	return nil
}
