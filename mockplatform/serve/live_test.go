package serve

import (
	"bytes"
	"strconv"
	"testing"
	"time"

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

func TestTheConsoleShowsWhatIsAskedFor(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	lines := []mockplatform.LogEntry{
		{Function: "one", RequestID: "abcdef0123", LogLine: mockplatform.LogLine{Source: mockplatform.FromStdout, At: at, Text: "hello\x1b[2J"}},
		{Function: "two", LogLine: mockplatform.LogLine{Source: mockplatform.FromPlatform, At: at, Text: "START"}},
	}
	first, second := "03:04:05 one abcdef01 stdout   hello·[2J\n", "03:04:05 two -        platform START\n"
	for filter, want := range map[string]string{"": first + second, "one": first, "abcd": first, "START": second, "other": "", "abcdef0123z": ""} {
		var out bytes.Buffer
		c := console{to: &out, filter: filter, mask: func(text string) string { return text }}
		c.output(lines, 0)
		if out.String() != want {
			t.Errorf("%q shows %q, want %q", filter, out.String(), want)
		}
	}
}
