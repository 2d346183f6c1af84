package image

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// maxDocument bounds manifests, indexes and configs, which are read into memory.
const maxDocument = 8 << 20

func byteReader(data []byte) io.Reader { return bytes.NewReader(data) }

// layers gives a layer by its digest: how to open it and what a scan told; n counts from 0.
type layers func(digest v1.Hash, n int) (blob, layerScan, error)

// scanned opens and scans each layer when it is asked for.
func (c *Candidate) scanned(ctx context.Context, open func(v1.Hash) (blob, error)) layers {
	return func(digest v1.Hash, n int) (blob, layerScan, error) {
		b, err := open(digest)
		if err != nil {
			return blob{}, layerScan{}, err
		}
		layer, err := c.scanBlob(ctx, b, digest, n)
		return b, layer, err
	}
}

// fill reads manifest and config and lays the layers over each other.
func (c *Candidate) fill(manifest, config []byte, source layers) error {
	parsed, err := v1.ParseManifest(byteReader(manifest))
	if err != nil {
		return fmt.Errorf("%w: %s: its manifest cannot be read: %w", ErrInvalid, c.Reference, err)
	}
	c.rawManifest, c.manifestType = manifest, mediaTypeOf(parsed)
	c.MediaType, c.DigestKind = c.manifestType, "manifest"
	if c.Digest, _, err = v1.SHA256(byteReader(manifest)); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := c.setConfig(config, parsed.Config.Digest); err != nil {
		return err
	}
	if len(parsed.Layers) != len(c.Config.RootFS.DiffIDs) {
		return fmt.Errorf("%w: %s: its manifest lists %d layers and its config %d", ErrInvalid, c.Reference, len(parsed.Layers), len(c.Config.RootFS.DiffIDs))
	}
	c.files = newRoot()
	for n, descriptor := range parsed.Layers {
		b, layer, err := source(descriptor.Digest, n)
		if err != nil {
			return err
		}
		c.blobs[descriptor.Digest] = b
		if want := c.Config.RootFS.DiffIDs[n]; layer.diffID != want {
			return fmt.Errorf("%w: %s: layer %d has the content %s, its config says %s", ErrInvalid, c.Reference, n+1, layer.diffID, want)
		}
		if err := c.lay(layer, n); err != nil {
			return err
		}
		c.Layers = append(c.Layers, Layer{Digest: descriptor.Digest, DiffID: layer.diffID, MediaType: descriptor.MediaType, Bytes: b.size, UncompressedBytes: layer.bytes, Compression: layer.packed})
		c.CompressedBytes += b.size
		c.UncompressedBytes += layer.bytes
	}
	return nil
}

// mediaTypeOf is what a manifest says of itself. OCI manifests need not say it.
func mediaTypeOf(parsed *v1.Manifest) types.MediaType {
	if parsed.MediaType != "" {
		return parsed.MediaType
	}
	if strings.HasPrefix(string(parsed.Config.MediaType), "application/vnd.docker.") {
		return types.DockerManifestSchema2
	}
	return types.OCIManifestSchema1
}

func (c *Candidate) setConfig(raw []byte, digest v1.Hash) error {
	got, _, err := v1.SHA256(byteReader(raw))
	if err != nil || got != digest {
		return fmt.Errorf("%w: %s: its config has the digest %s, its manifest says %s", ErrInvalid, c.Reference, got, digest)
	}
	config, err := v1.ParseConfigFile(byteReader(raw))
	if err != nil {
		return fmt.Errorf("%w: %s: its config cannot be read: %w", ErrInvalid, c.Reference, err)
	}
	c.Config, c.OS, c.Architecture = config, config.OS, config.Architecture
	c.blobs[digest] = memory(raw)
	return nil
}

func memory(raw []byte) blob {
	return blob{size: int64(len(raw)), open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(byteReader(raw)), nil }}
}

// scanBlob scans a layer and checks that its content has the digest it goes by.
func (c *Candidate) scanBlob(ctx context.Context, b blob, digest v1.Hash, n int) (layerScan, error) {
	opened, err := b.open(ctx)
	if err != nil {
		return layerScan{}, fmt.Errorf("%w: %s: layer %d: %w", ErrInvalid, c.Reference, n+1, err)
	}
	defer func() { _ = opened.Close() }()
	layer, err := scanLayer(ctx, opened, false)
	if err != nil {
		return layerScan{}, fmt.Errorf("%w: %s: layer %d: %w", ErrInvalid, c.Reference, n+1, err)
	}
	if layer.digest != digest {
		return layerScan{}, fmt.Errorf("%w: %s: layer %d has the digest %s, its manifest says %s", ErrInvalid, c.Reference, n+1, layer.digest, digest)
	}
	return layer, nil
}

// fillWithoutManifest is fill for an image whose source has no manifest that a registry would know. The manifest made
// for it names the layers as they are: uncompressed, by their diff ids.
func (c *Candidate) fillWithoutManifest(config []byte, layers []layerScan, open func(layerScan) blob) error {
	digest, size, err := v1.SHA256(byteReader(config))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := c.setConfig(config, digest); err != nil {
		return err
	}
	c.Digest, c.DigestKind = digest, "config"
	manifest := v1.Manifest{
		SchemaVersion: 2, MediaType: types.DockerManifestSchema2, //nolint:mnd // the schema's number
		Config: v1.Descriptor{MediaType: types.DockerConfigJSON, Size: size, Digest: digest},
		Layers: []v1.Descriptor{},
	}
	byDiffID := map[v1.Hash]layerScan{}
	for _, layer := range layers {
		byDiffID[layer.diffID] = layer
	}
	c.files = newRoot()
	for n, diffID := range c.Config.RootFS.DiffIDs {
		layer, ok := byDiffID[diffID]
		if !ok {
			return fmt.Errorf("%w: %s: layer %d, %s, is missing", ErrInvalid, c.Reference, n+1, diffID)
		}
		if err := c.lay(layer, n); err != nil {
			return err
		}
		b := open(layer)
		c.blobs[layer.digest] = b
		manifest.Layers = append(manifest.Layers, v1.Descriptor{MediaType: types.DockerLayer, Size: b.size, Digest: layer.digest})
		c.Layers = append(c.Layers, Layer{Digest: layer.digest, DiffID: diffID, MediaType: types.DockerLayer, Bytes: b.size, UncompressedBytes: layer.bytes, Compression: layer.packed})
		c.CompressedBytes += layer.compressed
		c.Estimated = c.Estimated || layer.packed == ""
		c.UncompressedBytes += layer.bytes
	}
	c.manifestType = types.DockerManifestSchema2
	c.rawManifest, err = json.Marshal(manifest)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// lay puts a layer over those below it and notes what it takes away of them.
func (c *Candidate) lay(layer layerScan, n int) error {
	if err := c.files.apply(layer.onLayer(n), func(at string, gone *node) { c.waste(at, gone, n) }); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, c.Reference, err)
	}
	c.sortWasted()
	return nil
}

// choose finds the image for linux/amd64 in an index, or tells what else is there.
func choose(index *v1.IndexManifest, choice string) (chosen *v1.Descriptor, others []string, err error) {
	var first *v1.Descriptor
	for n := range index.Manifests {
		d := &index.Manifests[n]
		if choice != "" && d.Digest.String() != choice && d.Annotations["org.opencontainers.image.ref.name"] != choice {
			continue
		}
		if d.Platform == nil || d.Platform.OS == contract.OS && d.Platform.Architecture == contract.Architecture {
			return d, nil, nil
		}
		if d.Platform.OS == "unknown" { // an attestation, no image
			continue
		}
		if first == nil {
			first = d
		}
		others = append(others, d.Platform.String())
	}
	if first == nil {
		return nil, nil, fmt.Errorf("%w: the index holds no image%s", ErrNotFound, map[bool]string{true: " " + choice}[choice != ""])
	}
	return first, others, nil
}
