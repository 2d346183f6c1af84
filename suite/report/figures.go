package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// full is the width of a bar, in units of its own.
const full = 1000

// budget is how much of a limit was used, ready to be drawn.
type budget struct {
	Name         string
	Used, Limit  string
	Percent      string
	Width        int // of full
	Over, Little bool
}

// budgets draws the margins.
func (p *phrases) budgets(margins []Margin) []budget {
	const little = 0.8
	var drawn []budget
	for _, m := range margins[:min(len(margins), shownRows)] {
		share := 0.0
		if m.Limit > 0 && m.Used > 0 {
			share = m.Used / m.Limit
		}
		drawn = append(drawn, budget{
			Name: cmp.Or(p.margins[m.Name], name(m.Name)), Used: amount(m.Used, m.Unit), Limit: amount(m.Limit, m.Unit),
			Percent: percent(share), Width: width1000(share), Over: share > 1, Little: share >= little && share <= 1,
		})
	}
	return drawn
}

// width1000 is a share as a part of full; what is not nothing can be seen.
func width1000(share float64) int {
	const seen = 4
	if !(share > 0) { // nor a NaN
		return 0
	}
	return max(int(math.Round(min(share, 1)*full)), seen)
}

func percent(share float64) string {
	const hundred, small = 100, 0.1
	switch p := share * hundred; {
	case p > 0 && p < small:
		return "<0.1 %"
	case p < 10: //nolint:mnd // two digits
		return strconv.FormatFloat(math.Round(p*10)/10, 'f', -1, 64) + " %"
	default:
		return strconv.FormatFloat(math.Round(p), 'f', -1, 64) + " %"
	}
}

// amount is a number with its unit for people.
func amount(of float64, unit string) string {
	switch unit {
	case "bytes":
		return bytesText(of)
	case "s":
		if of < 1 && of > 0 {
			return short(of*1000) + " ms" //nolint:mnd // milliseconds
		}
		return short(of) + " s"
	default:
		return strings.TrimSpace(short(of) + " " + name(unit))
	}
}

func bytesText(of float64) string {
	const unit = 1024
	for _, name := range []string{"B", "KiB", "MiB"} {
		if of < unit {
			return short(of) + " " + name
		}
		of /= unit
	}
	return short(of) + " GiB"
}

// short is a number with three digits that matter, and all of those before the point.
func short(of float64) string {
	const long = 1e9
	digits := 2
	switch {
	case math.Abs(of) >= long:
		return strconv.FormatFloat(of, 'g', 3, 64) //nolint:mnd // three digits
	case of >= 100: //nolint:mnd // three digits
		digits = 0
	case of >= 10: //nolint:mnd // three digits
		digits = 1
	}
	text := strconv.FormatFloat(of, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

func milliseconds(ms int64) string {
	const second, ten, minute = 1000, 10_000, 60_000
	switch {
	case ms < second:
		return fmt.Sprintf("%d ms", ms)
	case ms < ten:
		return short(float64(ms)/second) + " s"
	case ms < minute:
		return fmt.Sprintf("%.1f s", float64(ms)/second)
	default:
		return fmt.Sprintf("%d min %d s", ms/minute, ms%minute/second)
	}
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// step is a piece of the time of a cold start, ready to be drawn.
type step struct {
	Name     string
	At, Took string
	X, Width int // of full
	Request  bool
}

// timeline is a cold start with the first requests after it.
type timeline struct {
	Total string // of the cold start; empty if unknown
	Steps []step
	Other []step // what has no place on the line
}

// line draws the timings: the steps of the start one after another, and each first request after them.
func (p *phrases) line(timings map[string]int64) timeline {
	start, requests := []string{"pullMs", "createMs", "runtimeMs", "readyMs"}, []string{"eventInvokeMs", "httpInvokeMs"}
	end, last := int64(0), int64(0)
	for _, key := range start {
		end += bounded(timings[key])
	}
	for _, key := range requests {
		last = max(last, bounded(timings[key]))
	}
	var t timeline
	if total, ok := timings["coldStartMs"]; ok {
		t.Total = milliseconds(total)
	}
	at, whole := int64(0), float64(max(end+last, 1))
	add := func(key string, at int64, request bool) {
		took, ok := timings[key]
		if !ok {
			return
		}
		wide := width1000(float64(bounded(took)) / whole)
		t.Steps = append(t.Steps, step{
			Name: p.timings[key], At: milliseconds(at), Took: milliseconds(took), Request: request,
			X: min(int(float64(at)/whole*full), full-wide), Width: wide,
		})
	}
	for _, key := range start {
		add(key, at, false)
		at += bounded(timings[key])
	}
	for _, key := range requests {
		add(key, end, true)
	}
	for _, key := range slices.Sorted(maps.Keys(timings)) {
		if p.timings[key] == "" && key != "coldStartMs" && len(t.Other) < shownRows {
			t.Other = append(t.Other, step{Name: name(key), Took: milliseconds(timings[key])})
		}
	}
	return t
}

// bounded keeps a sum of durations within its type.
func bounded(ms int64) int64 {
	const most = int64(24 * time.Hour / time.Millisecond)
	return min(max(ms, 0), most)
}
