package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/scfcert/scfcert/mockplatform/engine"
	"github.com/scfcert/scfcert/mockplatform/engine/enginetest"
)

// imageSource serves an image of the library.
type imageSource struct{ v1.Image }

func (s imageSource) RawManifest() ([]byte, types.MediaType, v1.Hash) {
	raw, _ := s.Image.RawManifest()
	mediaType, _ := s.MediaType()
	digest, _ := s.Digest()
	return raw, mediaType, digest
}

func (s imageSource) BlobSize(digest v1.Hash) (int64, bool) {
	manifest, _ := s.Manifest()
	for _, d := range append(manifest.Layers, manifest.Config) {
		if d.Digest == digest {
			return d.Size, true
		}
	}
	return 0, false
}

func (s imageSource) OpenBlob(_ context.Context, digest v1.Hash) (io.ReadCloser, error) {
	if config, _ := s.ConfigName(); config == digest {
		raw, err := s.RawConfigFile()
		return io.NopCloser(strings.NewReader(string(raw))), err
	}
	layer, err := s.LayerByDigest(digest)
	if err != nil {
		return nil, err
	}
	return layer.Compressed()
}

const repo = "scfcert-test/function"

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t *testing.T) (*Registry, *clock, v1.Image) {
	t.Helper()
	c := &clock{now: time.Now()}
	r, err := Open(t.Context(), Options{Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	img, err := random.Image(1000, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, repository := range []string{repo, "scfcert-test/other"} {
		if err := r.Admit(t.Context(), repository, "candidate", imageSource{img}); err != nil {
			t.Fatal(err)
		}
	}
	return r, c, img
}

func pull(r *Registry, auth authn.Authenticator) (v1.Image, error) {
	ref, err := name.ParseReference(r.Address()+"/"+repo+":candidate", name.Insecure)
	if err != nil {
		return nil, err
	}
	return remote.Image(ref, remote.WithAuth(auth))
}

func basic(c engine.Credential) authn.Authenticator {
	return &authn.Basic{Username: c.Username, Password: c.Password}
}

func TestAnImageIsPulledWithItsCredentialAndCounted(t *testing.T) {
	r, _, img := open(t)
	pulled, err := pull(r, basic(r.Issue(repo)))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(pulled); err != nil {
		t.Fatal(err)
	}
	want, _ := img.Digest()
	if got, _ := pulled.Digest(); got != want {
		t.Errorf("pulled %s, want %s", got, want)
	}
	if got := r.Transfers(repo); got.Blobs < 4 || got.Manifests == 0 || got.Bytes < 3000 || len(got.Refusals) != 0 {
		t.Errorf("transfers are %+v", got)
	}
	if got := r.Transfers("scfcert-test/other"); got.Requests != 0 {
		t.Errorf("the other repository counts %+v", got)
	}
}

func TestARefusalSaysWhichItIs(t *testing.T) {
	r, c, _ := open(t)
	revoked := r.Issue(repo)
	r.Revoke(revoked.Username)
	expired := r.Issue(repo)
	c.Add(11 * time.Minute)
	good := r.Issue(repo)
	foreign := r.Issue("scfcert-test/other")
	cases := map[string]struct {
		auth authn.Authenticator
		want string
	}{
		"none":           {authn.Anonymous, reasonNone},
		"wrong password": {&authn.Basic{Username: good.Username, Password: "guess"}, reasonWrong},
		"wrong user":     {&authn.Basic{Username: "guess", Password: good.Password}, reasonWrong},
		"revoked":        {basic(revoked), reasonWrong},
		"expired":        {basic(expired), reasonExpired},
		"foreign":        {basic(foreign), reasonForeign},
	}
	for what, c := range cases {
		t.Run(what, func(t *testing.T) {
			_, err := pull(r, c.auth)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("pull gives %v, want %q", err, c.want)
			}
			for _, secret := range []string{good.Password, foreign.Password, expired.Password} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error holds a password: %v", err)
				}
			}
			refusals := r.Transfers(repo).Refusals
			if len(refusals) == 0 || refusals[len(refusals)-1].Reason != c.want {
				t.Errorf("refusals are %v", refusals)
			}
		})
	}
}

func TestACredentialIsForPullingOnly(t *testing.T) {
	r, _, img := open(t)
	ref, err := name.ParseReference(r.Address()+"/"+repo+":mine", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img, remote.WithAuth(basic(r.Issue(repo)))); err == nil {
		t.Error("a push was taken")
	}
}

func TestTheCatalogueIsClosed(t *testing.T) {
	r, _, _ := open(t)
	address, err := name.NewRegistry(r.Address(), name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := remote.Catalog(t.Context(), address, remote.WithAuth(basic(r.Issue(repo)))); err == nil {
		t.Errorf("the catalogue shows %v", list)
	}
}

func TestAnExpelledImageIsGone(t *testing.T) {
	r, _, _ := open(t)
	credential := r.Issue(repo)
	r.Expel(repo)
	if _, err := pull(r, basic(credential)); err == nil {
		t.Error("it was pulled")
	}
}

func TestTheEnginePullsAndIsRefusedWithOurWords(t *testing.T) {
	r, c, _ := open(t)
	eng := enginetest.Open(t)
	// The engine's own clean-up finds images by the run's name.
	repository := "scfcert-" + eng.Run() + "/function"
	img, err := random.Image(1<<10, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Admit(t.Context(), repository, "candidate", imageSource{img}); err != nil {
		t.Fatal(err)
	}
	ref := r.Address() + "/" + repository + ":candidate"
	refused := func(what string, credential engine.Credential, want string) {
		t.Helper()
		err := eng.PullImage(t.Context(), ref, credential, nil)
		if !errors.Is(err, engine.ErrPullRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: pull gives %v, want %q", what, err, want)
		}
	}
	expired := r.Issue(repository)
	c.Add(11 * time.Minute)
	refused("expired", expired, "expired")
	refused("none", engine.Credential{}, "credentials required")
	refused("wrong", engine.Credential{Username: "x", Password: "y"}, reasonWrong)
	refused("foreign", r.Issue("scfcert-test/other"), "denied")
	if got := r.Transfers(repository); got.Blobs != 0 {
		t.Errorf("refused pulls moved %+v", got)
	}
	for n, want := range []int{3, 3} { // the second pull moves nothing more
		if err := eng.PullImage(t.Context(), ref, r.Issue(repository), nil); err != nil {
			t.Fatal(err)
		}
		if got := r.Transfers(repository); got.Blobs != want {
			t.Errorf("after pull %d: %d blobs moved, want %d", n+1, got.Blobs, want)
		}
	}
}

// zeros is an image of one large layer that exists nowhere.
type zeros struct{ imageSource }

const zerosSize = 200 << 20

func (z zeros) BlobSize(v1.Hash) (int64, bool) { return zerosSize, true }
func (z zeros) OpenBlob(context.Context, v1.Hash) (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(zero{}, zerosSize)), nil
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestALargeBlobIsNeverHeldInMemory(t *testing.T) {
	r, _, img := open(t)
	if err := r.Admit(t.Context(), repo, "candidate", zeros{imageSource{img}}); err != nil {
		t.Fatal(err)
	}
	given := tokenFor(t, r, r.Issue(repo))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.Address()+"/v2/"+repo+"/blobs/sha256:"+strings.Repeat("a", 64), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+given)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, response.Body)
	if err != nil || n != zerosSize {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.TotalAlloc) - int64(before.TotalAlloc); grown > 10<<20 {
		t.Errorf("%d bytes were allocated on the way", grown)
	}
	if got := r.Transfers(repo); got.Blobs != 1 || got.Bytes != zerosSize {
		t.Errorf("transfers are %+v", got)
	}
}

func tokenFor(t *testing.T, r *Registry, c engine.Credential) string {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, "/token?scope=repository:"+repo+":pull", nil)
	request.SetBasicAuth(c.Username, c.Password)
	answer := httptest.NewRecorder()
	r.gate.ServeHTTP(answer, request)
	_, rest, _ := strings.Cut(answer.Body.String(), `"token":"`)
	text, _, _ := strings.Cut(rest, `"`)
	if text == "" {
		t.Fatalf("no token: %s", answer.Body)
	}
	return text
}

func TestManyPullsAtOnce(t *testing.T) {
	r, _, _ := open(t)
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			credential := r.Issue(repo)
			defer r.Revoke(credential.Username)
			if img, err := pull(r, basic(credential)); err != nil {
				t.Error(err)
			} else if err := validate.Image(img); err != nil {
				t.Error(err)
			}
			_ = r.Transfers(repo)
		})
	}
	wait.Wait()
}

// FuzzTokenRequest holds that no request without a credential gets a token, and that none brings the gate down.
func FuzzTokenRequest(f *testing.F) {
	f.Add("repository:"+repo+":pull", "Basic dG1wOng=")
	f.Add("repository::", "Basic ")
	f.Add(": :,", "Bearer x")
	r, err := Open(context.Background(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = r.Close(context.Background()) })
	r.Issue(repo)
	f.Fuzz(func(t *testing.T, scopes, authorization string) {
		request := httptest.NewRequest(http.MethodGet, "/token?"+url.Values{"scope": {scopes}}.Encode(), nil)
		request.Header["Authorization"] = []string{authorization}
		answer := httptest.NewRecorder()
		r.gate.ServeHTTP(answer, request)
		if answer.Code == http.StatusOK {
			t.Errorf("a token was given for %q", authorization)
		}
	})
}
