// Package image turns a reference into a Candidate: what an image is made of, without running it.
//
// In comes a reference to a local engine, a registry, an OCI layout or an archive; out comes a Candidate with manifest
// type, platform, sizes, config, a view of its files and its blobs as streams. Layers are read as streams and never
// held: an image of 1 GiB needs a few megabytes. It serves the static requirements of contract/runtime.md 2 and 4.3.
package image

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Sentinels of this package. Each error that a user can meet names the value and the remedy.
var (
	ErrReference   = errors.New("malformed image reference")
	ErrNotFound    = errors.New("image not found")
	ErrDenied      = errors.New("image not readable with your credentials")
	ErrUnreachable = errors.New("registry unreachable")
	ErrInvalid     = errors.New("invalid image")
)

// Source is where an image comes from.
type Source string

// The sources of images.
const (
	FromAny      Source = "" // the local engine first, then the registry
	FromEngine   Source = "engine"
	FromRegistry Source = "registry"
	FromLayout   Source = "oci-layout"
	FromArchive  Source = "tar"
	FromProcess  Source = "built-in"
)

// Reference is a parsed image reference.
type Reference struct {
	// Text is what the user wrote.
	Text   string
	Source Source
	// Name is the image name, or the path of a layout or an archive.
	Name string
	// Choice selects one image of a layout by tag or digest; empty where it holds only one.
	Choice string
}

// String is what the user wrote.
func (r Reference) String() string { return r.Text }

// ParseReference reads a reference: NAME, engine:NAME, registry:NAME, oci:DIR[:TAG or @DIGEST], tar:FILE.
// The error is ErrReference.
func ParseReference(text string) (Reference, error) {
	ref := Reference{Text: text}
	switch prefix, rest, _ := strings.Cut(text, ":"); prefix {
	case "oci":
		return parseLayout(ref, rest)
	case "tar":
		ref.Source, ref.Name = FromArchive, rest
		return ref, needsPath(ref, "tar:FILE, a file made with docker save")
	case "engine", "registry":
		if strings.ContainsAny(rest, "/.:") || rest != "" && !allDigits(rest) { // engine:5000/x is a host with a port
			ref.Source, ref.Name = Source(prefix), rest
			return ref, checkName(ref)
		}
	}
	ref.Name = text
	return ref, checkName(ref)
}

// Tag is the reference's tag, with "latest" where none is given; empty where it is no image name or names a digest.
func (r Reference) Tag() string {
	if r.Source == FromLayout || r.Source == FromArchive || r.Source == FromProcess || isImageID(r.Name) {
		return ""
	}
	parsed, err := name.NewTag(r.Name)
	if err != nil {
		return ""
	}
	return parsed.TagStr()
}

func allDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

func parseLayout(ref Reference, rest string) (Reference, error) {
	ref.Source, ref.Name = FromLayout, rest
	if dir, digest, ok := strings.Cut(rest, "@"); ok && strings.HasPrefix(digest, "sha256:") {
		ref.Name, ref.Choice = dir, digest
	} else if _, err := os.Stat(rest); err != nil {
		if at := strings.LastIndexByte(rest, ':'); at > 0 && !strings.Contains(rest[at:], "/") {
			ref.Name, ref.Choice = rest[:at], rest[at+1:]
		}
	}
	return ref, needsPath(ref, "oci:DIR, a folder that holds oci-layout and index.json")
}

func needsPath(ref Reference, form string) error {
	if ref.Name == "" {
		return fmt.Errorf("%w: %q names no path; write %s", ErrReference, ref.Text, form)
	}
	return nil
}

func checkName(ref Reference) error {
	remedy := "write it as [HOST/]NAME[:TAG or @DIGEST], or take oci:DIR or tar:FILE"
	switch {
	case ref.Name == "":
		return fmt.Errorf("%w: %q is empty; %s", ErrReference, ref.Text, remedy)
	case strings.ContainsAny(ref.Name, " \t\r\n"):
		return fmt.Errorf("%w: %s holds a space; %s", ErrReference, withoutCredentials(ref.Text), remedy)
	case isImageID(ref.Name):
		return nil
	}
	if _, err := name.ParseReference(ref.Name); err != nil {
		if lower := strings.ToLower(ref.Name); lower != ref.Name {
			if _, err := name.ParseReference(lower); err == nil {
				return fmt.Errorf("%w: %q holds upper-case letters, which only a tag may; write %s", ErrReference, ref.Text, lower)
			}
		}
		return fmt.Errorf("%w: %s; %s", ErrReference, withoutCredentials(ref.Text), remedy)
	}
	return nil
}

// withoutCredentials is a text as errors show it: quoted, and without the USER:PASSWORD that does not belong there.
func withoutCredentials(text string) string {
	named, digest := text, ""
	if at := strings.LastIndex(text, "@sha256:"); at >= 0 {
		named, digest = text[:at], text[at:]
	}
	if at := strings.LastIndexByte(named, '@'); at >= 0 {
		named = "…" + named[at:]
	}
	return strconv.Quote(named + digest)
}

// isImageID tells an engine's image id, as "docker build -q" prints it.
func isImageID(text string) bool {
	hex, ok := strings.CutPrefix(text, "sha256:")
	return ok && len(hex) >= 12 && strings.Trim(hex, "0123456789abcdef") == ""
}
