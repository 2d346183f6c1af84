package docker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/moby/client"

	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/engine/docker"
	"github.com/scfcert/scfcert/mockplatform/engine/docker/reap"
	"github.com/scfcert/scfcert/mockplatform/engine/enginetest"
)

const victimPackage = "github.com/scfcert/scfcert/mockplatform/engine/docker/testdata/victim"

// buffer is a bytes.Buffer that two goroutines may use.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func atOnce() time.Duration { return 0 }

// started creates, attaches and starts a container and fails the test if any of it fails.
func started(t *testing.T, eng engine.Engine, spec engine.ContainerSpec) (c engine.Container, stdout, stderr *buffer, ended <-chan struct{}) {
	t.Helper()
	c, err := eng.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr = &buffer{}, &buffer{}
	if ended, err = c.Attach(t.Context(), stdout, stderr, atOnce); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, stdout, stderr, ended
}

func await(t *testing.T, what string, event <-chan struct{}) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(30 * time.Second):
		t.Fatalf("%s did not come in 30 s", what)
	}
}

func TestAContainer(t *testing.T) {
	eng := enginetest.Open(t)
	program := enginetest.Build(t, victimPackage)
	image := enginetest.Load(t, eng, program, v1.Config{Volumes: map[string]struct{}{"/data": {}}}, "data")
	argv := func(words ...string) []string { return append([]string{"/program"}, words...) }

	t.Run("delivers its output and its end", func(t *testing.T) {
		c, stdout, stderr, ended := started(t, eng, engine.ContainerSpec{Name: "print", Image: image, Argv: argv("print")})
		await(t, "the end", c.Exited())
		await(t, "the end of the output", ended)
		if c.End().Code != 3 || stdout.String() != "to stdout\n" || stderr.String() != "to stderr\n" {
			t.Errorf("exit %d, stdout %q, stderr %q", c.End().Code, stdout, stderr)
		}
	})
	t.Run("tells when the kernel killed it for its memory", func(t *testing.T) {
		c, _, _, _ := started(t, eng, engine.ContainerSpec{Name: "eat", Image: image, Argv: argv("eat"), MemoryBytes: 32 << 20})
		await(t, "the notice", c.OutOfMemory())
		await(t, "the end", c.Exited())
	})
	t.Run("tells when the kernel killed only a child", func(t *testing.T) {
		c, _, _, _ := started(t, eng, engine.ContainerSpec{Name: "child", Image: image, Argv: argv("child-eats"), MemoryBytes: 32 << 20})
		await(t, "the notice", c.OutOfMemory())
		select {
		case <-c.Exited():
			t.Error("the parent ended too")
		default:
		}
	})
	t.Run("killed by us is not out of memory", func(t *testing.T) {
		c, _, _, _ := started(t, eng, engine.ContainerSpec{Name: "killed", Image: image, Argv: argv("sleep"), MemoryBytes: 32 << 20})
		if err := c.Signal(t.Context(), "KILL"); err != nil {
			t.Fatal(err)
		}
		await(t, "the end", c.Exited())
		select {
		case <-c.OutOfMemory():
			t.Error("a kill of ours counts as out of memory")
		default:
		}
		if c.End().Code != 137 {
			t.Errorf("exit code %d, want 137", c.End().Code)
		}
	})
	t.Run("tells for how long its share of the processor was used up", func(t *testing.T) {
		limited, _, _, _ := started(t, eng, engine.ContainerSpec{Name: "burns", Image: image, Argv: argv("burn"), CPUs: 0.2})
		idle, _, _, _ := started(t, eng, engine.ContainerSpec{Name: "idles", Image: image, Argv: argv("sleep"), CPUs: 0.2})
		since := time.Now()
		var held time.Duration
		for held < time.Second && time.Since(since) < 30*time.Second {
			var err error
			if held, err = limited.HeldBack(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if lived := time.Since(since); held < time.Second || held > lived+time.Second {
			t.Errorf("held back for %s of %s", held, lived)
		}
		if held, err := idle.HeldBack(t.Context()); err != nil || held > time.Second/2 {
			t.Errorf("one that sleeps was held back for %s, %v", held, err)
		}
	})
	t.Run("that cannot start says so with the engine's reason", func(t *testing.T) {
		c, err := eng.Create(t.Context(), engine.ContainerSpec{Name: "absent", Image: image, Argv: []string{"/absent"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(t.Context()); !errors.Is(err, engine.ErrStartRefused) || !strings.Contains(err.Error(), "/absent") {
			t.Errorf("start gives %v", err)
		}
	})
	for name, c := range map[string]struct {
		readOnly bool
		path     string
		written  bool
	}{
		"cannot write its read-only root":            {true, "/file", false},
		"can write /tmp beside a read-only root":     {true, "/tmp/file", true},
		"cannot write a read-only declared volume":   {true, "/data/file", false},
		"can write a writable root":                  {false, "/file", true},
		"can write a declared volume that is not so": {false, "/data/file", true},
	} {
		t.Run(name, func(t *testing.T) {
			c2, stdout, stderr, ended := started(t, eng, engine.ContainerSpec{
				Name: fmt.Sprintf("write%s-%v", strings.ReplaceAll(c.path, "/", "-"), c.readOnly), Image: image, Argv: argv("write", c.path), TmpBytes: 1 << 20,
				ReadOnlyRoot: c.readOnly, Volumes: []string{"/data"}, ReadOnlyVolumes: c.readOnly,
			})
			await(t, "the end", c2.Exited())
			await(t, "the end of the output", ended)
			if written := stdout.String() == "written\n"; written != c.written {
				t.Errorf("written: %v, stderr %q", written, stderr)
			}
			changes, err := c2.Changes(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, change := range changes {
				found = found || change.Path == "/file"
			}
			if want := c.written && c.path == "/file"; found != want {
				t.Errorf("changes are %v", changes)
			}
		})
	}
	t.Run("goes with its volumes when it is removed", func(t *testing.T) {
		c, err := eng.Create(t.Context(), engine.ContainerSpec{Name: "gone", Image: image, Argv: argv("sleep"), Volumes: []string{"/data"}})
		if err != nil {
			t.Fatal(err)
		}
		before := volumes(t, eng.Run())
		for range 2 {
			if err := c.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if after := volumes(t, eng.Run()); after != before-1 {
			t.Errorf("%d volumes before, %d after", before, after)
		}
	})
}

// left counts what carries the run's label or name.
func left(t *testing.T, run string) (containers, tags int) {
	t.Helper()
	cli := engineClient(t)
	found, err := cli.ContainerList(context.Background(), client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", reap.LabelRun+"="+run)})
	if err != nil {
		t.Fatal(err)
	}
	images, err := cli.ImageList(context.Background(), client.ImageListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range images.Items {
		for _, tag := range image.RepoTags {
			if strings.Contains(tag, run) {
				tags++
			}
		}
	}
	return len(found.Items), tags
}

func volumes(t *testing.T, run string) int {
	t.Helper()
	found, err := engineClient(t).VolumeList(context.Background(), client.VolumeListOptions{Filters: client.Filters{}.Add("label", reap.LabelRun+"="+run)})
	if err != nil {
		t.Fatal(err)
	}
	return len(found.Items)
}

func engineClient(t *testing.T) *client.Client {
	t.Helper()
	cli, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cli.Close() })
	return cli
}

func TestCloseLeavesNothing(t *testing.T) {
	eng := enginetest.Open(t)
	image := enginetest.Load(t, eng, enginetest.Build(t, victimPackage), v1.Config{})
	started(t, eng, engine.ContainerSpec{Name: "sleep", Image: image, Argv: []string{"/program", "sleep"}, Volumes: []string{"/data"}})
	if containers, tags := left(t, eng.Run()); containers != 1 || tags != 1 {
		t.Fatalf("before Close there are %d containers and %d images", containers, tags)
	}
	if err := eng.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if containers, tags := left(t, eng.Run()); containers+tags+volumes(t, eng.Run()) != 0 {
		t.Errorf("after Close there are %d containers, %d images and %d volumes", containers, tags, volumes(t, eng.Run()))
	}
}

func TestTheWatcherRemovesWhatADeadRunLeft(t *testing.T) {
	eng := enginetest.Open(t)
	image := enginetest.Load(t, eng, enginetest.Build(t, victimPackage), v1.Config{})
	started(t, eng, engine.ContainerSpec{Name: "sleep", Image: image, Argv: []string{"/program", "sleep"}, Volumes: []string{"/data"}})

	// A second watcher for the same run, whose input ends as if the run's process had been killed.
	dir := t.TempDir() + "/run"
	cmd := exec.CommandContext(t.Context(), enginetest.Build(t, "github.com/scfcert/scfcert/mockplatform/engine/docker/watch"), reap.WatchArgs(eng.Info().Host, eng.Run(), dir)...)
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if containers, _ := left(t, eng.Run()); containers != 1 {
		t.Fatalf("while the run lives there are %d containers", containers)
	}
	if err := input.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if containers, tags := left(t, eng.Run()); containers+tags+volumes(t, eng.Run()) != 0 {
		t.Errorf("the watcher left %d containers, %d images and %d volumes", containers, tags, volumes(t, eng.Run()))
	}
}

func TestAnEngineThatDoesNotAnswerIsUnavailable(t *testing.T) {
	options := docker.Options{Watch: []string{"true"}, Logger: slog.New(slog.DiscardHandler)}
	t.Run("as DOCKER_HOST", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
		_, err := docker.Open(t.Context(), options)
		if !errors.Is(err, engine.ErrUnavailable) || !strings.Contains(err.Error(), "DOCKER_HOST unix:///nonexistent/docker.sock") {
			t.Errorf("open gives %v", err)
		}
	})
	t.Run("as the endpoint given", func(t *testing.T) {
		options.Host = "tcp://127.0.0.1:1"
		if _, err := docker.Open(t.Context(), options); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("open gives %v", err)
		}
	})
}
