package check

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/suite/requirement"
)

func TestEveryRequirementHasACheckInTheCataloguesOrder(t *testing.T) {
	var checks, catalogue []string
	for _, c := range All() {
		checks = append(checks, c.Requirement)
	}
	for _, q := range requirement.All() {
		catalogue = append(catalogue, q.ID)
	}
	if !slices.Equal(checks, catalogue) {
		t.Errorf("checks    %v\ncatalogue %v", checks, catalogue)
	}
}

// good is what is observed of a conforming image, a probe, on a conforming platform, with everything declared.
func good() Observations {
	headers := map[string][]string{}
	for _, h := range contract.Headers() {
		if !h.TimerOnly {
			headers[h.Name] = []string{"x"}
		}
		if h.Credential {
			headers[h.Name] = []string{"sha256:00"}
		}
	}
	headers[contract.HeaderRequestID] = []string{"one"}
	environment := map[string]string{"TENCENTCLOUD_RUNENV": "SCF", "SCF_FUNCTIONNAME": "f"}
	logged := func(id string) mockplatform.Result {
		return mockplatform.Result{RequestID: id, Log: []mockplatform.LogLine{
			{Source: mockplatform.FromStdout, Text: "from the start", Init: true},
			{Source: mockplatform.FromStdout, Text: "stdout of request " + id}, {Source: mockplatform.FromStderr, Text: "stderr of request " + id},
		}}
	}
	event := mockplatform.Result{Event: true, Status: contract.StatusSuccess, HTTPStatus: 200}
	web := mockplatform.Result{Status: contract.StatusSuccess, HTTPStatus: 200}
	sent := func(name string, r mockplatform.Result) Sent { return Sent{Name: name, Bytes: 100, Result: r} }
	integrated := event
	integrated.Body = []byte(`{"isBase64Encoded":false,"statusCode":200,"headers":{},"body":"ok"}`)
	request := ProbeRequest{Method: "POST", Target: "/a?b", BodySHA256: "sha256:11", Header: map[string][]string{"X-Scf-Name": {"forged"}, "X-Own": {"1", "2"}}}
	saw := Report{
		Environment: maps.Clone(environment), Headers: map[string][]string{"X-Scf-Name": {"f"}, "X-Own": {"1", "2"}}, Method: "POST", Target: "/a?b", BodySHA256: "sha256:11", TmpWritable: true,
	}
	sawRequest := saw
	sawRequest.Headers = maps.Clone(saw.Headers)
	seenEvent := Report{Environment: maps.Clone(environment), Headers: map[string][]string{"X-Scf-Name": {"f"}}, Method: "POST", Target: "/event-invoke", BodySHA256: "sha256:22", TmpWritable: true}
	before, after := mockplatform.InstanceUsage{}, mockplatform.InstanceUsage{}
	billed := logged("two")
	billed.Duration = 3 * time.Millisecond
	billed.Bill = contract.NewBill(billed.Duration, 0, 512, 0, contract.DefaultReadings())
	provisioned := event
	return Observations{
		Candidate: &image.Candidate{
			Reference: "f:1", Tag: "1", MediaType: contract.MediaTypeOCI, OS: "linux", Architecture: "amd64", UncompressedBytes: 5 << 20, Config: &v1.ConfigFile{},
			Layers: []image.Layer{{MediaType: types.OCILayer, Compression: "gzip"}},
		},
		Argv: contract.Argv{Words: []string{"/app"}}, Program: image.Program{Path: "/app", Kind: image.ELF, Machine: "x86_64", Executable: true},
		MemoryMB: 512, Event: event, HTTP: web, Readings: contract.DefaultReadings(), InitTimeout: 30 * time.Second,
		ColdStart: mockplatform.ColdStart{Ready: time.Second}, Bare: &Bare{Alive: true},
		Events: Events{
			Triggers: []Sent{sent("apigw", integrated)}, Gateway: 0, Values: []Sent{sent("42", event)}, Large: []Sent{sent("6 MB", event)},
			Kept: []Sent{sent("kept", event)}, Closed: []Sent{sent("closed", event)}, Response: &Sent{Bytes: 0, Result: event},
		},
		Requests: Requests{Unknown: sent("unknown", web), Methods: []Sent{sent("PUT", web)}, Small: sent("small", web), Large: sent("large", web)},
		Hundred: Hundred{
			Sent: 100, Before: &before, After: &after, PeakBytes: 10 << 20,
			Printed: map[mockplatform.Source]int{mockplatform.FromStdout: 100}, LateBytes: map[mockplatform.Source]int{},
		},
		Again: Variation{Result: event}, User: Variation{Result: event}, Role: Variation{Result: event},
		Tmp: Tmp{While: event, Afterward: event}, Recovery: Recovery{Next: event}, Life: Life{Thawed: []mockplatform.Result{event}, Stopped: mockplatform.Stopped{ByThemselves: 1}},
		Concurrency: Concurrency{Declared: 2, Results: []mockplatform.Result{web, web}},
		Streaming:   Streaming{Path: "/s", Result: mockplatform.Result{Status: contract.StatusSuccess, HTTPStatus: 200, Duration: time.Second}, Parts: []time.Duration{0, time.Second}},
		WebSocket:   WebSocket{Path: "/w"},
		Inside: &Inside{
			Event: &seenEvent, HTTP: &saw, Environment: environment, Headers: map[string]string{"X-Scf-Name": "f"}, EventSHA256: "sha256:22",
			Request: ProbeRequest{Method: "POST", Target: "/a?b", BodySHA256: "sha256:11"},
		},
		Probe: Probe{
			Saw: Report{
				Environment: maps.Clone(environment), Headers: headers, TmpWritable: true, TmpBytes: contract.TmpBytes, OpenFiles: contract.MaxOpenFiles, TimeZone: "UTC",
			},
			Environment: environment, First: logged("one"), Second: billed, Timed: Report{Headers: map[string][]string{contract.HeaderTriggerSrc: {"Timer"}}},
			Request: request, SawRequest: sawRequest, Unauthorized: 401, Wrong: 401, Provisioned: provisioned,
		},
	}
}

func outcomes(o Observations) (failed map[string]diagnose.Code, open []string) {
	failed = map[string]diagnose.Code{}
	for _, c := range All() {
		switch f := c.Judge(o); f.Outcome {
		case Fail:
			failed[c.Requirement] = f.Cause.Code
		case NotAssessed:
			open = append(open, c.Requirement)
		case Pass, NotApplicable:
		}
	}
	return failed, open
}

func TestWhatIsGoodPasses(t *testing.T) {
	if failed, open := outcomes(good()); len(failed)+len(open) > 0 {
		t.Errorf("failed %v, open %v", failed, open)
	}
}

// TestOneFaultFailsOneRequirement goes through faults, of images and of the platform, and wants each to break exactly
// one requirement.
func TestOneFaultFailsOneRequirement(t *testing.T) {
	startFailed := func(e diagnose.Evidence) func(*Observations) {
		e.Phase = diagnose.PhaseInit
		return func(o *Observations) {
			o.StartFailed = &mockplatform.StartError{Status: contract.StatusPortBindingFailed, Evidence: e}
		}
	}
	listener := diagnose.Listener{Address: netip.MustParseAddrPort("127.0.0.1:9000")}
	cases := map[string]struct {
		change      func(*Observations)
		requirement string
		reason      diagnose.Code
		open        int
	}{
		"schema 1":        {func(o *Observations) { o.Candidate.Unsupported = "schema 1" }, "image.manifest", diagnose.ImageManifest, 0},
		"odd media type":  {func(o *Observations) { o.Candidate.MediaType = "x/y" }, "image.manifest", diagnose.ImageManifest, 0},
		"index of others": {func(o *Observations) { o.Candidate.OtherPlatforms = []string{"linux/arm64"} }, "image.architecture", diagnose.ImageArchitecture, 0},
		"Windows":         {func(o *Observations) { o.Candidate.OS = "windows" }, "image.architecture", diagnose.ImageArchitecture, 0},
		"no architecture": {func(o *Observations) { o.Candidate.Architecture = "" }, "image.architecture", diagnose.ImageArchitecture, 0},
		"arm program":     {func(o *Observations) { o.Program.Machine = "aarch64" }, "image.architecture", diagnose.ImageArchitecture, 0},
		"arm interpreter": {func(o *Observations) { o.Program.InterpreterMachine = "aarch64" }, "image.architecture", diagnose.ImageArchitecture, 0},
		"1 GiB": {func(o *Observations) {
			o.Candidate.UncompressedBytes, o.MemoryMB = 1<<30, 2048
		}, "image.size", diagnose.ImageTooLarge, 0},
		"little memory": {func(o *Observations) { o.MemoryMB = 128 }, "image.memory-guidance", diagnose.ImageMemory, 0},
		"much memory":   {func(o *Observations) { o.MemoryMB = 1024 }, "image.memory-guidance", diagnose.ImageMemory, 0},
		"directory":     {func(o *Observations) { o.Program.Kind = image.Directory }, "start.command", diagnose.StartNotExecutable, 0},
		"no loader":     {func(o *Observations) { o.Program.LoaderMissing = true }, "start.command", diagnose.StartInterpreter, 0},
		"a text":        {func(o *Observations) { o.Program.Kind = image.Other }, "start.command", diagnose.StartInterpreter, 0},
		"pull": {func(o *Observations) {
			o.StartFailed = &mockplatform.StartError{Evidence: diagnose.Evidence{Phase: diagnose.PhasePull}}
		}, "image.pull", diagnose.PullFailed, 5},
		"exit":                {startFailed(diagnose.Evidence{Exit: &diagnose.Exit{Code: 1}}), "start.alive", diagnose.StartExited, 4},
		"loopback":            {startFailed(diagnose.Evidence{Listeners: []diagnose.Listener{listener}}), "start.listen", diagnose.ListenLoopback, 1},
		"silent":              {startFailed(diagnose.Evidence{}), "start.listen", diagnose.ListenNever, 2},
		"late":                {startFailed(diagnose.Evidence{MoreTime: &diagnose.Experiment{Ready: true}}), "start.time", diagnose.StartTooSlow, 0},
		"killed for memory":   {startFailed(diagnose.Evidence{Exit: &diagnose.Exit{Code: 137, OutOfMemory: true}}), "start.memory", diagnose.StartOutOfMemory, 4},
		"slow for memory":     {startFailed(diagnose.Evidence{MoreMemory: &diagnose.Experiment{Ready: true}}), "start.memory", diagnose.StartSlowForMemory, 4},
		"hidden by /tmp":      {startFailed(diagnose.Evidence{Exit: &diagnose.Exit{Code: 1}, ImageTmp: &diagnose.Experiment{Ready: true}}), "image.tmp", diagnose.ImageFilesInTmp, 5},
		"start files in /tmp": {func(o *Observations) { o.InTmp = []string{"/tmp/app"} }, "image.tmp", diagnose.ImageFilesInTmp, 0},
		"zstd":                {func(o *Observations) { o.Candidate.Layers[0].Compression = "zstd" }, "image.layers", diagnose.ImageLayers, 0},
		"odd layer":           {func(o *Observations) { o.Candidate.Layers[0].MediaType = "x/y" }, "image.layers", diagnose.ImageLayers, 0},
		"not readable":        {func(o *Observations) { o.Denied = &image.Denial{Needed: "execute", Path: "/app"} }, "image.permissions", diagnose.ImageNotReadable, 0},
		"latest":              {func(o *Observations) { o.Candidate.Tag = "latest" }, "image.tag", diagnose.ImageLatest, 0},
		"wasted bytes": {func(o *Observations) {
			o.Wasted, o.WastedBytes = []image.Waste{{Path: "/x", Bytes: 2 << 20, Layer: 1, By: 2}}, 2<<20
		}, "image.waste", diagnose.ImageWaste, 0},
		"caches": {func(o *Observations) {
			o.Caches = []image.Waste{{Path: "/var/lib/apt/lists", Bytes: 2 << 20, Layer: 1}}
		}, "image.waste", diagnose.ImageCaches, 0},
		"reserved variable": {func(o *Observations) { o.Candidate.Config.Config.Env = []string{"SCF_X=1"} }, "image.reserved-variables", diagnose.ImageReserved, 0},
		"several words":     {func(o *Observations) { o.Argv.SeveralWords = true }, "start.command-form", diagnose.StartWords, 0},
		"CMD kept":          {func(o *Observations) { o.Argv.CMDKept = true }, "start.command-form", diagnose.StartArgsKept, 0},
		"bare connection":   {func(o *Observations) { o.Bare.Alive = false }, "start.bare-connection", diagnose.StartBareConnection, 0},
		"late start":        {func(o *Observations) { o.ColdStart.Ready = 16 * time.Second }, "start.headroom", diagnose.StartLittleHeadroom, 0},
		"not again":         {func(o *Observations) { o.Again.StartFailed = &mockplatform.StartError{} }, "start.again", diagnose.StartNotAgain, 0},
		"own user":          {func(o *Observations) { o.User.Result.HTTPStatus = 500 }, "start.other-uid", diagnose.StartNeedsItsUser, 0},
		"needs a role":      {func(o *Observations) { o.Role.Result.HTTPStatus = 500 }, "start.no-role", diagnose.StartNeedsCredentials, 0},

		"trigger":           {func(o *Observations) { o.Events.Triggers[0].Result.HTTPStatus = 400 }, "event.triggers", diagnose.EventTrigger, 0},
		"objects only":      {func(o *Observations) { o.Events.Values[0].Result.HTTPStatus = 400 }, "event.json-values", diagnose.EventObjectsOnly, 0},
		"body limit":        {func(o *Observations) { o.Events.Large[0].Result.HTTPStatus = 413 }, "event.large", diagnose.EventBodyLimit, 0},
		"response cut":      {func(o *Observations) { o.Events.Response.Bytes = 6 << 20 }, "event.response", diagnose.EventResponse, 0},
		"the fiftieth":      {func(o *Observations) { o.Hundred.Failed, o.Hundred.FailedAt = &Sent{}, 50 }, "event.hundred", diagnose.EventNotRepeatable, 0},
		"restarted":         {func(o *Observations) { o.Hundred.Restarted = true }, "event.hundred", diagnose.EventNotRepeatable, 0},
		"keep-alive":        {func(o *Observations) { o.Events.Kept[0].Result.HTTPStatus = 500 }, "event.connections", diagnose.EventKeepAlive, 0},
		"Connection: close": {func(o *Observations) { o.Events.Closed[0].Result.HTTPStatus = 500 }, "event.connections", diagnose.EventConnectionClose, 0},
		"integration":       {func(o *Observations) { o.Events.Triggers[0].Result.Body = []byte(`{"statusCode":200}`) }, "event.integration-response", diagnose.EventIntegration, 0},
		"event writes": {func(o *Observations) {
			o.Event.HTTPStatus, o.Event.Evidence = 500, diagnose.Evidence{HTTPStatus: 500, WritableRoot: &diagnose.Experiment{Ready: true}}
		}, "event.answers", diagnose.EventWrites, 0},
		"HTTP writes": {func(o *Observations) {
			o.HTTP.HTTPStatus, o.HTTP.Evidence = 500, diagnose.Evidence{HTTPStatus: 500, WritableRoot: &diagnose.Experiment{Ready: true}}
		}, "http.answers", diagnose.HTTPWrites, 0},
		"unknown path":      {func(o *Observations) { o.Requests.Unknown.Result.HTTPStatus = 0 }, "http.unknown-path", diagnose.HTTPUnknownPath, 0},
		"method":            {func(o *Observations) { o.Requests.Methods[0].Result.HTTPStatus = 0 }, "http.methods", diagnose.HTTPMethod, 0},
		"large body":        {func(o *Observations) { o.Requests.Large.Result.HTTPStatus = 413 }, "http.request-body", diagnose.HTTPBodyLimit, 0},
		"large body breaks": {func(o *Observations) { o.Requests.Large.Result.HTTPStatus = 500 }, "http.request-body", diagnose.HTTPBodyLimit, 0},
		"large answer": {func(o *Observations) {
			o.Requests.Unknown.Result = mockplatform.Result{Status: contract.StatusWebResponseTooLarge, Evidence: diagnose.Evidence{TooLarge: true}}
		}, "http.response-limits", diagnose.HTTPTooLarge, 0},
		"large header": {func(o *Observations) {
			o.HTTP = mockplatform.Result{Status: contract.StatusInternalError, Evidence: diagnose.Evidence{HeaderTooLarge: true}}
		}, "http.response-limits", diagnose.HTTPHeaderTooLarge, 2},
		"framing":        {func(o *Observations) { o.Requests.Small.Result.Framing = []string{"bare LF"} }, "http.framing", diagnose.HTTPFraming, 0},
		"not concurrent": {func(o *Observations) { o.Concurrency.Results[1].HTTPStatus = 503 }, "http.concurrency", diagnose.HTTPNotConcurrent, 0},
		"buffered":       {func(o *Observations) { o.Streaming.Parts = []time.Duration{time.Second} }, "http.streaming", diagnose.HTTPBuffered, 0},
		"WebSocket":      {func(o *Observations) { o.WebSocket.Failed = "404" }, "http.websocket", diagnose.HTTPWebSocket, 0},

		"variable lost": {func(o *Observations) { delete(o.Inside.Event.Environment, "SCF_FUNCTIONNAME") }, "environment.process", diagnose.ProcessEnvironment, 0},
		"header lost":   {func(o *Observations) { o.Inside.Event.Headers = map[string][]string{} }, "headers.process", diagnose.ProcessHeaders, 0},
		"path changed":  {func(o *Observations) { o.Inside.HTTP.Target = "/A?b" }, "request.process", diagnose.ProcessRequest, 0},
		"event changed": {func(o *Observations) { o.Inside.Event.BodySHA256 = "" }, "request.process", diagnose.ProcessRequest, 0},
		"no /tmp":       {func(o *Observations) { o.Inside.Event.TmpWritable = false }, "limits.tmp-writable", diagnose.ProcessTmp, 0},

		"/tmp fills up":     {func(o *Observations) { o.Hundred.After.TmpBytes = 2 << 20 }, "limits.tmp-usage", diagnose.TmpTooMuch, 0},
		"no recovery":       {func(o *Observations) { o.Tmp.Afterward.HTTPStatus = 500 }, "limits.tmp-full", diagnose.TmpNoRecovery, 0},
		"writes":            {func(o *Observations) { o.Writes.Changes = []diagnose.Change{{Path: "/app/cache", Kind: "added"}} }, "limits.writes", diagnose.RunWrites, 0},
		"memory":            {func(o *Observations) { o.Hundred.PeakBytes = 500 << 20 }, "limits.memory", diagnose.RunMemoryMargin, 0},
		"files leak":        {func(o *Observations) { o.Hundred.After.OpenFiles = 100 }, "limits.descriptors", diagnose.RunDescriptors, 0},
		"threads leak":      {func(o *Observations) { o.Hundred.After.Threads = 100 }, "limits.descriptors", diagnose.RunThreads, 0},
		"nobody after that": {func(o *Observations) { o.Recovery.Next.HTTPStatus = 500 }, "limits.recovers", diagnose.RunNoRecovery, 0},
		"buffered output": {func(o *Observations) {
			o.Hundred.Printed[mockplatform.FromStdout], o.Hundred.LateBytes[mockplatform.FromStdout] = 2, 900
		}, "logs.unbuffered", diagnose.LogsBuffered, 0},
		"buffered Python": {func(o *Observations) { o.Hundred.Printed[mockplatform.FromStdout], o.Hundred.Unbuffered = 0, true }, "logs.unbuffered", diagnose.LogsBuffered, 0},
		"credential":      {func(o *Observations) { o.Hundred.Leaked = []string{"X-Scf-Secret-Key is in an answer"} }, "logs.credentials", diagnose.LogsCredentials, 0},
		"ignores SIGTERM": {func(o *Observations) { o.Life.Stopped.Killed = 1 }, "life.sigterm", diagnose.LifeIgnoresSignal, 0},
		"frozen":          {func(o *Observations) { o.Life.Thawed[0].HTTPStatus = 500 }, "life.freeze", diagnose.LifeFreeze, 0},
		"zombies":         {func(o *Observations) { o.Hundred.After.Zombies = 1 }, "life.zombies", diagnose.LifeZombies, 0},

		"event redirected": {func(o *Observations) { o.Event.HTTPStatus, o.Event.Evidence.HTTPStatus = 302, 302 }, "event.answers", diagnose.EventStatus, 0},
		"event timeout": {func(o *Observations) {
			o.Event = mockplatform.Result{Event: true, Status: contract.StatusTimeLimitReached, Evidence: diagnose.Evidence{TimedOut: true}}
		}, "event.timeout", diagnose.EventTimeout, 1},
		"HTTP crash": {func(o *Observations) {
			o.HTTP = mockplatform.Result{Status: contract.StatusProcessExit, Evidence: diagnose.Evidence{Exit: &diagnose.Exit{}}}
		}, "http.answers", diagnose.HTTPCrashed, 2},
		"HTTP 404 in auto": {func(o *Observations) { o.Auto, o.HTTP.HTTPStatus, o.HTTP.Evidence.HTTPStatus = true, 404, 404 }, "http.answers", diagnose.HTTPNoRoute, 0},

		"platform: variable missing":    {func(o *Observations) { delete(o.Probe.Saw.Environment, "SCF_FUNCTIONNAME") }, "environment.variables", diagnose.PlatformEnvironment, 0},
		"platform: variable wrong":      {func(o *Observations) { o.Probe.Saw.Environment["SCF_FUNCTIONNAME"] = "g" }, "environment.variables", diagnose.PlatformEnvironment, 0},
		"platform: credential variable": {func(o *Observations) { o.Probe.Saw.Environment["TENCENTCLOUD_SECRETKEY"] = "k" }, "environment.variables", diagnose.PlatformEnvironment, 0},
		"platform: header missing":      {func(o *Observations) { delete(o.Probe.Saw.Headers, contract.HeaderUin) }, "headers.common", diagnose.PlatformHeaders, 0},
		"platform: header twice":        {func(o *Observations) { o.Probe.Saw.Headers[contract.HeaderUin] = []string{"a", "b"} }, "headers.common", diagnose.PlatformHeaders, 0},
		"platform: stray Trigger-Src":   {func(o *Observations) { o.Probe.Saw.Headers[contract.HeaderTriggerSrc] = []string{"Timer"} }, "headers.trigger-source", diagnose.PlatformTrigger, 0},
		"platform: no Trigger-Src":      {func(o *Observations) { o.Probe.Timed.Headers = nil }, "headers.trigger-source", diagnose.PlatformTrigger, 0},
		"platform: forged header":       {func(o *Observations) { o.Probe.SawRequest.Headers["X-Scf-Name"] = []string{"forged"} }, "headers.client", diagnose.PlatformClient, 0},
		"platform: header lost":         {func(o *Observations) { delete(o.Probe.SawRequest.Headers, "X-Own") }, "http.pass-through", diagnose.PlatformPassThrough, 0},
		"platform: method":              {func(o *Observations) { o.Probe.SawRequest.Method = "GET" }, "http.pass-through", diagnose.PlatformPassThrough, 0},
		"platform: writable":            {func(o *Observations) { o.Probe.Saw.RootWritable = true }, "platform.limits", diagnose.PlatformLimits, 0},
		"platform: files":               {func(o *Observations) { o.Probe.Saw.OpenFiles = 1 }, "platform.limits", diagnose.PlatformLimits, 0},
		"platform: registry":            {func(o *Observations) { o.Probe.Wrong = 200 }, "platform.credential", diagnose.PlatformCredential, 0},
		"platform: acceleration":        {func(o *Observations) { o.Probe.AcceleratedRequests = 1 }, "platform.acceleration", diagnose.PlatformAcceleration, 0},
		"platform: provisioned":         {func(o *Observations) { o.Probe.Provisioned.ColdStart = &mockplatform.ColdStart{} }, "platform.provisioned", diagnose.PlatformProvisioned, 0},
		"platform: billing":             {func(o *Observations) { o.Probe.Second.Bill.GBs++ }, "platform.billing", diagnose.PlatformBilling, 0},
		"platform: credential shown":    {func(o *Observations) { o.Probe.Saw.Headers[contract.HeaderSecretKey] = []string{"key"} }, "headers.common", diagnose.PlatformHeaders, 0},
		"platform: wrong request id":    {func(o *Observations) { o.Probe.Saw.Headers[contract.HeaderRequestID] = []string{"zero"} }, "headers.common", diagnose.PlatformHeaders, 0},
		"platform: line lost":           {func(o *Observations) { o.Probe.First.Log = o.Probe.First.Log[:2] }, "logs.collected", diagnose.PlatformLogs, 0},
		"platform: line of another":     {func(o *Observations) { o.Probe.Second.Log = append(o.Probe.Second.Log, o.Probe.First.Log...) }, "logs.collected", diagnose.PlatformLogs, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := good()
			c.change(&o)
			failed, open := outcomes(o)
			if len(failed) != 1 || failed[c.requirement] != c.reason || len(open) != c.open {
				t.Errorf("failed %v, open %v; want %s for %s and %d open", failed, open, c.requirement, c.reason, c.open)
			}
		})
	}
}

func TestAnImageWithoutManifestIsNotJudgedByIt(t *testing.T) {
	o := good()
	o.Candidate.MediaType = ""
	if f := imageManifest(o); f.Outcome != NotApplicable || f.Note == "" {
		t.Errorf("finding is %+v", f)
	}
}

func TestWithTheTypeGivenAnyAnswerBelow500IsOne(t *testing.T) {
	o := good()
	o.HTTP.HTTPStatus = 404
	if f := httpAnswers(o); f.Outcome != Pass {
		t.Errorf("finding is %+v", f)
	}
}

func TestAProbeReportThatIsNoneIsAnError(t *testing.T) {
	for _, text := range []string{"", "{}", "[]", `{"environment":{}}`} {
		if _, err := ParseReport([]byte(text)); err == nil || !strings.Contains(err.Error(), ErrProbe.Error()) {
			t.Errorf("%q gives %v", text, err)
		}
	}
}

// FuzzParseReport holds that a probe's answer is always read the same way, with every value of its headers under the
// name that HTTP knows.
func FuzzParseReport(f *testing.F) {
	for _, seed := range []string{
		`{"probe":1,"environment":{},"headers":{"x-a":["1","2"],"X-A":["3"],"a b":[""],"X-a":null}}`, `{"probe":1,"environment":{"A":"b"},"headers":{}}`,
		`{"probe":2,"environment":{},"headers":{}}`, `{"PROBE":1}`, `null`, `[`, `{"probe":1e0,"environment":{},"headers":{"\ud800":["\u0000"]},"tmpBytes":-1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseReport(body)
		if err != nil {
			if !errors.Is(err, ErrProbe) || !reflect.DeepEqual(r, Report{}) {
				t.Errorf("an error that is not ErrProbe, or comes with a report: %v", err)
			}
			return
		}
		if again, err := ParseReport(body); err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%s is once %+v and once %+v, %v", body, r, again, err)
		}
		var written struct{ Headers map[string][]string }
		if err := json.Unmarshal(body, &written); err != nil {
			t.Fatal(err)
		}
		for name, values := range written.Headers {
			for _, value := range values {
				if !slices.Contains(r.Headers[http.CanonicalHeaderKey(name)], value) {
					t.Errorf("%q of %q is lost", value, name)
				}
			}
		}
	})
}
