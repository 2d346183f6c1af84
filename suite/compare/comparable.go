package compare

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/scfcert/scfcert/suite/report"
)

// Defaults of the options.
const (
	DefaultAlpha      = 0.01
	DefaultMinChange  = 0.05
	DefaultMinSamples = 5

	mostMinChange = 10
)

// complete fills in the defaults. The error is ErrOptions.
func (o Options) complete() (Options, error) {
	if o.Alpha == 0 {
		o.Alpha = DefaultAlpha
	}
	if o.MinChange == 0 {
		o.MinChange = DefaultMinChange
	}
	if o.MinSamples == 0 {
		o.MinSamples = DefaultMinSamples
	}
	switch {
	case !(o.Alpha > 0 && o.Alpha < 1): // in this form it is true of NaN as well
		return o, fmt.Errorf("%w: Alpha is %v; take a number between 0 and 1", ErrOptions, o.Alpha)
	case !(o.MinChange > 0 && o.MinChange <= mostMinChange):
		return o, fmt.Errorf("%w: MinChange is %v; take a number above 0 and up to %d", ErrOptions, o.MinChange, mostMinChange)
	case o.MinSamples < 2 || o.MinSamples > MaxSamples:
		return o, fmt.Errorf("%w: MinSamples is %d; take 2 to %d", ErrOptions, o.MinSamples, MaxSamples)
	}
	return o, nil
}

// trait is what has to be the same in reports that are compared.
type trait struct {
	name string
	// of gives the value, and whether the report knows it.
	of func(report.Report) (string, bool)
	// advice tells what to do where it differs.
	advice string
}

func known(value string) (string, bool) { return value, true }

// traits are those of all reports.
func traits() []trait {
	return []trait{
		{"schema version", func(r report.Report) (string, bool) { return known(r.SchemaVersion) }, "certify both with one version of scfcert"},
		{"contract version", func(r report.Report) (string, bool) { return known(r.Contract.Name + " " + r.Contract.Version) }, "certify both with one version of scfcert"},
		{"function type", func(r report.Report) (string, bool) { return known(r.Function.Type) }, "certify both with the same -type"},
		{"memory", func(r report.Report) (string, bool) { // unknown where the image could not be read
			return strconv.Itoa(r.Function.MemoryMB) + " MB", r.Function.MemoryMB != 0
		}, "certify both with the same -memory (the default depends on the size of the image)"},
		{"timeout", func(r report.Report) (string, bool) {
			return known(strconv.Itoa(r.Function.TimeoutSeconds) + " s")
		}, "certify both with the same -function-timeout"},
		{"start-up limit", func(r report.Report) (string, bool) {
			return known(strconv.Itoa(r.Function.InitTimeoutSeconds) + " s")
		}, "certify both with the same -init-timeout"},
		{"readings", func(r report.Report) (string, bool) { return known(readings(r)) }, "certify both with the same -reading options"},
	}
}

func readings(r report.Report) string {
	words := []string{}
	for _, name := range slices.Sorted(maps.Keys(r.Readings)) {
		words = append(words, name+"="+r.Readings[name])
	}
	if len(words) == 0 {
		return "default"
	}
	return strings.Join(words, " ")
}

// sample is a report with its place, for messages.
type sample struct {
	report.Report

	place string
}

func placed(side string, reports []report.Report) []sample {
	samples := make([]sample, len(reports))
	for n, r := range reports {
		samples[n] = sample{r, fmt.Sprintf("%s report %d", side, n+1)}
	}
	return samples
}

// belongTogether checks that the reports belong beside each other. The error is ErrIncomparable.
func belongTogether(before, after []report.Report) error {
	earlier, later := placed("old", before), placed("new", after)
	for _, samples := range []struct {
		side string
		all  []sample
	}{{"old", earlier}, {"new", later}} {
		if n := len(samples.all); n < 1 || n > MaxSamples {
			return fmt.Errorf("%w: the %s side has %d reports; give 1 to %d", ErrIncomparable, samples.side, n, MaxSamples)
		}
	}
	all := slices.Concat(earlier, later)
	for _, t := range traits() {
		if err := same(t, all); err != nil {
			return err
		}
	}
	for _, samples := range [][]sample{earlier, later} {
		if err := oneImage(samples); err != nil {
			return err
		}
	}
	return nil
}

// same checks that all who know a trait have the same.
func same(t trait, samples []sample) error {
	var first *sample
	for n, s := range samples {
		value, ok := t.of(s.Report)
		if !ok {
			continue
		}
		if first == nil {
			first = &samples[n]
			continue
		}
		if want, _ := t.of(first.Report); value != want {
			return fmt.Errorf("%w: the %s is %s in %s and %s in %s; %s", ErrIncomparable, t.name, quote(want), first.place, quote(value), s.place, t.advice)
		}
	}
	return nil
}

// oneImage checks that the samples of a side are different samples of one image.
func oneImage(samples []sample) error {
	const advice = "give each side only reports of one image, certified in the same way"
	digest := trait{"digest", func(r report.Report) (string, bool) {
		return r.Image.DigestKind + " " + r.Image.Digest, r.Image.Digest != ""
	}, advice}
	if err := same(digest, samples); err != nil {
		return err
	}
	if slices.ContainsFunc(samples, func(s sample) bool { return s.Image.Digest == "" }) {
		name := trait{"image", func(r report.Report) (string, bool) { return known(r.Image.Reference) }, advice}
		if err := same(name, samples); err != nil {
			return err
		}
	}
	return distinct(samples)
}

// distinct refuses a report that is given twice: it would pass for two samples and make noise look certain.
func distinct(samples []sample) error {
	seen := map[string]string{}
	for _, s := range samples {
		if s.StartedAt.IsZero() {
			continue
		}
		at := s.StartedAt.UTC().Format("2006-01-02T15:04:05.999999999Z")
		if first, ok := seen[at]; ok {
			return fmt.Errorf("%w: %s and %s are the same report, started at %s; give each report once", ErrIncomparable, first, s.place, at)
		}
		seen[at] = s.place
	}
	return nil
}

// quote is a value of a report in a message.
func quote(value string) string {
	const most = 200
	return strconv.Quote(brief(value, most))
}
