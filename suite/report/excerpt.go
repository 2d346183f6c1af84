package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// Bounds of what is shown of a text that an image may have chosen.
const (
	shownName = 512     // a name, an id or a path
	shownText = 4 << 10 // a text, a log excerpt or a piece of evidence
	shownRows = 100     // rows of a list whose length an image may choose
)

// excerpt is as much of a text as is shown, made harmless.
type excerpt struct {
	Text string
	Of   int // bytes in all if it was cut, 0 otherwise
}

// quote makes an untrusted text harmless and not too long.
func quote(text string, limit int) excerpt {
	e := excerpt{Text: text}
	if len(text) > limit {
		end := limit
		for end > limit-utf8.UTFMax && !utf8.RuneStart(text[end]) { // not within a character
			end--
		}
		e = excerpt{Text: text[:end], Of: len(text)}
	}
	e.Text = strings.Map(visible, diagnose.Clean(e.Text))
	return e
}

// visible replaces what diagnose.Clean leaves and what still turns the direction of writing, ends a line or hides.
func visible(r rune) rune {
	if unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Variation_Selector) {
		return utf8.RuneError
	}
	return r
}

// name is a short untrusted text in one line; a cut is shown by dots.
func name(text string) string {
	e := quote(text, shownName)
	line := strings.Join(strings.Fields(e.Text), " ")
	if e.Of > 0 {
		line += "…"
	}
	return line
}

// names are the first of many short texts, and how many were left out.
func names(all []string) (shown []string, left int) {
	for _, one := range all[:min(len(all), shownRows)] {
		shown = append(shown, name(one))
	}
	return shown, len(all) - len(shown)
}

// value writes one piece of evidence for people: a text as it is, a number with its unit, anything else as JSON.
func value(key string, of any) string {
	if text, ok := of.(string); ok && text != "" {
		return text
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(of); err != nil {
		return fmt.Sprintf("(%T)", of)
	}
	text := strings.TrimSuffix(b.String(), "\n")
	var number float64
	if json.Unmarshal(b.Bytes(), &number) != nil || text == "null" {
		return text
	}
	switch {
	case strings.HasSuffix(key, "Bytes") && number >= 1<<10:
		return text + " (" + amount(number, "bytes") + ")"
	case strings.HasSuffix(key, "Ms"):
		return text + " ms"
	case strings.HasSuffix(key, "MB"):
		return text + " MB"
	}
	return text
}

// parted is a text with what stands below its first line: the output of an image, or examples.
func parted(text string) (first, rest string) {
	first, rest, _ = strings.Cut(strings.TrimRight(text, "\n"), "\n")
	return first, rest
}
