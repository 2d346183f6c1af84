package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform/engine/enginetest"
	"github.com/scfcert/scfcert/mockplatform/program"
	"github.com/scfcert/scfcert/mockplatform/serve"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
)

// answered is what a load met.
type answered struct {
	perSecond float64
	p50, p99  time.Duration
}

// load sends requests from so many clients for the time given. Any failure fails the benchmark.
func load(b *testing.B, clients int, duration time.Duration, request func() error) answered {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), duration)
	defer cancel()
	took := make([][]time.Duration, clients)
	var wait sync.WaitGroup
	began := time.Now()
	for client := range clients {
		wait.Go(func() {
			for ctx.Err() == nil {
				sent := time.Now()
				if err := request(); err != nil {
					b.Error(err)
					return
				}
				took[client] = append(took[client], time.Since(sent))
			}
		})
	}
	wait.Wait()
	elapsed := time.Since(began)
	all := slices.Concat(took...)
	slices.Sort(all)
	if len(all) == 0 {
		b.Fatal("nothing was answered")
	}
	return answered{float64(len(all)) / elapsed.Seconds(), all[len(all)/2], all[len(all)*99/100]}
}

// asking sends a request and reads the answer to its end.
func asking(b *testing.B, clients int, method, url string, body []byte) func() error {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	b.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	return func() error {
		request, err := http.NewRequestWithContext(b.Context(), method, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", response.StatusCode)
		}
		return nil
	}
}

func peer(b *testing.B) *enginetest.Peer {
	b.Helper()
	programs, err := program.Open(b.TempDir())
	check(b, err)
	defer func() { _ = programs.Close() }()
	img, err := samplefunctions.BuiltIn(b.Context(), programs)
	check(b, err)
	return enginetest.NewPeer(b, img)
}

// BenchmarkFront compares the HTTP trigger of the local server with a plain ReverseProxy in front of the same function's
// published port, and with the function asked directly, each with connections kept alive. At 1 client every line of output
// is filed by its request; at 16 the function takes several requests at a time.
func BenchmarkFront(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			concurrency := 1
			if clients > 1 {
				concurrency = 100
			}
			_, ours, _ := served(b, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 3072, timeout: 60, concurrency: %d}}", saved(b, b.TempDir(), "one"), concurrency), false)
			plain := peer(b)
			id, address := plain.Start(b, 3072)
			defer plain.Remove(b, id)
			proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
			proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 100}
			theirs := httptest.NewServer(proxy)
			defer theirs.Close()
			ways := []struct {
				name    string
				request func() error
			}{
				{"ours", asking(b, clients, http.MethodGet, ours.URL, nil)}, {"proxy", asking(b, clients, http.MethodGet, theirs.URL, nil)},
				{"direct", asking(b, clients, http.MethodGet, "http://"+address, nil)},
			}
			met := map[string][]answered{}
			for b.Loop() {
				for _, way := range ways {
					met[way.name] = append(met[way.name], load(b, clients, 2*time.Second, way.request))
				}
			}
			middle := map[string]answered{}
			for _, way := range ways {
				slices.SortFunc(met[way.name], func(a, b answered) int { return int(a.perSecond - b.perSecond) })
				m := met[way.name][len(met[way.name])/2]
				middle[way.name] = m
				b.ReportMetric(m.perSecond, way.name+"-rps")
				b.ReportMetric(float64(m.p50.Microseconds()), way.name+"-p50-µs")
				b.ReportMetric(float64(m.p99.Microseconds()), way.name+"-p99-µs")
			}
			b.ReportMetric(middle["ours"].perSecond/middle["proxy"].perSecond, "proxy-ratio")
			b.ReportMetric(middle["ours"].perSecond/middle["direct"].perSecond, "direct-ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// resident is the memory of this process, in MiB.
func resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	check(b, err)
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	check(b, err)
	return float64(pages*os.Getpagesize()) / (1 << 20)
}

// peakResident samples the memory of this process until stopped.
func peakResident(b *testing.B) (stop func() float64) {
	b.Helper()
	done, most := make(chan struct{}), make(chan float64)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		peak := 0.0
		for {
			select {
			case <-tick.C:
				peak = max(peak, resident(b))
			case <-done:
				most <- peak
				return
			}
		}
	}()
	return func() float64 {
		close(done)
		return <-most
	}
}

// BenchmarkBodies sends and fetches bodies of 6 MB, by so many clients at a time, and tells MB/s and how much memory this
// process, with the clients in it, takes beyond what it had before.
func BenchmarkBodies(b *testing.B) {
	const size = 6 << 20
	for _, clients := range []int{1, 8} {
		for name, path := range map[string]string{"up": "/", "down": "/?do=answer&n=6291456"} {
			b.Run(fmt.Sprintf("%s/clients=%d", name, clients), func(b *testing.B) {
				_, ours, _ := served(b, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 1024, timeout: 60, concurrency: 100}}", savedAs(b, b.TempDir(), "one", samplefunctions.Chaos)), false)
				method, body := http.MethodPost, make([]byte, size)
				if name == "down" {
					method, body = http.MethodGet, nil
				}
				request := asking(b, clients, method, ours.URL+path, body)
				check(b, request())
				runtime.GC()
				before := resident(b)
				stop := peakResident(b)
				var met answered
				for b.Loop() {
					met = load(b, clients, 2*time.Second, request)
				}
				b.ReportMetric(stop()-before, "extra-MiB")
				b.ReportMetric(met.perSecond*size/(1<<20), "MB/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkColdBurst has 16 clients ask a cold function at once, with one request per instance, and tells when all have
// their answer and how many instances that took. It compares with 16 containers that are started and asked the plain way.
func BenchmarkColdBurst(b *testing.B) {
	s, ours, _ := served(b, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 256, timeout: 60}}", saved(b, b.TempDir(), "one")), false)
	const clients = 16
	request := asking(b, clients, http.MethodGet, ours.URL, nil)
	plain := peer(b)
	var took, theirs []time.Duration
	var instances []int
	for b.Loop() {
		check(b, serve.Recycle(b.Context(), s))
		var wait sync.WaitGroup
		began := time.Now()
		for range clients {
			wait.Go(func() {
				if err := request(); err != nil {
					b.Error(err)
				}
			})
		}
		wait.Wait()
		took = append(took, time.Since(began))
		instances = append(instances, serve.Instances(s))
		ids := make([]string, clients)
		began = time.Now()
		for n := range clients {
			wait.Go(func() { ids[n], _ = plain.Start(b, 256) })
		}
		wait.Wait()
		theirs = append(theirs, time.Since(began))
		for _, id := range ids {
			plain.Remove(b, id)
		}
	}
	slices.Sort(took)
	slices.Sort(theirs)
	slices.Sort(instances)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "all-ms")
	b.ReportMetric(float64(theirs[len(theirs)/2].Milliseconds()), "plain-ms")
	b.ReportMetric(float64(took[len(took)/2])/float64(theirs[len(theirs)/2]), "ratio")
	b.ReportMetric(float64(instances[len(instances)/2]), "instances")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkFanOut has 100 clients listen to server-sent events of one function at a time, and tells how late the last of
// them has the first event, and the whole stream, which takes 180 ms to send.
func BenchmarkFanOut(b *testing.B) {
	_, ours, _ := served(b, fmt.Sprintf("functions: {web: {image: %q, type: http, memory: 1024, timeout: 60, concurrency: 100}}", saved(b, b.TempDir(), "one")), false)
	const clients = 100
	check(b, asking(b, 1, http.MethodGet, ours.URL, nil)())
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var firsts, wholes []time.Duration
	for b.Loop() {
		first, whole := make([]time.Duration, clients), make([]time.Duration, clients)
		var wait sync.WaitGroup
		for n := range clients {
			wait.Go(func() {
				began := time.Now()
				response, err := client.Get(ours.URL + "/stream")
				if err != nil {
					b.Error(err)
					return
				}
				defer func() { _ = response.Body.Close() }()
				lines := bufio.NewScanner(response.Body)
				parts := 0
				for lines.Scan() {
					if strings.HasPrefix(lines.Text(), "data:") {
						if parts++; parts == 1 {
							first[n] = time.Since(began)
						}
					}
				}
				if whole[n] = time.Since(began); parts != 4 {
					b.Errorf("%d of 4 events came: %v", parts, lines.Err())
				}
			})
		}
		wait.Wait()
		firsts, wholes = append(firsts, slices.Max(first)), append(wholes, slices.Max(whole))
	}
	slices.Sort(firsts)
	slices.Sort(wholes)
	b.ReportMetric(float64(firsts[len(firsts)/2].Milliseconds()), "last-first-event-ms")
	b.ReportMetric(float64(wholes[len(wholes)/2].Milliseconds()), "last-end-ms")
	b.ReportMetric(0, "ns/op")
}
