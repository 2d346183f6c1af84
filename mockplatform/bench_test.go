package mockplatform_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/engine/enginetest"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
)

// plainly is the plain way to run the built-in sample.
func plainly(b *testing.B, p *mockplatform.Platform) *enginetest.Peer {
	b.Helper()
	img, err := samplefunctions.BuiltIn(b.Context(), p.Programs())
	check(b, err)
	return enginetest.NewPeer(b, img)
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func median(values []time.Duration) time.Duration {
	slices.Sort(values)
	return values[len(values)/2]
}

// BenchmarkColdStart compares our cold start, from making the container to the first answer with the image in the
// engine and all limits on, with the plain way, in turn: one, and a burst of eight until the last has answered. It
// reports the ratio of the medians; less is better.
func BenchmarkColdStart(b *testing.B) {
	for _, c := range []struct{ memoryMB, burst int }{{512, 1}, {128, 1}, {512, 8}} {
		b.Run(fmt.Sprintf("MB=%d/burst=%d", c.memoryMB, c.burst), func(b *testing.B) {
			p := openWith(b, mockplatform.Options{Sandboxes: c.burst, BurstPerMinute: 100_000})
			plain := plainly(b, p)
			f := deploy(b, p, mockplatform.FunctionSpec{Image: builtIn(b, p), MemoryMB: c.memoryMB, Timeout: time.Minute})
			_, err := f.Start(b.Context()) // brings the image into the engine
			check(b, err)
			var ours, withPull, theirs []time.Duration
			for b.Loop() {
				check(b, f.Recycle(b.Context()))
				whole, pull := burst(b, c.burst, func() time.Duration {
					result, err := f.Invoke(b.Context(), []byte("{}"))
					check(b, err)
					return result.ColdStart.Pull
				})
				ours, withPull = append(ours, whole-pull), append(withPull, whole)
				var mu sync.Mutex
				var ids []string
				took, _ := burst(b, c.burst, func() time.Duration {
					id, _ := plain.Start(b, c.memoryMB)
					mu.Lock()
					defer mu.Unlock()
					ids = append(ids, id)
					return 0
				})
				theirs = append(theirs, took)
				for _, id := range ids {
					plain.Remove(b, id)
				}
			}
			b.ReportMetric(float64(median(ours).Milliseconds()), "ours-ms")
			b.ReportMetric(float64(median(withPull).Milliseconds()), "with-pull-ms")
			b.ReportMetric(float64(median(theirs).Milliseconds()), "plain-ms")
			b.ReportMetric(float64(median(ours))/float64(median(theirs)), "ratio")
			b.ReportMetric(float64(median(withPull))/float64(median(theirs)), "with-pull-ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// burst does something so many times at once, and tells how long it takes until all is done, and the least that do
// returned.
func burst(b *testing.B, n int, do func() time.Duration) (whole, least time.Duration) {
	b.Helper()
	returned := make([]time.Duration, n)
	var wait sync.WaitGroup
	began := time.Now()
	for at := range n {
		wait.Go(func() { returned[at] = do() })
	}
	wait.Wait()
	return time.Since(began), slices.Min(returned)
}

// load sends requests from so many clients for the time given and returns how many a second were answered.
func load(b *testing.B, clients int, request func() error) float64 {
	b.Helper()
	const duration = 3 * time.Second
	ctx, cancel := context.WithTimeout(b.Context(), duration)
	defer cancel()
	var done, failed atomic.Int64
	var wait sync.WaitGroup
	began := time.Now()
	for range clients {
		wait.Go(func() {
			for ctx.Err() == nil {
				if err := request(); err != nil {
					failed.Add(1)
					return
				}
				done.Add(1)
			}
		})
	}
	wait.Wait()
	if failed.Load() > 0 {
		b.Errorf("%d of %d clients failed", failed.Load(), clients)
	}
	return float64(done.Load()) / time.Since(began).Seconds()
}

// BenchmarkInvoke compares requests a second through the platform, one request per instance and every log line filed,
// with the same function asked directly at its published port.
func BenchmarkInvoke(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			p := open(b)
			f, err := p.Deploy(b.Context(), mockplatform.FunctionSpec{Image: builtIn(b, p), MemoryMB: 3072, Timeout: time.Minute})
			check(b, err)
			plain := plainly(b, p)
			id, address := plain.Start(b, 3072)
			defer plain.Remove(b, id)
			transport := &http.Transport{MaxIdleConnsPerHost: clients}
			defer transport.CloseIdleConnections()
			direct := &http.Client{Transport: transport}
			through := func() error {
				result, err := f.Invoke(b.Context(), []byte("{}"))
				if err == nil && result.HTTPStatus != http.StatusOK {
					err = fmt.Errorf("status %d", result.HTTPStatus)
				}
				return err
			}
			var ours, theirs float64
			for b.Loop() {
				load(b, clients, through) // starts the instances
				ours = load(b, clients, through)
				theirs = load(b, clients, func() error {
					response, err := direct.Post("http://"+address+"/event-invoke", "application/json", bytes.NewReader([]byte("{}")))
					if err != nil {
						return err
					}
					_, err = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
					return err
				})
			}
			b.ReportMetric(ours, "ours-rps")
			b.ReportMetric(theirs, "direct-rps")
			b.ReportMetric(ours/theirs, "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}
