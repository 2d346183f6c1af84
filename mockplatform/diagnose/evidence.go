// Package diagnose names the cause of a failure and its fix from what was observed.
//
// In comes Evidence, plain facts that the platform collected; out comes a Cause: a stable reason code, what was found,
// what SCF requires and what to do, in English and Simplified Chinese. It is pure: it never looks anything up itself.
// It serves the suite and the local server alike and follows sections 4 and 15 of contract/runtime.md.
package diagnose

import (
	"net/netip"
	"time"
)

// Phase is how far an instance came.
type Phase string

// The phases of an instance, in their order.
const (
	PhasePull   Phase = "pull"
	PhaseCreate Phase = "create" // the engine could not create the container
	PhaseStart  Phase = "start"  // the engine could not start the program
	PhaseInit   Phase = "init"   // the program ran and never became ready
	PhaseInvoke Phase = "invoke" // ready, a request was sent
)

// Listener is one TCP socket in state LISTEN inside the instance's network namespace.
type Listener struct {
	Address netip.AddrPort
}

// Change is a path that the program changed in its root file system during a run with a writable root.
type Change struct {
	Path string `json:"path"`
	Kind string `json:"kind"`
}

// Exit is the end of the instance's process.
type Exit struct {
	Code        int           // exit code; 128+n for signal n
	OutOfMemory bool          // the kernel killed a process for its memory
	After       time.Duration // from the start of the container
}

// Evidence is what the platform observed of one instance. Zero values mean "not observed".
type Evidence struct {
	Phase Phase

	Argv        []string // as resolved from Command, Args, ENTRYPOINT and CMD
	MemoryMB    int
	InitTimeout time.Duration // the limit in force for the start
	Timeout     time.Duration // the limit in force for a request

	PullError   string // the engine's words
	CreateError string
	StartError  string

	Exit       *Exit
	Ready      bool
	ReadyAfter time.Duration // from the start of the container; 0 if never
	Waited     time.Duration // how long the platform waited for readiness
	HeldBack   time.Duration // for how long of the wait its share of the processor was used up
	Listeners  []Listener    // at the end of the wait
	// IPv4Refused means that a wildcard listener on 9000 existed and refused an IPv4 connection (a v6-only socket).
	IPv4Refused bool

	StdoutTail, StderrTail string // the last lines, raw as the image wrote them
	Volumes                []string

	// Second experiments; nil means not done.
	WritableRoot *Experiment // root file system and declared volumes writable
	ImageTmp     *Experiment // the same, and with the image's own /tmp
	MoreMemory   *Experiment // more memory, and the CPU that comes with it
	MoreTime     *Experiment // a longer limit for the start
	Unchanged    *Experiment // nothing changed: what goes well then does not go wrong for what was changed in the others

	// Invocation, valid in PhaseInvoke.
	Method, Path string
	HTTPStatus   int    // what the function answered; 0 if nothing
	BodyHead     []byte // first bytes of the answer
	Elapsed      time.Duration
	TimedOut     bool
	TooLarge     bool // the answer was over the limit
	// HeaderTooLarge means that the keys and values of the answer's header were over the limit.
	HeaderTooLarge bool
	// OutOfMemory means that the kernel killed a process of the instance, be it a child, during its life.
	OutOfMemory bool
	InvokeError string // transport error, if no answer came
}

// Experiment is the outcome of running the image again with one thing changed.
type Experiment struct {
	Ready      bool // it became ready or, where a request was at issue, answered well
	ReadyAfter time.Duration
	MemoryMB   int
	Waited     time.Duration
	Changes    []Change
}

// WentWell tells whether it was done, and became ready or answered well.
func (e *Experiment) WentWell() bool { return e != nil && e.Ready }

// ShortOfCPU tells whether the share of the processor was used up for most of the wait: a count of the kernel's, which
// says what a comparison of times does not say on a busy machine.
func (e *Evidence) ShortOfCPU() bool { return e.HeldBack > e.Waited/2 }
