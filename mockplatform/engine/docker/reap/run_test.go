package reap

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

func TestARunOfThisProcessIsAlive(t *testing.T) {
	run, err := NewRun()
	if err != nil {
		t.Fatal(err)
	}
	if dead(run) {
		t.Errorf("run %s of this very process counts as dead", run)
	}
	if got, ok := runOf("127.0.0.1:5000/" + Repository(run) + "/function:tag"); !ok || got != run {
		t.Errorf("runOf finds %q, %v, want %q", got, ok, run)
	}
}

func TestARunOfAnEndedProcessIsDead(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	run := fmt.Sprintf("%s-%x-%x-00000000", bootID(), cmd.Process.Pid, startTime(cmd.Process.Pid))
	if dead(run) {
		t.Errorf("run %s counts as dead while its process lives", run)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if !dead(run) {
		t.Errorf("run %s counts as alive after its process ended", run)
	}
}

func TestARunOfAnotherMachineIsNeverDead(t *testing.T) {
	for _, run := range []string{"deadbeef-1-1-00000000", "00000000-1-1-00000000", "x", "", strings.Repeat("-", 9)} {
		if dead(run) {
			t.Errorf("run %q counts as dead", run)
		}
	}
}

func TestForeignImageNamesHaveNoRun(t *testing.T) {
	for _, name := range []string{"library/scfcert-tool:latest", "scfcert-x/y:z", "alpine"} {
		if run, ok := runOf(name); ok {
			t.Errorf("runOf(%q) finds %q", name, run)
		}
	}
}
