package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/report"
)

// notes tell what makes the comparison weaker.
func notes(before, after []report.Report, c Comparison) []diagnose.Text {
	found := []diagnose.Text{}
	for _, s := range []struct {
		en, zh  string
		samples []report.Report
	}{{"old", "旧", before}, {"new", "新", after}} {
		found = append(found, faults(s.en, s.zh, s.samples)...)
	}
	found = append(found, surroundings(slices.Concat(before, after))...)
	if estimated(before)+estimated(after) > 0 {
		found = append(found, diagnose.Text{
			EN: "The compressed size is an estimate where the image did not come from a registry.",
			ZH: "镜像并非来自仓库时，压缩大小为估计值。",
		})
	}
	if told(c.Numbers) && !interleaved(before, after) {
		found = append(found, diagnose.Text{
			EN: "All samples of one side were taken before those of the other: a machine that changed in between looks the same as a changed image. Take them in turns.",
			ZH: "一侧的样本全部早于另一侧：期间机器状态的变化与镜像变化无法区分。请交替采样。",
		})
	}
	return found
}

// faults tells of samples that could not be assessed.
func faults(en, zh string, samples []report.Report) []diagnose.Text {
	count, first := 0, ""
	for _, r := range samples {
		if r.Fault == "" && outcomeOf(r.Verdict) != report.NotAssessed {
			continue
		}
		if count == 0 {
			first = cmp.Or(r.Fault, string(r.Verdict))
		}
		count++
	}
	if count == 0 {
		return nil
	}
	return []diagnose.Text{{
		EN: fmt.Sprintf("%d of %d samples of the %s side could not be assessed, the first because: %s", count, len(samples), en, first),
		ZH: fmt.Sprintf("%s侧 %d 个样本中有 %d 个无法评估，首个原因：%s", zh, len(samples), count, first),
	}}
}

// surroundings tells of what differs around the image.
func surroundings(samples []report.Report) []diagnose.Text {
	found := []diagnose.Text{}
	for _, about := range []struct {
		en, zh string
		of     func(report.Report) string
	}{
		{"tool", "工具", func(r report.Report) string { return strings.TrimSpace(r.Tool.Version + " " + r.Tool.Commit) }},
		{"engine", "引擎", func(r report.Report) string { return strings.TrimSpace(r.Engine.Name + " " + r.Engine.Version) }},
		{"enforcement of limits", "限制强度", func(r report.Report) string { return enforcement(r.Engine.Enforcement) }},
		{"source of the image", "镜像来源", func(r report.Report) string { return r.Image.Source }},
		{"view from inside (probe)", "内部视角（探针）", func(r report.Report) string { return strconv.FormatBool(r.Probe) }},
		{"names of variables", "环境变量名", func(r report.Report) string { return strings.Join(r.Function.Environment, " ") }},
	} {
		values := []string{}
		for _, r := range samples {
			if r.Fault == "" && !slices.Contains(values, about.of(r)) { // a failed sample does not know
				values = append(values, about.of(r))
			}
		}
		if len(values) < 2 { //nolint:mnd // nothing differs
			continue
		}
		found = append(found, diagnose.Text{
			EN: fmt.Sprintf("Not all reports have the same %s: %q and %q; what differs may come of that.", about.en, short(values[0]), short(values[1])),
			ZH: fmt.Sprintf("各报告的%s不同：%q 与 %q；差异可能源于此。", about.zh, short(values[0]), short(values[1])),
		})
	}
	return found
}

// short leaves room for the other value.
func short(value string) string {
	const most = 60
	return brief(value, most)
}

func enforcement(e report.Enforcement) string {
	if e == (report.Enforcement{}) {
		return ""
	}
	return strings.Join([]string{"/tmp " + e.Tmp, "root " + e.Rootfs, "memory " + e.Memory, "CPU " + e.CPU}, ", ")
}

// told tells whether a noisy number was found to differ.
func told(all []Number) bool {
	return slices.ContainsFunc(all, func(n Number) bool { return !n.Exact && (n.Kind == NumberWorse || n.Kind == NumberBetter) })
}

// interleaved tells whether the sides overlap in time. Reports without a time count as such.
func interleaved(before, after []report.Report) bool {
	first, last, ok := span(before)
	from, to, both := span(after)
	return !ok || !both || !last.Before(from) && !to.Before(first)
}

func span(samples []report.Report) (first, last time.Time, ok bool) {
	for n, r := range samples {
		if r.StartedAt.IsZero() {
			return first, last, false
		}
		if n == 0 || r.StartedAt.Before(first) {
			first = r.StartedAt
		}
		if n == 0 || r.StartedAt.After(last) {
			last = r.StartedAt
		}
	}
	return first, last, true
}
