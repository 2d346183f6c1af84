package mockplatform_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
)

// eventually waits until something holds that no event tells of.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// together sends orders at the same time and waits for all.
func together(t testing.TB, f *mockplatform.Function, orders ...string) []mockplatform.Result {
	t.Helper()
	results := make([]mockplatform.Result, len(orders))
	var wait sync.WaitGroup
	for at, order := range orders {
		do, n, _ := strings.Cut(order, " ")
		number, _ := strconv.Atoi(n)
		wait.Go(func() { results[at] = ask(t, f, do, number) })
	}
	wait.Wait()
	return results
}

// platformLines are the platform's own lines of a log, each up to its first colon or space.
func platformLines(lines []mockplatform.LogLine) (words []string) {
	for _, line := range lines {
		if line.Source == mockplatform.FromPlatform {
			words = append(words, line.Text[:strings.IndexAny(line.Text, " :")])
		}
	}
	return words
}

func TestConcurrentRequestsGetInstancesOfTheirOwnAndTheseAreUsedAgain(t *testing.T) {
	p := openWith(t, mockplatform.Options{IdleTimeout: 3 * time.Second})
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 256, Timeout: 20 * time.Second})
	numbers := map[string]int{}
	for range 2 { // the second time all are warm
		for _, result := range together(t, f, "sleep 1500", "sleep 1500", "sleep 1500") {
			if result.Status.Code != http.StatusOK {
				t.Fatalf("status %d %q", result.Status.Code, result.ErrorMessage)
			}
			numbers[string(result.Body[strings.Index(string(result.Body), "number"):])]++
		}
	}
	if stats := f.Instances(); stats.Instances != 3 || numbers[`number":1,"uid":0}`] != 3 || numbers[`number":2,"uid":0}`] != 3 {
		t.Errorf("%d instances served them: %v", stats.Instances, numbers)
	}
	eventually(t, "idle instances are evicted", func() bool { return f.Instances().Instances == 0 })
	if result := ask(t, f, "", 0); result.ColdStart == nil {
		t.Error("after the eviction the request meets a warm instance")
	}
}

func TestSeveralRequestsOnOneInstance(t *testing.T) {
	p := open(t)
	image := chaos(t, p)
	spec := mockplatform.FunctionSpec{Image: image, Type: mockplatform.HTTP, MemoryMB: 256, Concurrency: 10, Timeout: 2 * time.Second}
	t.Run("share it", func(t *testing.T) {
		f := deploy(t, p, spec)
		ask(t, f, "", 0)
		for _, result := range together(t, f, "sleep 500", "sleep 500", "sleep 500", "sleep 500", "sleep 500") {
			if result.Status.Code != http.StatusOK || result.ColdStart != nil {
				t.Errorf("status %d, cold start %v", result.Status.Code, result.ColdStart != nil)
			}
			for _, source := range []string{"stdout", "stderr"} {
				if got := output(result, mockplatform.Source(source)); got != source+" of "+result.RequestID+"\n" {
					t.Errorf("%s is %q", source, got)
				}
			}
		}
		if used, each := f.Usage().GBs, contract.GBSeconds(256, 500*time.Millisecond); used < each || used > 3*each {
			t.Errorf("five requests at once are billed as %f GBs, one is %f", used, each)
		}
		if stats := f.Instances(); stats.Instances != 1 {
			t.Errorf("there are %d instances", stats.Instances)
		}
	})
	t.Run("a timeout ends only its own", func(t *testing.T) {
		f := deploy(t, p, spec)
		ask(t, f, "", 0)
		results := together(t, f, "hang", "sleep 1800", "")
		if got := fmt.Sprint(results[0].Status.Code, results[1].Status.Code, results[2].Status.Code); got != "433 200 200" {
			t.Errorf("they end with %s", got)
		}
		if next := ask(t, f, "", 0); next.ColdStart != nil {
			t.Error("the instance was recycled")
		}
	})
	t.Run("all end when the memory does", func(t *testing.T) {
		long := spec
		long.Timeout = 30 * time.Second
		f := deploy(t, p, long)
		ask(t, f, "", 0)
		for n, result := range together(t, f, "sleep 20000", "sleep 20000", "eat 4096") {
			if result.Status.Code != 434 || result.ErrorMessage != "Task memory exceeded 256 MB" {
				t.Errorf("request %d ends with %d %q", n, result.Status.Code, result.ErrorMessage)
			}
		}
		if next := ask(t, f, "", 0); next.ColdStart == nil {
			t.Error("the instance serves on")
		}
	})
	t.Run("a cold burst is served", func(t *testing.T) {
		f := deploy(t, p, spec)
		for _, result := range together(t, f, "", "", "", "") {
			if result.Status.Code != http.StatusOK {
				t.Errorf("status %d %q", result.Status.Code, result.ErrorMessage)
			}
		}
	})
}

func TestAFrozenInstanceStandsStillBetweenRequests(t *testing.T) {
	readings := contract.DefaultReadings()
	for _, frozen := range []bool{false, true} {
		readings.FreezeBetween = frozen
		p := openWith(t, mockplatform.Options{Readings: &readings})
		image := chaos(t, p)
		f := deploy(t, p, mockplatform.FunctionSpec{Image: image, MemoryMB: 1280, Timeout: 10 * time.Second})
		clock := deploy(t, p, mockplatform.FunctionSpec{Image: image, Name: "clock", MemoryMB: 1280, Timeout: 10 * time.Second})
		answer(t, f, "count", 0)
		before, err := strconv.Atoi(answer(t, f, "ticks", 0))
		check(t, err)
		answer(t, clock, "sleep", 1000)
		after, err := strconv.Atoi(answer(t, f, "ticks", 0))
		check(t, err)
		if moved := after - before; frozen && moved > 100 || !frozen && moved < 200 {
			t.Errorf("frozen %v: it counted %d in a second between requests", frozen, moved)
		}
	}
}

func TestARequestIsTerminated(t *testing.T) {
	p := open(t)
	image := chaos(t, p)
	for name, c := range map[string]struct {
		start    string
		graceful bool
		status   int
		line     string
	}{
		"at once":                                  {"", false, 499, ""},
		"by a signal that nobody handles":          {"", true, 439, "[PLATFORM] Signal received successfully."},
		"by a signal that makes it end":            {"drain", true, 439, "[PLATFORM] Signal received successfully."},
		"by a signal that is ignored, and goes on": {"ignore-term", true, 200, "[PLATFORM] Signal received successfully."},
	} {
		t.Run(name, func(t *testing.T) {
			f := deploy(t, p, mockplatform.FunctionSpec{Image: image, MemoryMB: 512, Timeout: 20 * time.Second, Environment: map[string]string{"START": c.start}})
			ended := make(chan mockplatform.Result, 1)
			go func() { ended <- ask(t, f, "sleep", 2000) }()
			running(t, f)
			id := f.Running()[0]
			eventually(t, "the function has the request", func() bool { return f.Instances().Busy == 1 })
			check(t, f.Terminate(t.Context(), id, c.graceful))
			result := <-ended
			if result.Status.Code != c.status || result.RequestID != id {
				t.Errorf("request %s ends with %d %q", result.RequestID, result.Status.Code, result.ErrorMessage)
			}
			lines, _ := p.Logs(mockplatform.LogQuery{RequestID: id, Contains: "[PLATFORM]"})
			if c.line == "" && len(lines) != 0 || c.line != "" && (len(lines) != 1 || lines[0].Text != c.line) {
				t.Errorf("the log has %+v", lines)
			}
		})
	}
	if err := deploy(t, p, mockplatform.FunctionSpec{Image: image}).Terminate(t.Context(), "none", false); !errors.Is(err, mockplatform.ErrNoRequest) {
		t.Errorf("an unknown request gives %v", err)
	}
}

func TestInstancesAreStoppedBySIGTERM(t *testing.T) {
	p := open(t)
	image := chaos(t, p)
	for start, want := range map[string]mockplatform.Stopped{"": {ByThemselves: 1}, "drain": {ByThemselves: 1}, "ignore-term": {Killed: 1}} {
		f := deploy(t, p, mockplatform.FunctionSpec{Image: image, MemoryMB: 512, Environment: map[string]string{"START": start}})
		id := ask(t, f, "", 0).RequestID
		if got, err := f.Stop(t.Context(), 2*time.Second); err != nil || got != want {
			t.Errorf("%q: stopped %+v, %v", start, got, err)
		}
		if lines, _ := p.Logs(mockplatform.LogQuery{RequestID: id, Contains: "draining"}); (len(lines) == 1) != (start == "drain") {
			t.Errorf("%q: its last words are %+v", start, lines)
		}
		if next := ask(t, f, "", 0); next.ColdStart == nil {
			t.Errorf("%q: the instance serves on", start)
		}
	}
}

func TestProvisionedConcurrency(t *testing.T) {
	p := open(t)
	image := chaos(t, p)
	latest := deploy(t, p, mockplatform.FunctionSpec{Image: image})
	if err := latest.Provision(t.Context(), 1); !errors.Is(err, mockplatform.ErrNotPublished) {
		t.Errorf("of $LATEST it gives %v", err)
	}
	f := deploy(t, p, mockplatform.FunctionSpec{Image: image, Version: "1", MemoryMB: 512, Timeout: time.Second})
	check(t, f.Provision(t.Context(), 2))
	if stats := f.Instances(); stats.Instances != 2 {
		t.Fatalf("there are %d instances", stats.Instances)
	}
	lines, _ := p.Logs(mockplatform.LogQuery{Function: "function"})
	var starts int
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line.Text, "Provisioned Report RequestId: "+line.RequestID+" Coldstart: "):
			starts++
		case line.Source == mockplatform.FromStdout && line.Text == "listening" && line.Init:
		default:
			t.Errorf("the log has %+v", line)
		}
	}
	if starts != 2 {
		t.Errorf("%d Provisioned Reports", starts)
	}
	first := ask(t, f, "", 0)
	if got := fmt.Sprint(platformLines(first.Log)); first.ColdStart != nil || got != "[START Response END Report]" {
		t.Errorf("the first request: cold start %v, lines %s", first.ColdStart != nil, got)
	}
	if result := ask(t, f, "hang", 0); result.Status.Code != 433 {
		t.Errorf("status %d", result.Status.Code)
	}
	eventually(t, "a provisioned instance is replaced", func() bool { return f.Instances().Instances == 2 })
	check(t, f.Provision(t.Context(), 0))

	broken := deploy(t, p, mockplatform.FunctionSpec{Image: image, Name: "broken", Version: "1", MemoryMB: 512, Environment: map[string]string{"START": "exit"}})
	err := broken.Provision(t.Context(), 1)
	if failed, ok := errors.AsType[*mockplatform.StartError](err); !ok || failed.Status.Code != 405 {
		t.Errorf("an image that exits gives %v", err)
	}
	lines, _ = p.Logs(mockplatform.LogQuery{Function: "broken"})
	if len(lines) != 2 || lines[0].Text != "no configuration" || !strings.HasPrefix(lines[1].Text, "ERROR RequestId:") {
		t.Errorf("its log has %+v", lines)
	}
}

func TestImageAcceleration(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: unseen(t, p), MemoryMB: 512, Accelerate: true})
	moved := f.Transfers()
	if moved.Blobs != 2 {
		t.Errorf("the deployment moved %+v", moved)
	}
	result := ask(t, f, "", 0)
	if after := f.Transfers(); after.Requests != moved.Requests {
		t.Errorf("the cold start asked the registry %d times", after.Requests-moved.Requests)
	}
	if result.ColdStart == nil || result.ColdStart.Pull != 0 {
		t.Errorf("cold start %+v", result.ColdStart)
	}
	for _, line := range result.Log {
		if strings.Contains(line.Text, "PullCode") {
			t.Errorf("line %q", line.Text)
		}
	}
	image := builtIn(t, p)
	for n := 2; n <= contract.MaxAccelerated; n++ {
		deploy(t, p, mockplatform.FunctionSpec{Image: image, Accelerate: true})
	}
	if _, err := p.Deploy(t.Context(), mockplatform.FunctionSpec{Image: image, Accelerate: true}); !errors.Is(err, mockplatform.ErrSpec) || !strings.Contains(err.Error(), "5 functions") {
		t.Errorf("one more gives %v", err)
	}
	check(t, f.Close(t.Context()))
	deploy(t, p, mockplatform.FunctionSpec{Image: image, Accelerate: true})
}
