package diagnose

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of what is quoted of a function's output.
const (
	tailLines = 10
	tailBytes = 2 << 10
)

// Tail is the end of an output, made safe to show: the last ten lines, at most 2 KB, without control sequences.
func Tail(output string) string {
	lines := strings.Split(strings.TrimRight(Clean(output), "\n"), "\n")
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	text := strings.Join(lines, "\n")
	if len(text) > tailBytes {
		text = "…" + strings.ToValidUTF8(text[len(text)-tailBytes:], "")
	}
	return text
}

// Clean makes an untrusted text safe for a terminal: control characters other than line ends and tabs are spelled out,
// and so is what is no UTF-8.
func Clean(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r == '\r' && strings.HasPrefix(text[size:], "\n"): // a DOS line end
		case r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		text = text[size:]
	}
	return b.String()
}
