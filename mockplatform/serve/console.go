package serve

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
)

// console prints the log of requests.
type console struct {
	to     io.Writer
	filter string
	mask   func(string) string

	mu sync.Mutex
}

// shortID is as much of a request id as a line shows.
const shortID = 8

// noRequest stands for the id of output that belongs to no request: of a start-up, or from between two requests.
const noRequest = "-       "

// line is a line of the log as it is printed; empty if it is not selected.
func (c *console) line(function, requestID string, line mockplatform.LogLine) string {
	if c.filter != "" && c.filter != function && !strings.Contains(line.Text, c.filter) && (requestID == "" || !strings.HasPrefix(requestID, c.filter)) {
		return ""
	}
	id := noRequest
	if requestID != "" {
		id = requestID[:min(shortID, len(requestID))]
	}
	return fmt.Sprintf("%s %s %s %-8s %s\n", line.At.Format(time.TimeOnly), function, id, line.Source, printable(line.Text))
}

// began prints that a request has begun, and what is known by then.
func (c *console) began(function, requestID string, at time.Time) {
	c.write(c.line(function, requestID, mockplatform.LogLine{Source: mockplatform.FromPlatform, At: at, Text: contract.StartLine(requestID)}))
}

// output prints lines of functions as they come.
func (c *console) output(lines []mockplatform.LogEntry, left int) {
	var text strings.Builder
	for n := range lines {
		text.WriteString(c.line(lines[n].Function, lines[n].RequestID, lines[n].LogLine))
	}
	if left > 0 {
		_, _ = fmt.Fprintf(&text, "… %d lines came faster than they could be printed; they are at %s\n", left, Prefix)
	}
	c.write(text.String())
}

// ended prints what the platform has to say of a request. The function's own lines have been printed, unless it did not
// start.
func (c *console) ended(function, requestID string, lines []mockplatform.LogLine) {
	var text strings.Builder
	for _, line := range lines {
		if line.Source == mockplatform.FromPlatform && line.Text != contract.StartLine(requestID) {
			text.WriteString(c.line(function, requestID, line))
		}
	}
	c.write(text.String())
}

// say prints what the server has to say of a function.
func (c *console) say(function, words string) {
	for line := range strings.Lines(words) {
		c.write(fmt.Sprintf("%s %s %s\n", time.Now().Format(time.TimeOnly), function, printable(strings.TrimRight(line, "\n"))))
	}
}

func (c *console) write(text string) {
	if c.to == nil || text == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = io.WriteString(c.to, c.mask(text)) // nobody can be told of a terminal that is gone
}

// longestLine is as much of a line as a terminal is given.
const longestLine = 4 << 10

// printable keeps a function from steering the terminal.
func printable(text string) string {
	if len(text) > longestLine {
		text = text[:longestLine] + " …"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '·'
		}
		return r
	}, strings.ToValidUTF8(text, "·"))
}
