package serve

import (
	"strconv"
	"testing"

	"github.com/scfcert/scfcert/mockplatform"
)

func TestAConsoleThatIsSlowIsToldHowMuchItMisses(t *testing.T) {
	var printed, missed int
	l := newLive(func(lines []mockplatform.LogEntry, left int) { printed, missed = printed+len(lines), missed+left }, func() {})
	l.begin(mockplatform.LogEntry{RequestID: "id"})
	for n := range waitingLines + 6 {
		l.hear(mockplatform.LogEntry{RequestID: "id", LogLine: mockplatform.LogLine{Text: strconv.Itoa(n)}})
	}
	kept := l.lines(func(e *mockplatform.LogEntry) bool { return e.RequestID == "id" })
	if len(kept) != runningLines || kept[len(kept)-1].Text != strconv.Itoa(waitingLines+5) {
		t.Errorf("%d lines are kept of the request; want the newest %d", len(kept), runningLines)
	}
	l.flush()
	l.end(mockplatform.LogEntry{RequestID: "id"}, nil)
	if printed != waitingLines || missed != 7 {
		t.Errorf("%d lines are printed and %d told as missing; want %d and 7", printed, missed, waitingLines)
	}
	l.hear(mockplatform.LogEntry{RequestID: "id"})
	if left := l.lines(func(*mockplatform.LogEntry) bool { return true }); len(left) != 0 {
		t.Errorf("%d lines are kept of a request that has ended", len(left))
	}
}
