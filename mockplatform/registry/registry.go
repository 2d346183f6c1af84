// Package registry is the private registry that a function's image is pulled from, with temporary credentials.
//
// In come images (Sources) and requests for credentials; out goes every image as one repository of its own, readable
// only with a temporary user name and password issued for just that repository and for a short time. The protocol is
// go-containerregistry's handler behind our own token authentication. Blobs are opened from the Source on demand:
// nothing of an image is held in memory. It implements "How It Works" of the seed (contract/runtime.md 2.3).
package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	handler "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Source is an image that can be admitted.
type Source interface {
	// RawManifest is the manifest to be served, its media type and digest.
	RawManifest() ([]byte, types.MediaType, v1.Hash)
	// OpenBlob opens the config or a layer.
	OpenBlob(ctx context.Context, digest v1.Hash) (io.ReadCloser, error)
	// BlobSize tells the size of a blob in bytes, and whether the image has it.
	BlobSize(digest v1.Hash) (int64, bool)
}

// Options configures Open.
type Options struct {
	// Address to listen on; default 127.0.0.1:0. An engine takes plain HTTP from a loopback address only.
	Address string
	// CredentialTTL is how long an issued credential is good; default 10 minutes.
	CredentialTTL time.Duration
	// TokenTTL is how long a token is good once it was given out; default 5 minutes. Less than 60 s breaks pulls:
	// engines keep a token for that long whatever they are told.
	TokenTTL time.Duration
	// Open gives images to anybody, for a test that somebody would notice.
	Open bool
	// Clock tells the time; nil is the real one.
	Clock  func() time.Time
	Logger *slog.Logger
}

// Registry is a running registry.
type Registry struct {
	opts     Options
	listener net.Listener
	server   *http.Server
	protocol http.Handler
	gate     *gate

	mu           sync.Mutex
	repositories map[string]*repository
}

// repository is one admitted image and what was asked of it.
type repository struct {
	source    Source
	transfers Transfers
}

// Transfers is what a repository's pulls really moved.
type Transfers struct {
	Requests  int   // for manifests and blobs, refused ones left out
	Manifests int   // manifests sent
	Blobs     int   // blobs sent to their end
	Bytes     int64 // of blobs, also of those that broke off
	Refusals  []Refusal
}

// Refusal is one refused request.
type Refusal struct {
	Reason string
	At     time.Time
}

// Open starts a registry. Close it.
func Open(ctx context.Context, opts Options) (*Registry, error) {
	if opts.Address == "" {
		opts.Address = "127.0.0.1:0"
	}
	if opts.CredentialTTL == 0 {
		opts.CredentialTTL = 10 * time.Minute
	}
	opts.TokenTTL = max(opts.TokenTTL, time.Minute)
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", opts.Address)
	if err != nil {
		return nil, fmt.Errorf("registry cannot listen on %s: %w", opts.Address, err)
	}
	r := &Registry{opts: opts, listener: listener, repositories: map[string]*repository{}}
	r.gate = newGate(opts, r)
	r.protocol = handler.New(handler.WithBlobHandler(blobs{r}), handler.Logger(log.New(io.Discard, "", 0)))
	r.server = &http.Server{
		Handler: r.gate, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := r.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			opts.Logger.Error("registry ended", "error", err)
		}
	}()
	return r, nil
}

// Address is host and port, as image names carry them.
func (r *Registry) Address() string { return r.listener.Addr().String() }

// Close ends the registry and breaks off what is under way.
func (r *Registry) Close(context.Context) error {
	if err := r.server.Close(); err != nil {
		return fmt.Errorf("close registry: %w", err)
	}
	return nil
}

// Admit makes an image pullable as Address()/repository:tag. It replaces an earlier one of that name.
func (r *Registry) Admit(ctx context.Context, name, tag string, source Source) error {
	manifest, mediaType, _ := source.RawManifest()
	r.mu.Lock()
	r.repositories[name] = &repository{source: source}
	r.mu.Unlock()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, "/v2/"+name+"/manifests/"+tag, bytes.NewReader(manifest))
	if err != nil {
		return fmt.Errorf("admit %s: %w", name, err)
	}
	request.Header.Set("Content-Type", string(mediaType))
	answer := httptest.NewRecorder()
	r.protocol.ServeHTTP(answer, request)
	if answer.Code != http.StatusCreated {
		r.Expel(name)
		return fmt.Errorf("admit %s: the registry does not take its manifest: %s", name, answer.Body)
	}
	return nil
}

// Expel takes an image out. Pulls under way break off when they ask for the next blob.
func (r *Registry) Expel(name string) {
	r.mu.Lock()
	delete(r.repositories, name)
	r.mu.Unlock()
	r.gate.forget(name)
}

// Transfers is what the repository's pulls moved so far.
func (r *Registry) Transfers(name string) Transfers {
	r.mu.Lock()
	defer r.mu.Unlock()
	repo := r.repositories[name]
	if repo == nil {
		return Transfers{}
	}
	copied := repo.transfers
	copied.Refusals = append([]Refusal(nil), copied.Refusals...)
	return copied
}

// count changes a repository's transfers; unknown names are passed over.
func (r *Registry) count(name string, change func(*Transfers)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if repo := r.repositories[name]; repo != nil {
		change(&repo.transfers)
	}
}

func (r *Registry) source(name string) Source {
	r.mu.Lock()
	defer r.mu.Unlock()
	if repo := r.repositories[name]; repo != nil {
		return repo.source
	}
	return nil
}

// blobs opens blobs for the protocol from the sources.
type blobs struct{ registry *Registry }

// Stat tells the size of a blob.
func (b blobs) Stat(_ context.Context, name string, digest v1.Hash) (int64, error) {
	if source := b.registry.source(name); source != nil {
		if size, ok := source.BlobSize(digest); ok {
			return size, nil
		}
	}
	return 0, handler.ErrNotFound
}

// Get opens a blob.
func (b blobs) Get(ctx context.Context, name string, digest v1.Hash) (io.ReadCloser, error) {
	source := b.registry.source(name)
	if source == nil {
		return nil, handler.ErrNotFound
	}
	size, ok := source.BlobSize(digest)
	if !ok {
		return nil, handler.ErrNotFound
	}
	opened, err := source.OpenBlob(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", digest, err)
	}
	return &counted{ReadCloser: opened, left: size, count: func(n int64, whole bool) {
		b.registry.count(name, func(t *Transfers) {
			t.Bytes += n
			if whole {
				t.Blobs++
			}
		})
	}}, nil
}

// counted tells how much of a blob was read.
type counted struct {
	io.ReadCloser
	left  int64
	count func(n int64, whole bool)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if n > 0 {
		c.left -= int64(n)
		c.count(int64(n), c.left == 0)
	}
	return n, err //nolint:wrapcheck // a reader's own error, io.EOF among them
}
