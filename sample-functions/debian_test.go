//go:build debian

package samplefunctions_test

import (
	"context"
	"os/exec"
	"path"
	"testing"
	"time"

	samplefunctions "github.com/scfcert/scfcert/sample-functions"
	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
)

// patience is for starts that fail, on a busy machine.
const patience = 10 * time.Second

// built builds an image from the Dockerfile that a user would write, on a base image of debian/base.sh.
func built(t *testing.T, folder, base string) string {
	t.Helper()
	tag := "scfcert-test/" + path.Base(folder) + ":sample"
	build := exec.CommandContext(t.Context(), "docker", "build", "--quiet", "--tag", tag, "--build-arg", "BASE=scfcert-test/"+base+":base", folder)
	build.Env = append(build.Environ(), "DOCKER_BUILDKIT=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", folder, err, output)
	}
	t.Cleanup(func() {
		_ = exec.CommandContext(context.Background(), "docker", "rmi", "--force", tag).Run()
	})
	return tag
}

// TestDebianSamplesConform certifies the samples as both types. Those in Python and Node are probes, so everything can be
// seen.
func TestDebianSamplesConform(t *testing.T) {
	for _, name := range []string{"python", "node", "flask"} {
		t.Run(name, func(t *testing.T) {
			tag := built(t, name, name)
			opts := suite.Options{Image: tag}
			if name != "flask" { // which answers no gateway's events
				event, _ := suite.TriggerEvent("apigw")
				opts.Events = []suite.Event{event}
			}
			certified := certify(t, opts)
			if certified.Verdicts.Event != report.Conformant || certified.Verdicts.HTTP != report.Conformant || len(certified.RootCauses) != 0 || certified.Probe != (name != "flask") {
				show(t, certified)
				t.Errorf("verdicts %+v, probe %v", certified.Verdicts, certified.Probe)
			}
			if certified.Image.Source != "engine" || certified.Image.DigestKind != "config" {
				t.Errorf("image %+v", certified.Image)
			}
			if output, err := exec.CommandContext(t.Context(), "docker", "image", "inspect", tag).CombinedOutput(); err != nil {
				t.Errorf("the user's image is gone: %v %s", err, output)
			}
		})
	}
}

// TestDebianViolatorsFailForTheirReason is the part of the kill matrix that is of an interpreter's world.
func TestDebianViolatorsFailForTheirReason(t *testing.T) {
	for _, v := range samplefunctions.Realistics() {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			opts := suite.Options{Image: built(t, "realistic/"+v.Name, v.Base), Type: suite.TypeEvent, InitTimeout: patience, Procs: 1}
			expect(t, certify(t, opts), v.Broken, nil)
		})
	}
}
