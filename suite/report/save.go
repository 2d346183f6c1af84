package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrFolder means that the report's folder cannot be written.
var ErrFolder = errors.New("report folder cannot be written")

// CheckDir makes the folder and proves that it can be written, before any work is done.
func CheckDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a report is for others to read
		return folderError(dir, err)
	}
	probe, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return folderError(dir, err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return folderError(dir, err)
	}
	return nil
}

func folderError(dir string, err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("%w: %s (%w); name another folder with --report-dir, or make it writable", ErrFolder, dir, err)
}

// Save writes report.json and junit.xml into the folder. Each file appears whole or not at all.
func Save(dir string, r Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a report is for others to read
		return folderError(dir, err)
	}
	for name, write := range map[string]func(io.Writer, Report) error{"report.json": WriteJSON, "junit.xml": WriteJUnit} {
		if err := saveFile(dir, name, r, write); err != nil {
			return folderError(dir, err)
		}
	}
	return nil
}

func saveFile(dir, name string, r Report, write func(io.Writer, Report) error) error {
	file, err := os.CreateTemp(dir, "."+name+"-")
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	err = errors.Join(write(file, r), file.Chmod(0o644), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// WriteJSON writes report.json.
func WriteJSON(w io.Writer, r Report) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
