package serve

import (
	"strconv"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform/serve/async"
	"github.com/scfcert/scfcert/mockplatform/serve/config"
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
	for n := range 5*keptRecords + 5 {
		r.put(running(strconv.Itoa(n), "f", "event", 1))
	}
	if got := r.newest("", 0); len(got) != keptRecords || got[0].RequestID != strconv.Itoa(5*keptRecords+4) {
		t.Errorf("%d are kept, want the newest %d", len(got), keptRecords)
	}
	if len(r.list) >= 2*keptRecords || len(r.running) != len(r.list) {
		t.Errorf("%d in the list, %d of them running", len(r.list), len(r.running))
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
