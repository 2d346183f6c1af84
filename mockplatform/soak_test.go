package mockplatform_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/engine/enginetest"
	"github.com/scfcert/scfcert/mockplatform/image"
)

var (
	soakTime = flag.Duration("soak", 8*time.Second, "how long TestSoak runs; make soak takes 10 minutes")
	soakSeed = flag.Uint64("soak-seed", 0, "seed of TestSoak; 0 takes one by chance and prints it")
)

// soak is a platform under random use and random faults.
type soak struct {
	platform *mockplatform.Platform
	proxy    *enginetest.Proxy
	image    *image.Candidate

	mu        sync.Mutex
	random    *rand.Rand
	functions []*mockplatform.Function

	requests, failed, unserved atomic.Int64
	wrong                      atomic.Int64
	statuses                   sync.Map // code to *atomic.Int64
}

func (s *soak) pick(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

// specification of a function, by chance.
func (s *soak) specification(n int) mockplatform.FunctionSpec {
	spec := mockplatform.FunctionSpec{
		Name: fmt.Sprintf("function-%d", n), Image: s.image, Version: "1", Timeout: time.Duration(1+s.pick(2)) * time.Second,
		MemoryMB: []int{128, 256, 512}[s.pick(3)], Accelerate: s.pick(3) == 0, Type: mockplatform.Event,
	}
	if s.pick(2) == 0 {
		spec.Type = mockplatform.HTTP
		spec.Concurrency = []int{1, 5}[s.pick(2)]
	}
	return spec
}

// orders that a function gets, by chance; most are ordinary.
var orders = []struct {
	do string
	n  int
}{
	{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"sleep", 50}, {"sleep", 300}, {"lines", 200}, {"write", 2},
	{"bytes", 0}, {"later", 30}, {"status", 500}, {"stream", 50}, {"answer", 1 << 20}, {"fill-tmp", 20}, {"look", 0}, {"eat", 20},
	{"exit", 0}, {"hang", 0}, {"close", 0}, {"garbage", 0}, {"half", 0}, {"eat", 2048}, {"child-eats", 1024}, {"answer", 6<<20 + 1},
}

// use sends one request and checks its log.
func (s *soak) use(ctx context.Context, t *testing.T) {
	s.mu.Lock()
	f := s.functions[s.random.IntN(len(s.functions))]
	order := orders[s.random.IntN(len(orders))]
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var result mockplatform.Result
	var err error
	if f.Spec().Type == mockplatform.Event {
		result, err = f.Invoke(ctx, fmt.Appendf(nil, `{"do":%q,"n":%d}`, order.do, order.n))
	} else {
		result, err = f.Do(ctx, mockplatform.Request{Target: fmt.Sprintf("/?do=%s&n=%d", order.do, order.n)})
	}
	s.requests.Add(1)
	if err != nil {
		s.failed.Add(1)
		if ctx.Err() != nil {
			t.Errorf("%s %s: no result within a minute: %v", f.Spec().Name, order.do, err)
		}
		return
	}
	counter, _ := s.statuses.LoadOrStore(result.Status.Code, &atomic.Int64{})
	counter.(*atomic.Int64).Add(1)
	if result.HTTPStatus == 0 {
		s.unserved.Add(1)
		return
	}
	for _, source := range []mockplatform.Source{mockplatform.FromStdout, mockplatform.FromStderr} {
		own := 0
		for _, line := range result.Log {
			if line.Source == source && s.check(t, line, result.RequestID) {
				own++
			}
		}
		if own != 1 && !result.LogLost && result.DroppedLogBytes == 0 {
			s.wrong.Add(1)
			t.Errorf("%s %s: request %s has %d lines of its own on %s; status %d", f.Spec().Name, order.do, result.RequestID, own, source, result.Status.Code)
		}
	}
}

// check tells whether a line names a request, and holds that it stands under that one. Where several requests share an
// instance it may follow another's text that had no end.
func (s *soak) check(t *testing.T, line mockplatform.LogLine, requestID string) bool {
	_, named, found := strings.Cut(line.Text, string(line.Source)+" of ")
	if found && named != requestID {
		s.wrong.Add(1)
		t.Errorf("under request %s is %q", requestID, line.Text)
	}
	return found
}

// fault does some harm, by chance.
func (s *soak) fault(t *testing.T, cli *client.Client, after <-chan time.Time) {
	switch s.pick(6) {
	case 0:
		s.proxy.Cut()
		<-after
		s.proxy.Restore()
	case 1: // any container, be it an instance, a sandbox in use or one in stock
		if created := s.proxy.Created(); len(created) > 0 {
			_, _ = cli.ContainerKill(t.Context(), created[len(created)-1-s.pick(min(len(created), 6))], client.ContainerKillOptions{Signal: "KILL"})
		}
	case 2:
		s.proxy.Answer(http.MethodPost, "/containers/.*/start$", 1, http.StatusInternalServerError, "something went wrong")
	case 3:
		at := s.pick(len(s.functions))
		s.mu.Lock()
		f := s.functions[at]
		s.mu.Unlock()
		_, _ = f.Stop(t.Context(), time.Second)
	default: // another function takes the place of one
		at := s.pick(len(s.functions))
		made, err := s.platform.Deploy(t.Context(), s.specification(at))
		if err != nil {
			return // the engine is gone
		}
		s.mu.Lock()
		old := s.functions[at]
		s.functions[at] = made
		s.mu.Unlock()
		_ = old.Close(t.Context())
	}
}

// TestSoak uses a platform at random, with faults of functions and of the engine, and wants that nothing is lost, mixed
// up, stuck or left behind.
func TestSoak(t *testing.T) {
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	cli, err := client.New(client.FromEnv)
	check(t, err)
	defer func() { _ = cli.Close() }()
	_, err = cli.Ping(t.Context(), client.PingOptions{}) // its connection is there before the count
	check(t, err)
	proxy := enginetest.NewProxy(t)
	var before footprint
	readings := contract.DefaultReadings()
	readings.FreezeBetween = seed%2 == 0
	run := func(d time.Duration) {
		p, err := mockplatform.Open(t.Context(), mockplatform.Options{
			Host: proxy.Host, Sandboxes: 2, IdleTimeout: 2 * time.Second, BurstPerMinute: 100_000, LogBytes: 16 << 20, Readings: &readings,
			Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
		})
		check(t, err)
		s := &soak{platform: p, proxy: proxy, image: chaos(t, p), random: rand.New(rand.NewPCG(seed, 1))}
		for n := range 5 {
			spec := s.specification(n)
			s.functions = append(s.functions, deploy(t, p, spec))
		}
		s.goOn(t, cli, d)
		dir := mockplatform.Dir(p)
		check(t, p.Close(t.Context()))
		proxy.AwaitGone(t)
		for _, trace := range traces(dir) {
			t.Errorf("left behind: %s", trace)
		}
		if d == *soakTime {
			s.tell(t)
		}
	}
	run(time.Second) // what is made once and kept is there after this
	before = measure()
	run(*soakTime)
	var after footprint
	for range 100 { // connections that were closed take a moment
		if after = measure(); after.goroutines <= before.goroutines && after.files <= before.files {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Errorf("before there were %+v, afterwards %+v:\n%s", before, after, stacks())
}

// goOn runs clients and faults for a while; in the end every function has to serve.
func (s *soak) goOn(t *testing.T, cli *client.Client, d time.Duration) {
	t.Helper()
	ended := time.After(d)
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					s.use(t.Context(), t)
				}
			}
		})
	}
	harm := time.NewTicker(1500 * time.Millisecond)
	defer harm.Stop()
	for going := true; going; {
		select {
		case <-ended:
			going = false
		case <-harm.C:
			s.fault(t, cli, time.After(300*time.Millisecond))
		}
	}
	close(stop)
	wait.Wait()
	s.proxy.Restore()
	for _, f := range s.functions {
		if result := ask(t, f, "", 0); result.Status.Code != http.StatusOK {
			t.Errorf("in the end %s gives %d %q", f.Spec().Name, result.Status.Code, result.ErrorMessage)
		}
	}
	lines, _ := s.platform.Logs(mockplatform.LogQuery{})
	for _, line := range lines {
		if line.Source != mockplatform.FromPlatform {
			s.check(t, line.LogLine, line.RequestID)
		}
	}
}

func (s *soak) tell(t *testing.T) {
	t.Helper()
	statuses := map[int]int64{}
	s.statuses.Range(func(code, n any) bool {
		statuses[code.(int)] = n.(*atomic.Int64).Load()
		return true
	})
	t.Logf("%d requests: statuses %v, %d faults of the platform, %d without an answer; %d containers; %d lines under a wrong request",
		s.requests.Load(), statuses, s.failed.Load(), s.unserved.Load(), len(s.proxy.Created()), s.wrong.Load())
}

// footprint is what a process holds.
type footprint struct{ goroutines, files int }

// measure leaves out streams that the proxy of this test holds open because the engine does.
func measure() footprint {
	runtime.GC()
	entries, _ := os.ReadDir("/proc/self/fd")
	f := footprint{files: len(entries)}
	for stack := range strings.SplitSeq(stacks(), "\n\n") {
		switch {
		case strings.Contains(stack, "httputil.(*ReverseProxy).handleUpgradeResponse("):
			f.files -= 2
		case strings.Contains(stack, "net/http/httputil."):
		default:
			f.goroutines++
		}
	}
	return f
}

func stacks() string {
	text := make([]byte, 4<<20)
	return string(text[:runtime.Stack(text, true)])
}

// traces are the directory of a run, mounts in it, and loop devices on files in it.
func traces(dir string) (found []string) {
	if _, err := os.Stat(dir); err == nil {
		found = append(found, dir)
	}
	table, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(table)) {
		if strings.Contains(line, dir) {
			found = append(found, line)
		}
	}
	backing, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, path := range backing {
		if text, _ := os.ReadFile(path); strings.Contains(string(text), dir) {
			found = append(found, path)
		}
	}
	return found
}
