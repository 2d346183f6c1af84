package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	"github.com/scfcert/scfcert/mockplatform/engine/enginetest"
	"github.com/scfcert/scfcert/mockplatform/image"
)

// f is one entry of a layer.
type f struct {
	name, text, link string
	kind             byte
	mode             int64
}

func layerTar(t *testing.T, files ...f) []byte {
	t.Helper()
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, file := range files {
		h := &tar.Header{Name: file.name, Mode: file.mode, Size: int64(len(file.text)), Typeflag: file.kind, Linkname: file.link}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		must(t, w.WriteHeader(h))
		_, err := w.Write([]byte(file.text))
		must(t, err)
	}
	must(t, w.Close())
	return buffer.Bytes()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func build(t *testing.T, config v1.Config, layers ...[]byte) v1.Image {
	t.Helper()
	img := empty.Image
	for _, text := range layers {
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
		must(t, err)
		img, err = mutate.AppendLayers(img, l)
		must(t, err)
	}
	file, err := img.ConfigFile()
	must(t, err)
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", "amd64", config
	img, err = mutate.ConfigFile(img, file)
	must(t, err)
	return img
}

// elf is the beginning of an ELF file for a machine, with a loader if one is named.
func elf(machine uint16, loader string) string {
	head := make([]byte, 256)
	copy(head, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint16(head[18:], machine)
	if loader != "" {
		binary.LittleEndian.PutUint64(head[32:], 64) // program headers
		binary.LittleEndian.PutUint16(head[54:], 56) // size of one
		binary.LittleEndian.PutUint16(head[56:], 1)
		binary.LittleEndian.PutUint32(head[64:], 3) // PT_INTERP
		binary.LittleEndian.PutUint64(head[72:], 128)
		binary.LittleEndian.PutUint64(head[96:], uint64(len(loader)+1))
		copy(head[128:], loader)
	}
	return string(head)
}

const (
	x86 = 62
	arm = 183
)

func candidate(t *testing.T, img v1.Image) *image.Candidate {
	t.Helper()
	c, err := image.FromImage(t.Context(), "test", img)
	must(t, err)
	return c
}

func TestTheStartProgramIsFoundAsTheEngineFindsIt(t *testing.T) {
	base := layerTar(t,
		f{name: "usr/bin/python3.11", text: elf(x86, "/lib64/ld.so")}, f{name: "usr/bin/python3", kind: tar.TypeSymlink, link: "python3.11"},
		f{name: "bin", kind: tar.TypeSymlink, link: "usr/bin"}, f{name: "lib64/ld.so", text: elf(x86, "")},
		f{name: "usr/bin/env", text: elf(x86, "")}, f{name: "usr/bin/sh", text: elf(x86, "")}, f{name: "usr/bin/armsh", text: elf(arm, "")},
		f{name: "app/hidden.sh", text: "#!/bin/sh\n"}, f{name: "app/old", text: "x"})
	top := layerTar(t,
		f{name: "app/static", text: elf(x86, "")}, f{name: "app/arm", text: elf(arm, "")}, f{name: "app/noloader", text: elf(x86, "/lib/musl.so")},
		f{name: "app/run.sh", text: "#!/bin/sh\necho"}, f{name: "app/dos.sh", text: "#!/bin/sh\r\necho\r\n"}, f{name: "app/bash.sh", text: "#!/bin/bash\n"},
		f{name: "app/env.py", text: "#!/usr/bin/env -S python3 -u\n"}, f{name: "app/envmissing", text: "#!/usr/bin/env ruby\n"}, f{name: "app/armscript", text: "#!/bin/armsh\n"},
		f{name: "app/plain", text: "hello"}, f{name: "app/0644", text: elf(x86, ""), mode: 0o644}, f{name: "app/dir/", kind: tar.TypeDir},
		f{name: "app/.wh.hidden.sh"}, f{name: "app/loop", kind: tar.TypeSymlink, link: "loop"}, f{name: "app/hard", kind: tar.TypeLink, link: "app/static"},
		f{name: "app/two words", text: elf(x86, "")}, f{name: "app/up", kind: tar.TypeSymlink, link: "../../../../usr/bin/sh"})
	c := candidate(t, build(t, v1.Config{WorkingDir: "/app", Env: []string{"PATH=/nowhere:/bin"}}, base, top))
	cases := map[string]struct {
		argv0 string
		want  image.Program
	}{
		"by absolute path":               {"/app/static", image.Program{Path: "/app/static", Kind: image.ELF, Machine: "x86_64", Executable: true}},
		"by relative path":               {"./static", image.Program{Path: "/app/static", Kind: image.ELF, Machine: "x86_64", Executable: true}},
		"along PATH, behind links":       {"python3", image.Program{Path: "/usr/bin/python3.11", Kind: image.ELF, Machine: "x86_64", Executable: true, Loader: "/lib64/ld.so"}},
		"not by the working folder":      {"static", image.Program{Path: "static", Kind: image.Missing}},
		"of another machine":             {"/app/arm", image.Program{Path: "/app/arm", Kind: image.ELF, Machine: "aarch64", Executable: true}},
		"without its loader":             {"/app/noloader", image.Program{Path: "/app/noloader", Kind: image.ELF, Machine: "x86_64", Executable: true, Loader: "/lib/musl.so", LoaderMissing: true}},
		"a script":                       {"/app/run.sh", image.Program{Path: "/app/run.sh", Kind: image.Script, Executable: true, Interpreter: "/usr/bin/sh", InterpreterMachine: "x86_64"}},
		"a script from DOS":              {"/app/dos.sh", image.Program{Path: "/app/dos.sh", Kind: image.Script, Executable: true, Interpreter: "/usr/bin/sh", InterpreterMachine: "x86_64", CRLF: true}},
		"a script for what is not there": {"/app/bash.sh", image.Program{Path: "/app/bash.sh", Kind: image.Script, Executable: true, Interpreter: "/bin/bash", InterpreterMissing: true}},
		"a script through env":           {"/app/env.py", image.Program{Path: "/app/env.py", Kind: image.Script, Executable: true, Interpreter: "/usr/bin/python3.11", InterpreterMachine: "x86_64"}},
		"a script through env, missing":  {"/app/envmissing", image.Program{Path: "/app/envmissing", Kind: image.Script, Executable: true, Interpreter: "ruby", InterpreterMissing: true}},
		"a script for another machine":   {"/app/armscript", image.Program{Path: "/app/armscript", Kind: image.Script, Executable: true, Interpreter: "/usr/bin/armsh", InterpreterMachine: "aarch64"}},
		"a text":                         {"/app/plain", image.Program{Path: "/app/plain", Kind: image.Other, Executable: true}},
		"not executable":                 {"/app/0644", image.Program{Path: "/app/0644", Kind: image.ELF, Machine: "x86_64"}},
		"a folder":                       {"/app/dir", image.Program{Path: "/app/dir", Kind: image.Directory, Executable: true}},
		"removed by a later layer":       {"/app/hidden.sh", image.Program{Path: "/app/hidden.sh", Kind: image.Missing}},
		"a link to itself":               {"/app/loop", image.Program{Path: "/app/loop", Kind: image.Missing}},
		"a hard link":                    {"/app/hard", image.Program{Path: "/app/static", Kind: image.ELF, Machine: "x86_64", Executable: true}},
		"a link above the root":          {"/app/up", image.Program{Path: "/usr/bin/sh", Kind: image.ELF, Machine: "x86_64", Executable: true}},
		"a whole line":                   {"/app/static -v", image.Program{Path: "/app/static -v", Kind: image.Missing, HoldsLine: true}},
		"a name with a space":            {"/app/two words", image.Program{Path: "/app/two words", Kind: image.ELF, Machine: "x86_64", Executable: true}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := c.Program(t.Context(), []string{test.argv0})
			must(t, err)
			got.Searched, got.Mode = nil, 0
			if !slices.Equal([]any{got.Path, got.Kind, got.Machine, got.Executable, got.Loader, got.LoaderMissing, got.Interpreter, got.InterpreterMissing, got.InterpreterMachine, got.CRLF, got.HoldsLine},
				[]any{test.want.Path, test.want.Kind, test.want.Machine, test.want.Executable, test.want.Loader, test.want.LoaderMissing, test.want.Interpreter, test.want.InterpreterMissing, test.want.InterpreterMachine, test.want.CRLF, test.want.HoldsLine}) {
				t.Errorf("program is %+v\nwant       %+v", got, test.want)
			}
		})
	}
}

func TestLayersLieOverEachOther(t *testing.T) {
	c := candidate(t, build(t, v1.Config{},
		layerTar(t, f{name: "tmp/a", text: "1"}, f{name: "tmp/d/b", text: "1"}, f{name: "tmp/e/c", text: "1"}),
		layerTar(t, f{name: "tmp/.wh.a"}, f{name: "tmp/e/.wh..wh..opq"}, f{name: "tmp/e/new", text: "1"}, f{name: "../../escape", text: "1"})))
	if got := c.FilesUnder("/tmp", 10); !slices.Equal(got, []string{"/tmp/d/b", "/tmp/e/new"}) {
		t.Errorf("files are %v", got)
	}
	if got := c.FilesUnder("/", 1); len(got) != 1 || got[0] != "/escape" {
		t.Errorf("with a limit of one: %v", got)
	}
}

// sample is an image of two layers for tests of the sources.
func sample(t *testing.T) v1.Image {
	t.Helper()
	return build(t, v1.Config{Entrypoint: []string{"/app"}}, layerTar(t, f{name: "app", text: elf(x86, "")}), layerTar(t, f{name: "data", text: strings.Repeat("x", 5000)}))
}

func resolve(t *testing.T, text string, from image.Engine) (*image.Candidate, error) {
	t.Helper()
	ref, err := image.ParseReference(text)
	if err != nil {
		return nil, err
	}
	c, err := image.Resolve(t.Context(), ref, image.Options{Engine: from, SpoolDir: t.TempDir()})
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

// holds that a candidate is the sample and that its blobs can be read again.
func checkSample(t *testing.T, c *image.Candidate, source image.Source, kind string) {
	t.Helper()
	if c.Source != source || c.DigestKind != kind || c.Architecture != "amd64" || c.UncompressedBytes < 5000 || c.CompressedBytes == 0 || len(c.Layers) != 2 {
		t.Errorf("candidate is %+v", c)
	}
	manifest, _, digest := c.RawManifest()
	parsed, err := v1.ParseManifest(bytes.NewReader(manifest))
	must(t, err)
	if kind == "manifest" && digest != c.Digest || kind == "config" && parsed.Config.Digest != c.Digest {
		t.Errorf("digest %s is not that of the %s", c.Digest, kind)
	}
	for _, descriptor := range append(parsed.Layers, parsed.Config) {
		blob, err := c.OpenBlob(t.Context(), descriptor.Digest)
		must(t, err)
		got, n, err := v1.SHA256(blob)
		must(t, err)
		_ = blob.Close()
		if size, ok := c.BlobSize(descriptor.Digest); got != descriptor.Digest || n != descriptor.Size || size != n || !ok {
			t.Errorf("blob %s has the digest %s and %d of %d bytes", descriptor.Digest, got, n, descriptor.Size)
		}
	}
	if p, err := c.Program(t.Context(), []string{"/app"}); err != nil || p.Machine != "x86_64" {
		t.Errorf("program %+v, %v", p, err)
	}
}

func writeLayout(t *testing.T, img v1.Image) string {
	t.Helper()
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	must(t, err)
	must(t, path.AppendImage(img))
	return dir
}

func writeTar(t *testing.T, img v1.Image) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	tag, err := name.NewTag("test/image:1")
	must(t, err)
	must(t, tarball.WriteToFile(path, tag, img))
	return path
}

func TestAnOCILayout(t *testing.T) {
	c, err := resolve(t, "oci:"+writeLayout(t, sample(t)), nil)
	must(t, err)
	checkSample(t, c, image.FromLayout, "manifest")
	if c.MediaType != types.DockerManifestSchema2 {
		t.Errorf("media type is %s", c.MediaType)
	}
}

func TestAnArchive(t *testing.T) {
	path := writeTar(t, sample(t))
	text, err := os.ReadFile(path)
	must(t, err)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(text)
	must(t, err)
	must(t, w.Close())
	must(t, os.WriteFile(path+".gz", packed.Bytes(), 0o600))
	for _, file := range []string{path, path + ".gz"} {
		c, err := resolve(t, "tar:"+file, nil)
		must(t, err)
		checkSample(t, c, image.FromArchive, "config")
	}
}

func TestARegistry(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	img := sample(t)
	ref, err := name.ParseReference(host + "/test/image:1")
	must(t, err)
	must(t, remote.Write(ref, img))
	armImage, err := mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: "arm64", RootFS: mustConfig(t, img).RootFS})
	must(t, err)
	add := func(i v1.Image, arch string) mutate.IndexAddendum {
		return mutate.IndexAddendum{Add: i, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}}
	}
	both, err := name.ParseReference(host + "/test/both:1")
	must(t, err)
	must(t, remote.WriteIndex(both, mutate.AppendManifests(empty.Index, add(armImage, "arm64"), add(img, "amd64"))))
	only, err := name.ParseReference(host + "/test/arm:1")
	must(t, err)
	must(t, remote.WriteIndex(only, mutate.AppendManifests(empty.Index, add(armImage, "arm64"))))

	for _, text := range []string{ref.String(), "registry:" + ref.String(), both.String()} {
		c, err := resolve(t, text, nil)
		must(t, err)
		checkSample(t, c, image.FromRegistry, "manifest")
		parsed, err := image.ParseReference(text)
		must(t, err)
		reached, err := image.Reach(t.Context(), parsed, nil)
		must(t, err)
		if manifest, err := reached.Manifest(t.Context()); err != nil || manifest.Digest != c.Digest {
			t.Errorf("the manifest of %s is %v and not %s: %v", text, manifest, c.Digest, err)
		}
	}
	c, err := resolve(t, only.String(), nil)
	must(t, err)
	if c.Architecture != "arm64" || !slices.Equal(c.OtherPlatforms, []string{"linux/arm64"}) {
		t.Errorf("an index without amd64 gives %s, %v", c.Architecture, c.OtherPlatforms)
	}
	if _, err := resolve(t, host+"/test/none:1", nil); !errors.Is(err, image.ErrNotFound) {
		t.Errorf("an unknown image gives %v", err)
	}
	server.Close()
	if _, err := resolve(t, ref.String(), nil); !errors.Is(err, image.ErrUnreachable) {
		t.Errorf("a registry that is down gives %v", err)
	}
}

func mustConfig(t *testing.T, img v1.Image) *v1.ConfigFile {
	t.Helper()
	file, err := img.ConfigFile()
	must(t, err)
	return file
}

func TestTheLocalEngine(t *testing.T) {
	eng := enginetest.Open(t)
	tag, err := name.NewTag("scfcert-" + eng.Run() + "/sample:1")
	must(t, err)
	var archive bytes.Buffer
	must(t, tarball.Write(tag, sample(t), &archive))
	must(t, eng.LoadImage(t.Context(), &archive))
	for _, prefix := range []string{"", "engine:"} {
		c, err := resolve(t, prefix+tag.RepositoryStr()+":1", eng)
		must(t, err)
		checkSample(t, c, image.FromEngine, "config")
		if !c.Estimated {
			t.Error("the compressed size is not called an estimate")
		}
	}
	if _, err := resolve(t, "engine:scfcert-none:1", eng); !errors.Is(err, image.ErrNotFound) {
		t.Errorf("an unknown image gives %v", err)
	}
}

func TestAZstdLayerIsRead(t *testing.T) {
	text := layerTar(t, f{name: "app", text: elf(x86, "")})
	w, err := zstd.NewWriter(nil)
	must(t, err)
	packed := w.EncodeAll(text, nil)
	img, err := mutate.AppendLayers(empty.Image, zstdLayer{packed, text})
	must(t, err)
	c := candidate(t, img)
	if p, err := c.Program(t.Context(), []string{"/app"}); err != nil || p.Kind != image.ELF {
		t.Errorf("program %+v, %v", p, err)
	}
}

type zstdLayer struct{ packed, text []byte }

func (l zstdLayer) Digest() (v1.Hash, error) {
	h, _, err := v1.SHA256(bytes.NewReader(l.packed))
	return h, err
}
func (l zstdLayer) DiffID() (v1.Hash, error) {
	h, _, err := v1.SHA256(bytes.NewReader(l.text))
	return h, err
}
func (l zstdLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.packed)), nil
}
func (l zstdLayer) Uncompressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.text)), nil
}
func (l zstdLayer) Size() (int64, error)                { return int64(len(l.packed)), nil }
func (l zstdLayer) MediaType() (types.MediaType, error) { return types.OCILayerZStd, nil }

func TestABrokenSourceIsAnErrorThatNamesIt(t *testing.T) {
	whole, err := os.ReadFile(writeTar(t, sample(t)))
	must(t, err)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "cut.tar"), whole[:len(whole)/2], 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "text.tar"), []byte("hello"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "empty.tar"), nil, 0o600))
	broken := writeLayout(t, sample(t))
	manifest, err := sample(t).Manifest()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(broken, "blobs/sha256", manifest.Layers[1].Digest.Hex), []byte("other"), 0o600))
	cases := map[string]struct {
		reference string
		want      error
	}{
		"a cut archive":        {"tar:" + dir + "/cut.tar", image.ErrInvalid},
		"a text as archive":    {"tar:" + dir + "/text.tar", image.ErrInvalid},
		"an empty archive":     {"tar:" + dir + "/empty.tar", image.ErrInvalid},
		"no archive":           {"tar:" + dir + "/none.tar", image.ErrNotFound},
		"a folder as archive":  {"tar:" + dir, image.ErrInvalid},
		"a changed blob":       {"oci:" + broken, image.ErrInvalid},
		"a folder, no layout":  {"oci:" + dir, image.ErrNotFound},
		"no such tag":          {"oci:" + writeLayout(t, sample(t)) + ":nope", image.ErrNotFound},
		"upper-case letters":   {"MyImage", image.ErrReference},
		"a space":              {"my image", image.ErrReference},
		"nothing":              {"", image.ErrReference},
		"a layout, no folder":  {"oci:", image.ErrReference},
		"an id without engine": {"sha256:0123456789abcdef", image.ErrNotFound},
	}
	for what, c := range cases {
		t.Run(what, func(t *testing.T) {
			_, err := resolve(t, c.reference, nil)
			if !errors.Is(err, c.want) {
				t.Fatalf("resolve gives %v, want %v", err, c.want)
			}
			path := strings.TrimPrefix(strings.TrimPrefix(c.reference, "tar:"), "oci:")
			if path != "" && !strings.Contains(err.Error(), strings.TrimSuffix(path, ":nope")) {
				t.Errorf("the error does not name %q: %v", path, err)
			}
		})
	}
}

// TestALargeImageNeedsLittleMemory reads an archive with a layer of 300 MB, most of it a hole in the file.
func TestALargeImageNeedsLittleMemory(t *testing.T) {
	const size = 300 << 20
	path := filepath.Join(t.TempDir(), "large.tar")
	img, err := mutate.AppendLayers(empty.Image, hugeLayer(t, size))
	must(t, err)
	tag, err := name.NewTag("test/large:1")
	must(t, err)
	must(t, tarball.WriteToFile(path, tag, img))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c, err := resolve(t, "tar:"+path, nil)
	must(t, err)
	runtime.ReadMemStats(&after)
	if c.UncompressedBytes < size {
		t.Errorf("the image has %d bytes", c.UncompressedBytes)
	}
	if grown := int64(after.TotalAlloc) - int64(before.TotalAlloc); grown > 40<<20 {
		t.Errorf("%d MB were allocated on the way", grown>>20)
	}
}

func hugeLayer(t *testing.T, size int64) v1.Layer {
	t.Helper()
	open := func() (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		go func() {
			w := tar.NewWriter(writer)
			_ = w.WriteHeader(&tar.Header{Name: "big", Size: size, Mode: 0o644, Typeflag: tar.TypeReg})
			_, _ = io.CopyN(w, zero{}, size)
			_ = writer.CloseWithError(w.Close())
		}()
		return reader, nil
	}
	layer, err := tarball.LayerFromOpener(open, tarball.WithCompressionLevel(gzip.BestSpeed))
	must(t, err)
	return layer
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAReadEndsWithItsContext(t *testing.T) {
	ref, err := image.ParseReference("tar:" + writeTar(t, sample(t)))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := image.Resolve(ctx, ref, image.Options{SpoolDir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("resolve gives %v", err)
	}
}

func TestARefusedReferenceIsShownWithoutCredentials(t *testing.T) {
	for text, want := range map[string]string{
		"me:s3cr3t@host.example/app:1":         `"…@host.example/app:1"`,
		"registry:me:s3@cr3t@host/App x":       `"…@host/App x"`,
		"https://me:s3cr3t@host/app":           `"…@host/app"`,
		"me:s3cr3t@host/app@sha256:" + zeros64: `"…@host/app@sha256:` + zeros64 + `"`,
		"host/app@sha256:12":                   `"host/app@sha256:12"`,
	} {
		if _, err := image.ParseReference(text); !errors.Is(err, image.ErrReference) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "cr3t") {
			t.Errorf("%s gives %v", text, err)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	for _, seed := range []string{"a", "oci:x:y", "tar:", "engine:a/b", "registry:h:1/x@sha256:00", "sha256:" + strings.Repeat("a", 64), "HOST/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := image.ParseReference(text)
		if err == nil && ref.Name == "" {
			t.Errorf("%q is taken and names nothing", text)
		}
		if err != nil && !errors.Is(err, image.ErrReference) {
			t.Errorf("%q gives %v", text, err)
		}
	})
}
