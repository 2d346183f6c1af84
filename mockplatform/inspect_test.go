package mockplatform_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/engine/enginetest"
)

func usage(t *testing.T, f *mockplatform.Function) mockplatform.InstanceUsage {
	t.Helper()
	all, err := f.InstanceUsage(t.Context())
	check(t, err)
	if len(all) != 1 {
		t.Fatalf("there are %d instances", len(all))
	}
	return all[0]
}

func TestWhatAnInstanceHoldsIsSeen(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 512, Timeout: time.Minute})
	ask(t, f, "", 0)
	if first := usage(t, f); first.Count != 1 || first.Threads < 2 || first.Zombies != 0 || first.OpenFiles < 4 || first.TmpBytes != 0 || first.MemoryBytes == 0 {
		t.Errorf("at first it holds %+v", first)
	}
	answer(t, f, "fill-tmp", 20)
	answer(t, f, "zombies", 3)
	if later := usage(t, f); later.Zombies != 3 || later.TmpBytes < 20<<20 || later.TmpBytes > 21<<20 {
		t.Errorf("later it holds %+v", later)
	}
}

func TestTmpIsFilledAndFreed(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 512, Timeout: time.Minute})
	ask(t, f, "", 0)
	free, err := f.FillTmp()
	check(t, err)
	if got := answer(t, f, "fill-tmp", 1); !strings.Contains(got, "after 0: ") || !strings.Contains(got, "no space left on device") {
		t.Errorf("while it is full the function writes %s", got)
	}
	check(t, free())
	if got := answer(t, f, "fill-tmp", 1); got != "all 1" {
		t.Errorf("afterwards it writes %s", got)
	}
}

func TestABareConnectionIsNoRequest(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 512})
	if err := f.Connect(t.Context(), 1); !errors.Is(err, mockplatform.ErrNoInstance) {
		t.Errorf("without an instance it gives %v", err)
	}
	ask(t, f, "", 0)
	check(t, f.Connect(t.Context(), 20))
	if got := answer(t, f, "", 0); !strings.Contains(got, `"number":2`) {
		t.Errorf("the next request is answered %s", got)
	}
}

func TestTheTriggerIsToldForTimersOnly(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: builtIn(t, p), MemoryMB: 512})
	for trigger, want := range map[mockplatform.Trigger]bool{mockplatform.Timer: true, mockplatform.AnyTrigger: false} {
		result, err := f.InvokeBy(t.Context(), trigger, []byte(`{"scfcertProbe":{}}`))
		check(t, err)
		if got := strings.Contains(string(result.Body), `"X-Scf-Trigger-Src":["Timer"]`); got != want || result.Status.Code != http.StatusOK {
			t.Errorf("trigger %q: told %v, %s", trigger, got, result.Body)
		}
	}
}

// TestTheImagesOwnTmp is the experiment that shows what the platform's /tmp hides.
func TestTheImagesOwnTmp(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 512, ImageTmp: true})
	if got := answer(t, f, "look", 0); got != "1 entries in /tmp" {
		t.Errorf("it finds %s", got)
	}
}

func TestReadingsOfOneFunction(t *testing.T) {
	p := open(t)
	readings := contract.DefaultReadings()
	readings.ProcessUser = "10000"
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 512, Readings: &readings})
	other := deploy(t, p, mockplatform.FunctionSpec{Name: "other", Image: chaos(t, p), MemoryMB: 512})
	if got := answer(t, f, "", 0); !strings.Contains(got, `"uid":10000}`) {
		t.Errorf("it answers %s", got)
	}
	if got := answer(t, other, "", 0); !strings.Contains(got, `"uid":0}`) {
		t.Errorf("the other answers %s", got)
	}
}

func TestWhatCannotBeSeenSaysSo(t *testing.T) {
	p := openWith(t, mockplatform.Options{Engine: enginetest.SeenFrom(enginetest.Open(t), true, false)})
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 512})
	ask(t, f, "", 0)
	if _, err := f.FillTmp(); !errors.Is(err, mockplatform.ErrNotVisible) {
		t.Errorf("filling /tmp gives %v", err)
	}
	if _, err := f.InstanceUsage(t.Context()); !errors.Is(err, mockplatform.ErrNotVisible) {
		t.Errorf("usage gives %v", err)
	}
}
