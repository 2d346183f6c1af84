// Package requirement is the catalogue of what is certified, as data.
//
// Each sentence of the vendor's page that an image or the platform can break is one requirement with a stable id, its
// level, its clause, and the requirements that must hold before it can be assessed. Checks are in suite/check, causes
// and fixes in mockplatform/diagnose. Ids are never reused or renamed.
package requirement

import (
	"slices"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// Level is how binding a requirement is.
type Level string

// The levels.
const (
	Must   Level = "MUST"   // a failure makes an image non-conformant
	Should Level = "SHOULD" // a failure is a warning
	Info   Level = "INFO"   // never judged
)

// Subject is whose requirement it is.
type Subject string

// The subjects.
const (
	Image    Subject = "image"
	Platform Subject = "platform" // our own conformance; it never counts against an image
)

// Observed is how a requirement is seen.
type Observed string

// The ways of seeing.
const (
	Static   Observed = "static"    // without running the image
	BlackBox Observed = "black-box" // from outside the running function
	Probe    Observed = "probe"     // by a function that tells what it sees
	// NotObservable cannot be seen on a machine of one's own; the requirement's How tells why.
	NotObservable Observed = "not-observable"
)

// Types of functions.
const (
	Event = "event"
	HTTP  = "http"
)

// Requirement is one entry of the catalogue.
type Requirement struct {
	ID       string        `json:"id"`
	Title    diagnose.Text `json:"title"`
	Level    Level         `json:"level"`
	Subject  Subject       `json:"subject"`
	Observed Observed      `json:"observed"`
	// Types are the function types that it concerns.
	Types []string `json:"types"`
	// Preconditions must pass before it can be assessed.
	Preconditions []string `json:"preconditions"`
	// Clause is the sentence it comes from: page, date and section.
	Clause string `json:"clause"`
	// How tells how it is observed, or why it cannot be.
	How diagnose.Text `json:"how"`
	// Since is the version of the contract that it came with; empty means the first one. A requirement never becomes
	// stricter: what is stricter is a new one.
	Since string `json:"since,omitempty"`
}

// Versions are those of the contract, the oldest first. A certification that names one has the requirements of that one
// only, whatever is added later.
func Versions() []string { return []string{contract.Version} }

// All is the catalogue, chapter by chapter. Every precondition of an entry stands before it.
func All() []Requirement {
	return slices.Concat(image(), start(), event(), http(), process(), limits(), logs(), life(), platform())
}

// Of is the catalogue as a version of the contract has it; none for an unknown version.
func Of(version string) []Requirement {
	if !slices.Contains(Versions(), version) {
		return nil
	}
	return asOf(version, All())
}

// asOf leaves out what came later: versions are YYYY.MM, which sort as texts.
func asOf(version string, all []Requirement) []Requirement {
	return slices.DeleteFunc(all, func(r Requirement) bool { return r.Since > version })
}

// ByID finds a requirement.
func ByID(id string) (Requirement, bool) {
	for _, r := range All() {
		if r.ID == id {
			return r, true
		}
	}
	return Requirement{}, false
}
