package mockplatform

import (
	"net/http"

	"github.com/scfcert/scfcert/mockplatform/instance"
)

// Tampering breaks the platform on purpose, so that a suite can show that it would notice. A nil member changes nothing.
type Tampering struct {
	// Spec may change what is deployed.
	Spec func(spec *FunctionSpec)
	// Environment may change what the platform puts into a process of a function.
	Environment func(function string, env []string) []string
	// Request may change what is sent to a function.
	Request func(function string, request *TamperedRequest)
	// Result may change what an invocation returns.
	Result func(function string, result *Result)
	// OpenRegistry has the registry give images to anybody.
	OpenRegistry bool
}

// TamperedRequest is what can be changed of a request to a function.
type TamperedRequest struct {
	Target string
	Header http.Header
	Body   []byte
	// Client is the header as the client sent it; nil for events.
	Client http.Header
}

func (t *Tampering) spec(spec *FunctionSpec) {
	if t != nil && t.Spec != nil {
		t.Spec(spec)
	}
}

func (t *Tampering) environment(function string, env []string) []string {
	if t != nil && t.Environment != nil {
		return t.Environment(function, env)
	}
	return env
}

func (t *Tampering) request(function string, call *instance.Call, client http.Header) {
	if t != nil && t.Request != nil {
		changed := TamperedRequest{Target: call.Target, Header: call.Header, Body: call.Body, Client: client}
		t.Request(function, &changed)
		call.Target, call.Header, call.Body = changed.Target, changed.Header, changed.Body
	}
}

func (t *Tampering) result(function string, result *Result) {
	if t != nil && t.Result != nil {
		t.Result(function, result)
	}
}
