package mockplatform

import (
	"strings"
	"testing"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/instance"
)

// FuzzSplit holds that the lines of a window are all of its output, each stream's in its order, and that the tail of a
// log is the end of it. Each byte of order is a piece: its lowest bit tells the stream, the others its size.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"a\nb", "\n\n", "no end", "\r\n\xff\xe4\xb8", strings.Repeat("世", contract.LogTailBytes), strings.Repeat("\n", contract.LogTailBytes+1), ""} {
		f.Add([]byte(seed), []byte{2, 3, 0, 255, 5})
		f.Add([]byte("x"+seed), []byte{255, 254, 1})
	}
	f.Fuzz(func(t *testing.T, output, order []byte) {
		var w instance.Window
		want := map[Source]string{}
		for n := 0; len(output) > 0; n++ {
			stream, size := instance.Stdout, len(output)
			if n < len(order) {
				stream, size = []instance.Stream{instance.Stdout, instance.Stderr}[order[n]&1], min(int(order[n]>>1), len(output))
			}
			w.Chunks = append(w.Chunks, instance.Chunk{Stream: stream, Data: output[:size], AfterResponse: n%2 > 0})
			want[Source(stream)] += string(output[:size])
			output = output[size:]
		}
		lines := split(w, true)
		got := map[Source]string{}
		var whole strings.Builder
		for _, line := range lines {
			if strings.Contains(line.Text, "\n") || !line.Init {
				t.Errorf("a line is %+v", line)
			}
			got[line.Source] += line.Text + "\n"
			whole.WriteString(line.Text + "\n")
		}
		for source, text := range want {
			if text != "" && !strings.HasSuffix(text, "\n") {
				text += "\n"
			}
			if got[source] != text {
				t.Errorf("%s is split into %q, not %q", source, got[source], text)
			}
		}
		end := whole.String()
		end = strings.ToValidUTF8(end[max(0, len(end)-contract.LogTailBytes):], "")
		if tail := (&Result{Log: lines}).Tail(); tail != end {
			t.Errorf("the tail is %q, not %q", tail, end)
		}
	})
}
