package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/requirement"
)

// language is a flag: the language of what is printed.
type language string

const (
	english language = "en"
	chinese language = "zh"
)

// preferred is the language of the environment, as locale(7) has it.
func preferred() language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			if strings.HasPrefix(value, "zh") {
				return chinese
			}
			break
		}
	}
	return english
}

func (l *language) String() string { return string(*l) }
func (l *language) Type() string   { return "en|zh" }

func (l *language) Set(value string) error {
	if value != string(english) && value != string(chinese) {
		return fmt.Errorf("%w: %q is none of the languages en and zh", suite.ErrUsage, value)
	}
	*l = language(value)
	return nil
}

func (l *language) bind(cmd *cobra.Command) {
	*l = preferred()
	cmd.Flags().Var(l, "lang", "language: en or zh")
}

func (l *language) say(t diagnose.Text) string {
	if *l == chinese {
		return t.ZH
	}
	return t.EN
}

func (l *language) word(en, zh string) string { return l.say(diagnose.Text{EN: en, ZH: zh}) }

func printJSON(w io.Writer, value any) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(value); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func requirementsCommand() *cobra.Command {
	var lang language
	as := textOrJSON()
	cmd := &cobra.Command{
		Use:     "requirements",
		Short:   "List everything that is certified",
		Long:    "List the catalogue: each requirement with its level, whose it is, how it is observed, its clause and the reasons for which it can fail.",
		Example: "  scfcert requirements --lang=zh\n  scfcert requirements --format=json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []requirement.Explained
			for _, q := range requirement.All() {
				e, _ := requirement.Explain(q.ID)
				all = append(all, e)
			}
			if as.value == "json" {
				return sortError(printJSON(cmd.OutOrStdout(), all))
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, e := range all {
				_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", e.ID, e.Level, e.Subject, e.Observed, lang.say(e.Title))
			}
			if err := table.Flush(); err != nil {
				return sortError(fmt.Errorf("print: %w", err))
			}
			return nil
		},
	}
	cmd.Flags().Var(&as, "format", "format")
	lang.bind(cmd)
	return cmd
}

func explainCommand() *cobra.Command {
	var lang language
	as := textOrJSON()
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Tell all about a requirement or a reason code",
		Long: `Tell all about a requirement: its clause, how it is observed, the reasons for which it can fail, and what to do about
each. ID is a requirement's id or a reason code, as they stand in a report.`,
		Example: "  scfcert explain start.listen\n  scfcert explain listen.loopback-only --lang=zh",
		Args:    cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return known(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if e, ok := requirement.Explain(args[0]); ok {
				if as.value == "json" {
					return sortError(printJSON(out, e))
				}
				explain(out, &lang, e)
				return nil
			}
			if r, ok := diagnose.ReasonOf(diagnose.Code(args[0])); ok {
				if as.value == "json" {
					return sortError(printJSON(out, r))
				}
				explainReason(out, &lang, r)
				if r.Requirement != "" {
					_, _ = fmt.Fprintf(out, "\n%s scfcert explain %s\n", lang.word("the requirement that it breaks:", "对应的要求："), r.Requirement)
				}
				return nil
			}
			return fmt.Errorf("%w: %q is neither a requirement nor a reason; known are %s; \"scfcert requirements\" lists all requirements",
				suite.ErrUsage, args[0], strings.Join(near(args[0]), ", "))
		},
	}
	cmd.Flags().Var(&as, "format", "format")
	lang.bind(cmd)
	return cmd
}

// known are all ids, requirements before reasons.
func known() []string {
	var ids []string
	for _, q := range requirement.All() {
		ids = append(ids, q.ID)
	}
	for _, r := range diagnose.Reasons() {
		if _, both := requirement.ByID(string(r.Code)); !both {
			ids = append(ids, string(r.Code))
		}
	}
	return ids
}

// near are the known ids that somebody may have meant: those that hold the word, or of the same chapter, or else all requirements.
func near(id string) []string {
	chapter, _, _ := strings.Cut(id, ".")
	var found, requirements []string
	for _, k := range known() {
		if strings.HasPrefix(k, chapter+".") || strings.Contains(k, id) {
			found = append(found, k)
		}
		if _, ok := requirement.ByID(k); ok {
			requirements = append(requirements, k)
		}
	}
	if id == "" || len(found) == 0 {
		return requirements
	}
	return found
}

func explain(w io.Writer, lang *language, e requirement.Explained) {
	row := func(label, text string) {
		if text != "" {
			_, _ = fmt.Fprintf(w, "  %s  %s\n", label, text)
		}
	}
	_, _ = fmt.Fprintf(w, "%s  %s\n\n", e.ID, lang.say(e.Title))
	row(lang.word("level         ", "级别    "), string(e.Level))
	row(lang.word("about         ", "对象    "), string(e.Subject))
	row(lang.word("functions     ", "函数类型"), strings.Join(e.Types, ", "))
	row(lang.word("clause        ", "条款    "), e.Clause)
	row(lang.word("observed      ", "观察方式"), string(e.Observed)+": "+lang.say(e.How))
	row(lang.word("assessed after", "前置要求"), strings.Join(e.Preconditions, ", "))
	for _, r := range e.Reasons {
		_, _ = fmt.Fprintln(w)
		explainReason(w, lang, r)
	}
}

func explainReason(w io.Writer, lang *language, r diagnose.Reason) {
	_, _ = fmt.Fprintf(w, "%s  %s\n", r.Code, lang.say(r.Summary))
	_, _ = fmt.Fprintf(w, "  %s  %s\n", lang.word("required", "要求"), lang.say(r.Required))
	_, _ = fmt.Fprintf(w, "  %s  %s\n", lang.word("fix     ", "修复"), strings.ReplaceAll(lang.say(r.Fix), "\n", "\n"+lang.word("            ", "        ")))
}
