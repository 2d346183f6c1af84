// Package behave is what the built-in sample function does, and what violators do beside their fault.
//
// It serves both types: POST /event-invoke answers an event with a JSON object, and one of API Gateway with an integration
// response; every other request is answered with its own method and path. /stream answers in parts and /ws echoes over a
// WebSocket. Each request writes one line to stdout and one to stderr. Asked for a probe report (docs/probe-protocol.md),
// by the member "scfcertProbe" of an event or the header "Scfcert-Probe", it tells what it sees of the platform;
// credentials as hashes only.
package behave

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/coder/websocket"
)

// Function is the handler of every request.
type Function struct {
	// Lie, if not nil, may change a probe report before it goes out.
	Lie func(*Report)
}

// answer is what an ordinary event gets.
type answer struct {
	Message string          `json:"message"`
	Event   json.RawMessage `json:"event"`
}

// integration is what an event of API Gateway gets.
type integration struct {
	Encoded bool              `json:"isBase64Encoded"`
	Status  int               `json:"statusCode"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// asked is what the function looks for in an event.
type asked struct {
	Probe *struct {
		AnswerBytes int `json:"answerBytes"`
	} `json:"scfcertProbe"`
	RequestContext json.RawMessage `json:"requestContext"`
}

// ServeHTTP serves events and HTTP requests.
func (f Function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Scf-Request-Id")
	fmt.Println("stdout of request", id)
	fmt.Fprintln(os.Stderr, "stderr of request", id)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "cannot read the body: "+err.Error(), http.StatusBadRequest)
		return
	}
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/event-invoke":
		f.event(w, r, body)
	case r.Header.Get("Scfcert-Probe") != "":
		send(w, f.look(r, body))
	case r.URL.Path == "/stream":
		Stream(w, Parts)
	case r.URL.Path == "/ws":
		echo(w, r)
	default:
		_, _ = fmt.Fprintf(w, "%s %s\n", r.Method, r.RequestURI)
	}
}

func (f Function) event(w http.ResponseWriter, r *http.Request, body []byte) {
	if !json.Valid(body) {
		http.Error(w, "the event is no JSON", http.StatusBadRequest)
		return
	}
	var event asked
	_ = json.Unmarshal(body, &event) // other events than objects have none of it
	switch {
	case event.Probe != nil && event.Probe.AnswerBytes > 0:
		_, _ = w.Write(bytes.Repeat([]byte("x"), event.Probe.AnswerBytes))
	case event.Probe != nil:
		send(w, f.look(r, body))
	case event.RequestContext != nil:
		send(w, integration{Status: http.StatusOK, Headers: map[string]string{"Content-Type": "text/plain"}, Body: "hello from scfcert"})
	default:
		send(w, answer{Message: "hello from scfcert", Event: body})
	}
}

func (f Function) look(r *http.Request, body []byte) Report {
	seen := look(r, body)
	if f.Lie != nil {
		f.Lie(&seen)
	}
	return seen
}

func send(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// Parts of a stream, and the time between them.
const (
	Parts   = 4
	between = 60 * time.Millisecond
)

// Stream answers in so many parts as server-sent events, one after the other.
func Stream(w http.ResponseWriter, parts int) {
	w.Header().Set("Content-Type", "text/event-stream")
	for n := range parts {
		if n > 0 {
			time.Sleep(between)
		}
		_, _ = fmt.Fprintf(w, "data: part %d\n\n", n)
		_ = http.NewResponseController(w).Flush()
	}
}

// echo sends back what comes over a WebSocket.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil || conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
