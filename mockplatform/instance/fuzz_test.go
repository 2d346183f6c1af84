package instance

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// pieces cuts a text as the sizes say, and byte by byte behind them.
func pieces(data, sizes []byte) [][]byte {
	var cut [][]byte
	for len(data) > 0 {
		size := 1
		if len(sizes) > 0 {
			size, sizes = min(1+int(sizes[0]), len(data)), sizes[1:]
		}
		cut, data = append(cut, data[:size]), data[size:]
	}
	return cut
}

// ended is a text whose last line has an end.
func ended(data string) string {
	if data == "" || strings.HasSuffix(data, "\n") {
		return data
	}
	return data + "\n"
}

// FuzzFences holds that every byte of two outputs with two fences gets into the turn that it stands in, and that every
// line is told, however the outputs are cut.
func FuzzFences(f *testing.F) {
	const first, second = "\x00fence-1\x00", "\x00fence-2\x00"
	for _, seed := range [][2]string{
		{"a\nb" + first + "c\n" + second + "d", first + second},
		{first[:8] + first + second[:8] + second + first, "\x00" + first + "\x00\n\x00" + second + "\n"},
		{"\xff\n\n" + first + "no second", "neither" + first[:9]},
		{second + "too early" + first + "\r\n" + second, first + first[1:] + second[1:]},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]), []byte{0, 6, 255})
		f.Add([]byte(seed[0]), []byte(seed[1]), []byte{8, 9, 7, 8})
	}
	f.Fuzz(func(t *testing.T, stdout, stderr, sizes []byte) {
		told := map[Stream]string{}
		r := newRecorder(false, func(line Line) { told[line.Stream] += line.Text + "\n" })
		turns := []*turn{r.mark([]byte(first)), r.mark([]byte(second)), r.turn}
		outputs := map[Stream][]byte{Stdout: stdout, Stderr: stderr}
		for name, output := range outputs {
			for _, piece := range pieces(output, sizes) {
				r.record(name, piece)
			}
		}
		r.mark(nil)
		r.skip(Stdout, nil)
		r.skip(Stderr, nil)
		for name, output := range outputs {
			rest := string(output)
			var lines strings.Builder
			for n, marker := range []string{first, second, ""} {
				part := rest
				if rest = ""; marker != "" {
					part, rest, _ = strings.Cut(part, marker)
				}
				if got := text(turns[n].window, name); got != part || !passed(turns[n]) {
					t.Errorf("turn %d has %q of %s, not %q", n, got, name, part)
				}
				lines.WriteString(ended(part))
			}
			if told[name] != lines.String() {
				t.Errorf("of %s %q is told, not %q", name, told[name], lines.String())
			}
			if tail := r.tailOf(name); len(tail) > tailBytes {
				t.Errorf("the tail has %d bytes", len(tail))
			}
		}
	})
}

// FuzzLinesOfSeveral holds that with several requests under way every line gets whole to one of them and is told once:
// to the one whose id it holds, if it has ended before or not, and else to the one that began last.
func FuzzLinesOfSeveral(f *testing.F) {
	for _, seed := range []string{"of id-1\nof id-2\nof nobody\nid-", "id-1id-2\n\n\xffid-1", "id-\n1 id-1\nid-2\r\n", ""} {
		for finish := range uint8(4) {
			f.Add([]byte(seed), []byte{0, 3, 9}, finish)
		}
	}
	f.Fuzz(func(t *testing.T, output, sizes []byte, finish uint8) {
		var told string
		r := newRecorder(true, func(line Line) { told += line.Text + "\n" })
		first, _, _ := r.begin("id-1")
		second, _, _ := r.begin("id-2")
		cut := pieces(output, sizes)
		early := min(int(finish), len(cut))
		for _, piece := range cut[:early] {
			r.record(Stderr, piece)
		}
		one, _ := r.finish(first)
		for _, piece := range cut[early:] {
			r.record(Stderr, piece)
		}
		two, strays := r.finish(second)
		for _, stray := range strays {
			if one = join(one, stray.Window); stray.RequestID != "id-1" || !stray.Window.Chunks[0].AfterResponse {
				t.Errorf("a stray %+v", stray)
			}
		}
		var wantOne, wantTwo strings.Builder
		for line := range strings.Lines(string(output)) {
			if strings.Contains(line, "id-1") && !strings.Contains(line, "id-2") {
				wantOne.WriteString(line)
			} else {
				wantTwo.WriteString(line)
			}
		}
		if text(one, Stderr) != wantOne.String() || text(two, Stderr) != wantTwo.String() {
			t.Errorf("the first has %q, not %q; the second %q, not %q", text(one, Stderr), wantOne.String(), text(two, Stderr), wantTwo.String())
		}
		if rest, strays := r.rest(); told != ended(string(output)) || len(rest.Chunks)+len(strays) > 0 {
			t.Errorf("%q is told, and left are %v and %v", told, rest, strays)
		}
	})
}

// given has a function answer one request with fixed bytes.
func given(t *testing.T, call Call, answer []byte) (outcome Outcome, wrong []string, err error) {
	w := &wires{dial: func(context.Context) (net.Conn, error) {
		ours, functions := net.Pipe()
		go func() {
			_, _ = functions.Read(make([]byte, readerBytes)) // the request comes at once
			_, _ = functions.Write(answer)
			_ = functions.Close()
		}()
		return ours, nil
	}}
	call.Framing = &wrong
	outcome, err = send(t, w, call)
	return outcome, wrong, err
}

// FuzzAnswer holds that any answer ends the exchange within its bounds, that neither its body nor informational answers
// before it change what is said about its framing, and that what Go's own server would write is taken as it is.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200\nContent-Length: 1\nContent-Length: 1\n\nokk", "HTTP/1.0 204 No\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2;x\r\nok\r\n0\r\nX: y\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 A\r\n b: c\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00", strings.Repeat("HTTP/1.1 103 Hints\r\n\r\n", 9), "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xca\xcf\x06\x04\x00\x00\xff\xff\x47\xdd\xdc\x79\x02\x00\x00\x00", "HTTP/1.1 200 OK\r\n\r\nto the end", "\xff",
		"HTTP/1.1 200 OK\n\r\nContent-Length: 1\na\nb", "HTTP/1.1 200 OK\nX: y\n\nContent-Length: 1\nContent-Length: 2\r\n\r\n",
	} {
		for kind := range uint8(8) {
			f.Add([]byte(seed), kind)
		}
	}
	heads := regexp.MustCompile(`(?s)^.*?\n\r?\n`)
	f.Fuzz(func(t *testing.T, raw []byte, kind uint8) {
		call := Call{Event: kind&1 != 0, Method: []string{http.MethodGet, http.MethodHead}[kind>>1&1]}
		outcome, wrong, err := given(t, call, raw)
		if len(outcome.Body) > contract.MaxResponseBytes || outcome.HTTPStatus == 0 && err == nil {
			t.Errorf("%q is taken with %d bytes: %v", raw, len(outcome.Body), err)
		}
		alone, whole := &http.Response{StatusCode: outcome.HTTPStatus}, append(heads.Find(raw), "Content-Length: 1\na\n b\n"...)
		if body, none := framing(whole, 0, alone, 0), framing(heads.Find(raw), 0, alone, 0); heads.Match(raw) && !slices.Equal(body, none) {
			t.Errorf("with a body %q has %q, and %q without", raw, body, none)
		}
		if informed, more, errInformed := given(t, call, append([]byte("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"), raw...)); err == nil && errInformed == nil && (informed.HTTPStatus != outcome.HTTPStatus || !slices.Equal(wrong, more)) {
			t.Errorf("%q alone has %q, and after another %q", raw, wrong, more)
		}
		var proper bytes.Buffer
		answer := http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(raw)), Body: io.NopCloser(bytes.NewReader(raw))}
		if kind&4 != 0 {
			answer.ContentLength = -1
		}
		_ = answer.Write(&proper)
		outcome, wrong, err = given(t, Call{}, proper.Bytes())
		if err != nil || len(wrong) > 0 || !bytes.Equal(outcome.Body, raw) {
			t.Errorf("%q gives %q with %q: %v", proper.Bytes(), outcome.Body, wrong, err)
		}
	})
}
