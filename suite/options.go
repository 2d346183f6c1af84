package suite

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/scfcert/scfcert/fixtures"
	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/image"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
	"github.com/scfcert/scfcert/suite/requirement"
	"github.com/scfcert/scfcert/suite/waiver"
)

// ErrUsage means that an option has a value that makes no sense; the text names it and the remedy.
var ErrUsage = errors.New("wrong usage")

// The values of Options.Type.
const (
	TypeAuto  = "auto"
	TypeEvent = "event"
	TypeHTTP  = "http"
)

// BuiltIn is the reference of the built-in sample image.
const BuiltIn = samplefunctions.Reference

// Options is what is certified, and how. As JSON it is what decides about a report.
type Options struct {
	// Image is an image reference, oci:DIR, tar:FILE, engine:REF or registry:REF; empty means the built-in sample.
	Image string
	// Type is TypeAuto, TypeEvent or TypeHTTP; empty means TypeAuto.
	Type string
	// Command and Args replace ENTRYPOINT and CMD; nil keeps the image's.
	Command, Args *string
	Environment   map[string]string
	MemoryMB      int           // 0: by the size of the image
	Timeout       time.Duration // of one invocation; 0: 3 s
	InitTimeout   time.Duration // with the pull; 0: 30 s without it (R7)
	Events        []Event       // the first stands for all; none: a timer's
	Path          string        // target of the HTTP request; empty: "/"
	// Concurrency is how many requests an instance of the HTTP function serves at a time; 0 and 1 declare nothing.
	Concurrency int
	// Stream and WebSocket are paths of the HTTP function that stream and that upgrade; empty declares nothing.
	Stream, WebSocket string
	// Contract is the version of the contract whose requirements are certified; empty means the newest. What is added
	// later never turns a run red that names one.
	Contract string
	// Procs is how much is assessed at a time; 0: by the processors.
	Procs int `json:"-"`
	// Readings change decisions of the contract by their documented names; see docs/readings.md.
	Readings map[string]string
	// Waivers are failures that somebody answers for; see docs/waivers.md.
	Waivers   []waiver.Waiver
	ReportDir string `json:"-"` // empty writes no report
	// Host is the engine's endpoint; empty looks for it.
	Host string `json:"-"`
	// WatchCommand starts a watcher; see mockplatform.Options.
	WatchCommand []string `json:"-"`
	// Tamper breaks the platform on purpose, to show that a certification notices.
	Tamper *mockplatform.Tampering `json:"-"`
	// Observer hears of progress; nil keeps it to ourselves.
	Observer Observer     `json:"-"`
	Logger   *slog.Logger `json:"-"`
}

// Event is an event to send.
type Event struct {
	Name string // for people: a trigger's, or a file's
	Body []byte // JSON
	// Timer and Gateway are true for events of these triggers: the first is told by a header, the second wants an
	// integration response.
	Timer, Gateway bool
}

// TriggerEvent gives the event of a trigger; see package fixtures for their names.
func TriggerEvent(trigger string) (Event, bool) {
	body, ok := fixtures.Event(trigger)
	return Event{Name: trigger, Body: body, Timer: trigger == fixtures.Timer, Gateway: trigger == fixtures.Gateway}, ok
}

// defaultEvent is a timer's: the one event whose shape is documented whole and that any function can get.
func defaultEvent() Event {
	event, ok := TriggerEvent(fixtures.Timer)
	if !ok {
		panic("the timer's event is not embedded")
	}
	return event
}

// Observer hears how far a certification is. Calls come from several goroutines, one at a time.
type Observer func(Progress)

// Progress is one step of a certification.
type Progress struct {
	Stage string // such as "pull image"
	// Done and Total are bytes, where a stage moves any; Total is 0 where it is not known.
	Done, Total int64
}

// Flags are the command-line flags of both faces, the binary and go test.
type Flags struct {
	image, kind, path, stream, webSocket             string
	contract                                         string
	command, args, reportDir, waivers                text
	memory, timeout, initTimeout, concurrency, procs number
	environment, readings, events                    keyValues
	shared                                           Files
}

// Files are those that the flags of several functions name, relative to the same folder: each is read and held once.
type Files struct {
	events  map[string]func() (Event, error)
	waivers map[string]func() ([]waiver.Waiver, error)
}

// Share has files taken from there, and added to it.
func (f *Flags) Share(files *Files) {
	if files.events == nil {
		files.events, files.waivers = map[string]func() (Event, error){}, map[string]func() ([]waiver.Waiver, error){}
	}
	f.shared = *files
}

// once reads what nobody has read yet; a nil map shares nothing.
func once[T any](known map[string]func() (T, error), name string, read func() (T, error)) (T, error) {
	if known == nil {
		return read()
	}
	if known[name] == nil {
		known[name] = sync.OnceValues(read)
	}
	return known[name]()
}

// text is a text that knows whether it was given, whichever package parses the command line.
type text struct {
	value string
	given bool
}

// String is what the flag package shows as default.
func (t *text) String() string { return t.value }

// Set takes one.
func (t *text) Set(value string) error {
	t.value, t.given = value, true
	return nil
}

// pointer is nil where nothing was given.
func (t *text) pointer() *string {
	if !t.given {
		return nil
	}
	return &t.value
}

// number is a whole number that says what it is where it is none, and knows whether it was given.
type number struct {
	value int
	given bool
}

// String is what the flag package shows as default.
func (n *number) String() string { return strconv.Itoa(n.value) }

// Set reads one.
func (n *number) Set(value string) error {
	parsed, err := strconv.ParseInt(value, 10, 32) // as many seconds are still a time.Duration
	switch {
	case errors.Is(err, strconv.ErrRange):
		return errors.New("the number is too large")
	case err != nil:
		return errors.New("give a whole number, without a unit")
	}
	n.value, n.given = int(parsed), true
	return nil
}

// keyValues collects K=V of a repeatable flag.
type keyValues []string

// String is what the flag package shows as default.
func (k *keyValues) String() string { return strings.Join(*k, ",") }

// Set adds one.
func (k *keyValues) Set(value string) error {
	*k = append(*k, value)
	return nil
}

// Type is what help texts show as the kind of value.
func (k *keyValues) Type() string { return "K=V" }

// nameOnly is what an error shows of a pair: what follows may be a secret.
var nameOnly = regexp.MustCompile(`^[A-Za-z0-9_-]*`)

// into puts them into a map.
func (k *keyValues) into(values map[string]string, flagName string) error {
	for _, pair := range *k {
		key, value, found := strings.Cut(pair, "=")
		if !found || key == "" {
			return usage(flagName, nameOnly.FindString(pair), "write it as NAME=VALUE")
		}
		values[key] = value
	}
	return nil
}

// Bind defines the flags of a certification in a set. Their names are the same in both faces and none of them is go
// test's own.
func Bind(set *flag.FlagSet) *Flags {
	f := BindRequest(set)
	f.reportDir.value = "scfcert-report"
	set.StringVar(&f.stream, "stream", "", "`path` of the HTTP function whose answer is streamed")
	set.StringVar(&f.webSocket, "websocket", "", "`path` of the HTTP function that upgrades to WebSocket")
	set.StringVar(&f.contract, "contract", "", "`version` of the contract, one of "+strings.Join(requirement.Versions(), ", ")+" (default: the newest)")
	set.Var(&f.procs, "procs", "how much is assessed at a time (default: by the processors)")
	set.Var(&f.waivers, "waivers", "YAML `file` of failures that somebody answers for (docs/waivers.md)")
	set.Var(&f.reportDir, "report-dir", "`folder` for report.json, junit.xml, report.html and report.md")
	return f
}

// BindRequest defines only the flags that say what a function is and what it is sent.
func BindRequest(set *flag.FlagSet) *Flags {
	f := BindFunction(set)
	set.Var(&f.events, "event", "event to send: a JSON file, - for standard input, or the name of a trigger ("+strings.Join(fixtures.Triggers(), ", ")+"); `EVENT` may be repeated (default: timer)")
	set.StringVar(&f.path, "path", "/", "path and query of the HTTP request to send")
	return f
}

// BindFunction defines only the flags that say what a function is.
func BindFunction(set *flag.FlagSet) *Flags {
	f := &Flags{path: "/"}
	set.StringVar(&f.image, "image", "", "image: a reference, oci:DIR, tar:FILE, engine:REF or registry:REF (default: the built-in sample)")
	set.StringVar(&f.kind, "type", TypeAuto, "function type: auto, event or http")
	set.Var(&f.command, "command", "`Command`: replaces the image's ENTRYPOINT (default: the image's)")
	set.Var(&f.args, "command-args", "`Args`: replaces the image's CMD, separated by spaces (default: the image's)")
	set.Var(&f.environment, "env", "environment variable of the function as `K=V`; may be repeated")
	f.timeout.value, f.initTimeout.value = int(contract.DefaultTimeout/time.Second), int(contract.DefaultInitTimeout/time.Second)
	set.Var(&f.memory, "memory", "memory of the function in `MB` (default: by the size of the image)")
	set.Var(&f.timeout, "function-timeout", "timeout of one invocation in `seconds`, 1 to 900")
	set.Var(&f.initTimeout, "init-timeout", "`seconds` until the server must listen, 3 to 300")
	f.concurrency.value = 1
	set.Var(&f.concurrency, "concurrency", "`requests` that an instance of the HTTP function serves at a time, 1 to 100")
	set.Var(&f.readings, "reading", "another reading of the contract as `NAME=VALUE` (docs/readings.md); may be repeated")
	return f
}

// Options checks the flags' values. Relative files count from base; empty means the current folder. The error is
// ErrUsage, or a file's.
func (f *Flags) Options(base string) (Options, error) {
	opts := Options{
		Image: f.image, Type: f.kind, Path: f.path, MemoryMB: f.memory.value, Concurrency: f.concurrency.value, Stream: f.stream, WebSocket: f.webSocket, Contract: f.contract, Procs: f.procs.value,
		Timeout: time.Duration(f.timeout.value) * time.Second, Command: f.command.pointer(), Args: f.args.pointer(),
		ReportDir: from(base, f.reportDir.value), Environment: map[string]string{}, Readings: map[string]string{},
	}
	if f.initTimeout.given { // a limit that was set covers the pull, the default does not (R7)
		opts.InitTimeout = time.Duration(f.initTimeout.value) * time.Second
	}
	if err := errors.Join(f.environment.into(opts.Environment, "env"), f.readings.into(opts.Readings, "reading")); err != nil {
		return Options{}, err
	}
	for name, value := range map[string]number{"memory": f.memory, "function-timeout": f.timeout, "init-timeout": f.initTimeout, "concurrency": f.concurrency, "procs": f.procs} {
		if value.given && value.value == 0 { // which would mean the default further down
			return Options{}, usage(name, "0", "give a number, or leave the flag out")
		}
	}
	if f.reportDir.given && f.reportDir.value == "" {
		return Options{}, usage("report-dir", "", "name a folder; it is made if it does not exist")
	}
	for _, prefix := range []string{"oci:", "tar:"} {
		if path, ok := strings.CutPrefix(f.image, prefix); ok {
			opts.Image = prefix + from(base, path)
		}
	}
	for _, named := range f.events {
		event, err := once(f.shared.events, named, func() (Event, error) { return readEvent(named, base) })
		if err != nil {
			return Options{}, err
		}
		opts.Events = append(opts.Events, event)
	}
	if f.waivers.given && f.waivers.value == "" {
		return Options{}, usage("waivers", "", "name a file, or leave the flag out")
	}
	if f.waivers.given {
		file := from(base, f.waivers.value)
		waivers, err := once(f.shared.waivers, file, func() ([]waiver.Waiver, error) { return waiver.Load(file, waiver.Options{}) })
		if err != nil {
			return Options{}, fmt.Errorf("%w: -waivers: %w", ErrUsage, err)
		}
		opts.Waivers = waivers
	}
	return opts, opts.check()
}

// from makes a relative path count from base.
func from(base, path string) string {
	if base == "" || path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// readEvent reads an event: a trigger's by its name, standard input, or a file, which must hold JSON.
func readEvent(named, base string) (Event, error) {
	if event, ok := TriggerEvent(named); ok {
		return event, nil
	}
	source := io.Reader(os.Stdin)
	if named != "-" {
		file, err := os.Open(filepath.Clean(from(base, named)))
		if err != nil {
			return Event{}, usage("event", named, "the file cannot be read ("+reason(err)+"); give a JSON file, -, or one of the triggers "+strings.Join(fixtures.Triggers(), ", "))
		}
		defer func() { _ = file.Close() }()
		source = file
	}
	body, err := io.ReadAll(io.LimitReader(source, contract.MaxEventBytes+1))
	if err != nil {
		return Event{}, usage("event", named, "the file cannot be read ("+reason(err)+"); give a JSON file, -, or the name of a trigger")
	}
	if len(body) > contract.MaxEventBytes {
		return Event{}, usage("event", named, fmt.Sprintf("it has more than the %d bytes that an event may have", contract.MaxEventBytes))
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(body, new(any)); errors.As(err, &syntax) {
		return Event{}, usage("event", named, fmt.Sprintf("it holds no JSON (%s, byte %d); SCF refuses such an event with 400", syntax, syntax.Offset))
	} else if err != nil {
		return Event{}, usage("event", named, "it holds no JSON ("+err.Error()+"); SCF refuses such an event with 400")
	}
	return Event{Name: named, Body: body}, nil
}

// reason is the last part of a file error: the path is named already.
func reason(err error) string {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}

func usage(flagName, value, remedy string) error {
	return fmt.Errorf("%w: -%s %s: %s", ErrUsage, flagName, strconv.Quote(value), remedy)
}

// check refuses values that no run could make sense of.
func (o *Options) check() error {
	if o.Type == "" {
		o.Type = TypeAuto
	}
	if o.Type != TypeAuto && o.Type != TypeEvent && o.Type != TypeHTTP {
		return usage("type", o.Type, "take auto, event or http")
	}
	o.Contract = orElse(o.Contract, contract.Version)
	if requirement.Of(o.Contract) == nil {
		return usage("contract", o.Contract, "take one of "+strings.Join(requirement.Versions(), ", "))
	}
	for name, path := range map[string]string{"path": o.Path, "stream": o.Stream, "websocket": o.WebSocket} {
		if path != "" && !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " \t\r\n") {
			return usage(name, path, "a path begins with / and has no spaces; write a space as %20")
		}
	}
	if o.Procs < 0 {
		return usage("procs", strconv.Itoa(o.Procs), "give a number from 1")
	}
	for name, validate := range map[string]func() error{
		"memory":           func() error { return validUnlessZero(o.MemoryMB, contract.ValidateMemory) },
		"function-timeout": func() error { return contract.ValidateTimeout(orElse(o.Timeout, contract.DefaultTimeout)) },
		"init-timeout":     func() error { return contract.ValidateInitTimeout(orElse(o.InitTimeout, contract.DefaultInitTimeout)) },
		"env":              func() error { return contract.ValidateEnvironment(o.Environment) },
		"concurrency":      func() error { return contract.ValidateConcurrency(orElse(o.Concurrency, 1), true) },
		"reading":          func() error { _, err := o.ReadingsInForce(); return err },
	} {
		if err := validate(); err != nil {
			return fmt.Errorf("%w: -%s: %w", ErrUsage, name, err)
		}
	}
	if o.Image != "" && o.Image != BuiltIn {
		if _, err := image.ParseReference(o.Image); err != nil {
			return fmt.Errorf("%w: -image: %w", ErrUsage, err)
		}
	}
	return nil
}

// ReadingsInForce are the decisions of the contract with the changes of Options.Readings.
func (o *Options) ReadingsInForce() (contract.Readings, error) {
	readings := contract.DefaultReadings()
	for _, name := range slices.Sorted(maps.Keys(o.Readings)) {
		if err := readings.Set(name, o.Readings[name]); err != nil {
			return readings, err //nolint:wrapcheck // it says all
		}
	}
	return readings, nil
}

func validUnlessZero(value int, validate func(int) error) error {
	if value == 0 {
		return nil
	}
	return validate(value)
}

// logger is the one given, or one that says nothing.
func (o *Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger
}

func orElse[T comparable](value, fallback T) T {
	if value == *new(T) {
		return fallback
	}
	return value
}
