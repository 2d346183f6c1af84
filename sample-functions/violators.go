package samplefunctions

import (
	"context"
	"fmt"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/mockplatform/program"
)

// Violator is an image with one fault and no other, or the good image on a platform with a fault.
type Violator struct {
	Name  string
	Fault string
	// Broken is what a certification has to name, and nothing else.
	Broken
	// Also falls for the same fault, where the image is certified as both types and is neither.
	Also *Broken
	// Setup is how it is certified.
	Setup Setup

	program string // the fault of its program, where that is not its name
	change  func(*spec)
}

// Broken is a requirement that falls, and why.
type Broken struct {
	Requirement string        `json:"requirement"`
	Reason      diagnose.Code `json:"reason"`
}

// Setup is how a violator is certified. Zero values are the suite's defaults, but that an event function is certified.
type Setup struct {
	Type                 string // default "event"
	MemoryMB             int
	Timeout, InitTimeout time.Duration
	Command              *string
	Triggers             []string
	Concurrency          int
	Stream, WebSocket    string
	// Latest means that it has to come from a registry by the tag latest.
	Latest bool
	// Alone means that it takes a machine with nothing else to do: what is measured is the processor.
	Alone  bool
	Tamper *mockplatform.Tampering
}

// Limits of certifications: a start that fails is to fail soon.
const (
	shortInit   = 6 * time.Second
	longTimeout = 20 * time.Second
)

// violating makes a violator whose program has the fault of its name.
func violating(name, fault, requirement string, reason diagnose.Code, change ...func(*spec)) Violator {
	v := Violator{Name: name, Fault: fault, Broken: Broken{requirement, reason}, Setup: Setup{InitTimeout: shortInit}, change: func(s *spec) {
		for _, one := range change {
			one(s)
		}
	}}
	return v
}

// with changes how a violator is certified.
func (v Violator) with(change func(*Setup)) Violator {
	change(&v.Setup)
	return v
}

// neither makes a violator that fits no type of function.
func neither(v Violator, requirement string, reason diagnose.Code) Violator {
	v.Setup.Type, v.Also = "auto", &Broken{requirement, reason}
	return v
}

func asHTTP(s *Setup) { s.Type = "http" }

// Violators lists all of them, in the catalogue's order.
func Violators() []Violator {
	return slices.Concat(imageViolators(), startViolators(), eventViolators(), httpViolators(), runViolators(), platformViolators())
}

// The program of this one is built for another machine.
const armViolator = "arm64-binary"

func imageViolators() []Violator {
	command := func(text string) func(*Setup) { return func(s *Setup) { s.Command = &text } }
	return []Violator{
		violating("manifest-type", "the manifest is of another type", "image.manifest", diagnose.ImageManifest, func(s *spec) { s.manifestType = "application/vnd.docker.distribution.manifest.v1+json" }),
		violating(armViolator, "the start program is built for arm64, the config says amd64", "image.architecture", diagnose.ImageArchitecture),
		violating("arm64-config", "the config says arm64", "image.architecture", diagnose.ImageArchitecture, func(s *spec) { s.architecture = "arm64" }),
		violating("too-large", "1.1 GiB uncompressed", "image.size", diagnose.ImageTooLarge, func(s *spec) { s.zeros = 1100 << 20 }).with(func(s *Setup) { s.InitTimeout, s.Alone = 0, true }), // a long pull
		violating("little-memory", "128 MB of memory, where a small image is to have 256", "image.memory-guidance", diagnose.ImageMemory).with(func(s *Setup) { s.MemoryMB, s.InitTimeout = 128, 0 }),
		violating("zstd-layer", "a layer is compressed with zstd", "image.layers", diagnose.ImageLayers, func(s *spec) { s.zstd = true }),
		violating("start-file-in-tmp", "the start program lies in /tmp", "image.tmp", diagnose.ImageFilesInTmp, func(s *spec) {
			s.files[1].Name, s.config.Entrypoint = "tmp/violator", []string{"/tmp/violator", "none"}
		}),
		violating("needs-tmp-file", "ends at start without a file that the image ships in /tmp", "image.tmp", diagnose.ImageFilesInTmp, func(s *spec) {
			s.files = append(s.files, image.File{Name: "tmp/model.bin", Mode: 0o644, Text: "weights"})
		}),
		violating("command-not-found", "ENTRYPOINT names a file that does not exist", "start.command", diagnose.StartNotFound, func(s *spec) { s.config.Entrypoint = []string{"/server"} }),
		violating("not-executable", "the start file has mode 0644", "start.command", diagnose.StartNotExecutable, func(s *spec) { s.files[1].Mode = 0o644 }),
		violating("command-line-entrypoint", "one ENTRYPOINT element holds the whole command line", "start.command", diagnose.StartLineInElement, func(s *spec) { s.config.Entrypoint = []string{"/violator none"} }),
		violating("crlf-script", "the start script has DOS line ends", "start.command", diagnose.StartCRLF, script("#!/violator\r\nnone\r\n")),
		violating("missing-interpreter", "the start script names an interpreter that is not there", "start.command", diagnose.StartInterpreter, script("#!/bin/bash\necho hello\n")),
		violating("no-command", "neither ENTRYPOINT nor CMD", "start.command", diagnose.StartNoCommand, func(s *spec) { s.config.Entrypoint = nil }),
		violating("command-words", "Command holds a whole line", "start.command-form", diagnose.StartWords).with(command("/violator none")),
		violating("command-without-args", "Command is set and the image's CMD stays", "start.command-form", diagnose.StartArgsKept, func(s *spec) { s.config.Cmd = []string{"none"} }).with(command("/violator")),
		violating("not-readable", "USER 1000, and the start file belongs to root with mode 0700", "image.permissions", diagnose.ImageNotReadable, func(s *spec) {
			s.config.User, s.files[1].Mode = "1000", 0o700
		}),
		violating("no-such-user", "USER app, which no file of the image knows", "image.permissions", diagnose.ImageNoSuchUser, func(s *spec) { s.config.User = "app" }),
		violating("latest", "named by the tag latest", "image.tag", diagnose.ImageLatest).with(func(s *Setup) { s.Latest = true }),
		violating("deleted-in-next-layer", "a layer deletes what the one below it brought", "image.waste", diagnose.ImageWaste, func(s *spec) {
			s.below = []image.File{{Name: "build.log", Mode: 0o644, Text: noise(3 << 20)}}
			s.files = append(s.files, image.File{Name: ".wh.build.log", Mode: 0o644})
		}),
		violating("package-cache", "the lists of apt are in the image", "image.waste", diagnose.ImageCaches, func(s *spec) {
			s.files = append(s.files, image.File{Name: "var/lib/apt/lists/main_Packages", Mode: 0o644, Text: noise(2 << 20)})
		}),
		violating("reserved-variable", "ENV SCF_MODE", "image.reserved-variables", diagnose.ImageReserved, func(s *spec) { s.config.Env = []string{"SCF_MODE=x"} }),
		violating("broken-layer", "a layer holds a link to a file that is not there", "image.pull", diagnose.PullFailed, func(s *spec) {
			s.files = append(s.files, image.File{Name: "broken", HardLink: "no/such/file"})
		}),
	}
}

func startViolators() []Violator {
	second := func(function string) *mockplatform.Tampering { return fromSecondStart(function, "VIOLATE=exits") }
	return []Violator{
		violating("writes-rootfs", "writes /var/lib/app/state at start and ends if it cannot", "start.read-only-root", diagnose.StartWritesRootfs, func(s *spec) { s.files = append(s.files, image.File{Name: "var/lib/app/"}) }),
		violating("writes-volume", "writes into the declared VOLUME /data at start and ends if it cannot", "start.read-only-root", diagnose.StartWritesVolume, func(s *spec) {
			s.files = append(s.files, image.File{Name: "data/"})
			s.config.Volumes = map[string]struct{}{"/data": {}}
		}),
		violating("eats-memory", "takes memory without end before it listens", "start.memory", diagnose.StartOutOfMemory),
		violating("burns-processor", "needs 2.5 s of a processor to start, of which 256 MB bring a fifth", "start.memory", diagnose.StartSlowForMemory).with(func(s *Setup) { s.MemoryMB, s.InitTimeout, s.Alone = 256, 8*time.Second, true }),
		violating("exits", "ends at once with exit code 3 and a message on stderr", "start.alive", diagnose.StartExited),
		violating("missing-module", "ends for a module that is not in the image", "start.alive", diagnose.StartMissing),
		violating("missing-variable", "ends for a variable that is not set", "start.alive", diagnose.StartVariable),
		violating("permission-denied", "ends for a file that it may not read", "start.alive", diagnose.StartDenied),
		violating("loopback-only", "listens on 127.0.0.1:9000", "start.listen", diagnose.ListenLoopback),
		violating("wrong-port", "listens on 0.0.0.0:8080", "start.listen", diagnose.ListenWrongPort),
		violating("ipv6-only", "listens on [::]:9000 without IPv4", "start.listen", diagnose.ListenIPv6Only),
		violating("never-listens", "lives and never listens", "start.listen", diagnose.ListenNever),
		violating("slow-start", "listens after 40 s", "start.time", diagnose.StartTooSlow).with(func(s *Setup) { s.InitTimeout = 0 }),
		violating("bare-connection", "ends when a connection is closed without a request", "start.bare-connection", diagnose.StartBareConnection),
		violating("bare-connection-later", "ends at the request after a connection that was closed without one", "start.bare-connection", diagnose.StartBareConnection),
		violating("late-start", "listens after three quarters of the limit", "start.headroom", diagnose.StartLittleHeadroom),
		violating("none", "ends at its second start", "start.again", diagnose.StartNotAgain).with(func(s *Setup) { s.Tamper = second("candidate-again") }).named("not-again"),
		violating("own-user", "starts as root only", "start.other-uid", diagnose.StartNeedsItsUser),
		violating("needs-role", "answers with 500 without credentials", "start.no-role", diagnose.StartNeedsCredentials),
	}
}

// named gives a violator another name than that of its program's fault.
func (v Violator) named(name string) Violator {
	v.program, v.Name = v.Name, name
	return v
}

func eventViolators() []Violator {
	sending := func(triggers ...string) func(*Setup) { return func(s *Setup) { s.Triggers = triggers } }
	cache := func(s *spec) { s.files = append(s.files, image.File{Name: "var/cache/app/"}) }
	return []Violator{
		violating("event-404", "has no route for /event-invoke", "event.answers", diagnose.EventNoRoute),
		violating("event-500", "answers events with 500", "event.answers", diagnose.EventStatus),
		violating("event-writes", "writes /var/cache/app/upload for an event and fails if it cannot", "event.answers", diagnose.EventWrites, cache),
		violating("event-crash", "ends when it gets an event", "event.answers", diagnose.EventCrashed),
		violating("event-memory", "takes memory without end when it gets an event", "event.answers", diagnose.EventOutOfMemory).with(func(s *Setup) { s.Timeout = longTimeout }),
		violating("event-close", "closes the connection of an event without an answer", "event.answers", diagnose.EventNoAnswer),
		violating("event-large", "answers events with 7 MB", "event.answers", diagnose.EventTooLarge),
		violating("event-hang", "never answers events", "event.timeout", diagnose.EventTimeout).with(func(s *Setup) { s.Timeout = time.Second }),
		violating("no-cos", "answers events of COS with 500", "event.triggers", diagnose.EventTrigger).with(sending("timer", "cos")),
		violating("objects-only", "answers events that are no objects with 500", "event.json-values", diagnose.EventObjectsOnly),
		violating("body-limit", "answers events over 100 KB with 413", "event.large", diagnose.EventBodyLimit),
		violating("short-response", "a probe that answers with 1 MB where 6 were asked for", "event.response", diagnose.EventResponse),
		violating("dies-later", "ends with its fiftieth event", "event.hundred", diagnose.EventNotRepeatable),
		violating("one-request-a-connection", "answers the second event on a connection with 500", "event.connections", diagnose.EventKeepAlive),
		violating("no-close", "answers an event with Connection: close with 500", "event.connections", diagnose.EventConnectionClose),
		violating("no-integration", "answers events of API Gateway with a text", "event.integration-response", diagnose.EventIntegration).with(sending("apigw")),
	}
}

func httpViolators() []Violator {
	web := func(v Violator, more ...func(*Setup)) Violator {
		v = v.with(asHTTP)
		for _, change := range more {
			v = v.with(change)
		}
		return v
	}
	cache := func(s *spec) { s.files = append(s.files, image.File{Name: "var/cache/app/"}) }
	return []Violator{
		web(violating("http-500", "answers HTTP requests with 500", "http.answers", diagnose.HTTPStatus)),
		neither(violating("all-404", "answers every path with 404", "http.answers", diagnose.HTTPNoRoute), "event.answers", diagnose.EventNoRoute),
		web(violating("http-writes", "writes /var/cache/app/upload for a request and fails if it cannot", "http.answers", diagnose.HTTPWrites, cache)),
		web(violating("http-crash", "ends when it gets an HTTP request", "http.answers", diagnose.HTTPCrashed)),
		web(violating("http-memory", "takes memory without end when it gets a request", "http.answers", diagnose.HTTPOutOfMemory), func(s *Setup) { s.Timeout = longTimeout }),
		web(violating("http-close", "closes the connection of a request without an answer", "http.answers", diagnose.HTTPNoAnswer)),
		web(violating("http-hang", "never answers HTTP requests", "http.timeout", diagnose.HTTPTimeout), func(s *Setup) { s.Timeout = time.Second }),
		web(violating("unknown-path-hangs", "never answers unknown paths", "http.unknown-path", diagnose.HTTPUnknownPath), func(s *Setup) { s.Timeout = time.Second }),
		web(violating("method-closes", "closes the connection of a PATCH", "http.methods", diagnose.HTTPMethod)),
		web(violating("http-body-limit", "answers bodies over 1 MB with 413", "http.request-body", diagnose.HTTPBodyLimit)),
		web(violating("http-large-header", "answers with a header of 5 KB", "http.response-limits", diagnose.HTTPHeaderTooLarge)),
		web(violating("http-large", "answers with 7 MB", "http.response-limits", diagnose.HTTPTooLarge)),
		web(violating("bad-framing", "answers with two Content-Length", "http.framing", diagnose.HTTPFraming)),
		web(violating("not-concurrent", "answers with 500 while it serves another request", "http.concurrency", diagnose.HTTPNotConcurrent), func(s *Setup) { s.Concurrency = 5 }),
		web(violating("buffered-stream", "keeps a stream back until its end", "http.streaming", diagnose.HTTPBuffered), func(s *Setup) { s.Stream = "/stream" }),
		web(violating("no-websocket", "answers a WebSocket handshake with 404", "http.websocket", diagnose.HTTPWebSocket), func(s *Setup) { s.WebSocket = "/ws" }),
	}
}

func runViolators() []Violator {
	cache := func(s *spec) { s.files = append(s.files, image.File{Name: "var/cache/app/"}) }
	return []Violator{
		violating("loses-variable", "a probe that does not see TENCENTCLOUD_REGION", "environment.process", diagnose.ProcessEnvironment),
		violating("loses-header", "a probe that does not see X-Scf-Namespace", "headers.process", diagnose.ProcessHeaders),
		violating("cleans-path", "a probe that sees a path tidied up", "request.process", diagnose.ProcessRequest).with(asHTTP),
		violating("no-tmp", "a probe that cannot write to /tmp", "limits.tmp-writable", diagnose.ProcessTmp),
		violating("fills-tmp", "leaves 100 KB in /tmp with each request", "limits.tmp-usage", diagnose.TmpTooMuch),
		violating("stuck-after-full-tmp", "fails for ever once it could not write to /tmp", "limits.tmp-full", diagnose.TmpNoRecovery),
		violating("writes-quietly", "writes /var/cache/app/page with each request and does not mind if it cannot", "limits.writes", diagnose.RunWrites, cache),
		violating("hungry", "takes 430 of 512 MB", "limits.memory", diagnose.RunMemoryMargin).with(func(s *Setup) { s.Timeout = longTimeout }),
		violating("leaks-files", "opens a file with each request and keeps it open", "limits.descriptors", diagnose.RunDescriptors),
		violating("leaks-threads", "starts a thread with each request that never ends", "limits.descriptors", diagnose.RunThreads),
		violating("none", "ends when it is started after a crash", "limits.recovers", diagnose.RunNoRecovery).with(func(s *Setup) {
			s.Tamper = fromSecondStart("candidate-recovery", "VIOLATE=exits")
		}).named("not-after-a-crash"),
		violating("buffered-output", "keeps its output in a buffer until it is told to end", "logs.unbuffered", diagnose.LogsBuffered),
		violating("leaks-credentials", "prints all headers", "logs.credentials", diagnose.LogsCredentials),
		violating("ignores-sigterm", "ignores SIGTERM", "life.sigterm", diagnose.LifeIgnoresSignal),
		violating("fails-after-freeze", "fails for ever once it has stood still", "life.freeze", diagnose.LifeFreeze),
		violating("zombies", "starts a child with each request and does not wait for it", "life.zombies", diagnose.LifeZombies),
	}
}

// script makes the start file a script.
func script(text string) func(*spec) {
	return func(s *spec) {
		s.files = append(s.files, image.File{Name: "start.sh", Mode: 0o755, Text: text})
		s.config.Entrypoint = []string{"/start.sh"}
	}
}

// Image builds the violator.
func (v Violator) Image(ctx context.Context, programs *program.Programs) (v1.Image, error) {
	machine := "amd64"
	if v.Name == armViolator {
		machine = "arm64"
	}
	path, err := programs.Executable(ctx, program.Violator, "linux", machine)
	if err != nil {
		return nil, fmt.Errorf("violator %s: %w", v.Name, err)
	}
	fault := v.Name
	if v.program != "" {
		fault = v.program
	}
	s := spec{
		files:        []image.File{{Name: "tmp/"}, {Name: "violator", Mode: 0o755, From: path}},
		config:       v1.Config{Entrypoint: []string{"/violator", fault}},
		architecture: contract.Architecture,
	}
	v.change(&s)
	img, err := s.image()
	if err != nil {
		return nil, fmt.Errorf("violator %s: %w", v.Name, err)
	}
	return img, nil
}
