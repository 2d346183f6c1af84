package serve

import (
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform/serve/async"
	"github.com/scfcert/scfcert/mockplatform/serve/config"
	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

func TestWithoutSettingsThePlatformsRetriesHold(t *testing.T) {
	for want, a := range map[int]config.Async{
		async.DefaultRetries: {DeadLetter: "dead.jsonl"}, 0: {MessageTTL: time.Hour}, 1: {Retries: 1, MessageTTL: time.Hour},
	} {
		if got := retries(a); got != want {
			t.Errorf("%+v means %d retries, want %d", a, got, want)
		}
	}
}

func TestRecordsAreBounded(t *testing.T) {
	var r records
	for range keptRecords + 5 {
		r.put(page.Invocation{Function: "f"})
	}
	if got := len(r.newest("", 0)); got != keptRecords {
		t.Errorf("%d are kept, want %d", got, keptRecords)
	}
}

func TestWhatRunsIsReplacedByItsEndOnly(t *testing.T) {
	var r records
	for attempt := 1; attempt <= 2; attempt++ {
		r.put(running("id", "f", "timer", attempt))
		ended := running("id", "f", "event", 1)
		ended.Status = 200
		r.put(ended)
	}
	got := r.newest("", 0)
	if len(got) != 2 || got[0].Attempt != 2 || got[0].Kind != "timer" || got[0].Running() || got[1].Attempt != 1 || got[1].Running() {
		t.Errorf("the records are %+v", got)
	}
}
