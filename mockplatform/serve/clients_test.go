package serve_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// invocation is what the interface for programs tells of one.
type invocation struct {
	RequestID  string
	Method     string
	Path       string
	Status     int
	StatusName string
}

func invocations(t *testing.T, listener *httptest.Server) []invocation {
	t.Helper()
	_, body := get(t, http.MethodGet, listener.URL+"/_scfcert/api/invocations", "", "")
	var list struct{ Invocations []invocation }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return list.Invocations
}

// wire sends bytes as they are and gives the answer, until the connection ends.
func wire(t *testing.T, listener *httptest.Server, sent string) string {
	t.Helper()
	conn, err := net.Dial("tcp", listener.Listener.Addr().String())
	check(t, err)
	defer func() { _ = conn.Close() }()
	check(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, sent)
	check(t, err)
	answer, _ := io.ReadAll(conn) // a reset is an end too
	return string(answer)
}

func TestOutputIsShownWhileItsRequestRuns(t *testing.T) {
	_, listener, shown := served(t, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 256, timeout: 30, websocket: {}}}", saved(t, t.TempDir(), "one")), false)
	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(listener.URL, "http")+"/ws", nil)
	check(t, err)
	var running invocation
	eventually(t, "the request is listed as running", func() bool {
		for _, i := range invocations(t, listener) {
			if i.Path == "/ws" && i.Status == 202 {
				running = i
			}
		}
		return running.RequestID != ""
	})
	eventually(t, "its output is on the console", func() bool {
		return strings.Contains(shown.String(), " web "+running.RequestID[:8]+" platform START RequestId:"+running.RequestID) && strings.Contains(shown.String(), " web "+running.RequestID[:8]+" stdout ")
	})
	if _, logged := get(t, http.MethodGet, listener.URL+"/_scfcert/api/logs?function=web", "", ""); !strings.Contains(logged, running.RequestID) {
		t.Errorf("the log has nothing of it: %s", logged)
	}
	check(t, conn.Close(websocket.StatusNormalClosure, ""))
	eventually(t, "it has ended", func() bool { return strings.Contains(shown.String(), "END RequestId:"+running.RequestID) })
	if n := strings.Count(shown.String(), running.RequestID[:8]+" stdout "); n != 1 {
		t.Errorf("its line on stdout is printed %d times", n)
	}
	if _, logged := get(t, http.MethodGet, listener.URL+"/_scfcert/api/logs?requestId="+running.RequestID, "", ""); strings.Count(logged, "stdout of request "+running.RequestID) != 1 {
		t.Errorf("its line on stdout is not kept once: %s", logged)
	}
}

func TestSmuggledRequestsAreRefused(t *testing.T) {
	_, listener, _ := served(t, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 256}}", saved(t, t.TempDir(), "one")), false)
	for name, head := range map[string]string{
		"two lengths":              "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"a list of lengths":        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 6\r\n\r\nhello!",
		"a signed length":          "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello",
		"length and chunks":        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
		"unknown encoding":         "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"space before colon":       "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"bare CR in a value":       "GET / HTTP/1.1\r\nHost: h\r\nX-A: a\rX-Scf-Uin: 1\r\n\r\n",
		"NUL in a value":           "GET / HTTP/1.1\r\nHost: h\r\nX-A: a\x00b\r\n\r\n",
		"no host":                  "GET / HTTP/1.1\r\n\r\n",
		"two hosts":                "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"a chunk that is no chunk": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
	} {
		before := len(invocations(t, listener))
		answer := wire(t, listener, strings.Replace(head, "\r\n", "\r\nConnection: close\r\n", 1))
		status := strings.Fields(answer + " nothing nothing")[1]
		if name == "length and chunks" { // the chunks count, and nothing behind them is a request
			if strings.Contains(answer, "smuggled") || strings.Count(answer, "HTTP/1.1 ") != 1 {
				t.Errorf("%s: %q", name, answer)
			}
			continue
		}
		if status != "400" && status != "501" || len(invocations(t, listener)) != before {
			t.Errorf("%s is answered with %q, and %d requests reached the function", name, answer, len(invocations(t, listener))-before)
		}
	}
	probe := wire(t, listener, "GET /x HTTP/1.1\r\nHost: h\r\nScfcert-Probe: 1\r\nX-SCF-UIN: 42\r\nx-scf-invented: 42\r\nX-Folded: one\r\n two\r\nConnection: close, X-Scf-Request-Id, X-Forwarded-For\r\n\r\n")
	if strings.Contains(probe, `"42"`) || strings.Contains(strings.ToLower(probe), "invented") || !strings.Contains(probe, "X-Scf-Request-Id") || strings.Contains(probe, "\\n two") {
		t.Errorf("the function sees %s", probe)
	}
}

func TestPathsReachTheFunctionAsTheyAre(t *testing.T) {
	_, listener, _ := served(t, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 256}}", saved(t, t.TempDir(), "one")), false)
	for _, path := range []string{
		"/a/../b", "//a//b", "/./a", "/a/%2e%2e/b", "/..%2f..%2fetc/passwd", "/%5Fscfcert/", "/x/_scfcert/", "/_scfcertx", "//_scfcert/", "/a;b=c?d=e&d=f&&", "/%E4%BD%A0?q=%zz", "/a?b=/_scfcert/../c",
	} {
		answer := wire(t, listener, "GET "+path+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if !strings.HasSuffix(answer, "\r\n\r\nGET "+path+"\n") {
			t.Errorf("%s is answered with %q", path, answer)
		}
	}
	// The page is no way around: what lies below it is its own, whatever stands behind.
	if answer := wire(t, listener, "GET /_scfcert/../secret HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); strings.Contains(answer, "GET /") || strings.Contains(answer, "root:") {
		t.Errorf("a path through the page gives %q", answer)
	}
}

func TestALongBodyArrivesAsItIs(t *testing.T) {
	_, listener, _ := served(t, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 256}}", saved(t, t.TempDir(), "one")), false)
	body := make([]byte, 5<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(body)
	for _, told := range []bool{true, false} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, listener.URL+"/", bytes.NewReader(body))
		check(t, err)
		if !told {
			request.ContentLength = -1
		}
		request.Header.Set("Scfcert-Probe", "1")
		response, err := http.DefaultClient.Do(request)
		check(t, err)
		seen, err := io.ReadAll(response.Body)
		check(t, err)
		check(t, response.Body.Close())
		if want := fmt.Sprintf("%x", sha256.Sum256(body)); !strings.Contains(string(seen), want) || !strings.Contains(string(seen), `"bodyBytes":5242880`) {
			t.Errorf("length told %v: the function sees %d, %.400s", told, response.StatusCode, seen)
		}
	}
	if status, _ := get(t, http.MethodPost, listener.URL+"/", "", strings.Repeat("x", 6<<20+1)); status != http.StatusNotAcceptable {
		t.Errorf("a body over the limit gets %d, want 406", status)
	}
}

func TestASlowClientHoldsNoInstance(t *testing.T) {
	_, listener, _ := served(t, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 256}}", saved(t, t.TempDir(), "one")), false)
	conn, err := net.Dial("tcp", listener.Listener.Addr().String())
	check(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
	check(t, err)
	if status, body := get(t, http.MethodGet, listener.URL+"/fast", "", ""); status != http.StatusOK || body != "GET /fast\n" {
		t.Errorf("beside it the answer is %d %q", status, body)
	}
	for _, i := range invocations(t, listener) {
		if i.Path == "/slow" {
			t.Errorf("half a request is an invocation: %+v", i)
		}
	}
	_, err = io.WriteString(conn, " done!")
	check(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	check(t, err)
	defer func() { _ = response.Body.Close() }()
	if text, _ := io.ReadAll(response.Body); string(text) != "POST /slow\n" {
		t.Errorf("in the end it gets %q", text)
	}
}

func TestAClientThatGoesAwayLeavesAFreeInstance(t *testing.T) {
	_, listener, _ := served(t, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 256}}", saved(t, t.TempDir(), "one")), false)
	for range 3 {
		conn, err := net.Dial("tcp", listener.Listener.Addr().String())
		check(t, err)
		_, err = io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
		check(t, err)
		line, err := bufio.NewReader(conn).ReadString('\n') // the answer has begun
		if err != nil || !strings.Contains(line, "200") {
			t.Fatalf("%q, %v", line, err)
		}
		check(t, conn.(*net.TCPConn).SetLinger(0))
		check(t, conn.Close())
	}
	if status, body := get(t, http.MethodGet, listener.URL+"/after", "", ""); status != http.StatusOK || body != "GET /after\n" {
		t.Errorf("after it the answer is %d %q", status, body)
	}
	eventually(t, "no request runs any more", func() bool {
		for _, i := range invocations(t, listener) {
			if i.Status == 202 {
				return false
			}
		}
		return true
	})
}

// TestMain is also the other process of TestTenThousandIdleConnectionsAreNoBurden: a process may not have as many
// descriptors as both ends need.
func TestMain(m *testing.M) {
	if address := os.Getenv("SCFCERT_TEST_CONNECT"); address != "" {
		if err := connect(address); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const manyConnections = 10_000

// connect opens connections, says so, and holds them until its input ends.
func connect(address string) error {
	for n := range manyConnections {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return fmt.Errorf("connection %d: %w; this needs a limit of more than %d open files (ulimit -n)", n, err, manyConnections)
		}
		defer func() { _ = conn.Close() }()
	}
	fmt.Println("open")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func TestTenThousandIdleConnectionsAreNoBurden(t *testing.T) {
	_, listener, _ := served(t, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 256}}", saved(t, t.TempDir(), "one")), false)
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), "SCFCERT_TEST_CONNECT="+listener.Listener.Addr().String())
	hold, err := other.StdinPipe()
	check(t, err)
	says, err := other.StdoutPipe()
	check(t, err)
	check(t, other.Start())
	if line, err := bufio.NewReader(says).ReadString('\n'); line != "open\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	for range 20 {
		if status, body := get(t, http.MethodGet, listener.URL+"/busy", "", ""); status != http.StatusOK || body != "GET /busy\n" {
			t.Fatalf("beside them the answer is %d %q", status, body)
		}
	}
	check(t, hold.Close())
	check(t, other.Wait())
}

func TestOtherOriginsAreAnsweredAsConfigured(t *testing.T) {
	image := saved(t, t.TempDir(), "one")
	_, listener, _ := served(t, fmt.Sprintf(`functions:
  open: {image: %q, type: http, memory: 256, cors: {origins: ["https://a.example"], methods: [GET], max-age: 60}}
  shut: {image: %q, type: http, memory: 256}
`, image, image), false)
	ask := func(host, method, origin string) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, listener.URL+"/x", nil)
		check(t, err)
		request.Host = host
		request.Header.Set("Origin", origin)
		if method == http.MethodOptions {
			request.Header.Set("Access-Control-Request-Method", http.MethodGet)
		}
		response, err := http.DefaultClient.Do(request)
		check(t, err)
		check(t, response.Body.Close())
		return response
	}
	if got := ask("open.localhost", http.MethodOptions, "https://a.example"); got.Header.Get("Access-Control-Allow-Origin") != "https://a.example" || got.Header.Get("Access-Control-Max-Age") != "60" {
		t.Errorf("the preflight gets %d %v", got.StatusCode, got.Header)
	}
	if got := ask("open.localhost", http.MethodGet, "https://a.example"); got.StatusCode != http.StatusOK || got.Header.Get("Access-Control-Allow-Origin") != "https://a.example" {
		t.Errorf("the request gets %d %v", got.StatusCode, got.Header)
	}
	if got := ask("open.localhost", http.MethodGet, "https://b.example"); got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin gets %v", got.Header)
	}
	before := len(invocations(t, listener))
	if got := ask("shut.localhost", http.MethodOptions, "https://a.example"); got.StatusCode != http.StatusOK || len(invocations(t, listener)) != before+1 {
		t.Errorf("without CORS an OPTIONS request does not reach the function: %d", got.StatusCode)
	}
}

func TestAnEventThatNobodyTakesIsKept(t *testing.T) {
	dead := filepath.Join(t.TempDir(), "dead.jsonl")
	_, listener, _ := served(t, fmt.Sprintf("functions: {broken: {image: \"oci:%s/nothing\", type: event, async: {retries: 0, dead-letter: %q}}}", t.TempDir(), dead), false)
	if status, body := get(t, http.MethodPost, listener.URL+"/_scfcert/api/functions/broken/invoke?async=true", "", `{"keep":"me"}`); status != http.StatusAccepted {
		t.Fatalf("the event is answered with %d %s", status, body)
	}
	eventually(t, "the event is in the file", func() bool {
		kept, _ := os.ReadFile(dead)
		return strings.Contains(string(kept), `"keep"`)
	})
	kept, err := os.ReadFile(dead)
	check(t, err)
	if !json.Valid([]byte(strings.TrimSpace(string(kept)))) || !strings.Contains(string(kept), "438") {
		t.Errorf("the file is %s", kept)
	}
}
