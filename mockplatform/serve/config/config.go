// Package config reads functions.yaml, the file that tells the local server which functions to serve.
//
// In comes the text of a file; out comes a Config with the defaults filled in, or all that is wrong with the file, each
// with its line and column, the key, the value and what is allowed. Keys and their rules stand in one table, from which
// the reader, the JSON schema (docs/functions.schema.json) and the guide (docs/functions-yaml.md) are made. The limits
// are those of contract/runtime.md 2.2, 7.4, 10, 13 and 16, contract/gateway.md 2, 8 and 9, contract/cloud-api.md 8 and
// contract/events.md 3 and 5.
package config

import (
	"errors"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/yamlfile"
)

// ErrConfig means that the file cannot be used. Each single reason is a *Problem; errors.Join holds them by line.
var ErrConfig = errors.New("invalid configuration")

// MaxBytes bounds the size of a file.
const MaxBytes = 1 << 20

// Config is a file with the defaults filled in.
type Config struct {
	Platform  Platform
	Functions []Function // in the order of the file; those that a merge key brings in come last
}

// Platform is what all functions share.
type Platform struct {
	Region, Namespace, AppID, Uin string
	Readings                      contract.Readings
}

// Type is how a function is triggered.
type Type string

// The two types of functions (contract/runtime.md 2.1).
const (
	Event Type = "event"
	HTTP  Type = "http"
)

// ImageType is the edition of the registry that an image would come from on SCF.
type ImageType string

// The editions (contract/runtime.md 2.2).
const (
	Personal   ImageType = "personal"
	Enterprise ImageType = "enterprise"
)

// GatewayType is what stands between an HTTP client and a function.
type GatewayType string

// The gateways (contract/gateway.md 1).
const (
	FunctionURL GatewayType = "function-url"
	APIGateway  GatewayType = "apigw"
)

// Function is one function of the file.
type Function struct {
	Name string
	At   Position // of the name
	// Image is a reference as image.ParseReference takes it; a path in it counts from the working folder.
	Image      string
	ImageAt    Position
	ImageType  ImageType
	RegistryID string // empty unless the type is Enterprise
	Type       Type
	Version    string // $LATEST, or a published one such as 1
	// Command and Args replace ENTRYPOINT and CMD; nil keeps the image's.
	Command, Args *string
	Environment   map[string]string
	MemoryMB      int           // 0: by the size of the image
	Timeout       time.Duration // of one invocation
	InitTimeout   time.Duration // 0: not set, that is the reading's, without the pull (R7)
	Concurrency   int
	Provisioned   int
	Accelerate    bool
	Role          bool       // has an execution role; where it is not set it is as the reading says
	WebSocket     *WebSocket // nil: off
	Gateway       Gateway
	CORS          *CORS // nil: OPTIONS goes to the function
	Async         Async // zero for an HTTP function, which has no asynchronous invocation
	Timers        []Timer
}

// WebSocket is native WebSocket of an HTTP function (contract/gateway.md 8).
type WebSocket struct{ IdleTimeout time.Duration }

// Gateway is the HTTP entry of a function.
type Gateway struct {
	Type                GatewayType
	Stage               string // of APIGateway
	IntegrationResponse bool   // of APIGateway before an event function
}

// CORS is CorsConfig of a Function URL (contract/gateway.md 2).
type CORS struct {
	Origins, Methods, Headers, ExposeHeaders []string
	MaxAge                                   time.Duration
	Credentials                              bool
}

// Async is how asynchronous events of a function are delivered (contract/events.md 5). Without a MessageTTL nothing is set,
// and the platform's defaults hold.
type Async struct {
	Retries    int           // of an event at which the function failed
	MessageTTL time.Duration // how long an event may wait
	DeadLetter string        // file for events that were given up; empty drops them. It counts from the working folder
}

// Timer is a timer trigger (contract/events.md 3.4).
type Timer struct {
	Name    string
	At      Position // of the trigger
	Cron    string
	CronAt  Position
	Message string
	Enabled bool
}

// Options of Load and Parse.
type Options struct {
	// ValidateCron tells what is wrong with a schedule; nil takes any.
	ValidateCron func(cron string) error
}

// Single is the configuration of one function with the defaults of a file, for who has no file.
func Single(name, image string) Config {
	config, err := Parse("single", []byte("functions: {"+name+": {image: x}}"), Options{})
	if err != nil {
		panic(err) // the name is a constant of the caller's
	}
	config.Functions[0].Image = image
	return config
}

// Load reads a file. The error is ErrConfig.
func Load(path string, opts Options) (Config, error) {
	text, err := format().Load(path)
	if err != nil {
		return Config{}, err //nolint:wrapcheck // it is ErrConfig
	}
	return Parse(path, text, opts)
}

// Parse reads a text. The name stands in errors, and paths in the text count from its folder. The error is ErrConfig.
func Parse(name string, text []byte, opts Options) (Config, error) {
	r := &reader{Reader: yamlfile.NewReader(name, format()), opts: opts, given: map[string]value{}}
	config := r.read(text)
	if err := r.Err(); err != nil {
		return Config{}, err
	}
	return config, nil
}

// Position is a place in a file, and Problem one thing that is wrong with it; a Problem is ErrConfig.
type (
	Position = yamlfile.Position
	Problem  = yamlfile.Problem //nolint:errname // the word of its readers
)

// reader reads one file.
type reader struct {
	*yamlfile.Reader

	opts  Options
	given map[string]value // what the file sets, by its key in full
}

type value = yamlfile.Value

func format() yamlfile.Format {
	return yamlfile.Format{
		Sentinel: ErrConfig, MaxBytes: MaxBytes, TooLarge: "split it, or keep data elsewhere",
		Least: "functions: {hello: {image: my-function:1}}", Entries: "functions", Guide: "docs/functions-yaml.md",
	}
}
