package mockplatform_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
)

// BenchmarkReadinessLag tells the time from the function's listening to its first request.
func BenchmarkReadinessLag(b *testing.B) {
	p := openWith(b, mockplatform.Options{BurstPerMinute: 100_000})
	f := deploy(b, p, mockplatform.FunctionSpec{Image: chaos(b, p), MemoryMB: 512})
	var lags []time.Duration
	for b.Loop() {
		lag, err := strconv.Atoi(answer(b, f, "lag", 0))
		check(b, err)
		lags = append(lags, time.Duration(lag)*time.Microsecond)
		check(b, f.Recycle(b.Context()))
	}
	b.ReportMetric(float64(median(lags).Microseconds()), "p50-µs")
	b.ReportMetric(float64(lags[len(lags)-1].Microseconds()), "max-µs")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkThaw compares warm invocations of an instance that is frozen between requests with those of one that is not.
func BenchmarkThaw(b *testing.B) {
	medians := map[bool]time.Duration{}
	readings := contract.DefaultReadings()
	for _, frozen := range []bool{false, true} {
		readings.FreezeBetween = frozen
		p := openWith(b, mockplatform.Options{Readings: &readings})
		f := deploy(b, p, mockplatform.FunctionSpec{Image: builtIn(b, p), Type: mockplatform.HTTP, MemoryMB: 1280})
		var took []time.Duration
		for range 300 {
			eventually(b, "it is idle, and frozen", func() bool { return f.Instances().Busy == 0 })
			began := time.Now()
			trigger(f, "/") // returns with the answer, before the log is collected
			took = append(took, time.Since(began))
		}
		medians[frozen] = median(took)
	}
	for b.Loop() { // the work is done
	}
	b.ReportMetric(float64(medians[false].Microseconds()), "running-p50-µs")
	b.ReportMetric(float64(medians[true].Microseconds()), "frozen-p50-µs")
	b.ReportMetric(float64((medians[true] - medians[false]).Microseconds()), "thaw-µs")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLogs tells how much output a second is taken, filed and returned with its request.
func BenchmarkLogs(b *testing.B) {
	for name, c := range map[string]struct {
		do    string
		n     int
		bytes int64
	}{"64MiB-without-a-line's-end": {"write", 64, 64 << 20}, "short-lines": {"lines", 500_000, 500_000 * 11}} {
		b.Run(name, func(b *testing.B) {
			p := open(b)
			f := deploy(b, p, mockplatform.FunctionSpec{Image: chaos(b, p), MemoryMB: 3072, Timeout: time.Minute})
			ask(b, f, "", 0)
			b.SetBytes(c.bytes)
			for b.Loop() {
				ask(b, f, c.do, c.n)
			}
		})
	}
}

// BenchmarkMemory tells what this process takes with so many instances that have served a request each.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() { // once is enough
		p, err := mockplatform.Open(b.Context(), mockplatform.Options{Sandboxes: 4})
		check(b, err)
		f := deploy(b, p, mockplatform.FunctionSpec{Image: chaos(b, p), Version: "1", MemoryMB: 64, Timeout: time.Minute})
		for _, instances := range []int{0, 10, 50} {
			check(b, f.Provision(b.Context(), instances))
			orders := make([]string, instances)
			for n := range orders {
				orders[n] = "sleep 3000"
			}
			together(b, f, orders...)
			b.ReportMetric(float64(resident())/(1<<20), fmt.Sprintf("MiB-at-%d", instances))
		}
		check(b, p.Close(b.Context()))
	}
	b.ReportMetric(0, "ns/op")
}

// resident is this process's memory after all that can be given back was.
func resident() int {
	runtime.GC()
	debug.FreeOSMemory()
	text, _ := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize()
}
