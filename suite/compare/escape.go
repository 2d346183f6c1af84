package compare

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// oneLine makes an untrusted text safe for a terminal and puts it on one line. Characters that cannot be seen are spelled
// out.
func oneLine(text string) string {
	var b strings.Builder
	for _, r := range diagnose.Clean(text) {
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(' ')
		case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Variation_Selector):
			_, _ = fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// clip shortens a text to a number of characters.
func clip(text string, most int) string {
	seen := 0
	for n := range text {
		if seen == most {
			return text[:n] + "…"
		}
		seen++
	}
	return text
}

// brief is an untrusted text on one line with at most so many characters. What is far too long is not looked at.
func brief(text string, most int) string {
	const spare = 4 // for what falls away at the beginning
	return clip(oneLine(clip(text, spare*most)), most)
}

// breaker is an invisible character that keeps GitHub and others from making a link or a mention. An entity in the place
// of @ would not do: mentions are looked for in what Markdown has become.
const breaker = "&#8203;"

// plain makes an untrusted text a part of a Markdown paragraph or table cell that reads as it is.
func plain(text string, most int) string {
	var b strings.Builder
	before := "" // in small letters
	for _, r := range brief(text, most) {
		switch r {
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '&':
			b.WriteString("&amp;")
		case '\\', '`', '*', '_', '{', '}', '[', ']', '!', '|', '~', '^', '=':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
		if linking(before, r) {
			b.WriteString(breaker)
		}
		before += strings.ToLower(string(r))
	}
	return b.String()
}

// linking tells whether a character can make a mention, an issue, a formula, an emoji or an address of what follows.
func linking(before string, r rune) bool {
	switch r {
	case '@', '#', '$', ':':
		return true
	case '.':
		return strings.HasSuffix(before, "www")
	case '-':
		return strings.HasSuffix(before, "gh")
	default:
		return false
	}
}

// code makes an untrusted text a code span, in which nothing is markup, mention or link; also within a table.
func code(text string, most int) string {
	text = brief(text, most)
	if text == "" {
		return ""
	}
	// A backtick would end the span, and a pipe the cell, which not every reader lets one escape: look-alikes stand for them.
	text = strings.NewReplacer("`", "ˋ", "|", "∣").Replace(text)
	return "`" + text + "`"
}
