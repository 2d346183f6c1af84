package page

import (
	"context"
	"errors"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// What a Source says of a request that it does not follow.
var (
	// ErrUnknown means that there is no such function or trigger; the text names those that there are.
	ErrUnknown = errors.New("not found")
	// ErrRefused means that the caller has to change something; the text says what.
	ErrRefused = errors.New("refused")
)

// Source is what the page shows. It is used by several goroutines at once.
type Source interface {
	// Functions are all functions, those that could not be created too, in the order of their file.
	Functions() []Function
	// Invocations are the newest first; without a function those of all, with a limit of 0 all that are kept. One that
	// waits or runs is among them, with contract.StatusRunning, from the moment that Invoke or Fire returns.
	Invocations(function string, limit int) []Invocation
	// Lines are the log of one request, of all its attempts, in the platform's order. Secrets are masked.
	Lines(requestID string) []Line
	// Log is the newest lines, the newest last; without a function those of all, with a limit of 0 all that are kept.
	Log(function, contains string, limit int) []Line
	// Changes gives a signal whenever something may look different, several changes in one. The channel is closed when
	// the context ends or the server stops.
	Changes(ctx context.Context) <-chan struct{}
	// Templates are events to begin from.
	Templates() []Template
	// Invoke sends an event and waits for the end, or queues it. What the function does wrong is in the Invocation. An
	// error is ErrUnknown, ErrRefused, the end of the context, or a failure of ours.
	Invoke(ctx context.Context, function string, event []byte, asynchronous bool) (Invocation, error)
	// Fire has a timer fire now, as if its time had come. Errors are those of Invoke.
	Fire(ctx context.Context, function, trigger string) error
}

// Text is a text in both languages. Without ZH, EN is shown.
type Text struct{ EN, ZH string }

// Types of functions.
const (
	EventFunction = "event"
	HTTPFunction  = "http"
)

// Active is the state of a function that takes requests. The others are those of contract/cloud-api.md.
const Active = "Active"

// Function is one function and what is around it.
type Function struct {
	Name  string
	Type  string // EventFunction or HTTPFunction
	Image string // as the user wrote it
	State string
	// Problem is why it is not Active or does not start, and Fix what to do. Both are empty if all is well.
	Problem, Fix Text
	URL          string // of its HTTP trigger, if it has one
	MemoryMB     int
	Timeout      time.Duration
	Concurrency  int // requests per instance at a time
	Provisioned  int // instances that are kept started
	Instances    []Instance
	Triggers     []Trigger
}

// InstanceState is what an instance does now.
type InstanceState string

// The states of instances.
const (
	Starting InstanceState = "starting"
	Idle     InstanceState = "idle"
	Busy     InstanceState = "busy"
	Frozen   InstanceState = "frozen"
	Draining InstanceState = "draining" // finishes its requests and gets no new ones
)

// Instance is one container of a function.
type Instance struct {
	ID        string
	State     InstanceState
	Started   time.Time
	Requests  int // that it serves now
	PeakBytes int64
}

// Timer is the kind of triggers that can be fired by hand.
const Timer = "timer"

// Trigger is one trigger of a function.
type Trigger struct {
	Name     string
	Kind     string    // Timer, or another word that is shown as it is
	Schedule string    // of a timer
	Next     time.Time // of a timer; zero if it does not fire
	Enabled  bool
}

// Invocation is one attempt at a request. Several attempts of an asynchronous one have the same request id.
type Invocation struct {
	RequestID string
	Function  string
	Started   time.Time
	Kind      string // event, http, timer or async
	// Method and Path are those of an HTTP request; Path is with its query, as on the wire.
	Method, Path string
	// Status is the platform's status code (contract.Statuses) and StatusName its name.
	Status     int
	StatusName string
	// ErrorMessage is the platform's, where Status is no success.
	ErrorMessage string
	// Failed means that the caller did not get what it wanted: an answer of 500 is a success of the platform.
	Failed bool
	// Problem and Fix are the diagnosis of a failure, if there is one.
	Problem, Fix Text
	HTTPStatus   int // of the function's own answer; 0 if there was none
	Duration     time.Duration
	Billed       time.Duration
	PeakBytes    int64
	ColdStart    time.Duration // 0 where a warm instance served
	Attempt      int           // 1 is the first
	// Result is the body that the caller got, where it was kept.
	Result []byte
}

// Running tells that the invocation has no result yet.
func (i Invocation) Running() bool { return i.Status == contract.StatusRunning.Code }

// Sources of log lines.
const (
	FromPlatform = "platform"
	FromStdout   = "stdout"
	FromStderr   = "stderr"
)

// Line is one line of a log.
type Line struct {
	RequestID string
	At        time.Time
	Source    string // FromPlatform, FromStdout or FromStderr
	Text      string // as the function wrote it: anything
	// Init marks output of the start-up, AfterResponse output that came after the request's answer.
	Init, AfterResponse bool
}

// Template is an event to begin from.
type Template struct {
	Name  string // of the trigger
	Event []byte // JSON
}
