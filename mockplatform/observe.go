package mockplatform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/mockplatform/instance"
)

// Invocation is one that has come to its end: what was asked, and what became of it.
type Invocation struct {
	Function *Function
	// Method and Target are those of the request that the function got, or would have got.
	Method, Target string
	Trigger        Trigger
	Result         Result
}

// began tells the platform's observer of an invocation that is taken up.
func (f *Function) began(method, target string, result Result) {
	if f.platform.opts.Began != nil {
		f.platform.opts.Began(Invocation{Function: f, Method: method, Target: target, Result: result})
	}
}

// finished tells the platform's observer of an invocation.
func (f *Function) finished(method, target string, trigger Trigger, result Result) {
	if f.platform.opts.Finished != nil {
		f.platform.opts.Finished(Invocation{Function: f, Method: method, Target: target, Trigger: trigger, Result: result})
	}
}

// InstanceState is what is known of an instance at a moment without asking the engine.
type InstanceState struct {
	instance.About

	Requests int // that it serves now
}

// InstanceStates tells of the instances that serve requests or wait for one.
func (f *Function) InstanceStates() []InstanceState {
	var states []InstanceState
	for _, slot := range f.scheduler.Slots() {
		states = append(states, InstanceState{About: slot.Instance.About(), Requests: slot.Requests})
	}
	return states
}

// ErrNotWatched means that a change of an image cannot be seen cheaply where it is.
var ErrNotWatched = errors.New("changes of this image cannot be seen")

// Fingerprint is a text that changes when a reference comes to mean another image: what "docker build" and the like do.
// It costs next to nothing. It is ErrNotWatched for images of a registry.
func (p *Platform) Fingerprint(ctx context.Context, reference string) (string, error) {
	ref, err := image.ParseReference(reference)
	if err != nil {
		return "", err //nolint:wrapcheck // it says all
	}
	switch ref.Source {
	case image.FromLayout:
		return fileFingerprint(filepath.Join(ref.Name, "index.json"))
	case image.FromArchive:
		return fileFingerprint(ref.Name)
	case image.FromRegistry, image.FromProcess:
		return "", fmt.Errorf("%w: %s; take an image of the local engine, an OCI layout or an archive", ErrNotWatched, reference)
	default:
		found, err := p.engine.InspectImage(ctx, ref.Name)
		return found.ID, err //nolint:wrapcheck // it says all
	}
}

func fileFingerprint(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("look whether the image has changed: %w", err)
	}
	return fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size()), nil
}
