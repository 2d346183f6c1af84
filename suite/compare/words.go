package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/report"
)

// Language is that of an output.
type Language string

// The languages. Any other one is taken for English.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// say picks a text's language. The text is as it came: whoever writes it has to make it safe.
func (l Language) say(text diagnose.Text) string {
	if l == Chinese && text.ZH != "" {
		return text.ZH
	}
	return text.EN
}

func (l Language) word(en, zh string) string { return l.say(diagnose.Text{EN: en, ZH: zh}) }

// section is a heading with the kind that stands below it.
type section struct {
	kind Kind
	name diagnose.Text
}

// sections are in the order of their weight.
func sections() []section {
	return []section{
		{Worse, diagnose.Text{EN: "got worse", ZH: "变差"}},
		{Unstable, diagnose.Text{EN: "unstable", ZH: "不稳定"}},
		{ReasonChanged, diagnose.Text{EN: "reason changed", ZH: "原因改变"}},
		{NewlyOpen, diagnose.Text{EN: "newly open", ZH: "新增未评"}},
		{NoLongerOpen, diagnose.Text{EN: "no longer open", ZH: "不再未评"}},
		{NewlyJudged, diagnose.Text{EN: "newly judged", ZH: "新增评判"}},
		{NoLongerJudged, diagnose.Text{EN: "no longer judged", ZH: "不再评判"}},
		{Better, diagnose.Text{EN: "got better", ZH: "变好"}},
	}
}

func of(kind Kind, changes []Change) []Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.Kind != kind })
}

func (l Language) kind(kind Kind) string {
	for _, s := range sections() {
		if s.kind == kind {
			return l.say(s.name)
		}
	}
	return string(kind)
}

func (l Language) severity(s Severity) string {
	return map[Severity]string{Error: l.word("regression", "回退"), Warning: l.word("warning", "警告")}[s]
}

// verdict is a verdict's name.
func (l Language) verdict(v string) string {
	names := map[string]string{
		string(report.Conformant): "符合", string(report.WithWaivers): "符合（含豁免）", string(report.NonConformant): "不符合",
		string(report.Inconclusive): "无法判定", string(report.NotSelected): "未选择", string(Unstable): "不稳定",
	}
	return l.word(v, names[v])
}

func (l Language) verdicts(all []string) string {
	names := make([]string, len(all))
	for n, v := range all {
		names[n] = l.verdict(v)
	}
	return strings.Join(names, ", ")
}

func (l Language) about(v VerdictChange) string {
	names := map[string]diagnose.Text{
		"overall": {EN: "verdict", ZH: "结论"}, "event": {EN: "as event function", ZH: "事件函数"}, "http": {EN: "as HTTP function", ZH: "HTTP 函数"},
	}
	return l.say(names[v.Name])
}

// outcomes are what a side says, in order from good to bad, with the number of samples where they differ.
func (l Language) outcomes(h Held) string {
	if len(h.Outcomes) == 0 {
		return l.word("absent", "无此项")
	}
	names := []struct {
		outcome report.Outcome
		text    string
	}{
		{report.Pass, l.word("pass", "通过")},
		{report.Waived, l.word("waived", "豁免")},
		{report.Warn, l.word("warn", "警告")},
		{report.Fail, l.word("FAIL", "失败")},
		{report.NotAssessed, l.word("open", "未评")},
		{report.NotApplicable, l.word("n/a", "无关")},
	}
	words := []string{}
	for _, name := range names {
		switch count := h.Outcomes[name.outcome]; {
		case count == 0:
		case len(h.Outcomes) == 1:
			words = append(words, name.text)
		default:
			words = append(words, fmt.Sprintf("%d× %s", count, name.text))
		}
	}
	if len(words) == 0 {
		return l.word("unknown", "未知")
	}
	return strings.Join(words, ", ")
}

// conclusion is the last word in one sentence.
func (l Language) conclusion(s Summary) string {
	counted := []string{}
	for _, part := range []struct {
		count  int
		en, zh string
	}{{s.Verdicts, "in verdicts", "项结论"}, {s.Must, "of MUST", "项 MUST"}, {s.Should, "of SHOULD (warning)", "项 SHOULD（警告）"}, {s.Numbers, "of numbers (warning)", "项数值（警告）"}} {
		if part.count > 0 {
			counted = append(counted, l.word(fmt.Sprintf("%d %s", part.count, part.en), fmt.Sprintf("%d %s", part.count, part.zh)))
		}
	}
	switch {
	case s.Regression:
		return l.word("regression: ", "有回退：") + strings.Join(counted, l.word(", ", "，"))
	case s.Inconclusive:
		return l.word("inconclusive: a side could not be judged, or its samples differ; certify it again, and more often", "无法判定：有一侧无法评判或样本不一致；请重新认证并增加样本")
	default:
		return l.word("no regression", "没有回退")
	}
}

// result tells what became of a number.
func (l Language) result(n Number) string {
	switch n.Kind {
	case NumberWorse:
		return l.word("WORSE", "变差") + significance(n)
	case NumberBetter:
		return l.word("better", "变好") + significance(n)
	case NoDifference:
		return l.word("no difference", "无差异") + significance(n)
	case TooFewSamples:
		return l.word(fmt.Sprintf("not enough samples to tell (n=%d and %d; take %d)", n.Old.N, n.New.N, n.Needed),
			fmt.Sprintf("样本不足，无法判断（n=%d 与 %d；需 %d）", n.Old.N, n.New.N, n.Needed))
	case OnlyOld:
		return l.word("only the old side has it", "仅旧侧有")
	case OnlyNew:
		return l.word("only the new side has it", "仅新侧有")
	case NumberUnstable:
		return l.word("differs between samples of one image", "同一镜像的样本间不一致")
	case Estimate:
		return l.word("one of them is an estimate", "其中之一为估计值")
	}
	return string(n.Kind)
}

func significance(n Number) string {
	if n.Corrected == nil {
		return ""
	}
	return fmt.Sprintf(" (p=%.3g)", *n.Corrected)
}

// spread is the least, the middle and the greatest value, or the one value.
func (l Language) spread(n Number, s Spread) string {
	switch {
	case s.N == 0:
		return "-"
	case s.N == 1 || n.Exact && s.Min == s.Max:
		return amount(s.Median, n.Unit)
	default:
		return amount(s.Min, n.Unit) + " / " + amount(s.Median, n.Unit) + " / " + amount(s.Max, n.Unit)
	}
}

// change is the shift in the unit and in per cent.
func change(n Number) string {
	if n.Old.N == 0 || n.New.N == 0 {
		return ""
	}
	sign := "+"
	if n.Shift < 0 {
		sign = "-"
	}
	text := sign + amount(max(n.Shift, -n.Shift), n.Unit)
	if n.Shift == 0 {
		return "0"
	}
	if n.Relative != nil {
		text += fmt.Sprintf(" (%+.1f%%)", *n.Relative*100) //nolint:mnd // per cent
	}
	return text
}

// amount is a value with its unit, for people.
func amount(value float64, unit string) string {
	const kilo, second, ten = 1024, 1000, 10
	switch {
	case unit == Milliseconds && value >= ten*second:
		return fmt.Sprintf("%.1f s", value/second)
	case unit == Milliseconds && value >= ten:
		return fmt.Sprintf("%.0f ms", value)
	case unit == Milliseconds:
		return fmt.Sprintf("%.3g ms", value)
	case unit != Bytes:
		return strings.TrimSpace(fmt.Sprintf("%.4g %s", value, brief(unit, ten)))
	case value >= kilo*kilo*kilo:
		return fmt.Sprintf("%.2f GiB", value/(kilo*kilo*kilo))
	case value >= kilo*kilo:
		return fmt.Sprintf("%.1f MiB", value/(kilo*kilo))
	default:
		return fmt.Sprintf("%.1f KiB", value/kilo)
	}
}
