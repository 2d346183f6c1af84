package mockplatform_test

import (
	"context"
	"sync"
	"testing"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
)

func TestEveryInvocationThatBeginsEnds(t *testing.T) {
	var mu sync.Mutex
	running, statuses := map[string]bool{}, []int{}
	p := openWith(t, mockplatform.Options{
		Began: func(i mockplatform.Invocation) {
			mu.Lock()
			defer mu.Unlock()
			running[i.Result.RequestID] = true
		},
		Finished: func(i mockplatform.Invocation) {
			mu.Lock()
			defer mu.Unlock()
			if !running[i.Result.RequestID] {
				t.Errorf("%s ends and has not begun", i.Result.RequestID)
			}
			delete(running, i.Result.RequestID)
			statuses = append(statuses, i.Result.Status.Code)
		},
	})
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 128})
	ask(t, f, "", 0)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Invoke(gone, []byte(`{}`)); err == nil {
		t.Error("an invocation whose context has ended succeeds")
	}
	ask(t, f, "exit", 0)
	if len(running) > 0 {
		t.Errorf("%d invocations have no end", len(running))
	}
	for at, want := range []int{contract.StatusSuccess.Code, contract.StatusInternalError.Code, contract.StatusProcessExit.Code} {
		if at >= len(statuses) || statuses[at] != want {
			t.Errorf("the ends are %v", statuses)
			break
		}
	}
}
