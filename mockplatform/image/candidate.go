package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/scfcert/scfcert/mockplatform/engine"
)

// Engine is what this package needs of a container engine.
type Engine interface {
	InspectImage(ctx context.Context, ref string) (engine.Image, error)
	SaveImage(ctx context.Context, id string) (io.ReadCloser, error)
}

// Options configures Resolve.
type Options struct {
	// Engine is asked for local images; nil means there are none.
	Engine Engine
	// Keychain holds the credentials for registries; nil means those of the user's Docker configuration.
	Keychain authn.Keychain
	// SpoolDir takes what is downloaded; it is made if it does not exist. The caller removes it.
	SpoolDir string
	// Progress, if not nil, hears of bytes moved; total is 0 where it is not known.
	Progress func(stage string, done, total int64)
}

// Candidate is an image that can be looked at and admitted to a registry.
type Candidate struct {
	Reference string
	// Tag is that of the reference; empty where it names no tag, such as by digest or a file.
	Tag    string
	Source Source
	// Digest names the image: of its manifest, or of its config where it has no manifest of its own (R18).
	Digest     v1.Hash
	DigestKind string // "manifest" or "config"
	// MediaType is that of the image's own manifest; empty where the source has none.
	MediaType types.MediaType
	// Unsupported tells why the image cannot be read any further, such as a schema 1 manifest. Config is empty then.
	Unsupported string
	// OtherPlatforms lists what an index holds instead, where it holds no linux/amd64.
	OtherPlatforms []string
	OS             string
	Architecture   string
	// CompressedBytes is the sum of the layers as a registry holds them. Estimated tells that the source holds them
	// uncompressed, and that the figure is what gzip makes of them.
	CompressedBytes   int64
	Estimated         bool
	UncompressedBytes int64
	Config            *v1.ConfigFile
	Layers            []Layer

	rawManifest  []byte
	manifestType types.MediaType
	blobs        map[v1.Hash]blob
	files        *node
	wasted       []Waste
	wastedBytes  int64
	closers      []io.Closer
}

// Layer is one layer.
type Layer struct {
	Digest, DiffID    v1.Hash
	MediaType         types.MediaType
	Bytes             int64 // as held by the source
	UncompressedBytes int64
	// Compression is "gzip", "zstd" or "" for a plain tar.
	Compression string
}

// blob is content that can be opened any number of times.
type blob struct {
	size int64
	open func(ctx context.Context) (io.ReadCloser, error)
}

// RawManifest is the manifest under which a registry of ours serves the image: its own, or one made for it.
func (c *Candidate) RawManifest() ([]byte, types.MediaType, v1.Hash) {
	digest, _, _ := v1.SHA256(byteReader(c.rawManifest))
	return c.rawManifest, c.manifestType, digest
}

// BlobSize tells the size of the config or a layer, and whether the image has it.
func (c *Candidate) BlobSize(digest v1.Hash) (int64, bool) {
	b, ok := c.blobs[digest]
	return b.size, ok
}

// OpenBlob opens the config or a layer as the source holds it.
func (c *Candidate) OpenBlob(ctx context.Context, digest v1.Hash) (io.ReadCloser, error) {
	b, ok := c.blobs[digest]
	if !ok {
		return nil, fmt.Errorf("%w: no blob %s in %s", ErrNotFound, digest, c.Reference)
	}
	return b.open(ctx)
}

// Close gives back files that are held open.
func (c *Candidate) Close() error {
	var errs []error
	for _, closer := range c.closers {
		errs = append(errs, closer.Close())
	}
	return errors.Join(errs...)
}

// Resolve looks an image up and reads all of it once. Errors are ErrNotFound, ErrDenied, ErrUnreachable or ErrInvalid,
// or the context's.
func Resolve(ctx context.Context, ref Reference, opts Options) (*Candidate, error) {
	if opts.Progress == nil {
		opts.Progress = func(string, int64, int64) {}
	}
	candidate, err := load(ctx, ref, opts)
	if err != nil {
		return nil, err
	}
	candidate.Reference = ref.Text
	candidate.Tag = ref.Tag()
	return candidate, nil
}

func load(ctx context.Context, ref Reference, opts Options) (*Candidate, error) {
	switch ref.Source {
	case FromLayout:
		return loadLayout(ctx, ref, opts)
	case FromArchive:
		return loadArchive(ctx, ref, opts)
	case FromRegistry:
		return loadRemote(ctx, ref, opts)
	case FromEngine, FromAny, FromProcess:
	}
	if opts.Engine != nil {
		candidate, err := loadEngine(ctx, ref, opts)
		if !errors.Is(err, ErrNotFound) || ref.Source == FromEngine {
			return candidate, err
		}
	}
	if isImageID(ref.Name) || ref.Source == FromEngine {
		return nil, fmt.Errorf("%w: the local engine does not hold %s; see \"docker images\"", ErrNotFound, ref.Name)
	}
	candidate, err := loadRemote(ctx, ref, opts)
	if err != nil && opts.Engine != nil {
		return nil, fmt.Errorf("%s is not in the local engine, and: %w", ref.Name, err)
	}
	return candidate, err
}

// FromImage makes a candidate of an image that was built in this process.
func FromImage(ctx context.Context, reference string, img v1.Image) (*Candidate, error) {
	raw, err := img.RawManifest()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, reference, err)
	}
	c := &Candidate{Reference: reference, Source: FromProcess, blobs: map[v1.Hash]blob{}}
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, reference, err)
	}
	open := func(digest v1.Hash) (blob, error) {
		layer, err := img.LayerByDigest(digest)
		if err != nil {
			return blob{}, fmt.Errorf("%w: %s: %w", ErrInvalid, reference, err)
		}
		size, err := layer.Size()
		return blob{size: size, open: func(context.Context) (io.ReadCloser, error) { return layer.Compressed() }}, err
	}
	return c, c.fill(raw, config, c.scanned(ctx, open))
}

// openFile is a blob in a file.
func openFile(path string) (blob, error) {
	info, err := os.Stat(path)
	if err != nil {
		return blob{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return blob{size: info.Size(), open: func(context.Context) (io.ReadCloser, error) {
		return os.Open(filepath.Clean(path)) //nolint:wrapcheck // names the path
	}}, nil
}
