package program

import (
	"context"
	"debug/elf"
	"errors"
	"os"
	"testing"
)

func TestAProgramIsAStaticExecutableForItsPlatform(t *testing.T) {
	p, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path, err := p.Executable(t.Context(), Pause, "linux", "arm64")
	if err != nil {
		t.Fatal(err)
	}
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if file.Machine != elf.EM_AARCH64 {
		t.Errorf("machine is %s", file.Machine)
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			t.Error("it needs a dynamic loader")
		}
	}
	again, err := p.Executable(t.Context(), Pause, "linux", "arm64")
	if err != nil || again != path {
		t.Errorf("asked again it is %s, %v", again, err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close the program is still there: %v", err)
	}
}

func TestAProgramThatCannotBeBuiltSaysWhatToDo(t *testing.T) {
	p, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	t.Setenv("PATH", "")
	if _, err := p.Executable(context.Background(), Violator, "linux", "s390x"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without a toolchain: %v", err)
	}
}
