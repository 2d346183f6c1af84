package enginetest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/engine/docker/reap"
)

// Peer is the plain way to run an image, to compare with: created and started through the API, with a published loopback port.
type Peer struct {
	engine *client.Client
	image  string
	run    string
}

// NewPeer brings the image into the engine; it goes with the test.
func NewPeer(b testing.TB, img v1.Image) *Peer {
	b.Helper()
	engine, err := client.New(client.FromEnv)
	check(b, err)
	run, err := reap.NewRun()
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
	return &Peer{engine, tag.RepositoryStr() + ":1", run}
}

// Start creates and starts a container and asks it by HTTP every 2 ms until it answers.
func (p *Peer) Start(b testing.TB, memoryMB int) (id, address string) {
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
		request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+address+"/event-invoke", bytes.NewReader([]byte("{}")))
		check(b, err)
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
			return created.ID, address
		}
		<-ticker.C
	}
}

// Remove removes a container.
func (p *Peer) Remove(b testing.TB, id string) {
	b.Helper()
	check(b, reap.Container(b.Context(), p.engine, id))
}
