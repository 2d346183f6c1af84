package instance

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

var statusLine = regexp.MustCompile(`^HTTP/1\.[01] \d{3}( .*)?$`)

// framing lists what is wrong with an answer that a lenient reader takes all the same (RFC 9112, 2 to 6). Raw begins with
// its head; leftover is how many bytes followed the body unasked.
func framing(raw []byte, response *http.Response, leftover int) []string {
	head := raw
	if end := bytes.Index(raw, []byte("\r\n\r\n")); end >= 0 {
		head = raw[:end+2]
	} else if end := bytes.Index(raw, []byte("\n\n")); end >= 0 {
		head = raw[:end+1]
	}
	var wrong, lengths []string
	encoded := false
	for n, line := range bytes.Split(bytes.TrimSuffix(head, []byte("\n")), []byte("\n")) {
		text, crlf := strings.CutSuffix(string(line), "\r")
		if !crlf {
			wrong = append(wrong, fmt.Sprintf("line %d of the head ends in LF without CR", n+1))
		}
		name, value, _ := strings.Cut(text, ":")
		switch {
		case n == 0 && !statusLine.MatchString(text):
			wrong = append(wrong, fmt.Sprintf("the status line is %q", text))
		case n == 0:
		case strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t"):
			wrong = append(wrong, fmt.Sprintf("line %d of the head is folded", n+1))
		case strings.EqualFold(name, "Content-Length"):
			lengths = append(lengths, strings.TrimSpace(value))
		case strings.EqualFold(name, "Transfer-Encoding"):
			encoded = true
		}
	}
	if len(lengths) > 1 {
		wrong = append(wrong, "it has Content-Length more than once")
	}
	if len(lengths) > 0 && encoded {
		wrong = append(wrong, "it has both Content-Length and Transfer-Encoding")
	}
	if response.StatusCode == http.StatusNoContent && (encoded || len(lengths) > 0 && lengths[0] != "0") {
		wrong = append(wrong, "a 204 tells of a body")
	}
	if leftover > 0 {
		wrong = append(wrong, "bytes follow its end unasked")
	}
	return wrong
}
