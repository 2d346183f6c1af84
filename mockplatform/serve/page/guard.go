package page

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Only what we serve ourselves, no script or style in the page, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard keeps other web sites out. A developer has many of them open, and each can send requests to loopback: those that
// change something must come from our own page or from no browser, and all must be for a name that is ours.
func (s *site) guard(next http.Handler, hosts []string) http.Handler {
	own := map[string]bool{"localhost": true}
	for _, host := range hosts {
		own[hostName(host)] = true
	}
	delete(own, "") // of a listener on every address
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.deny(w, r, crossSite()) }))
	inside := sameOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		// With no-referrer browsers say "Origin: null" in our own forms, which is no better than a foreign one.
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		if !ours(r.Host, own) {
			s.deny(w, r, foreignHost(r.Host))
			return
		}
		inside.ServeHTTP(w, r)
	})
}

// deny refuses in the form that the client expects.
func (s *site) deny(w http.ResponseWriter, r *http.Request, p *clientError) {
	if strings.HasPrefix(r.URL.Path, s.prefix+"/api/") {
		answer(w, p.status, apiError{p.Text.EN})
		return
	}
	s.refuse(w, r, p)
}

// ours tells whether a request's host is a name of this server. An address is: the browser went where it says, and no
// other site can have it resolved to us. Names below localhost are loopback (RFC 6761).
func ours(host string, own map[string]bool) bool {
	name := hostName(host)
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return own[name] || strings.HasSuffix(name, ".localhost")
}

// hostName is a host without its port, brackets and last dot, in small letters.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
