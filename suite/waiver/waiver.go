// Package waiver reads the file in which people answer for failures of their image, and applies it to a report.
//
// In comes a YAML file; out come Waivers, or all that is wrong with the file, each with its line and column:
//
//	waivers:
//	  - requirement: limits.memory
//	    reason: run.little-memory-left    # the reason code that is waived
//	    justification: one sentence
//	    owner: team@example.com
//	    expires: 2027-01-31               # the last day on which it holds, in UTC
//
// A waiver is for one requirement and one reason. If the requirement fails for another reason the failure counts, and if it
// passes the waiver has to be taken out (ErrUnused), so that nothing is waived for ever. A waiver holds for at most
// MaxDays, so that somebody looks at it once a year. Requirements on the platform cannot be waived: their failures are
// never the image's.
//
// # What a waiver does to the verdict
//
// A waived failure stays in the report with all that was found, as outcome waived. What could not be assessed because of
// it stays not-assessed, is listed in Covers of the waiver, and does not count against the verdict either: who waives
// start.listen answers for all that nobody could see because of it. If every other MUST holds the verdict is
// conformant-with-waivers. Whatever else failed makes it non-conformant, and whatever else is open inconclusive. A
// SHOULD that is waived is shown as waived, and changes no verdict, as its warning would not.
//
// # Baselines
//
// The same file is the baseline of an image that is certified for the first time and fails: FromReport writes a waiver
// for every present failure. From then on only new failures count, and each one that is mended has to be taken out of
// the file. The date on which they all expire is the date until which they are to be mended; one waiver is kept longer
// by giving it a date and a justification of its own.
package waiver

import (
	"errors"
	"time"

	"github.com/scfcert/scfcert/mockplatform/yamlfile"
	"github.com/scfcert/scfcert/suite/report"
)

// ErrWaivers means that a file of waivers cannot be used. Each single reason is a *yamlfile.Problem; errors.Join holds them
// by line.
var ErrWaivers = errors.New("invalid waivers")

// ErrUnknown means that a report tells of a failure that this version does not know, so that no file can waive it.
var ErrUnknown = errors.New("unknown failure")

// MaxBytes bounds the size of a file.
const MaxBytes = 64 << 10

// MaxDays is how many days ahead a waiver may expire: a year, and one more for a leap day.
const MaxDays = 366

// Waiver is one waiver of a file.
type Waiver struct {
	report.Waiver

	// At is its place in the file; zero if it comes from none.
	At yamlfile.Position
}

// Options of Load and Parse.
type Options struct {
	// Now is the time by which waivers expire; zero means the present.
	Now time.Time
}

// Load reads a file. The error is ErrWaivers.
func Load(path string, opts Options) ([]Waiver, error) {
	data, err := format().Load(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // it is ErrWaivers
	}
	return Parse(path, data, opts)
}

// Parse reads a text, in the order of which the waivers come. The name stands in errors. The error is ErrWaivers.
func Parse(name string, data []byte, opts Options) ([]Waiver, error) {
	if opts.Now.IsZero() {
		opts.Now = time.Now()
	}
	r := &reader{Reader: yamlfile.NewReader(name, format()), now: opts.Now.UTC()}
	waivers := r.read(data)
	if err := r.Err(); err != nil {
		return nil, err //nolint:wrapcheck // each problem is ErrWaivers
	}
	return waivers, nil
}

func format() yamlfile.Format {
	return yamlfile.Format{
		Sentinel: ErrWaivers, MaxBytes: MaxBytes, TooLarge: "mend some failures, or write shorter justifications",
		Least: "waivers: []", Entries: "waivers", Guide: "docs/waivers.md",
	}
}
