package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/suite"
)

func TestABaselineThatCannotBeWrittenSaysWhyAndWhatToDo(t *testing.T) {
	const known = "../../suite/report/testdata/failing.json"
	text, err := os.ReadFile(known)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	newer, there := filepath.Join(dir, "newer.json"), filepath.Join(dir, "there.yaml")
	if err := errors.Join(os.WriteFile(newer, []byte(strings.ReplaceAll(string(text), `"listen.loopback-only"`, `"listen.news"`)), 0o600), os.WriteFile(there, []byte("mine"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		report, out string
		usage       bool
		want        string
	}{
		{known, "", true, "--out names no file; give one, or - for standard output"},
		{known, there, false, there + " is there already; take another name with --out, or move it away"},
		{known, filepath.Join(dir, "none", "w.yaml"), false, "no such file or directory; give another name"},
		{newer, "-", false, newer + `: invalid waivers: unknown failure: start.listen fails for "listen.news": `},
	} {
		cmd := baselineCommand()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs([]string{c.report, "--owner=o", "--justification=j", "--expires=2027-01-31", "--out=" + c.out})
		err := cmd.Execute()
		if err == nil || errors.Is(err, suite.ErrUsage) != c.usage || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s to %q gives %v", c.report, c.out, err)
		}
	}
	if text, err := os.ReadFile(there); err != nil || string(text) != "mine" {
		t.Errorf("what was there is %q now, %v", text, err)
	}
}
