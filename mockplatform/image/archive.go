package image

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"

	"github.com/scfcert/scfcert/mockplatform/engine"
)

// archive is what one pass over a docker-save or OCI archive tells.
type archive struct {
	documents map[string][]byte
	layers    map[v1.Hash]archived // by the digest of the bytes as held
}

type archived struct {
	scan   layerScan
	member string
	offset int64
	size   int64
}

// scanArchive reads an archive once, from its beginning to its end.
func scanArchive(ctx context.Context, stream io.Reader, progress func(done int64)) (*archive, error) {
	a := &archive{documents: map[string][]byte{}, layers: map[v1.Hash]archived{}}
	position := &counting{source: &contextReader{ctx, stream}}
	var offset int64
	position.count = func(n int) {
		offset += int64(n)
		progress(offset)
	}
	for members := tar.NewReader(position); ; {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return nil, fmt.Errorf("no readable archive: %w", err)
		}
		if header.Typeflag != tar.TypeReg {
			continue // links point to layers that are in the archive themselves
		}
		if header.PAXRecords["GNU.sparse.major"]+header.PAXRecords["GNU.sparse.map"] != "" { // a few bytes may stand for any number of them
			return nil, fmt.Errorf("%s is stored with holes in it; make the archive with \"docker save\"", header.Name)
		}
		begins := offset
		if err := a.member(ctx, header, bufio.NewReaderSize(members, 64<<10), begins); err != nil {
			return nil, fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}

// member takes one file of the archive: a document, a layer, or something of no interest.
func (a *archive) member(ctx context.Context, header *tar.Header, content *bufio.Reader, offset int64) error {
	name := path.Clean(header.Name)
	head, _ := content.Peek(1) // an empty file has none
	isLayer := path.Base(name) == "layer.tar" || strings.HasPrefix(name, "blobs/") || strings.HasSuffix(name, ".tar.gz")
	switch {
	case len(head) == 0:
	case head[0] == '{' || head[0] == '[':
		if header.Size > maxDocument {
			return fmt.Errorf("the document has %d bytes, more than %d", header.Size, maxDocument)
		}
		text, err := io.ReadAll(content)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		a.documents[name] = text
	case isLayer:
		scan, err := scanLayer(ctx, content, true)
		if err != nil {
			return err
		}
		a.layers[scan.digest] = archived{scan, name, offset, header.Size}
	}
	return nil
}

// candidate makes an image of the archive's only one. Open tells how to open one of its layers again.
func (a *archive) candidate(c *Candidate, open func(archived) blob) error {
	saved, err := a.saved(c.Reference)
	if err != nil {
		return err
	}
	if index, ok := a.documents["index.json"]; ok {
		manifest, err := c.descend(index, "", a.blob)
		if err == nil && (saved == nil || a.registryMade(manifest)) {
			return a.withManifest(c, manifest, open)
		}
		if saved == nil {
			return err
		}
	}
	if saved == nil {
		return fmt.Errorf("%w: %s holds neither manifest.json nor index.json; make it with \"docker save\"", ErrInvalid, c.Reference)
	}
	c.OtherPlatforms = nil
	config, ok := a.documents[path.Clean(saved.Config)]
	if !ok {
		return fmt.Errorf("%w: %s: the config %s is missing", ErrInvalid, c.Reference, saved.Config)
	}
	var found []layerScan
	byDigest := map[v1.Hash]archived{}
	for digest, layer := range a.layers {
		found = append(found, layer.scan)
		byDigest[digest] = layer
	}
	return c.fillWithoutManifest(config, found, func(scan layerScan) blob { return open(byDigest[scan.digest]) })
}

// savedImage is one image in manifest.json.
type savedImage struct {
	Config string `json:"Config"`
}

func (a *archive) saved(reference string) (*savedImage, error) {
	text, ok := a.documents["manifest.json"]
	if !ok {
		return nil, nil //nolint:nilnil // an OCI archive has none
	}
	var images []savedImage
	if err := json.Unmarshal(text, &images); err != nil {
		return nil, fmt.Errorf("%w: %s: manifest.json cannot be read: %w", ErrInvalid, reference, err)
	}
	if len(images) != 1 {
		return nil, fmt.Errorf("%w: %s holds %d images; save just the one to certify", ErrInvalid, reference, len(images))
	}
	return &images[0], nil
}

func (a *archive) blob(digest v1.Hash) ([]byte, error) {
	text, ok := a.documents[path.Join("blobs", digest.Algorithm, digest.Hex)]
	if !ok {
		return nil, fmt.Errorf("%w: the archive has no %s", ErrInvalid, digest)
	}
	return text, nil
}

// registryMade tells whether a manifest can be one that a registry holds. Engines that save uncompressed layers make up
// a manifest for them, which exists nowhere else (R18).
func (a *archive) registryMade(manifest []byte) bool {
	parsed, err := v1.ParseManifest(byteReader(manifest))
	if err != nil {
		return false
	}
	for _, layer := range parsed.Layers {
		if found, ok := a.layers[layer.Digest]; !ok || found.scan.packed == "" {
			return false
		}
	}
	return len(parsed.Layers) > 0
}

func (a *archive) withManifest(c *Candidate, manifest []byte, open func(archived) blob) error {
	parsed, err := v1.ParseManifest(byteReader(manifest))
	if err != nil {
		return fmt.Errorf("%w: %s: its manifest cannot be read: %w", ErrInvalid, c.Reference, err)
	}
	config, err := a.blob(parsed.Config.Digest)
	if err != nil {
		return err
	}
	return c.fill(manifest, config, func(digest v1.Hash, n int) (blob, layerScan, error) {
		layer, ok := a.layers[digest]
		if !ok {
			return blob{}, layerScan{}, fmt.Errorf("%w: %s: layer %d, %s, is missing", ErrInvalid, c.Reference, n+1, digest)
		}
		return open(layer), layer.scan, nil
	})
}

// loadArchive reads a file made with docker save, or an OCI archive, also a gzip-compressed one.
func loadArchive(ctx context.Context, ref Reference, opts Options) (*Candidate, error) {
	file, err := os.Open(filepath.Clean(ref.Name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no file %s", ErrNotFound, ref.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDenied, err)
	}
	if file, err = unzipped(ctx, file, opts.SpoolDir); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, ref.Text, err)
	}
	c := &Candidate{Reference: ref.Text, Source: FromArchive, blobs: map[v1.Hash]blob{}, closers: []io.Closer{file}}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder; for an OCI layout write oci:" + ref.Name)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrInvalid, ref.Text, err), file.Close())
	}
	a, err := scanArchive(ctx, file, func(done int64) { opts.Progress("read image", done, info.Size()) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrInvalid, ref.Text, err), file.Close())
	}
	err = a.candidate(c, func(layer archived) blob {
		return blob{size: layer.size, open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(file, layer.offset, layer.size)), nil
		}}
	})
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return c, nil
}

// unzipped is the file itself, or an uncompressed copy on disk: layers are opened again by their place in it.
func unzipped(ctx context.Context, file *os.File, spoolDir string) (*os.File, error) {
	packed, err := gzip.NewReader(&contextReader{ctx, file})
	if err != nil {
		_, err = file.Seek(0, io.SeekStart)
		return file, err //nolint:wrapcheck // wrapped by the caller
	}
	defer func() { _ = file.Close() }()
	if err := os.MkdirAll(spoolDir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for the image: %w", err)
	}
	copied, err := os.CreateTemp(spoolDir, "archive-")
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	_, err = io.Copy(copied, io.LimitReader(packed, maxLayerSize))
	if err == nil {
		_, err = copied.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("unpack: %w", err), copied.Close())
	}
	return copied, nil
}

// ErrUntagged means that an image has no name in the engine. Ours would be its only one, and removing that at the end
// would remove the user's image.
var ErrUntagged = errors.New("image without a tag")

// loadEngine reads an image of the local engine in one pass over "docker save". Nothing is kept: a layer that is asked
// for again, which happens only when the engine has lost it, is saved again.
func loadEngine(ctx context.Context, ref Reference, opts Options) (*Candidate, error) {
	found, err := opts.Engine.InspectImage(ctx, ref.Name)
	if errors.Is(err, engine.ErrImageNotFound) {
		return nil, fmt.Errorf("%w: the local engine does not hold %s", ErrNotFound, ref.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("look up %s in the local engine: %w", ref.Name, err)
	}
	if len(found.Tags) == 0 {
		return nil, fmt.Errorf("%w: give %s a name first: docker tag %s my-image:test", ErrUntagged, ref.Name, ref.Name)
	}
	stream, err := opts.Engine.SaveImage(ctx, found.ID)
	if err != nil {
		return nil, fmt.Errorf("read %s from the local engine: %w", ref.Name, err)
	}
	defer func() { _ = stream.Close() }()
	a, err := scanArchive(ctx, stream, func(done int64) { opts.Progress("read image", done, max(found.SizeBytes, done)) })
	if err != nil {
		return nil, fmt.Errorf("%w: %s as the local engine saves it: %w", ErrInvalid, ref.Name, err)
	}
	c := &Candidate{Reference: ref.Text, Source: FromEngine, blobs: map[v1.Hash]blob{}}
	return c, a.candidate(c, func(layer archived) blob {
		return blob{size: layer.size, open: func(ctx context.Context) (io.ReadCloser, error) {
			return reopen(ctx, opts.Engine, found.ID, layer.member)
		}}
	})
}

// reopen saves an image again and goes to one file of the archive.
func reopen(ctx context.Context, from Engine, id, member string) (io.ReadCloser, error) {
	stream, err := from.SaveImage(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read image from the local engine: %w", err)
	}
	for members := tar.NewReader(stream); ; {
		header, err := members.Next()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("find %s in the saved image: %w", member, err), stream.Close())
		}
		if path.Clean(header.Name) == member {
			return struct {
				io.Reader
				io.Closer
			}{members, stream}, nil
		}
	}
}
