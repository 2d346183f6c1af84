package image_test

import (
	"archive/tar"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/scfcert/scfcert/mockplatform/image"
)

func TestWhatTheImagesUserMayNotUseIsNamed(t *testing.T) {
	const users = "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"
	const groups = "root:x:0:\nstaff:x:50:app\n"
	files := func(program, script, folder int64) []byte {
		return layerTar(t,
			f{name: "etc/passwd", text: users, mode: 0o644}, f{name: "etc/group", text: groups, mode: 0o644},
			f{name: "app/", kind: tar.TypeDir, mode: folder},
			f{name: "app/server", text: elf(x86, ""), mode: program},
			f{name: "app/main.py", text: "print()", mode: script})
	}
	cases := map[string]struct {
		user                    string
		program, script, folder int64
		want                    string
	}{
		"root may enter and read all":      {"", 0o100, 0o000, 0o700, ""},
		"root needs one execute bit":       {"root", 0o644, 0o644, 0o755, "root (uid 0) may not execute /app/server, which has mode 0644 and belongs to 0:0"},
		"everybody may":                    {"app", 0o755, 0o644, 0o755, ""},
		"not execute":                      {"app", 0o744, 0o644, 0o755, "app (uid 1000) may not execute /app/server, which has mode 0744 and belongs to 0:0"},
		"not read an argument":             {"1000", 0o755, 0o600, 0o755, "1000 (uid 1000) may not read /app/main.py, which has mode 0600 and belongs to 0:0"},
		"not enter":                        {"app", 0o755, 0o644, 0o750, "app (uid 1000) may not enter /app, which has mode 0750 and belongs to 0:0"},
		"by the group":                     {"1000:0", 0o750, 0o640, 0o750, ""},
		"by a named group":                 {"app:root", 0o750, 0o640, 0o750, ""},
		"an unknown number is anybody":     {"4711", 0o755, 0o644, 0o755, ""},
		"an unknown name is no user":       {"nobody", 0o755, 0o644, 0o755, `USER is "nobody", which is not in the image's /etc/passwd`},
		"an unknown group is no group":     {"app:none", 0o755, 0o644, 0o755, `USER is "app:none", which is not in the image's /etc/group`},
		"an unknown number of group is ok": {"app:4711", 0o755, 0o644, 0o755, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			made := candidate(t, build(t, v1.Config{User: c.user, WorkingDir: "/app"}, files(c.program, c.script, c.folder)))
			argv := []string{"/app/server", "main.py"}
			program, err := made.Program(t.Context(), argv)
			must(t, err)
			denied, err := made.Denied(t.Context(), argv, program, "")
			must(t, err)
			got := ""
			if denied != nil {
				got = denied.String()
			}
			if got != c.want {
				t.Errorf("denied %q, want %q", got, c.want)
			}
		})
	}
}

func TestStartFilesInTmpAreFound(t *testing.T) {
	made := candidate(t, build(t, v1.Config{WorkingDir: "/tmp/app"}, layerTar(t,
		f{name: "bin/server", kind: tar.TypeSymlink, link: "/tmp/server"},
		f{name: "tmp/server", text: elf(x86, "")}, f{name: "tmp/app/main.py", text: "x"}, f{name: "tmp/other", text: "x"})))
	argv := []string{"/bin/server", "-u", "main.py", "none.py"}
	program, err := made.Program(t.Context(), argv)
	must(t, err)
	if got := made.InTmp(argv, program); !slices.Equal(got, []string{"/tmp/server", "/tmp/app/main.py"}) {
		t.Errorf("in /tmp lie %q", got)
	}
}

func TestWasteIsFoundByLayer(t *testing.T) {
	made := candidate(t, build(t, v1.Config{},
		layerTar(t, f{name: "build/a", text: "1234567"}, f{name: "build/deep/b", text: "123"}, f{name: "kept", text: "1"}, f{name: "changed", text: "12345"}),
		layerTar(t, f{name: ".wh.build"}, f{name: "changed", text: "2"}, f{name: "root/.npm/_cacache/x", text: "12"}, f{name: "var/lib/apt/lists/", kind: tar.TypeDir})))
	wasted, bytes := made.Wasted()
	want := []image.Waste{{"/build/a", 7, 1, 2}, {"/changed", 5, 1, 2}, {"/build/deep/b", 3, 1, 2}}
	if bytes != 15 || !slices.Equal(wasted, want) {
		t.Errorf("%d bytes are wasted, by %+v", bytes, wasted)
	}
	if got := made.Caches(); !slices.Equal(got, []image.Waste{{Path: "/root/.npm/_cacache", Bytes: 2, Layer: 2}}) {
		t.Errorf("caches are %+v", got)
	}
}

func TestTheTagOfAReference(t *testing.T) {
	for text, want := range map[string]string{
		"app": "latest", "app:1.2": "1.2", "host:5000/app": "latest", "engine:app:3": "3", "registry:h.example/a/b:x": "x",
		"app@sha256:" + zeros64: "", "sha256:" + zeros64: "", "tar:app.tar": "", "oci:/none": "",
	} {
		ref, err := image.ParseReference(text)
		must(t, err)
		if got := ref.Tag(); got != want {
			t.Errorf("the tag of %s is %q, want %q", text, got, want)
		}
	}
}

const zeros64 = "0000000000000000000000000000000000000000000000000000000000000000"
