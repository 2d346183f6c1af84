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
// the heads of so many informational answers and its own; leftover is how many bytes followed the body unasked.
func framing(raw []byte, informed int, response *http.Response, leftover int) []string {
	var wrong, lengths []string
	encoded := false
	for n := 1; informed >= 0 && len(raw) > 0; n++ {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		raw = rest
		text, crlf := strings.CutSuffix(string(line), "\r")
		if !crlf {
			wrong = append(wrong, fmt.Sprintf("line %d of the head ends in LF without CR", n))
		}
		name, value, _ := strings.Cut(text, ":")
		switch {
		case text == "": // the head's end
			informed--
			n = 0
		case n == 1 && !statusLine.MatchString(text):
			wrong = append(wrong, fmt.Sprintf("the status line is %q", text))
		case n == 1:
		case strings.TrimLeft(text, " \t") != text:
			wrong = append(wrong, fmt.Sprintf("line %d of the head is folded", n))
		case informed > 0: // what follows is for its own head to say
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
