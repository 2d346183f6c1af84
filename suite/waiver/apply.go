package waiver

import (
	"errors"
	"fmt"
	"slices"

	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

// ErrUnused means that a requirement passes which is waived: the waiver has to be taken out.
var ErrUnused = errors.New("unused waiver")

// Apply waives what fails in a report, fills in its Waivers with those that took effect, and draws its conclusion anew.
// Applied once more it changes nothing. A waiver for something that failed for another reason, could not be assessed or
// is not applicable has no effect and is no error.
//
// The error is ErrUnused where a requirement passes that is waived, all such waivers joined, each with its place; the
// report is left as it was.
func Apply(r *report.Report, waivers []Waiver) error {
	changed := *r
	changed.Requirements, changed.Waivers = slices.Clone(r.Requirements), []report.Waiver{}
	taken := func(id string) bool {
		return slices.ContainsFunc(changed.Waivers, func(w report.Waiver) bool { return w.Requirement == id })
	}
	var errs []error
	for _, w := range waivers {
		at := slices.IndexFunc(changed.Requirements, func(q report.Requirement) bool { return q.ID == w.Requirement })
		if at < 0 { // of another version of the contract
			continue
		}
		q := &changed.Requirements[at]
		switch {
		case q.Outcome == report.Pass:
			errs = append(errs, unused(w))
		case waivable(*q) && q.Reason == w.Reason && !taken(q.ID):
			q.Outcome = report.Waived
			changed.Waivers = append(changed.Waivers, w.Waiver)
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	changed.Reconclude()
	for n := range changed.Waivers { // what is still open
		changed.Waivers[n].Covers = blockedBy(changed.Waivers[n].Requirement, changed.Requirements)
	}
	*r = changed
	return nil
}

// waivable tells whether something is a failure of the image, or is waived already.
func waivable(q report.Requirement) bool {
	return q.Subject != requirement.Platform && (q.Outcome == report.Fail || q.Outcome == report.Warn || q.Outcome == report.Waived)
}

func unused(w Waiver) error {
	place := ""
	if w.At.File != "" {
		place = w.At.String() + ": "
	}
	return fmt.Errorf("%s%w: %s passes, so that %s is not waived any more; take the waiver out", place, ErrUnused, w.Requirement, w.Reason)
}

// blockedBy are the requirements that a failure leaves open.
func blockedBy(id string, requirements []report.Requirement) []string {
	var ids []string
	for _, q := range requirements {
		if q.Outcome == report.NotAssessed && q.Because == id {
			ids = append(ids, q.ID)
		}
	}
	return ids
}
