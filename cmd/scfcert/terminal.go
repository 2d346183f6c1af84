package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/scfcert/scfcert/suite"
)

// terminal shows progress: on a terminal as one line that changes, elsewhere as plain lines.
type terminal struct {
	out, errors io.Writer
	live, color bool
	started     time.Time

	mu    sync.Mutex
	stage suite.Progress
	shown bool // a live line stands on the screen
	quit  chan struct{}
	ended chan struct{}
}

// redraw is how often the elapsed time of a live line moves on.
const redraw = 200 * time.Millisecond

func newTerminal(out, errors *os.File) *terminal {
	t := &terminal{out: out, errors: errors, started: time.Now(), quit: make(chan struct{}), ended: make(chan struct{})}
	t.live = term.IsTerminal(int(out.Fd())) && os.Getenv("TERM") != "dumb"
	t.color = t.live && os.Getenv("NO_COLOR") == ""
	go t.tick()
	return t
}

func (t *terminal) tick() {
	defer close(t.ended)
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for {
		select {
		case <-t.quit:
			return
		case <-ticker.C:
			t.mu.Lock()
			if t.live && t.stage.Stage != "" {
				t.draw()
			}
			t.mu.Unlock()
		}
	}
}

// progress is the suite's observer.
func (t *terminal) progress(p suite.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed := p.Stage != t.stage.Stage
	t.stage = p
	switch {
	case t.live && changed:
		t.draw()
	case !t.live && changed:
		_, _ = fmt.Fprintf(t.out, "%6.1fs  %s\n", time.Since(t.started).Seconds(), p.Stage)
	}
}

// draw writes the live line anew; the lock is held.
func (t *terminal) draw() {
	bytes := ""
	if t.stage.Done > 0 {
		bytes = fmt.Sprintf("  %d", t.stage.Done>>20)
		if t.stage.Total > 0 {
			bytes += fmt.Sprintf(" of %d", t.stage.Total>>20)
		}
		bytes += " MiB"
	}
	_, _ = fmt.Fprintf(t.out, "\r\x1b[K%6.1fs  %s%s", time.Since(t.started).Seconds(), t.stage.Stage, bytes)
	t.shown = true
}

// clear takes the live line away; the lock is held.
func (t *terminal) clear() {
	if t.shown {
		_, _ = io.WriteString(t.out, "\r\x1b[K")
		t.shown = false
	}
}

// done ends the progress.
func (t *terminal) done() {
	close(t.quit)
	<-t.ended
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	if !t.live {
		_, _ = fmt.Fprintln(t.out)
	}
}

// notes is a writer for messages that keeps the live line whole.
func (t *terminal) notes() io.Writer { return notes{t} }

type notes struct{ *terminal }

func (n notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.clear()
	return n.errors.Write(p) //nolint:wrapcheck // a writer's own error
}
