package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/mockplatform/registry"
)

// Stage names what has to be fetched before a check can judge.
type Stage string

// The stages. The first five are fetched one after the other, the rest at the same time as far as the machine allows.
const (
	StageImage Stage = "look at the image"
	StageProbe Stage = "check the platform"
	StageStart Stage = "start the function"
	StageEvent Stage = "invoke it with an event"
	StageHTTP  Stage = "send it an HTTP request"

	StagePlatform    Stage = "check the rest of the platform"
	StageInside      Stage = "ask it as a probe"
	StageEvents      Stage = "send it more events"
	StageRequests    Stage = "send it more HTTP requests"
	StageHundred     Stage = "send it a hundred requests"
	StageAgain       Stage = "start it again"
	StageUser        Stage = "start it as another user"
	StageRole        Stage = "start it without a role"
	StageWrites      Stage = "look at what it writes"
	StageTmp         Stage = "fill its /tmp"
	StageRecovery    Stage = "end an instance during a request"
	StageLife        Stage = "freeze it and stop it"
	StageConcurrency Stage = "send it several requests at a time"
	StageStreaming   Stage = "read a stream"
	StageWebSocket   Stage = "open a WebSocket"
)

// NeedsService tells whether a stage sends requests that the function has to serve, of whichever type it is.
func NeedsService(stage Stage) bool {
	switch stage {
	case StageInside, StageHundred, StageAgain, StageUser, StageRole, StageWrites, StageTmp, StageRecovery, StageLife:
		return true
	default:
		return false
	}
}

// Observations are what the stages fetched. A check may look only at the fields of its stage and those before.
type Observations struct {
	Candidate *image.Candidate
	Argv      contract.Argv
	ArgvError error
	Program   image.Program
	// Denied is a start file that the image's user may not use; InTmp lists those that the platform's /tmp hides.
	Denied *image.Denial
	InTmp  []string
	// Wasted are files that later layers take away, the largest first, WastedBytes what all of them take; Caches are
	// folders of package managers.
	Wasted      []image.Waste
	WastedBytes int64
	Caches      []image.Waste
	MemoryMB    int
	// Auto means that nobody said of which type the function is.
	Auto        bool
	Readings    contract.Readings
	InitTimeout time.Duration

	ColdStart mockplatform.ColdStart
	Transfers registry.Transfers
	// StartFailed is not nil when the image did not become ready; experiments included.
	StartFailed *mockplatform.StartError
	// Bare tells what became of the process after connections without a request; nil where there were none.
	Bare *Bare

	// Event and HTTP are the first answers; where one is bad, WritableRoot of its evidence tells of a second try.
	Event, HTTP mockplatform.Result
	// Inside is what the image itself tells of what arrived, where it is a probe; nil otherwise.
	Inside *Inside

	Events      Events
	Requests    Requests
	Hundred     Hundred
	Again       Variation
	User        Variation
	Role        Variation
	Writes      Writes
	Tmp         Tmp
	Recovery    Recovery
	Life        Life
	Concurrency Concurrency
	Streaming   Streaming
	WebSocket   WebSocket

	Probe Probe
}

// Bare is what became of a process after connections without a request.
type Bare struct {
	Alive bool // if not, it lives on when no such connection is made
	Exit  *diagnose.Exit
	Tail  string // of its stderr
}

// Sent is one request or event with its result.
type Sent struct {
	Name   string // what it was, for people
	Bytes  int
	Result mockplatform.Result
}

// Good tells that it was answered with 2xx.
func (s Sent) Good() bool { return Succeeded(s.Result) }

// Succeeded tells that a request was answered with 2xx.
func Succeeded(r mockplatform.Result) bool {
	return answered(r) && r.HTTPStatus >= 200 && r.HTTPStatus < 300
}

// Events are the results of events beyond the first one.
type Events struct {
	Triggers []Sent // of the triggers that were asked for, first one included
	// Gateway is the one of Triggers that wants an integration response; -1 if there is none.
	Gateway int
	Values  []Sent // scalars and arrays
	Large   []Sent // of growing size; the last is of 6 MB where none failed
	// Kept went over one connection, Closed said that it ends theirs.
	Kept, Closed []Sent
	// Response is a probe's answer of 6 MB; nil where the image is none.
	Response *Sent
}

// Requests are the results of HTTP requests beyond the first one.
type Requests struct {
	Unknown Sent // a path that nobody serves
	Methods []Sent
	Small   Sent // a POST of some bytes
	Large   Sent // a POST of 6 MB
}

// All lists everything that was sent.
func (r Requests) All() []Sent { return append([]Sent{r.Unknown, r.Small, r.Large}, r.Methods...) }

// Hundred is what a hundred requests to one instance did.
type Hundred struct {
	Sent int
	// Failed is the first that was not answered as the very first one was; nil if all were.
	Failed   *Sent
	FailedAt int // its number, from 1
	// Restarted means that it took more than one instance.
	Restarted bool
	// Before and After are what the instance held; nil where it cannot be seen.
	Before, After *mockplatform.InstanceUsage
	PeakBytes     int64
	MemoryMethod  string
	// Printed counts requests during which something came out, by stream; Late are bytes that came between requests, and
	// at the end when the instance was stopped.
	Printed   map[mockplatform.Source]int
	LateBytes map[mockplatform.Source]int
	// Unbuffered tells that output comes with each request when the variable PYTHONUNBUFFERED is set.
	Unbuffered bool
	// Leaked names the credentials that were found in output or in an answer, and where.
	Leaked []string
}

// Variation is what became of the function with one thing changed.
type Variation struct {
	StartFailed *mockplatform.StartError
	ColdStart   mockplatform.ColdStart
	Result      mockplatform.Result
}

// Writes is what the function changed in a writable root.
type Writes struct{ Changes []diagnose.Change }

// Tmp is what a full /tmp did.
type Tmp struct {
	NotVisible       bool
	While, Afterward mockplatform.Result
}

// Recovery is what came after an instance was ended.
type Recovery struct{ Ended, Next mockplatform.Result }

// Life is what became of instances that were told to end or that stood still.
type Life struct {
	Stopped mockplatform.Stopped
	Grace   time.Duration
	Thawed  []mockplatform.Result // requests to an instance that stood still before
}

// Concurrency is what several requests at a time did.
type Concurrency struct {
	Declared  int
	Results   []mockplatform.Result
	Instances int
}

// Streaming tells when parts of an answer came.
type Streaming struct {
	Path   string
	Result mockplatform.Result
	Parts  []time.Duration // from the request
}

// WebSocket tells what became of a handshake.
type WebSocket struct {
	Path   string
	Failed string // empty where it went well
}

// Probe is what the built-in sample saw of the platform.
type Probe struct {
	Saw Report
	// First and Second were invoked with the same event, Timed with one of a timer.
	First, Second mockplatform.Result
	Timed         Report
	// Environment is what the process has to see.
	Environment map[string]string
	// Request is what was sent to the probe as HTTP function, and SawRequest what it saw.
	Request    ProbeRequest
	SawRequest Report
	// Unauthorized and Wrong tell what the registry answered without and with a wrong credential.
	Unauthorized, Wrong int
	// Accelerated is the cold start of an accelerated function, AcceleratedRequests what it asked the registry.
	Accelerated         mockplatform.ColdStart
	AcceleratedRequests int
	// Provisioned is the first answer of a function with a provisioned instance.
	Provisioned mockplatform.Result
}

// ProbeRequest is what a probe has to see of an HTTP request.
type ProbeRequest struct {
	Method, Target string
	Header         map[string][]string
	BodySHA256     string
	BodyBytes      int
}

// Inside is what the candidate tells of itself as a probe.
type Inside struct {
	// Event and HTTP are its reports; nil where it gave none.
	Event, HTTP *Report
	EventID     string // request ids of the two
	HTTPID      string
	Environment map[string]string // that it has to see
	Headers     map[string]string // that it has to see in the event, credentials as hashes
	EventSHA256 string
	Request     ProbeRequest
}

// Report is the part of a probe's answer that checks look at (docs/probe-protocol.md).
type Report struct {
	Probe        int                 `json:"probe"`
	Environment  map[string]string   `json:"environment"`
	Headers      map[string][]string `json:"headers"`
	Method       string              `json:"method"`
	Target       string              `json:"target"`
	BodySHA256   string              `json:"bodySha256"`
	BodyBytes    int                 `json:"bodyBytes"`
	RootWritable bool                `json:"rootWritable"`
	TmpWritable  bool                `json:"tmpWritable"`
	TmpBytes     int64               `json:"tmpBytes"`
	OpenFiles    int64               `json:"openFiles"`
	TimeZone     string              `json:"timeZone"`
}

// ProbeVersion is the version of the probe protocol.
const ProbeVersion = 1

// ErrProbe means that an answer is no probe report.
var ErrProbe = errors.New("no probe report")

// ParseReport reads a probe's answer. Names of headers count in any case, as in HTTP.
func ParseReport(body []byte) (Report, error) {
	var r Report
	if err := json.Unmarshal(body, &r); err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrProbe, err)
	}
	if r.Probe != ProbeVersion || r.Environment == nil || r.Headers == nil {
		return Report{}, fmt.Errorf("%w: it is not version %d, or holds no environment or no headers", ErrProbe, ProbeVersion)
	}
	headers := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) { // two spellings of a name are one
		for _, value := range r.Headers[name] {
			headers.Add(name, value)
		}
	}
	r.Headers = headers
	return r, nil
}
