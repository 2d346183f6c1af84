// Package referrer keeps signed statements in a registry, beside the image that they are about.
//
// Attach pushes a DSSE envelope into the image's repository, as an OCI artifact whose subject is the image's manifest; Find
// reads such envelopes again. Where a registry has no referrers API, both use the index under the tag sha256-HEX, as OCI
// has it. Attach and Find look at no signature: statement.Verify does.
package referrer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/suite/statement"
)

const (
	// ArtifactType is in-toto's media type of a stored envelope with a test result.
	ArtifactType = "application/vnd.in-toto.test-result+dsse"
	// EnvelopeType is the media type of the artifact's only layer.
	EnvelopeType types.MediaType = "application/vnd.dsse.envelope.v1+json"
	// PredicateKey names the annotation with the type of the predicate.
	PredicateKey = "in-toto.io/predicate-type"
	// MaxFound bounds how many artifacts Find reads.
	MaxFound = 64

	emptyType types.MediaType = "application/vnd.oci.empty.v1+json"
)

// Sentinels beside those of packages image and statement.
var (
	// ErrNotTaken means that a registry lets the image be read but does not keep the statement.
	ErrNotTaken = errors.New("registry does not take the statement")
	// ErrBroken means that something attached to the image is not what it should be.
	ErrBroken = errors.New("what is attached cannot be read")
	// ErrUnread means that more is attached than was read.
	ErrUnread = errors.New("not all that is attached was read")
)

// Options says how a registry is reached.
type Options struct {
	// Keychain holds the credentials for registries; nil means those of the user's Docker configuration.
	Keychain authn.Keychain
}

// Attach pushes an envelope beside the image of a reference and returns the digest of the artifact's manifest. Doing it
// twice leaves one. The error is ErrNotTaken; statement.ErrDigest where the reference is another image than the statement
// is about; ErrMalformed or ErrPredicate of package statement; one of image.Resolve's, or image.ErrReference; or the
// context's.
func Attach(ctx context.Context, ref image.Reference, envelope []byte, opts Options) (string, error) {
	about, err := statement.DigestOf(envelope)
	if err != nil {
		return "", err
	}
	s, err := open(ctx, ref, opts)
	if err != nil {
		return "", err
	}
	found, err := s.Manifest(ctx)
	if err != nil {
		return "", err
	}
	if found.Digest.String() != about {
		return "", fmt.Errorf("%w: it is about %s, and the manifest of %s is %s; attach it to the image that was certified", statement.ErrDigest, about, s.Name, found.Digest)
	}
	raw, err := s.push(ctx, v1.Descriptor{MediaType: found.MediaType, Size: found.Size, Digest: found.Digest}, envelope)
	if err != nil {
		return "", s.notTaken(ctx, err)
	}
	digest := raw.digest()
	listed, err := s.list(ctx, about)
	if err != nil {
		return "", err
	}
	if !s.answers.paged && !slices.ContainsFunc(listed, func(d v1.Descriptor) bool { return d.Digest == digest }) { // somebody else may have written the tag
		return "", fmt.Errorf("%w: %s holds it as %s and does not list it under the image; attach it once more", ErrNotTaken, s.Name.Context(), digest)
	}
	return digest.String(), nil
}

// push uploads the artifact, which is the same for the same envelope.
func (s *store) push(ctx context.Context, subject v1.Descriptor, envelope []byte) (manifest, error) {
	pusher, err := remote.NewPusher(s.Options...)
	if err != nil {
		return nil, err
	}
	var blobs [2]v1.Descriptor
	for n, blob := range []v1.Layer{static.NewLayer([]byte("{}"), emptyType), static.NewLayer(envelope, EnvelopeType)} {
		descriptor, err := partial.Descriptor(blob)
		if err != nil {
			return nil, err
		}
		if err := pusher.Upload(ctx, s.Name.Context(), blob); err != nil {
			return nil, err
		}
		blobs[n] = *descriptor
	}
	annotations := map[string]string{PredicateKey: statement.PredicateType}
	blobs[1].Annotations = annotations
	raw, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: ArtifactType, //nolint:mnd // the schema's number
		Config: blobs[0], Layers: blobs[1:], Subject: &subject, Annotations: annotations,
	})
	if err != nil {
		return nil, err
	}
	return raw, pusher.Put(ctx, s.Name.Context().Digest(manifest(raw).digest().String()), manifest(raw))
}

// manifest is an artifact's, as the library pushes it.
type manifest []byte

// RawManifest is the manifest.
func (m manifest) RawManifest() ([]byte, error) { return m, nil }

// MediaType is that of OCI's image manifest.
func (m manifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func (m manifest) digest() v1.Hash {
	digest, _, _ := v1.SHA256(bytes.NewReader(m)) // of memory, which can be read
	return digest
}

// notTaken sorts what went wrong with a push.
func (s *store) notTaken(ctx context.Context, err error) error {
	host := s.Name.Context().RegistryStr()
	var refused *transport.Error
	switch {
	case ctx.Err() != nil || !errors.As(err, &refused) || refused.StatusCode >= http.StatusInternalServerError || refused.StatusCode == http.StatusTooManyRequests:
		return s.Sorted(ctx, err)
	case refused.StatusCode == http.StatusUnauthorized || refused.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%w: with your credentials %s lets %s be read, but not written to; log in with \"docker login %s\" as somebody who may push (%w)", ErrNotTaken, host, s.Name.Context(), host, err)
	default:
		return fmt.Errorf("%w: %s keeps no such artifact in %s; hand the statement on as a file (%w)", ErrNotTaken, host, s.Name.Context(), err)
	}
}
