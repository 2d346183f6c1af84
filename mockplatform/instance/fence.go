package instance

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Quiet window of R19 for instances whose pipes are out of reach: output is over when none came for quietTime.
const (
	quietTime = 50 * time.Millisecond
	quietMax  = time.Second
)

// fenceMax bounds the wait for a fence. It comes within milliseconds unless the engine stands still.
const fenceMax = 10 * time.Second

// endsOpen is how long the pipes are held open after a marker, so that a flood of requests need not open them each
// time. An end held open keeps the engine waiting for more output, and silent about the exit, when the function dies.
const endsOpen = 10 * time.Millisecond

// gapMost is how long after a fence the next request may begin without one of its own: what the function prints by
// itself in between is told apart by when it arrives, and might come late.
const gapMost = 2 * time.Millisecond

// pipes are the instance's own stdout and stderr as seen from the engine's machine. A marker written into them comes
// out behind everything that the function wrote before.
type pipes struct {
	// handles name the pipes and hold neither end open. They stay valid when the function redirects its own output.
	handles [2]*os.File
	prefix  string

	mu     sync.Mutex
	count  int
	ends   [2]int // open for writing while opened
	opened bool
	shut   *time.Timer
}

// openPipes looks at the standard streams of a process. It fails where they are no pipes or not ours to see.
func openPipes(pid int) (*pipes, error) {
	p := &pipes{prefix: "\x00scfcert-fence-" + rand.Text() + "-"}
	for n := range p.handles {
		path := fmt.Sprintf("/proc/%d/fd/%d", pid, n+1)
		target, err := os.Readlink(path)
		if err == nil && !strings.HasPrefix(target, "pipe:[") {
			err = fmt.Errorf("stream %d is %s, no pipe", n+1, target)
		}
		if err == nil {
			p.handles[n], err = openHandle(path)
		}
		if err != nil {
			p.close()
			return nil, fmt.Errorf("look at output: %w", err)
		}
	}
	return p, nil
}

func (p *pipes) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
	for n, handle := range p.handles {
		if handle != nil {
			_ = handle.Close()
			p.handles[n] = nil
		}
	}
}

// letGo closes the ends that are held open.
func (p *pipes) letGo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
}

// release closes the ends; the lock is held.
func (p *pipes) release() {
	if p.opened {
		closeEnd(p.ends[0])
		closeEnd(p.ends[1])
		p.opened = false
	}
}

// open makes the ends ready for writing; the lock is held.
func (p *pipes) open() (err error) {
	switch {
	case p.opened:
		return nil
	case p.handles[0] == nil:
		return os.ErrClosed // its descriptor may be somebody else's by now
	}
	if p.ends[0], err = openEnd(p.handles[0]); err != nil {
		return err
	}
	if p.ends[1], err = openEnd(p.handles[1]); err != nil {
		closeEnd(p.ends[0])
		return err
	}
	p.opened = true
	return nil
}

// mark sets a fence: expect gets the marker before it is written into both pipes, failed what could not be written.
func (p *pipes) mark(expect func(marker []byte), failed func(stream int, marker []byte, err error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	marker := []byte(p.prefix + strconv.Itoa(p.count) + "\x00")
	expect(marker)
	opened := p.open()
	deadline := time.Now().Add(quietMax)
	for n := range p.handles {
		err := opened
		if err == nil {
			err = p.write(n, marker, deadline)
		}
		if err != nil {
			failed(n, marker, err)
		}
	}
	if p.shut == nil {
		p.shut = time.AfterFunc(endsOpen, p.letGo)
	} else {
		p.shut.Reset(endsOpen)
	}
}

// write waits for room in a full pipe until the deadline.
func (p *pipes) write(stream int, marker []byte, deadline time.Time) error {
	for {
		written, err := writeEnd(p.ends[stream], marker)
		if written || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("write marker: the pipe is full: %w", os.ErrDeadlineExceeded)
		}
		time.Sleep(time.Millisecond) // the engine is emptying it, and tells nobody
	}
}

// gather is how long output may gather while nobody waits for it: fewer reads leave more of the processors to requests.
const gather = 10 * time.Millisecond

func (i *Instance) rest() time.Duration {
	if i.relaxed.Load() {
		return gather
	}
	return 0
}

// mark ends the output of the requests so far with a fence, and tells whether that was possible. The next request may
// begin at once; the turn is done when the fence has come by.
func (i *Instance) mark() (*turn, bool) { return i.fence(i.recorder.mark) }

// fence has the recorder end a turn and writes the marker that ends it.
func (i *Instance) fence(end func(marker []byte) *turn) (*turn, bool) {
	if i.pipes == nil {
		return nil, false
	}
	var ended *turn
	names := [2]Stream{Stdout, Stderr}
	i.pipes.mark(func(marker []byte) { ended = end(marker) }, func(stream int, marker []byte, err error) {
		i.config.Logger.Debug("no fence", "instance", i.config.Name, "reason", err)
		if ended.broken == nil {
			ended.broken = map[Stream][]byte{}
		}
		ended.broken[names[stream]] = marker
	})
	i.fenced = time.Now()
	return ended, true
}

// pass goes past the fences of a turn that could not be written.
func (i *Instance) pass(t *turn) {
	for stream, marker := range t.broken {
		i.recorder.skip(stream, marker)
	}
}

// await waits until a turn's fence came by. Where the output has ended there will be none. Where a fence could not be
// written, the function has most likely ended, or its output is stuck: it is over when none came for a while.
func (i *Instance) await(ctx context.Context, t *turn) {
	if t.broken != nil {
		i.awaitQuiet(ctx)
		i.pass(t)
	}
	limit := time.NewTimer(fenceMax)
	defer limit.Stop()
	select {
	case <-t.done:
	case <-i.outputEnded:
	case <-limit.C:
		i.config.Logger.Warn("an instance's output does not arrive", "instance", i.config.Name)
	case <-ctx.Done():
	}
}

// quiet waits for the quiet window that ends a request's output where there can be no fence, and ends the turn.
func (i *Instance) quiet(ctx context.Context) *turn {
	i.awaitQuiet(ctx)
	ended := i.recorder.mark(nil)
	i.recorder.skip(Stdout, nil)
	i.recorder.skip(Stderr, nil)
	return ended
}

// awaitQuiet waits for a quiet window, or for the end of the output where the function has ended.
func (i *Instance) awaitQuiet(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, quietMax)
	defer cancel()
	timer := time.NewTimer(quietTime)
	defer timer.Stop()
	for {
		select {
		case <-i.container.Exited():
			i.awaitLastOutput(ctx)
			return
		case <-i.recorder.notify:
			timer.Reset(quietTime)
		case <-timer.C:
			return
		case <-i.outputEnded:
			return
		case <-limited.Done():
			return
		}
	}
}

// settleShared waits until the output of several requests has arrived.
func (i *Instance) settleShared(ctx context.Context) {
	if ended, ok := i.mark(); ok {
		i.await(ctx, ended)
		return
	}
	i.awaitQuiet(ctx)
}

// barriers lets many requests end at one fence: each waits for one that was set after it had its answer.
type barriers struct {
	mu      sync.Mutex
	next    chan struct{} // closed when the fence that is set next came by
	running bool
}

// barrierPause lies between two fences, so that they do not cost more than the requests.
const barrierPause = 5 * time.Millisecond

func (b *barriers) await(ctx context.Context, settle func(context.Context)) {
	b.mu.Lock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	mine := b.next
	if !b.running {
		b.running = true
		go b.run(context.WithoutCancel(ctx), settle)
	}
	b.mu.Unlock()
	select {
	case <-mine:
	case <-ctx.Done():
	}
}

func (b *barriers) run(ctx context.Context, settle func(context.Context)) {
	pace := time.NewTicker(barrierPause)
	defer pace.Stop()
	for {
		b.mu.Lock()
		waiting := b.next
		b.next = nil
		if waiting == nil {
			b.running = false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		settle(ctx)
		close(waiting)
		<-pace.C
	}
}
