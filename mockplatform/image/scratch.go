package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// File is one file of an image made by Scratch; a name that ends in / is a directory that everybody may write.
type File struct {
	Name string
	Mode int64
	// From is a file to copy; empty means that Text is the content.
	From, Text string
	// HardLink is another name of the image that this one is a link to.
	HardLink string
}

// Scratch makes a Linux image of one layer, as a Dockerfile with FROM scratch would. Its digest depends on nothing but
// the arguments and the files that they name.
func Scratch(architecture string, config v1.Config, files ...File) (v1.Image, error) {
	layer, err := NewLayer(files...)
	if err != nil {
		return nil, err
	}
	return FromLayers(architecture, config, layer)
}

// FromLayers makes a Linux image of layers, the lowest first.
func FromLayers(architecture string, config v1.Config, layers ...v1.Layer) (v1.Image, error) {
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return nil, fmt.Errorf("append layer: %w", err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = contract.OS, architecture, config
	img, err = mutate.ConfigFile(img, file)
	if err != nil {
		return nil, fmt.Errorf("write config: %w", err)
	}
	return img, nil
}

// NewLayer makes a layer, compressed with gzip.
func NewLayer(files ...File) (v1.Layer, error) { return newLayer(files) }

// NewZstdLayer makes a layer, compressed with zstd.
func NewZstdLayer(files ...File) (v1.Layer, error) {
	return newLayer(files, tarball.WithCompression(compression.ZStd), tarball.WithMediaType(types.OCILayerZStd))
}

func newLayer(files []File, options ...tarball.LayerOption) (v1.Layer, error) {
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	for _, f := range files {
		if err := f.write(archive); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("write layer: %w", err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil }, options...)
	if err != nil {
		return nil, fmt.Errorf("make layer: %w", err)
	}
	return layer, nil
}

func (f File) write(archive *tar.Writer) error {
	header := &tar.Header{Name: f.Name, Mode: f.Mode, Typeflag: tar.TypeReg, ModTime: time.Unix(0, 0)}
	text := []byte(f.Text)
	if f.From != "" {
		var err error
		if text, err = os.ReadFile(f.From); err != nil {
			return fmt.Errorf("read file of image: %w", err)
		}
	}
	if strings.HasSuffix(f.Name, "/") {
		header.Typeflag, header.Mode, text = tar.TypeDir, 0o1777, nil
	}
	if f.HardLink != "" {
		header.Typeflag, header.Linkname, text = tar.TypeLink, f.HardLink, nil
	}
	header.Size = int64(len(text))
	if err := archive.WriteHeader(header); err != nil {
		return fmt.Errorf("write layer: %w", err)
	}
	if _, err := archive.Write(text); err != nil {
		return fmt.Errorf("write layer: %w", err)
	}
	return nil
}
