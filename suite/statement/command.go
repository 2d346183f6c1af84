package statement

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

const (
	// DefaultCommandTimeout of a Command.
	DefaultCommandTimeout = 30 * time.Second
	// commandGrace is how long we wait for what a killed signer left behind to let go of its output.
	commandGrace   = 2 * time.Second
	maxCommandText = 64 << 10 // bytes of either output
	maxCommandSays = 500      // bytes of stderr in an error
)

// Command signs with a program of the user's, such as one that asks a key service. The program gets the message on
// standard input and writes the raw signature in base64 to standard output; no shell is between. Ed25519 signs the message
// itself; ECDSA signs its SHA-256, as ASN.1 DER.
type Command struct {
	Args []string // the program and its arguments
	// Key is the signer's public key, which the program is not asked for.
	Key PublicKey
	// Timeout bounds one signature; 0: DefaultCommandTimeout.
	Timeout time.Duration
}

// Public is the signer's public key.
func (c Command) Public() PublicKey { return c.Key }

// Sign runs the program. The error is ErrSigner with the end of what the program said on standard error; after a timeout
// it is context.DeadlineExceeded too.
func (c Command) Sign(ctx context.Context, message []byte) ([]byte, error) {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return nil, refuse(ErrSigner, "no program was given; name one with its arguments")
	}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultCommandTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var stdout, stderr bounded
	command := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(message), &stdout, &stderr
	command.WaitDelay = commandGrace
	if err := command.Run(); err != nil {
		return nil, c.failed(ctx, err, timeout, stderr.text)
	}
	if stdout.over {
		return nil, refuse(ErrSigner, "%s wrote more than %d bytes; it must write the signature in base64 and nothing else", shown(c.Args[0]), maxCommandText)
	}
	signature, err := decode64(strings.TrimSpace(string(stdout.text)))
	if err != nil || len(signature) == 0 { // what it wrote is not shown: it may be a secret
		return nil, refuse(ErrSigner, "%s did not write a signature in base64%s; it must write that and nothing else", shown(c.Args[0]), said(stderr.text))
	}
	return signature, nil
}

func (c Command) failed(ctx context.Context, err error, timeout time.Duration, stderr []byte) error {
	switch cause := ctx.Err(); {
	case errors.Is(cause, context.DeadlineExceeded):
		return fmt.Errorf("%w: %s gave no signature within %s (%w)%s; see what it waits for", ErrSigner, shown(c.Args[0]), timeout, cause, said(stderr))
	case cause != nil:
		return fmt.Errorf("%w: %s was stopped: %w", ErrSigner, shown(c.Args[0]), cause)
	default:
		return fmt.Errorf("%w: %s: %w%s", ErrSigner, shown(c.Args[0]), err, said(stderr))
	}
}

// said is the end of what a program said, on one line.
func said(stderr []byte) string {
	text := strings.Join(strings.Fields(diagnose.Clean(string(stderr))), " ")
	if text == "" {
		return ""
	}
	if len(text) > maxCommandSays {
		text = "…" + strings.ToValidUTF8(text[len(text)-maxCommandSays:], "")
	}
	return fmt.Sprintf(" and said %q", text)
}

// bounded keeps the last bytes that are written to it.
type bounded struct {
	text []byte
	over bool
}

// Write never fails, so that the program is not stopped by what it says.
func (b *bounded) Write(p []byte) (int, error) {
	b.text = append(b.text, p...)
	if extra := len(b.text) - maxCommandText; extra > 0 {
		b.text, b.over = append([]byte{}, b.text[extra:]...), true
	}
	return len(p), nil
}
