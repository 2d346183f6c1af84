package gateway

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Front is the kind of gateway that a function stands behind.
type Front int

// The two kinds (gateway.md 1). API Gateway is switched off as a product and kept for compatibility.
const (
	FunctionURL Front = iota
	APIGateway
)

// HeaderRemoteAddr holds the client's address behind a function URL (gateway.md 4).
const HeaderRemoteAddr = "X-Scf-Remote-Addr"

// Forwarded adds to a request's header what the gateway tells the function of its client (gateway.md 4). The header is
// one that PassedThrough made: an X-Scf-Remote-Addr that the client could get through stays as measured (QA10).
// Headers of the table without a recorded value are left out.
func Forwarded(header http.Header, r *http.Request, front Front, ctx EventContext) {
	ip := SourceIP(r)
	if front == FunctionURL {
		if !has(header, HeaderRemoteAddr) {
			put(header, HeaderRemoteAddr, ip)
		}
		return
	}
	ctx = ctx.orDefaults()
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	chain := header.Values("X-Forwarded-For")
	if ip != "" { // the last entry is ours, and the only one to be trusted
		chain = append(slices.Clip(chain), ip)
	}
	for name, value := range map[string]string{
		"X-Client-Proto": scheme, "X-Client-Proto-Ver": r.Proto, "X-Forwarded-For": strings.Join(chain, ", "), "X-Real-Ip": ip,
		"X-B3-Traceid": ctx.RequestID, "X-Api-Requestid": ctx.RequestID, "X-Api-Scheme": scheme,
		// The ones also seen, with the values of events.md 3.1.
		"Requestsource": "APIGW", "Endpoint-Timeout": "15", "X-Qualifier": ctx.Qualifier, "X-Anonymous-Consumer": "true",
	} {
		put(header, name, value)
	}
}

// SourceIP is the address of a request's client, bare (QA21); empty where it came over something without addresses.
func SourceIP(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return peer.Addr().Unmap().WithZone("").String()
}

// has tells whether a header is there, however its name is spelt.
func has(header http.Header, name string) bool {
	for known := range header {
		if strings.EqualFold(known, name) {
			return true
		}
	}
	return false
}

// put replaces a header, however its name is spelt. A value that HTTP cannot carry is as none.
func put(header http.Header, name, value string) {
	maps.DeleteFunc(header, func(known string, _ []string) bool { return strings.EqualFold(known, name) })
	if value != "" && httpguts.ValidHeaderFieldValue(value) {
		header.Set(name, value)
	}
}
