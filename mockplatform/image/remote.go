package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

// downloads is how many layers are fetched at once.
const downloads = 3

// Registry is the registry of a reference, as it is reached with the user's credentials.
type Registry struct {
	Name    name.Reference // of the image
	Options []remote.Option
	text    string
}

// Reach tells how the registry of a reference is reached, and asks nothing of it yet. Without keychain the credentials are
// those of the user's Docker configuration. The error is ErrReference.
func Reach(ctx context.Context, ref Reference, keychain authn.Keychain) (*Registry, error) {
	if ref.Source != FromAny && ref.Source != FromRegistry || isImageID(ref.Name) {
		return nil, fmt.Errorf("%w: %q is in no registry; write registry:[HOST/]NAME[:TAG or @DIGEST]", ErrReference, ref.Text)
	}
	parsed, err := name.ParseReference(ref.Name)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrReference, ref.Text, err)
	}
	if keychain == nil {
		keychain = authn.DefaultKeychain
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(keychain), remote.WithUserAgent("scfcert")}
	return &Registry{Name: parsed, Options: options, text: ref.Text}, nil
}

// Manifest reads the image's manifest and none of its layers: of an index, the manifest that Resolve chooses. The errors
// are those of Resolve.
func (r *Registry) Manifest(ctx context.Context) (*remote.Descriptor, error) {
	descriptor, err := r.get(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	return r.descend(ctx, descriptor, &Candidate{Reference: r.text})
}

// descend goes from an index to the manifest of the image; a manifest stays what it is.
func (r *Registry) descend(ctx context.Context, from *remote.Descriptor, c *Candidate) (*remote.Descriptor, error) {
	if !from.MediaType.IsIndex() {
		return from, nil
	}
	_, err := c.descend(from.Manifest, "", func(digest v1.Hash) (_ []byte, err error) {
		if from, err = r.get(ctx, r.Name.Context().Digest(digest.String())); err != nil {
			return nil, err
		}
		return from.Manifest, nil
	})
	return from, err
}

func (r *Registry) get(ctx context.Context, ref name.Reference) (*remote.Descriptor, error) {
	descriptor, err := remote.Get(ref, r.Options...)
	if err != nil {
		return nil, r.Sorted(ctx, err)
	}
	return descriptor, nil
}

// loadRemote reads an image from a registry with the user's credentials. Layers go to disk, once.
func loadRemote(ctx context.Context, ref Reference, opts Options) (*Candidate, error) {
	r, err := Reach(ctx, ref, opts.Keychain)
	if err != nil {
		return nil, err
	}
	descriptor, err := r.get(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	c := &Candidate{Reference: ref.Text, Source: FromRegistry, blobs: map[v1.Hash]blob{}}
	if !descriptor.MediaType.IsImage() && !descriptor.MediaType.IsIndex() {
		c.Unsupported = fmt.Sprintf("its manifest is of type %s", descriptor.MediaType)
		c.MediaType, c.Digest, c.DigestKind = descriptor.MediaType, descriptor.Digest, "manifest"
		c.Config, c.files = &v1.ConfigFile{}, newRoot()
		return c, nil
	}
	if descriptor, err = r.descend(ctx, descriptor, c); err != nil {
		return nil, err
	}
	return c, c.download(ctx, r, descriptor.Manifest, opts)
}

func (c *Candidate) download(ctx context.Context, r *Registry, manifest []byte, opts Options) error {
	parsed, err := v1.ParseManifest(byteReader(manifest))
	if err != nil {
		return fmt.Errorf("%w: %s: its manifest cannot be read: %w", ErrInvalid, c.Reference, err)
	}
	if err := os.MkdirAll(opts.SpoolDir, 0o700); err != nil {
		return fmt.Errorf("make a folder for the image: %w", err)
	}
	var total int64
	for _, layer := range parsed.Layers {
		total += layer.Size
	}
	var done atomic.Int64
	progress := func(n int) { opts.Progress("download image", done.Add(int64(n)), total) }
	group, fetch := errgroup.WithContext(ctx)
	group.SetLimit(downloads)
	for _, descriptor := range append([]v1.Descriptor{parsed.Config}, parsed.Layers...) {
		group.Go(func() error {
			layer, err := remote.Layer(r.Name.Context().Digest(descriptor.Digest.String()), append(slices.Clip(r.Options), remote.WithContext(fetch))...)
			if err == nil {
				err = spool(fetch, layer, filepath.Join(opts.SpoolDir, descriptor.Digest.Hex), progress)
			}
			if err != nil {
				return r.Sorted(fetch, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err //nolint:wrapcheck // ours
	}
	config, err := readDocument(filepath.Join(opts.SpoolDir, parsed.Config.Digest.Hex))
	if err != nil {
		return err
	}
	return c.fill(manifest, config, c.scanned(ctx, func(digest v1.Hash) (blob, error) {
		return openFile(filepath.Join(opts.SpoolDir, digest.Hex))
	}))
}

// spool writes a layer into a file, under its name only when it is whole.
func spool(ctx context.Context, layer v1.Layer, path string, progress func(int)) error {
	if _, err := os.Stat(path); err == nil {
		return nil // a layer that is listed twice
	}
	source, err := layer.Compressed() // checks the digest at its end
	if err != nil {
		return fmt.Errorf("fetch layer: %w", err)
	}
	defer func() { _ = source.Close() }()
	file, err := os.CreateTemp(filepath.Dir(path), "part-")
	if err != nil {
		return fmt.Errorf("write layer: %w", err)
	}
	_, err = io.Copy(file, &counting{&contextReader{ctx, source}, progress})
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(fmt.Errorf("fetch layer: %w", err), os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), path) //nolint:wrapcheck // names both
}

type counting struct {
	source io.Reader
	count  func(int)
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.source.Read(p)
	c.count(n)
	return n, err //nolint:wrapcheck // a reader's own error
}

// Sorted is a refusal of the registry as one of this package's errors, or as the context's.
func (r *Registry) Sorted(ctx context.Context, err error) error {
	ref := r.Name
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("read %s: %w", ref, ctx.Err())
	}
	var refused *transport.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("%w: %s: %w; check the name, the network, and whether the registry is up", ErrUnreachable, ref.Context().RegistryStr(), err)
	}
	switch refused.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %s refuses to show %s; log in with \"docker login %s\" or check the name (%w)", ErrDenied, ref.Context().RegistryStr(), ref, ref.Context().RegistryStr(), err)
	case http.StatusNotFound:
		return fmt.Errorf("%w: %s has no %s; check name and tag", ErrNotFound, ref.Context().RegistryStr(), ref)
	default:
		return fmt.Errorf("%w: %s: %w", ErrUnreachable, ref.Context().RegistryStr(), err)
	}
}
