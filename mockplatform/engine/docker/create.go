package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/engine/docker/reap"
)

// Create makes a container and does not start it.
func (e *Engine) Create(ctx context.Context, spec engine.ContainerSpec) (engine.Container, error) {
	if len(spec.Argv) == 0 {
		return nil, errors.New("create container: no program given")
	}
	labels := map[string]string{reap.LabelRun: e.run, reap.LabelRole: spec.Role}
	maps.Copy(labels, spec.Labels)
	config := &container.Config{
		Image: spec.Image, Entrypoint: spec.Argv, Env: spec.Env, User: spec.User, Labels: labels,
		// The platform looks at its functions itself; a check inside the image is never run (R12).
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
	mounts, volumes := e.mounts(spec)
	host := &container.HostConfig{
		// Output is taken by attach, which keeps every byte; nothing has to be kept by the engine.
		LogConfig:      container.LogConfig{Type: "none"},
		ReadonlyRootfs: spec.ReadOnlyRoot,
		Mounts:         mounts,
		Resources:      e.resources(spec),
	}
	if spec.TmpSource == "" && spec.TmpBytes > 0 {
		// Without "exec" the engine mounts it noexec, which no page of the contract says.
		host.Tmpfs = map[string]string{"/tmp": fmt.Sprintf("rw,exec,nosuid,nodev,mode=1777,size=%d", spec.TmpBytes)}
	}
	if spec.JoinNetwork != nil {
		host.NetworkMode = container.NetworkMode("container:" + spec.JoinNetwork.ID())
	}
	if spec.PublishPort != 0 {
		port, ok := network.PortFrom(uint16(spec.PublishPort), network.TCP) //nolint:gosec // a port number
		if !ok {
			return nil, fmt.Errorf("create container: no such port %d", spec.PublishPort)
		}
		config.ExposedPorts = network.PortSet{port: {}}
		host.PortBindings = network.PortMap{port: {{HostIP: netip.AddrFrom4([4]byte{127, 0, 0, 1})}}}
	}
	created, err := e.client.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: config, HostConfig: host, Name: "scfcert-" + e.run + "-" + spec.Name,
	})
	if err != nil {
		return nil, fmt.Errorf("create container from %s: %w", spec.Image, broken(err))
	}
	c := &running{engine: e, id: created.ID, name: spec.Name, volumes: volumes, exited: make(chan struct{}), outOfMemory: make(chan struct{})}
	e.mu.Lock()
	e.containers[c.id] = c
	e.mu.Unlock()
	if spec.TmpInLayer {
		if err := c.makeTmp(ctx); err != nil {
			return nil, errors.Join(err, c.Remove(context.WithoutCancel(ctx)))
		}
	}
	return c, nil
}

// makeTmp puts a directory /tmp that everybody may write into the container's layer; an image need not have one.
func (c *running) makeTmp(ctx context.Context) error {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	err := w.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777, ModTime: time.Now()})
	if err = errors.Join(err, w.Close()); err == nil {
		_, err = c.engine.client.CopyToContainer(ctx, c.id, client.CopyToContainerOptions{DestinationPath: "/", Content: &archive})
	}
	if err != nil {
		return fmt.Errorf("make /tmp in container %s: %w", c.name, broken(err))
	}
	return nil
}

// mounts are the declared volumes of the image, and /tmp where it is a directory of the engine's machine. The engine
// fills a new volume with the image's content. It refuses to mount a nameless one read-only, so each gets a name and
// is removed by it.
func (e *Engine) mounts(spec engine.ContainerSpec) (mounts []mount.Mount, volumes []string) {
	for n, target := range spec.Volumes {
		name := fmt.Sprintf("scfcert-%s-%s-%d", e.run, spec.Name, n)
		volumes = append(volumes, name)
		mounts = append(mounts, mount.Mount{
			Type: mount.TypeVolume, Source: name, Target: target, ReadOnly: spec.ReadOnlyVolumes,
			VolumeOptions: &mount.VolumeOptions{Labels: map[string]string{reap.LabelRun: e.run}},
		})
	}
	if spec.TmpSource != "" {
		mounts = append(mounts, mount.Mount{Type: mount.TypeBind, Source: spec.TmpSource, Target: "/tmp"})
	}
	return mounts, volumes
}

func (e *Engine) resources(spec engine.ContainerSpec) container.Resources {
	limits := container.Resources{
		Memory: spec.MemoryBytes, MemorySwap: spec.MemoryBytes, // no swap on top
	}
	if spec.CPUs > 0 {
		limits.NanoCPUs = int64(math.Round(min(spec.CPUs, float64(e.info.CPUs)) * 1e9))
	}
	if spec.Processes > 0 {
		limits.PidsLimit = &spec.Processes
	}
	if spec.OpenFiles > 0 {
		limits.Ulimits = []*container.Ulimit{{Name: "nofile", Soft: spec.OpenFiles, Hard: spec.OpenFiles}}
	}
	return limits
}
