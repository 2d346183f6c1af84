package instance

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"time"
)

// Stream names where a piece of output came from.
type Stream string

// The two streams of a container.
const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// windowBytes bounds what is kept of one request's output, with what came before it since the last one.
const windowBytes = 16 << 20

// tailBytes is kept of each stream whatever else was dropped: it explains how an instance ended.
const tailBytes = 8 << 10

// Chunk is a piece of output as it arrived. Its bytes are raw: not lines, and not text for certain.
type Chunk struct {
	Stream Stream
	At     time.Time
	Data   []byte
	// AfterResponse marks output that came after the last request was answered and before the next one.
	AfterResponse bool
}

// Window is the output of one stretch of an instance's life: its start-up or one request.
type Window struct {
	Chunks []Chunk
	// DroppedBytes counts what did not fit.
	DroppedBytes int64
	size         int
}

func (w *Window) add(c Chunk) {
	if w.size+len(c.Data) > windowBytes {
		keep := windowBytes - w.size
		w.DroppedBytes += int64(len(c.Data) - keep)
		c.Data = c.Data[:keep]
	}
	if len(c.Data) == 0 {
		return
	}
	w.size += len(c.Data)
	w.Chunks = append(w.Chunks, c)
}

// afterResponse marks all of it.
func afterResponse(w Window) Window {
	for n := range w.Chunks {
		w.Chunks[n].AfterResponse = true
	}
	return w
}

// join puts one window behind another.
func join(first, second Window) Window {
	return Window{Chunks: slices.Concat(first.Chunks, second.Chunks), DroppedBytes: first.DroppedBytes + second.DroppedBytes, size: first.size + second.size}
}

// split parts what came before a moment from what came since. What was dropped is counted with the latter.
func (w *Window) split(at time.Time) (before, since Window) {
	for _, c := range w.Chunks {
		if c.At.Before(at) {
			before.Chunks = append(before.Chunks, c)
		} else {
			since.Chunks = append(since.Chunks, c)
		}
	}
	since.DroppedBytes = w.DroppedBytes
	return before, since
}

// turn is the output from one fence to the next: the start-up, or what belongs to one request.
type turn struct {
	window Window
	first  bool   // nobody has been answered before: what came before the request is start-up
	left   int    // streams whose fence is still to come
	id     string // of the request, once it has begun
	done   chan struct{}
	taken  bool              // nobody reads the window any more
	broken map[Stream][]byte // fences that could not be written
}

func newTurn() *turn { return &turn{left: 2, done: make(chan struct{})} }

// recorder takes an instance's output apart. It never blocks the writer: an output that nobody reads would stop the
// function itself.
//
// With one request at a time a fence, written into both streams after the answer, ends the output of each; what
// follows it belongs to the next. With several, lines are told apart: a line goes to the request whose id it holds,
// any other to the one that began last (contract/runtime.md 9.2, S11).
type recorder struct {
	mu      sync.Mutex
	turn    *turn // of the request under way, or of the next
	startup *turn // nil until a fence has ended it
	streams map[Stream]*stream
	notify  chan struct{} // poked at every piece of output
	shared  bool
	active  []*activeCall // requests under way, where several may be; the last began last
	ended   []*activeCall // those that have ended last
	strays  []Stray
	live    func(Line)
}

// endedCalls are remembered for lines that come late.
const endedCalls = 256

// Stray is output that came after its request had been finished.
type Stray struct {
	RequestID string
	Window    Window
}

// activeCall is a request under way beside others.
type activeCall struct {
	id     []byte
	window Window
}

// stream is one of the two, with the fences that are under way in it.
type stream struct {
	turn   *turn
	fences []fence
	held   []byte // the beginning of what may become the first of them
	tail   []byte
	line   []byte // the beginning of a line, where lines are told apart
	said   []byte // the beginning of a line that is told when it ends
}

// fence is a marker with the turn that begins behind it.
type fence struct {
	marker []byte
	next   *turn
}

// lineBytes is when the beginning of a line is filed without its end.
const lineBytes = 1 << 20

func newRecorder(shared bool, live func(Line)) *recorder {
	t := newTurn()
	t.first = true
	return &recorder{shared: shared, live: live, turn: t, notify: make(chan struct{}, 1), streams: map[Stream]*stream{Stdout: {turn: t}, Stderr: {turn: t}}}
}

// writer is the io.Writer of one stream.
type writer struct {
	recorder *recorder
	name     Stream
}

func (r *recorder) writer(name Stream) writer { return writer{r, name} }

// Write records and never fails.
func (w writer) Write(data []byte) (int, error) {
	w.recorder.record(w.name, data)
	return len(data), nil
}

func (r *recorder) record(name Stream, data []byte) {
	r.mu.Lock()
	s := r.streams[name]
	rest := data
	if len(s.held) > 0 {
		rest = slices.Concat(s.held, data)
		s.held = nil
	}
	for len(s.fences) > 0 {
		marker := s.fences[0].marker
		at := bytes.Index(rest, marker)
		if at < 0 {
			if n := prefixAtEnd(rest, marker); n > 0 {
				s.held = bytes.Clone(rest[len(rest)-n:])
				rest = rest[:len(rest)-n]
			}
			break
		}
		r.keep(s, name, rest[:at])
		rest = rest[at+len(marker):]
		r.pass(s, name)
	}
	r.keep(s, name, rest)
	r.mu.Unlock()
	select {
	case r.notify <- struct{}{}:
	default:
	}
}

// pass goes past the first fence of a stream; the lock is held. A line that has no end by then has been said.
func (r *recorder) pass(s *stream, name Stream) {
	if len(s.said) > 0 {
		r.live(Line{RequestID: s.turn.id, Stream: name, At: time.Now(), Text: string(s.said)})
		s.said = nil
	}
	if s.turn.left--; s.turn.left == 0 {
		close(s.turn.done)
	}
	s.turn = s.fences[0].next
	s.fences = s.fences[1:]
}

// keep files a piece of output; the lock is held.
func (r *recorder) keep(s *stream, name Stream, data []byte) {
	if len(data) == 0 {
		return
	}
	if r.shared && s.turn != r.startup {
		r.sort(s, name, data)
	} else {
		chunk := Chunk{Stream: name, At: time.Now(), Data: bytes.Clone(data)}
		r.tell(s, chunk)
		if s.turn.taken {
			r.turn.window.add(chunk) // its own request has been waiting for too long
		} else {
			s.turn.window.add(chunk)
		}
	}
	s.tail = append(s.tail, data...)
	if len(s.tail) > 2*tailBytes {
		s.tail = bytes.Clone(s.tail[len(s.tail)-tailBytes:])
	}
}

// tell tells of the lines that end in a piece of output; the lock is held.
func (r *recorder) tell(s *stream, chunk Chunk) {
	if r.live == nil {
		return
	}
	rest := chunk.Data
	for {
		at := bytes.IndexByte(rest, '\n')
		if at < 0 && len(s.said)+len(rest) < lineBytes {
			s.said = append(s.said, rest...)
			return
		}
		line := rest
		if rest = nil; at >= 0 {
			line, rest = line[:at], line[at+1:]
		}
		r.live(Line{RequestID: s.turn.id, Stream: chunk.Stream, At: chunk.At, Text: string(s.said) + string(line)})
		s.said = s.said[:0]
	}
}

// tellOf tells of a line whose request is known; the lock is held.
func (r *recorder) tellOf(id []byte, chunk Chunk) {
	if r.live != nil {
		r.live(Line{RequestID: string(id), Stream: chunk.Stream, At: chunk.At, Text: strings.TrimSuffix(string(chunk.Data), "\n")})
	}
}

// name tells the turn of now which request it is for.
func (r *recorder) name(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn.id = id
}

// sort files whole lines; the lock is held.
func (r *recorder) sort(s *stream, name Stream, data []byte) {
	for len(data) > 0 {
		at := bytes.IndexByte(data, '\n')
		if at < 0 {
			s.line = append(s.line, data...)
			if len(s.line) >= lineBytes {
				r.fileLine(s, name)
			}
			return
		}
		s.line = append(s.line, data[:at+1]...)
		data = data[at+1:]
		r.fileLine(s, name)
	}
}

// fileLine finds the request that a line belongs to; the lock is held.
func (r *recorder) fileLine(s *stream, name Stream) {
	line := s.line
	s.line = nil
	if len(line) == 0 {
		return
	}
	chunk := Chunk{Stream: name, At: time.Now(), Data: line}
	for _, call := range slices.Backward(r.active) {
		if bytes.Contains(line, call.id) {
			r.tellOf(call.id, chunk)
			call.window.add(chunk)
			return
		}
	}
	for _, call := range slices.Backward(r.ended) {
		if bytes.Contains(line, call.id) {
			r.tellOf(call.id, chunk)
			stray := Stray{RequestID: string(call.id)}
			chunk.AfterResponse = true
			stray.Window.add(chunk)
			r.strays = append(r.strays, stray)
			return
		}
	}
	if last := len(r.active) - 1; last >= 0 {
		r.tellOf(r.active[last].id, chunk)
		r.active[last].window.add(chunk)
	} else {
		r.tellOf(nil, chunk)
		r.turn.window.add(chunk)
	}
}

// begin opens a window for one request among several. What came while there was none is start-up, or late.
func (r *recorder) begin(id string) (call *activeCall, startup, late Window) {
	r.mu.Lock()
	defer r.mu.Unlock()
	call = &activeCall{id: []byte(id)}
	r.active = append(r.active, call)
	before := r.turn.window
	r.turn.window = Window{}
	if r.turn.first {
		return call, before, Window{}
	}
	return call, Window{}, afterResponse(before)
}

// finish closes it. Beginnings of lines are filed when nobody is left to whom their ends could belong.
func (r *recorder) finish(call *activeCall) (Window, []Stray) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.active) == 1 {
		for name, s := range r.streams {
			r.fileLine(s, name)
		}
	}
	if at := slices.Index(r.active, call); at >= 0 {
		r.active = slices.Delete(r.active, at, at+1)
		r.ended = append(r.ended, call)
		r.ended = r.ended[max(0, len(r.ended)-endedCalls):]
	}
	window, strays := call.window, r.strays
	call.window, r.strays = Window{}, nil
	return window, strays
}

// prefixAtEnd is the length of the longest end of data that begins the marker.
func prefixAtEnd(data, marker []byte) int {
	for n := min(len(data), len(marker)-1); n > 0; n-- {
		if data[len(data)-n] == marker[0] && bytes.Equal(data[len(data)-n:], marker[:n]) {
			return n
		}
	}
	return 0
}

// mark ends the turn with a fence that is about to be written into both streams. The next one begins behind it.
func (r *recorder) mark(marker []byte) *turn {
	r.mu.Lock()
	defer r.mu.Unlock()
	ended, next := r.turn, newTurn()
	if r.shared { // windows belong to requests, turns only tell when a fence came by
		next.window, ended.window = ended.window, Window{}
	}
	r.next(marker, next)
	return ended
}

// markStartup ends the start-up with a fence.
func (r *recorder) markStartup(marker []byte) *turn {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, s := range r.streams { // lines were told apart until now
		s.turn.window.add(Chunk{Stream: name, At: time.Now(), Data: s.line})
		s.line = nil
	}
	r.startup = r.turn
	next := newTurn()
	next.first = true
	r.next(marker, next)
	return r.startup
}

// next begins a turn behind a fence; the lock is held.
func (r *recorder) next(marker []byte, begun *turn) {
	r.turn = begun
	for _, s := range r.streams {
		s.fences = append(s.fences, fence{marker, begun})
	}
}

// takeStartup gives the output up to the fence that ended the start-up, once.
func (r *recorder) takeStartup() Window {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.startup == nil {
		return Window{}
	}
	r.startup.taken = true
	window := r.startup.window
	r.startup.window = Window{}
	return window
}

// skip goes past the fences of a stream that could not be written, or past all when marker is nil.
func (r *recorder) skip(name Stream, marker []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[name]
	for len(s.fences) > 0 {
		last := marker != nil && bytes.Equal(s.fences[0].marker, marker)
		held := s.held
		s.held = nil
		r.keep(s, name, held)
		r.pass(s, name)
		if last {
			return
		}
	}
}

// take gives the window of a turn, parted at the moment when its request began. What comes late goes to a later turn.
func (r *recorder) take(t *turn, began time.Time) (before, since Window) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.taken = true
	before, since = t.window.split(began)
	if !t.first {
		before = afterResponse(before)
	}
	t.window = Window{}
	return before, since
}

// takeGap gives what came between two fences while there was no request.
func (r *recorder) takeGap(gap *turn) Window {
	r.mu.Lock()
	defer r.mu.Unlock()
	gap.taken = true
	window := gap.window
	gap.window = Window{}
	if !gap.first {
		window = afterResponse(window)
	}
	return window
}

// rest takes what no request has claimed, and what came too late for its own.
func (r *recorder) rest() (Window, []Stray) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shared {
		for name, s := range r.streams {
			r.fileLine(s, name)
		}
	}
	rest := r.turn.window
	r.turn.window = Window{}
	if !r.turn.first {
		rest = afterResponse(rest)
	}
	strays := r.strays
	r.strays = nil
	return rest, strays
}

// tailOf is the end of a stream's output over the whole life of the instance.
func (r *recorder) tailOf(name Stream) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	tail := r.streams[name].tail
	if len(tail) > tailBytes {
		tail = tail[len(tail)-tailBytes:]
	}
	return string(tail)
}
