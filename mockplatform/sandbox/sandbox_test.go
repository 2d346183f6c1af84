package sandbox_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/engine/enginetest"
	"github.com/scfcert/scfcert/mockplatform/sandbox"
)

// TestASandboxInEveryPosition holds that listeners, readiness and requests are seen alike by root beside the engine,
// by a user without root, and from another machine.
func TestASandboxInEveryPosition(t *testing.T) {
	eng := enginetest.Open(t)
	if !eng.Info().Privileged {
		t.Fatal("this test needs root beside a local engine")
	}
	pause := enginetest.Build(t, "github.com/scfcert/scfcert/mockplatform/sandbox/pause")
	victim := enginetest.Load(t, eng, enginetest.Build(t, "github.com/scfcert/scfcert/mockplatform/engine/docker/testdata/victim"), v1.Config{})
	serial := 0
	for name, position := range map[string]engine.Engine{
		"root beside the engine": enginetest.SeenFrom(eng, true, true),
		"a user without root":    enginetest.SeenFrom(eng, true, false),
		"another machine":        enginetest.SeenFrom(eng, false, false),
	} {
		t.Run(name, func(t *testing.T) {
			// Each its own engine: sandboxes are numbered within a run.
			pool, err := sandbox.Open(t.Context(), sandbox.Options{Engine: position, Pause: pause, Size: 1, Logger: slog.New(slog.DiscardHandler)})
			check(t, err)
			defer func() { check(t, pool.Close(t.Context())) }()
			for address, want := range map[string]struct {
				listener  string
				connected bool
			}{"0.0.0.0:9000": {"[::]:9000", true}, "127.0.0.1:9000": {"127.0.0.1:9000", true}, "127.0.0.1:8080": {"127.0.0.1:8080", false}} {
				box, err := pool.Take(t.Context())
				check(t, err)
				if found, err := box.Listeners(t.Context()); err != nil || len(found) != 0 {
					t.Errorf("before anything listens: %v, %v", found, err)
				}
				if err := box.Connect(t.Context(), contract.Port); !errors.Is(err, sandbox.ErrRefused) {
					t.Errorf("before anything listens a connection gives %v", err)
				}
				serial++
				c, err := eng.Create(t.Context(), engine.ContainerSpec{Name: fmt.Sprint("victim-", serial), Image: victim, Argv: []string{"/program", "listen", address}, JoinNetwork: box.Container()})
				check(t, err)
				reader, writer := io.Pipe()
				_, err = c.Attach(t.Context(), writer, io.Discard, func() time.Duration { return 0 })
				check(t, err)
				check(t, c.Start(t.Context()))
				line, err := bufio.NewReader(reader).ReadString('\n')
				if err != nil || line != "listening\n" {
					t.Fatalf("the victim says %q, %v", line, err)
				}
				found, err := box.Listeners(t.Context())
				check(t, err)
				if len(found) != 1 || found[0].Address.String() != want.listener {
					t.Errorf("%s: found %v, want %s", address, found, want.listener)
				}
				if err := box.Connect(t.Context(), contract.Port); (err == nil) != want.connected {
					t.Errorf("%s: a connection gives %v", address, err)
				}
				if strings.HasSuffix(box.Host(), ":9000") {
					t.Errorf("the host is %s", box.Host())
				}
				check(t, c.Remove(t.Context()))
				check(t, box.Remove(t.Context()))
			}
		})
	}
}

// TestAFullTmpIsNoOutOfMemory fills /tmp in a container with far less memory than that.
func TestAFullTmpIsNoOutOfMemory(t *testing.T) {
	eng := enginetest.Open(t)
	pause := enginetest.Build(t, "github.com/scfcert/scfcert/mockplatform/sandbox/pause")
	victim := enginetest.Load(t, eng, enginetest.Build(t, "github.com/scfcert/scfcert/mockplatform/engine/docker/testdata/victim"), v1.Config{})
	pool, err := sandbox.Open(t.Context(), sandbox.Options{Engine: eng, Pause: pause, Dir: t.TempDir(), Size: 1, Logger: slog.New(slog.DiscardHandler)})
	check(t, err)
	defer func() { check(t, pool.Close(t.Context())) }()
	for n := range 2 { // the second one finds it empty again
		box, err := pool.Take(t.Context())
		check(t, err)
		if !pool.OwnTmp() || box.Tmp() == "" {
			t.Fatal("this test needs root beside a local engine, loop devices and mkfs.ext4")
		}
		c, err := eng.Create(t.Context(), engine.ContainerSpec{
			Name: fmt.Sprint("fill-", n), Image: victim, Argv: []string{"/program", "fill", "/tmp/file"}, JoinNetwork: box.Container(),
			TmpSource: box.Tmp(), ReadOnlyRoot: true, MemoryBytes: 64 << 20,
		})
		check(t, err)
		reader, writer := io.Pipe()
		_, err = c.Attach(t.Context(), writer, io.Discard, func() time.Duration { return 0 })
		check(t, err)
		check(t, c.Start(t.Context()))
		line, err := bufio.NewReader(reader).ReadString('\n')
		check(t, err)
		var written int
		_, err = fmt.Sscan(line, &written)
		check(t, err)
		if limit := 512 << 20; written < limit*99/100 || written > limit*101/100 || !strings.Contains(line, "no space left on device") {
			t.Errorf("the function wrote %s", line)
		}
		select {
		case <-c.OutOfMemory():
			t.Error("the kernel killed it for its memory")
		default:
		}
		check(t, c.Remove(t.Context()))
		path := box.Tmp()
		check(t, box.Remove(t.Context()))
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after Remove %s is still there: %v", path, err)
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkTake tells what a sandbox with its /tmp costs on the way of a cold start when it is in stock, and what making
// one takes in the background.
func BenchmarkTake(b *testing.B) {
	eng := enginetest.Open(b)
	pause := enginetest.Build(b, "github.com/scfcert/scfcert/mockplatform/sandbox/pause")
	pool, err := sandbox.Open(b.Context(), sandbox.Options{Engine: eng, Pause: pause, Dir: b.TempDir(), Size: 1, Logger: slog.New(slog.DiscardHandler)})
	check(b, err)
	var takes, makes []time.Duration
	for b.Loop() {
		began := time.Now()
		check(b, pool.Await(b.Context()))
		makes = append(makes, time.Since(began))
		began = time.Now()
		box, err := pool.Take(b.Context())
		check(b, err)
		takes = append(takes, time.Since(began))
		if box.Tmp() == "" {
			b.Fatal("it has no /tmp of its own")
		}
		check(b, box.Remove(b.Context()))
	}
	check(b, pool.Close(b.Context()))
	slices.Sort(takes)
	slices.Sort(makes)
	b.ReportMetric(float64(takes[len(takes)/2].Microseconds()), "take-µs")
	b.ReportMetric(float64(takes[len(takes)-1].Microseconds()), "take-max-µs")
	b.ReportMetric(float64(makes[len(makes)/2].Milliseconds()), "make-ms")
	b.ReportMetric(0, "ns/op")
}
