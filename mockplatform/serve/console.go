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

// request prints the log of a request.
func (c *console) request(function, requestID string, lines []mockplatform.LogLine) {
	var text strings.Builder
	for _, line := range lines {
		if c.filter != "" && c.filter != function && !strings.Contains(line.Text, c.filter) && !strings.HasPrefix(requestID, c.filter) {
			continue
		}
		_, _ = fmt.Fprintf(&text, "%s %s %s %-8s %s\n", line.At.Format(time.TimeOnly), function, requestID[:min(shortID, len(requestID))], line.Source, printable(line.Text))
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
