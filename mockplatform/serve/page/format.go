package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// escapes are what a terminal would obey: sequences with parameters, titles and links, and the rest of two characters.
var escapes = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])`)

// excerpt is as much of a text as is shown.
type excerpt struct {
	Text string
	Cut  bool
	Of   int64 // bytes in all
}

// clean makes a log line readable and harmless: without colours and other escape sequences, control characters and
// those that turn the direction of writing as symbols, bytes that are no text as U+FFFD, and not too long.
func clean(line string) excerpt { return excerptOf(line, shownLineBytes, false) }

// cut does the same to a result, whose lines stay lines.
func cut(text []byte) excerpt {
	shown := excerptOf(string(text[:min(len(text), shownResultBytes+1)]), shownResultBytes, true)
	shown.Of = int64(len(text))
	return shown
}

func excerptOf(text string, limit int, lines bool) excerpt {
	shown := excerpt{Text: text, Of: int64(len(text)), Cut: len(text) > limit}
	if shown.Cut {
		end := limit
		for end > limit-utf8.UTFMax && !utf8.RuneStart(text[end]) { // not within a character
			end--
		}
		shown.Text = text[:end]
	}
	shown.Text = escapes.ReplaceAllString(strings.ToValidUTF8(shown.Text, "\uFFFD"), "")
	shown.Text = strings.Map(func(r rune) rune {
		const symbols, deleteSymbol = 0x2400, 0x2421
		switch {
		case r == '\t', r == '\n' && lines:
			return r
		case r == '\r' && lines:
			return -1
		case r < ' ':
			return symbols + r
		case r == 0x7f: //nolint:mnd // DEL
			return deleteSymbol
		case r >= 0x80 && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x2028, r == 0x2029:
			return utf8.RuneError
		}
		return r
	}, shown.Text)
	return shown
}

// keyedLine is a line with a key that is its own within its list, the same whenever it is shown.
type keyedLine struct {
	Line

	Key string
}

func keyed(lines []Line) []keyedLine {
	seen := make(map[uint64]int, len(lines))
	out := make([]keyedLine, 0, len(lines))
	for n := range lines {
		sum := fnv.New64a()
		_, _ = fmt.Fprintf(sum, "%s\x00%s\x00%d\x00%s", lines[n].RequestID, lines[n].Source, lines[n].At.UnixNano(), lines[n].Text) // a hash takes all
		hash := sum.Sum64()
		out = append(out, keyedLine{lines[n], fmt.Sprintf("%x.%d", hash, seen[hash])})
		seen[hash]++
	}
	return out
}

// pretty indents JSON and leaves all else as it is.
func pretty(event []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, event, "", "  ") != nil {
		return string(event)
	}
	return out.String()
}

func shortID(id string) string {
	const shown = 8
	if len(id) <= shown+1 || !utf8.ValidString(id) {
		return clean(id).Text
	}
	return clean(string([]rune(id)[:min(shown, utf8.RuneCountInString(id))])).Text + "…"
}

func formatBytes(n int64) string {
	const kb, mb = 1 << 10, 1 << 20
	switch {
	case n < kb:
		return fmt.Sprintf("%d B", n)
	case n < mb:
		return fmt.Sprintf("%.4g KB", float64(n)/kb)
	default:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/mb), ".0") + " MB"
	}
}

func formatDuration(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3) //nolint:mnd // milliseconds
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return strings.TrimSuffix(fmt.Sprintf("%.2f", d.Seconds()), ".00") + " s"
	}
}

func formatClock(t time.Time) string { return t.Local().Format("15:04:05.000") }

func formatMoment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func formatISO(t time.Time) string { return t.Format(time.RFC3339Nano) }
