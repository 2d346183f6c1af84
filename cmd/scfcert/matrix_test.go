package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/suite/report"
)

// What a file names may hold anything, and stands in errors.
func TestAnErrorSendsNothingToTheTerminal(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "matrix.yaml")
	if err := os.WriteFile(file, []byte(`images: [{image: a, waivers: "\e[31mred"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	terminal := os.Stderr
	os.Stderr = said
	code := run([]string{"matrix", "-f", file})
	os.Stderr = terminal
	text, err := os.ReadFile(said.Name())
	if err != nil || code != report.ExitUsage || strings.Contains(string(text), "\x1b") || !strings.Contains(string(text), `\u001b[31mred: no such file`) {
		t.Errorf("exit code %d, %q, %v", code, text, err)
	}
}
