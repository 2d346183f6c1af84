package compare

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/report"
)

// NumberKind is what became of a number. Less is better for all of them.
type NumberKind string

// The kinds of numbers.
const (
	NumberWorse    NumberKind = "worse"
	NumberBetter   NumberKind = "better"
	NoDifference   NumberKind = "no-difference" // none that the rule can tell from noise
	TooFewSamples  NumberKind = "too-few-samples"
	OnlyOld        NumberKind = "only-old"
	OnlyNew        NumberKind = "only-new"
	NumberUnstable NumberKind = "unstable"  // an exact number that differs between samples of one image
	Estimate       NumberKind = "estimated" // only one side is an estimate
)

// Units of numbers.
const (
	Milliseconds = "ms"
	Bytes        = "bytes"
)

// Number is one measured number of both sides.
type Number struct {
	ID    string        `json:"id"`
	Title diagnose.Text `json:"title"`
	Unit  string        `json:"unit"`
	// Exact numbers are the same each time; one sample is enough.
	Exact    bool       `json:"exact"`
	Kind     NumberKind `json:"kind"`
	Severity Severity   `json:"severity"`
	Old      Spread     `json:"old"`
	New      Spread     `json:"new"`
	// Shift is how far the new values lie above the old ones (Hodges-Lehmann), in the unit.
	Shift float64 `json:"shift"`
	// Relative is the shift as a part of the old median; nothing where that is 0.
	Relative *float64 `json:"relative,omitempty"`
	// P is the p-value of the test, and Corrected that after Holm; nothing for exact numbers and for too few samples.
	P         *float64 `json:"p,omitempty"`
	Corrected *float64 `json:"pCorrected,omitempty"`
	// Needed is how many samples a side would be enough; only where there are too few.
	Needed int `json:"needed,omitempty"`
}

// Spread is what the samples of a side measured, in the number's unit. All is 0 where N is.
type Spread struct {
	N      int     `json:"n"`
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// measure is a number before it is judged.
type measure struct {
	Number

	before, after []float64
	estimates     int // sides of which it is an estimate
}

// numbers judges all numbers that a side has. The rule is in Rule.Text.
func numbers(before, after []report.Report, opts Options) ([]Number, Rule) {
	measures := sizes(before, after)
	measures = append(measures, noisy(before, after)...)
	rule := Rule{Alpha: opts.Alpha, MinChange: opts.MinChange, MinSamples: opts.MinSamples, LeastMS: leastMS, LeastBytes: leastBytes}
	ps := []float64{}
	for _, m := range measures {
		if m.tested() {
			ps = append(ps, m.p(rule))
		}
	}
	rule.Numbers = len(ps)
	corrected := holm(ps)
	judged, next := []Number{}, 0
	for _, m := range measures {
		m.describe()
		switch {
		case len(m.before) == 0 || len(m.after) == 0:
			m.Kind = oneSided(len(m.before))
		case m.Exact:
			m.judgeExact(rule)
		default:
			m.judgeNoisy(rule, ps[next], corrected[next])
			next++
		}
		if m.Kind == NumberWorse {
			m.Severity = Warning
		}
		judged = append(judged, m.Number)
	}
	return judged, rule
}

func oneSided(before int) NumberKind {
	if before == 0 {
		return OnlyNew
	}
	return OnlyOld
}

// tested tells whether it is one of those that Holm's correction counts: whatever is noisy and has values on both sides.
func (m *measure) tested() bool { return !m.Exact && len(m.before) > 0 && len(m.after) > 0 }

func (m *measure) p(rule Rule) float64 {
	if min(len(m.before), len(m.after)) < rule.MinSamples {
		return 1
	}
	return mannWhitney(m.before, m.after)
}

// describe fills in what the samples measured.
func (m *measure) describe() {
	m.Severity, m.Old, m.New = None, spread(m.before), spread(m.after)
	if m.Old.N == 0 || m.New.N == 0 {
		return
	}
	m.Shift = rounded(shift(m.before, m.after))
	if relative := rounded(m.Shift / m.Old.Median); m.Old.Median != 0 && !math.IsInf(relative, 0) {
		m.Relative = &relative
	}
}

func spread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	return Spread{len(sorted), rounded(sorted[0]), rounded(median(sorted)), rounded(sorted[len(sorted)-1])}
}

// rounded leaves nine digits, so that JSON is the same on every machine.
func rounded(value float64) float64 {
	const digits = 9
	if value == 0 {
		return 0
	}
	scale := math.Pow10(digits - 1 - int(math.Floor(math.Log10(math.Abs(value)))))
	if out := math.Round(value*scale) / scale; !math.IsNaN(out) && !math.IsInf(out, 0) {
		return out
	}
	return value
}

func (m *measure) judgeExact(rule Rule) {
	switch {
	case m.Old.Min != m.Old.Max || m.New.Min != m.New.Max:
		m.Kind = NumberUnstable
	case m.estimates == 1:
		m.Kind = Estimate
	default:
		m.Kind = m.direction(rule)
	}
}

func (m *measure) judgeNoisy(rule Rule, p, corrected float64) {
	fewest := min(len(m.before), len(m.after))
	if fewest < rule.MinSamples || leastP(len(m.before), len(m.after)) > rule.Alpha/float64(rule.Numbers) {
		m.Kind, m.Needed = TooFewSamples, rule.Needed()
		return
	}
	p, corrected = rounded(p), rounded(corrected)
	m.P, m.Corrected, m.Kind = &p, &corrected, NoDifference
	if corrected <= rule.Alpha {
		m.Kind = m.direction(rule)
	}
}

// direction tells where a shift goes that is large enough. The smaller median is what it is measured by, so that it is
// the same the other way round.
func (m *measure) direction(rule Rule) NumberKind {
	size := math.Abs(m.Shift)
	switch {
	case size == 0 || size < rule.least(m.Number) || size < rule.MinChange*min(m.Old.Median, m.New.Median):
		return NoDifference
	case m.Shift > 0:
		return NumberWorse
	default:
		return NumberBetter
	}
}

// sizes are the exact numbers.
func sizes(before, after []report.Report) []measure {
	compressed := func(r report.Report) float64 { return float64(r.Image.CompressedBytes) }
	uncompressed := func(r report.Report) float64 { return float64(r.Image.UncompressedBytes) }
	all := []measure{}
	for _, s := range []struct {
		id string
		of func(report.Report) float64
	}{{"image.compressedBytes", compressed}, {"image.uncompressedBytes", uncompressed}} {
		m := measure{Number: Number{ID: s.id, Title: title(s.id, s.id), Unit: Bytes, Exact: true}, before: positive(before, s.of), after: positive(after, s.of)}
		if s.id == "image.compressedBytes" {
			m.estimates = estimated(before) + estimated(after)
		}
		if len(m.before)+len(m.after) > 0 {
			all = append(all, m)
		}
	}
	return all
}

// positive are the sizes that are known: that of an image that could not be read is 0.
func positive(samples []report.Report, of func(report.Report) float64) []float64 {
	values := []float64{}
	for _, r := range samples {
		if value := of(r); value > 0 {
			values = append(values, value)
		}
	}
	return values
}

func estimated(samples []report.Report) int {
	if slices.ContainsFunc(samples, func(r report.Report) bool { return r.Image.Estimated }) {
		return 1
	}
	return 0
}

// Prefixes of the ids of numbers.
const (
	timingPrefix = "timings."
	marginPrefix = "margins."
)

// twins are margins, in seconds, that measure what a timing does in whole milliseconds.
func twins() map[string]string {
	return map[string]string{"start-up": "readyMs", "event response time": "eventInvokeMs", "http response time": "httpInvokeMs"}
}

// noisy are the timings and margins. What two names hold is compared once: by the finer margin where all samples with the
// timing have it, else by the timing. The image's size is an exact number already.
func noisy(before, after []report.Report) []measure {
	both := [][]report.Report{before, after}
	finer := map[string]string{} // margin by timing
	for margin, timing := range twins() {
		if fine(both, margin, timing) {
			finer[timing] = margin
		}
	}
	all := []measure{}
	for _, name := range timingNames(both) {
		of := func(r report.Report) (float64, bool) { ms, ok := r.Timings[name]; return float64(ms), ok }
		if margin, ok := finer[name]; ok {
			of = func(r report.Report) (float64, bool) { used, ok := used(r, margin); return used * 1000, ok } //nolint:mnd // milliseconds
		}
		all = append(all, measured(both, timingPrefix+name, name, Milliseconds, of))
	}
	for _, m := range margins(both) {
		timing, twin := twins()[m.Name]
		if m.Name == "image size" || twin && slices.ContainsFunc(all, func(n measure) bool { return n.ID == timingPrefix+timing }) {
			continue
		}
		of := func(r report.Report) (float64, bool) { return used(r, m.Name) }
		all = append(all, measured(both, marginPrefix+m.Name, m.Name, m.Unit, of))
	}
	return slices.DeleteFunc(all, func(m measure) bool { return len(m.before)+len(m.after) == 0 })
}

// fine tells whether every sample with the timing has the margin as well.
func fine(both [][]report.Report, margin, timing string) bool {
	for _, samples := range both {
		for _, r := range samples {
			_, coarse := r.Timings[timing]
			if _, ok := used(r, margin); coarse && !ok {
				return false
			}
		}
	}
	return true
}

func timingNames(both [][]report.Report) []string {
	met := map[string]bool{}
	for _, samples := range both {
		for _, r := range samples {
			for name := range r.Timings {
				met[name] = true
			}
		}
	}
	order := []string{"pullMs", "createMs", "runtimeMs", "readyMs", "coldStartMs", "eventInvokeMs", "httpInvokeMs"}
	names := slices.DeleteFunc(order, func(name string) bool { return !met[name] })
	for _, name := range slices.Sorted(maps.Keys(met)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// margins are those of all reports, each name once, sorted by name.
func margins(both [][]report.Report) []report.Margin {
	met := map[string]report.Margin{}
	for _, samples := range both {
		for _, r := range samples {
			for _, m := range r.Margins {
				if _, ok := met[m.Name]; !ok {
					met[m.Name] = m
				}
			}
		}
	}
	all := []report.Margin{}
	for _, name := range slices.Sorted(maps.Keys(met)) {
		all = append(all, met[name])
	}
	return all
}

// greatest keeps sums and other units of a value finite.
const greatest = 1e300

// used is what a margin measured. What is no number, below 0 or beyond all reason was not measured.
func used(r report.Report, name string) (float64, bool) {
	for _, m := range r.Margins {
		if m.Name == name {
			return m.Used, m.Used >= 0 && m.Used < greatest
		}
	}
	return 0, false
}

func measured(both [][]report.Report, id, name, unit string, of func(report.Report) (float64, bool)) measure {
	values := func(samples []report.Report) []float64 {
		all := []float64{}
		for _, r := range samples {
			if value, ok := of(r); ok && value >= 0 {
				all = append(all, value)
			}
		}
		return all
	}
	m := measure{Number: Number{ID: id, Title: title(id, name), Unit: unit}, before: values(both[0]), after: values(both[1])}
	if m.Unit == "s" {
		m.Unit, m.before, m.after = Milliseconds, thousandfold(m.before), thousandfold(m.after)
	}
	return m
}

func thousandfold(values []float64) []float64 {
	out := make([]float64, len(values))
	for n, value := range values {
		out[n] = value * 1000 //nolint:mnd // milliseconds
	}
	return out
}

// title is a number's name for people; one that is not known here keeps its own.
func title(id, name string) diagnose.Text {
	known := map[string]diagnose.Text{
		"image.compressedBytes":   {EN: "image size, compressed", ZH: "镜像大小（压缩）"},
		"image.uncompressedBytes": {EN: "image size, uncompressed", ZH: "镜像大小（解压）"},
		"timings.pullMs":          {EN: "cold start: pull", ZH: "冷启动：拉取"},
		"timings.createMs":        {EN: "cold start: create", ZH: "冷启动：创建"},
		"timings.runtimeMs":       {EN: "cold start: container", ZH: "冷启动：容器"},
		"timings.readyMs":         {EN: "cold start: until it listens", ZH: "冷启动：直至监听"},
		"timings.coldStartMs":     {EN: "cold start, total", ZH: "冷启动总计"},
		"timings.eventInvokeMs":   {EN: "response time, event", ZH: "响应时间（事件）"},
		"timings.httpInvokeMs":    {EN: "response time, HTTP", ZH: "响应时间（HTTP）"},
		"margins.memory":          {EN: "memory, peak", ZH: "内存峰值"},
		"margins./tmp":            {EN: "use of /tmp", ZH: "/tmp 用量"},
	}
	if text, ok := known[id]; ok {
		return text
	}
	if strings.TrimSpace(name) == "" {
		name = id
	}
	return diagnose.Text{EN: name, ZH: name}
}
