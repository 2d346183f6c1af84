// Package tunnel carries a WebSocket connection between a client and a function, byte for byte, and tells how it ended.
// It implements contract/gateway.md 8 with the limits of contract/runtime.md Q15.
package tunnel

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/time/rate"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// Side is one end of a connection.
type Side string

// The two sides.
const (
	Client   Side = "client"
	Function Side = "function"
)

// Limits are what a connection may do.
type Limits struct {
	// Idle is the time without a frame of either side after which the connection is cut; 0 means never.
	Idle time.Duration
	// MessageBytes is the size of the largest message of either side, over which the connection is cut.
	MessageBytes int64
	// ClientBytesPerSecond and ClientMessagesPerSecond hold back a client that sends faster.
	ClientBytesPerSecond, ClientMessagesPerSecond int
}

// DefaultLimits are those of the newest page (contract/runtime.md Q15).
func DefaultLimits(idle time.Duration) Limits {
	return Limits{
		Idle: idle, MessageBytes: contract.MaxWebSocketMessageBytes,
		ClientBytesPerSecond: contract.WebSocketBytesPerSecond, ClientMessagesPerSecond: contract.WebSocketMessagesPerSecond,
	}
}

// EndError tells how a connection ended other than well. Is and As look into its cause.
type EndError struct {
	Status contract.Status // 439, 455 or 456
	Reason string          // what happened, in a sentence
	cause  error
}

func (e *EndError) Error() string { return e.Reason }

func (e *EndError) Unwrap() error { return e.cause }

// Causes of an EndError. How a side ended is none of them where it closed with a code.
var (
	ErrIdle    = errors.New("idle")
	ErrTooBig  = errors.New("message over the limit")
	ErrNoFrame = errors.New("no WebSocket frame")
	// ErrDropped is a connection that ended without a close frame.
	ErrDropped = errors.New("connection dropped")
)

// closeGrace is how long the other side may take to answer a close frame.
const closeGrace = time.Second

// relay is one connection on its way.
type relay struct {
	limits Limits
	alive  chan struct{} // a frame has come
	over   chan struct{} // an end has come
	first  sync.Once
	end    ended // the one that came first
}

// ending notes how a direction ends, if it is the first one to. A close frame is noted before it goes on its way.
func (r *relay) ending(e ended) {
	r.first.Do(func() {
		r.end = e
		close(r.over)
	})
}

// ended is how one direction came to its end.
type ended struct {
	from   Side
	code   ws.StatusCode // of a close frame
	closed bool          // there was one
	err    error
}

// Carry carries frames between the two sides until one closes, and closes both. It is nil after a close with the codes
// 1000, 1010 or 1011, the error of the function's connection where that failed with a deadline, and else an *EndError.
func Carry(client, function io.ReadWriteCloser, limits Limits) error {
	ctx, cancel := context.WithCancel(context.Background())
	r := &relay{limits: limits, alive: make(chan struct{}, 1), over: make(chan struct{})}
	var running sync.WaitGroup
	running.Go(func() { r.direction(ctx, Client, function, client) })
	running.Go(func() { r.direction(ctx, Function, client, function) })
	err := r.wait()
	if err == nil {
		if err = r.end.judge(); r.end.closed {
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				running.Wait()
			}()
			select {
			case <-answered:
			case <-time.After(closeGrace):
			}
		}
	}
	cancel()
	_ = client.Close()
	_ = function.Close()
	running.Wait()
	return err
}

// wait waits for an end, or for nothing to happen for too long.
func (r *relay) wait() error {
	var idle <-chan time.Time
	timer := time.NewTimer(r.limits.Idle)
	defer timer.Stop()
	if r.limits.Idle > 0 {
		idle = timer.C
	}
	for {
		select {
		case <-r.over:
			return nil
		case <-r.alive:
			timer.Reset(r.limits.Idle)
		case <-idle:
			return &EndError{contract.StatusWebSocketIdle, fmt.Sprintf("no WebSocket frame for %s, the idle timeout of the function", r.limits.Idle), ErrIdle}
		}
	}
}

// judge is the table of contract/gateway.md 8.
func (e ended) judge() error {
	status := contract.StatusWebSocketClientClose
	if e.from == Function {
		status = contract.StatusProcessExit
	}
	switch {
	case e.closed && (e.code == ws.StatusNormalClosure || e.code == ws.StatusMandatoryExt || e.code == ws.StatusInternalServerError):
		return nil
	case e.closed && e.code == ws.StatusNoStatusRcvd:
		return &EndError{status, "the " + string(e.from) + " closed the WebSocket without a code; only 1000, 1010 and 1011 count as success", nil}
	case e.closed:
		return &EndError{status, fmt.Sprintf("the %s closed the WebSocket with code %d; only 1000, 1010 and 1011 count as success", e.from, e.code), nil}
	case errors.Is(e.err, ErrTooBig), errors.Is(e.err, ErrNoFrame):
		return &EndError{status, "the " + string(e.from) + " sent " + e.err.Error(), e.err}
	case e.from == Function:
		if timeout, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](e.err); ok && timeout.Timeout() {
			return e.err
		}
	}
	return &EndError{status, "the " + string(e.from) + " ended the connection without a close frame", errors.Join(ErrDropped, e.err)}
}

// failed is an error of writing to a side, which is that side's end.
type failed struct{ error }

func (f failed) Unwrap() error { return f.error }

// direction carries frames of one side to the other.
func (r *relay) direction(ctx context.Context, from Side, to io.Writer, source io.Reader) {
	reader, writer := bufio.NewReader(source), bufio.NewWriter(to)
	pace := r.pace(from)
	message := int64(0)
	for {
		closed, err := r.frame(ctx, from, reader, writer, pace, &message)
		switch {
		case closed && err == nil:
			return
		case errors.As(err, new(failed)):
			r.ending(ended{from: from.other(), err: err})
			return
		case err != nil:
			r.ending(ended{from: from, err: err})
			return
		}
	}
}

func (s Side) other() Side {
	if s == Client {
		return Function
	}
	return Client
}

// frame carries one frame, and tells whether it was a close frame.
func (r *relay) frame(ctx context.Context, from Side, reader *bufio.Reader, writer *bufio.Writer, pace func(context.Context, ws.Header) error, message *int64) (closed bool, err error) {
	var head bytes.Buffer
	header, err := ws.ReadHeader(io.TeeReader(reader, &head))
	switch {
	case errors.Is(err, ws.ErrHeaderLengthMSB), errors.Is(err, ws.ErrHeaderLengthUnexpected):
		return false, fmt.Errorf("%w: %w", ErrNoFrame, err)
	case err != nil:
		return false, err //nolint:wrapcheck // judged by its side
	case header.OpCode.IsControl() && (header.Length > ws.MaxControlFramePayloadSize || !header.Fin):
		return false, fmt.Errorf("%w: a control frame of %d bytes", ErrNoFrame, header.Length)
	case header.OpCode.IsReserved():
		return false, fmt.Errorf("%w: operation code %d", ErrNoFrame, header.OpCode)
	}
	select {
	case r.alive <- struct{}{}:
	default:
	}
	if header.OpCode.IsData() {
		if *message += header.Length; *message > r.limits.MessageBytes {
			return false, fmt.Errorf("a %w: more than %d KB", ErrTooBig, r.limits.MessageBytes>>10) //nolint:mnd // KB
		}
		if header.Fin {
			*message = 0
		}
		if err := pace(ctx, header); err != nil {
			return false, err
		}
	}
	if _, err := writer.Write(head.Bytes()); err != nil {
		return false, failed{err}
	}
	if header.OpCode == ws.OpClose {
		return true, r.closeFrame(from, header, reader, writer)
	}
	if _, err := io.CopyN(sink{writer}, reader, header.Length); err != nil {
		return false, err //nolint:wrapcheck // judged by its side
	}
	if reader.Buffered() > 0 {
		return false, nil // more to come
	}
	if err := writer.Flush(); err != nil {
		return false, failed{err}
	}
	return false, nil
}

// sink marks errors of writing.
type sink struct{ io.Writer }

func (s sink) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	if err != nil {
		err = failed{err}
	}
	return n, err
}

// closeFrame reads the code of a close frame and carries the rest of it.
func (r *relay) closeFrame(from Side, header ws.Header, reader io.Reader, writer *bufio.Writer) error {
	payload := make([]byte, header.Length)
	if _, err := io.ReadFull(reader, payload); err != nil {
		return err //nolint:wrapcheck // judged by its side
	}
	plain := payload
	if header.Masked {
		plain = bytes.Clone(payload)
		ws.Cipher(plain, header.Mask, 0)
	}
	end := ended{from: from, closed: true, code: ws.StatusNoStatusRcvd}
	if len(plain) >= 2 { //nolint:mnd // the code's two bytes
		end.code = ws.StatusCode(binary.BigEndian.Uint16(plain))
	}
	r.ending(end)
	_, _ = writer.Write(payload)
	_ = writer.Flush() // who has closed does not wait for it to arrive
	return nil
}

// pace holds a client back that sends too fast; a function is never held back.
func (r *relay) pace(from Side) func(context.Context, ws.Header) error {
	if from == Function {
		return func(context.Context, ws.Header) error { return nil }
	}
	messages, bytes := rate.NewLimiter(rate.Inf, 0), rate.NewLimiter(rate.Inf, 0)
	if n := r.limits.ClientMessagesPerSecond; n > 0 {
		messages = rate.NewLimiter(rate.Limit(n), n)
	}
	if n := r.limits.ClientBytesPerSecond; n > 0 {
		bytes = rate.NewLimiter(rate.Limit(n), max(n, int(r.limits.MessageBytes))) // a largest message has to get through
	}
	return func(ctx context.Context, header ws.Header) error {
		if header.OpCode != ws.OpContinuation {
			if err := messages.Wait(ctx); err != nil {
				return err //nolint:wrapcheck // only when it is over
			}
		}
		return bytes.WaitN(ctx, int(header.Length)) //nolint:wrapcheck // only when it is over
	}
}
