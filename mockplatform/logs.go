package mockplatform

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/instance"
)

// Source tells who wrote a log line.
type Source string

// The sources of log lines.
const (
	FromPlatform Source = "platform"
	FromStdout   Source = "stdout"
	FromStderr   Source = "stderr"
)

// LogLine is one line of a request's log.
type LogLine struct {
	Source Source
	At     time.Time
	Text   string // without the line's end; raw as the function wrote it
	// Init marks output of the start-up.
	Init bool
	// AfterResponse marks output that came after the request's answer. It is in the platform's log only: the result was
	// there before.
	AfterResponse bool
}

// LogEntry is a line in the platform's log store. Its members are those of the keys in contract/runtime.md 9.2.
type LogEntry struct {
	LogLine

	Namespace, Function, Qualifier string
	RequestID                      string
	Started                        time.Time
	Duration                       time.Duration
	PeakBytes                      int64
	StatusCode                     int
}

// LogQuery selects log entries. Zero members select everything.
type LogQuery struct {
	RequestID, Function string
	Since, Until        time.Time // of the line; Until is exclusive
	Contains            string
	Source              Source
	Limit               int // the newest so many
}

func (q LogQuery) selects(e *LogEntry) bool {
	return (q.RequestID == "" || q.RequestID == e.RequestID) && (q.Function == "" || q.Function == e.Function) &&
		(q.Since.IsZero() || !e.At.Before(q.Since)) && (q.Until.IsZero() || e.At.Before(q.Until)) &&
		(q.Source == "" || q.Source == e.Source) && strings.Contains(e.Text, q.Contains)
}

// logStore keeps the newest lines of all functions within a bound.
type logStore struct {
	maxBytes int

	mu      sync.Mutex
	batches []*batch
	bytes   int
	dropped int64
}

// batch is the lines that were filed together.
type batch struct {
	about LogEntry // what all of them share
	lines []LogLine
	bytes int
}

// lineOverhead is what a line takes beside its text, roughly.
const lineOverhead = 128

func (s *logStore) add(about LogEntry, lines []LogLine) {
	made := &batch{about: about, lines: lines}
	for n := range lines {
		made.bytes += len(lines[n].Text) + lineOverhead
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, made)
	s.bytes += made.bytes
	cut := 0
	for ; s.bytes > s.maxBytes && cut < len(s.batches); cut++ {
		s.bytes -= s.batches[cut].bytes
		s.dropped += int64(len(s.batches[cut].lines))
		s.batches[cut] = nil
	}
	s.batches = s.batches[cut:]
}

// Logs queries the log of all functions. Dropped counts the lines that were too old to be kept. Texts are raw: who
// shows them outside the process has to Mask them.
func (p *Platform) Logs(query LogQuery) (entries []LogEntry, dropped int64) {
	s := &p.logs
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.batches {
		entry := b.about
		for n := range b.lines {
			entry.LogLine = b.lines[n]
			if query.selects(&entry) {
				entries = append(entries, entry)
			}
		}
	}
	if query.Limit > 0 && len(entries) > query.Limit {
		entries = slices.Clone(entries[len(entries)-query.Limit:])
	}
	return entries, s.dropped
}

// file puts lines of a request into the store.
func (f *Function) file(requestID string, lines []LogLine, result Result) {
	if len(lines) == 0 {
		return
	}
	f.platform.logs.add(LogEntry{
		Namespace: f.spec.Namespace, Function: f.spec.Name, Qualifier: f.spec.Version, RequestID: requestID,
		Started: result.Started, Duration: result.Duration, PeakBytes: result.PeakBytes, StatusCode: result.Status.Code,
	}, lines)
}

// fileStrays puts output into the store that came too late for its request's result.
func (f *Function) fileStrays(strays []instance.Stray) {
	for _, stray := range strays {
		f.file(stray.RequestID, split(stray.Window, false), Result{})
	}
}

// Tail is the end of the request's log as an invoke result with LogType=Tail shows it: the last 4 KB
// (contract/runtime.md 8.1), cut at a character.
func (r *Result) Tail() string {
	var text []byte
	for n := len(r.Log) - 1; n >= 0 && len(text) <= contract.LogTailBytes; n-- {
		text = append([]byte(r.Log[n].Text+"\n"), text...)
	}
	if over := len(text) - contract.LogTailBytes; over > 0 {
		text = text[over:]
	}
	return strings.ToValidUTF8(string(text), "")
}

// log is the whole log of one invocation in the order of contract/runtime.md 9.1.
func (f *Function) log(result *Result, outcome *instance.Outcome) []LogLine {
	platform := func(at time.Time, text string) LogLine { return LogLine{Source: FromPlatform, At: at, Text: text} }
	ended := result.Started.Add(result.Duration)
	lines := []LogLine{platform(result.Started, contract.StartLine(result.RequestID))}
	if outcome != nil {
		lines = append(lines, split(outcome.Startup, true)...)
	}
	if cold := result.ColdStart; cold != nil {
		lines = append(lines, platform(result.Started, contract.InitReportLine(result.RequestID, cold.Pull, cold.Create+cold.Runtime, cold.Ready, f.spec.MemoryMB, cold.PeakBytes)))
	}
	if outcome != nil {
		lines = append(lines, split(outcome.Output, false)...)
	} else {
		lines = append(lines, tails(result, ended)...)
	}
	if result.Status.Code != contract.StatusSuccess.Code {
		lines = append(lines, platform(ended, contract.ErrorLine(result.RequestID, contract.InvokeErrorBody(result.Status, result.ErrorMessage, result.RequestID))))
	}
	switch {
	case f.spec.Type == Event:
		lines = append(lines, platform(ended, contract.ResponseLine(result.RequestID, result.Body)))
	case f.readings.WebResponseLine:
		lines = append(lines, platform(ended, contract.ResponseLine(result.RequestID, nil)))
	}
	return append(lines, platform(ended, contract.EndLine(result.RequestID)),
		platform(ended, contract.ReportLine(result.RequestID, result.Duration, f.spec.MemoryMB, result.PeakBytes)))
}

// tails is the output of an instance that did not start, as far as it was kept.
func tails(result *Result, at time.Time) []LogLine {
	var lines []LogLine
	for _, stream := range []struct {
		source Source
		tail   string
	}{{FromStdout, result.Evidence.StdoutTail}, {FromStderr, result.Evidence.StderrTail}} {
		for line := range strings.Lines(stream.tail) {
			lines = append(lines, LogLine{Source: stream.source, At: at, Text: strings.TrimSuffix(line, "\n"), Init: true})
		}
	}
	return lines
}

// split makes lines of a window, each stream's in its own order. The order between the two is not known.
func split(w instance.Window, initial bool) []LogLine {
	var lines []LogLine
	open := map[instance.Stream]int{} // index of the line that has no end yet
	begun := map[instance.Stream]*bytes.Buffer{}
	for _, chunk := range w.Chunks {
		rest := chunk.Data
		for len(rest) > 0 {
			text, after, ended := bytes.Cut(rest, []byte("\n"))
			rest = after
			at, going := open[chunk.Stream]
			if !going {
				at = len(lines)
				lines = append(lines, LogLine{Source: Source(chunk.Stream), At: chunk.At, Init: initial, AfterResponse: chunk.AfterResponse})
				begun[chunk.Stream] = &bytes.Buffer{}
				open[chunk.Stream] = at
			}
			_, _ = begun[chunk.Stream].Write(text) // into memory
			if ended {
				lines[at].Text = begun[chunk.Stream].String()
				delete(open, chunk.Stream)
			}
		}
	}
	for stream, at := range open {
		lines[at].Text = begun[stream].String()
	}
	return lines
}
