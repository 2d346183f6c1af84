package tunnel

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// sides are the two ends of a connection that is carried, as its client and its function have them.
type sides struct {
	client, function *net.TCPConn
	upstream         net.Conn // of the function, on our side
	ended            chan error
}

func carry(t *testing.T, limits Limits) sides {
	t.Helper()
	client, ours := pair(t)
	function, upstream := pair(t)
	s := sides{client: client, function: function, upstream: upstream, ended: make(chan error, 1)}
	if limits.MessageBytes == 0 {
		limits.MessageBytes = 1 << 10
	}
	go func() { s.ended <- Carry(ours, upstream, limits) }()
	return s
}

// pair is a connection over loopback.
func pair(t *testing.T) (one, other *net.TCPConn) {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	defer func() { check(t, listener.Close()) }()
	one, err = net.DialTCP("tcp", nil, listener.Addr().(*net.TCPAddr))
	check(t, err)
	other, err = listener.AcceptTCP()
	check(t, err)
	t.Cleanup(func() { _, _ = one.Close(), other.Close() })
	return one, other
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// end waits for the end of the connection.
func (s sides) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("the connection does not end")
		return nil
	}
}

func frame(t *testing.T, f ws.Frame) []byte {
	t.Helper()
	raw, err := ws.CompileFrame(f)
	check(t, err)
	return raw
}

func send(t *testing.T, to io.Writer, raw []byte) {
	t.Helper()
	_, err := to.Write(raw)
	check(t, err)
}

func receive(t *testing.T, from io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(from, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%x arrives, %v; %x was sent", got, err, want)
	}
}

func TestFramesAreCarriedByTheByte(t *testing.T) {
	s := carry(t, Limits{})
	masked := frame(t, ws.MaskFrameWith(ws.NewTextFrame([]byte("hello")), [4]byte{1, 2, 3, 4}))
	// A length that is written longer than it need be, a reserved bit, fragments, and a message of no length.
	odd := append([]byte{0xC2, 0x7E, 0, 3}, "abc"...)
	parts := append(frame(t, ws.NewFrame(ws.OpText, false, []byte("a"))), frame(t, ws.NewFrame(ws.OpContinuation, true, []byte("b")))...)
	for _, raw := range [][]byte{masked, odd, parts, frame(t, ws.NewBinaryFrame(nil)), frame(t, ws.NewPingFrame([]byte("x"))), frame(t, ws.NewBinaryFrame(make([]byte, 1<<10)))} {
		send(t, s.client, raw)
		receive(t, s.function, raw)
		send(t, s.function, raw)
		receive(t, s.client, raw)
	}
	// A frame of a client that hesitates in the middle of it arrives in the end.
	send(t, s.client, masked[:3])
	send(t, s.client, masked[3:])
	receive(t, s.function, masked)
	_, _ = s.client.Close(), s.function.Close()
	_ = s.end(t)
}

func TestHowAConnectionEnds(t *testing.T) {
	closing := func(code ws.StatusCode) ws.Frame { return ws.NewCloseFrame(ws.NewCloseFrameBody(code, "bye")) }
	mask := func(f ws.Frame) ws.Frame { return ws.MaskFrameWith(f, [4]byte{9, 8, 7, 6}) }
	for name, c := range map[string]struct {
		client, function ws.Frame // what the side that ends it sends
		drop             Side
		status           int // 0: well
		words            string
	}{
		"client 1000":           {client: mask(closing(1000))},
		"client 1010":           {client: mask(closing(1010))},
		"function 1011":         {function: closing(1011)},
		"function 1000":         {function: closing(1000)},
		"client 1001":           {client: mask(closing(1001)), status: 456, words: "client closed the WebSocket with code 1001"},
		"function 4000":         {function: closing(4000), status: 439, words: "function closed the WebSocket with code 4000"},
		"client without code":   {client: mask(ws.NewCloseFrame(nil)), status: 456, words: "client closed the WebSocket without a code"},
		"client drops":          {drop: Client, status: 456, words: "client ended the connection without a close frame"},
		"function drops":        {drop: Function, status: 439, words: "function ended the connection without a close frame"},
		"client's big one":      {client: mask(ws.NewBinaryFrame(make([]byte, 1<<10+1))), status: 456, words: "client sent a message over the limit: more than 1 KB"},
		"function's big one":    {function: ws.NewBinaryFrame(make([]byte, 1<<10+1)), status: 439, words: "function sent a message over the limit"},
		"a control frame of 1K": {client: ws.Frame{Header: ws.Header{Fin: true, OpCode: ws.OpPing, Length: 1 << 10}, Payload: make([]byte, 1<<10)}, status: 456, words: "no WebSocket frame"},
		"an unknown operation":  {function: ws.Frame{Header: ws.Header{Fin: true, OpCode: 5}}, status: 439, words: "operation code 5"},
	} {
		t.Run(name, func(t *testing.T) {
			s := carry(t, Limits{})
			to := map[Side]*net.TCPConn{Client: s.client, Function: s.function}
			for from, sent := range map[Side]ws.Frame{Client: c.client, Function: c.function} {
				if sent.Header.OpCode == 0 && c.drop != from {
					continue
				}
				if c.drop == from {
					check(t, to[from].Close())
					continue
				}
				raw := frame(t, sent)
				send(t, to[from], raw)
				if sent.Header.OpCode == ws.OpClose { // arrives, and is answered
					receive(t, to[from.other()], raw)
					send(t, to[from.other()], frame(t, closing(1000)))
				}
			}
			err := s.end(t)
			end, _ := errors.AsType[*EndError](err)
			switch {
			case c.status == 0 && err != nil:
				t.Errorf("ends with %v", err)
			case c.status != 0 && (end == nil || end.Status.Code != c.status || !strings.Contains(end.Reason, c.words)):
				t.Errorf("ends with %v; want %d, %s", err, c.status, c.words)
			}
			for _, side := range to { // both are closed
				if _, err := io.Copy(io.Discard, side); err != nil && c.drop == "" && c.status == 0 {
					t.Error(err)
				}
			}
		})
	}
}

func TestFragmentsCountAsOneMessage(t *testing.T) {
	s := carry(t, Limits{MessageBytes: 1 << 10})
	send(t, s.client, frame(t, ws.NewFrame(ws.OpText, false, make([]byte, 1000))))
	send(t, s.client, frame(t, ws.NewFrame(ws.OpContinuation, true, make([]byte, 1000))))
	if err := s.end(t); !errors.Is(err, ErrTooBig) {
		t.Error(err)
	}
}

func TestACloseThatNobodyAnswersIsOneAllTheSame(t *testing.T) {
	s := carry(t, Limits{})
	send(t, s.client, frame(t, ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))))
	if err := s.end(t); err != nil {
		t.Error(err)
	}
}

func TestSilenceEndsAConnection(t *testing.T) {
	s := carry(t, Limits{Idle: 300 * time.Millisecond})
	began := time.Now()
	ping := frame(t, ws.NewPingFrame(nil))
	for range 4 { // which keeps it alive longer than the limit
		time.Sleep(100 * time.Millisecond)
		send(t, s.function, ping)
		receive(t, s.client, ping)
	}
	err := s.end(t)
	if end, ok := errors.AsType[*EndError](err); !ok || end.Status.Code != contract.StatusWebSocketIdle.Code || !errors.Is(err, ErrIdle) {
		t.Errorf("ends with %v", err)
	}
	if waited := time.Since(began); waited < 600*time.Millisecond {
		t.Errorf("ends after %s, although something was sent", waited)
	}
}

func TestAClientThatSendsTooFastIsHeldBack(t *testing.T) {
	s := carry(t, Limits{ClientMessagesPerSecond: 20})
	one := frame(t, ws.NewTextFrame([]byte("x")))
	began := time.Now()
	send(t, s.client, bytes.Repeat(one, 30)) // 20 at once, and 10 at 50 ms each
	receive(t, s.function, bytes.Repeat(one, 30))
	heldBack := time.Since(began)
	if heldBack < 400*time.Millisecond {
		t.Errorf("30 messages took %s at 20 a second", heldBack)
	}
	began = time.Now()
	send(t, s.function, bytes.Repeat(one, 30))
	receive(t, s.client, bytes.Repeat(one, 30))
	if waited := time.Since(began); waited > heldBack/2 {
		t.Errorf("the function was held back for %s, the client for %s", waited, heldBack)
	}
	_ = s.client.Close()
	_ = s.end(t)
}

func TestTheTimeoutOfTheFunctionIsNotItsClose(t *testing.T) {
	s := carry(t, Limits{})
	check(t, s.upstream.SetDeadline(time.Unix(1, 0)))
	if err := s.end(t); !errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, new(*EndError)) {
		t.Errorf("ends with %v", err)
	}
}

// FuzzCarry holds that no bytes of a side bring down the relay or keep it.
func FuzzCarry(f *testing.F) {
	f.Add([]byte{0x81, 0x85, 1, 2, 3, 4, 'h', 'e', 'l', 'l', 'o'})
	f.Add([]byte{0x88, 0x02, 0x03, 0xe8})
	f.Add([]byte{0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x02, 0x7e, 0x04, 0x00})
	f.Fuzz(func(t *testing.T, raw []byte) {
		client, ours := net.Pipe()
		function, upstream := net.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- Carry(ours, upstream, Limits{MessageBytes: 1 << 10}) }()
		go func() { _, _ = io.Copy(io.Discard, function) }()
		go func() { _, _ = io.Copy(io.Discard, client) }()
		_, _ = client.Write(raw) // which fails where the connection was cut
		_ = client.Close()
		_ = function.Close()
		<-ended
	})
}
