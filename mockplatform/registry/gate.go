package registry

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scfcert/scfcert/mockplatform/engine"
)

// Words of a refusal. They reach the user through the engine, so each says which case it is.
const (
	reasonNone    = "credentials required: a pull needs the temporary user name and password of this repository"
	reasonWrong   = "wrong user name or password"
	reasonExpired = "the temporary credential has expired; request a new one"
	reasonForeign = "this credential is for another repository"
	reasonPush    = "this credential is for pulling only"
	reasonToken   = "no valid token; authenticate again" //nolint:gosec // words, no credential
	reasonUnknown = "no such repository"
)

// maxTokenRequest bounds the query of a token request.
const maxTokenRequest = 8 << 10

// gate stands before the protocol: it gives out tokens for credentials and lets requests with a fitting token pass.
type gate struct {
	opts     Options
	registry *Registry

	mu          sync.Mutex
	credentials map[string]credential // by user name
	tokens      map[string]token
}

type credential struct {
	password, repository string
	expires              time.Time
}

type token struct {
	repository string
	pull       bool
	expires    time.Time
}

func newGate(opts Options, r *Registry) *gate {
	return &gate{opts: opts, registry: r, credentials: map[string]credential{}, tokens: map[string]token{}}
}

// Issue makes a temporary user name and password that are good for pulling from one repository until they expire.
func (r *Registry) Issue(repository string) engine.Credential {
	g := r.gate
	issued := engine.Credential{Username: "tmp-" + nonce(6), Password: nonce(24), Expires: g.opts.Clock().Add(g.opts.CredentialTTL)}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.credentials[issued.Username] = credential{issued.Password, repository, issued.Expires}
	return issued
}

// Expired tells whether a credential is past its time.
func (r *Registry) Expired(c engine.Credential) bool { return r.gate.opts.Clock().After(c.Expires) }

// Revoke ends a credential before its time. Tokens that were given out for it stay good for theirs.
func (r *Registry) Revoke(username string) {
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	delete(r.gate.credentials, username)
}

// forget drops what was issued for a repository.
func (g *gate) forget(repository string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, c := range g.credentials {
		if c.repository == repository {
			delete(g.credentials, name)
		}
	}
	for name, t := range g.tokens {
		if t.repository == repository || g.opts.Clock().After(t.expires) {
			delete(g.tokens, name)
		}
	}
}

func nonce(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		g.giveToken(w, r)
		return
	}
	repository, kind := resource(r.URL.Path)
	given, ok := g.tokenOf(r)
	if g.opts.Open {
		given, ok = token{repository: repository, pull: true}, true
	}
	if !ok {
		g.challenge(w, r, repository)
		return
	}
	switch {
	case repository == "" && r.URL.Path != "/v2/":
		g.deny(w, "", http.StatusForbidden, "DENIED", "the catalogue is not open")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		g.deny(w, repository, http.StatusForbidden, "DENIED", reasonPush)
	case repository != "" && (!given.pull || given.repository != repository):
		g.deny(w, repository, http.StatusForbidden, "DENIED", reasonForeign)
	default:
		g.registry.count(repository, func(t *Transfers) {
			t.Requests++
			if kind == "manifests" && r.Method == http.MethodGet {
				t.Manifests++
			}
		})
		g.registry.protocol.ServeHTTP(w, r)
	}
}

// resource takes /v2/NAME/manifests/REFERENCE or /v2/NAME/blobs/DIGEST apart.
func resource(path string) (repository, kind string) {
	elements := strings.Split(strings.Trim(path, "/"), "/")
	if len(elements) < 4 || elements[0] != "v2" {
		return "", ""
	}
	kind = elements[len(elements)-2]
	if kind != "manifests" && kind != "blobs" && kind != "uploads" && kind != "tags" {
		return "", ""
	}
	return strings.Join(elements[1:len(elements)-2], "/"), kind
}

// tokenOf finds the request's token, if it is good.
func (g *gate) tokenOf(r *http.Request) (token, bool) {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return token{}, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	found, ok := g.tokens[text]
	return found, ok && g.opts.Clock().Before(found.expires)
}

// challenge tells where to get a token.
func (g *gate) challenge(w http.ResponseWriter, r *http.Request, repository string) {
	scope := ""
	if repository != "" {
		scope = fmt.Sprintf(`,scope="repository:%s:pull"`, strings.Map(plain, repository))
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="scfcert"%s`, r.Host, scope))
	reject(w, http.StatusUnauthorized, "UNAUTHORIZED", reasonToken)
}

// plain drops what would break a quoted string.
func plain(c rune) rune {
	if c < ' ' || c == '"' || c == '\\' || c > '~' {
		return -1
	}
	return c
}

// giveToken is the token endpoint. It is the one place where a credential is judged: engines keep a token for a minute
// at least, so an expired credential can be refused only here.
func (g *gate) giveToken(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.RawQuery) > maxTokenRequest {
		reject(w, http.StatusRequestURITooLong, "UNSUPPORTED", "the token request is too long")
		return
	}
	if r.Method != http.MethodGet {
		reject(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "ask for a token with GET")
		return
	}
	repository, actions := scope(r.URL.Query()["scope"])
	username, password, ok := r.BasicAuth()
	if !ok {
		g.deny(w, repository, http.StatusUnauthorized, "UNAUTHORIZED", reasonNone)
		return
	}
	g.mu.Lock()
	known, found := g.credentials[username]
	g.mu.Unlock()
	now := g.opts.Clock()
	switch {
	case !found || subtle.ConstantTimeCompare([]byte(password), []byte(known.password)) != 1:
		g.deny(w, repository, http.StatusUnauthorized, "UNAUTHORIZED", reasonWrong)
		return
	case !now.Before(known.expires):
		g.deny(w, repository, http.StatusUnauthorized, "UNAUTHORIZED", reasonExpired)
		return
	}
	// A token for a foreign repository is given out without the right to it; the request that uses it is refused with
	// the reason, as registries do.
	given := token{repository: known.repository, pull: repository == "" || repository == known.repository && slices.Contains(actions, "pull"), expires: now.Add(g.opts.TokenTTL)}
	text := nonce(24)
	g.mu.Lock()
	g.tokens[text] = given
	g.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"token": text, "access_token": text, "expires_in": int(g.opts.TokenTTL / time.Second), "issued_at": now.UTC().Format(time.RFC3339),
	})
}

// scope reads "repository:NAME:ACTIONS" of the first scope that names a repository.
func scope(scopes []string) (repository string, actions []string) {
	for _, list := range scopes {
		for one := range strings.SplitSeq(list, " ") {
			kind, rest, _ := strings.Cut(one, ":")
			at := strings.LastIndexByte(rest, ':')
			if kind == "repository" && at > 0 {
				return rest[:at], strings.Split(rest[at+1:], ",")
			}
		}
	}
	return "", nil
}

// deny refuses and remembers why.
func (g *gate) deny(w http.ResponseWriter, repository string, status int, code, reason string) {
	if repository != "" && g.registry.source(repository) == nil {
		reason = reasonUnknown
	}
	g.registry.count(repository, func(t *Transfers) {
		if len(t.Refusals) < maxRefusals {
			t.Refusals = append(t.Refusals, Refusal{reason, g.opts.Clock()})
		}
	})
	reject(w, status, code, reason)
}

// maxRefusals bounds what is remembered: anybody on this machine can cause one.
const maxRefusals = 100

// reject writes an error in the registry protocol's form.
func reject(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}, "details": message})
}
