// Package selftest tests the suite from outside, so that "go test ./suite" certifies one image and nothing else.
package selftest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/suite/report"
)

// TestWhatRunsNothingIsRed runs "go test ./suite" in every way in which it can come to assess nothing.
func TestWhatRunsNothingIsRed(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "suite.test")
	if output, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, "..").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const gone = "DOCKER_HOST=unix:///nonexistent/docker.sock"
	for name, c := range map[string]struct {
		args        []string
		environment string
		says        string
		reported    bool
	}{
		"an empty filter":              {[]string{"-ginkgo.focus=no such spec"}, gone, "no specs ran", false},
		"an unknown id":                {[]string{"-ginkgo.label-filter=start.listne"}, gone, "no specs ran", false},
		"only what is not applicable":  {[]string{"-ginkgo.label-filter=http.websocket"}, "", "nothing was assessed", true},
		"a dry run":                    {[]string{"-ginkgo.dry-run"}, gone, "nothing was certified", false},
		"an image and no suite":        {[]string{"-image=engine:x", "-test.run=TestNothing"}, gone, "nothing was certified", false},
		"an image and a skipped suite": {[]string{"-image=engine:x", "-test.skip=TestSuite"}, gone, "nothing was certified", false},
		"an unknown contract":          {[]string{"-contract=2020.01"}, gone, `-contract "2020.01": take one of 2026.11`, false},
		"an unknown type":              {[]string{"-type=both"}, gone, `-type "both"`, false},
		"an unknown flag":              {[]string{"-imgae=x"}, gone, "-imgae", false},
		"an engine that has gone":      {nil, gone, "verdict: inconclusive", true},
		"a folder that is a file":      {[]string{"-report-dir=" + file}, gone, file, false},
		"an image that does not exist": {[]string{"-image=engine:scfcert-no-such-image:1"}, "", "scfcert-no-such-image", true},
		"a deadline that is too short": {[]string{"-test.timeout=15100ms"}, "", "ran out of time", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			command := exec.CommandContext(ctx, binary, append([]string{"-test.timeout=2m", "-report-dir=" + dir}, c.args...)...)
			command.Dir = ".."
			if command.Env = os.Environ(); c.environment != "" {
				command.Env = append(command.Env, c.environment)
			}
			output, err := command.CombinedOutput()
			if _, failed := errors.AsType[*exec.ExitError](err); !failed || ctx.Err() != nil || !bytes.Contains(output, []byte(c.says)) {
				t.Errorf("ended with %v and does not say %q:\n%s", err, c.says, output)
			}
			if c.reported {
				isNoPass(t, dir)
			}
		})
	}
}

// isNoPass looks whether a report was written that nobody can take for a pass.
func isNoPass(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var written report.Report
	if err := json.Unmarshal(text, &written); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(t.Name(), "not_applicable") && written.Verdict != report.Inconclusive {
		t.Errorf("the report's verdict is %s", written.Verdict)
	}
}
