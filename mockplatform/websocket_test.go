package mockplatform_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scfcert/scfcert/mockplatform"
)

// dial opens a WebSocket to a function's HTTP trigger.
func dial(t *testing.T, f *mockplatform.Function) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	conn, response, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/ws", nil)
	if err == nil {
		t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, response, err
}

func TestAWebSocketIsCarriedBothWays(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: builtIn(t, p), Type: mockplatform.HTTP, MemoryMB: 256, WebSocket: true, Timeout: 20 * time.Second})
	conn, _, err := dial(t, f)
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
	conn, _, err := dial(t, f)
	check(t, err)
	if _, got, err := conn.Read(t.Context()); err == nil {
		t.Errorf("nobody has sent %q", got)
	}
	eventually(t, "the timeout is in the log", func() bool {
		lines, _ := p.Logs(mockplatform.LogQuery{Contains: "timed out after 1 seconds"})
		return len(lines) > 0
	})
}

func TestAWebSocketThatIsNotDeclaredIsAnOrdinaryRequest(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: builtIn(t, p), Type: mockplatform.HTTP, MemoryMB: 256})
	if _, response, err := dial(t, f); err == nil || response == nil || response.StatusCode == http.StatusSwitchingProtocols {
		t.Errorf("the handshake gets %v, %v", response, err)
	}
}
