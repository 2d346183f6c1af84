// Package contract is the SCF WebServer image contract as Go: headers, environment, limits, status codes, messages,
// error bodies and log lines.
//
// A table of the contract document (contract/runtime.md of the project's notes, sections 2 to 10) is one file with the
// same title and order; each entry names its clause. "S1" is the vendor's page 583/41076 of 2023-07-10, other marks are
// those of the document. The package imports nothing of ours and does nothing: it is what the others agree on.
package contract

// Identity of the contract, as reports carry it.
const (
	Name    = "scf-webserver-image"
	Version = "2026.11"
	Basis   = "583/41076, 2023-07-10 and the pages listed in docs"
)

// Where a function listens and how events reach it (runtime.md 4.1 and 7.2, S1).
const (
	Port      = 9000
	EventPath = "/event-invoke"
)

// Mark tells how sure a fact is (runtime.md 1.1).
type Mark string

// The marks of the document.
const (
	Documented Mark = "D" // on a vendor page
	Observed   Mark = "C" // seen in public code, logs or issues
	Inferred   Mark = "I" // a reading of this project
)
