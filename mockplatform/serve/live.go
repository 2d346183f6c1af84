package serve

import (
	"slices"
	"strings"
	"sync"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

// Bounds of what is kept of lines that are under way.
const (
	waitingLines = 10_000 // for a console that is slow; more are left out of it
	runningLines = 1000   // of a request that has not ended; the newest
)

// live is the output of functions while it comes: for the console at once, and for the page until the request has ended and
// its log is filed.
type live struct {
	show    func([]mockplatform.LogEntry, int) // lines, and how many were left out
	changed func()

	mu      sync.Mutex
	waiting []mockplatform.LogEntry
	left    int // lines that were left out
	poke    chan struct{}
	running map[string][]mockplatform.LogEntry // by request id

	printing sync.Mutex
}

func newLive(show func([]mockplatform.LogEntry, int), changed func()) *live {
	return &live{show: show, changed: changed, poke: make(chan struct{}, 1), running: map[string][]mockplatform.LogEntry{}}
}

// hear takes a line of a function. It never blocks: the function would stand still.
func (l *live) hear(line mockplatform.LogEntry) {
	l.mu.Lock()
	l.wait(line)
	if known, ok := l.running[line.RequestID]; ok {
		if len(known) >= runningLines {
			known = known[1:]
		}
		l.running[line.RequestID] = append(known, line)
	}
	l.mu.Unlock()
	l.poked()
}

// wait has a line wait to be printed, with the lock held.
func (l *live) wait(line mockplatform.LogEntry) {
	if len(l.waiting) < waitingLines {
		l.waiting = append(l.waiting, line)
	} else {
		l.left++
	}
}

func (l *live) poked() {
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

// begin keeps the lines of a request from now on, and prints its first one.
func (l *live) begin(first mockplatform.LogEntry) {
	l.mu.Lock()
	l.running[first.RequestID] = []mockplatform.LogEntry{first}
	l.wait(first)
	l.mu.Unlock()
	l.poked()
}

// end forgets a request, and prints what the platform has to say of it. The function's own lines have been heard.
func (l *live) end(about mockplatform.LogEntry, lines []mockplatform.LogLine) {
	l.mu.Lock()
	_, begun := l.running[about.RequestID]
	delete(l.running, about.RequestID)
	for n, line := range lines {
		if line.Source == mockplatform.FromPlatform && (n > 0 || !begun) { // the first one was printed when it began
			about.LogLine = line
			l.wait(about)
		}
	}
	l.mu.Unlock()
	l.poked()
}

// lines are those of requests that have not ended, in the order of time.
func (l *live) lines(selects func(*mockplatform.LogEntry) bool) []mockplatform.LogEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []mockplatform.LogEntry
	for _, lines := range l.running {
		for n := range lines {
			if selects(&lines[n]) {
				found = append(found, lines[n])
			}
		}
	}
	slices.SortStableFunc(found, func(a, b mockplatform.LogEntry) int { return a.At.Compare(b.At) })
	return found
}

// flush prints what waits. When it returns, everything is printed that was heard before.
func (l *live) flush() {
	l.printing.Lock()
	defer l.printing.Unlock()
	l.mu.Lock()
	waiting, left := l.waiting, l.left
	l.waiting, l.left = nil, 0
	l.mu.Unlock()
	if len(waiting) > 0 || left > 0 {
		l.show(waiting, left)
	}
}

// run prints what comes until done is closed.
func (l *live) run(done <-chan struct{}) {
	for {
		select {
		case <-l.poke:
			l.flush()
			l.changed()
		case <-done:
			l.flush()
			return
		}
	}
}

// began hears of every invocation that is taken up.
func (s *Server) began(i mockplatform.Invocation) {
	r := i.Result
	shown := running(r.RequestID, i.Function.Spec().Name, "event", 1)
	if shown.Started = r.Started; !r.Event {
		shown.Kind, shown.Method, shown.Path = "http", i.Method, i.Target
	}
	s.records.begin(shown)
	s.live.begin(mockplatform.LogEntry{
		Function: shown.Function, RequestID: r.RequestID,
		LogLine: mockplatform.LogLine{Source: mockplatform.FromPlatform, At: r.Started, Text: contract.StartLine(r.RequestID)},
	})
}

// soFar is the lines of a request that has not ended.
func (s *Server) soFar(requestID string) []page.Line {
	return s.shownLines(s.live.lines(func(e *mockplatform.LogEntry) bool { return e.RequestID == requestID }))
}

// underWay is the lines of a function's requests that have not ended.
func (s *Server) underWay(function, contains string) []page.Line {
	return s.shownLines(s.live.lines(func(e *mockplatform.LogEntry) bool {
		return (function == "" || e.Function == function) && strings.Contains(e.Text, contains)
	}))
}
