package instance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// serving runs a server that treats each connection as said, and gives connections to it.
func serving(t *testing.T, serve func(conn net.Conn, reader *bufio.Reader)) *wires {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer conn.Close()
				serve(conn, bufio.NewReader(conn))
			})
		}
	})
	w := &wires{dial: func(ctx context.Context) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", listener.Addr().String())
	}}
	t.Cleanup(func() {
		w.close()
		_ = listener.Close()
		wait.Wait()
	})
	return w
}

// answering sends fixed bytes after each request head.
func answering(t *testing.T, text string) *wires {
	return serving(t, func(conn net.Conn, reader *bufio.Reader) {
		for {
			if _, err := http.ReadRequest(reader); err != nil {
				return
			}
			if _, err := io.WriteString(conn, text); err != nil {
				return
			}
		}
	})
}

func send(t *testing.T, w *wires, call Call) (Outcome, error) {
	t.Helper()
	if call.Method == "" {
		call.Method = http.MethodGet
	}
	if call.Target == "" {
		call.Target = "/"
	}
	if call.Timeout == 0 {
		call.Timeout = 20 * time.Second
	}
	call.Host = "function"
	var outcome Outcome
	err := w.exchange(t.Context(), &call, true, collect(&outcome))
	return outcome, err
}

func TestARequestArrivesByteForByte(t *testing.T) {
	heads := make(chan string, 100)
	w := serving(t, func(conn net.Conn, reader *bufio.Reader) {
		for {
			var head strings.Builder
			for {
				line, err := reader.ReadString('\n')
				if err != nil {
					return
				}
				head.WriteString(line)
				if line == "\r\n" {
					break
				}
			}
			heads <- head.String()
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	for _, target := range []string{
		"/", "/a/b", "/a%2Fb", "/a%2fb", "/a//b", "//a", "/a/../b", "/%zz", "/?", "/?a=1&a=2", "/a?b=%E4%BD%A0&c",
		"/a;b=1", "/[x]", `/a"b`, "/%E4%BD%A0", "*",
	} {
		if _, err := send(t, w, Call{Target: target, Header: http.Header{"X-B": {"1", "2"}, "x-a": {" spaced"}, "Connection": {"close"}}}); err != nil {
			t.Fatal(err)
		}
		want := "GET " + target + " HTTP/1.1\r\nHost: function\r\nX-B: 1\r\nX-B: 2\r\nx-a:  spaced\r\n\r\n"
		if got := <-heads; got != want {
			t.Errorf("it sent %q\nwant    %q", got, want)
		}
	}
}

func TestAnswersAreJudged(t *testing.T) {
	cases := map[string]struct {
		answer string
		status int
		body   string
		err    error
		text   string
	}{
		"whole":             {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", nil, ""},
		"chunked":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok", nil, ""},
		"informed first":    {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201, "", nil, ""},
		"informed for ever": {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 9), 0, "", errInformed, ""},
		"garbage":           {"I am no HTTP\r\n\r\n", 0, "", nil, "malformed HTTP"},
		"endless header":    {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20), 0, "", errHeadTooLarge, ""},
		"large header":      {"HTTP/1.1 200 OK\r\nX-X: " + strings.Repeat("x", 4<<10) + "\r\nContent-Length: 0\r\n\r\n", 0, "", errHeadTooLarge, ""},
		"told too large":    {"HTTP/1.1 200 OK\r\nContent-Length: 6291457\r\n\r\n", 0, "", errTooLarge, ""},
		"turns out large":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n600001\r\n" + strings.Repeat("x", 6<<20+1) + "\r\n0\r\n\r\n", 200, "", errTooLarge, ""},
		"just not large":    {"HTTP/1.1 200 OK\r\nContent-Length: 6291456\r\n\r\n" + strings.Repeat("x", 6<<20), 200, strings.Repeat("x", 6<<20), nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			outcome, err := send(t, answering(t, c.answer), Call{})
			switch {
			case c.text != "":
				if err == nil || !strings.Contains(err.Error(), c.text) {
					t.Errorf("error %v", err)
				}
			case !errors.Is(err, c.err):
				t.Errorf("error %v", err)
			case outcome.HTTPStatus != c.status:
				t.Errorf("status %d", outcome.HTTPStatus)
			case err == nil && string(outcome.Body) != c.body:
				t.Errorf("%d bytes of body", len(outcome.Body))
			}
		})
	}
}

func TestAnEventsHeaderAndCompressionAreThePlatformsMatter(t *testing.T) {
	var packed strings.Builder
	_, _ = fmt.Fprintf(&packed, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX-Long: %s\r\nConnection: close\r\n\r\n", strings.Repeat("x", 8<<10))
	// gzip of "ok"
	packed.WriteString("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xca\xcf\x06\x04\x00\x00\xff\xff\x47\xdd\xdc\x79\x02\x00\x00\x00")
	w := serving(t, func(conn net.Conn, reader *bufio.Reader) {
		_, _ = http.ReadRequest(reader)
		_, _ = io.WriteString(conn, packed.String())
	})
	outcome, err := send(t, w, Call{Event: true})
	if err != nil || string(outcome.Body) != "ok" || outcome.Header.Get("Content-Encoding") != "" {
		t.Errorf("%q, %v", outcome.Body, err)
	}
}

func TestTrailersArrive(t *testing.T) {
	w := answering(t, "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 7\r\n\r\n")
	var got string
	call := Call{Method: http.MethodGet, Target: "/", Timeout: 20 * time.Second}
	err := w.exchange(t.Context(), &call, true, func(a *Answer) error {
		_, err := io.Copy(io.Discard, a.Body)
		got = a.Trailer().Get("X-Sum")
		return err
	})
	if err != nil || got != "7" {
		t.Errorf("trailer %q, %v", got, err)
	}
}

func TestAnAnswerThatHangsEndsWithTheTimeout(t *testing.T) {
	for name, head := range map[string]string{"at once": "", "in the head": "HTTP/1.1 200", "in the body": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"} {
		if _, err := send(t, answering(t, head), Call{Timeout: 50 * time.Millisecond}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALongBodyCannotBlockAnEarlyAnswer(t *testing.T) {
	w := serving(t, func(conn net.Conn, reader *bufio.Reader) {
		_, _ = http.ReadRequest(reader) // only the head
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
		_, _ = conn.Read(make([]byte, 1))
		<-t.Context().Done()
	})
	outcome, err := send(t, w, Call{Method: http.MethodPost, Body: make([]byte, 6<<20)})
	if err != nil || outcome.HTTPStatus != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, %v", outcome.HTTPStatus, err)
	}
}

func TestAConnectionIsUsedAgainWhileItIsClean(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		want   int
	}{
		"kept":               {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 1},
		"closed by header":   {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 3},
		"more than promised": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", 3},
	} {
		var mu sync.Mutex
		connections := 0
		w := serving(t, func(conn net.Conn, reader *bufio.Reader) {
			mu.Lock()
			connections++
			mu.Unlock()
			for {
				if _, err := http.ReadRequest(reader); err != nil {
					return
				}
				_, _ = io.WriteString(conn, c.answer)
			}
		})
		for range 3 {
			if outcome, err := send(t, w, Call{}); err != nil || string(outcome.Body) != "ok" {
				t.Errorf("%s: %q, %v", name, outcome.Body, err)
			}
		}
		mu.Lock()
		if connections != c.want {
			t.Errorf("%s: %d connections, want %d", name, connections, c.want)
		}
		mu.Unlock()
	}
}

func TestAClosedConnectionIsNoAnswer(t *testing.T) {
	w := serving(t, func(_ net.Conn, reader *bufio.Reader) { _, _ = http.ReadRequest(reader) })
	if _, err := send(t, w, Call{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
}

// TestAConnectionThatIsClosedWithoutAWordIsNoFailure has a server close each connection after its answer, so that a next
// request may meet the end of a connection that was open when it was looked at.
func TestAConnectionThatIsClosedWithoutAWordIsNoFailure(t *testing.T) {
	w := serving(t, func(conn net.Conn, reader *bufio.Reader) {
		if _, err := http.ReadRequest(reader); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	for n := range 2000 {
		if outcome, err := send(t, w, Call{}); err != nil || string(outcome.Body) != "ok" {
			t.Fatalf("request %d: %q, %v", n, outcome.Body, err)
		}
	}
}

// TestARequestThatWasReadIsNotSentTwice has a server read a second request on a connection and close it.
func TestARequestThatWasReadIsNotSentTwice(t *testing.T) {
	var mu sync.Mutex
	requests := 0
	w := serving(t, func(conn net.Conn, reader *bufio.Reader) {
		for range 2 {
			if _, err := http.ReadRequest(reader); err != nil {
				return
			}
			mu.Lock()
			requests++
			first := requests == 1
			mu.Unlock()
			if !first {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	if _, err := send(t, w, Call{}); err != nil {
		t.Fatal(err)
	}
	if _, err := send(t, w, Call{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if requests != 2 {
		t.Errorf("the server has read %d requests", requests)
	}
}

func TestFramingIsLookedAt(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"right":              {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ""},
		"chunked":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", ""},
		"until the end":      {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok", ""},
		"length twice":       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "Content-Length more than once"},
		"length and chunked": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "both Content-Length and Transfer-Encoding"},
		"more than told":     {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay", "bytes follow"},
		"bare LF":            {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "line 1 of the head ends in LF"},
		"bare LF at its end": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok", "line 3 of the head ends in LF"},
		"informed first":     {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok", "line 2 of the head ends in LF"},
		"informed badly":     {"HTTP/1.1 103 Early Hints\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "line 1 of the head ends in LF"},
		"folded":             {"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\nok", "line 3 of the head is folded"},
		"a body of 204":      {"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", "204"},
	} {
		w := serving(t, func(conn net.Conn, reader *bufio.Reader) {
			if _, err := http.ReadRequest(reader); err == nil {
				_, _ = io.WriteString(conn, c.answer)
			}
		})
		var framing []string
		if _, err := send(t, w, Call{Framing: &framing}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := strings.Join(framing, "; "); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
