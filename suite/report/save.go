package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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

// Files are the files that Save writes, by their names.
func Files() map[string]func(io.Writer, Report) error {
	return map[string]func(io.Writer, Report) error{
		"report.json": WriteJSON, "junit.xml": WriteJUnit, "report.html": WriteHTML,
		"report.md": func(w io.Writer, r Report) error { return WriteMarkdown(w, r, MarkdownOptions{}) },
	}
}

// Save writes report.json, junit.xml, report.html and report.md into the folder. Each file appears whole or not at all.
func Save(dir string, r Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a report is for others to read
		return folderError(dir, err)
	}
	return saveAll(dir, Files(), r)
}

// saveAll writes what files hold into the folder. The error is ErrFolder.
func saveAll[T any](dir string, files map[string]func(io.Writer, T) error, value T) error {
	for name, write := range files {
		if err := Replace(filepath.Join(dir, name), ForAll, func(w io.Writer) error { return write(w, value) }); err != nil {
			return folderError(dir, err)
		}
	}
	return nil
}

// WriteFile writes a file that others may read, whole or not at all. What is there and is no ordinary file stays as it is.
func WriteFile(path string, text []byte) error {
	if there, err := os.Lstat(path); err == nil && !there.Mode().IsRegular() {
		return fmt.Errorf("write %s: it is there and no ordinary file; give another name, or - for standard output", path)
	}
	err := Replace(path, ForAll, func(w io.Writer) error {
		_, err := w.Write(text)
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return fmt.Errorf("write %s: %w; give another name, or - for standard output", path, err)
	}
	return nil
}

// Who may read a file that Replace writes.
const (
	ForAll   os.FileMode = 0o644
	ForOwner os.FileMode = 0o600
)

// Replace has a file appear whole, in the place of what is there, or not at all. The error is a file's, or that of write.
func Replace(path string, mode os.FileMode, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-") // for its owner until it is whole
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the callers
	}
	err = errors.Join(write(file), file.Chmod(mode), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// WriteJSON writes report.json. Lists and mappings are never null.
func WriteJSON(w io.Writer, r Report) error { return writeJSON(w, complete(r)) }

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// complete is a report without nil lists and mappings.
func complete(r Report) Report {
	r.Readings, r.Timings = mapping(r.Readings), mapping(r.Timings)
	r.Image.Command, r.Image.Args, r.Function.Environment = list(r.Image.Command), list(r.Image.Args), list(r.Function.Environment)
	r.Margins, r.Waivers = list(r.Margins), list(r.Waivers)
	r.Requirements, r.RootCauses = list(slices.Clone(r.Requirements)), list(slices.Clone(r.RootCauses))
	for n := range r.Requirements {
		r.Requirements[n].Types = list(r.Requirements[n].Types)
	}
	for n := range r.RootCauses {
		r.RootCauses[n].Blocks = list(r.RootCauses[n].Blocks)
	}
	return r
}

func list[T any](values []T) []T {
	if values == nil {
		return []T{}
	}
	return values
}

func mapping[V any](values map[string]V) map[string]V {
	if values == nil {
		return map[string]V{}
	}
	return values
}
