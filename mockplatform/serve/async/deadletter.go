package async

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// DeadLetterFile keeps events that were given up: JSON lines, one for each, added at the end. It is safe for use by
// several goroutines; open a file once, whatever the number of queues.
type DeadLetterFile struct {
	mu   sync.Mutex
	file *os.File
}

// line is one line of the file.
type line struct {
	Time       time.Time       `json:"time"`
	Reason     Reason          `json:"reason"`
	RequestID  string          `json:"requestId"`
	Function   string          `json:"function"`
	Qualifier  string          `json:"qualifier,omitempty"`
	Trigger    string          `json:"trigger,omitempty"`
	Accepted   time.Time       `json:"accepted"`
	Attempts   int             `json:"attempts"`
	StatusCode int             `json:"statusCode"`
	Message    string          `json:"message"`
	Event      json.RawMessage `json:"event"`
}

// OpenDeadLetter opens a file, or makes it; only its owner can read it, as events may hold secrets. A last line that was
// cut off when a process was killed is ended, so that it spoils no other.
func OpenDeadLetter(path string) (*DeadLetterFile, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open dead-letter file %s: it is no regular file (%s); name one, or a new one", path, info.Mode().Type())
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open dead-letter file; its folder has to exist and to be writable: %w", err)
	}
	d := &DeadLetterFile{file: file}
	if err := d.endLine(); err != nil {
		return nil, errors.Join(fmt.Errorf("read dead-letter file: %w", err), file.Close())
	}
	return d, nil
}

// endLine ends a last line that has no end.
func (d *DeadLetterFile) endLine() error {
	size, err := d.file.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return err //nolint:wrapcheck // the caller tells
	}
	var last [1]byte
	if _, err := d.file.ReadAt(last[:], size-1); err != nil || last[0] == '\n' {
		return err //nolint:wrapcheck // the caller tells
	}
	return d.add([]byte("\n"))
}

// Write adds a letter as one line, or nothing. The event is written as JSON, its numbers and texts unchanged.
func (d *DeadLetterFile) Write(letter Letter) error {
	sent := letter.Invocation
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(line{
		Time: letter.GivenUp.UTC(), Reason: letter.Reason, RequestID: sent.RequestID, Function: sent.Function, Qualifier: sent.Qualifier,
		Trigger: sent.Trigger, Accepted: sent.Accepted.UTC(), Attempts: sent.Attempt,
		StatusCode: letter.Result.StatusCode, Message: letter.Result.Message, Event: sent.Event,
	}); err != nil {
		return fmt.Errorf("write event %s to the dead-letter file: %w", sent.RequestID, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.add(text.Bytes()); err != nil {
		return fmt.Errorf("write event %s to the dead-letter file: %w", sent.RequestID, err)
	}
	return nil
}

// add appends all of a text, or takes back the part of it that was written.
func (d *DeadLetterFile) add(text []byte) error {
	size, err := d.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err //nolint:wrapcheck // the caller tells
	}
	if written, err := d.file.Write(text); err != nil {
		if written > 0 {
			err = errors.Join(err, d.file.Truncate(size))
		}
		return err //nolint:wrapcheck // the caller tells
	}
	return nil
}

// Close closes the file.
func (d *DeadLetterFile) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.file.Close(); err != nil {
		return fmt.Errorf("close the dead-letter file: %w", err)
	}
	return nil
}
