package mockplatform_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
)

// answer is what a function answered to an order, which has to be a success.
func answer(t testing.TB, f *mockplatform.Function, do string, n int) string {
	t.Helper()
	result := ask(t, f, do, n)
	if result.Status.Code != http.StatusOK || result.HTTPStatus != http.StatusOK {
		t.Fatalf("%s %d: %d %q, the function answered %d %s", do, n, result.Status.Code, result.ErrorMessage, result.HTTPStatus, result.Body)
	}
	return string(result.Body)
}

// TestTmp holds contract/runtime.md 3: 512 MB of its own, whatever the memory; hidden what the image ships there; there
// for the next request and gone in the next instance.
func TestTmp(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 128, Timeout: 2 * time.Minute})
	if got := answer(t, f, "look", 0); got != "0 entries in /tmp" {
		t.Errorf("at first there are %s, of which the image ships one", got)
	}
	full := answer(t, f, "fill-tmp", 600)
	written, err := strconv.Atoi(strings.TrimPrefix(strings.SplitN(full, ":", 2)[0], "after "))
	if err != nil || written < 512*99/100 || written > 512*101/100 || !strings.Contains(full, "no space left on device") {
		t.Errorf("it is full %s", full)
	}
	if got := answer(t, f, "look", 0); got != "1 entries in /tmp" {
		t.Errorf("the next request finds %s", got)
	}
	if peak := ask(t, f, "", 0).PeakBytes; peak > 64<<20 {
		t.Errorf("memory of %d MiB is counted, of which most is in /tmp", peak>>20)
	}
	check(t, f.Recycle(t.Context()))
	if got := answer(t, f, "look", 0); got != "0 entries in /tmp" {
		t.Errorf("the next instance finds %s", got)
	}
}

func TestThereMayBe1024Processes(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 1280, Timeout: time.Minute})
	made, err := strconv.Atoi(answer(t, f, "processes", 0))
	if err != nil || made < 1024-50 || made >= 1024 { // the threads of the function itself count too
		t.Errorf("it could make %d, %v", made, err)
	}
	if result := ask(t, f, "", 0); result.Status.Code != http.StatusOK || result.ColdStart != nil {
		t.Errorf("the next request gives %d, cold start %v", result.Status.Code, result.ColdStart != nil)
	}
}

// TestMemoryOfAChildCounts: the kernel kills a child, and the function goes on. The request is what it answers; the
// instance, of which a part is gone, is not used again.
func TestMemoryOfAChildCounts(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 128, Timeout: time.Minute})
	result := ask(t, f, "child-eats", 1024)
	if result.Status.Code != http.StatusOK || !result.Evidence.OutOfMemory {
		t.Errorf("%d %q, out of memory: %v", result.Status.Code, result.ErrorMessage, result.Evidence.OutOfMemory)
	}
	if next := ask(t, f, "", 0); next.ColdStart == nil {
		t.Error("the instance serves on")
	}
}

// TestPeakMemoryIsThatOfProcesses takes memory and wants it back in the figures, to some MiB.
func TestPeakMemoryIsThatOfProcesses(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 512, Timeout: time.Minute})
	before := ask(t, f, "", 0)
	after := ask(t, f, "eat", 200)
	if grown := (after.PeakBytes - before.PeakBytes) >> 20; grown < 180 || grown > 240 {
		t.Errorf("200 MiB taken, %d MiB measured (%d, then %d bytes) by %s", grown, before.PeakBytes, after.PeakBytes, after.MemoryMethod)
	}
	if before.PeakBytes < 1<<18 || before.MemoryMethod == "" {
		t.Errorf("at first %d bytes by %q", before.PeakBytes, before.MemoryMethod)
	}
}

func TestAFunctionsSpecificationIsHeldToTheContract(t *testing.T) {
	p := open(t)
	sample := builtIn(t, p)
	for name, spec := range map[string]mockplatform.FunctionSpec{
		"no image": {}, "name": {Image: sample, Name: "1"}, "namespace": {Image: sample, Namespace: strings.Repeat("n", 31)},
		"memory": {Image: sample, MemoryMB: 100}, "timeout": {Image: sample, Timeout: 901 * time.Second}, "part of a second": {Image: sample, Timeout: time.Millisecond},
		"initialisation timeout": {Image: sample, InitTimeout: 301 * time.Second}, "type": {Image: sample, Type: "job"},
		"reserved variable": {Image: sample, Environment: map[string]string{"SCF_X": "1"}}, "variable": {Image: sample, Environment: map[string]string{"A-B": "1"}},
		"variables over 4 KB":                  {Image: sample, Environment: map[string]string{"A": strings.Repeat("x", 4<<10)}},
		"several requests of events":           {Image: sample, Concurrency: 2},
		"101 requests":                         {Image: sample, Type: mockplatform.HTTP, Concurrency: 101},
		"Job image":                            {Image: sample, ImagePort: -1},
		"another port":                         {Image: sample, ImagePort: 8080},
		"a quota that holds no instance of it": {Image: sample, MemoryMB: 512, ReservedMB: 256},
	} {
		if _, err := p.Deploy(t.Context(), spec); err == nil || !strings.Contains(fmt.Sprint(err), mockplatform.ErrSpec.Error()) {
			t.Errorf("%s gives %v", name, err)
		}
	}
}
