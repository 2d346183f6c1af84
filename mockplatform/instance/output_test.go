package instance

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

func text(w Window, name Stream) string {
	var b strings.Builder
	for _, c := range w.Chunks {
		if c.Stream == name {
			b.Write(c.Data)
		}
	}
	return b.String()
}

func passed(t *turn) bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// taken is the whole window of a turn.
func taken(r *recorder, t *turn) Window {
	_, since := r.take(t, time.Time{})
	return since
}

func TestAFenceSplitsOutputAtAnyByte(t *testing.T) {
	fence := []byte("\x00fence-1234\x00")
	whole := append(append([]byte("before\nhalf a line"), fence...), "after"...)
	for cut := 0; cut <= len(whole); cut++ {
		r := newRecorder(false, nil)
		ended := r.mark(fence)
		r.record(Stdout, whole[:cut])
		r.record(Stdout, whole[cut:])
		if passed(ended) {
			t.Fatalf("cut at %d: the other stream's fence is missing", cut)
		}
		r.record(Stderr, fence)
		if !passed(ended) {
			t.Fatalf("cut at %d: the fence was not seen", cut)
		}
		if got := text(taken(r, ended), Stdout); got != "before\nhalf a line" {
			t.Errorf("cut at %d: before the fence %q", cut, got)
		}
		rest, _ := r.rest()
		if got := text(rest, Stdout); got != "after" {
			t.Errorf("cut at %d: after the fence %q", cut, got)
		}
	}
}

func TestSeveralFencesMayBeUnderWay(t *testing.T) {
	r := newRecorder(false, nil)
	first, second := r.mark([]byte("\x00one\x00")), r.mark([]byte("\x00two\x00"))
	r.record(Stdout, []byte("a\x00one\x00b\x00two\x00c"))
	r.record(Stderr, []byte("d\x00on"))
	r.record(Stderr, []byte("x\x00e\x00one\x00f\x00two\x00"))
	rest, _ := r.rest()
	for name, c := range map[string]struct {
		window      Window
		out, errors string
	}{"first": {taken(r, first), "a", "d\x00onx\x00e"}, "second": {taken(r, second), "b", "f"}, "rest": {rest, "c", ""}} {
		if text(c.window, Stdout) != c.out || text(c.window, Stderr) != c.errors {
			t.Errorf("%s: %q and %q", name, text(c.window, Stdout), text(c.window, Stderr))
		}
	}
}

func TestWhatWasHeldForAFenceIsReleased(t *testing.T) {
	r := newRecorder(false, nil)
	marker := []byte("FENCE")
	ended := r.mark(marker)
	r.record(Stdout, []byte("lineFEN"))
	r.skip(Stdout, marker)
	r.skip(Stderr, marker)
	if got := text(taken(r, ended), Stdout); got != "lineFEN" || !passed(ended) {
		t.Errorf("stdout holds %q", got)
	}
}

func TestWhatCameBeforeARequestIsToldApart(t *testing.T) {
	r := newRecorder(false, nil)
	r.record(Stdout, []byte("at start"))
	began := time.Now()
	r.record(Stdout, []byte("request"))
	first := r.mark([]byte("F"))
	r.record(Stdout, []byte("F"))
	before, since := r.take(first, began)
	if text(before, Stdout) != "at start" || before.Chunks[0].AfterResponse || text(since, Stdout) != "request" {
		t.Errorf("before %+v, since %+v", before, since)
	}
	r.record(Stdout, []byte("late"))
	second := r.mark([]byte("G"))
	before, _ = r.take(second, time.Now())
	if text(before, Stdout) != "late" || !before.Chunks[0].AfterResponse {
		t.Errorf("after the response %+v", before)
	}
	r.record(Stdout, []byte("too late"))
	if rest, _ := r.rest(); text(rest, Stdout) != "too late" || !rest.Chunks[0].AfterResponse {
		t.Errorf("what comes when nobody waits any more is %+v", rest)
	}
}

func TestLinesOfSeveralRequestsGoByTheirId(t *testing.T) {
	r := newRecorder(true, nil)
	r.record(Stdout, []byte("starting\n"))
	first, before, _ := r.begin("id-1")
	second, none, _ := r.begin("id-2")
	r.record(Stdout, []byte("of id-1 and "))
	r.record(Stderr, []byte("whose?\nof id-1"))
	r.record(Stdout, []byte("of nobody else\nof id-2\nrest of it"))
	one, _ := r.finish(first)
	r.record(Stdout, []byte("late line of id-1\n"))
	two, strays := r.finish(second)
	if len(strays) != 2 || strays[0].RequestID != "id-1" || text(strays[0].Window, Stdout) != "rest of itlate line of id-1\n" || !strays[0].Window.Chunks[0].AfterResponse ||
		text(strays[1].Window, Stderr) != "of id-1" {
		t.Errorf("strays are %+v", strays)
	}
	if text(before, Stdout) != "starting\n" || len(none.Chunks) != 0 {
		t.Errorf("before the first %+v, the second %+v", before, none)
	}
	if text(one, Stdout) != "of id-1 and of nobody else\n" {
		t.Errorf("the first has %q", text(one, Stdout))
	}
	if text(two, Stdout) != "of id-2\n" || text(two, Stderr) != "whose?\n" {
		t.Errorf("the second has %q and %q", text(two, Stdout), text(two, Stderr))
	}
}

func TestAWindowIsBoundedAndCountsWhatItDropped(t *testing.T) {
	r := newRecorder(false, nil)
	piece := bytes.Repeat([]byte("x"), 1<<20)
	for range 20 {
		r.record(Stdout, piece)
	}
	ended := r.mark(nil)
	w := taken(r, ended)
	if len(text(w, Stdout)) != windowBytes || w.DroppedBytes != 20<<20-windowBytes {
		t.Errorf("kept %d bytes and dropped %d", len(text(w, Stdout)), w.DroppedBytes)
	}
	if tail := r.tailOf(Stdout); len(tail) != tailBytes {
		t.Errorf("the tail has %d bytes", len(tail))
	}
}

func TestOutputOfTheStartUpThatComesLateIsNoRequests(t *testing.T) {
	for _, shared := range []bool{false, true} {
		r := newRecorder(shared, nil)
		r.record(Stdout, []byte("begin"))
		r.markStartup([]byte("F"))
		began := time.Now()
		call, before, _ := r.begin("id-1")
		r.record(Stdout, []byte("ning\nready\nFof id-1\n"))
		r.record(Stderr, []byte("no end of lineF"))
		startup := r.takeStartup()
		output, _ := r.finish(call)
		if !shared {
			ended := r.mark([]byte("G"))
			before, output = r.take(ended, began)
		}
		if text(startup, Stdout) != "beginning\nready\n" || text(startup, Stderr) != "no end of line" {
			t.Errorf("shared %v: the start-up has %q and %q", shared, text(startup, Stdout), text(startup, Stderr))
		}
		if text(output, Stdout) != "of id-1\n" || text(output, Stderr) != "" || len(before.Chunks) != 0 {
			t.Errorf("shared %v: the request has %q and %q, and before it %+v", shared, text(output, Stdout), text(output, Stderr), before)
		}
		if again := r.takeStartup(); len(again.Chunks) != 0 {
			t.Errorf("shared %v: the start-up is there twice: %+v", shared, again)
		}
	}
}

func TestLinesAreToldAsTheyCome(t *testing.T) {
	for shared, want := range map[bool][]string{
		false: {" stdout begin", " stdout listening", "id-1 stdout one", "id-1 stderr err", "id-1 stdout two", "id-1 stdout no end", " stdout between", "id-2 stdout three", "id-2 stdout last words"},
		true:  {" stdout begin", " stdout listening", "id-1 stdout one id-1", "id-2 stdout two", "id-1 stdout three id-1"},
	} {
		var told []string
		r := newRecorder(shared, func(line Line) { told = append(told, line.RequestID+" "+string(line.Stream)+" "+line.Text) })
		r.record(Stdout, []byte("begin\nlist"))
		r.record(Stdout, []byte("ening\n"))
		if shared {
			first, _, _ := r.begin("id-1")
			r.begin("id-2")
			r.record(Stdout, []byte("one id-1\ntwo\n"))
			r.finish(first)
			r.record(Stdout, []byte("three id-1\n")) // late
		} else {
			r.name("id-1")
			r.record(Stdout, []byte("one\ntw"))
			r.record(Stderr, []byte("err\n"))
			r.mark([]byte("FENCE"))
			r.record(Stdout, []byte("o\nno endFENCEbetween\n"))
			r.name("id-2")
			r.record(Stdout, []byte("three\nlast words")) // of a process that ends
			r.mark(nil)
			r.skip(Stdout, nil)
			r.skip(Stderr, nil)
		}
		if !slices.Equal(told, want) {
			t.Errorf("several at a time %v: told %q, want %q", shared, told, want)
		}
	}
}
