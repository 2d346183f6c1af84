package referrer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/suite/statement"
)

// maxAnswer bounds every answer of a registry, in bytes. It has room for an envelope.
const maxAnswer = 2 * statement.MaxBytes

// errForeign marks an artifact that is no statement of ours.
var errForeign = errors.New("another type of artifact")

// Found is what is attached to an image. Nothing in it has been verified.
type Found struct {
	// Digest is that of the artifact's manifest; empty where Err is about the list.
	Digest string
	// Envelope has at most statement.MaxBytes bytes; nil with Err.
	Envelope []byte
	// Err is ErrBroken, or ErrUnread as the last of all.
	Err error
}

// Find reads the envelopes that are attached to a manifest, sha256:HEX, in the repository of a reference: at most MaxFound,
// by the digests of their artifacts. Other types of artifacts are left out. The error is ErrBroken where the list cannot be
// read; one of image.Resolve's, or image.ErrReference; or the context's.
func Find(ctx context.Context, ref image.Reference, digest string, opts Options) ([]Found, error) {
	if _, err := v1.NewHash(digest); err != nil {
		return nil, fmt.Errorf("%w: %q is no digest; write sha256: and 64 hex digits", image.ErrReference, digest)
	}
	s, err := open(ctx, ref, opts)
	if err != nil {
		return nil, err
	}
	listed, err := s.list(ctx, digest)
	if err != nil {
		return nil, err
	}
	var found []Found
	for _, d := range listed[:min(len(listed), MaxFound)] {
		envelope, err := s.read(ctx, d.Digest)
		switch {
		case errors.Is(err, errForeign):
		case err == nil || errors.Is(err, ErrBroken):
			found = append(found, Found{Digest: d.Digest.String(), Envelope: envelope, Err: err})
		default:
			return nil, err
		}
	}
	const remedy = "remove what is not needed any more, or hand the statement on as a file"
	switch {
	case len(listed) > MaxFound:
		found = append(found, Found{Err: fmt.Errorf("%w: there are %d artifacts, and at most %d are read; %s", ErrUnread, len(listed), MaxFound, remedy)})
	case s.answers.paged:
		found = append(found, Found{Err: fmt.Errorf("%w: %s lists it on several pages, and only the first is read; %s", ErrUnread, s.Name.Context().RegistryStr(), remedy)})
	}
	return found, nil
}

// store is a registry whose answers are bounded.
type store struct {
	*image.Registry

	puller  *remote.Puller
	answers *answers
}

func open(ctx context.Context, ref image.Reference, opts Options) (*store, error) {
	reached, err := image.Reach(ctx, ref, opts.Keychain)
	if err != nil {
		return nil, err
	}
	s := &store{Registry: reached, answers: &answers{base: remote.DefaultTransport}}
	s.Options = append(s.Options, remote.WithTransport(s.answers))
	if s.puller, err = remote.NewPuller(s.Options...); err != nil {
		return nil, err
	}
	s.Options = append(s.Options, remote.Reuse(s.puller)) // one log-in for all
	return s, nil
}

// answers bounds what a registry answers, and notes when a list has further pages, which the library does not turn.
type answers struct {
	base  http.RoundTripper
	paged bool
}

// RoundTrip sends a request.
func (a *answers) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := a.base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	if strings.Contains(request.URL.Path, "/referrers/") && strings.Contains(answer.Header.Get("Link"), "next") {
		a.paged = true
	}
	return answer, nil
}

// list is what may be our artifacts, in the order of their digests. A registry that does not know the artifact's own type
// tells that of its config or none.
func (s *store) list(ctx context.Context, subject string) ([]v1.Descriptor, error) {
	index, err := remote.Referrers(s.Name.Context().Digest(subject), s.Options...)
	if err != nil {
		return nil, s.unread(ctx, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, s.unread(ctx, err)
	}
	listed := slices.DeleteFunc(manifest.Manifests, func(d v1.Descriptor) bool {
		return d.ArtifactType != ArtifactType && d.ArtifactType != string(emptyType) && d.ArtifactType != ""
	})
	slices.SortFunc(listed, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
	return slices.CompactFunc(listed, func(a, b v1.Descriptor) bool { return a.Digest == b.Digest }), nil
}

// read fetches the envelope of an artifact.
func (s *store) read(ctx context.Context, digest v1.Hash) ([]byte, error) {
	got, err := s.puller.Get(ctx, s.Name.Context().Digest(digest.String()))
	if err != nil {
		return nil, s.unread(ctx, err)
	}
	m, err := v1.ParseManifest(bytes.NewReader(got.Manifest))
	switch {
	case err != nil:
		return nil, s.unread(ctx, err)
	case m.ArtifactType != ArtifactType:
		return nil, errForeign
	case len(m.Layers) != 1 || m.Layers[0].MediaType != EnvelopeType:
		return nil, broken("it must have one layer, of type %s", EnvelopeType)
	case m.Layers[0].Size > statement.MaxBytes:
		return nil, broken("its envelope has %d bytes and may have %d", m.Layers[0].Size, statement.MaxBytes)
	}
	layer, err := s.puller.Layer(ctx, s.Name.Context().Digest(m.Layers[0].Digest.String()))
	if err != nil {
		return nil, s.unread(ctx, err)
	}
	blob, err := layer.Compressed() // checks the digest at its end
	if err != nil {
		return nil, s.unread(ctx, err)
	}
	defer func() { _ = blob.Close() }()
	envelope, err := io.ReadAll(io.LimitReader(blob, statement.MaxBytes+1))
	switch {
	case len(envelope) > statement.MaxBytes:
		return nil, broken("its envelope has more than %d bytes", statement.MaxBytes)
	case err != nil:
		return nil, s.unread(ctx, err)
	}
	return envelope, nil
}

// unread sorts what kept us from reading: the network or a refusal, or what there is.
func (s *store) unread(ctx context.Context, err error) error {
	var refused *transport.Error
	var network net.Error
	var large *http.MaxBytesError
	switch {
	case ctx.Err() != nil || errors.As(err, &network) || errors.As(err, &refused) && refused.StatusCode != http.StatusNotFound:
		return s.Sorted(ctx, err)
	case refused != nil:
		return broken("the registry lists it and does not have it")
	case errors.As(err, &large):
		return broken("the registry answers with more than %d bytes", large.Limit)
	default: // of the library, about what others wrote
		return broken("%.300s", strings.Join(strings.Fields(diagnose.Clean(err.Error())), " "))
	}
}

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s; attach the statement again, or hand it on as a file", ErrBroken, fmt.Sprintf(format, args...))
}
