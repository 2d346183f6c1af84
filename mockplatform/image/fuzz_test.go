package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
)

// file is one of a layer's.
type file struct {
	name, text, link string
	kind             byte
	mode             int64
}

func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Typeflag: f.kind, Mode: f.mode, Size: int64(len(f.text)), Linkname: f.link}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func digestOf(data []byte) v1.Hash {
	sum := sha256.Sum256(data)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

// FuzzScan holds that a layer and an archive of any bytes are read to their end or refused: with the digests of what was
// read, entries at clean paths only, and layers that are found again where they are said to be.
func FuzzScan(f *testing.F) {
	layer := tarOf(f, file{name: "app", text: "x", kind: tar.TypeReg, mode: 0o755}, file{name: "../../up", kind: tar.TypeSymlink, link: "//x/../.."}, file{name: "dir/", kind: tar.TypeDir},
		file{name: "dir/.wh.gone", kind: tar.TypeReg}, file{name: strings.Repeat("long/", 60), kind: tar.TypeDir})
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{
		layer, gzipped(f, layer), packer.EncodeAll(layer, nil), layer[:len(layer)-700], gzipped(f, layer)[:100], append(gzipped(f, layer), "behind"...), append(bytes.Clone(layer), "behind"...),
		nil, {0x1f, 0x8b}, {0x28, 0xb5, 0x2f, 0xfd}, make([]byte, 1024), gzipped(f, gzipped(f, layer)),
		tarOf(f, file{name: "./manifest.json", text: "[]", kind: tar.TypeReg}, file{name: "blobs/sha256/x", text: string(gzipped(f, layer)), kind: tar.TypeReg}, file{name: "a/layer.tar", kind: tar.TypeLink, link: "../b"},
			file{name: "b/layer.tar", text: string(layer), kind: tar.TypeReg}),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		scan, err := scanLayer(t.Context(), bytes.NewReader(data), false)
		if err == nil {
			if scan.digest != digestOf(data) || scan.compressed != int64(len(data)) || scan.packed == "" && (scan.diffID != scan.digest || scan.bytes != scan.compressed) || int64(len(scan.records))*512 > scan.bytes {
				t.Errorf("%d bytes are scanned as %+v", len(data), scan)
			}
			for _, r := range scan.records {
				if r.path != path.Clean(r.path) || !path.IsAbs(r.path) || r.entry.size < 0 || r.entry.size > maxLayerSize {
					t.Errorf("an entry is %+v", r)
				}
			}
		}
		if unpacked, packed, err := unpack(bufio.NewReader(bytes.NewReader(data))); err == nil && packed == "gzip" {
			data, _ = io.ReadAll(io.LimitReader(unpacked, 1<<20)) // as much as there is
		}
		a, err := scanArchive(t.Context(), bytes.NewReader(data), func(int64) {})
		if err != nil {
			return
		}
		for name, text := range a.documents {
			if !bytes.Contains(data, text) || name != path.Clean(name) {
				t.Errorf("a document %s is not in the archive", name)
			}
		}
		for digest, layer := range a.layers {
			if layer.offset+layer.size > int64(len(data)) || digestOf(data[layer.offset:layer.offset+layer.size]) != digest {
				t.Errorf("layer %s of %d bytes is not at %d", layer.member, layer.size, layer.offset)
			}
		}
	})
}

// recordsOf reads records, one a line: a kind, a path and what it links to.
func recordsOf(script string) []record {
	var records []record
	for line := range strings.SplitSeq(script, "\n") {
		fields := strings.SplitN(line+"  ", " ", 3)
		kind := map[string]byte{"d": tar.TypeDir, "l": tar.TypeSymlink, "h": tar.TypeLink}[fields[0]]
		if kind == 0 {
			kind = tar.TypeReg
		}
		records = append(records, record{path.Join("/", fields[1]), entry{kind: kind, size: 1, link: strings.TrimSpace(fields[2])}})
	}
	return records
}

// laid is what a layer makes of a set of paths, slowly: what it takes away, then what it brings.
func laid(paths map[string]byte, layer []record) {
	below := func(dir string) {
		maps.DeleteFunc(paths, func(at string, _ byte) bool {
			return strings.HasPrefix(at, strings.TrimSuffix(dir, "/")+"/") && at != "/"
		})
	}
	for _, r := range layer {
		name, hides := strings.CutPrefix(path.Base(r.path), whiteout)
		switch gone := path.Join(path.Dir(r.path), name); {
		case !hides:
		case path.Base(r.path) == whiteoutOpaque:
			below(path.Dir(r.path))
		case path.Base(gone) == name && gone != path.Dir(r.path):
			below(gone)
			delete(paths, gone)
		}
	}
	for _, r := range layer {
		if strings.HasPrefix(path.Base(r.path), whiteout) {
			continue
		}
		for at := path.Dir(r.path); at != "/"; at = path.Dir(at) {
			if _, ok := paths[at]; !ok {
				paths[at] = tar.TypeDir
			}
		}
		if r.entry.kind != tar.TypeDir {
			below(r.path)
		}
		paths[r.path] = r.entry.kind
	}
}

// FuzzTree holds that two layers lie over each other as the image specification says, and that every path of them is
// found, through links to what is none.
func FuzzTree(f *testing.F) {
	for _, seed := range [][2]string{
		{"f a/b\nf a/c\nl bin usr/bin\nf usr/bin/sh", "f a/.wh.b\nf bin/x\nh hard bin/sh"}, {"f d/a\nd d/e\nl d/e/l ../../d", "f d/.wh..wh..opq\nf d/new"}, {"f a\nf a/b\nd a", "l a .\nf .wh.\nf .wh..\nf .wh...\nf x/.wh..\nf /"},
		{"l a b\nl b a\nh c c\nh d e\nh e d\nl s /s/s", "f .wh.a\nf a"}, {"l one two/../three\nf three", "h two one\nl four two"}, {"l / x\nf x", "d ../../..\nf \xff/\x00"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, lower, upper string) {
		root, paths := newRoot(), map[string]byte{}
		for n, script := range []string{lower, upper} {
			layer := layerScan{records: recordsOf(script)}.onLayer(n)
			if err := root.apply(layer, func(string, *node) {}); err != nil {
				if !errors.Is(err, errTooDeep) {
					t.Error(err)
				}
				return
			}
			laid(paths, layer)
		}
		delete(paths, "/")
		found := map[string]byte{}
		var walk func(at string, n *node)
		walk = func(at string, n *node) {
			for name, child := range n.children {
				found[path.Join(at, name)] = child.entry.kind
				walk(path.Join(at, name), child)
			}
		}
		walk("/", root)
		if !maps.Equal(paths, found) {
			t.Errorf("%q and %q make %q, not %q", lower, upper, found, paths)
		}
		for _, name := range append(slices.Collect(maps.Keys(paths)), lower, upper) {
			at, n := root.follow(name)
			if n != nil && (root.at(at) != n || n != root && (n.entry.kind == tar.TypeSymlink || n.entry.kind == tar.TypeLink)) {
				t.Errorf("%q leads to %q: %+v", name, at, n.entry)
			}
		}
	})
}

// elfOf is an ELF file of a class and a machine with such program headers; that of a loader names /bin/sh.
func elfOf(t testing.TB, class elf.Class, machine elf.Machine, segments ...elf.ProgType) []byte {
	t.Helper()
	var b bytes.Buffer
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: uint16(len(segments))}
	copy(header.Ident[:], elfMagic+string([]byte{byte(class), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)}))
	parts := []any{header}
	for _, kind := range segments {
		parts = append(parts, elf.Prog64{Type: uint32(kind), Off: 64 + 56*uint64(len(segments)), Filesz: 8})
	}
	for _, part := range append(parts, [8]byte([]byte("/bin/sh\x00"))) {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// loaderOf is the loader that debug/elf finds.
func loaderOf(whole *elf.File) (name string, ok bool) {
	for _, segment := range whole.Progs {
		if segment.Type == elf.PT_INTERP {
			read, err := io.ReadAll(segment.Open())
			name, _, _ := bytes.Cut(read, []byte{0})
			return string(name), err == nil && uint64(len(read)) == segment.Filesz
		}
	}
	return "", true
}

// FuzzProgram holds that an image's start files are looked at whatever they and its users hold, that an ELF file is read
// as debug/elf reads it, and that root is denied only what nobody may execute.
func FuzzProgram(f *testing.F) {
	many := elfOf(f, elf.ELFCLASS64, elf.EM_AARCH64, elf.PT_NULL)
	copy(many[54:], []byte{0, 0, 255, 255}) // of no size
	for _, head := range [][]byte{
		elfOf(f, elf.ELFCLASS64, elf.EM_X86_64, elf.PT_LOAD, elf.PT_INTERP), elfOf(f, elf.ELFCLASS64, elf.EM_X86_64, elf.PT_INTERP)[:120], elfOf(f, elf.ELFCLASS32, elf.EM_386), elfOf(f, elf.ELFCLASSNONE, 9999), many,
		[]byte("#!/bin/sh\r\n"), []byte("#! /usr/bin/env -S A=b sh -u\n"), []byte("#!"), []byte("#!\t\n"), []byte("#!/usr/bin/env -"), []byte("#!app"), []byte(elfMagic), nil, []byte("MZ"),
	} {
		f.Add(head, "/app\n-x\n/etc/passwd", "nobody:x:65534:65534::/:/bin/sh\n", "x:x:1:nobody\n", "nobody")
		f.Add(head, "app\napp x", "root:x:0:0\n:\n::::\na:b:c:d:e:f:g:h\n", "a:b:c\nwheel::99999999999999999999:root,\n", "root:wheel")
		f.Add(head, "/link\n../tmp/x", "", "\xff", "99999999999999999999:")
		f.Add(head, "/usr/bin/env\n/bin", "", "", "")
		f.Add(head, "/app\n/etc/passwd", "", "", "")
	}
	f.Fuzz(func(t *testing.T, head []byte, words, passwd, group, user string) {
		layer := tarOf(t, file{name: "app", text: string(head), kind: tar.TypeReg, mode: 0o755}, file{name: "bin/sh", text: string(head), kind: tar.TypeReg, mode: 0o700}, file{name: "usr/bin/env", kind: tar.TypeReg, mode: 0o644},
			file{name: "etc/passwd", text: passwd, kind: tar.TypeReg}, file{name: "etc/group", text: group, kind: tar.TypeReg, mode: 0o600}, file{name: "tmp/x", kind: tar.TypeReg}, file{name: "link", kind: tar.TypeSymlink, link: "tmp/x"})
		scan, err := scanLayer(t.Context(), bytes.NewReader(layer), false)
		if err != nil {
			t.Fatal(err)
		}
		config := &v1.ConfigFile{Config: v1.Config{WorkingDir: "/tmp", Env: []string{"PATH=:/:/bin"}}}
		c := &Candidate{Config: config, Layers: []Layer{{Digest: scan.digest}}, blobs: map[v1.Hash]blob{scan.digest: memory(layer)}, files: newRoot()}
		if err := c.lay(scan, 0); err != nil {
			t.Fatal(err)
		}
		argv := strings.Split(words, "\n")
		program, err := c.Program(t.Context(), argv)
		if err != nil || program.Path == "" && argv[0] != "" || program.Kind == ELF != (program.Machine != "") && len(head) >= 64 || program.CRLF && program.Kind != Script {
			t.Errorf("%q of %q is %+v, %v", argv, head, program, err)
		}
		denied, err := c.Denied(t.Context(), argv, program, user)
		if err != nil || denied != nil && user == "" && (denied.Needed != "execute" || denied.Mode&0o111 != 0) {
			t.Errorf("%q is denied %+v, %v", user, denied, err)
		}
		for _, name := range c.InTmp(argv, program) {
			if !strings.HasPrefix(name, "/tmp/") {
				t.Errorf("%q is not in /tmp", name)
			}
		}
		if whole, err := elf.NewFile(bytes.NewReader(head)); err == nil && len(head) >= 64 {
			machine, loader := elfHeader(head)
			if want, ok := loaderOf(whole); machine != machineName(whole.Machine) || ok && whole.Class == elf.ELFCLASS64 && loader != want {
				t.Errorf("%q is for %s with the loader %q, not for %s with %q", head, machine, loader, whole.Machine, want)
			}
		}
	})
}

// FuzzManifests holds that an archive's documents make an image whose every blob is there with its digest, or are
// refused. In them names of the form @… stand for the digests of the others and of the layers; @untrue ones are those of
// something else.
func FuzzManifests(f *testing.F) {
	plain := tarOf(f, file{name: "app", text: string(elfOf(f, elf.ELFCLASS64, elf.EM_X86_64)), kind: tar.TypeReg, mode: 0o755})
	content := tarOf(f, file{name: "data", text: "x", kind: tar.TypeReg})
	packed := gzipped(f, content)
	const (
		config   = `{"os":"linux","architecture":"amd64","config":{"Entrypoint":["/app"]},"rootfs":{"type":"layers","diff_ids":["@plain","@content"]}}`
		manifest = `{"schemaVersion":2,"config":{"digest":"@config","size":9},"layers":[{"digest":"@plain","size":1},{"digest":"@packed","size":1}]}`
		index    = `{"schemaVersion":2,"manifests":[{"digest":"@manifest","platform":{"os":"linux","architecture":"arm64"}},{"digest":"@manifest","annotations":{"org.opencontainers.image.ref.name":"1"}}]}`
		saved    = `[{"Config":"blobs/sha256/x","Layers":[]}]`
	)
	for _, c := range []string{config, strings.ReplaceAll(config, "@content", "@plain"), `{}`, `null`, `{"rootfs":{"diff_ids":["sha256:"]}}`} {
		for _, m := range []string{manifest, strings.ReplaceAll(manifest, "@packed", "@plain"), strings.ReplaceAll(manifest, "@config", "@untrue-config"), `{"config":{"digest":"@config"},"layers":null}`, `null`, strings.ReplaceAll(index, "@manifest", "@config")} {
			f.Add(c, m, index, saved, "")
			f.Add(c, m, index, "", "1")
			f.Add(c, m, `{"manifests":[{"digest":"@manifest","mediaType":"application/vnd.oci.image.index.v1+json"}]}`, "", "")
			f.Add(c, m, `{"manifests":[{"digest":"@manifest","platform":{"os":"unknown"}}]}`, "[]", "2")
			f.Add(c, m, strings.ReplaceAll(index, "@manifest", "@untrue-manifest"), "", "")
		}
		f.Add(c, "", "", saved, "")
	}
	untrueConfig, untrueManifest := strings.Repeat("0", 64), strings.Repeat("1", 64)
	f.Fuzz(func(t *testing.T, config, manifest, index, saved, choice string) {
		known := strings.NewReplacer("@plain", digestOf(plain).String(), "@packed", digestOf(packed).String(), "@content", digestOf(content).String(), "@untrue-config", "sha256:"+untrueConfig, "@untrue-manifest", "sha256:"+untrueManifest)
		a := &archive{documents: map[string][]byte{}, layers: map[v1.Hash]archived{}}
		held := map[v1.Hash][]byte{digestOf(plain): plain, digestOf(packed): packed}
		for digest, layer := range held {
			scan, err := scanLayer(t.Context(), bytes.NewReader(layer), false)
			if err != nil {
				t.Fatal(err)
			}
			a.layers[digest] = archived{scan: scan}
		}
		config = known.Replace(config)
		manifest = strings.ReplaceAll(known.Replace(manifest), "@config", digestOf([]byte(config)).String())
		index = strings.ReplaceAll(known.Replace(index), "@manifest", digestOf([]byte(manifest)).String())
		for _, document := range []string{config, manifest} {
			a.documents["blobs/sha256/"+digestOf([]byte(document)).Hex] = []byte(document)
		}
		for name, document := range map[string]string{"x": config, untrueConfig: config, untrueManifest: manifest} {
			a.documents["blobs/sha256/"+name] = []byte(document)
		}
		for name, document := range map[string]string{"index.json": index, "manifest.json": saved} {
			if document != "" {
				a.documents[name] = []byte(document)
			}
		}
		c := &Candidate{Reference: "x", blobs: map[v1.Hash]blob{}}
		if _, err := c.descend([]byte(index), choice, a.blob); err != nil && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotFound) {
			t.Errorf("for %q the error is neither ErrInvalid nor ErrNotFound: %v", choice, err)
		}
		if err := a.candidate(c, func(layer archived) blob { return memory(held[layer.scan.digest]) }); err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotFound) {
				t.Errorf("the error is neither ErrInvalid nor ErrNotFound: %v", err)
			}
			return
		}
		raw, _, digest := c.RawManifest()
		parsed, err := v1.ParseManifest(bytes.NewReader(raw))
		if err != nil || digest != digestOf(raw) || c.DigestKind == "manifest" && !strings.Contains(index+manifest, digest.Hex) || len(parsed.Layers) != len(c.Layers) || len(c.Layers) != len(c.Config.RootFS.DiffIDs) {
			t.Fatalf("%s is no manifest of %+v: %v", raw, c, err)
		}
		for n, descriptor := range append(parsed.Layers, parsed.Config) {
			opened, err := c.OpenBlob(t.Context(), descriptor.Digest)
			if err != nil {
				t.Fatal(err)
			}
			got, size, err := v1.SHA256(opened)
			if told, ok := c.BlobSize(descriptor.Digest); err != nil || got != descriptor.Digest || told != size || !ok || n < len(c.Layers) && c.Layers[n].DiffID != c.Config.RootFS.DiffIDs[n] {
				t.Errorf("blob %s is %s with %d bytes and not %d: %v", descriptor.Digest, got, size, told, err)
			}
		}
		if program, err := c.Program(t.Context(), []string{"/app"}); err != nil {
			t.Errorf("the program is %+v, %v", program, err)
		}
	})
}
