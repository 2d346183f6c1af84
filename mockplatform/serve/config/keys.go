package config

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/http/httpguts"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/mockplatform/yamlfile"
)

// Limits that only this file needs.
const (
	maxFunctions  = 50               // of a namespace, S17
	maxTimers     = 10               // triggers of one type, S17
	maxTimerName  = 100              // contract/cloud-api.md 9.3
	maxTimerBytes = 4 << 10          // of a timer's message, contract/events.md 3.4
	maxRetries    = 2                // contract/events.md 5
	minTTL        = 60 * time.Second // contract/events.md 5
	maxTTL        = 6 * time.Hour    // the default too
	latest        = "$LATEST"
	defaultStage  = "release"
)

// root are the keys of the file.
func root() section[Config] {
	return section[Config]{
		{row: row{
			name: "functions", kind: "mapping", required: true, limits: fmt.Sprintf("1 to %d functions, by their names", maxFunctions), clause: "runtime.md 10",
			about:  "the functions; a name has 2 to 60 letters, digits, - and _, begins with a letter and does not end in - or _",
			sample: "{hello: {image: my-function:1}}", rows: functionKeys().rows(),
		}, read: func(*reader, value, *Config) {}}, // after the platform, whose readings are defaults
		mapping(row{name: "platform", fallback: "as below", limits: "the keys below", clause: "runtime.md 7.1", about: "what all functions share"},
			platformKeys(), defaultPlatform(), func(c *Config, p Platform) { c.Platform = p }),
	}
}

func defaultPlatform() Platform {
	return Platform{Region: "ap-guangzhou", Namespace: "default", AppID: "1250000001", Uin: "100000000001", Readings: contract.DefaultReadings()}
}

func platformKeys() section[Platform] {
	p := defaultPlatform()
	return section[Platform]{
		text(row{name: "region", fallback: p.Region, limits: "small letters, digits and -", clause: "runtime.md 7.1, gateway.md 2", about: "region, as functions see it and as it stands in a Function URL's host"},
			func(p *Platform, text string) { p.Region = text },
			matching(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`, "a region's id in small letters, such as ap-guangzhou")),
		text(row{name: "namespace", fallback: p.Namespace, limits: fmt.Sprintf("1 to %d characters, at most %d with a function's name", contract.MaxNamespace, contract.MaxNameAndSpace), clause: "runtime.md 10", about: "namespace of all functions"},
			func(p *Platform, text string) { p.Namespace = text }, func(name string) error { return contract.ValidateNamespace(name, "") }),
		text(row{name: "appid", fallback: p.AppID, limits: "digits", clause: "runtime.md 7.1", about: "AppID of the account"},
			func(p *Platform, text string) { p.AppID = text }, matching(`^[0-9]+$`, "digits, such as 1250000001")),
		text(row{name: "uin", fallback: p.Uin, limits: "digits", clause: "runtime.md 7.1", about: "Uin of the account"},
			func(p *Platform, text string) { p.Uin = text }, matching(`^[0-9]+$`, "digits, such as 100000000001")),
		{row: row{name: "readings", kind: "mapping of values", fallback: "the decisions", limits: "names and values of docs/readings.md", clause: "runtime.md 16", about: "other readings of the contract", schema: readingsSchema()}, read: readReadings},
	}
}

func readReadings(r *reader, v value, into *Platform) {
	var names []string
	for _, known := range contract.ReadingTable() {
		names = append(names, known.Name)
	}
	entries, _ := r.Entries(v, "{freeze-between: true}")
	for _, e := range entries {
		if text, ok := r.Verbatim(e.Value); ok && r.PassesKey(e.Value, yamlfile.KnownKey(e.Name, names)) {
			r.Passes(e.Value, into.Readings.Set(e.Name, text))
		}
	}
}

func functionKeys() section[Function] {
	return section[Function]{
		{row: row{name: "image", kind: "text", required: true, limits: "NAME, engine:NAME, registry:NAME, oci:DIR[:TAG or @DIGEST], tar:FILE", clause: "runtime.md 2.2, 2.3", about: "the image, as for `scfcert run`; a path counts from the folder of this file",
			sample: "my-function:1", schema: map[string]any{"type": "string"}}, read: readImage},
		choice(row{name: "type", fallback: string(HTTP), clause: "runtime.md 2.1", about: "how the function is triggered. The cloud API's default is event; a local server is mostly there for HTTP"},
			func(f *Function, kind Type) { f.Type = kind }, HTTP, Event),
		text(row{name: "version", fallback: latest, limits: latest + ", or a number from 1", clause: "runtime.md 7.1, cloud-api.md 9.1", about: "version that is served; a published one may have provisioned instances"},
			func(f *Function, text string) { f.Version = text }, matching(`^(\$LATEST|[1-9][0-9]{0,8})$`, latest+", or a published version such as 1")),
		text(row{name: "command", fallback: "the image's ENTRYPOINT", limits: "one text; split at spaces, no quoting", clause: "runtime.md 2.2, Q1", about: "replaces ENTRYPOINT", sample: "node"},
			func(f *Function, text string) { f.Command = &text }, anything),
		{row: row{name: "args", kind: "list of texts, or text", fallback: "the image's CMD", limits: "items without spaces, or one text; split at spaces, no quoting", clause: "runtime.md 2.2, Q1", about: "replaces CMD",
			sample: "[app.js]", schema: map[string]any{"type": []string{"array", "string", "number", "boolean"}, "items": map[string]any{"type": []string{"string", "number", "boolean"}, "pattern": "^[^ ]+$"}}}, read: readArgs},
		{row: row{name: "environment", kind: "mapping of texts", fallback: "none", limits: "names: a letter, then letters, digits and _; not SCF_, QCLOUD_, TENCENTCLOUD_, TECENTCLOUD_; 4096 bytes in all", clause: "runtime.md 7.4", about: "the function's variables. Values are taken as they are written: 08 stays 08. $ has no meaning",
			sample: "{MODE: test}", schema: map[string]any{
				"type": "object", "propertyNames": map[string]any{"pattern": "^(?!SCF_|QCLOUD_|TENCENTCLOUD_|TECENTCLOUD_)[a-zA-Z][a-zA-Z0-9_]*$"},
				"additionalProperties": map[string]any{"type": []string{"string", "number", "boolean"}},
			}}, read: readEnvironment},
		number(row{name: "memory", unit: "MB", fallback: "by the size of the image", limits: "64; 128 to 3072 in steps of 128; on application up to 122880", clause: "runtime.md 10, R11", about: "memory of an instance; it brings memory/1280 of a core, at most 2",
			schema: map[string]any{"anyOf": []any{
				map[string]any{"const": contract.MinMemoryMB},
				map[string]any{"minimum": contract.MemoryStepMB, "maximum": contract.MaxMemoryMB, "multipleOf": contract.MemoryStepMB},
				map[string]any{"minimum": contract.MaxMemoryMB + 1},
			}}},
			contract.MinMemoryMB, contract.MaxAppliedMB, func(f *Function, n int) { f.MemoryMB = n }, contract.ValidateMemory),
		seconds(row{name: "timeout", fallback: inSeconds(contract.DefaultTimeout), limits: "1 to 900", clause: "runtime.md 10", about: "of one invocation"},
			contract.MinTimeout, contract.MaxTimeout, func(f *Function, d time.Duration) { f.Timeout = d }, contract.ValidateTimeout),
		seconds(row{name: "init-timeout", fallback: "the reading init-timeout, 30", limits: "3 to 300", clause: "runtime.md 4.1, R7", about: "until the server listens. Where it is set it covers the pull too"},
			contract.MinInitTimeout, contract.MaxInitTimeout, func(f *Function, d time.Duration) { f.InitTimeout = d }, contract.ValidateInitTimeout),
		number(row{name: "concurrency", unit: "requests", fallback: "1", limits: "1 to 100", clause: "runtime.md 10", about: "that an instance serves at a time; more than 1 for `type: http` only"},
			1, contract.MaxStaticConcurrency, func(f *Function, n int) { f.Concurrency = n }, anything),
		number(row{name: "provisioned", unit: "instances", fallback: "0", limits: "0 or more", clause: "runtime.md 13", about: "that are started ahead of requests; needs a published `version`"},
			0, math.MaxInt32, func(f *Function, n int) { f.Provisioned = n }, anything),
		truth(row{name: "acceleration", fallback: "false", limits: fmt.Sprintf("true for at most %d functions", contract.MaxAccelerated), clause: "runtime.md 13", about: "the image is pulled at deployment, not at a cold start"},
			func(f *Function, on bool) { f.Accelerate = on }),
		truth(row{name: "role", fallback: "the reading execution-role, true", clause: "runtime.md 7.1, R5", about: "the function has an execution role: requests carry the three credential headers"},
			func(f *Function, on bool) { f.Role = on }),
		choice(row{name: "image-type", fallback: string(Personal), clause: "runtime.md 2.2", about: "edition of the registry that the image would come from"},
			func(f *Function, kind ImageType) { f.ImageType = kind }, Personal, Enterprise),
		text(row{name: "registry-id", fallback: "none", limits: "needed for, and only for, `image-type: enterprise`", clause: "runtime.md 2.2", about: "id of that registry", sample: "tcr-xxxx"},
			func(f *Function, text string) { f.RegistryID = text }, someText),
		mapping(row{name: "websocket", fallback: "off", limits: "the keys below; {} takes their defaults", only: HTTP, clause: "gateway.md 8", about: "native WebSocket; one connection is one invocation"},
			webSocketKeys(), WebSocket{IdleTimeout: contract.DefaultWebSocketIdle}, func(f *Function, w WebSocket) { f.WebSocket = &w }),
		mapping(row{name: "gateway", fallback: "a Function URL", limits: "the keys below", clause: "gateway.md 1", about: "what stands between HTTP clients and the function"},
			gatewayKeys(), Gateway{Type: FunctionURL}, func(f *Function, g Gateway) { f.Gateway = g }),
		mapping(row{name: "cors", fallback: "off", limits: "the keys below; a Function URL only", clause: "gateway.md 2, 9", about: "CorsConfig of the Function URL; without it OPTIONS goes to the function"},
			corsKeys(), CORS{}, func(f *Function, c CORS) { f.CORS = &c }),
		mapping(row{name: "async", fallback: "as below", limits: "the keys below", only: Event, clause: "events.md 5", about: "delivery of asynchronous events"},
			asyncKeys(), defaultAsync(), func(f *Function, a Async) { f.Async = a }),
		{row: row{name: "triggers", kind: "list of mappings", fallback: "none", limits: fmt.Sprintf("at most %d of a kind", maxTimers), only: Event, clause: "events.md 2, runtime.md 10", about: "what else invokes the function. Each item has one key, the kind of trigger",
			sample: `[timer: {name: nightly, cron: "0 0 2 * * * *"}]`, rows: triggerKeys().rows()}, read: readTriggers},
	}
}

func webSocketKeys() section[WebSocket] {
	return section[WebSocket]{
		seconds(row{name: "idle-timeout", fallback: inSeconds(contract.DefaultWebSocketIdle), limits: "10 to 7200, and at most the function's timeout", clause: "runtime.md Q15", about: "without a frame of either side, until the connection is cut with 455"},
			contract.MinWebSocketIdle, contract.MaxWebSocketIdle, func(w *WebSocket, d time.Duration) { w.IdleTimeout = d }, anything),
	}
}

func gatewayKeys() section[Gateway] {
	return section[Gateway]{
		choice(row{name: "type", fallback: string(FunctionURL), clause: "gateway.md 1", about: "a Function URL, or the API Gateway that was switched off on 2025-06-30"},
			func(g *Gateway, kind GatewayType) { g.Type = kind }, FunctionURL, APIGateway),
		choice(row{name: "stage", fallback: defaultStage, clause: "gateway.md 3, events.md 3.1", about: "first segment of the path, which is stripped; `type: apigw` only"},
			func(g *Gateway, text string) { g.Stage = text }, defaultStage, "prepub", "test"),
		truth(row{name: "integration-response", fallback: "true", clause: "events.md 4", about: "the event function's answer is a response in JSON; `type: apigw` and event functions only"},
			func(g *Gateway, on bool) { g.IntegrationResponse = on }),
	}
}

func corsKeys() section[CORS] {
	const clause = "gateway.md 2"
	return section[CORS]{
		list(row{name: "origins", required: true, limits: `"*", or SCHEME://HOST[:PORT]`, clause: clause, about: "origins that may read answers", sample: `["*"]`},
			func(c *CORS, all []string) { c.Origins = all }, checkOrigin),
		list(row{name: "methods", fallback: "none", limits: "methods in capitals, or \"*\"", clause: clause, about: "methods that are allowed", sample: "[GET, POST]"},
			func(c *CORS, all []string) { c.Methods = all }, checkMethod),
		list(row{name: "headers", fallback: "none", limits: "header names, or \"*\"", clause: clause, about: "request headers that are allowed", sample: "[Content-Type]"},
			func(c *CORS, all []string) { c.Headers = all }, checkHeader),
		list(row{name: "expose-headers", fallback: "none", limits: "header names, or \"*\"", clause: clause, about: "response headers that scripts may read", sample: "[X-Total]"},
			func(c *CORS, all []string) { c.ExposeHeaders = all }, checkHeader),
		seconds(row{name: "max-age", fallback: "0", limits: "0 or more", clause: clause, about: "that a client may keep the answer to a preflight"},
			0, math.MaxInt64, func(c *CORS, d time.Duration) { c.MaxAge = d }, anything),
		truth(row{name: "credentials", fallback: "false", clause: clause, about: "cookies and the like may be sent"},
			func(c *CORS, on bool) { c.Credentials = on }),
	}
}

func defaultAsync() Async { return Async{Retries: maxRetries, MessageTTL: maxTTL} }

func asyncKeys() section[Async] {
	return section[Async]{
		number(row{name: "retries", fallback: "2", limits: "0 to 2", clause: "events.md 5", about: "of an event at which the function failed, one minute apart"},
			0, maxRetries, func(a *Async, n int) { a.Retries = n }, anything),
		seconds(row{name: "message-ttl", fallback: inSeconds(maxTTL), limits: "60 to 21600", clause: "events.md 5, QA13", about: "that an event may wait and be tried again"},
			minTTL, maxTTL, func(a *Async, d time.Duration) { a.MessageTTL = d }, anything),
		{row: row{name: "dead-letter", kind: "text", fallback: "none", limits: "a file", clause: "events.md 5", about: "where events go that were given up; a path counts from the folder of this file",
			sample: "dead.jsonl", schema: map[string]any{"type": "string"}}, read: func(r *reader, v value, into *Async) {
			if path, ok := r.Word(v); ok && path == "" {
				r.Problem(v, someText(path))
			} else if ok {
				into.DeadLetter = r.from(path)
			}
		}},
	}
}

func triggerKeys() section[Function] {
	return section[Function]{
		mapping(row{name: "timer", limits: "the keys below", clause: "events.md 3.4", about: "a timer", sample: `{name: nightly, cron: "0 0 2 * * * *"}`},
			timerKeys(), Timer{Enabled: true}, func(f *Function, t Timer) { f.Timers = append(f.Timers, t) }),
	}
}

func timerKeys() section[Timer] {
	return section[Timer]{
		text(row{name: "name", required: true, limits: fmt.Sprintf("1 to %d letters, digits, - and _, a letter first", maxTimerName), clause: "events.md 3.4, cloud-api.md 9.3", about: "TriggerName", sample: "nightly"},
			func(t *Timer, text string) { t.Name = text }, matching(`^[A-Za-z][A-Za-z0-9_-]{0,99}$`, fmt.Sprintf("1 to %d letters, digits, - and _, beginning with a letter", maxTimerName))),
		{row: row{name: "cron", kind: "text", required: true, limits: "seven fields, second to year, or the older five", clause: "events.md 3.4", about: "the schedule, by the clock of UTC+8. Write it in quotes: * has a meaning in YAML",
			sample: `"0 0 2 * * * *"`, schema: map[string]any{"type": "string"}}, read: readCron},
		{row: row{name: "message", kind: "text", fallback: "empty", limits: fmt.Sprintf("at most %d bytes", maxTimerBytes), clause: "events.md 3.4", about: "Message of the event (CustomArgument)",
			sample: "hello", schema: map[string]any{"type": []string{"string", "integer"}}}, read: func(r *reader, v value, into *Timer) {
			text, ok := r.Text(v)
			if ok && len(text) > maxTimerBytes {
				r.Problem(v, fmt.Errorf("the message has %d bytes; take at most %d", len(text), maxTimerBytes))
				return
			}
			into.Message = text
		}},
		truth(row{name: "enabled", fallback: "true", clause: "cloud-api.md 9.3", about: "false: it is there and does not fire"},
			func(t *Timer, on bool) { t.Enabled = on }),
	}
}

func readImage(r *reader, v value, into *Function) {
	text, ok := r.Word(v)
	if !ok {
		return
	}
	if _, err := image.ParseReference(text); err != nil {
		r.Problem(v, err)
		return
	}
	for _, prefix := range []string{"oci:", "tar:"} {
		if path, ok := strings.CutPrefix(text, prefix); ok {
			text = prefix + r.from(path)
		}
	}
	into.Image, into.ImageAt = text, r.Place(v)
}

// readArgs takes a list, or one text that is split at spaces later. Errors do not show it: it may hold a secret.
func readArgs(r *reader, v value, into *Function) {
	argument := func(v value) (string, bool) {
		text, ok := r.Verbatim(v)
		if ok && strings.ContainsFunc(text, unicode.IsControl) {
			r.Problem(v, errors.New("this holds a control character or a line's end; write it in one line"))
		}
		return text, ok
	}
	if v.Node.Kind == yaml.ScalarNode {
		if text, ok := argument(v); ok {
			into.Args = &text
		}
		return
	}
	items, ok := r.Items(v, "[app.js], or a text")
	arguments := make([]string, len(items))
	for n, item := range items {
		text, ok := argument(item)
		if ok && (text == "" || strings.Contains(text, " ")) {
			r.Problem(item, errors.New("the item is empty or holds a space; SCF splits Args at spaces and knows no quoting (Q1), so that this cannot be one argument"))
		}
		arguments[n] = text
	}
	if ok {
		text := strings.Join(arguments, " ")
		into.Args = &text
	}
}

func readEnvironment(r *reader, v value, into *Function) {
	entries, ok := r.Entries(v, "{MODE: test}")
	if !ok {
		return
	}
	into.Environment = map[string]string{}
	sound := true
	for _, e := range entries {
		text, ok := r.Verbatim(e.Value)
		if !ok {
			continue
		}
		into.Environment[e.Name] = text
		sound = r.PassesKey(e.Value, contract.ValidateEnvironment(map[string]string{e.Name: text})) && sound
	}
	if sound {
		r.Passes(v, contract.ValidateEnvironment(into.Environment))
	}
}

func readTriggers(r *reader, v value, into *Function) {
	keys := triggerKeys()
	items, _ := r.Items(v, `[timer: {name: nightly, cron: "0 0 2 * * * *"}]`)
	for _, item := range items {
		before := len(into.Timers)
		if item.Node.Kind == yaml.MappingNode && len(item.Node.Content) != 2 {
			r.Problem(item, errors.New("an item is one trigger; write one key in it, timer"))
			continue
		}
		keys.read(r, item, into)
		for n := before; n < len(into.Timers); n++ {
			added := &into.Timers[n]
			added.At = r.Place(item)
			same := func(other Timer) bool { return other.Name == added.Name && added.Name != "" }
			if first := slices.IndexFunc(into.Timers[:n], same); first >= 0 {
				r.Problem(r.given[item.Path+".timer.name"], fmt.Errorf("%s is the name of two timers, first in line %d; choose another one", yamlfile.Shown(added.Name), into.Timers[first].At.Line))
			}
		}
	}
	if len(into.Timers) > maxTimers {
		r.Problem(v, fmt.Errorf("%d timers; a function has at most %d triggers of one type", len(into.Timers), maxTimers))
	}
}

func readCron(r *reader, v value, into *Timer) {
	text, ok := r.Word(v)
	if !ok {
		return
	}
	err := someText(text)
	if err == nil && r.opts.ValidateCron != nil {
		err = r.opts.ValidateCron(text)
	}
	if err != nil {
		r.Problem(v, err)
	}
	into.Cron, into.CronAt = text, r.Place(v)
}

// from is a path as it counts from the folder of the file.
func (r *reader) from(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(r.Position(1, 1).File), path)
}

func matching(pattern, takes string) func(string) error {
	compiled := regexp.MustCompile(pattern)
	return func(text string) error {
		if !compiled.MatchString(text) {
			return fmt.Errorf("%s; take %s", yamlfile.Shown(text), takes)
		}
		return nil
	}
}

func checkOrigin(text string) error {
	parsed, err := url.Parse(text)
	if text == "*" || err == nil && parsed.Host != "" && text == parsed.Scheme+"://"+parsed.Host && !strings.Contains(text, "*") {
		return nil
	}
	return fmt.Errorf(`%s is no origin; take "*", or a scheme and a host without a path, such as https://example.com`, yamlfile.Shown(text))
}

func checkMethod(text string) error {
	if httpguts.ValidHeaderFieldName(text) && strings.ToUpper(text) == text {
		return nil
	}
	return fmt.Errorf(`%s is no method; take methods in capitals, such as GET, or "*"`, yamlfile.Shown(text))
}

func checkHeader(text string) error {
	if httpguts.ValidHeaderFieldName(text) {
		return nil
	}
	return fmt.Errorf(`%s is no header's name; take names such as Content-Type, or "*"`, yamlfile.Shown(text))
}
