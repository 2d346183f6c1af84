package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/suite/report"
)

func TestOneSampleIsEnoughForSizesAndNotForTimes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	before, after := repeated("old", 1, random, 1), repeated("new", 1, random, 10)
	after[0].Image.CompressedBytes = before[0].Image.CompressedBytes * 2
	c := compared(t, before, after)
	if n := number(t, c, "image.compressedBytes"); n.Kind != NumberWorse || n.Severity != Warning {
		t.Errorf("a size is %+v", n)
	}
	if n := number(t, c, "timings.coldStartMs"); n.Kind != TooFewSamples || n.Severity != None || n.P != nil {
		t.Errorf("a time is %+v", n)
	}
	if c.Summary.Numbers != 1 || !strings.Contains(Text(c, English), "not enough samples to tell (n=1 and 1; take 7)") {
		t.Errorf("it is %+v:\n%s", c.Summary, Text(c, English))
	}
}

func TestFiveSamplesAreTooFewForNineNumbersHoweverFarApart(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	for count, want := range map[int]NumberKind{5: TooFewSamples, 6: TooFewSamples, 7: NumberWorse} {
		n := number(t, compared(t, repeated("old", count, random, 1), repeated("new", count, random, 10)), "timings.coldStartMs")
		if n.Kind != want || want == TooFewSamples && n.Needed != 7 {
			t.Errorf("%d samples: it is %+v", count, n)
		}
	}
}

func TestASizeCountsFromFivePerCentOn(t *testing.T) {
	for name, c := range map[string]struct {
		size int64
		want NumberKind
	}{"less": {10499, NoDifference}, "five": {10500, NumberWorse}, "smaller": {9523, NumberBetter}, "little smaller": {9530, NoDifference}} {
		before, after := one("old"), one("new")
		before.Image.UncompressedBytes, after.Image.UncompressedBytes = 10000, c.size
		if n := number(t, compared(t, []report.Report{before}, []report.Report{after}), "image.uncompressedBytes"); n.Kind != c.want {
			t.Errorf("%s: it is %s", name, n.Kind)
		}
	}
}

func TestAnEstimateIsNotComparedWithASizeAndADifferingSizeIsUnstable(t *testing.T) {
	before, after := one("old"), one("new")
	after.Image.Estimated, after.Image.CompressedBytes = true, 500<<20
	c := compared(t, []report.Report{before}, []report.Report{after})
	if n := number(t, c, "image.compressedBytes"); n.Kind != Estimate || c.Regression() || len(c.Notes) == 0 {
		t.Errorf("it is %+v", n)
	}
	other := before
	other.Image.CompressedBytes++
	if n := number(t, compared(t, []report.Report{before, other}, []report.Report{one("new")}), "image.compressedBytes"); n.Kind != NumberUnstable {
		t.Errorf("it is %+v", n)
	}
}

// timed makes reports with one timing.
func timed(name string, values ...int64) []report.Report {
	return samples(len(values), func(n int) report.Report {
		r := one(name)
		r.Timings = map[string]int64{"readyMs": values[n]}
		return r
	}, 0)
}

func TestANoisyNumberCountsOnlyIfItIsSureAndLargeEnough(t *testing.T) {
	old := timed("old", 400, 401, 402, 403, 404)
	tiny := timed("old", 1, 1, 1, 1, 1)
	for name, c := range map[string]struct {
		before, after []report.Report
		want          NumberKind
	}{
		"sure and large":                     {old, timed("new", 500, 501, 502, 503, 504), NumberWorse},
		"sure and large, the other way":      {old, timed("new", 300, 301, 302, 303, 304), NumberBetter},
		"sure and small":                     {old, timed("new", 405, 406, 407, 408, 409), NoDifference},
		"large and not sure":                 {old, timed("new", 500, 501, 502, 503, 403), NoDifference},
		"four samples":                       {old, timed("new", 500, 501, 502, 503), TooFewSamples},
		"from nothing":                       {timed("old", 0, 0, 0, 0, 0), timed("new", 9, 9, 9, 9, 9), NumberWorse},
		"a whole millisecond":                {tiny, timed("new", 2, 2, 2, 2, 2), NumberWorse},
		"all the same":                       {tiny, timed("new", 1, 1, 1, 1, 1), NoDifference},
		"the one side has no such number":    {old, []report.Report{one("new")}, OnlyOld},
		"the other side has no such number":  {[]report.Report{one("old")}, old2new(), OnlyNew},
		"a time below zero was not measured": {old, timed("new", -1, -1, -1, -1, -1), OnlyOld},
	} {
		if n := number(t, compared(t, c.before, c.after), "timings.readyMs"); n.Kind != c.want {
			t.Errorf("%s: it is %+v", name, n)
		}
	}
}

func old2new() []report.Report { return timed("new", 1, 2, 3) }

func TestLessThanAMillisecondIsNoChangeHoweverSure(t *testing.T) {
	answering := func(name string, seconds float64) []report.Report {
		return samples(5, func(n int) report.Report {
			r := one(name)
			r.Timings = map[string]int64{"eventInvokeMs": 1}
			r.Margins = []report.Margin{{Name: "event response time", Used: seconds + float64(n)/1e6, Unit: "s"}}
			return r
		}, 0)
	}
	n := number(t, compared(t, answering("old", 0.001), answering("new", 0.0015)), "timings.eventInvokeMs")
	if n.Kind != NoDifference || n.P == nil || *n.P > 0.01 || math.Abs(n.Shift-0.5) > 1e-9 {
		t.Errorf("it is %+v", n)
	}
	if n := number(t, compared(t, answering("old", 0.001), answering("new", 0.0025)), "timings.eventInvokeMs"); n.Kind != NumberWorse {
		t.Errorf("it is %+v", n)
	}
}

func TestWhatTwoNamesHoldIsComparedOnceByTheFiner(t *testing.T) {
	before, after := repeated("old", 1, rand.New(rand.NewPCG(1, 1)), 1), repeated("new", 1, rand.New(rand.NewPCG(1, 1)), 1)
	ids := func(c Comparison) []string {
		names := []string{}
		for _, n := range c.Numbers {
			names = append(names, n.ID)
		}
		return names
	}
	want := []string{"image.compressedBytes", "image.uncompressedBytes", "timings.pullMs", "timings.createMs", "timings.runtimeMs", "timings.readyMs", "timings.coldStartMs", "timings.eventInvokeMs", "timings.httpInvokeMs", "margins./tmp", "margins.memory"}
	c := compared(t, before, after)
	if !slices.Equal(ids(c), want) {
		t.Errorf("numbers are %v", ids(c))
	}
	if n := number(t, c, "timings.eventInvokeMs"); n.Old.Median == math.Trunc(n.Old.Median) {
		t.Errorf("it is the coarse one: %+v", n.Old)
	}
	before[0].Margins = nil // an older tool: the timing is what both have
	if n := number(t, compared(t, before, after), "timings.eventInvokeMs"); n.New.Median != float64(after[0].Timings["eventInvokeMs"]) {
		t.Errorf("sides are measured differently: %+v", n)
	}
	before[0].Timings, after[0].Timings, before[0].Margins = nil, nil, after[0].Margins
	if c := compared(t, before, after); !slices.Contains(ids(c), "margins.event response time") {
		t.Errorf("numbers are %v", ids(c))
	}
}

func TestWhatIsNoNumberWasNotMeasured(t *testing.T) {
	for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64} {
		before, after := one("old"), one("new")
		before.Margins = []report.Margin{{Name: "memory", Used: value, Unit: "bytes"}}
		after.Margins = []report.Margin{{Name: "memory", Used: 1 << 20, Unit: "bytes"}}
		c := compared(t, []report.Report{before}, []report.Report{after})
		if n := number(t, c, "margins.memory"); n.Kind != OnlyNew {
			t.Errorf("%v: it is %+v", value, n)
		}
		if _, err := JSON(c); err != nil {
			t.Error(err)
		}
	}
}

func TestSamplesThatWereNotTakenInTurnsAreTold(t *testing.T) {
	const words = "Take them in turns"
	random := rand.New(rand.NewPCG(3, 4))
	before, after := repeated("old", 8, random, 1), repeated("new", 8, random, 2)
	if c := compared(t, before, after); !told(c.Numbers) || strings.Contains(Text(c, English), words) {
		t.Errorf("told of samples in turns:\n%s", Text(c, English))
	}
	for n := range after {
		after[n].StartedAt = after[n].StartedAt.Add(24 * 60 * 60 * 1e9)
	}
	if c := compared(t, before, after); !strings.Contains(Text(c, English), words) {
		t.Errorf("not told:\n%s", Text(c, English))
	}
}

func TestExtremeNumbersAreWritten(t *testing.T) {
	extreme := func(name string, value float64) []report.Report {
		return samples(6, func(int) report.Report {
			r := one(name)
			r.Margins = []report.Margin{{Name: "a", Used: value, Unit: "s"}, {Name: "b", Used: value, Unit: "bytes"}}
			return r
		}, 0)
	}
	for _, values := range [][2]float64{{9e299, 1e-320}, {1e-320, 9e299}, {9e299, 9e299}, {0, 1e-320}} {
		c := compared(t, extreme("old", values[0]), extreme("new", values[1]))
		if _, err := JSON(c); err != nil {
			t.Errorf("%v: %v", values, err)
		}
		_ = Text(c, English)
	}
}

// bare leaves out the requirements, which take the time.
func bare(reports []report.Report) []report.Report {
	for n := range reports {
		reports[n].Requirements = nil
	}
	return reports
}

// TestNoiseGivesNoMoreFalseAlarmsThanStated looks at the test alone: any shift counts, in both directions.
func TestNoiseGivesNoMoreFalseAlarmsThanStated(t *testing.T) {
	const trials, alpha = 1500, 0.05
	random := rand.New(rand.NewPCG(11, 12))
	alarms, finds := 0, 0
	for range trials {
		c, err := Compare(bare(repeated("old", 8, random, 1)), bare(repeated("new", 8, random, 1)), Options{Alpha: alpha, MinChange: 1e-9})
		if err != nil {
			t.Fatal(err)
		}
		differ := 0
		for _, n := range c.Numbers {
			if n.Kind == NumberWorse || n.Kind == NumberBetter {
				differ++
			}
		}
		finds += differ
		alarms += min(differ, 1)
	}
	// What is stated and three standard deviations of the count.
	if most := trials*alpha + 3*math.Sqrt(trials*alpha*(1-alpha)); float64(alarms) > most {
		t.Errorf("%d of %d comparisons give a false alarm, more than %.0f", alarms, trials, most)
	}
	if alarms == 0 {
		t.Error("no false alarm at all: the simulation shows nothing")
	}
	t.Logf("%d of %d comparisons with a false alarm (%.2f%%), %d numbers", alarms, trials, 100*float64(alarms)/trials, finds)
}

func TestByDefaultNoiseIsHardlyEverARegressionAndARealSlowdownIs(t *testing.T) {
	const trials = 600
	random := rand.New(rand.NewPCG(13, 14))
	noise, slow := 0, 0
	for range trials {
		if compared(t, bare(repeated("old", 8, random, 1)), bare(repeated("new", 8, random, 1))).Regression() {
			noise++
		}
		if compared(t, bare(repeated("old", 8, random, 1)), bare(repeated("new", 8, random, 1.3))).Regression() {
			slow++
		}
	}
	if noise > trials/100 {
		t.Errorf("%d of %d comparisons of noise are regressions", noise, trials)
	}
	if slow < trials*95/100 {
		t.Errorf("only %d of %d slowdowns by 30%% are found", slow, trials)
	}
	t.Logf("noise %d, slowdown %d of %d", noise, slow, trials)
}
