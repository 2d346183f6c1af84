package statement

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// Sentinels of making and signing a statement.
var (
	// ErrReport means that a report cannot be stated; the text says why, and what to do.
	ErrReport = errors.New("report cannot be signed")
	// ErrSigner means that no usable signature came back from the signer.
	ErrSigner = errors.New("signer failed")
)

// Sentinels of Verify. Each refusal is exactly one of them, in one sentence.
var (
	ErrMalformed = errors.New("malformed envelope or statement")
	ErrSignature = errors.New("signature does not verify")
	ErrKey       = errors.New("key cannot be used")
	ErrPredicate = errors.New("no usable certification in the statement")
	ErrDigest    = errors.New("statement is for another image")
	ErrContract  = errors.New("contract not accepted")
	ErrType      = errors.New("function type not accepted")
	ErrVerdict   = errors.New("verdict not accepted")
	ErrAge       = errors.New("statement is too old or from the future")
)

// refuse makes an error of a sentinel, a reason and a remedy.
func refuse(sentinel error, format string, args ...any) error {
	return fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...))
}

// shown is a text of others as errors show it: quoted, on one line and not too long.
func shown(text string) string { return strconv.Quote(cut(text)) }

// plain is the text of an error about what others wrote, on one line and not too long.
func plain(err error) string {
	return cut(strings.Join(strings.Fields(diagnose.Clean(err.Error())), " "))
}

func cut(text string) string {
	const most = 120 // bytes
	if len(text) <= most {
		return text
	}
	end := most
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
