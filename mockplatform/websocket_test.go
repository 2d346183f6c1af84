package mockplatform_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
)

// dial opens a WebSocket to a function's HTTP trigger.
func dial(t *testing.T, f *mockplatform.Function, path string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	conn, response, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+path, nil)
	if err == nil {
		t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, response, err
}

func TestAWebSocketIsCarriedBothWays(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: builtIn(t, p), Type: mockplatform.HTTP, MemoryMB: 256, WebSocket: true, Timeout: 20 * time.Second})
	conn, _, err := dial(t, f, "/ws")
	check(t, err)
	for _, sent := range []struct {
		kind websocket.MessageType
		text []byte
	}{{websocket.MessageText, []byte("hello")}, {websocket.MessageBinary, bytes.Repeat([]byte{0, 255}, 10<<10)}, {websocket.MessageText, nil}} {
		check(t, conn.Write(t.Context(), sent.kind, sent.text))
		kind, got, err := conn.Read(t.Context())
		check(t, err)
		if kind != sent.kind || !bytes.Equal(got, sent.text) {
			t.Errorf("%d bytes of %v come back as %d bytes of %v", len(sent.text), sent.kind, len(got), kind)
		}
	}
	check(t, conn.Close(websocket.StatusNormalClosure, ""))
	eventually(t, "the instance is free again", func() bool { return f.Instances().Busy == 0 })
	result, err := f.Do(t.Context(), mockplatform.Request{Method: http.MethodGet, Target: "/"})
	check(t, err)
	if result.HTTPStatus != http.StatusOK || result.ColdStart != nil {
		t.Errorf("after it the instance answers with %d, cold start %v", result.HTTPStatus, result.ColdStart != nil)
	}
}

func TestAWebSocketEndsWithTheFunctionsTimeout(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: builtIn(t, p), Type: mockplatform.HTTP, MemoryMB: 256, WebSocket: true, Timeout: time.Second})
	conn, _, err := dial(t, f, "/ws")
	check(t, err)
	if _, got, err := conn.Read(t.Context()); err == nil {
		t.Errorf("nobody has sent %q", got)
	}
	eventually(t, "the timeout is in the log", func() bool {
		lines, _ := p.Logs(mockplatform.LogQuery{Contains: "timed out after 1 seconds"})
		return len(lines) > 0
	})
}

// TestHowAWebSocketEnds is the table of contract/gateway.md 8 over real connections.
func TestHowAWebSocketEnds(t *testing.T) {
	var mu sync.Mutex
	ends := map[string]mockplatform.Result{} // by function
	p := openWith(t, mockplatform.Options{Finished: func(i mockplatform.Invocation) {
		mu.Lock()
		defer mu.Unlock()
		if i.Target == "/?do=socket" {
			ends[i.Function.Spec().Name] = i.Result
		}
	}})
	image := chaos(t, p)
	ask := func(order string) func(*testing.T, *websocket.Conn) {
		return func(t *testing.T, conn *websocket.Conn) {
			t.Helper()
			check(t, conn.Write(t.Context(), websocket.MessageText, []byte(order)))
		}
	}
	for name, c := range map[string]struct {
		end    func(*testing.T, *websocket.Conn)
		status int
		words  string
		gone   bool // the instance, with it
	}{
		"client closes with 4001": {func(_ *testing.T, conn *websocket.Conn) { _ = conn.Close(4001, "") }, 456, "the client closed the WebSocket with code 4001", false},
		"client drops":            {func(_ *testing.T, conn *websocket.Conn) { _ = conn.CloseNow() }, 456, "the client ended the connection without a close frame", false},
		"client sends 300 KB": {func(t *testing.T, conn *websocket.Conn) {
			_ = conn.Write(t.Context(), websocket.MessageText, make([]byte, 300<<10)) // which is cut short
		}, 456, "the client sent a message over the limit: more than 256 KB", false},
		"function closes with 4000": {ask(`{"do":"close","n":4000}`), 439, "the function closed the WebSocket with code 4000", false},
		"function drops":            {ask(`{"do":"drop"}`), 439, "the function ended the connection without a close frame", false},
		"function sends 300 KB":     {ask(`{"do":"answer","n":307200}`), 439, "the function sent a message over the limit", false},
		"function ends":             {ask(`{"do":"exit"}`), 439, contract.ProcessExitMessage, true},
		"silence":                   {func(*testing.T, *websocket.Conn) {}, 455, "no WebSocket frame for 10s", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := deploy(t, p, mockplatform.FunctionSpec{
				Name: "ws-" + strings.ReplaceAll(name, " ", "-"), Image: image, Type: mockplatform.HTTP, MemoryMB: 128,
				WebSocket: true, WebSocketIdle: contract.MinWebSocketIdle, Timeout: 20 * time.Second,
			})
			conn, _, err := dial(t, f, "/?do=socket")
			check(t, err)
			conn.SetReadLimit(1 << 20)
			c.end(t, conn)
			_, _, _ = conn.Read(t.Context()) // until it is over
			var end mockplatform.Result
			eventually(t, "the invocation has ended", func() bool {
				mu.Lock()
				defer mu.Unlock()
				var ended bool
				end, ended = ends[f.Spec().Name]
				return ended
			})
			if end.Status.Code != c.status || !strings.Contains(end.ErrorMessage, c.words) {
				t.Errorf("ends with %d %q; want %d %q", end.Status.Code, end.ErrorMessage, c.status, c.words)
			}
			if cause, ok := end.Cause(); ok != c.gone {
				t.Errorf("the cause is %+v", cause)
			}
			result, err := f.Do(t.Context(), mockplatform.Request{Target: "/"})
			check(t, err)
			if cold := result.ColdStart != nil; result.HTTPStatus != http.StatusOK || cold != c.gone {
				t.Errorf("after it the next request gets %d, cold start %v; want %v", result.HTTPStatus, cold, c.gone)
			}
		})
	}
}

func TestAWebSocketThatIsNotDeclaredIsAnOrdinaryRequest(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: builtIn(t, p), Type: mockplatform.HTTP, MemoryMB: 256})
	if _, response, err := dial(t, f, "/ws"); err == nil || response == nil || response.StatusCode == http.StatusSwitchingProtocols {
		t.Errorf("the handshake gets %v, %v", response, err)
	}
}
