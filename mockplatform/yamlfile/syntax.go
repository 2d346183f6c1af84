package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Document parses the text into its only document; false where that failed, or where there is nothing in it, which is
// reported.
func (r *Reader) Document(text []byte) (Value, bool) {
	node := r.parse(text)
	switch {
	case node == nil:
		return Value{}, false
	case IsNull(node):
		r.ProblemAt(1, 1, "", fmt.Errorf("there is nothing in the file; it needs at least %s", r.format.Least))
		return Value{}, false
	default:
		return Value{At: node, Node: node}, true
	}
}

func (r *Reader) parse(text []byte) *yaml.Node {
	if len(text) > r.format.MaxBytes {
		r.ProblemAt(1, 1, "", fmt.Errorf("the file has more than %d KB; %s", r.format.MaxBytes>>10, r.format.TooLarge))
		return nil
	}
	if at := invalidUTF8(text); at >= 0 {
		line, column := place(text, at)
		r.ProblemAt(line, column, "", errors.New("this is not UTF-8; save the file as UTF-8 text"))
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		r.ProblemAt(1, 1, "", fmt.Errorf("the file is empty; it needs at least %s", r.format.Least))
		return nil
	case err != nil:
		r.syntax(text, err)
		return nil
	}
	if err := decoder.Decode(&second); err == nil {
		r.ProblemAt(second.Line, second.Column, "", fmt.Errorf("a second document begins; put all %s into the first and take the line --- out", r.format.Entries))
	} else if !errors.Is(err, io.EOF) {
		r.syntax(text, err)
	}
	if len(first.Content) == 0 {
		return nil
	}
	return first.Content[0]
}

func invalidUTF8(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size < 2 {
			return at
		}
		at += size
	}
	return -1
}

// place tells line and column of a byte.
func place(text []byte, at int) (line, column int) {
	before := text[:at]
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

var (
	syntaxLine    = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.+)' referenced$`)
)

// hints say what people do who meet a parser's words.
var hints = []struct{ words, remedy string }{
	{"alphabetic or numeric character", `* and & begin an alias and an anchor in YAML; write a text that begins with one of them in quotes, such as "*" or "*/5 * * * *"`},
	{"cannot start any token", "indent with spaces, not tabs, and put a text that begins with @, % or ` in quotes"},
	{"tab character", "indent with spaces, not tabs"},
	{"mapping values are not allowed", `put a text that holds ": " in quotes, or indent this line as its neighbours`},
	{"expected key", "indent this line and the next as their neighbours"},
	{"'-' indicator", "indent this line and the next as their neighbours, and do not mix - items with KEY: VALUE"},
	{"expected ':'", "write KEY: VALUE, with a space after the colon"},
	{"expected ',' or", "close the bracket or put a comma between the items"},
	{"end of stream", "close the quote"},
	{"control characters", `write it in quotes as an escape, such as "\x07"`},
}

// syntax reports what the parser says. It gives a line at most, and sometimes the one before.
func (r *Reader) syntax(text []byte, err error) {
	line, column, words := 1, 1, err.Error()
	if parts := syntaxLine.FindStringSubmatch(words); parts != nil {
		words = parts[2]
		line, _ = strconv.Atoi(parts[1])
	}
	lines := bytes.Split(text, []byte("\n"))
	line = min(max(line, 1), len(lines))
	if line == len(lines) && line > 1 && len(lines[line-1]) == 0 { // it ended within something
		line--
	}
	column += len(lines[line-1]) - len(bytes.TrimLeft(lines[line-1], " \t"))
	remedy := "write YAML as " + r.format.Guide + " shows"
	for _, hint := range hints {
		if strings.Contains(words, hint.words) {
			remedy = hint.remedy
			break
		}
	}
	if parts := unknownAnchor.FindStringSubmatch(words); parts != nil {
		if at := bytes.Index(text, []byte("*"+parts[1])); at >= 0 {
			line, column = place(text, at)
		}
		remedy = fmt.Sprintf(`define it before as &%s, or write "*%s" in quotes if it is a text`, parts[1], parts[1])
	}
	r.ProblemAt(line, column, "", fmt.Errorf("here or in the next line the YAML is broken: %s; %s", words, remedy))
}
