//go:build debian

package samplefunctions_test

import (
	"context"
	"os/exec"
	"testing"

	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
)

// TestDebianSamplesConform builds the samples from the Dockerfiles that a user would write, on the base images of
// debian/base.sh, and certifies them as both types.
func TestDebianSamplesConform(t *testing.T) {
	for _, name := range []string{"python", "node"} {
		t.Run(name, func(t *testing.T) {
			tag := "scfcert-test/" + name + ":sample"
			build := exec.CommandContext(t.Context(), "docker", "build", "--quiet", "--tag", tag, "--build-arg", "BASE=scfcert-test/"+name+":base", name)
			build.Env = append(build.Environ(), "DOCKER_BUILDKIT=0")
			if output, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build %s: %v\n%s", name, err, output)
			}
			t.Cleanup(func() {
				_ = exec.CommandContext(context.Background(), "docker", "rmi", "--force", tag).Run()
			})
			certified := certify(t, suite.Options{Image: tag})
			if certified.Verdicts.Event != report.Conformant || certified.Verdicts.HTTP != report.Conformant {
				show(t, certified)
				t.Errorf("verdicts %+v", certified.Verdicts)
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
