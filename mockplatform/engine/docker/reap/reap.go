package reap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// parallel is how many containers are removed at once: removal is mostly waiting for the engine.
const parallel = 4

// Run removes everything that carries the run's label from the engine. It goes on after an error and joins them all.
func Run(ctx context.Context, engine *client.Client, run string) error {
	label := client.Filters{}.Add("label", LabelRun+"="+run)
	containers, err := engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: label})
	if err != nil {
		return fmt.Errorf("list containers of run %s: %w", run, err)
	}
	// Instances first: a sandbox owns the network namespace that they joined.
	var instances, sandboxes []string
	for _, c := range containers.Items {
		if c.Labels[LabelRole] == "sandbox" {
			sandboxes = append(sandboxes, c.ID)
		} else {
			instances = append(instances, c.ID)
		}
	}
	errs := []error{removeContainers(ctx, engine, instances), removeContainers(ctx, engine, sandboxes)}

	volumes, err := engine.VolumeList(ctx, client.VolumeListOptions{Filters: label})
	if err != nil {
		errs = append(errs, fmt.Errorf("list volumes of run %s: %w", run, err))
	}
	for _, v := range volumes.Items {
		errs = append(errs, Volume(ctx, engine, v.Name))
	}
	tags, err := imageTags(ctx, engine)
	if err != nil {
		errs = append(errs, err)
	}
	for _, tag := range tags[run] {
		errs = append(errs, removeImage(ctx, engine, tag))
	}
	return errors.Join(errs...)
}

// Leftover is what there is of a run in the engine.
type Leftover struct {
	Run        string
	Dead       bool // its process is gone for certain
	Containers int
	Images     []string // names
}

// Leftovers lists what there is of all runs, except the one given, in the order of their ids.
func Leftovers(ctx context.Context, engine *client.Client, except string) ([]Leftover, error) {
	containers, err := engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", LabelRun)})
	if err != nil {
		return nil, fmt.Errorf("list containers of earlier runs: %w", err)
	}
	found := map[string]*Leftover{}
	of := func(run string) *Leftover {
		if found[run] == nil {
			found[run] = &Leftover{Run: run, Dead: dead(run)}
		}
		return found[run]
	}
	for _, c := range containers.Items {
		of(c.Labels[LabelRun]).Containers++
	}
	tags, err := imageTags(ctx, engine)
	if err != nil {
		return nil, err
	}
	for run, names := range tags {
		of(run).Images = names
	}
	delete(found, except)
	var all []Leftover
	for _, run := range slices.Sorted(maps.Keys(found)) {
		all = append(all, *found[run])
	}
	return all, nil
}

// DeadRuns removes everything of runs whose process is gone, except the run given. It returns the runs it removed.
func DeadRuns(ctx context.Context, engine *client.Client, except string) ([]string, error) {
	all, err := Leftovers(ctx, engine, except)
	if err != nil {
		return nil, err
	}
	var removed []string
	var errs []error
	for _, left := range all {
		if left.Dead {
			removed = append(removed, left.Run)
			errs = append(errs, Run(ctx, engine, left.Run))
		}
	}
	return removed, errors.Join(errs...)
}

func removeContainers(ctx context.Context, engine *client.Client, ids []string) error {
	var (
		wait  sync.WaitGroup
		mu    sync.Mutex
		errs  []error
		slots = make(chan struct{}, parallel)
	)
	for _, id := range ids {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			if err := Container(ctx, engine, id); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// Container kills and removes one container with its anonymous volumes. One that is gone already is no error.
func Container(ctx context.Context, engine *client.Client, id string) error {
	_, err := engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err == nil || cerrdefs.IsNotFound(err) {
		return nil
	}
	if strings.Contains(err.Error(), "is already in progress") {
		return awaitRemoval(ctx, engine, id)
	}
	return fmt.Errorf("remove container %.12s: %w", id, err)
}

// Volume removes one volume. One that is gone already is no error.
func Volume(ctx context.Context, engine *client.Client, name string) error {
	if _, err := engine.VolumeRemove(ctx, name, client.VolumeRemoveOptions{Force: true}); err != nil && !cerrdefs.IsNotFound(err) {
		return fmt.Errorf("remove volume %s: %w", name, err)
	}
	return nil
}

// awaitRemoval waits until somebody else's removal of a container has ended.
func awaitRemoval(ctx context.Context, engine *client.Client, id string) error {
	wait := engine.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: "removed"})
	select {
	case <-wait.Result:
		return nil
	case err := <-wait.Error:
		if err == nil || cerrdefs.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("wait for removal of container %.12s: %w", id, err)
	}
}

// imageTags lists the image names of all runs, by run.
func imageTags(ctx context.Context, engine *client.Client) (map[string][]string, error) {
	images, err := engine.ImageList(ctx, client.ImageListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	tags := map[string][]string{}
	for _, image := range images.Items {
		for _, tag := range image.RepoTags {
			if run, ok := runOf(tag); ok {
				tags[run] = append(tags[run], tag)
			}
		}
	}
	return tags, nil
}

// removeImage removes a name, and the image with it if that was its last name.
func removeImage(ctx context.Context, engine *client.Client, tag string) error {
	_, err := engine.ImageRemove(ctx, tag, client.ImageRemoveOptions{Force: true, PruneChildren: true})
	if err != nil && !cerrdefs.IsNotFound(err) {
		return fmt.Errorf("remove image %s: %w", tag, err)
	}
	return nil
}

// Directory removes the directory of a run after unmounting what is mounted in it.
func Directory(dir string) error {
	if dir == "" {
		return nil
	}
	if err := unmountBelow(dir); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove directory of the run: %w", err)
	}
	return nil
}
