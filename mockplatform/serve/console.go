package serve

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
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
const noRequest = " -       "

// selects tells whether a line is to be printed.
func (c *console) selects(e *mockplatform.LogEntry) bool {
	return c.filter == "" || c.filter == e.Function || strings.Contains(e.Text, c.filter) || e.RequestID != "" && strings.HasPrefix(e.RequestID, c.filter)
}

// output prints lines as they come.
func (c *console) output(lines []mockplatform.LogEntry, left int) {
	if c.to == nil {
		return
	}
	var text []byte
	for n := range lines {
		e := &lines[n]
		if !c.selects(e) {
			continue
		}
		text = append(e.At.AppendFormat(text, time.TimeOnly+" "), e.Function...)
		if e.RequestID == "" {
			text = append(text, noRequest...)
		} else {
			text = append(append(text, ' '), e.RequestID[:min(shortID, len(e.RequestID))]...)
		}
		text = append(append(text, ' '), e.Source...)
		text = append(text, "         "[min(len(e.Source), 8):]...)
		text = append(append(text, printable(e.Text)...), '\n')
	}
	if left > 0 {
		text = fmt.Appendf(text, "… %d lines came faster than they could be printed; they are at %s\n", left, Prefix)
	}
	c.write(string(text))
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
