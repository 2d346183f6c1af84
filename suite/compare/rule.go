package compare

import (
	"fmt"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// What can be measured at all: a shift below this is no change, however sure it is.
const (
	leastMS    = 1.0
	leastBytes = 4096.0 // a page of memory
)

// Rule is how numbers were judged.
type Rule struct {
	Alpha      float64 `json:"alpha"`
	MinChange  float64 `json:"minChange"`
	MinSamples int     `json:"minSamples"`
	LeastMS    float64 `json:"leastMs"`
	LeastBytes float64 `json:"leastBytes"`
	// Numbers is how many noisy numbers both sides have, which is what Holm's correction counts.
	Numbers int `json:"numbers"`
}

// Needed is how many samples a side can show a difference at all: with fewer, even values that do not overlap could be
// chance.
func (r Rule) Needed() int {
	for n := r.MinSamples; n < MaxSamples; n++ {
		if leastP(n, n) <= r.Alpha/float64(max(1, r.Numbers)) {
			return n
		}
	}
	return MaxSamples
}

// least is the smallest shift of a number that counts, in its unit.
func (r Rule) least(n Number) float64 {
	switch {
	case n.Exact:
		return 0
	case n.Unit == Milliseconds:
		return r.LeastMS
	case n.Unit == Bytes:
		return r.LeastBytes
	default:
		return 0
	}
}

// Text is the rule in words.
func (r Rule) Text() diagnose.Text {
	change, alpha := percent(r.MinChange), percent(r.Alpha)
	return diagnose.Text{
		EN: fmt.Sprintf("Sizes of the image are exact: a difference of at least %s of the smaller one counts, and one sample is enough. "+
			"Times, memory and other measured numbers are noisy: one counts only if a two-sided Mann-Whitney U test on the samples of both sides, "+
			"corrected by Holm's method for the %d noisy numbers that both sides have, is significant at %s, and the Hodges-Lehmann shift is at least %s of the smaller median "+
			"and at least %g ms or %g bytes. If nothing changed, the chance of one false alarm or more among them is at most %s. "+
			"A side needs at least %d samples, here %d; with fewer nothing is said.",
			change, r.Numbers, alpha, change, r.LeastMS, r.LeastBytes, alpha, r.MinSamples, r.Needed()),
		ZH: fmt.Sprintf("镜像大小是精确值：差异不小于较小值的 %s 即计入，一个样本即可。"+
			"时间、内存等测量值有噪声：仅当对两侧样本的双侧 Mann-Whitney U 检验（对两侧共有的 %d 个测量值做 Holm 校正）在 %s 水平显著，"+
			"且 Hodges-Lehmann 位移不小于较小中位数的 %s，并且不小于 %g ms 或 %g 字节时才计入。若没有任何变化，这些测量值中出现误报的概率不超过 %s。"+
			"每侧至少需要 %d 个样本，本次为 %d 个；不足时不下结论。",
			change, r.Numbers, alpha, change, r.LeastMS, r.LeastBytes, alpha, r.MinSamples, r.Needed()),
	}
}

func percent(part float64) string { return fmt.Sprintf("%.3g%%", part*100) } //nolint:mnd // per cent
