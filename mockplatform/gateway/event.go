package gateway

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// ErrEvent means that a request cannot be told as an event; the text says why and what to do. It is a request of the
// kind that the platform refuses with 400 InvalidParameterValue.
var ErrEvent = errors.New("the request makes no event")

// EventContext is what the platform knows of a request beside the request itself.
type EventContext struct {
	// RequestID is the gateway's own, 32 hex digits, and not the invocation's. API Gateway only.
	RequestID string
	// API is what the request came to. API Gateway only.
	API API
	// Qualifier that the API calls, default $DEFAULT. API Gateway only.
	Qualifier string
	// Function and AppID show in the response headers of API Gateway.
	Function, AppID string
	Readings        contract.Readings
}

func (c EventContext) orDefaults() EventContext {
	c.Qualifier = cmp.Or(c.Qualifier, "$DEFAULT")
	c.API = c.API.orDefaults()
	return c
}

// URLEvent is the event that a function URL makes of a request (events.md 3.3). Path is as on the wire; the members of
// the query are decoded, and a repeated one is joined by commas, because the documented map holds strings (inferred).
// A body that is no UTF-8 is ErrEvent: the event has no isBase64Encoded.
func URLEvent(r *http.Request, body []byte, ctx EventContext) ([]byte, error) {
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("%w: its body is not UTF-8, and the event of a function URL has no isBase64Encoded: send text, base64 for example, or take an HTTP-triggered function", ErrEvent)
	}
	path, query, _ := strings.Cut(originForm(target(r)), "?")
	queryString := map[string]string{}
	for name, values := range parameters(query) {
		texts := make([]string, len(values))
		for i, value := range values {
			texts[i] = value.text
		}
		queryString[name] = strings.Join(texts, ",")
	}
	return event(struct {
		Method      string            `json:"httpMethod"`
		Path        string            `json:"path"`
		QueryString map[string]string `json:"queryString"`
		Headers     map[string]string `json:"headers"`
		Body        string            `json:"body"`
	}{r.Method, path, queryString, eventHeaders(r, FunctionURL, ctx), string(body)})
}

// APIGatewayEvent is the event that API Gateway makes of a request (events.md 3.1), ErrNoRoute where it has no API for
// it. A parameter without value is true in queryString, a repeated one an array, as the official decoder takes them. A
// body that is no UTF-8 is ErrEvent unless the API encodes bodies.
func APIGatewayEvent(r *http.Request, body []byte, ctx EventContext) ([]byte, error) {
	ctx = ctx.orDefaults()
	route, err := ctx.API.Route(r.Method, target(r))
	if err != nil {
		return nil, err
	}
	text := string(body)
	if ctx.API.Base64 {
		text = base64.StdEncoding.EncodeToString(body)
	} else if !utf8.Valid(body) {
		return nil, fmt.Errorf("%w: its body is not UTF-8: enable base64 encoding of the API, or send text", ErrEvent)
	}
	path, query, _ := strings.Cut(route.Target, "?")
	queryString := map[string]any{}
	for name, values := range parameters(query) {
		switch {
		case len(values) == 1 && !values[0].given:
			queryString[name] = true
		case len(values) == 1:
			queryString[name] = values[0].text
		default:
			texts := make([]string, len(values))
			for i, value := range values {
				texts[i] = value.text
			}
			queryString[name] = texts
		}
	}
	type none struct{}
	type requestContext struct {
		ServiceID string `json:"serviceId"`
		Path      string `json:"path"`
		Method    string `json:"httpMethod"`
		RequestID string `json:"requestId"`
		Identity  none   `json:"identity"` // anonymous
		SourceIP  string `json:"sourceIp"`
		Stage     string `json:"stage"`
	}
	return event(struct {
		Context               requestContext    `json:"requestContext"`
		Headers               map[string]string `json:"headers"`
		Path                  string            `json:"path"`
		Method                string            `json:"httpMethod"`
		QueryString           map[string]any    `json:"queryString"`
		PathParameters        map[string]string `json:"pathParameters"`
		QueryStringParameters none              `json:"queryStringParameters"` // none declared
		HeaderParameters      none              `json:"headerParameters"`      // none declared
		StageVariables        map[string]string `json:"stageVariables"`
		Body                  string            `json:"body,omitempty"`            // absent without a body (QA18)
		Base64                bool              `json:"isBase64Encoded,omitempty"` // present where enabled
	}{
		requestContext{
			ServiceID: ctx.API.ServiceID, Path: ctx.API.Path, Method: ctx.API.Method, RequestID: ctx.RequestID,
			SourceIP: SourceIP(r), Stage: ctx.API.Stage,
		},
		eventHeaders(r, APIGateway, ctx), path, r.Method, queryString, route.Parameters, none{}, none{},
		map[string]string{"stage": ctx.API.Stage}, text, ctx.API.Base64,
	})
}

// eventHeaders are the headers of an event: lower-case names, each with one string. Bytes that are no UTF-8 are U+FFFD.
func eventHeaders(r *http.Request, front Front, ctx EventContext) map[string]string {
	header := PassedThrough(r.Header, ctx.Readings)
	Forwarded(header, r, front, ctx)
	joined := map[string]string{"host": r.Host}
	for name, values := range header {
		separator := ", "
		if name == "Cookie" {
			separator = "; " // as RFC 6265 has it
		}
		joined[strings.ToLower(name)] = strings.Join(values, separator)
	}
	return joined
}

// parameter is one value in a query; one without "=" is not given.
type parameter struct {
	text  string
	given bool
}

// parameters takes a query apart. What is no valid encoding stays as it is.
func parameters(query string) map[string][]parameter {
	all := map[string][]parameter{}
	for part := range strings.SplitSeq(query, "&") {
		name, value, given := strings.Cut(part, "=")
		if name = unescaped(name); name != "" {
			all[name] = append(all[name], parameter{unescaped(value), given})
		}
	}
	return all
}

func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// target is a request's target as on the wire.
func target(r *http.Request) string {
	if r.RequestURI != "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// originForm is a target without scheme and authority, where the client sent them.
func originForm(target string) string {
	if strings.HasPrefix(target, "/") {
		return target
	}
	_, rest, absolute := strings.Cut(target, "://")
	if !absolute {
		return target
	}
	start := strings.IndexAny(rest, "/?")
	switch {
	case start < 0:
		return "/"
	case rest[start] == '?':
		return "/" + rest[start:]
	default:
		return rest[start:]
	}
}

// event is JSON that leaves <, & and > as they are.
func event(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}
