package instance

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// ErrCallerGone is for Call.Deliver to return when the caller does not take the answer any more.
var ErrCallerGone = errors.New("the caller has gone")

// EndError is for Call.Deliver to return when it knows how the request ended: the platform's status and its words.
type EndError struct {
	Status  contract.Status
	Message string
}

func (e *EndError) Error() string { return e.Message }

// Errors of an exchange that are the function's doing.
var (
	// errTooLarge is a response body over the limit.
	errTooLarge = errors.New("response over the limit")
	// errHeadTooLarge is a response head over the limit.
	errHeadTooLarge = errors.New("response header over the limit")
	// errInformed is a function that answers 1xx again and again.
	errInformed = errors.New("more than 8 informational responses (1xx) and no answer")
)

const (
	// headBytes bounds the head of any response; HTTP functions have the contract's own limit on top.
	headBytes = 1 << 20
	// inlineBytes of a body fit into a socket's buffers, so that a function which answers without reading them cannot
	// hold up their sender.
	inlineBytes = 64 << 10
	readerBytes = 16 << 10
	maxInforms  = 8
	// idleMost is below the times after which servers close a connection that is kept open (2 s and more): a request
	// must not meet its end, and must not be sent twice.
	idleMost = time.Second
)

// wire is one connection to the function's server. The protocol is spoken here, and not by a client library, because
// the request has to arrive byte for byte as it was given, and because what the function gets wrong has to be named.
type wire struct {
	net.Conn
	reader   *bufio.Reader
	writer   *bufio.Writer
	room     int64 // bytes that the head may still have; negative means no bound
	since    time.Time
	used     bool          // it has served a request before
	heard    bool          // bytes have come since the last request was sent
	raw      *bytes.Buffer // takes a copy of what comes, where the answer's framing is looked at
	informed int           // how many informational answers came before the answer
}

// Read bounds the head of a response.
func (w *wire) Read(p []byte) (int, error) {
	if w.room == 0 {
		return 0, errHeadTooLarge
	}
	if w.room > 0 && int64(len(p)) > w.room {
		p = p[:w.room]
	}
	n, err := w.Conn.Read(p)
	w.heard = w.heard || n > 0
	if w.raw != nil && w.raw.Len() < headBytes {
		_, _ = w.raw.Write(p[:n]) // into memory
	}
	if w.room > 0 {
		w.room -= int64(n)
	}
	return n, err //nolint:wrapcheck // judged by the caller
}

// wires are the connections to one instance.
type wires struct {
	dial func(context.Context) (net.Conn, error)

	mu     sync.Mutex
	idle   []*wire
	closed bool
}

// get gives a connection: one that is open and silent, or a new one.
func (w *wires) get(ctx context.Context, deadline time.Time) (*wire, error) {
	for {
		w.mu.Lock()
		n := len(w.idle)
		if n == 0 {
			w.mu.Unlock()
			break
		}
		found := w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		if time.Since(found.since) < idleMost && found.reader.Buffered() == 0 && quiet(found.Conn) {
			return found, nil
		}
		_ = found.Close()
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := w.dial(ctx)
	if err != nil {
		return nil, err
	}
	made := &wire{Conn: conn}
	made.reader, made.writer = bufio.NewReaderSize(made, readerBytes), bufio.NewWriterSize(conn, readerBytes)
	return made, nil
}

func (w *wires) put(used *wire) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = used.Close()
		return
	}
	used.since, used.used = time.Now(), true
	w.idle = append(w.idle, used)
}

func (w *wires) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, idle := range w.idle {
		_ = idle.Close()
	}
	w.idle = nil
}

// Answer is the function's answer while it arrives.
type Answer struct {
	Status int
	Header http.Header
	// Trailer is complete once Body has ended.
	Trailer func() http.Header
	// Body fails with an error that is judged as the function's when it breaks off or is too large.
	Body io.Reader
	// Length is -1 where it is not told ahead.
	Length int64
	// Tunnel is the connection itself once its protocol was switched, with status 101; nil otherwise. It ends with Deliver.
	Tunnel io.ReadWriteCloser
}

// exchange sends a call and hands the answer to deliver as it arrives. What deliver returns is returned;
// every other error is between the function and us.
func (w *wires) exchange(ctx context.Context, call *Call, keepAlive bool, deliver func(*Answer) error) error {
	deadline := time.Now().Add(call.Timeout)
	for {
		conn, err := w.get(ctx, deadline)
		if err != nil {
			return err
		}
		again, err := w.exchangeOver(ctx, conn, deadline, call, keepAlive, deliver)
		if !again {
			return err
		}
	}
}

// sendTime is how long the rest of a request may take to be sent on a connection that was closed by the function.
const sendTime = 100 * time.Millisecond

// exchangeOver is an exchange over one connection. It tells to try again where the function closed a connection that was
// kept open before it could read the request: that is its right at any time.
func (w *wires) exchangeOver(ctx context.Context, conn *wire, deadline time.Time, call *Call, keepAlive bool, deliver func(*Answer) error) (again bool, err error) {
	conn.heard, conn.raw = false, nil
	if call.Framing != nil {
		conn.raw = &bytes.Buffer{}
	}
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	sent := conn.send(call, keepAlive)
	response, err := conn.receive(call) //nolint:bodyclose // hand reads it to its end; the connection is kept or closed here
	if err != nil {
		retry := stop() && conn.used && !conn.heard
		var sendErr error
		if retry { // only what was sent is answered by a reset; a function that half closes and reads on is not waited for
			select {
			case sendErr = <-sent:
				again = unread(conn.Conn)
			case <-time.After(sendTime):
				retry = false
			}
		}
		_ = conn.Close()
		if !retry {
			sendErr = <-sent
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.Join(fmt.Errorf("the function closed the connection without a complete answer: %w", err), sendErr)
		}
		return again, err
	}
	if response.StatusCode == http.StatusSwitchingProtocols {
		err = deliver(&Answer{Status: response.StatusCode, Header: response.Header, Tunnel: struct {
			io.Reader
			io.WriteCloser
		}{conn.reader, conn.Conn}})
		stop()
		_ = conn.Close()
		return false, err
	}
	err = hand(call, response, deliver)
	if call.Framing != nil {
		*call.Framing = framing(conn.raw.Bytes(), conn.informed, response, conn.reader.Buffered())
	}
	clean := stop() && keepAlive && !response.Close && conn.reader.Buffered() == 0
	select {
	case sendErr := <-sent:
		clean = clean && sendErr == nil
	default:
		clean = false // it answered before it had read the request
	}
	if err == nil && clean {
		w.put(conn)
		return false, nil
	}
	_ = conn.Close()
	return false, err
}

// hand checks the head of an answer and gives it to deliver.
func hand(call *Call, response *http.Response, deliver func(*Answer) error) error {
	body := &limited{reader: response.Body, left: contract.MaxResponseBytes}
	answer := &Answer{
		Status: response.StatusCode, Header: response.Header, Length: response.ContentLength, Body: body,
		Trailer: func() http.Header { return response.Trailer },
	}
	switch {
	case !call.Event && headerBytes(response.Header) > contract.MaxResponseHeaderBytes:
		return errHeadTooLarge
	case response.ContentLength > contract.MaxResponseBytes && call.Method != http.MethodHead:
		return errTooLarge
	}
	if call.Event {
		answer.unpack(body)
	}
	if err := deliver(answer); err != nil {
		return err
	}
	// What was not read is read to the end, so that the connection is known to be clean.
	_, err := io.Copy(io.Discard, answer.Body)
	return err //nolint:wrapcheck // judged by the caller
}

// send writes the request. A long body goes its own way, because the function may answer before it has read it.
func (w *wire) send(call *Call, keepAlive bool) <-chan error {
	sent := make(chan error, 1)
	writeHead(w.writer, call, keepAlive)
	write := func() {
		if err := call.writeBody(w.writer); err != nil {
			sent <- err
			return
		}
		sent <- w.writer.Flush() // a writer keeps its first error
	}
	if call.length() > inlineBytes {
		go write()
	} else {
		write()
	}
	return sent
}

// writeHead writes the request line and the header as given. What may stand in them is checked where they come in.
func writeHead(w *bufio.Writer, call *Call, keepAlive bool) {
	write := func(parts ...string) {
		for _, part := range parts {
			_, _ = w.WriteString(part)
		}
	}
	write(call.Method, " ", call.Target, " HTTP/1.1\r\nHost: ", call.Host, "\r\n")
	names := make([]string, 0, len(call.Header))
	for name := range call.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch http.CanonicalHeaderKey(name) {
		case "Host", "Content-Length", "Connection", "Transfer-Encoding": // are ours to say
			continue
		}
		for _, value := range call.Header[name] {
			write(name, ": ", value, "\r\n")
		}
	}
	if length := call.length(); length > 0 || call.Method == http.MethodPost || call.Method == http.MethodPut || call.Method == http.MethodPatch {
		write("Content-Length: ", strconv.FormatInt(length, 10), "\r\n")
	}
	switch {
	case call.Upgrade != "":
		write("Connection: Upgrade\r\nUpgrade: ", call.Upgrade, "\r\n")
	case !keepAlive:
		write("Connection: close\r\n")
	}
	write("\r\n")
}

// receive reads the head of the answer, past informational ones.
func (w *wire) receive(call *Call) (*http.Response, error) {
	w.room = headBytes
	for w.informed = range maxInforms {
		response, err := http.ReadResponse(w.reader, &http.Request{Method: call.Method})
		if err != nil {
			return nil, err //nolint:wrapcheck // judged by the caller
		}
		if response.StatusCode >= http.StatusOK || call.Upgrade != "" && response.StatusCode == http.StatusSwitchingProtocols {
			w.room = -1
			return response, nil
		}
	}
	return nil, errInformed
}

// unpack takes a compressed answer to an event apart, as the platform's own client does (contract/runtime.md 7.2).
func (a *Answer) unpack(body *limited) {
	if !strings.EqualFold(a.Header.Get("Content-Encoding"), "gzip") {
		return
	}
	a.Header.Del("Content-Encoding")
	a.Header.Del("Content-Length")
	a.Length = -1
	a.Body = &limited{reader: &gunzip{packed: body}, left: contract.MaxResponseBytes}
}

// gunzip opens the stream when its first bytes are asked for.
type gunzip struct {
	packed io.Reader
	reader *gzip.Reader
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.reader == nil {
		reader, err := gzip.NewReader(g.packed)
		if err != nil {
			return 0, fmt.Errorf("the answer is not gzip as its Content-Encoding says: %w", err)
		}
		g.reader = reader
	}
	return g.reader.Read(p) //nolint:wrapcheck // judged by the caller
}

// limited fails with errTooLarge after so many bytes.
type limited struct {
	reader io.Reader
	left   int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.reader.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err //nolint:wrapcheck // judged by the caller
}

// headerBytes are the keys and values of a header, as the limit of HTTP functions counts them.
func headerBytes(header http.Header) int {
	total := 0
	for name, values := range header {
		for _, value := range values {
			total += len(name) + len(value)
		}
	}
	return total
}

// collect reads a whole answer into memory.
func collect(outcome *Outcome) func(*Answer) error {
	return func(answer *Answer) error {
		outcome.HTTPStatus, outcome.Header = answer.Status, answer.Header
		var body bytes.Buffer
		_, err := body.ReadFrom(answer.Body)
		outcome.Body = body.Bytes()
		return err //nolint:wrapcheck // judged by the caller
	}
}
