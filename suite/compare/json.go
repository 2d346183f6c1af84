package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// JSON is the comparison by its schema, with a line end. It holds all that the texts are made of; texts of the image are
// whole, with control characters in JSON's spelling.
func JSON(c Comparison) ([]byte, error) {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write comparison: %w", err)
	}
	return append(spelled(text), '\n'), nil
}

// spelled puts characters that control a terminal and that JSON lets pass into JSON's spelling. They stand in strings only.
func spelled(text []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(text) {
		if r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			_, _ = fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.Bytes()
}
