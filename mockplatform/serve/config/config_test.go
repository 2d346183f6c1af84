package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/yamlfile"
)

// noon refuses one word, as a real schedule's parser would refuse it.
func noon(cron string) error {
	if strings.Contains(cron, "noon") {
		return fmt.Errorf("%q has 1 field; take seven", cron)
	}
	return nil
}

func TestAFullFileIsRead(t *testing.T) {
	got, err := Load("testdata/functions.yaml", Options{ValidateCron: noon})
	if err != nil {
		t.Fatal(err)
	}
	at := func(line, column int) Position {
		return Position{File: "testdata/functions.yaml", Line: line, Column: column}
	}
	readings := contract.DefaultReadings()
	readings.FreezeBetween, readings.OversizeStatus = true, 407
	node, shopArgs, orderArgs := "node", "--port 9000 app.js", "-u app.py"
	want := Config{
		Platform: Platform{Region: "ap-shanghai", Namespace: "shop", AppID: "1250000000", Uin: "100000000009", Readings: readings},
		Functions: []Function{
			{
				Name: "hello", At: at(14, 3), Image: "my-function:1", ImageAt: at(15, 12), ImageType: Personal, Type: HTTP, Version: "$LATEST",
				Timeout: 3 * time.Second, Concurrency: 1, Role: true, Gateway: Gateway{Type: FunctionURL},
			},
			{
				Name: "shop", At: at(17, 3), Image: "tar:testdata/images/shop.tar", ImageAt: at(19, 12), ImageType: Enterprise, RegistryID: "tcr-xxxx",
				Type: HTTP, Version: "2", Command: &node, Args: &shopArgs, Environment: map[string]string{"MODE": "live", "ZIP": "08001", "DEBUG": "yes"},
				MemoryMB: 512, Timeout: time.Minute, InitTimeout: 90 * time.Second, Concurrency: 10, Provisioned: 2, Accelerate: true,
				WebSocket: &WebSocket{IdleTimeout: 30 * time.Second}, Gateway: Gateway{Type: FunctionURL},
				CORS: &CORS{
					Origins: []string{"https://shop.example.com", "http://localhost:5173"}, Methods: []string{"GET", "POST"},
					Headers: []string{"Content-Type"}, ExposeHeaders: []string{"X-Total"}, MaxAge: 10 * time.Minute, Credentials: true,
				},
			},
			{
				Name: "orders", At: at(42, 3), Image: "oci:testdata/images/orders:v1", ImageAt: at(44, 12), ImageType: Personal,
				Type: Event, Version: "$LATEST", Args: &orderArgs, Environment: map[string]string{"MODE": "test"},
				MemoryMB: 512, Timeout: 3 * time.Second, Concurrency: 1, Role: true,
				Gateway: Gateway{Type: APIGateway, Stage: "test", IntegrationResponse: true},
				Async:   Async{Retries: 1, MessageTTL: time.Hour, DeadLetter: "testdata/dead.jsonl"},
				Timers: []Timer{
					{Name: "nightly", At: at(50, 9), Cron: "0 0 2 * * * *", CronAt: at(50, 38), Message: `{"full": true}`, Enabled: true},
					{Name: "hourly", At: at(51, 9), Cron: "0 0 * * * * *", CronAt: at(53, 17)},
				},
			},
		},
	}
	equal(t, got, want)
}

func equal(t *testing.T, got, want Config) {
	t.Helper()
	if !reflect.DeepEqual(got.Platform, want.Platform) {
		t.Errorf("platform:\ngot  %+v\nwant %+v", got.Platform, want.Platform)
	}
	if len(got.Functions) != len(want.Functions) {
		t.Fatalf("%d functions, want %d", len(got.Functions), len(want.Functions))
	}
	for n := range want.Functions {
		g, w := reflect.ValueOf(got.Functions[n]), reflect.ValueOf(want.Functions[n])
		for i := range g.NumField() {
			if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
				t.Errorf("%s.%s:\ngot  %+v\nwant %+v", want.Functions[n].Name, g.Type().Field(i).Name, g.Field(i), w.Field(i))
			}
		}
	}
}

// Another writer of YAML expands the anchors, sorts the keys and quotes in its own way: the file means the same.
func TestAFileThatAnotherProgramWroteMeansTheSame(t *testing.T) {
	text, err := os.ReadFile("testdata/functions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	quoted := strings.Replace(string(text), "08001", `"08001"`, 1)
	first, err := Parse("f.yaml", []byte(quoted), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(quoted), &tree); err != nil {
		t.Fatal(err)
	}
	written, err := yaml.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Parse("f.yaml", written, Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, written)
	}
	byName := map[string]Function{}
	for _, f := range second.Functions {
		byName[f.Name] = f
	}
	var ordered []Function
	for _, f := range first.Functions {
		ordered = append(ordered, byName[f.Name])
	}
	second.Functions = ordered
	for _, c := range []*Config{&first, &second} {
		for n := range c.Functions {
			f := &c.Functions[n]
			f.At, f.ImageAt = Position{}, Position{}
			for m := range f.Timers {
				f.Timers[m].At, f.Timers[m].CronAt = Position{}, Position{}
			}
		}
	}
	equal(t, second, first)
}

func TestDefaultsThatDependOnOthers(t *testing.T) {
	config, err := Parse("f.yaml", []byte(`
functions:
  event: {image: a, type: event}
  plain: {image: a, type: event, gateway: {type: apigw, integration-response: false}}
  role: {image: a, role: true}
platform: {readings: {execution-role: false}}
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	event, plain, role := config.Functions[0], config.Functions[1], config.Functions[2]
	if event.Async != (Async{Retries: 2, MessageTTL: 6 * time.Hour}) || role.Async != (Async{}) {
		t.Errorf("an event function has %+v, an HTTP function %+v", event.Async, role.Async)
	}
	if event.Role || !role.Role {
		t.Error("the role is not as the reading says where it is not set, or is not as it is set")
	}
	if plain.Gateway != (Gateway{Type: APIGateway, Stage: "release"}) {
		t.Errorf("the gateway is %+v", plain.Gateway)
	}
}

func TestOneFileTellsAllItsErrorsByLine(t *testing.T) {
	_, err := Parse("functions.yaml", []byte(`functions:
  hello:
    imgae: my-function:1
    memory: 100
    memory: 256
    concurrency: lots
  _x: {image: "a b"}
platform: {region: Guangzhou}
`), Options{})
	const want = `functions.yaml:2:3: functions.hello.image: this key is missing; write image: my-function:1
functions.yaml:3:5: functions.hello.imgae: there is no such key; did you mean image?
functions.yaml:4:13: functions.hello.memory: outside the platform's limits: memory of 100 MB; take 64, or a multiple of 128 from 128 to 3072
functions.yaml:5:5: functions.hello.memory: this key stands twice, first in line 4; keep one of them
functions.yaml:6:18: functions.hello.concurrency: "lots" is no whole number in plain digits; take 1 to 100 requests, without the unit
functions.yaml:7:3: functions._x: outside the platform's limits: function name "_x"; take 2 to 60 letters, digits, - and _, beginning with a letter and not ending in - or _
functions.yaml:7:15: functions._x.image: malformed image reference: "a b" holds a space; write it as [HOST/]NAME[:TAG or @DIGEST], or take oci:DIR or tar:FILE
functions.yaml:8:20: platform.region: "Guangzhou"; take a region's id in small letters, such as ap-guangzhou`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	problem, ok := errors.AsType[*Problem](err)
	if !errors.Is(err, ErrConfig) || !errors.Is(err, contract.ErrLimit) || !ok || problem.Line != 2 || problem.Key != "functions.hello.image" {
		t.Errorf("the error is not as documented: %#v", problem)
	}
}

// Each text is put below functions: hello: of the file, but for those that hold a whole one.
func TestAnErrorSaysWhereAndWhatAndWhatIsAllowed(t *testing.T) {
	var accelerated, crowd strings.Builder
	for n := range 6 {
		fmt.Fprintf(&accelerated, "\n  f%d: {image: a, acceleration: true}", n)
	}
	for n := range 51 {
		fmt.Fprintf(&crowd, "\n  f%d: {image: a}", n)
	}
	var timers strings.Builder
	for n := range 11 {
		fmt.Fprintf(&timers, "\n  - timer: {name: t%d, cron: x}", n)
	}
	long := strings.Repeat("x", 4097)
	for _, c := range []struct{ text, want string }{
		// the document
		{"!", "f.yaml:1:1: the file is empty; it needs at least functions: {hello: {image: my-function:1}}"},
		{"!# nothing\n", "f.yaml:1:1: the file is empty; it needs at least functions: {hello: {image: my-function:1}}"},
		{"!---\n", "f.yaml:1:1: there is nothing in the file; it needs at least functions: {hello: {image: my-function:1}}"},
		{"!hello", "f.yaml:1:1: this is a text; write a mapping, such as {functions: {hello: {image: my-function:1}}}"},
		{"!platform: {}", "f.yaml:1:1: functions: this key is missing; write functions: {hello: {image: my-function:1}}"},
		{"!functions: {}", "f.yaml:1:12: functions: there is no function; write at least one, such as hello: {image: my-function:1}"},
		{"!functions: {<<: {}}", "f.yaml:1:12: functions: there is no function; write at least one, such as hello: {image: my-function:1}"},
		{"!functions: [{name: hello}]", "f.yaml:1:12: functions: this is a list; write a mapping, such as {hello: {image: my-function:1}}"},
		{"!functions: {hello: {image: a}}\n---\na: 1", "f.yaml:2:1: a second document begins; put all functions into the first and take the line --- out"},
		{"!functions: {hello: {image: a}}\n---\na: [1\nb", "f.yaml:2:1: here or in the next line the YAML is broken: did not find expected ',' or ']'; close the bracket or put a comma between the items"},
		{"!function: {}\nfunctions: {hello: {image: a}}", "f.yaml:1:1: function: there is no such key; did you mean functions?"},
		{"!version: 1\nfunctions: {hello: {image: a}}", "f.yaml:1:1: version: there is no such key; known are functions, platform"},
		{"!functions:\n  \xff", "f.yaml:2:3: this is not UTF-8; save the file as UTF-8 text"},
		{"!functions:\n  cron: */5 * * * *", `f.yaml:2:3: here or in the next line the YAML is broken: did not find expected alphabetic or numeric character; * and & begin an alias and an anchor in YAML; write a text that begins with one of them in quotes, such as "*" or "*/5 * * * *"`},
		{"!functions:\n\thello: 1", "f.yaml:2:2: here or in the next line the YAML is broken: found character that cannot start any token; indent with spaces, not tabs, and put a text that begins with @, % or ` in quotes"},
		{"!functions:\n  a: \"x\n", "f.yaml:2:3: here or in the next line the YAML is broken: found unexpected end of stream; close the quote"},
		{"!functions:\n  a: *x", `f.yaml:2:6: here or in the next line the YAML is broken: unknown anchor 'x' referenced; define it before as &x, or write "*x" in quotes if it is a text`},
		{"!functions:" + accelerated.String(), "f.yaml:7:32: functions.f5.acceleration: 6 functions with image acceleration; at most 5 of a region and account have it, so switch it off for another one"},
		{"!functions:" + crowd.String(), "f.yaml:52:3: functions.f50: 51 functions; a namespace has at most 50"},
		// names and keys
		{"!functions: {true: {image: a}}", `f.yaml:1:13: functions: the key "true" is a truth value in YAML; write it in quotes`},
		{"!functions: {[a]: {image: a}}", "f.yaml:1:13: functions: this is a list; write a name as key"},
		{"!functions: {hello: {image: a}, hello: {image: a}}", "f.yaml:1:32: functions.hello: this key stands twice, first in line 1; keep one of them"},
		{"!functions:\n  hello:", "f.yaml:2:3: functions.hello: there is no value; write a mapping, such as {image: my-function:1}, or take the key out"},
		{"env: {}", "f.yaml:4:5: functions.hello.env: there is no such key; did you mean environment?"},
		{"initTimeout: 3", "f.yaml:4:5: functions.hello.initTimeout: there is no such key; did you mean init-timeout?"},
		{"websocket: {idle: 30}\n    timeout: 60", "f.yaml:4:17: functions.hello.websocket.idle: there is no such key; did you mean idle-timeout?"},
		{"memory:", "f.yaml:4:5: functions.hello.memory: there is no value; write 64; 128 to 3072 in steps of 128; on application up to 122880 MB, or take the key out"},
		// kinds of values
		{"memory: 512MB", `f.yaml:4:13: functions.hello.memory: "512MB" is no whole number in plain digits; take 64; 128 to 3072 in steps of 128; on application up to 122880 MB, without the unit`},
		{"memory: 0512", `f.yaml:4:13: functions.hello.memory: "0512" is no whole number in plain digits; take 64; 128 to 3072 in steps of 128; on application up to 122880 MB, without the unit`},
		{`timeout: "3"`, `f.yaml:4:14: functions.hello.timeout: "3" is a text; write the number without quotes`},
		{"timeout: 1.5", `f.yaml:4:14: functions.hello.timeout: "1.5" is no whole number in plain digits; take 1 to 900 seconds, without the unit`},
		{"timeout: 18446744073710", "f.yaml:4:14: functions.hello.timeout: 18446744073710; take 1 to 900 seconds"},
		{"timeout: [3]", "f.yaml:4:14: functions.hello.timeout: this is a list; write 1 to 900 seconds"},
		{"acceleration: yes", `f.yaml:4:19: functions.hello.acceleration: "yes" is a text in YAML 1.2; write true`},
		{"acceleration: off", `f.yaml:4:19: functions.hello.acceleration: "off" is a text in YAML 1.2; write false`},
		{`role: "false"`, `f.yaml:4:11: functions.hello.role: "false" is a text; write it without quotes`},
		{"role: 1", `f.yaml:4:11: functions.hello.role: "1"; take true or false`},
		{"command: true", `f.yaml:4:14: functions.hello.command: "true" is a truth value in YAML; write it in quotes`},
		{"command: 2024-01-01", `f.yaml:4:14: functions.hello.command: "2024-01-01" is a date in YAML; write it in quotes`},
		{"command: !sh x", `f.yaml:4:14: functions.hello.command: "x" is of the type !sh in YAML; write it in quotes`},
		{`command: "a\nb"`, `f.yaml:4:14: functions.hello.command: "a\nb" holds a control character or a line's end; write it in one line`},
		{"environment: {A: !vault x}", "f.yaml:4:22: functions.hello.environment.A: the tag !vault means nothing here; take it out"},
		{"environment: {A: !!binary eA==}", "f.yaml:4:22: functions.hello.environment.A: the tag !!binary means nothing here; take it out"},
		{"environment: !vault {A: x}", "f.yaml:4:18: functions.hello.environment: the tag !vault means nothing here; take it out"},
		{"args: !join [a, b]", "f.yaml:4:11: functions.hello.args: the tag !join means nothing here; take it out"},
		{"version: 01", `f.yaml:4:14: functions.hello.version: "01" is a number in YAML, of which leading zeros and signs are lost; write it in quotes`},
		// the platform
		{"!platform: {appid: 0125}\nfunctions: {hello: {image: a}}", `f.yaml:1:19: platform.appid: "0125" is a number in YAML, of which leading zeros and signs are lost; write it in quotes`},
		{"!platform: {uin: abc}\nfunctions: {hello: {image: a}}", `f.yaml:1:17: platform.uin: "abc"; take digits, such as 100000000001`},
		{"!platform: {namespace: " + strings.Repeat("n", 31) + "}\nfunctions: {hello: {image: a}}", `f.yaml:1:23: platform.namespace: outside the platform's limits: namespace "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"; take 1 to 30 characters, and at most 118 together with the function's name`},
		{"!platform: {readings: {freeze-betwen: true}}\nfunctions: {hello: {image: a}}", "f.yaml:1:23: platform.readings.freeze-betwen: there is no such key; did you mean freeze-between?"}, //nolint:misspell // a mistake on purpose
		{"!platform: {readings: {freeze-between: yes}}\nfunctions: {hello: {image: a}}", `f.yaml:1:39: platform.readings.freeze-between: unknown reading: freeze-between="yes": take true or false`},
		// a function
		{"type: htpp", `f.yaml:4:11: functions.hello.type: "htpp"; take http or event; did you mean http?`},
		{"version: latest", `f.yaml:4:14: functions.hello.version: "latest"; take $LATEST, or a published version such as 1`},
		{"args: [-c, echo hi]", "f.yaml:4:16: functions.hello.args[1]: the item is empty or holds a space; SCF splits Args at spaces and knows no quoting (Q1), so that this cannot be one argument"},
		{"environment: {SCF_X: 1}", `f.yaml:4:19: functions.hello.environment.SCF_X: InvalidParameterValue.EnvironmentSystemProtect: variable name "SCF_X" begins with SCF_, which the platform keeps for itself; choose another name`},
		{"environment: {a-b: 1}", `f.yaml:4:19: functions.hello.environment.a-b: InvalidParameterValue.Environment: variable name "a-b" must begin with a letter and hold only letters, digits and _`},
		{"environment: {A: }", `f.yaml:4:19: functions.hello.environment.A: there is no value; write a text, "" for an empty one, or take the key out`},
		{"environment: {A: " + long[:2048] + ", B: " + long[:2048] + "}", "f.yaml:4:18: functions.hello.environment: InvalidParameterValue.EnvironmentExceededLimit: the variables have 4098 bytes, at most 4096 are allowed; put large values into a file or a service"},
		{"concurrency: 101", "f.yaml:4:18: functions.hello.concurrency: 101; take 1 to 100 requests"},
		{"type: event\n    concurrency: 2", "f.yaml:5:18: functions.hello.concurrency: outside the platform's limits: 2 requests per instance of an event-triggered function; only HTTP-triggered ones take more than 1"},
		{"provisioned: 2", "f.yaml:4:18: functions.hello.provisioned: 2 provisioned instances of $LATEST; only a published version has them, so write version: 1 too"},
		{"image-type: enterprise", "f.yaml:4:17: functions.hello.image-type: an enterprise registry needs its id; write registry-id: tcr-xxxx too"},
		{"registry-id: tcr-x", "f.yaml:4:18: functions.hello.registry-id: only an enterprise registry has an id; write image-type: enterprise too, or take it out"},
		{"image-type: enterprise\n    registry-id: \"\"", `f.yaml:5:18: functions.hello.registry-id: "" is empty; write a text, or take the key out`},
		{"websocket: {}", "f.yaml:4:16: functions.hello.websocket: an idle timeout of 15 seconds is over the function's timeout of 3, which ends a connection too; write timeout: 15 or more"},
		{"websocket: true", "f.yaml:4:16: functions.hello.websocket: this is a truth value; write a mapping, such as {idle-timeout: 15}"},
		{"type: event\n    websocket: {}\n    timeout: 60", "f.yaml:5:16: functions.hello.websocket: only functions of type http have this, and hello is of type event; take it out, or write type: http"},
		{"gateway: apigw", "f.yaml:4:14: functions.hello.gateway: this is a text; write a mapping, such as {type: function-url}"},
		{"gateway: {stage: test}", "f.yaml:4:22: functions.hello.gateway.stage: a Function URL has none; write type: apigw beside it, or take it out"},
		{"gateway: {type: apigw, integration-response: true}", "f.yaml:4:50: functions.hello.gateway.integration-response: the answer of an HTTP function is passed through, there is no integration response; take it out"},
		{"gateway: {type: apigw}\n    cors: {origins: [\"*\"]}", "f.yaml:5:11: functions.hello.cors: only a Function URL has this; take it out, or write gateway: {type: function-url}"},
		{"cors: {}", `f.yaml:4:5: functions.hello.cors.origins: this key is missing; write origins: ["*"]`},
		{"cors: {origins: []}", `f.yaml:4:21: functions.hello.cors.origins: the list is empty; write at least one item, such as ["*"]`},
		{`cors: {origins: "*"}`, `f.yaml:4:21: functions.hello.cors.origins: this is a text; write a list, such as ["*"]`},
		{`cors: {origins: ["https://a.example/x"]}`, `f.yaml:4:22: functions.hello.cors.origins[0]: "https://a.example/x" is no origin; take "*", or a scheme and a host without a path, such as https://example.com`},
		{`cors: {origins: ["*"], methods: [get]}`, `f.yaml:4:38: functions.hello.cors.methods[0]: "get" is no method; take methods in capitals, such as GET, or "*"`},
		{`cors: {origins: ["*"], headers: ["a b"]}`, `f.yaml:4:38: functions.hello.cors.headers[0]: "a b" is no header's name; take names such as Content-Type, or "*"`},
		{"async: {}", "f.yaml:4:12: functions.hello.async: only functions of type event have this, and hello is of type http; take it out, or write type: event"},
		{"type: event\n    async: {retries: 3}", "f.yaml:5:22: functions.hello.async.retries: 3; take 0 to 2"},
		{"type: event\n    async: {message-ttl: 24}", "f.yaml:5:26: functions.hello.async.message-ttl: 24; take 60 to 21600 seconds"},
		{"type: event\n    async: {dead-letter: \"\"}", `f.yaml:5:26: functions.hello.async.dead-letter: "" is empty; write a text, or take the key out`},
		// triggers
		{"triggers: []", "f.yaml:4:15: functions.hello.triggers: only functions of type event have this, and hello is of type http; take it out, or write type: event"},
		{"type: event\n    triggers: [{cos: {}}]", "f.yaml:5:17: functions.hello.triggers[0].cos: there is no such key; known are timer"},
		{"type: event\n    triggers: [{}]", "f.yaml:5:16: functions.hello.triggers[0]: an item is one trigger; write one key in it, timer"},
		{"type: event\n    triggers: [timer: {name: t, cron: noon}]", `f.yaml:5:39: functions.hello.triggers[0].timer.cron: "noon" has 1 field; take seven`},
		{"type: event\n    triggers: [timer: {name: t}]", `f.yaml:5:16: functions.hello.triggers[0].timer.cron: this key is missing; write cron: "0 0 2 * * * *"`},
		{"type: event\n    triggers: [timer: {name: 1t, cron: x}]", `f.yaml:5:30: functions.hello.triggers[0].timer.name: "1t"; take 1 to 100 letters, digits, - and _, beginning with a letter`},
		{"type: event\n    triggers:\n    - timer: {name: t, cron: x}\n    - timer: {name: t, cron: x}", `f.yaml:7:21: functions.hello.triggers[1].timer.name: "t" is the name of two timers, first in line 6; choose another one`},
		{"type: event\n    triggers: [timer: {name: t, cron: x, message: " + long + "}]", "f.yaml:5:51: functions.hello.triggers[0].timer.message: the message has 4097 bytes; take at most 4096"},
		{"type: event\n    triggers:" + strings.ReplaceAll(timers.String(), "\n", "\n    "), "f.yaml:6:7: functions.hello.triggers: 11 timers; a function has at most 10 triggers of one type"},
		// anchors
		{"<<: 3", "f.yaml:4:9: functions.hello: this is a number; write the alias of a mapping after <<, such as <<: *defaults"},
		{"<<: &a {<<: *a}", "f.yaml:4:17: functions.hello: this merges a mapping into itself; name another one after <<"},
	} {
		text, whole := strings.CutPrefix(c.text, "!")
		if !whole {
			text = "functions:\n  hello:\n    image: a\n    " + text
		}
		_, err := Parse("f.yaml", []byte(text), Options{ValidateCron: noon})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s\ngives %v\nwant  %s", yamlfile.Shown(text), err, c.want)
		}
		if !errors.Is(err, ErrConfig) {
			t.Errorf("%s: the error is not ErrConfig", yamlfile.Shown(text))
		}
	}
}

// Each error is about the first one, so that there are no more errors than timers.
func TestATimerThatStandsManyTimesIsOneErrorEach(t *testing.T) {
	const times = 300
	text := "functions: {hello: {image: a, type: event, triggers: [&first {timer: {name: t, cron: x}}" + strings.Repeat(", *first", times) + "]}}"
	_, err := Parse("f.yaml", []byte(text), Options{})
	if got := strings.Count(fmt.Sprint(err), `"t" is the name of two timers, first in line 1;`); got != times {
		t.Errorf("%d timers too many give %d errors", times, got)
	}
}

func TestAnErrorShowsNoSecret(t *testing.T) {
	for _, text := range []string{
		"environment: {SCF_KEY: hunter2}", "environment: {A: hunter2, A: hunter2}", "environment: {A: [hunter2]}", `environment: {A: "hunter2\0"}`,
		`args: [--password, "hunter2 "]`, `args: ["hunter2\n"]`, `args: "hunter2\n"`, "environment: [hunter2]",
	} {
		_, err := Parse("f.yaml", []byte("functions:\n  hello:\n    image: a\n    "+text), Options{})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s gives %v", text, err)
		}
	}
}

func TestAnAliasBombIsNotExpanded(t *testing.T) {
	var text strings.Builder
	text.WriteString("x-a: &a0 {image: a, memory: 512}\n")
	for n := range 30 {
		fmt.Fprintf(&text, "x-%d: &a%d {<<: [*a%d, *a%d]}\n", n, n+1, n, n)
	}
	text.WriteString("functions: {hello: {<<: *a30}}\n")
	_, err := Parse("f.yaml", []byte(text.String()), Options{})
	if err == nil || !strings.Contains(err.Error(), "more than 100000 values") {
		t.Errorf("got %v", err)
	}
}

// Time is not asserted in absolute terms: what takes a second here would take minutes if it grew with the square.
func TestAFileFullOfErrorsIsReadInReasonableTime(t *testing.T) {
	deadline := time.AfterFunc(time.Minute, func() { panic("Parse takes more than a minute") })
	defer deadline.Stop()
	var keys strings.Builder
	keys.WriteString("functions:\n  hello:\n    image: a\n")
	for n := 0; keys.Len() < MaxBytes-20; n++ {
		fmt.Fprintf(&keys, "    k%d: 1\n", n)
	}
	for name, text := range map[string]string{
		"unknown keys": keys.String(), "lists in lists": strings.Repeat("[", MaxBytes), "mappings in mappings": strings.Repeat("{a: ", MaxBytes/4),
		"documents": strings.Repeat("---\n", MaxBytes/4), "lines": strings.Repeat("\n", MaxBytes), "a long key": strings.Repeat("k", MaxBytes-10) + ": 1",
	} {
		if _, err := Parse("f.yaml", []byte(text), Options{}); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFileThatIsTooLargeOrNotThereIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "functions.yaml")
	if _, err := Load(path, Options{}); !errors.Is(err, ErrConfig) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Load(filepath.Dir(path), Options{}); !errors.Is(err, ErrConfig) {
		t.Errorf("a folder: %v", err)
	}
	const good = "functions: {hello: {image: a}}\n#"
	for size, want := range map[int]bool{MaxBytes: true, MaxBytes + 1: false} {
		if err := os.WriteFile(path, []byte(good+strings.Repeat("x", size-len(good))), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, Options{}); (err == nil) != want || err != nil && !errors.Is(err, ErrConfig) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestAPathCountsFromTheFolderOfTheFile(t *testing.T) {
	for reference, want := range map[string]string{
		"tar:f.tar": "tar:/srv/f.tar", "tar:/f.tar": "tar:/f.tar", "oci:../d:v1": "oci:/d:v1", "engine:x/y:1": "engine:x/y:1",
	} {
		config, err := Parse("/srv/functions.yaml", []byte("functions: {hello: {image: "+reference+"}}"), Options{})
		if err != nil || config.Functions[0].Image != want {
			t.Errorf("%s gives %+v, %v", reference, config.Functions, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	full, err := os.ReadFile("testdata/functions.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	for _, seed := range []string{
		"", "---\n", "functions: {a: {image: *x}}", "x: &a [*a]\nfunctions: *a", "functions: &a {hello: *a}", "functions: {hello: {<<: [{image: a}, {<<: {}}], ? [] : 1}}",
		"functions:\n  hello: !!binary aGk=\n", "functions: {!!int x: {image: !!str 3}}", "functions: {hello: {image: a, triggers: [timer: {name: t, cron: '*'}, *b]}}", "%YAML 1.1\n---\nfunctions: ~", "\ufefffunctions: {ab: {image: a}}\r\n",
		"\u0085 Ʀ>\u0085#\u0085 ",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		config, err := Parse("f.yaml", text, Options{ValidateCron: noon})
		switch {
		case err == nil && len(config.Functions) == 0:
			t.Error("no function and no error")
		case err != nil && !errors.Is(err, ErrConfig):
			t.Errorf("the error is not ErrConfig: %v", err)
		}
		for _, function := range config.Functions {
			if err := errors.Join(contract.ValidateFunctionName(function.Name), contract.ValidateTimeout(function.Timeout), contract.ValidateEnvironment(function.Environment)); err != nil {
				t.Error(err)
			}
		}
		lines := 1 + len(regexp.MustCompile("[\n\r\u0085\u2028\u2029]").FindAllIndex(text, -1)) // as YAML 1.1 counts them
		for line := range strings.SplitSeq(fmt.Sprint(err), "\n") {
			if err != nil && !strings.HasPrefix(line, "f.yaml:") {
				t.Errorf("%q has no place", line)
			}
		}
		if problem, ok := errors.AsType[*Problem](err); ok && (problem.Line < 1 || problem.Column < 1 || problem.Line > lines) {
			t.Errorf("place %s in a file of %d lines", problem.Position, lines)
		}
	})
}
