package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

// askJSON asks an endpoint and decodes its answer, which has to be JSON whatever the status is.
func askJSON(t *testing.T, source page.Source, method, target, body string, want int, header ...string) map[string]any {
	t.Helper()
	answer := ask(t, source, method, target, body, header...)
	raw, _ := io.ReadAll(answer.Body)
	var decoded map[string]any
	if err := json.Unmarshal(raw, &decoded); err != nil || answer.StatusCode != want || answer.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Fatalf("%s %s: %d %s, %v: %s", method, target, answer.StatusCode, answer.Header.Get("Content-Type"), err, raw)
	}
	return decoded
}

// same compares decoded JSON with how it is written, members in any order.
func same(t *testing.T, got any, want string) {
	t.Helper()
	var decoded any
	if err := json.Unmarshal([]byte(want), &decoded); err != nil {
		t.Fatal(err)
	}
	one, _ := json.Marshal(got)
	other, _ := json.Marshal(decoded)
	if string(one) != string(other) {
		t.Errorf("got  %s\nwant %s", one, other)
	}
}

func TestHealthCountsFunctionsByState(t *testing.T) {
	source := newFake()
	same(t, askJSON(t, source, "GET", "/health", "", 200), `{"status":"degraded","functions":{"Active":2,"CreateFailed":1}}`)
	source.functions = source.functions[:2]
	same(t, askJSON(t, source, "GET", "/health", "", 200), `{"status":"ok","functions":{"Active":2}}`)
}

func TestFunctionsAndInstancesAreListed(t *testing.T) {
	functions := askJSON(t, newFake(), "GET", "/api/functions", "", 200)["functions"].([]any)
	same(t, functions[0], `{"name":"hello","type":"event","image":"registry.example.com/team/hello:1.4.2","state":"Active","url":"http://127.0.0.1:8080/hello/",
		"memoryMB":256,"timeoutMs":3000,"concurrency":1,"provisioned":1,"instances":2,"triggers":[
		{"name":"nightly","kind":"timer","schedule":"0 0 2 * * * *","next":"2026-11-25T18:00:00Z","enabled":true},{"name":"url","kind":"http","enabled":true}]}`)
	same(t, functions[2], `{"name":"broken","type":"event","image":"broken:1","state":"CreateFailed","problem":"The server listens on 127.0.0.1:9000 only.",
		"fix":"Listen on 0.0.0.0:9000.","memoryMB":128,"timeoutMs":3000,"concurrency":1,"provisioned":0,"instances":0,"triggers":[]}`)
	same(t, askJSON(t, newFake(), "GET", "/api/functions/hello/instances", "", 200), `{"instances":[
		{"id":"4f1c9a7e0b22","state":"busy","startedAt":"2026-11-25T12:00:00Z","requests":1,"memoryPeakBytes":38797312},
		{"id":"9d03b1aa57c4","state":"idle","startedAt":"2026-11-25T12:00:01Z","requests":0,"memoryPeakBytes":36700160}]}`)
	same(t, askJSON(t, &fake{}, "GET", "/api/functions", "", 200), `{"functions":[]}`)
	same(t, askJSON(t, newFake(), "GET", "/api/functions/web/instances", "", 200), `{"instances":[]}`)
}

func TestInvocationsAreListed(t *testing.T) {
	source := newFake()
	same(t, askJSON(t, source, "GET", "/api/invocations?function=hello&limit=5", "", 200), `{"invocations":[{"requestId":"first","function":"hello","attempt":1,
		"startedAt":"2026-11-25T12:01:00Z","kind":"event","running":false,"failed":false,"status":200,"statusName":"Success","httpStatus":200,
		"durationMs":12.3,"billedMs":100,"coldStartMs":214,"memoryPeakBytes":38797312}]}`)
	source.add("hello", "second", nil)
	if got := askJSON(t, source, "GET", "/api/invocations?limit=1", "", 200)["invocations"].([]any); len(got) != 1 || got[0].(map[string]any)["requestId"] != "second" {
		t.Errorf("%v", got)
	}
	same(t, askJSON(t, source, "GET", "/api/invocations?function=web", "", 200), `{"invocations":[]}`)
}

func TestLogsAreQueried(t *testing.T) {
	source := newFake()
	source.add("hello", "second", nil)
	same(t, askJSON(t, source, "GET", "/api/logs?requestId=first&contains=care", "", 200), `{"lines":[
		{"requestId":"first","at":"2026-11-25T12:00:00.002Z","source":"stderr","text":"careful","init":false,"afterResponse":true}]}`)
	for target, want := range map[string]int{
		"/api/logs": 8, "/api/logs?function=hello&contains=START": 2, "/api/logs?limit=3": 3, "/api/logs?requestId=first": 4,
		"/api/logs?requestId=first&limit=2": 2, "/api/logs?requestId=none": 0, "/api/logs?function=web": 0,
	} {
		if got := askJSON(t, source, "GET", target, "", 200)["lines"].([]any); len(got) != want {
			t.Errorf("%s: %d lines", target, len(got))
		}
	}
	whole := strings.Repeat("x", 1<<20)
	source.lines = []page.Line{{RequestID: "first", At: noon, Text: whole + "\xff\x1b[31m"}}
	if got := askJSON(t, source, "GET", "/api/logs", "", 200)["lines"].([]any)[0].(map[string]any)["text"]; got != whole+"\uFFFD\x1b[31m" {
		t.Error("a long line is not whole")
	}
}

func TestAnEventIsInvoked(t *testing.T) {
	got := askJSON(t, newFake(), "POST", "/api/functions/hello/invoke", `{"n":1}`, 200)
	if got["result"] != `echo {"n":1}` || got["resultEncoding"] != "text" || got["status"] != 200.0 || got["requestId"] == "" {
		t.Errorf("%v", got)
	}
	for body, want := range map[string]string{
		`{"a":[1,2]}`: `{"result":{"a":[1,2]},"resultEncoding":"json"}`, "plain <b>": `{"result":"plain <b>","resultEncoding":"text"}`,
		"\xff\xfe": `{"result":"//4=","resultEncoding":"base64"}`, "\"\xff\"": `{"result":"Iv8i","resultEncoding":"base64"}`, "": `{}`,
	} {
		source := &answers{fake: newFake(), body: body}
		got := askJSON(t, source, "POST", "/api/functions/hello/invoke", "{}", 200)
		part := map[string]any{}
		for _, name := range []string{"result", "resultEncoding"} {
			if value, has := got[name]; has {
				part[name] = value
			}
		}
		same(t, part, want)
	}
}

// answers is a fake whose function answers with a body.
type answers struct {
	*fake

	body string
}

func (a *answers) Invoke(_ context.Context, _ string, _ []byte, _ bool) (page.Invocation, error) {
	return page.Invocation{RequestID: "r", Status: 200, Result: []byte(a.body), ColdStart: time.Second}, nil
}

func TestAnEventIsQueued(t *testing.T) {
	for name, c := range map[string]struct {
		query  string
		header []string
		want   int
	}{
		"by header": {"", []string{"X-Scfcert-Async", "true"}, 202}, "by parameter": {"?async=true", nil, 202}, "not": {"?async=false", nil, 200},
		"by one of both": {"?async=false", []string{"X-Scfcert-Async", "1"}, 202}, "unclear": {"?async=maybe", nil, 400}, "unclear header": {"", []string{"X-Scfcert-Async", "yes!"}, 400},
	} {
		got := askJSON(t, newFake(), "POST", "/api/functions/hello/invoke"+c.query, "{}", c.want, c.header...)
		if c.want == 202 && (got["requestId"] == "" || got["running"] != true) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestATimerIsFiredByTheAPI(t *testing.T) {
	source := newFake()
	same(t, askJSON(t, source, "POST", "/api/functions/hello/timers/nightly", "", 202), `{"function":"hello","trigger":"nightly"}`)
	if len(source.fired) != 1 {
		t.Errorf("fired %v", source.fired)
	}
}

func TestMistakesAreToldInJSON(t *testing.T) {
	for name, c := range map[string]struct {
		method, target, body string
		status               int
		want                 string
	}{
		"no endpoint":         {"GET", "/api/nonsense", "", 404, "docs/local-server-api.md"},
		"no function":         {"GET", "/api/functions/helo/instances", "", 404, "There are: hello, web, broken."},
		"no function invoked": {"POST", "/api/functions/helo/invoke", "{}", 404, "there are hello and web"},
		"filtered by none":    {"GET", "/api/invocations?function=helo", "", 404, "There are: hello"},
		"no timer":            {"POST", "/api/functions/hello/timers/weekly", "", 404, "there is nightly"},
		"a wrong method":      {"GET", "/api/functions/hello/invoke", "", 405, "takes POST"},
		"another":             {"DELETE", "/api/logs", "", 405, "takes GET"},
		"no JSON":             {"POST", "/api/functions/hello/invoke", "{", 400, "no JSON"},
		"a wrong limit":       {"GET", "/api/logs?limit=0", "", 400, "from 1 to 10000"},
		"a misspelt filter":   {"GET", "/api/logs?request=first", "", 400, "takes requestId, function, contains, limit"},
		"a filter too many":   {"GET", "/api/logs?requestId=first&function=hello", "", 400, "not both"},
		"a parameter":         {"GET", "/api/functions?x=1", "", 400, "takes none"},
		"too much":            {"POST", "/api/functions/hello/invoke", strings.Repeat("x", 13<<20), 413, "up to 6 MB in a synchronous invocation and 128 KB in"},
	} {
		got := askJSON(t, newFake(), c.method, c.target, c.body, c.status)
		if text, _ := got["error"].(string); !strings.Contains(text, c.want) || len(got) != 1 {
			t.Errorf("%s: %v", name, got)
		}
	}
	source := newFake()
	source.failure = errors.New("the engine is gone")
	if got := askJSON(t, source, "POST", "/api/functions/hello/invoke", "{}", 500)["error"].(string); !strings.Contains(got, "the engine is gone") || !strings.Contains(got, "not of your function") {
		t.Errorf("%s", got)
	}
	refused := askJSON(t, newFake(), http.MethodPost, "/api/functions/hello/invoke", "{}", 403, "Sec-Fetch-Site", "cross-site")
	if text := refused["error"].(string); !strings.Contains(text, "another web site") {
		t.Errorf("%s", text)
	}
}
