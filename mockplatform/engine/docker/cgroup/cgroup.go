// Package cgroup reads and freezes the control group of a container that runs under this kernel.
//
// In comes a process id; out come memory figures, kernel counters and a switch that stops all processes at once. It
// knows versions 1 and 2, and nothing of Docker. See R16 and T4 of contract/runtime.md.
package cgroup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Method names how Memory measures, for reports.
const Method = "anonymous memory of the control group, sampled, and the processes' VmHWM less their file pages"

// ErrUnavailable means that the control group cannot be seen from here.
var ErrUnavailable = errors.New("control group not visible")

// Group is the control group of one container.
type Group struct {
	proc            string
	memory, freezer string // directories; the same one in version 2
	v2              bool
}

// Memory is what a group uses at one moment.
type Memory struct {
	// Bytes is memory that is neither page cache nor shared memory such as a tmpfs.
	Bytes int64
	// PeakBytes is the highest that the kernel still knows of; at least Bytes.
	PeakBytes int64
	// Kills counts processes that the kernel killed for their memory.
	Kills int64
}

// Of finds the group of a process: proc and sys are normally /proc and /sys/fs/cgroup. The path has to hold the
// container's id, so that a process that has moved, or that is somebody else's, is never taken for it.
func Of(proc, sys string, pid int, containerID string) (*Group, error) {
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "cgroup"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	g := &Group{proc: proc}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) //nolint:mnd // number, controllers, path
		if len(parts) < 3 {
			continue
		}
		if parts[2] = filepath.Clean(parts[2]); !strings.Contains(parts[2], containerID) {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			switch controller {
			case "memory":
				g.memory = filepath.Join(sys, "memory", parts[2])
			case "freezer":
				g.freezer = filepath.Join(sys, "freezer", parts[2])
			case "":
				if _, err := os.Stat(filepath.Join(sys, parts[2], "cgroup.procs")); err == nil && g.memory == "" {
					g.memory, g.freezer, g.v2 = filepath.Join(sys, parts[2]), filepath.Join(sys, parts[2]), true
				}
			}
		}
	}
	if g.memory == "" {
		return nil, fmt.Errorf("%w: process %d is in none of container %s", ErrUnavailable, pid, containerID)
	}
	if _, err := os.Stat(g.memory); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return g, nil
}

// Memory measures the group.
func (g *Group) Memory() (Memory, error) {
	stat, kills := "total_rss", "memory.oom_control"
	if g.v2 {
		stat, kills = "anon", "memory.events"
	}
	var m Memory
	var err error
	if m.Bytes, err = field(filepath.Join(g.memory, "memory.stat"), stat); err != nil {
		return m, err
	}
	if m.Kills, err = field(filepath.Join(g.memory, kills), "oom_kill"); err != nil {
		return m, err
	}
	m.PeakBytes = max(m.Bytes, g.highWater())
	return m, nil
}

// Processes is what runs in a group.
type Processes struct{ Count, Threads, Zombies, OpenFiles int }

// Processes counts what runs in the group. Zombies are in no group any more: they are found by their parents.
func (g *Group) Processes() (Processes, error) {
	var p Processes
	text, err := os.ReadFile(filepath.Join(g.memory, "cgroup.procs"))
	if err != nil {
		return p, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	members := map[string]bool{}
	for pid := range strings.FieldsSeq(string(text)) {
		members[pid] = true
		if state, _ := g.stat(pid); state == "Z" {
			continue // counted below
		}
		p.Count++
		if threads, err := os.ReadDir(filepath.Join(g.proc, pid, "task")); err == nil {
			p.Threads += len(threads)
		}
		if files, err := os.ReadDir(filepath.Join(g.proc, pid, "fd")); err == nil {
			p.OpenFiles = max(p.OpenFiles, len(files))
		}
	}
	entries, err := os.ReadDir(g.proc)
	if err != nil {
		return p, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		if state, parent := g.stat(entry.Name()); state == "Z" && members[parent] {
			p.Zombies++
		}
	}
	return p, nil
}

// stat tells the state and the parent of a process; both are empty if it is gone.
func (g *Group) stat(pid string) (state, parent string) {
	text, err := os.ReadFile(filepath.Join(g.proc, pid, "stat"))
	if err != nil {
		return "", ""
	}
	// The second field holds the program's name, which may hold anything: count from its last bracket.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 2 { //nolint:mnd // state and parent
		return "", ""
	}
	return fields[0], fields[1]
}

// Kills counts the processes that the kernel killed for their memory.
func (g *Group) Kills() (int64, error) {
	if g.v2 {
		return field(filepath.Join(g.memory, "memory.events"), "oom_kill")
	}
	return field(filepath.Join(g.memory, "memory.oom_control"), "oom_kill")
}

// highWater adds up what the kernel remembers of each living process. Pages that processes share count twice in it,
// so the group's own highest usage, which has the page cache in it, bounds it.
func (g *Group) highWater() int64 {
	text, err := os.ReadFile(filepath.Join(g.memory, "cgroup.procs"))
	if err != nil {
		return 0
	}
	var sum int64
	for pid := range strings.FieldsSeq(string(text)) {
		sum += residentPeak(filepath.Join(g.proc, pid, "status"))
	}
	bound := filepath.Join(g.memory, "memory.max_usage_in_bytes")
	if g.v2 {
		bound = filepath.Join(g.memory, "memory.peak")
	}
	if text, err := os.ReadFile(bound); err == nil {
		if highest, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
			sum = min(sum, highest)
		}
	}
	return sum
}

// residentPeak is VmHWM less the pages that belong to files and shared memory.
func residentPeak(status string) int64 {
	text, err := os.ReadFile(status)
	if err != nil {
		return 0 // it has ended
	}
	var bytes int64
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 2 { //nolint:mnd // name and value
			continue
		}
		kB, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			continue
		}
		switch words[0] {
		case "VmHWM:":
			bytes += kB << 10
		case "RssFile:", "RssShmem:":
			bytes -= kB << 10
		}
	}
	return max(bytes, 0)
}

// field reads a "name value" line of a flat-keyed file.
func field(path, name string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read %s of %s: %w", name, path, err)
			}
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: no %s in %s", ErrUnavailable, name, path)
}

// freezeWait bounds the wait until the kernel has stopped every process.
const freezeWait = 2 * time.Second

// Freeze stops all processes of the group and returns when they have stopped.
func (g *Group) Freeze(ctx context.Context) error {
	return g.switchTo(ctx, "FROZEN", "1", "frozen 1")
}

// Thaw lets them go on.
func (g *Group) Thaw(ctx context.Context) error { return g.switchTo(ctx, "THAWED", "0", "frozen 0") }

func (g *Group) switchTo(ctx context.Context, state, flag, event string) error {
	file, value, shown := filepath.Join(g.freezer, "freezer.state"), state, filepath.Join(g.freezer, "freezer.state")
	want := state
	if g.v2 {
		file, value, shown, want = filepath.Join(g.freezer, "cgroup.freeze"), flag, filepath.Join(g.freezer, "cgroup.events"), event
	}
	if g.freezer == "" {
		return fmt.Errorf("%w: no freezer", ErrUnavailable)
	}
	ctx, cancel := context.WithTimeout(ctx, freezeWait)
	defer cancel()
	for {
		// Version 1 may need to be told more than once while processes come and go.
		if err := os.WriteFile(file, []byte(value), 0); err != nil {
			return freezeError(state, err)
		}
		text, err := os.ReadFile(shown)
		if err != nil {
			return freezeError(state, err)
		}
		if strings.Contains(string(text), want) {
			return nil
		}
		select { // the files tell no event that can be waited for in both versions
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return freezeError(state, ctx.Err())
		}
	}
}

func freezeError(state string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("switch control group to %s: %w", state, err)
}
