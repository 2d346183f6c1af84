package cgroup_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/mockplatform/engine/docker/cgroup"
)

// tree writes files below a directory.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// status has 60 MB at its highest, 10 MB of them file pages and 5 MB shared memory.
const status = "Name:\tx\nVmHWM:\t   61440 kB\nRssAnon:\t 1 kB\nRssFile:\t   10240 kB\nRssShmem:\t    5120 kB\n"

func versions(t testing.TB) map[string]string {
	t.Helper()
	return map[string]string{
		"version 1": tree(t, map[string]string{
			"proc/7/cgroup": "5:memory,other:/docker/abc\n4:freezer:/docker/abc\n0::/\n", "proc/8/status": status, "proc/9/status": status,
			"sys/memory/docker/abc/memory.stat":               "cache 900\nrss 1\ntotal_cache 9\ntotal_rss 2097152\n",
			"sys/memory/docker/abc/memory.oom_control":        "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
			"sys/memory/docker/abc/cgroup.procs":              "8\n9\n10\n",
			"sys/memory/docker/abc/memory.max_usage_in_bytes": "1000000000\n",
			"sys/freezer/docker/abc/freezer.state":            "THAWED\n",
		}),
		"version 2": tree(t, map[string]string{
			"proc/7/cgroup": "0::/system.slice/docker-abc.scope\n", "proc/8/status": status, "proc/9/status": status,
			"sys/system.slice/docker-abc.scope/memory.stat":   "anon 2097152\nfile 900\n",
			"sys/system.slice/docker-abc.scope/memory.events": "low 0\noom 4\noom_kill 3\n",
			"sys/system.slice/docker-abc.scope/cgroup.procs":  "8\n9\n10\n",
			"sys/system.slice/docker-abc.scope/memory.peak":   "1000000000\n",
			"sys/system.slice/docker-abc.scope/cgroup.events": "populated 1\nfrozen 1\n",
			"sys/system.slice/docker-abc.scope/cgroup.freeze": "0\n",
		}),
	}
}

func TestMemoryLeavesOutFilesAndSharedMemory(t *testing.T) {
	for name, root := range versions(t) {
		g, err := cgroup.Of(filepath.Join(root, "proc"), filepath.Join(root, "sys"), 7, "abc")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, err := g.Memory()
		if err != nil || m != (cgroup.Memory{Bytes: 2 << 20, PeakBytes: 2 * 45 << 20, Kills: 3}) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func TestThePeakIsBoundedByTheGroupsOwn(t *testing.T) {
	for name, root := range versions(t) {
		for _, file := range []string{"sys/memory/docker/abc/memory.max_usage_in_bytes", "sys/system.slice/docker-abc.scope/memory.peak"} {
			if _, err := os.Stat(filepath.Join(root, file)); err == nil {
				_ = os.WriteFile(filepath.Join(root, file), []byte("50000000\n"), 0o600)
			}
		}
		g, err := cgroup.Of(filepath.Join(root, "proc"), filepath.Join(root, "sys"), 7, "abc")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m, err := g.Memory(); err != nil || m.PeakBytes != 50000000 {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func TestFreezeWritesWhatTheVersionWants(t *testing.T) {
	for name, root := range versions(t) {
		g, err := cgroup.Of(filepath.Join(root, "proc"), filepath.Join(root, "sys"), 7, "abc")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := g.Freeze(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		written := false
		for file, want := range map[string]string{"sys/freezer/docker/abc/freezer.state": "FROZEN", "sys/system.slice/docker-abc.scope/cgroup.freeze": "1"} {
			text, _ := os.ReadFile(filepath.Join(root, file))
			written = written || string(text) == want
		}
		if !written {
			t.Errorf("%s: nothing was written", name)
		}
	}
}

func TestAnotherContainersGroupIsNotTaken(t *testing.T) {
	for name, root := range versions(t) {
		if _, err := cgroup.Of(filepath.Join(root, "proc"), filepath.Join(root, "sys"), 7, "def"); !errors.Is(err, cgroup.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzGroup holds that a group is only taken for the container whose id its folder has, and that no text in one of the
// kernel's files makes figures that cannot be.
func FuzzGroup(f *testing.F) {
	files := []string{
		"proc/7/cgroup", "proc/8/status", "proc/8/stat", "sys/memory/docker/abc/memory.stat", "sys/memory/docker/abc/memory.oom_control", "sys/memory/docker/abc/cgroup.procs",
		"sys/memory/docker/abc/memory.max_usage_in_bytes", "sys/system.slice/docker-abc.scope/memory.stat", "sys/system.slice/docker-abc.scope/memory.peak",
	}
	for n := range files {
		for _, seed := range []string{
			"", status, "8\n9\n-1\n../8\n", "total_rss 99999999999999999999\n", "anon 5\ntotal_rss 5\n", "oom_kill\noom_kill 1\n", "VmHWM: 9223372036854775807 kB\nRssFile: -9223372036854775808 kB\n", "max\n",
			"0::/system.slice/docker-abc.scope/..\n", "5:memory:/docker/abc/..\n", "5:memory:/docker/abc\n0::/../docker-abc.scope\n", "8 (a) b) Z 8 0", "8 (", ")", "\xff",
		} {
			f.Add(uint8(n), []byte(seed))
		}
	}
	roots := versions(f)
	put := func(t *testing.T, path string, text []byte) {
		_ = os.Remove(path) // which is faster than to cut it
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		file := files[int(which)%len(files)]
		for name, root := range roots {
			path := filepath.Join(root, file)
			before, err := os.ReadFile(path)
			if err != nil && strings.HasPrefix(file, "sys/") {
				continue // it is the other version's
			}
			put(t, path, text)
			g, err := cgroup.Of(filepath.Join(root, "proc"), filepath.Join(root, "sys"), 7, "abc")
			switch {
			case err == nil:
				m, err := g.Memory()
				if err == nil && m.PeakBytes < m.Bytes || file == "proc/7/cgroup" && m.Bytes != 2<<20 {
					t.Errorf("%s, %s: %+v, %v", name, file, m, err)
				}
				if p, err := g.Processes(); err == nil && p.Count > len(text)+3 {
					t.Errorf("%s, %s: %+v", name, file, p)
				}
			case file != "proc/7/cgroup" || !errors.Is(err, cgroup.ErrUnavailable):
				t.Errorf("%s, %s: %v", name, file, err)
			}
			put(t, path, before)
		}
	})
}
