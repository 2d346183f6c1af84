package statement

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deeply JSON may be nested; ours takes 6.
const maxDepth = 32

// strict refuses JSON that two readers may read differently: what is not JSON or not UTF-8, what has something behind it,
// and objects that name a member twice, be it in another case. It refuses what is nested too deeply as well.
func strict(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("it is not UTF-8")
	}
	if err := depth(text); err != nil {
		return err
	}
	if !json.Valid(text) { // which also finds what stands behind the value
		return whyInvalid(text)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return unique(decoder)
}

// whyInvalid finds words for text that is no JSON.
func whyInvalid(text []byte) error {
	var syntax *json.SyntaxError
	if err := json.Unmarshal(text, new(json.RawMessage)); errors.As(err, &syntax) {
		return fmt.Errorf("%w (byte %d)", syntax, syntax.Offset)
	}
	return errors.New("it is not JSON")
}

// depth counts brackets outside of strings, before anything recurses.
func depth(text []byte) error {
	open, quoted, escaped := 0, false, false
	for _, b := range text {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = b == '\\', b != '"'
		case b == '"':
			quoted = true
		case b == '{' || b == '[':
			if open++; open > maxDepth {
				return fmt.Errorf("it is nested more than %d deep", maxDepth)
			}
		case b == '}' || b == ']':
			open--
		}
	}
	return nil
}

// unique reads one value of valid JSON and refuses objects that name a member twice.
func unique(decoder *json.Decoder) error {
	token, err := decoder.Token()
	if err != nil {
		return fmt.Errorf("it is not JSON: %w", err)
	}
	bracket, _ := token.(json.Delim)
	if bracket == 0 {
		return nil
	}
	seen := map[string]bool{}
	for decoder.More() {
		if bracket == '{' {
			key, err := decoder.Token()
			if err != nil {
				return fmt.Errorf("it is not JSON: %w", err)
			}
			name, _ := key.(string)
			if seen[fold(name)] {
				return fmt.Errorf("the member %s stands twice in one object", shown(name))
			}
			seen[fold(name)] = true
		}
		if err := unique(decoder); err != nil {
			return err
		}
	}
	_, err = decoder.Token() // the closing bracket
	return err               //nolint:wrapcheck // of valid JSON there is none
}

// fold gives one spelling to all names that encoding/json takes for the same.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }
