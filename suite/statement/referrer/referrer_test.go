package referrer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
	"github.com/scfcert/scfcert/suite/statement"
	"github.com/scfcert/scfcert/suite/statement/referrer"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// kinds are the registries: those with the referrers API, and those where a tag stands for it.
func kinds() map[string]bool { return map[string]bool{"referrers API": true, "fallback tag": false} }

// server is a registry with what stands before it, and the repository team/app in it.
func server(t *testing.T, referrers bool, before func(http.Handler) http.Handler) name.Repository {
	t.Helper()
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(referrers))
	if before != nil {
		handler = before(handler)
	}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	repo, err := name.NewRepository(strings.TrimPrefix(s.URL, "http://") + "/team/app")
	must(t, err)
	return repo
}

// pushed puts an image of its own under a tag and returns its digest.
func pushed(t *testing.T, repo name.Repository, tag string) v1.Hash {
	t.Helper()
	img, err := random.Image(10, 1)
	must(t, err)
	must(t, remote.Write(repo.Tag(tag), img))
	digest, err := img.Digest()
	must(t, err)
	return digest
}

func reference(t *testing.T, text string) image.Reference {
	t.Helper()
	ref, err := image.ParseReference(text)
	must(t, err)
	return ref
}

func key(t *testing.T) statement.PrivateKey {
	t.Helper()
	private, _, err := statement.GenerateKey(statement.Ed25519)
	must(t, err)
	k, err := statement.ParsePrivateKey(private)
	must(t, err)
	return k
}

// envelope is a signed statement about a manifest.
func envelope(t *testing.T, digest v1.Hash, signer statement.Signer) []byte {
	t.Helper()
	at := time.Date(2026, 11, 2, 3, 5, 0, 0, time.UTC)
	s, err := statement.New(report.Report{
		Contract: report.Contract{Name: contract.Name, Version: contract.Version}, Function: report.Function{Type: "event"},
		Image:     report.Image{Reference: "registry.example.com/team/app:1", Source: "registry", Digest: digest.String(), DigestKind: "manifest"},
		StartedAt: at, FinishedAt: at, Verdict: report.Conformant,
		Requirements: []report.Requirement{{ID: "start.listen", Level: requirement.Must, Subject: requirement.Image, Outcome: report.Pass}},
	}, nil)
	must(t, err)
	signed, err := statement.Sign(t.Context(), s, signer)
	must(t, err)
	return signed
}

func attach(t *testing.T, ref string, envelope []byte) string {
	t.Helper()
	digest, err := referrer.Attach(t.Context(), reference(t, ref), envelope, referrer.Options{})
	must(t, err)
	return digest
}

func find(t *testing.T, repo name.Repository, digest v1.Hash) []referrer.Found {
	t.Helper()
	found, err := referrer.Find(t.Context(), reference(t, repo.Name()), digest.String(), referrer.Options{})
	must(t, err)
	return found
}

func holds(envelope []byte, digest v1.Hash, k statement.PrivateKey) error {
	now := func() time.Time { return time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC) }
	_, err := statement.Verify(envelope, statement.VerifyOptions{Digest: digest.String(), Keys: []statement.Key{{Public: k.Public()}}, Now: now})
	return err
}

func TestAStatementIsFoundWhereItWasAttached(t *testing.T) {
	for kind, referrers := range kinds() {
		t.Run(kind, func(t *testing.T) {
			repo, k := server(t, referrers, nil), key(t)
			digest := pushed(t, repo, "1")
			if found := find(t, repo, digest); len(found) != 0 {
				t.Fatalf("before anything is attached there is %v", found)
			}
			text := envelope(t, digest, k)
			artifact := attach(t, "registry:"+repo.Tag("1").String(), text)
			for _, again := range []string{repo.Tag("1").String(), repo.Digest(digest.String()).String()} {
				if got := attach(t, again, text); got != artifact {
					t.Errorf("attached once more it is %s and was %s", got, artifact)
				}
			}
			found := find(t, repo, digest)
			if len(found) != 1 || found[0].Digest != artifact || !bytes.Equal(found[0].Envelope, text) || found[0].Err != nil {
				t.Fatalf("found %+v", found)
			}
			must(t, holds(found[0].Envelope, digest, k))
			if _, err := remote.Head(repo.Tag("sha256-" + digest.Hex)); (err == nil) == referrers {
				t.Errorf("the fallback tag: %v", err)
			}
		})
	}
}

func TestTheArtifactIsOneThatOthersKnow(t *testing.T) {
	repo := server(t, true, nil)
	digest := pushed(t, repo, "1")
	text := envelope(t, digest, key(t))
	got, err := remote.Get(repo.Digest(attach(t, repo.Tag("1").String(), text)))
	must(t, err)
	subject, err := remote.Head(repo.Digest(digest.String()))
	must(t, err)
	m, err := v1.ParseManifest(bytes.NewReader(got.Manifest))
	must(t, err)
	blob, size, err := v1.SHA256(bytes.NewReader(text))
	must(t, err)
	annotations := map[string]string{"in-toto.io/predicate-type": "https://in-toto.io/attestation/test-result/v0.1"}
	want, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: "application/vnd.oci.image.manifest.v1+json", ArtifactType: "application/vnd.in-toto.test-result+dsse",
		Config:      v1.Descriptor{MediaType: "application/vnd.oci.empty.v1+json", Size: 2, Digest: v1.Hash{Algorithm: "sha256", Hex: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}},
		Layers:      []v1.Descriptor{{MediaType: "application/vnd.dsse.envelope.v1+json", Size: size, Digest: blob, Annotations: annotations}},
		Subject:     &v1.Descriptor{MediaType: subject.MediaType, Size: subject.Size, Digest: digest},
		Annotations: annotations,
	})
	must(t, err)
	if have, err := json.Marshal(m); err != nil || !bytes.Equal(have, want) {
		t.Errorf("%v, the manifest is\n%s and not\n%s", err, have, want)
	}
	for _, blob := range []v1.Descriptor{m.Config, m.Layers[0]} {
		layer, err := remote.Layer(repo.Digest(blob.Digest.String()))
		must(t, err)
		if size, err := layer.Size(); err != nil || size != blob.Size {
			t.Errorf("%s has %d bytes, %v", blob.MediaType, size, err)
		}
	}
}

func TestAStatementIsOnlyAttachedToItsImage(t *testing.T) {
	repo, k := server(t, false, nil), key(t)
	mine, other := pushed(t, repo, "mine"), pushed(t, repo, "other")
	images := map[string]v1.Hash{}
	index := v1.ImageIndex(empty.Index)
	for _, architecture := range []string{"arm64", "amd64"} {
		images[architecture] = pushed(t, repo, architecture)
		img, err := remote.Image(repo.Tag(architecture))
		must(t, err)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}}})
	}
	must(t, remote.WriteIndex(repo.Tag("both"), index))
	both, err := index.Digest()
	must(t, err)

	attach(t, repo.Tag("both").String(), envelope(t, images["amd64"], k))
	if found := find(t, repo, images["amd64"]); len(found) != 1 || holds(found[0].Envelope, images["amd64"], k) != nil {
		t.Errorf("of an index is found %+v", found)
	}
	for name, c := range map[string]struct {
		tag       string
		about, is v1.Hash
	}{
		"another image":       {"other", mine, other},
		"another platform":    {"both", images["arm64"], images["amd64"]},
		"the index itself":    {"both", both, images["amd64"]},
		"one that is no more": {"other", v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}, other},
	} {
		_, err := referrer.Attach(t.Context(), reference(t, repo.Tag(c.tag).String()), envelope(t, c.about, k), referrer.Options{})
		if !errors.Is(err, statement.ErrDigest) || !strings.Contains(err.Error(), c.about.String()) || !strings.Contains(err.Error(), c.is.String()) {
			t.Errorf("%s: %v", name, err)
		}
		if found := append(find(t, repo, c.about), find(t, repo, other)...); len(found) != 0 {
			t.Errorf("%s: it was attached all the same: %+v", name, found)
		}
	}
}

// artifact pushes an artifact that is ours in all but what is changed.
func artifact(t *testing.T, repo name.Repository, subject v1.Hash, blob []byte, change func(*v1.Manifest)) {
	t.Helper()
	layers := []v1.Layer{static.NewLayer([]byte("{}"), "application/vnd.oci.empty.v1+json"), static.NewLayer(blob, referrer.EnvelopeType)}
	var descriptors []v1.Descriptor
	for _, layer := range layers {
		d, err := partial.Descriptor(layer)
		must(t, err)
		must(t, remote.WriteLayer(repo, layer))
		descriptors = append(descriptors, *d)
	}
	m := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: referrer.ArtifactType, Config: descriptors[0], Layers: descriptors[1:],
		Subject: &v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: subject},
	}
	change(&m)
	text, err := json.Marshal(m)
	must(t, err)
	put(t, repo, text)
}

func put(t *testing.T, repo name.Repository, text []byte) {
	t.Helper()
	digest, _, err := v1.SHA256(bytes.NewReader(text))
	must(t, err)
	must(t, remote.Put(repo.Digest(digest.String()), raw(text)))
}

type raw []byte

func (r raw) RawManifest() ([]byte, error)        { return r, nil }
func (r raw) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func TestWhatElseIsAttachedDoesNotHideAStatement(t *testing.T) {
	for kind, referrers := range kinds() {
		t.Run(kind, func(t *testing.T) {
			repo, k := server(t, referrers, nil), key(t)
			digest := pushed(t, repo, "1")
			good := envelope(t, digest, k)
			tampered := bytes.Replace(good, []byte(`"payload":"e`), []byte(`"payload":"f`), 1)
			attach(t, repo.Tag("1").String(), good)
			foreign := func(m *v1.Manifest) { m.ArtifactType = "application/spdx+json" }
			artifact(t, repo, digest, []byte("foreign"), foreign)
			artifact(t, repo, digest, []byte("foreign"), func(m *v1.Manifest) { m.ArtifactType, m.Config.MediaType = "", types.OCIConfigJSON })
			artifact(t, repo, digest, tampered, func(*v1.Manifest) {})
			artifact(t, repo, digest, make([]byte, statement.MaxBytes+1), func(*v1.Manifest) {})
			artifact(t, repo, digest, make([]byte, statement.MaxBytes+2), func(m *v1.Manifest) { m.Layers[0].Size = 1 })
			artifact(t, repo, digest, good, func(m *v1.Manifest) { m.Layers = append(m.Layers, m.Layers[0]) })
			artifact(t, repo, digest, good, func(m *v1.Manifest) { m.Layers = nil })
			artifact(t, repo, digest, good, func(m *v1.Manifest) { m.Layers[0].MediaType = "text/plain" })
			artifact(t, repo, digest, good, func(m *v1.Manifest) { m.Layers[0].Digest.Hex = strings.Repeat("1", 64) })
			artifact(t, repo, digest, []byte{}, func(*v1.Manifest) {})

			found := find(t, repo, digest)
			if !slices.IsSortedFunc(found, func(a, b referrer.Found) int { return strings.Compare(a.Digest, b.Digest) }) {
				t.Errorf("they come in no order: %+v", found)
			}
			says := map[string]int{}
			for _, f := range found {
				switch {
				case f.Err == nil && holds(f.Envelope, digest, k) == nil:
					says["holds"]++
				case f.Err == nil && bytes.Equal(f.Envelope, tampered) && errors.Is(holds(f.Envelope, digest, k), statement.ErrSignature),
					f.Err == nil && len(f.Envelope) == 0 && errors.Is(holds(f.Envelope, digest, k), statement.ErrMalformed):
					says["does not hold"]++
				case errors.Is(f.Err, referrer.ErrBroken) && f.Envelope == nil && strings.Contains(f.Err.Error(), "; "):
					for _, word := range []string{"has 4194305 bytes", "has more than 4194304 bytes", "must have one layer", "does not have it"} {
						if strings.Contains(f.Err.Error(), word) {
							says[word]++
						}
					}
				default:
					t.Errorf("%s: %v, %.100q", f.Digest, f.Err, f.Envelope)
				}
			}
			if len(found) != 9 || says["holds"] != 1 || says["does not hold"] != 2 || says["has 4194305 bytes"] != 1 ||
				says["has more than 4194304 bytes"] != 1 || says["must have one layer"] != 3 || says["does not have it"] != 1 {
				t.Errorf("%d are found: %v", len(found), says)
			}
		})
	}
}

func TestNoMoreIsReadThanMayBe(t *testing.T) {
	var logins atomic.Int32
	repo, k := server(t, false, answering(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v2/" {
			logins.Add(1)
		}
		return false
	})), key(t)
	digest := pushed(t, repo, "1")
	var list v1.IndexManifest
	for n := range referrer.MaxFound + 6 {
		gone, _, err := v1.SHA256(strings.NewReader(strings.Repeat("x", n)))
		must(t, err)
		ours := v1.Descriptor{MediaType: "application/x", Digest: gone, ArtifactType: referrer.ArtifactType}
		foreign := v1.Descriptor{MediaType: "application/x", Digest: digest, ArtifactType: "application/spdx+json"}
		list.Manifests = append(list.Manifests, ours, foreign, ours)
	}
	list.SchemaVersion, list.MediaType = 2, types.OCIImageIndex
	text, err := json.Marshal(list)
	must(t, err)
	must(t, remote.Put(repo.Tag("sha256-"+digest.Hex), raw(text)))
	logins.Store(0)
	found := find(t, repo, digest)
	if got := logins.Load(); got != 1 {
		t.Errorf("it logged in %d times", got)
	}
	if len(found) != referrer.MaxFound+1 || !errors.Is(found[0].Err, referrer.ErrBroken) || !strings.Contains(found[0].Err.Error(), "does not have it") {
		t.Fatalf("%d are found: %+v", len(found), found)
	}
	if last := found[referrer.MaxFound]; last.Digest != "" || !errors.Is(last.Err, referrer.ErrUnread) || !strings.Contains(last.Err.Error(), "are 70 artifacts, and at most 64") {
		t.Errorf("the last is %+v", last)
	}
	attach(t, repo.Tag("1").String(), envelope(t, digest, k)) // there may be any number of them

	paged := server(t, true, answering(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/referrers/") {
			w.Header().Set("Link", `</v2/team/app/referrers/x?page=2>; rel="next"`)
		}
		return false
	}))
	digest = pushed(t, paged, "1")
	attach(t, paged.Tag("1").String(), envelope(t, digest, k))
	if found := find(t, paged, digest); len(found) != 2 || found[0].Err != nil || !errors.Is(found[1].Err, referrer.ErrUnread) {
		t.Errorf("of several pages is found %+v", found)
	}
}

// answering puts a function before a registry; it tells whether it has answered.
func answering(instead func(http.ResponseWriter, *http.Request) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !instead(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}
}

func TestAListThatCannotBeReadIsAnError(t *testing.T) {
	for name, c := range map[string]struct{ answer, says string }{
		"too long":                {`{"manifests":[],"x":"` + strings.Repeat("x", 2*statement.MaxBytes) + `"}`, "more than 8388608 bytes"},
		"no JSON":                 {"\x1b[2J", "invalid character"},
		"a digest with an escape": {`{"manifests":[{"digest":"sha256:\u001b` + strings.Repeat("0", 63) + `"}]}`, `hash: \u001b`},
		"a digest without end":    {`{"manifests":[{"digest":"` + strings.Repeat("0", 100_000) + `"}]}`, "hash"},
	} {
		repo := server(t, true, answering(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/referrers/") {
				return false
			}
			w.Header().Set("Content-Type", string(types.OCIImageIndex))
			_, _ = io.WriteString(w, c.answer)
			return true
		}))
		_, err := referrer.Find(t.Context(), reference(t, repo.Name()), pushed(t, repo, "1").String(), referrer.Options{})
		if !errors.Is(err, referrer.ErrBroken) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 500 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARegistryThatDoesNotListItIsToldOf(t *testing.T) {
	repo := server(t, false, answering(func(_ http.ResponseWriter, r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/referrers/") // 200 and nothing: a page for browsers, say
	}))
	ref := repo.Tag("1").String()
	text := envelope(t, pushed(t, repo, "1"), key(t))
	if _, err := referrer.Attach(t.Context(), reference(t, ref), text, referrer.Options{}); !errors.Is(err, referrer.ErrNotTaken) || !strings.Contains(err.Error(), "does not list it") {
		t.Error(err)
	}
}

// keychain is one log-in for all registries.
type keychain struct{ user, password string }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{Username: k.user, Password: k.password}), nil
}

func TestARefusalSaysWhatToDoAndKeepsTheSecret(t *testing.T) {
	const secret = "s3cr3t"
	guarded := func(w http.ResponseWriter, r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case password != secret:
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		case user == "reader" && !reads:
			w.WriteHeader(http.StatusForbidden)
		case user == "old" && r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/"):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"errors":[{"code":"MANIFEST_INVALID","message":"no such type"}]}`)
		default:
			return false
		}
		return true
	}
	repo := server(t, true, answering(guarded))
	img, err := random.Image(10, 1)
	must(t, err)
	writer := keychain{"writer", secret}
	must(t, remote.Write(repo.Tag("1"), img, remote.WithAuthFromKeychain(writer)))
	digest, err := img.Digest()
	must(t, err)
	ref, text := reference(t, repo.Tag("1").String()), envelope(t, digest, key(t))
	login := `"docker login ` + repo.RegistryStr() + `"`
	for name, c := range map[string]struct {
		keychain keychain
		want     error
		says     string
	}{
		"a wrong password":           {keychain{"writer", secret + "x"}, image.ErrDenied, login},
		"only reading":               {keychain{"reader", secret}, referrer.ErrNotTaken, login},
		"a registry of another time": {keychain{"old", secret}, referrer.ErrNotTaken, "no such type"},
	} {
		_, err := referrer.Attach(t.Context(), ref, text, referrer.Options{Keychain: c.keychain})
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := referrer.Find(t.Context(), ref, digest.String(), referrer.Options{Keychain: keychain{"writer", secret + "x"}}); !errors.Is(err, image.ErrDenied) || !strings.Contains(err.Error(), login) || strings.Contains(err.Error(), secret) {
		t.Errorf("find: %v", err)
	}
	if _, err := referrer.Attach(t.Context(), ref, text, referrer.Options{Keychain: writer}); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeReachedIsNoEmptyAnswer(t *testing.T) {
	var down atomic.Bool
	repo := server(t, true, answering(func(w http.ResponseWriter, r *http.Request) bool {
		if down.Load() && strings.Contains(r.URL.Path, "/blobs/") { // in the middle of it
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	}))
	digest := pushed(t, repo, "1")
	ref, text := reference(t, repo.Tag("1").String()), envelope(t, digest, key(t))
	attach(t, ref.Text, text)
	both := func(ctx context.Context, ref image.Reference) [2]error {
		_, attached := referrer.Attach(ctx, ref, text, referrer.Options{})
		_, found := referrer.Find(ctx, ref, digest.String(), referrer.Options{})
		return [2]error{attached, found}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range both(cancelled, ref) {
		if !errors.Is(err, context.Canceled) || errors.Is(err, image.ErrUnreachable) {
			t.Errorf("cancelled: %v", err)
		}
	}
	for _, elsewhere := range []string{"engine:team/app", "oci:/none", "tar:/none.tar", digest.String()} {
		for _, err := range both(t.Context(), reference(t, elsewhere)) {
			if !errors.Is(err, image.ErrReference) {
				t.Errorf("%s: %v", elsewhere, err)
			}
		}
	}
	for _, err := range both(t.Context(), reference(t, "127.0.0.1:1/team/app")) {
		if !errors.Is(err, image.ErrUnreachable) {
			t.Errorf("nobody listens: %v", err)
		}
	}
	if _, err := referrer.Attach(t.Context(), reference(t, repo.Tag("none").String()), text, referrer.Options{}); !errors.Is(err, image.ErrNotFound) {
		t.Errorf("no such tag: %v", err)
	}
	if _, err := referrer.Attach(t.Context(), ref, []byte("{}"), referrer.Options{}); !errors.Is(err, statement.ErrMalformed) {
		t.Errorf("no envelope: %v", err)
	}
	if _, err := referrer.Find(t.Context(), ref, "sha256:../..", referrer.Options{}); !errors.Is(err, image.ErrReference) {
		t.Errorf("no digest: %v", err)
	}
	down.Store(true)
	if found, err := referrer.Find(t.Context(), ref, digest.String(), referrer.Options{}); !errors.Is(err, image.ErrDenied) || found != nil {
		t.Errorf("refused in the middle: %v, %v", found, err)
	}
}
