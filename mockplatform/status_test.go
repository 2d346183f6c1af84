package mockplatform_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/engine/enginetest"
	"github.com/scfcert/scfcert/mockplatform/image"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
)

// chaos is the image that misbehaves on request.
func chaos(t testing.TB, p *mockplatform.Platform) *image.Candidate {
	t.Helper()
	img, err := samplefunctions.Chaos(t.Context(), p.Programs())
	check(t, err)
	c, err := image.FromImage(t.Context(), "chaos", img)
	check(t, err)
	return c
}

func openWith(t testing.TB, opts mockplatform.Options) *mockplatform.Platform {
	t.Helper()
	p, err := mockplatform.Open(t.Context(), opts)
	check(t, err)
	t.Cleanup(func() { check(t, p.Close(t.Context())) })
	return p
}

// ask invokes a function of either type with an order.
func ask(t testing.TB, f *mockplatform.Function, do string, n int) mockplatform.Result {
	t.Helper()
	var result mockplatform.Result
	var err error
	if f.Spec().Type == mockplatform.Event {
		result, err = f.Invoke(t.Context(), fmt.Appendf(nil, `{"do":%q,"n":%d}`, do, n))
	} else {
		result, err = f.Do(t.Context(), mockplatform.Request{Target: fmt.Sprintf("/?do=%s&n=%d", url.QueryEscape(do), n)})
	}
	check(t, err)
	return result
}

// row is one row of the start-up map (contract/runtime.md 4.2) or of the run-time map (16.3).
type row struct {
	status  int
	message string
	// recycled tells whether the next request meets another instance; nil where there is no next one to tell.
	recycled *bool
}

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

// holds checks a row on every surface: the invoke result, the HTTP trigger and the log.
func (r row) holds(t *testing.T, f *mockplatform.Function, result mockplatform.Result) {
	t.Helper()
	if result.Status.Code != r.status || result.ErrorMessage != r.message {
		t.Errorf("status %d %q, want %d %q; %+v", result.Status.Code, result.ErrorMessage, r.status, r.message, result.Evidence)
	}
	body := fmt.Sprintf(`{"errorCode":-1,"errorMessage":%q,"requestId":%q,"statusCode":%d}`, r.message, result.RequestID, r.status)
	if string(result.ErrorBody()) != body {
		t.Errorf("the invoke result's body is %s, want %s", result.ErrorBody(), body)
	}
	if len(result.Log) == 0 {
		return // it reached no instance, so there is no log
	}
	var errorLines []string
	for _, line := range result.Log {
		if line.Source == mockplatform.FromPlatform && strings.HasPrefix(line.Text, "ERROR ") {
			errorLines = append(errorLines, line.Text)
		}
	}
	if want := "ERROR RequestId:" + result.RequestID + " Result:" + body; len(errorLines) != 1 || errorLines[0] != want {
		t.Errorf("the log's lines are %q, want %s", errorLines, want)
	}
	if r.recycled == nil {
		return
	}
	if next := ask(t, f, "", 0); (next.ColdStart != nil) != *r.recycled || next.Status.Code != http.StatusOK {
		t.Errorf("the next request: cold start %v, status %d %q", next.ColdStart != nil, next.Status.Code, next.ErrorMessage)
	}
}

// trigger sends a request to a function's HTTP trigger.
func trigger(f *mockplatform.Function, target string) (result *httptest.ResponseRecorder, broken bool) {
	result = httptest.NewRecorder()
	defer func() { broken = recover() != nil }()
	f.ServeHTTP(result, httptest.NewRequest(http.MethodGet, target, nil))
	return result, false
}

const (
	exitText = "Failed to initialize the container. Please confirm that the container can be started locally."
	portText = "The request timed out in 6000ms.Please confirm your http server have enabled listening on port 9000."
)

// TestTheStartUpMap goes through contract/runtime.md 4.2 row by row, on containers that really fail so.
func TestTheStartUpMap(t *testing.T) {
	p := open(t)
	misbehaving := chaos(t, p)
	start := func(how string) mockplatform.FunctionSpec {
		return mockplatform.FunctionSpec{Image: misbehaving, Environment: map[string]string{"START": how}}
	}
	named := func(name string) mockplatform.FunctionSpec {
		return mockplatform.FunctionSpec{Image: violator(t, p, name)}
	}
	var wait sync.WaitGroup
	room := make(chan struct{}, 4)
	for name, c := range map[string]struct {
		spec mockplatform.FunctionSpec
		row  row
	}{
		"the process exits":                      {start("exit"), row{405, exitText, nil}},
		"the parent leaves, a child would serve": {start("fork"), row{405, exitText, nil}},
		"more memory than configured":            {start("eat"), row{405, exitText, nil}},
		"the program is for another machine":     {named("arm64-binary"), row{405, exitText, nil}},
		"nothing listens":                        {start("silent"), row{446, portText, nil}},
		"only loopback listens":                  {named("loopback-only"), row{446, portText, nil}},
		"another port listens":                   {named("wrong-port"), row{446, portText, nil}},
		"IPv4 is refused":                        {named("ipv6-only"), row{446, portText, nil}},
		"the start program is not there":         {named("command-not-found"), row{445, "ContainerInitError", nil}},
		"the start program may not be executed":  {named("not-executable"), row{445, "ContainerInitError", nil}},
	} {
		spec := c.spec
		spec.InitTimeout, spec.MemoryMB = 6*time.Second, 256
		room <- struct{}{}
		wait.Go(func() { // most of the time is waiting, for several of them at once
			defer func() { <-room }()
			f := deploy(t, p, spec)
			c.row.holds(t, f, ask(t, f, "", 0))
			spec.Type = mockplatform.HTTP
			answer, _ := trigger(deploy(t, p, spec), "/")
			if want := fmt.Sprintf(`{"errorMessage":%q,"statusCode":%d}`, c.row.message, c.row.status); answer.Code != c.row.status || answer.Body.String() != want {
				t.Errorf("%s: the HTTP trigger answers %d %s, want %s", name, answer.Code, answer.Body, want)
			}
		})
	}
	wait.Wait()
}

// TestTheRunTimeMap goes through contract/runtime.md 16.3, 6 and 7 row by row, on containers that really fail so.
func TestTheRunTimeMap(t *testing.T) {
	p := open(t)
	misbehaving := chaos(t, p)
	const large = 6<<20 + 1
	for name, c := range map[string]struct {
		do   string
		n    int
		kind mockplatform.Type // both if empty
		row  row
	}{
		"no end within the timeout":    {"hang", 0, "", row{433, "Invoking task timed out after 1 seconds", yes()}},
		"half an answer, then nothing": {"half-and-hang", 0, "", row{433, "Invoking task timed out after 1 seconds", yes()}},
		"over the memory":              {"eat", 4096, "", row{434, "Task memory exceeded 128 MB", yes()}},
		"the process exits":            {"exit", 0, "", row{439, "User process exit when running", yes()}},
		"the connection is closed":     {"close", 0, "", row{443, "UserCodeError", no()}},
		"half an answer":               {"half", 0, "", row{443, "UserCodeError", no()}},
		"an answer that is no HTTP":    {"garbage", 0, "", row{443, "UserCodeError", no()}},
		"a header without end":         {"endless-header", 0, mockplatform.Event, row{443, "UserCodeError", no()}},
		"a response over 6 MB":         {"answer", large, mockplatform.Event, row{407, "The size of response exceeds the upper limit (6MB)", no()}},
		"an HTTP response over 6 MB":   {"answer", large, mockplatform.HTTP, row{410, "The HTTP response body exceeds the size limit.", no()}},
		"an HTTP header over 4 KB":     {"header", 4 << 10, mockplatform.HTTP, row{500, "The HTTP response header exceeds the size limit.", no()}},
		"an HTTP header without end":   {"endless-header", 0, mockplatform.HTTP, row{500, "The HTTP response header exceeds the size limit.", no()}},
	} {
		for _, kind := range []mockplatform.Type{mockplatform.Event, mockplatform.HTTP} {
			if c.kind != "" && c.kind != kind {
				continue
			}
			t.Run(name+" of "+string(kind), func(t *testing.T) {
				t.Parallel() // most of the time is waiting
				spec := mockplatform.FunctionSpec{Image: misbehaving, Type: kind, Timeout: time.Second, MemoryMB: 128}
				if c.do == "eat" {
					spec.Timeout = 20 * time.Second // a tenth of a processor takes its time
				}
				f := deploy(t, p, spec)
				c.row.holds(t, f, ask(t, f, c.do, c.n))
				if kind == mockplatform.Event {
					return
				}
				answer, broken := trigger(f, fmt.Sprintf("/?do=%s&n=%d", c.do, c.n))
				if strings.HasPrefix(c.do, "half") || c.do == "answer" && broken {
					if !broken {
						t.Error("the HTTP trigger goes on as if the answer were whole")
					}
					return // what has begun can only be broken off
				}
				if want := fmt.Sprintf(`{"errorMessage":%q,"statusCode":%d}`, c.row.message, c.row.status); answer.Code != c.row.status || answer.Body.String() != want {
					t.Errorf("the HTTP trigger answers %d %s, want %s", answer.Code, answer.Body, want)
				}
			})
		}
	}
}

// TestAnAnswerThatIsWholeStands: none of these is a failure of the platform's, and the instance serves on.
func TestAnAnswerThatIsWholeStands(t *testing.T) {
	p := open(t)
	misbehaving := chaos(t, p)
	for _, kind := range []mockplatform.Type{mockplatform.Event, mockplatform.HTTP} {
		f := deploy(t, p, mockplatform.FunctionSpec{Image: misbehaving, Type: kind, MemoryMB: 512})
		for _, c := range []struct {
			do     string
			n      int
			status int
		}{
			{"", 0, 200}, {"status", 503, 503}, {"status", 204, 204}, {"informed", 0, 200}, {"trailer", 0, 200}, {"stream", 100, 200},
			{"answer", 6 << 20, 200}, {"header", 1000, 200}, {"", 0, 200},
		} {
			result := ask(t, f, c.do, c.n)
			if result.Status.Code != 200 || result.HTTPStatus != c.status || result.ErrorMessage != "" {
				t.Errorf("%s %s: %d %q, the function answered %d", kind, c.do, result.Status.Code, result.ErrorMessage, result.HTTPStatus)
			}
		}
		if stats := f.Instances(); stats.Instances != 1 {
			t.Errorf("%s: there are %d instances", kind, stats.Instances)
		}
	}
}

// TestRequestsThatReachNoInstance goes through the rows that the platform decides alone.
func TestRequestsThatReachNoInstance(t *testing.T) {
	p := openWith(t, mockplatform.Options{QuotaMB: 200, BurstPerMinute: 3})
	misbehaving := chaos(t, p)
	spec := mockplatform.FunctionSpec{Image: misbehaving, MemoryMB: 128}
	f := deploy(t, p, spec)
	invoke := func(f *mockplatform.Function, event string) mockplatform.Result {
		result, err := f.Invoke(t.Context(), []byte(event))
		check(t, err)
		return result
	}
	row{400, "InvalidParameterValue", nil}.holds(t, f, invoke(f, "{"))
	row{400, "InvalidParameterValue", nil}.holds(t, f, invoke(f, ""))
	row{406, "RequestTooLarge", nil}.holds(t, f, invoke(f, `"`+strings.Repeat("x", 6<<20)+`"`))
	if f.Transfers().Requests != 0 {
		t.Error("a refused event reached the image")
	}
	http6 := deploy(t, p, mockplatform.FunctionSpec{Image: misbehaving, Name: "http-function", Type: mockplatform.HTTP})
	recorder := httptest.NewRecorder()
	http6.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 6<<20+1))))
	if recorder.Code != 406 || recorder.Body.String() != `{"errorMessage":"RequestTooLarge","statusCode":406}` {
		t.Errorf("the HTTP trigger answers %d %s", recorder.Code, recorder.Body)
	}

	for target, want := range map[mockplatform.Target]row{
		{Name: "absent"}:                   {435, "FunctionNotFound", nil},
		{Name: "function", Qualifier: "7"}: {442, "QualifierNotFound", nil},
		{Name: "function", Namespace: "x"}: {435, "FunctionNotFound", nil},
	} {
		result, err := p.Invoke(t.Context(), target, []byte("{}"))
		check(t, err)
		want.holds(t, f, result)
	}

	busy := make(chan mockplatform.Result, 1)
	go func() { busy <- ask(t, f, "sleep", 2000) }()
	running(t, f)
	row{432, "Function [ function ] concurrency exceeded region unreserved quota 200 MB", nil}.holds(t, f, ask(t, f, "", 0))
	if result := <-busy; result.Status.Code != 200 {
		t.Errorf("the busy one ended with %d", result.Status.Code)
	}
	reserved := deploy(t, p, mockplatform.FunctionSpec{Image: misbehaving, Name: "mine", MemoryMB: 128, ReservedMB: 128})
	go func() { busy <- ask(t, reserved, "sleep", 2000) }()
	running(t, reserved)
	row{432, "Function [ mine ] concurrency exceeded reserved quota 128 MB", nil}.holds(t, reserved, ask(t, reserved, "", 0))
	<-busy

	check(t, f.Recycle(t.Context()))
	if first := ask(t, f, "", 0); first.Status.Code != 200 {
		t.Fatalf("status %d", first.Status.Code)
	}
	check(t, f.Recycle(t.Context()))
	if result := ask(t, f, "", 0); result.Status != contract.StatusResourceLimit {
		t.Errorf("the fourth start within a minute gives %d %s", result.Status.Code, result.ErrorMessage)
	}

	check(t, f.Close(t.Context()))
	row{438, "FunctionStatusError", nil}.holds(t, f, ask(t, f, "", 0))
	if result, err := p.Invoke(t.Context(), mockplatform.Target{Name: "function"}, []byte("{}")); err != nil || result.Status.Code != 435 {
		t.Errorf("a deleted function gives %d, %v", result.Status.Code, err)
	}
}

// running waits until a request of a function is under way.
func running(t *testing.T, f *mockplatform.Function) {
	t.Helper()
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(f.Running()) != 1 {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%d requests are under way", len(f.Running()))
		}
	}
}

// TestRowsOfAnEngineInTrouble has the engine answer as engines were recorded to, through a proxy on its socket.
func TestRowsOfAnEngineInTrouble(t *testing.T) {
	proxy := enginetest.NewProxy(t)
	p := openWith(t, mockplatform.Options{Host: proxy.Host})
	misbehaving := chaos(t, p)
	invoke := func(t *testing.T, spec mockplatform.FunctionSpec) (*mockplatform.Function, mockplatform.Result) {
		t.Helper()
		spec.Image, spec.MemoryMB = misbehaving, 256
		f := deploy(t, p, spec)
		t.Cleanup(func() { proxy.Restore() })
		return f, ask(t, f, "", 0)
	}
	t.Run("the pull is refused", func(t *testing.T) {
		proxy.Stream(http.MethodPost, "/images/create$", `{"errorDetail":{"message":"unauthorized: authentication required"},"error":"unauthorized: authentication required"}`)
		f, result := invoke(t, mockplatform.FunctionSpec{})
		if !strings.HasPrefix(result.ErrorMessage, "pull image failed: ") {
			t.Errorf("message %q", result.ErrorMessage)
		}
		row{444, result.ErrorMessage, no()}.status444(t, f, result)
	})
	t.Run("a layer cannot be unpacked", func(t *testing.T) {
		const said = `failed to register layer: Error processing tar file(exit status 1): archive/tar: invalid tar header`
		proxy.Stream(http.MethodPost, "/images/create$", `{"errorDetail":{"message":"`+said+`"},"error":"`+said+`"}`)
		f, result := invoke(t, mockplatform.FunctionSpec{})
		if !strings.Contains(result.ErrorMessage, said) {
			t.Errorf("message %q", result.ErrorMessage)
		}
		row{444, result.ErrorMessage, nil}.status444(t, f, result)
	})
	t.Run("the pull takes too long", func(t *testing.T) {
		proxy.Hang(http.MethodPost, "/images/create$")
		f, result := invoke(t, mockplatform.FunctionSpec{InitTimeout: 3 * time.Second})
		row{447, "PullImageTimeOut", nil}.holds(t, f, result)
	})
	t.Run("the container is not started in time", func(t *testing.T) {
		f := deploy(t, p, mockplatform.FunctionSpec{Image: misbehaving, MemoryMB: 256, InitTimeout: 3 * time.Second})
		t.Cleanup(func() { proxy.Restore() })
		ask(t, f, "", 0) // fills the stock of sandboxes
		check(t, f.Recycle(t.Context()))
		proxy.Hang(http.MethodPost, "/containers/.*/start$")
		result := ask(t, f, "", 0)
		proxy.Restore()
		row{450, "InitContainerTimeout", nil}.holds(t, f, result)
	})
	t.Run("the start file cannot be executed", func(t *testing.T) {
		f := deploy(t, p, mockplatform.FunctionSpec{Image: misbehaving, MemoryMB: 256})
		t.Cleanup(func() { proxy.Restore() })
		ask(t, f, "", 0)
		check(t, f.Recycle(t.Context()))
		proxy.Answer(http.MethodPost, "/containers/.*/start$", 1, http.StatusBadRequest,
			`failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/function": permission denied: unknown`)
		result := ask(t, f, "", 0)
		row{445, "ContainerInitError", nil}.holds(t, f, result)
	})
}

func (r row) status444(t *testing.T, f *mockplatform.Function, result mockplatform.Result) {
	t.Helper()
	r.recycled = nil
	r.holds(t, f, result)
}
