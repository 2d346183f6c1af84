package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// Errors of a request's body. Any other is the client's, whose connection has failed.
var (
	// ErrBodyTooLarge means that it is over the limit of 6 MB (contract/runtime.md 8).
	ErrBodyTooLarge = errors.New("request body over the limit")
	// ErrBodyFile means that we could not keep it: the disk is full, or the folder for temporary files cannot be written.
	ErrBodyFile = errors.New("cannot keep a request's body in a file")
)

// memoryBytes of a body are kept in memory; a longer one is kept in a file.
const memoryBytes = 64 << 10

// Body is a request's body, whole. It has to be closed.
type Body struct {
	memory []byte
	file   *os.File // nil where it is in memory
	size   int64
}

// Len is its size in bytes.
func (b *Body) Len() int64 { return b.size }

// Reader reads it from its beginning. Several may read at a time.
func (b *Body) Reader() io.Reader {
	if b.file == nil {
		return bytes.NewReader(b.memory)
	}
	return io.NewSectionReader(b.file, 0, b.size)
}

// Close gives back what it takes. A Reader that is not at its end fails then.
func (b *Body) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close() //nolint:wrapcheck // names the file
}

// TakeBody reads a request's body whole, so that a slow client holds no instance. At most 64 KB of it are in memory,
// the rest is in a file of a folder. Its errors are ErrBodyTooLarge, ErrBodyFile and the client's.
func TakeBody(r *http.Request, folder string) (*Body, error) {
	if r.ContentLength > contract.MaxEventBytes {
		return nil, ErrBodyTooLarge
	}
	if r.ContentLength == 0 {
		return &Body{}, nil
	}
	var head bytes.Buffer
	n, err := head.ReadFrom(io.LimitReader(r.Body, memoryBytes))
	if err == nil && n < min(r.ContentLength, memoryBytes) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	if n < memoryBytes || n == r.ContentLength {
		return &Body{memory: head.Bytes(), size: n}, nil
	}
	file, err := os.CreateTemp(folder, "body-")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBodyFile, err)
	}
	_ = os.Remove(file.Name()) // it lives until it is closed, and goes with the folder where that cannot be
	b := &Body{file: file}
	if err := b.fill(head.Bytes(), r.Body); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return b, nil
}

// fill writes the file.
func (b *Body) fill(head []byte, rest io.Reader) error {
	to := keeper{b.file}
	if _, err := to.Write(head); err != nil {
		return err
	}
	n, err := io.Copy(to, io.LimitReader(rest, contract.MaxEventBytes+1-int64(len(head))))
	b.size = int64(len(head)) + n
	switch {
	case err != nil && !errors.Is(err, ErrBodyFile):
		return fmt.Errorf("read request body: %w", err)
	case err != nil:
		return err //nolint:wrapcheck // it says all
	case b.size > contract.MaxEventBytes:
		return ErrBodyTooLarge
	}
	return nil
}

// keeper tells its errors from those of a reader.
type keeper struct{ file *os.File }

func (k keeper) Write(p []byte) (int, error) {
	n, err := k.file.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrBodyFile, err)
	}
	return n, err
}

// ReadBody reads a request's body into memory. Its errors are those of TakeBody.
func ReadBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > contract.MaxEventBytes {
		return nil, ErrBodyTooLarge
	}
	if r.ContentLength == 0 {
		return nil, nil
	}
	if r.ContentLength > 0 {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, fmt.Errorf("read request body: %w", err)
		}
		return body, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, contract.MaxEventBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	if len(body) > contract.MaxEventBytes {
		return nil, ErrBodyTooLarge
	}
	return body, nil
}
