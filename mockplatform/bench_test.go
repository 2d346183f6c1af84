package mockplatform_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/engine/docker/reap"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
)

// peer is the plain way to run the sample: created and started through the API, with a published loopback port.
type peer struct {
	engine *client.Client
	image  string
	run    string
}

func newPeer(b *testing.B, p *mockplatform.Platform) peer {
	b.Helper()
	engine, err := client.New(client.FromEnv)
	check(b, err)
	run, err := reap.NewRun()
	check(b, err)
	img, err := samplefunctions.BuiltIn(b.Context(), p.Programs())
	check(b, err)
	tag, err := name.NewTag(reap.Repository(run) + "/peer:1")
	check(b, err)
	var archive bytes.Buffer
	check(b, tarball.Write(tag, img, &archive))
	loaded, err := engine.ImageLoad(b.Context(), &archive)
	check(b, err)
	_, err = io.Copy(io.Discard, loaded)
	check(b, err)
	b.Cleanup(func() {
		check(b, reap.Run(context.Background(), engine, run))
		_ = engine.Close()
	})
	return peer{engine, tag.RepositoryStr() + ":1", run}
}

// start creates and starts a container and asks it by HTTP every 2 ms until it answers.
func (p peer) start(b *testing.B, memoryMB int) (id, address string) {
	b.Helper()
	port := network.MustParsePort("9000/tcp")
	created, err := p.engine.ContainerCreate(b.Context(), client.ContainerCreateOptions{
		Config: &container.Config{Image: p.image, ExposedPorts: network.PortSet{port: {}}, Labels: map[string]string{reap.LabelRun: p.run}},
		HostConfig: &container.HostConfig{
			PortBindings: network.PortMap{port: {{HostIP: netip.AddrFrom4([4]byte{127, 0, 0, 1})}}},
			Resources:    container.Resources{Memory: int64(memoryMB) << 20, NanoCPUs: int64(contract.CPUs(memoryMB) * 1e9)},
		},
	})
	check(b, err)
	_, err = p.engine.ContainerStart(b.Context(), created.ID, client.ContainerStartOptions{})
	check(b, err)
	found, err := p.engine.ContainerInspect(b.Context(), created.ID, client.ContainerInspectOptions{})
	check(b, err)
	address = "127.0.0.1:" + found.Container.NetworkSettings.Ports[port][0].HostPort
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		response, err := http.Post("http://"+address+"/event-invoke", "application/json", bytes.NewReader([]byte("{}")))
		if err == nil {
			_ = response.Body.Close()
			return created.ID, address
		}
		<-ticker.C
	}
}

func (p peer) remove(b *testing.B, id string) {
	b.Helper()
	check(b, reap.Container(b.Context(), p.engine, id))
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
			plain := newPeer(b, p)
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
					id, _ := plain.start(b, c.memoryMB)
					mu.Lock()
					defer mu.Unlock()
					ids = append(ids, id)
					return 0
				})
				theirs = append(theirs, took)
				for _, id := range ids {
					plain.remove(b, id)
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

// BenchmarkFront compares requests a second through our HTTP trigger with those through a plain ReverseProxy in front of
// the same function's published port, each with its connections kept alive. At 1 client every line of output is filed
// by its request; at 16 the function takes several requests at a time.
func BenchmarkFront(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			p := open(b)
			spec := mockplatform.FunctionSpec{Image: builtIn(b, p), Type: mockplatform.HTTP, MemoryMB: 3072, Timeout: time.Minute}
			if clients > 1 {
				spec.Concurrency = 100
			}
			f, err := p.Deploy(b.Context(), spec)
			check(b, err)
			_, err = f.Start(b.Context())
			check(b, err)
			ours := httptest.NewServer(f)
			defer ours.Close()
			plain := newPeer(b, p)
			id, address := plain.start(b, 3072)
			defer plain.remove(b, id)
			proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
			proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 100}
			theirs := httptest.NewServer(proxy)
			defer theirs.Close()
			transport := &http.Transport{MaxIdleConnsPerHost: clients}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			get := func(url string) func() error {
				return func() error {
					response, err := client.Get(url)
					if err != nil {
						return err
					}
					defer response.Body.Close()
					_, err = io.Copy(io.Discard, response.Body)
					if err == nil && response.StatusCode != http.StatusOK {
						err = fmt.Errorf("status %d", response.StatusCode)
					}
					return err
				}
			}
			var our, their []float64
			for b.Loop() {
				our = append(our, load(b, clients, get(ours.URL)))
				their = append(their, load(b, clients, get(theirs.URL)))
			}
			slices.Sort(our)
			slices.Sort(their)
			b.ReportMetric(our[len(our)/2], "ours-rps")
			b.ReportMetric(their[len(their)/2], "proxy-rps")
			b.ReportMetric(our[len(our)/2]/their[len(their)/2], "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkInvoke compares requests a second through the platform, one request per instance and every log line filed,
// with the same function asked directly at its published port.
func BenchmarkInvoke(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			p := open(b)
			f, err := p.Deploy(b.Context(), mockplatform.FunctionSpec{Image: builtIn(b, p), MemoryMB: 3072, Timeout: time.Minute})
			check(b, err)
			plain := newPeer(b, p)
			id, address := plain.start(b, 3072)
			defer plain.remove(b, id)
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
