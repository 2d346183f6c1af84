package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// loadLayout reads an OCI layout in a folder.
func loadLayout(ctx context.Context, ref Reference, opts Options) (*Candidate, error) {
	read := func(name string) ([]byte, error) { return readDocument(filepath.Join(ref.Name, name)) }
	if _, err := read("oci-layout"); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s is no OCI layout: it holds no file oci-layout", ErrNotFound, ref.Name)
		}
		return nil, err
	}
	raw, err := read("index.json")
	if err != nil {
		return nil, err
	}
	blobPath := func(digest v1.Hash) string { return filepath.Join("blobs", digest.Algorithm, digest.Hex) }
	c := &Candidate{Reference: ref.Text, Source: FromLayout, blobs: map[v1.Hash]blob{}}
	manifest, err := c.descend(raw, ref.Choice, func(digest v1.Hash) ([]byte, error) { return read(blobPath(digest)) })
	if err != nil {
		return nil, err
	}
	parsed, err := v1.ParseManifest(byteReader(manifest))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: its manifest cannot be read: %w", ErrInvalid, ref.Text, err)
	}
	config, err := read(blobPath(parsed.Config.Digest))
	if err != nil {
		return nil, err
	}
	var done, total int64
	for _, layer := range parsed.Layers {
		total += layer.Size
	}
	return c, c.fill(manifest, config, c.scanned(ctx, func(digest v1.Hash) (blob, error) {
		b, err := openFile(filepath.Join(ref.Name, blobPath(digest)))
		done += b.size
		opts.Progress("read image", done, total)
		return b, err
	}))
}

// descend goes from an index to the manifest of the image, through indexes of indexes.
func (c *Candidate) descend(raw []byte, choice string, read func(v1.Hash) ([]byte, error)) ([]byte, error) {
	const maxNesting = 5
	for range maxNesting {
		index, err := v1.ParseIndexManifest(byteReader(raw))
		if err != nil {
			return nil, fmt.Errorf("%w: %s: its index cannot be read: %w", ErrInvalid, c.Reference, err)
		}
		descriptor, others, err := choose(index, choice)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Reference, err)
		}
		c.OtherPlatforms = others
		if raw, err = read(descriptor.Digest); err != nil {
			return nil, err
		}
		if got, _, err := v1.SHA256(byteReader(raw)); err != nil || got != descriptor.Digest {
			return nil, fmt.Errorf("%w: %s: the manifest %s has the content %s", ErrInvalid, c.Reference, descriptor.Digest, got)
		}
		if !descriptor.MediaType.IsIndex() {
			return raw, nil
		}
		choice = "" // it chose among the outer ones
	}
	return nil, fmt.Errorf("%w: %s: indexes are nested too deeply", ErrInvalid, c.Reference)
}

// readDocument reads a small file.
func readDocument(path string) ([]byte, error) {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.LimitReader(file, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(raw) > maxDocument {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrInvalid, path, maxDocument)
	}
	return raw, nil
}
