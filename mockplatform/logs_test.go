package mockplatform_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
)

// output is what a request printed on one stream, start-up left out.
func output(r mockplatform.Result, source mockplatform.Source) string {
	var b strings.Builder
	for _, line := range r.Log {
		if line.Source == source && !line.Init {
			b.WriteString(line.Text + "\n")
		}
	}
	return b.String()
}

// figures are what differs from run to run.
var figures = regexp.MustCompile(`\d+(\.\d+)?(ms|MB\b)`)

// transcript is a whole log with its figures taken out, and the request's id. The order of stdout and stderr is unknown,
// so stderr goes last.
func transcript(r mockplatform.Result) string {
	var lines, late []string
	flush := func() {
		lines = append(lines, late...)
		late = nil
	}
	for _, line := range r.Log {
		text := line.Text
		if line.Source == mockplatform.FromPlatform {
			text = figures.ReplaceAllString(text, "0$2")
			flush()
		} else {
			text = string(line.Source) + "| " + text
			if line.Init {
				text = "init " + text
			}
		}
		if line.Source == mockplatform.FromStderr {
			late = append(late, text)
		} else {
			lines = append(lines, text)
		}
	}
	flush()
	return strings.ReplaceAll(strings.Join(lines, "\n"), r.RequestID, "ID")
}

// TestTheLogOfAnInvocation holds contract/runtime.md 9.1 by the byte.
func TestTheLogOfAnInvocation(t *testing.T) {
	p := open(t)
	image := chaos(t, p)
	event := deploy(t, p, mockplatform.FunctionSpec{Image: image, MemoryMB: 512, Timeout: time.Second})
	web := deploy(t, p, mockplatform.FunctionSpec{Image: image, Type: mockplatform.HTTP, MemoryMB: 512, Timeout: time.Second})
	exits := deploy(t, p, mockplatform.FunctionSpec{Image: image, MemoryMB: 512, Environment: map[string]string{"START": "exit"}})
	for _, c := range []struct {
		name   string
		result mockplatform.Result
		want   string
	}{
		{"an event that meets a cold start", ask(t, event, "answer", 0), `START RequestId:ID
init stdout| listening
Init Report RequestId: ID Coldstart: 0ms (PullCode: 0ms InitRuntime: 0ms InitFunction: 0ms) Memory: 0MB MemUsage: 0MB
stdout| stdout of ID
stderr| stderr of ID
Response RequestId:ID RetMsg:null
END RequestId:ID
Report RequestId:ID Duration:0ms Memory:0MB MemUsage:0MB`},
		{"an event that meets a warm instance", ask(t, event, "", 0), `START RequestId:ID
stdout| stdout of ID
stderr| stderr of ID
Response RequestId:ID RetMsg:{"id":"ID","number":2,"uid":0}
END RequestId:ID
Report RequestId:ID Duration:0ms Memory:0MB MemUsage:0MB`},
		{"an event that times out", ask(t, event, "hang", 0), `START RequestId:ID
stdout| stdout of ID
stderr| stderr of ID
ERROR RequestId:ID Result:{"errorCode":-1,"errorMessage":"Invoking task timed out after 1 seconds","requestId":"ID","statusCode":433}
Response RequestId:ID RetMsg:null
END RequestId:ID
Report RequestId:ID Duration:0ms Memory:0MB MemUsage:0MB`},
		{"a request to an HTTP function", ask(t, web, "", 0), `START RequestId:ID
init stdout| listening
Init Report RequestId: ID Coldstart: 0ms (PullCode: 0ms InitRuntime: 0ms InitFunction: 0ms) Memory: 0MB MemUsage: 0MB
stdout| stdout of ID
stderr| stderr of ID
END RequestId:ID
Report RequestId:ID Duration:0ms Memory:0MB MemUsage:0MB`},
		{"a request whose process ends", ask(t, web, "exit", 0), `START RequestId:ID
stdout| stdout of ID
stderr| stderr of ID
ERROR RequestId:ID Result:{"errorCode":-1,"errorMessage":"User process exit when running","requestId":"ID","statusCode":439}
END RequestId:ID
Report RequestId:ID Duration:0ms Memory:0MB MemUsage:0MB`},
		{"an event for an image that does not start", ask(t, exits, "", 0), `START RequestId:ID
init stderr| no configuration
ERROR RequestId:ID Result:{"errorCode":-1,"errorMessage":"` + exitText + `","requestId":"ID","statusCode":405}
Response RequestId:ID RetMsg:null
END RequestId:ID
Report RequestId:ID Duration:0ms Memory:0MB MemUsage:0MB`},
	} {
		if got := transcript(c.result); got != c.want {
			t.Errorf("%s is logged as\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// TestNoLineIsLostOrUnderAnotherRequest sends 1,000 requests to one instance and to eight at once.
func TestNoLineIsLostOrUnderAnotherRequest(t *testing.T) {
	p := open(t)
	image := chaos(t, p)
	for _, clients := range []int{1, 8} {
		name := fmt.Sprintf("clients-%d", clients)
		f := deploy(t, p, mockplatform.FunctionSpec{Name: name, Image: image, MemoryMB: 1280, Timeout: time.Minute})
		var wait sync.WaitGroup
		for range clients {
			wait.Go(func() {
				for range 1000 / clients {
					result := ask(t, f, "", 0)
					for _, source := range []mockplatform.Source{mockplatform.FromStdout, mockplatform.FromStderr} {
						if got, want := output(result, source), fmt.Sprintf("%s of %s\n", source, result.RequestID); got != want {
							t.Errorf("%d clients, request %s: %s is %q", clients, result.RequestID, source, got)
						}
					}
				}
			})
		}
		wait.Wait()
		filed, dropped := p.Logs(mockplatform.LogQuery{Function: name, Contains: "stdout of "})
		if len(filed) != 1000 || dropped != 0 {
			t.Errorf("%d clients: %d lines are filed, %d dropped", clients, len(filed), dropped)
		}
		for _, line := range filed {
			if line.Text != "stdout of "+line.RequestID {
				t.Errorf("%d clients: under %s is %q", clients, line.RequestID, line.Text)
			}
		}
		check(t, f.Close(t.Context()))
	}
}

func TestOutputOfAnyKind(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 1280, Timeout: time.Minute})
	ask(t, f, "", 0)
	t.Run("no text, and no line's end", func(t *testing.T) {
		result := ask(t, f, "bytes", 0)
		if want := "stdout of " + result.RequestID + "\na\x00b\xff\xfe\r\n\n\xe4\xb8no end\n"; output(result, mockplatform.FromStdout) != want {
			t.Errorf("stdout is %q", output(result, mockplatform.FromStdout))
		}
	})
	t.Run("a line of 1 MiB", func(t *testing.T) {
		result := ask(t, f, "write", 1)
		if got := len(output(result, mockplatform.FromStdout)) - len("stdout of "+result.RequestID+"\n\n"); got != 1<<20 || result.DroppedLogBytes != 0 {
			t.Errorf("%d bytes, %d dropped", got, result.DroppedLogBytes)
		}
	})
	t.Run("many lines in their order", func(t *testing.T) {
		var want strings.Builder
		result := ask(t, f, "lines", 20_000)
		fmt.Fprintln(&want, "stdout of", result.RequestID)
		for n := range 20_000 {
			fmt.Fprintln(&want, "line", n)
		}
		if output(result, mockplatform.FromStdout) != want.String() {
			t.Errorf("%d bytes, not %d", len(output(result, mockplatform.FromStdout)), want.Len())
		}
	})
	t.Run("64 MiB at once, more than is kept", func(t *testing.T) {
		result := ask(t, f, "write", 64)
		kept := len(output(result, mockplatform.FromStdout)) + len(output(result, mockplatform.FromStderr))
		printed := len("stdout of "+result.RequestID+"\nstderr of "+result.RequestID+"\n") + 64<<20 + 1 // a line's end of ours
		if result.DroppedLogBytes == 0 || kept > 17<<20 || int64(kept)+result.DroppedLogBytes != int64(printed) {
			t.Errorf("%d kept and %d dropped of %d", kept, result.DroppedLogBytes, printed)
		}
		if next := ask(t, f, "", 0); output(next, mockplatform.FromStdout) != "stdout of "+next.RequestID+"\n" {
			t.Errorf("the next request has %d bytes", len(output(next, mockplatform.FromStdout)))
		}
	})
	t.Run("after the response", func(t *testing.T) {
		result := ask(t, f, "later", 100)
		ask(t, deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), Name: "clock", Timeout: time.Minute}), "sleep", 300)
		next := ask(t, f, "", 0)
		if strings.Contains(output(result, mockplatform.FromStdout)+output(next, mockplatform.FromStdout), "later") {
			t.Error("it is in a result")
		}
		lines, _ := p.Logs(mockplatform.LogQuery{Contains: "later", Source: mockplatform.FromStdout})
		if len(lines) != 1 || lines[0].RequestID != result.RequestID || !lines[0].AfterResponse || lines[0].Init {
			t.Errorf("the log has %+v", lines)
		}
	})
	t.Run("at the start", func(t *testing.T) {
		talking := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 1280, Environment: map[string]string{"START": "print"}})
		result := ask(t, talking, "", 0)
		initial := 0
		for _, line := range result.Log {
			if line.Init {
				initial++
			}
		}
		if initial != 10_001 || output(result, mockplatform.FromStdout) != "stdout of "+result.RequestID+"\n" {
			t.Errorf("%d lines of the start, then %q", initial, output(result, mockplatform.FromStdout))
		}
	})
}

func TestTheTailOfALog(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 512, Timeout: time.Minute})
	short := ask(t, f, "", 0)
	if tail := short.Tail(); !strings.HasPrefix(tail, "START RequestId:") || !strings.HasSuffix(tail, "MB\n") {
		t.Errorf("the whole is %q", tail)
	}
	long := ask(t, f, "lines", 1000)
	if tail := long.Tail(); len(tail) != 4096 || !strings.HasSuffix(tail, "MB\n") || !strings.Contains(tail, "line 999\n") {
		t.Errorf("the tail has %d bytes: %q", len(tail), tail)
	}
}

func TestTheLogIsQueried(t *testing.T) {
	p := openWith(t, mockplatform.Options{LogBytes: 64 << 10})
	image := chaos(t, p)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: image, MemoryMB: 512, Timeout: time.Minute})
	other := deploy(t, p, mockplatform.FunctionSpec{Image: image, Name: "other", MemoryMB: 512})
	first := ask(t, f, "", 0)
	between := time.Now()
	second := ask(t, f, "", 0)
	ask(t, other, "", 0)
	for name, c := range map[string]struct {
		query mockplatform.LogQuery
		want  int
	}{
		"by request": {mockplatform.LogQuery{RequestID: second.RequestID}, 6}, "by function": {mockplatform.LogQuery{Function: "other"}, 8},
		"by text": {mockplatform.LogQuery{Contains: "stdout of"}, 3}, "by source": {mockplatform.LogQuery{Source: mockplatform.FromStderr}, 3},
		"until": {mockplatform.LogQuery{Until: between}, 8}, "since": {mockplatform.LogQuery{Since: between}, 14},
		"the newest": {mockplatform.LogQuery{Limit: 2}, 2}, "nothing": {mockplatform.LogQuery{Contains: "no such text"}, 0}, "all": {mockplatform.LogQuery{}, 22},
	} {
		found, dropped := p.Logs(c.query)
		if len(found) != c.want || dropped != 0 {
			t.Errorf("%s: %d lines, not %d", name, len(found), c.want)
		}
	}
	found, _ := p.Logs(mockplatform.LogQuery{RequestID: first.RequestID, Contains: "END RequestId:"})
	if len(found) != 1 || found[0].StatusCode != http.StatusOK || found[0].Function != "function" || found[0].Namespace != "default" || found[0].Qualifier != "$LATEST" || found[0].PeakBytes == 0 {
		t.Errorf("the entry is %+v", found)
	}
	ask(t, f, "lines", 1000) // with what a line takes besides its text more than is kept
	if kept, dropped := p.Logs(mockplatform.LogQuery{}); dropped == 0 || slices.ContainsFunc(kept, func(e mockplatform.LogEntry) bool { return e.RequestID == first.RequestID }) {
		t.Errorf("%d lines are kept and %d dropped", len(kept), dropped)
	}
}

// TestBills holds contract/runtime.md 12 for invocations and their sum.
func TestBills(t *testing.T) {
	p := open(t)
	f := deploy(t, p, mockplatform.FunctionSpec{Image: chaos(t, p), MemoryMB: 256, Timeout: time.Second})
	var sum float64
	for _, do := range []string{"", "sleep 200", "hang"} {
		result := together(t, f, do)[0]
		bill := result.Bill
		if bill.Duration != result.Duration || bill.Billed < bill.Duration || bill.Billed-bill.Duration >= time.Millisecond || bill.Billed%time.Millisecond != 0 ||
			bill.MemoryMB != 256 || bill.UsedBytes != result.PeakBytes || bill.GBs != 0.25*bill.Billed.Seconds() {
			t.Errorf("%q took %s and is billed %+v", do, result.Duration, bill)
		}
		sum += bill.GBs
	}
	refused, err := f.Invoke(t.Context(), []byte("{"))
	check(t, err)
	usage := f.Usage()
	if refused.Bill.GBs != 0 || usage.Invocations != 4 || usage.Statuses[200] != 2 || usage.Statuses[433] != 1 || usage.Statuses[400] != 1 || usage.GBs < sum*0.999999 || usage.GBs > sum*1.000001 {
		t.Errorf("usage %+v, the bills add up to %f", usage, sum)
	}
}
