// Package check judges what was observed of a function: one plain function per requirement.
//
// In come Observations, which the runner fetched from the mock platform; out come Findings. A check never fetches
// anything, so that each is tested without an image or an engine. The requirements are in suite/requirement, the
// causes and fixes in mockplatform/diagnose.
package check

import (
	"slices"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// Outcome is the result of a check in one word.
type Outcome string

// The outcomes of a check. What a failed precondition leaves open is for the runner to say.
const (
	Pass          Outcome = "pass"
	Fail          Outcome = "fail"
	NotApplicable Outcome = "not-applicable"
	NotAssessed   Outcome = "not-assessed"
)

// Finding is what a check says of one requirement.
type Finding struct {
	Outcome Outcome
	// Cause explains a failure.
	Cause diagnose.Cause
	// Because is the requirement whose failure leaves this one open.
	Because string
	// Note tells why a requirement does not apply.
	Note string
	// Evidence is what was observed, by name, for the report.
	Evidence map[string]any
}

// Check is one requirement's check.
type Check struct {
	Requirement string
	Stage       Stage
	Judge       func(Observations) Finding
}

// All lists the checks in the catalogue's order.
func All() []Check {
	return slices.Concat(imageChecks(), startChecks(), eventChecks(), httpChecks(), processChecks(), limitChecks(), logChecks(), lifeChecks(), platformChecks())
}

func pass(evidence map[string]any) Finding { return Finding{Outcome: Pass, Evidence: evidence} }

func open(because string) Finding { return Finding{Outcome: NotAssessed, Because: because} }

func fail(cause diagnose.Cause, evidence map[string]any) Finding {
	return Finding{Outcome: Fail, Cause: cause, Evidence: evidence}
}

// notApplicable says why a requirement does not apply.
func notApplicable(note string) Finding { return Finding{Outcome: NotApplicable, Note: note} }
