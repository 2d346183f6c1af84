package compare

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

var update = flag.Bool("update", false, "write the golden files anew")

var catalogue = requirement.All()

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// one makes a report of the image name in which all passes.
func one(name string) report.Report {
	r := report.Report{
		SchemaVersion: report.SchemaVersion, Tool: report.Tool{Name: "scfcert", Version: "test"}, Contract: report.Contract{Name: "c", Version: "1"},
		Image: report.Image{
			Reference: "runtime:" + name, Digest: "sha256:" + name, DigestKind: "manifest", Source: "registry",
			CompressedBytes: 50 << 20, UncompressedBytes: 120 << 20,
		},
		Function: report.Function{Type: "auto", MemoryMB: 512, TimeoutSeconds: 3, InitTimeoutSeconds: 30},
		Engine:   report.Engine{Name: "Engine", Version: "1"},
		Verdict:  report.Conformant, Verdicts: report.Verdicts{Event: report.Conformant, HTTP: report.Conformant},
	}
	for _, q := range catalogue {
		r.Requirements = append(r.Requirements, report.Requirement{ID: q.ID, Title: q.Title, Level: q.Level, Subject: q.Subject, Types: q.Types, Outcome: report.Pass})
	}
	return r
}

// measuredReport has all numbers, each scaled by a noise of about one tenth and by slower.
func measuredReport(name string, random *rand.Rand, slower float64) report.Report {
	r := one(name)
	about := func(middle float64) float64 { return middle * slower * math.Exp(0.1*random.NormFloat64()) }
	ms := func(middle float64) int64 { return int64(about(middle)) }
	r.Timings = map[string]int64{"pullMs": ms(800), "createMs": ms(60), "runtimeMs": ms(200), "readyMs": ms(400)}
	r.Timings["coldStartMs"] = r.Timings["pullMs"] + r.Timings["createMs"] + r.Timings["runtimeMs"] + r.Timings["readyMs"]
	event, http := about(0.012), about(0.009)
	r.Timings["eventInvokeMs"], r.Timings["httpInvokeMs"] = int64(event*1000), int64(http*1000)
	r.Margins = []report.Margin{
		{Name: "image size", Used: float64(r.Image.UncompressedBytes), Limit: 1 << 30, Unit: "bytes"},
		{Name: "event response time", Used: event, Limit: 3, Unit: "s"}, {Name: "http response time", Used: http, Limit: 3, Unit: "s"},
		{Name: "memory", Used: math.Round(about(40 << 20)), Limit: 512 << 20, Unit: "bytes"}, {Name: "/tmp", Used: 8192, Limit: 512 << 20, Unit: "bytes"},
	}
	return r
}

// samples makes reports in turns: old and new ones are a minute apart.
func samples(count int, build func(n int) report.Report, offset time.Duration) []report.Report {
	all := []report.Report{}
	for n := range count {
		r := build(n)
		r.StartedAt = noon.Add(time.Duration(n)*2*time.Minute + offset)
		all = append(all, r)
	}
	return all
}

func repeated(name string, count int, random *rand.Rand, slower float64) []report.Report {
	offset := time.Duration(0)
	if name == "new" {
		offset = time.Minute
	}
	return samples(count, func(int) report.Report { return measuredReport(name, random, slower) }, offset)
}

// set changes one requirement of a report.
func set(r *report.Report, id string, outcome report.Outcome, reason diagnose.Code, because string) {
	for n := range r.Requirements {
		q := &r.Requirements[n]
		if q.ID != id {
			continue
		}
		q.Outcome, q.Reason, q.Because = outcome, reason, because
		if _, ok := diagnose.ReasonOf(reason); ok {
			found := diagnose.Because(reason, "found \x07 here").Found
			q.Found = &found
		}
	}
}

// broken is a report in which a MUST fails with what it leaves open, and a SHOULD warns.
func broken(name string) report.Report {
	r := one(name)
	set(&r, "start.listen", report.Fail, diagnose.ListenLoopback, "")
	set(&r, "start.time", report.NotAssessed, "", "start.listen")
	set(&r, "image.memory-guidance", report.Warn, diagnose.ImageMemory, "")
	r.Verdict, r.Verdicts = report.NonConformant, report.Verdicts{Event: report.NonConformant, HTTP: report.NonConformant}
	r.Image.CompressedBytes, r.Image.UncompressedBytes = 90<<20, 122<<20
	return r
}

func compared(t *testing.T, before, after []report.Report) Comparison {
	t.Helper()
	c, err := Compare(before, after, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func find(t *testing.T, c Comparison, id string) Change {
	t.Helper()
	for _, q := range c.Requirements {
		if q.ID == id {
			return q
		}
	}
	t.Fatalf("%s is not among the changes %+v", id, c.Requirements)
	return Change{}
}

func number(t *testing.T, c Comparison, id string) Number {
	t.Helper()
	for _, n := range c.Numbers {
		if n.ID == id {
			return n
		}
	}
	t.Fatalf("%s is not among the numbers", id)
	return Number{}
}

func flaky() []report.Report {
	all := repeated("new", 3, rand.New(rand.NewPCG(5, 6)), 1)
	set(&all[1], "event.large", report.Fail, diagnose.EventStatus, "")
	all[1].Verdict = report.NonConformant
	return all
}

func TestEveryOutputByTheByte(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	cases := map[string]struct {
		before, after []report.Report
		regression    bool
	}{
		"identical": {[]report.Report{one("a")}, []report.Report{one("a")}, false},
		"worse":     {[]report.Report{one("old")}, []report.Report{broken("new")}, true},
		"better":    {[]report.Report{broken("old")}, []report.Report{one("new")}, false},
		"unstable":  {repeated("old", 3, random, 1), flaky(), false},
		"noise":     {repeated("old", 8, random, 1), repeated("new", 8, random, 1), false},
		"slowdown":  {repeated("old", 8, random, 1), repeated("new", 8, random, 1.5), true},
	}
	for name, c := range cases {
		got := compared(t, c.before, c.after)
		if got.Regression() != c.regression {
			t.Errorf("%s: regression is %v: %+v", name, got.Regression(), got.Summary)
		}
		text, err := JSON(got)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", string(text))
		for ending, lang := range map[string]Language{"": English, ".zh": Chinese} {
			golden(t, name+ending+".txt", Text(got, lang))
			golden(t, name+ending+".md", Markdown(got, lang))
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at it and run with -update:\n%s", path, got)
	}
}

func TestEachChangeOfARequirementHasItsKindAndWeight(t *testing.T) {
	const must, should, info, ours = "start.listen", "start.headroom", "image.region", "headers.common"
	type state struct {
		outcome report.Outcome
		reason  diagnose.Code
		because string
	}
	pass, failed := state{report.Pass, "", ""}, state{report.Fail, diagnose.ListenLoopback, ""}
	blocked, unsure := state{report.NotAssessed, "", "start.alive"}, state{report.NotAssessed, diagnose.PlatformFault, ""}
	cases := map[string]struct {
		id       string
		old, new state
		kind     Kind // empty: no change
		severity Severity
	}{
		"a MUST fails":                     {must, pass, failed, Worse, Error},
		"a SHOULD warns":                   {should, pass, state{report.Warn, diagnose.ImageMemory, ""}, Worse, Warning},
		"an INFO fails":                    {info, pass, failed, Worse, None},
		"one of the platform fails":        {ours, pass, failed, Worse, None},
		"somebody answers for it":          {must, pass, state{report.Waived, diagnose.ListenLoopback, ""}, Worse, None},
		"a waiver has ended":               {must, state{report.Waived, diagnose.ListenLoopback, ""}, failed, Worse, Error},
		"a MUST passes":                    {must, failed, pass, Better, None},
		"another reason":                   {must, failed, state{report.Fail, diagnose.ListenNever, ""}, ReasonChanged, None},
		"newly blocked":                    {must, pass, blocked, NewlyOpen, None},
		"not assessed any more":            {must, failed, unsure, NewlyOpen, None},
		"no longer blocked":                {must, blocked, pass, NoLongerOpen, None},
		"no longer blocked, but fails":     {must, blocked, failed, NoLongerOpen, None},
		"blocked by another":               {must, blocked, state{report.NotAssessed, "", "start.memory"}, ReasonChanged, None},
		"newly applicable":                 {must, state{report.NotApplicable, "", ""}, failed, NewlyJudged, None},
		"no longer applicable":             {must, pass, state{report.NotApplicable, "", ""}, NoLongerJudged, None},
		"as it was":                        {must, failed, failed, "", None},
		"an outcome that nobody knows yet": {must, pass, state{"surprise", "", ""}, NoLongerJudged, None},
	}
	for name, c := range cases {
		before, after := one("old"), one("new")
		set(&before, c.id, c.old.outcome, c.old.reason, c.old.because)
		set(&after, c.id, c.new.outcome, c.new.reason, c.new.because)
		got := compared(t, []report.Report{before}, []report.Report{after})
		if c.kind == "" {
			if len(got.Requirements) != 0 {
				t.Errorf("%s: changes are %+v", name, got.Requirements)
			}
			continue
		}
		if change := find(t, got, c.id); len(got.Requirements) != 1 || change.Kind != c.kind || change.Severity != c.severity {
			t.Errorf("%s: it is %s, %s; want %s, %s", name, change.Kind, change.Severity, c.kind, c.severity)
		}
		if got.Regression() != c.severity.Regression() {
			t.Errorf("%s: regression is %v", name, got.Regression())
		}
	}
}

func TestWhatEverySampleBreaksIsARegressionAndWhatSomeBreakIsUnstable(t *testing.T) {
	fails := func(reasons ...diagnose.Code) []report.Report {
		return samples(len(reasons), func(n int) report.Report {
			r := one("new")
			if reasons[n] != "" {
				set(&r, "start.listen", report.Fail, reasons[n], "")
			}
			return r
		}, 0)
	}
	before := []report.Report{one("old")}
	if c := find(t, compared(t, before, fails(diagnose.ListenLoopback, diagnose.ListenNever)), "start.listen"); c.Kind != Worse || len(c.New.Reasons) != 2 {
		t.Errorf("a failure for two reasons is %+v", c)
	}
	c := compared(t, before, fails(diagnose.ListenLoopback, "", diagnose.ListenLoopback))
	if q := find(t, c, "start.listen"); q.Kind != Unstable || q.New.Outcomes[report.Fail] != 2 || c.Regression() || !c.Inconclusive() {
		t.Errorf("a failure of two in three is %+v, %+v", q, c.Summary)
	}
	// One sample that failed before must not hide that all of them fail now.
	c = compared(t, fails(diagnose.ListenLoopback, "", ""), fails(diagnose.ListenLoopback, diagnose.ListenLoopback))
	if q := find(t, c, "start.listen"); q.Kind != Worse || q.Severity != Error || !c.Regression() {
		t.Errorf("a failure of one in three that became one of all is %+v", q)
	}
	if c := find(t, compared(t, fails(diagnose.ListenLoopback), fails(diagnose.ListenLoopback, diagnose.ListenNever)), "start.listen"); c.Kind != Unstable {
		t.Errorf("a reason that comes and goes is %+v", c)
	}
}

func TestASampleThatThePlatformCouldNotAssessHidesNoRegression(t *testing.T) {
	lost := one("new")
	lost.Fault, lost.Verdict, lost.Image.Digest, lost.Function.MemoryMB = "engine is gone", report.Inconclusive, "", 0
	for n := range lost.Requirements {
		lost.Requirements[n].Outcome = report.NotAssessed
	}
	c := compared(t, []report.Report{one("old")}, []report.Report{lost, broken("new")})
	if q := find(t, c, "start.listen"); q.Kind != Worse || q.Severity != Error {
		t.Errorf("it is %+v", q)
	}
	if c.New.Digest != "sha256:new" || !strings.Contains(Text(c, English), "1 of 2 samples of the new side could not be assessed") {
		t.Errorf("the fault is not told:\n%s", Text(c, English))
	}
	c = compared(t, []report.Report{one("old")}, []report.Report{lost})
	if c.Regression() || !c.Inconclusive() || !strings.Contains(Text(c, English), "inconclusive") {
		t.Errorf("nothing but lost samples gives %+v", c.Summary)
	}
}

func TestAnImageThatLostOneFunctionTypeIsARegression(t *testing.T) {
	after := one("new")
	after.Verdicts.Event = report.NonConformant
	set(&after, "event.answers", report.NotApplicable, "", "") // forgiven
	c := compared(t, []report.Report{one("old")}, []report.Report{after})
	if len(c.Verdicts) != 1 || c.Verdicts[0].Name != "event" || c.Verdicts[0].Severity != Error || !c.Regression() {
		t.Errorf("verdicts are %+v", c.Verdicts)
	}
}

func TestRequirementsOfAnotherCatalogueAreNewlyOrNoLongerJudged(t *testing.T) {
	before, after := one("old"), one("new")
	before.Requirements, after.Requirements = before.Requirements[1:], after.Requirements[:len(after.Requirements)-1]
	c := compared(t, []report.Report{before}, []report.Report{after})
	first, last := requirement.All()[0].ID, requirement.All()[len(requirement.All())-1].ID
	if len(c.Requirements) != 2 || find(t, c, first).Kind != NewlyJudged || find(t, c, last).Kind != NoLongerJudged || c.Regression() {
		t.Errorf("changes are %+v", c.Requirements)
	}
}

func TestReportsThatDoNotBelongTogetherAreRefusedWithBothValues(t *testing.T) {
	cases := map[string]struct {
		change func(*report.Report)
		words  []string
	}{
		"contract": {func(r *report.Report) { r.Contract.Version = "2" }, []string{`"c 1"`, `"c 2"`, "one version of scfcert"}},
		"schema":   {func(r *report.Report) { r.SchemaVersion = "9" }, []string{`"1"`, `"9"`}},
		"type":     {func(r *report.Report) { r.Function.Type = "event" }, []string{`"auto"`, `"event"`, "-type"}},
		"memory":   {func(r *report.Report) { r.Function.MemoryMB = 128 }, []string{`"512 MB"`, `"128 MB"`, "-memory"}},
		"timeout":  {func(r *report.Report) { r.Function.TimeoutSeconds = 9 }, []string{`"3 s"`, `"9 s"`, "-function-timeout"}},
		"start-up": {func(r *report.Report) { r.Function.InitTimeoutSeconds = 9 }, []string{`"30 s"`, `"9 s"`, "-init-timeout"}},
		"readings": {func(r *report.Report) { r.Readings = map[string]string{"b": "2", "a": "1\x1b"} }, []string{`"default"`, `"a=1\\u001b b=2"`, "-reading"}},
	}
	for name, c := range cases {
		after := one("new")
		c.change(&after)
		_, err := Compare([]report.Report{one("old")}, []report.Report{one("new"), after}, Options{})
		refused(t, name, err, append(c.words, "old report 1", "new report 2")...)
	}
}

func refused(t *testing.T, name string, err error, words ...string) {
	t.Helper()
	if !errors.Is(err, ErrIncomparable) {
		t.Errorf("%s gives %v", name, err)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %q does not say %s", name, err, word)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("%s: %q is not one sentence", name, err)
	}
}

func TestSamplesOfOneSideAreDifferentReportsOfOneImage(t *testing.T) {
	a := []report.Report{one("a")}
	_, err := Compare(a, []report.Report{one("b"), one("c")}, Options{})
	refused(t, "two digests", err, "sha256:b", "sha256:c", "new report 2")
	nameless, other := one("b"), one("b")
	nameless.Image.Digest, other.Image.Reference = "", "other"
	_, err = Compare([]report.Report{nameless, other}, a, Options{})
	refused(t, "two names", err, `"runtime:b"`, `"other"`)
	twice := one("b")
	twice.StartedAt = noon
	_, err = Compare(a, []report.Report{twice, twice}, Options{})
	refused(t, "one report twice", err, "the same report", "2026-01-02T12:00:00Z")
	if _, err := Compare([]report.Report{twice}, []report.Report{twice}, Options{}); err != nil {
		t.Errorf("a report beside itself gives %v", err)
	}
}

func TestEmptyAndNilInput(t *testing.T) {
	some := []report.Report{one("a")}
	for name, sides := range map[string][2][]report.Report{"old": {nil, some}, "new": {some, {}}, "nothing": {nil, nil}} {
		_, err := Compare(sides[0], sides[1], Options{})
		refused(t, name, err, "0 reports", "give 1 to")
	}
	_, err := Compare(make([]report.Report, MaxSamples+1), some, Options{})
	refused(t, "too many", err, "501 reports")
	c := compared(t, make([]report.Report, 1), make([]report.Report, 1))
	if c.Regression() || !c.Inconclusive() || Text(c, English) == "" || Markdown(c, Chinese) == "" {
		t.Errorf("empty reports give %+v", c)
	}
	for _, c := range []Comparison{c, {}} {
		text, err := JSON(c)
		if err != nil || !json.Valid(text) || c.Regression() {
			t.Errorf("JSON is %s, %v", text, err)
		}
		_ = Text(c, "fr") + Markdown(c, "")
	}
}

func TestWrongOptionsAreNamed(t *testing.T) {
	some := []report.Report{one("a")}
	for name, opts := range map[string]Options{
		"Alpha": {Alpha: 1}, "Alpha is NaN": {Alpha: math.NaN()}, "MinChange": {MinChange: -1}, "MinChange is +Inf": {MinChange: math.Inf(1)}, "MinSamples": {MinSamples: 1},
	} {
		if _, err := Compare(some, some, opts); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

func TestTheOtherWayRoundWorseIsBetter(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	mirror := map[Kind]Kind{Worse: Better, Better: Worse, NewlyOpen: NoLongerOpen, NoLongerOpen: NewlyOpen, NewlyJudged: NoLongerJudged, NoLongerJudged: NewlyJudged}
	met := map[Kind]int{}
	for range 300 {
		before, after := arbitrary("old", random), arbitrary("new", random)
		there, back := compared(t, before, after), compared(t, after, before)
		if len(there.Requirements) != len(back.Requirements) || len(there.Numbers) != len(back.Numbers) || len(there.Verdicts) != len(back.Verdicts) {
			t.Fatalf("not as many changes:\n%+v\n%+v", there, back)
		}
		for _, q := range there.Requirements {
			met[q.Kind]++
			other := find(t, back, q.ID)
			if want, ok := mirror[q.Kind]; ok && other.Kind != want || !ok && other.Kind != q.Kind || !reflect.DeepEqual(q.Old, other.New) {
				t.Fatalf("%s is %s there and %s back", q.ID, q.Kind, other.Kind)
			}
		}
		for _, n := range there.Numbers {
			mirrored(t, n, number(t, back, n.ID))
			met[Kind("number "+n.Kind)]++
		}
	}
	for _, kind := range []Kind{Worse, Better, NewlyOpen, NoLongerOpen, NewlyJudged, NoLongerJudged, Unstable, ReasonChanged, "number worse", "number better", "number no-difference", "number too-few-samples"} {
		if met[kind] == 0 {
			t.Errorf("no case of %s in %v", kind, met)
		}
	}
}

func mirrored(t *testing.T, there, back Number) {
	t.Helper()
	mirror := map[NumberKind]NumberKind{NumberWorse: NumberBetter, NumberBetter: NumberWorse, OnlyOld: OnlyNew, OnlyNew: OnlyOld}
	want, ok := mirror[there.Kind]
	if !ok {
		want = there.Kind
	}
	if back.Kind != want || there.Shift != -back.Shift || there.Old != back.New || !reflect.DeepEqual(there.P, back.P) || !reflect.DeepEqual(there.Corrected, back.Corrected) {
		t.Fatalf("not mirrored:\n%+v\n%+v", there, back)
	}
}

// arbitrary makes 1 to 8 samples with some outcomes and numbers of all sorts.
func arbitrary(name string, random *rand.Rand) []report.Report {
	all := repeated(name, 1+random.IntN(8), random, []float64{0.5, 1, 1.04, 2}[random.IntN(4)])
	outcomes := []report.Outcome{report.Pass, report.Fail, report.Warn, report.NotAssessed, report.NotApplicable, report.Waived}
	size := int64(100+random.IntN(12)) << 20
	for _, q := range catalogue[:12] {
		outcome, reason, flaky := outcomes[random.IntN(len(outcomes))], "", random.IntN(8) == 0
		if outcome != report.Pass {
			reason = fmt.Sprint("reason-", random.IntN(3))
		}
		for n := range all {
			all[n].Image.UncompressedBytes = size
			set(&all[n], q.ID, outcome, diagnose.Code(reason), "")
			if flaky && n == 0 {
				set(&all[n], q.ID, report.Pass, "", "")
			}
		}
	}
	return all
}
