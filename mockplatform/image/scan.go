package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Bounds of what a layer may be: a small file can unpack to something huge.
const (
	maxEntries   = 1 << 20
	maxLayerSize = 64 << 30
)

// layerScan is what one pass over a layer tells.
type layerScan struct {
	digest     v1.Hash // of the bytes as held
	diffID     v1.Hash // of the uncompressed tar
	bytes      int64   // of the uncompressed tar
	compressed int64   // of the bytes as held; of a plain tar what gzip makes of it, where that was asked for
	packed     string  // "gzip", "zstd" or "" for a plain tar
	records    []record
}

// record is one entry of a layer.
type record struct {
	path  string // absolute and clean
	entry entry
}

// onLayer marks the records with the layer's place.
func (l layerScan) onLayer(n int) []record {
	records := slices.Clone(l.records)
	for i := range records {
		records[i].entry.layer = n
	}
	return records
}

// scanLayer reads a layer to its end, compressed or not.
func scanLayer(ctx context.Context, source io.Reader, estimate bool) (layerScan, error) {
	held := newSum(&contextReader{ctx, source})
	unpacked, packed, err := unpack(bufio.NewReaderSize(held, 256<<10))
	if err != nil {
		return layerScan{}, err
	}
	defer func() { _ = unpacked.Close() }()
	content := newSum(io.LimitReader(unpacked, maxLayerSize+1))
	var stream io.Reader = content
	var gauge *gauge
	if estimate && packed == "" {
		gauge = newGauge()
		defer gauge.stop()
		stream = io.TeeReader(content, gauge)
	}
	records, err := readEntries(stream)
	if err == nil {
		_, err = io.Copy(io.Discard, stream) // what follows the end of the tar belongs to its digest
	}
	if err == nil {
		_, err = io.Copy(io.Discard, held) // and what follows the end of the compressed stream to that one
	}
	if err != nil {
		return layerScan{}, err
	}
	if content.n > maxLayerSize {
		return layerScan{}, fmt.Errorf("it unpacks to more than %d bytes", int64(maxLayerSize))
	}
	layer := layerScan{digest: held.digest(), diffID: content.digest(), bytes: content.n, compressed: held.n, packed: packed, records: records}
	if gauge != nil {
		layer.compressed = gauge.size()
	}
	return layer, nil
}

// unpack finds out how a layer is compressed by its first bytes.
func unpack(r *bufio.Reader) (io.ReadCloser, string, error) {
	head, err := r.Peek(4) //nolint:mnd // the longest of the signatures
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("read: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		reader, err := gzip.NewReader(r)
		if err != nil {
			return nil, "", fmt.Errorf("not gzip after all: %w", err)
		}
		return reader, "gzip", nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		reader, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20)) //nolint:mnd // bytes
		if err != nil {
			return nil, "", fmt.Errorf("not zstd after all: %w", err)
		}
		return reader.IOReadCloser(), "zstd", nil
	default:
		return io.NopCloser(r), "", nil
	}
}

// readEntries reads the headers of a tar.
func readEntries(stream io.Reader) ([]record, error) {
	var records []record
	for files := tar.NewReader(stream); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, fmt.Errorf("no readable tar: %w", err)
		}
		if len(records) == maxEntries {
			return nil, fmt.Errorf("it has more than %d entries", maxEntries)
		}
		records = append(records, record{path.Join("/", header.Name), entry{
			kind: header.Typeflag, mode: header.Mode & 0o7777, uid: header.Uid, gid: header.Gid, link: header.Linkname, //nolint:mnd // permission bits
			size: min(header.Size, maxLayerSize), // a file with holes may claim more
		}})
	}
}

// contextReader ends a long read with its context.
type contextReader struct {
	ctx    context.Context //nolint:containedctx // one read
	source io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	return r.source.Read(p) //nolint:wrapcheck // a reader's own error
}

// sum counts and hashes what is read.
type sum struct {
	source io.Reader
	hash   hash.Hash
	n      int64
}

func newSum(source io.Reader) *sum { return &sum{source: source, hash: sha256.New()} }

func (s *sum) Read(p []byte) (int, error) {
	n, err := s.source.Read(p)
	s.hash.Write(p[:n])
	s.n += int64(n)
	return n, err //nolint:wrapcheck // a reader's own error
}

func (s *sum) digest() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(s.hash.Sum(nil))}
}

// gauge tells what gzip makes of a stream, on another processor.
type gauge struct {
	input *io.PipeWriter
	done  chan int64
}

func newGauge() *gauge {
	reader, writer := io.Pipe()
	g := &gauge{writer, make(chan int64, 1)}
	go func() {
		var counter counter
		packer, _ := gzip.NewWriterLevel(&counter, gzip.BestSpeed) // a valid level
		_, err := io.Copy(packer, bufio.NewReaderSize(reader, 1<<20))
		_ = packer.Close()
		_ = reader.CloseWithError(err)
		g.done <- counter.n
	}()
	return g
}

func (g *gauge) Write(p []byte) (int, error) { return g.input.Write(p) } //nolint:wrapcheck // a pipe's own error

func (g *gauge) size() int64 {
	_ = g.input.Close()
	return <-g.done
}

func (g *gauge) stop() { _ = g.input.Close() }

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}
