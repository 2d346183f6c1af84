// Package enginetest opens a real container engine for tests of the rooms that sit on one.
//
// In comes a test; out come an engine whose run ends with the test, and images made of a static Go program. A machine
// without an engine fails the test: it is never skipped.
package enginetest

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/engine/docker"
	"github.com/scfcert/scfcert/mockplatform/image"
)

// Open opens the engine for one test.
func Open(t testing.TB) *docker.Engine {
	t.Helper()
	watch := Build(t, "github.com/scfcert/scfcert/mockplatform/engine/docker/watch")
	eng, err := docker.Open(t.Context(), docker.Options{Watch: []string{watch}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatalf("this test needs a container engine: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := eng.Close(ctx); err != nil {
			t.Errorf("close engine: %v", err)
		}
	})
	return eng
}

// SeenFrom is an engine as somebody else sees it: a user without root beside it, or another machine. It is for rooms
// that ask an engine's Info what they may do.
func SeenFrom(eng engine.Engine, local, privileged bool) engine.Engine {
	return seenFrom{eng, local, privileged}
}

type seenFrom struct {
	engine.Engine

	local, privileged bool
}

func (s seenFrom) Info() engine.Info {
	info := s.Engine.Info()
	info.Local, info.Privileged = s.local, s.privileged
	return info
}

// Build compiles a command of this module into a static executable.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, output)
	}
	return path
}

// Load makes an image with the program as /program, and what else the config says, and loads it into the engine. The
// image goes with the run. It returns the reference.
func Load(t testing.TB, eng *docker.Engine, program string, config v1.Config, directories ...string) string {
	t.Helper()
	files := []image.File{{Name: "tmp/"}, {Name: "program", Mode: 0o755, From: program}}
	for _, directory := range directories {
		files = append(files, image.File{Name: directory + "/"})
	}
	img, err := image.Scratch(contract.Architecture, config, files...)
	check(t, err)
	tag, err := name.NewTag("scfcert-" + eng.Run() + "/test:" + filepath.Base(t.TempDir()))
	check(t, err)
	var archive bytes.Buffer
	check(t, tarball.Write(tag, img, &archive))
	check(t, eng.LoadImage(t.Context(), &archive))
	return tag.RepositoryStr() + ":" + tag.TagStr()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
