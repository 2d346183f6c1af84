package async_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform/serve/async"
)

func open(t *testing.T, path string) *async.DeadLetterFile {
	t.Helper()
	d, err := async.OpenDeadLetter(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t *testing.T, d *async.DeadLetterFile, letter async.Letter) {
	t.Helper()
	if err := d.Write(letter); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestADeadLetterIsALineOfJSONWithTheEventInIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	d := open(t, path)
	accepted := time.Date(2026, 2, 3, 10, 0, 0, 0, time.FixedZone("UTC+8", 8*60*60))
	write(t, d, async.Letter{
		Invocation: async.Invocation{
			RequestID: "a", Function: "fn", Qualifier: "$LATEST", Trigger: "Timer", Accepted: accepted, Attempt: 3,
			Event: []byte("{\n \"n\": 9007199254740993, \"t\": \"<é&>\"\n}"),
		},
		Result: async.Result{StatusCode: 433, Message: "Invoking task timed out after 3 seconds"},
		Reason: async.RetriesUsed, GivenUp: accepted.Add(2 * time.Minute),
	})
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	want := `{"time":"2026-02-03T02:02:00Z","reason":"retries-used","requestId":"a","function":"fn","qualifier":"$LATEST","trigger":"Timer",` +
		`"accepted":"2026-02-03T02:00:00Z","attempts":3,"statusCode":433,"message":"Invoking task timed out after 3 seconds","event":{"n":9007199254740993,"t":"<é&>"}}` + "\n"
	if got := read(t, path); got != want {
		t.Errorf("the file has\n%s, wanted\n%s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: wanted a file for its owner alone", info.Mode(), err)
	}
}

func TestDeadLettersAreAddedAfterALineThatWasCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	if err := os.WriteFile(path, []byte("{\"requestId\":\"old\"}\n{\"reque"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		d := open(t, path)
		write(t, d, async.Letter{Invocation: async.Invocation{RequestID: id, Event: []byte("1")}})
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	lines := strings.Split(strings.TrimSuffix(read(t, path), "\n"), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], `"old"`) || lines[1] != `{"reque` || !strings.Contains(lines[2], `"a"`) || !strings.Contains(lines[3], `"b"`) {
		t.Errorf("lines %q", lines)
	}
}

func TestDeadLettersOfSeveralQueuesDoNotMix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	d := open(t, path)
	var writing sync.WaitGroup
	event, _ := json.Marshal(strings.Repeat("x", 100_000))
	for range 20 {
		writing.Go(func() { write(t, d, async.Letter{Invocation: async.Invocation{RequestID: "a", Event: event}}) })
	}
	writing.Wait()
	for line := range strings.SplitSeq(strings.TrimSuffix(read(t, path), "\n"), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("a line of %d bytes is no JSON", len(line))
		}
	}
}

func TestADeadLetterThatCannotBeWrittenIsAReadableError(t *testing.T) {
	folder := t.TempDir()
	for path, says := range map[string]string{
		folder:                              "no regular file",
		"/dev/null":                         "no regular file",
		filepath.Join(folder, "no", "file"): "its folder has to exist",
	} {
		if _, err := async.OpenDeadLetter(path); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, wanted %q", path, err, says)
		}
	}
	d := open(t, filepath.Join(folder, "dead.jsonl"))
	if err := d.Write(async.Letter{Invocation: async.Invocation{RequestID: "a", Event: []byte("{")}}); err == nil || !strings.Contains(err.Error(), "event a") {
		t.Errorf("an event that is no JSON: %v", err)
	}
	if got := read(t, filepath.Join(folder, "dead.jsonl")); got != "" {
		t.Errorf("a letter that failed left %q", got)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Write(async.Letter{Invocation: async.Invocation{RequestID: "b"}}); err == nil || !strings.Contains(err.Error(), "event b") {
		t.Errorf("a closed file: %v", err)
	}
}
