package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// ErrCORS means that a CORS configuration cannot be put into headers; the text says what is wrong with it.
var ErrCORS = errors.New("not a valid CORS configuration")

// CORS is the CorsConfig of a function URL (gateway.md 2 and 9). While it is off, OPTIONS requests and all CORS
// headers are the function's. What the members mean follows the Fetch standard: the documents only name them.
type CORS struct {
	Enable                                   bool
	Origins, Headers, Methods, ExposeHeaders []string // "*" is any
	MaxAge                                   int      // seconds, 0 sends none
	Credentials                              bool

	fixed bool // API Gateway's, the same for every origin
}

// APIGatewayCORS is what "enable CORS" of an API means (gateway.md 9). Allowed and exposed headers are not in the
// contract and are not sent.
func APIGatewayCORS() CORS {
	return CORS{
		Enable: true, Origins: []string{"*"}, MaxAge: 86400, Credentials: true, fixed: true,
		Methods: []string{"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"},
	}
}

// Validate checks what a user configured.
func (c CORS) Validate() error {
	for _, value := range slices.Concat(c.Origins, c.Headers, c.Methods, c.ExposeHeaders) {
		if value == "" || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("%w: %q", ErrCORS, value)
		}
	}
	if c.MaxAge < 0 {
		return fmt.Errorf("%w: MaxAge of %d s; take 0 or more", ErrCORS, c.MaxAge)
	}
	return nil
}

// Handle answers a preflight request and tells that it did. To the answer of any other request it adds its headers, so
// that the platform's own answers have them too.
func (c CORS) Handle(w http.ResponseWriter, r *http.Request) (answered bool) {
	c.Add(w.Header(), r)
	method := r.Header.Get("Access-Control-Request-Method")
	if !c.Enable || r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || method == "" {
		return false
	}
	header := w.Header()
	header.Del("Access-Control-Expose-Headers") // of answers that are no preflight's
	if c.origin(r) != "" {
		put(header, "Access-Control-Allow-Methods", c.list(c.Methods, method))
		put(header, "Access-Control-Allow-Headers", c.list(c.Headers, r.Header.Get("Access-Control-Request-Headers")))
		if c.MaxAge > 0 {
			put(header, "Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// Add puts the headers of the configuration into the head of an answer, in place of the function's own.
func (c CORS) Add(header http.Header, r *http.Request) {
	if !c.Enable {
		return
	}
	origin, credentials, expose := c.origin(r), "", ""
	if origin != "" {
		expose = strings.Join(c.ExposeHeaders, ",")
		if c.Credentials {
			credentials = "true"
		}
	}
	put(header, "Access-Control-Allow-Origin", origin)
	put(header, "Access-Control-Allow-Credentials", credentials)
	put(header, "Access-Control-Expose-Headers", expose)
	if !c.anyOrigin() && !httpguts.HeaderValuesContainsToken(header["Vary"], "Origin") {
		header.Add("Vary", "Origin") // caches must tell origins apart
	}
}

// anyOrigin tells whether all origins get the same answer.
func (c CORS) anyOrigin() bool {
	return c.fixed || slices.Contains(c.Origins, "*") && !c.Credentials
}

// origin is the origin that is allowed, empty if the request's is not.
func (c CORS) origin(r *http.Request) string {
	origin := r.Header.Get("Origin")
	switch {
	case c.fixed, c.anyOrigin() && origin != "":
		return "*"
	case slices.Contains(c.Origins, "*"), slices.Contains(c.Origins, origin):
		return origin // browsers take no "*" with credentials
	default:
		return ""
	}
}

// list is a list as header. With credentials browsers take "*" literally, so it is what was asked for.
func (c CORS) list(values []string, asked string) string {
	switch {
	case !slices.Contains(values, "*"):
		return strings.Join(values, ",")
	case c.Credentials:
		return asked
	default:
		return "*"
	}
}
