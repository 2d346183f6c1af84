// Package samplefunctions holds functions that conform, and violators that break exactly one requirement each.
//
// In comes the set of our own programs; out come images, built in this process without an engine or a network. The
// sources of the Go ones are in go/, those in python/ and node/ have the Dockerfiles that a user would write.
package samplefunctions

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/mockplatform/program"
)

// Reference names the built-in sample where an image reference is asked for.
const Reference = "built-in"

// Resolve finds an image as mockplatform.Platform.Resolve does, or makes the built-in sample where the reference is
// Reference or empty.
func Resolve(ctx context.Context, p *mockplatform.Platform, reference string, progress func(stage string, done, total int64)) (*image.Candidate, error) {
	if reference != "" && reference != Reference {
		return p.Resolve(ctx, reference, progress) //nolint:wrapcheck // it says all
	}
	img, err := BuiltIn(ctx, p.Programs())
	if err != nil {
		return nil, err
	}
	return image.FromImage(ctx, Reference, img) //nolint:wrapcheck // it says all
}

// BuiltIn is the image of the built-in sample function: one static program in an empty root.
func BuiltIn(ctx context.Context, programs *program.Programs) (v1.Image, error) {
	return single(ctx, programs, program.Function)
}

// Chaos is a function that conforms until it is asked to misbehave, for tests of the platform: see go/chaos.
func Chaos(ctx context.Context, programs *program.Programs) (v1.Image, error) {
	return single(ctx, programs, program.Chaos, image.File{Name: "tmp/shipped", Mode: 0o644, Text: "hidden by the platform's /tmp"})
}

// single is an image of one static program, /function, and what else there is.
func single(ctx context.Context, programs *program.Programs, name program.Name, files ...image.File) (v1.Image, error) {
	path, err := programs.Executable(ctx, name, "linux", "amd64")
	if err != nil {
		return nil, err //nolint:wrapcheck // says what to do
	}
	files = append([]image.File{{Name: "tmp/"}, {Name: "function", Mode: 0o755, From: path}}, files...)
	img, err := image.Scratch(contract.Architecture, v1.Config{Entrypoint: []string{"/function"}}, files...)
	if err != nil {
		return nil, fmt.Errorf("make the sample %s: %w", name, err)
	}
	return img, nil
}
