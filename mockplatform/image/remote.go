package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

// downloads is how many layers are fetched at once.
const downloads = 3

// loadRemote reads an image from a registry with the user's credentials. Layers go to disk, once.
func loadRemote(ctx context.Context, ref Reference, opts Options) (*Candidate, error) {
	parsed, err := name.ParseReference(ref.Name)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrReference, ref.Text, err)
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(opts.Keychain), remote.WithUserAgent("scfcert")}
	descriptor, err := remote.Get(parsed, options...)
	if err != nil {
		return nil, remoteError(ctx, parsed, err)
	}
	c := &Candidate{Reference: ref.Text, Source: FromRegistry, blobs: map[v1.Hash]blob{}}
	if !descriptor.MediaType.IsImage() && !descriptor.MediaType.IsIndex() {
		c.Unsupported = fmt.Sprintf("its manifest is of type %s", descriptor.MediaType)
		c.MediaType, c.Digest, c.DigestKind = descriptor.MediaType, descriptor.Digest, "manifest"
		c.Config, c.files = &v1.ConfigFile{}, newRoot()
		return c, nil
	}
	manifest := descriptor.Manifest
	if descriptor.MediaType.IsIndex() {
		manifest, err = c.descend(manifest, "", func(digest v1.Hash) ([]byte, error) {
			found, err := remote.Get(parsed.Context().Digest(digest.String()), options...)
			if err != nil {
				return nil, remoteError(ctx, parsed, err)
			}
			return found.Manifest, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return c, c.download(ctx, parsed, manifest, opts, options)
}

func (c *Candidate) download(ctx context.Context, ref name.Reference, manifest []byte, opts Options, options []remote.Option) error {
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
			layer, err := remote.Layer(ref.Context().Digest(descriptor.Digest.String()), append(options, remote.WithContext(fetch))...)
			if err == nil {
				err = spool(fetch, layer, filepath.Join(opts.SpoolDir, descriptor.Digest.Hex), progress)
			}
			if err != nil {
				return remoteError(fetch, ref, err)
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

// remoteError sorts a registry's refusals.
func remoteError(ctx context.Context, ref name.Reference, err error) error {
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
