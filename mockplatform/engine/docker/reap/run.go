// Package reap removes what a run left in a container engine.
//
// In comes the id of a run; whatever carries its label (containers with their volumes, volumes, image tags) and the
// run's own directory are removed. The run itself uses it when it ends, the watcher when the run's process died, and
// the next run for what even the watcher missed. See decision 9 of design.md: nothing is left behind.
package reap

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Labels of everything that a run creates in the engine.
const (
	// LabelRun holds the id of the run.
	LabelRun = "io.scfcert.run"
	// LabelRole tells "sandbox" from "instance".
	LabelRole = "io.scfcert.role"
)

// repositoryMark is the path element of the image names of a run: 127.0.0.1:PORT/scfcert-RUN/….
const repositoryMark = "scfcert-"

// NewRun makes the id of a run of this process. It tells the machine's boot, the process and its start, so that any
// later process on the same machine can see whether the run is still alive. It is valid in image and container names.
func NewRun() (string, error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("make run id: %w", err)
	}
	return fmt.Sprintf("%s-%x-%x-%s", bootID(), os.Getpid(), startTime(os.Getpid()), hex.EncodeToString(random[:])), nil
}

// Repository is the first path element of all image names of a run.
func Repository(run string) string { return repositoryMark + run }

// runOf finds the run in an image name such as 127.0.0.1:5000/scfcert-RUN/function:tag.
func runOf(reference string) (string, bool) {
	for element := range strings.SplitSeq(reference, "/") {
		if run, ok := strings.CutPrefix(element, repositoryMark); ok && strings.Count(run, "-") == 3 {
			return run, true
		}
	}
	return "", false
}

// dead tells whether the process of a run is certainly gone. Runs of other machines or boots are never called dead:
// the engine may be shared.
func dead(run string) bool {
	parts := strings.Split(run, "-")
	if len(parts) != 4 || parts[0] != bootID() || parts[0] == unknownBoot {
		return false
	}
	pid, err := strconv.ParseInt(parts[1], 16, 32)
	if err != nil {
		return false
	}
	start, err := strconv.ParseUint(parts[2], 16, 64)
	if err != nil {
		return false
	}
	return startTime(int(pid)) != start
}

const unknownBoot = "00000000"

// bootID is the first part of the kernel's boot id mixed with the pid namespace: process ids mean something only there.
func bootID() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return unknownBoot
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return unknownBoot
	}
	var sum uint32 = 2166136261 // FNV-1a
	for _, b := range append(bytes.TrimSpace(boot), namespace...) {
		sum = (sum ^ uint32(b)) * 16777619
	}
	return fmt.Sprintf("%08x", sum)
}

// startTime is the start of a process in clock ticks since boot, or 0 if there is no such process.
func startTime(pid int) uint64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field holds the program's name and may hold spaces and brackets: count from the last bracket.
	end := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	if end < 0 || len(fields) < 20 {
		return 0
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return 0
	}
	ticks, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return 0
	}
	return ticks
}
