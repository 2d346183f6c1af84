// Package program provides the product's own static programs: those it puts into images, and the watcher.
//
// In comes the name of a program and a platform; out comes the path of a static executable. A binary made with the
// build tag "embedded" carries them inside; anything else, such as go test, has the Go toolchain build them from this
// module. Nothing prebuilt lives in the repository.
package program

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Name is a program of ours.
type Name string

// The programs, each with the package that it is built from.
const (
	Pause    Name = "pause"    // owner of a network sandbox, and prober inside it
	Function Name = "function" // the built-in sample function and reference probe
	Violator Name = "violator" // breaks one requirement on demand; for tests
	Chaos    Name = "chaos"    // misbehaves on request; for tests
	Watch    Name = "watch"    // removes what a killed run left behind
)

const module = "github.com/scfcert/scfcert/"

func (n Name) source() string {
	switch n {
	case Pause:
		return module + "mockplatform/sandbox/pause"
	case Watch:
		return module + "mockplatform/engine/docker/watch"
	default:
		return module + "sample-functions/go/" + string(n)
	}
}

// ErrUnavailable means that a program is neither embedded nor can be built here.
var ErrUnavailable = errors.New("built-in program unavailable")

// Programs gives executables. It is safe for use by several goroutines.
type Programs struct {
	dir string

	mu    sync.Mutex
	paths map[string]string
}

// Open prepares a private directory for executables below parent, or below the system's temporary one if parent is
// empty. Close it.
func Open(parent string) (*Programs, error) {
	dir, err := os.MkdirTemp(parent, "scfcert-programs-")
	if err != nil {
		return nil, fmt.Errorf("make directory for built-in programs: %w", err)
	}
	return &Programs{dir: dir, paths: map[string]string{}}, nil
}

// Close removes the executables.
func (p *Programs) Close() error {
	if err := os.RemoveAll(p.dir); err != nil {
		return fmt.Errorf("remove built-in programs: %w", err)
	}
	return nil
}

// Executable gives the path of a static executable of the program for a platform such as "linux", "amd64". The path is
// valid until Close. A program that cannot be had is ErrUnavailable.
func (p *Programs) Executable(ctx context.Context, name Name, goos, goarch string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := fmt.Sprintf("%s-%s-%s", name, goos, goarch)
	if path, ok := p.paths[key]; ok {
		return path, nil
	}
	path := filepath.Join(p.dir, key)
	unpacked, err := unpack(key+".gz", path)
	if err == nil && !unpacked {
		err = build(ctx, name, goos, goarch, path)
	}
	if err != nil {
		return "", err
	}
	p.paths[key] = path
	return path, nil
}

// unpack writes an embedded executable, if there is one.
func unpack(embeddedName, path string) (bool, error) {
	packed, err := fs.ReadFile(embedded(), embeddedName)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read embedded program: %w", err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return false, fmt.Errorf("unpack embedded program: %w", err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		return false, fmt.Errorf("unpack embedded program: %w", err)
	}
	if err := os.WriteFile(path, text, 0o700); err != nil { //nolint:gosec // a program
		return false, fmt.Errorf("write embedded program: %w", err)
	}
	return true, nil
}

// build has the Go toolchain make the executable. Its build cache makes all but the first time short.
func build(ctx context.Context, name Name, goos, goarch, path string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, name.source())
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOFLAGS=")
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("build %s: %w", name, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("%w: %s for %s/%s is not embedded in this binary, and go build failed (%w: %s); build scfcert with make, which embeds it",
			ErrUnavailable, name, goos, goarch, err, bytes.TrimSpace(output))
	}
	return nil
}
