package sandbox

import (
	"bytes"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/scfcert/scfcert/mockplatform/image"
)

// pauseArchive builds the pause image as a docker-save archive: one static program in an empty root.
func pauseArchive(program, tag, architecture string) (io.Reader, error) {
	img, err := image.Scratch(architecture, v1.Config{Entrypoint: []string{pausePath}}, image.File{Name: pausePath[1:], Mode: 0o755, From: program})
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the caller
	}
	named, err := name.NewTag(tag)
	if err != nil {
		return nil, fmt.Errorf("name image: %w", err)
	}
	var archive bytes.Buffer
	if err := tarball.Write(named, img, &archive); err != nil {
		return nil, fmt.Errorf("write archive: %w", err)
	}
	return &archive, nil
}
