// Package gateway is the HTTP face of a function: what of a client's request reaches it, and what of its answer, or of
// the platform's, reaches the client.
//
// In comes net/http's view of a request; out come the parts of a call and, later, the response. It knows no function.
// It implements sections 6.1, 7.3 and 8.2 of contract/runtime.md, R14 and Q14; sections 3, 4, 6 and 9 of
// contract/gateway.md; and for event functions sections 3.1, 3.3 and 4 of contract/events.md.
package gateway

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// ErrRequest means that a request cannot be put into HTTP; the text says what is wrong with it.
var ErrRequest = errors.New("not a valid HTTP request")

// hopByHop headers concern one connection and are never forwarded. Expect was answered by us when we read the body.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect"}

// PassedThrough is a client's header without what is the platform's to say (Q14): the documented X-Scf-* are always
// taken out, unknown ones unless the reading client-headers passes them.
func PassedThrough(client http.Header, readings contract.Readings) http.Header {
	const platforms = "X-Scf-"
	passed := make(http.Header, len(client)+16) //nolint:mnd // room for the platform's own
	for name, values := range client {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if strings.HasPrefix(canonical, platforms) && (readings.ClientHeaders == "strip" || contract.IsHeader(canonical)) {
			continue
		}
		passed[name] = slices.Clone(values)
	}
	dropHops(passed, client)
	return passed
}

// dropHops takes out what concerns one connection only, and what its Connection header lists.
func dropHops(header, of http.Header) {
	for _, listed := range of.Values("Connection") {
		for name := range strings.SplitSeq(listed, ",") {
			header.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		header.Del(name)
	}
}

// Check tells whether a request can be put into HTTP: nothing in it may end a line or a word early.
func Check(method, target, host string, header http.Header) error {
	if !httpguts.ValidHeaderFieldName(method) { // a token, as a method is
		return fmt.Errorf("%w: method %q", ErrRequest, method)
	}
	if target == "" || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return fmt.Errorf("%w: target %q: write spaces and control characters as %%xx", ErrRequest, target)
	}
	if !httpguts.ValidHostHeader(host) {
		return fmt.Errorf("%w: host %q", ErrRequest, host)
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("%w: header name %q", ErrRequest, name)
		}
		for _, value := range header[name] {
			if !httpguts.ValidHeaderFieldValue(value) {
				return fmt.Errorf("%w: value of header %s", ErrRequest, name) // the value may be a secret
			}
		}
	}
	return nil
}

// Forward writes the head of a function's answer as it is, without what concerns its connection to us.
func Forward(w http.ResponseWriter, status int, answer http.Header) {
	header := w.Header()
	maps.Copy(header, answer)
	dropHops(header, answer)
	if _, ok := answer["Content-Type"]; !ok {
		header["Content-Type"] = nil // net/http would guess one
	}
	if _, ok := answer["Date"]; !ok {
		header["Date"] = nil
	}
	w.WriteHeader(status)
}

// AsksForWebSocket tells whether a request wants its connection switched to WebSocket.
func AsksForWebSocket(client http.Header) bool {
	return httpguts.HeaderValuesContainsToken(client["Connection"], "upgrade") && httpguts.HeaderValuesContainsToken(client["Upgrade"], "websocket")
}

// Switch writes the head of an answer that switches the connection's protocol.
func Switch(w io.Writer, answer http.Header) error {
	if _, err := io.WriteString(w, "HTTP/1.1 101 Switching Protocols\r\n"); err != nil {
		return fmt.Errorf("switch protocols: %w", err)
	}
	if err := answer.Write(w); err != nil {
		return fmt.Errorf("switch protocols: %w", err)
	}
	if _, err := io.WriteString(w, "\r\n"); err != nil {
		return fmt.Errorf("switch protocols: %w", err)
	}
	return nil
}

// Refuse writes the platform's own answer where the function gave none: what a function URL answers for an HTTP
// function. The HTTP status is the platform's code (inferred).
func Refuse(w http.ResponseWriter, status contract.Status, message string) {
	body := contract.WebErrorBody(status, message)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status.Code)
	_, _ = w.Write(body)
}

// EventFailure is what API Gateway answers when an event function failed: the platform's code as HTTP status, or by
// the older reading 200, each with the invocation's error as body (Q10).
func EventFailure(status contract.Status, message, requestID string, readings contract.Readings) (httpStatus int, body []byte) {
	body = contract.InvokeErrorBody(status, message, requestID)
	if readings.GatewayErrorStatus == "200" {
		return http.StatusOK, body
	}
	return status.Code, body
}
