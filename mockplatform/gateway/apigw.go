package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// ErrNoRoute means that API Gateway has no API for a request, which it answers with 404; the text says what it has.
var ErrNoRoute = errors.New("no API for this request")

// API is one API of a service of API Gateway, published in one stage, with the function behind it. Zero values mean
// the defaults.
type API struct {
	ServiceID string // service-…
	ID        string // api-…, shows in responses only
	// Path is the configured one, default "/". It matches by prefix, with a leading "=" exactly; a {name} in it stands
	// for a whole segment.
	Path   string
	Method string // the configured one, default ANY
	Stage  string // test, prepub or release, default release
	// Base64 has bodies reach the function as base64 (isBase64Encoded).
	Base64 bool
	// Integrated has the return value be a response object. Triggers that were made in the console of SCF have it, those
	// that were made by API have it not.
	Integrated bool
}

func (a API) orDefaults() API {
	a.Path, a.Method, a.Stage = cmp.Or(a.Path, "/"), cmp.Or(a.Method, "ANY"), cmp.Or(a.Stage, "release")
	return a
}

// Mode is what the API makes of an event function's return value.
func (a API) Mode() Mode {
	if a.Integrated {
		return Integration
	}
	return Passthrough
}

// Route is where a request goes.
type Route struct {
	// Target is path and query for the function: the request's own bytes, without the segment of the stage.
	Target     string
	Parameters map[string]string // of the path, as on the wire
}

// Route finds the way of a request's method and target (gateway.md 3). The path of the API is not stripped.
func (a API) Route(method, target string) (Route, error) {
	a = a.orDefaults()
	path, query, asked := strings.Cut(originForm(target), "?")
	stage, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if stage != a.Stage || !strings.HasPrefix(path, "/") {
		return Route{}, fmt.Errorf("%w: path %q does not begin with the stage that is published, /%s", ErrNoRoute, path, a.Stage)
	}
	path = "/" + rest
	parameters, ok := a.match(path)
	if !ok {
		return Route{}, fmt.Errorf("%w: path %q in stage %s; the API has %q", ErrNoRoute, path, a.Stage, a.Path)
	}
	if a.Method != "ANY" && a.Method != method {
		return Route{}, fmt.Errorf("%w: method %s; the API has %s", ErrNoRoute, method, a.Method)
	}
	if asked {
		path += "?" + query
	}
	return Route{Target: path, Parameters: parameters}, nil
}

// match holds a path against the configured one and gives the values of its {names}.
func (a API) match(path string) (map[string]string, bool) {
	pattern, exact := strings.CutPrefix(a.Path, "=")
	parameters := map[string]string{}
	for pattern != "" {
		if end := strings.IndexByte(pattern, '}'); pattern[0] == '{' && end > 0 {
			value, _, _ := strings.Cut(path, "/")
			if value == "" {
				return nil, false
			}
			parameters[pattern[1:end]] = value
			pattern, path = pattern[end+1:], path[len(value):]
			continue
		}
		if path == "" || path[0] != pattern[0] {
			return nil, false
		}
		pattern, path = pattern[1:], path[1:]
	}
	return parameters, !exact || path == ""
}

// Answered adds to a response what API Gateway tells of it (gateway.md 6, seen in 2020). Headers of that list without a
// recorded value are left out.
func Answered(header http.Header, r *http.Request, ctx EventContext, status int) {
	path, _, _ := strings.Cut(originForm(target(r)), "?")
	for name, value := range map[string]string{
		"X-Api-Requestid": ctx.RequestID, "X-Api-Id": ctx.API.ID, "X-Api-Funcname": ctx.Function, "X-Api-Appid": ctx.AppID,
		"X-Api-Serviceid": ctx.API.ServiceID, "X-Api-Httphost": r.Host, "X-Api-Uri": path, "X-Api-Status": strconv.Itoa(status),
	} {
		put(header, name, value)
	}
}

// RefuseAPIGateway writes what API Gateway answers where an HTTP function gave no answer: the platform's code as HTTP
// status and an empty body, the text in a header (contract/runtime.md 6.1).
func RefuseAPIGateway(w http.ResponseWriter, status contract.Status, message string, ctx EventContext) {
	oneLine := strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, message)
	for name, values := range contract.GatewayErrorHeader(oneLine, ctx.RequestID) {
		put(w.Header(), name, values[0])
	}
	w.WriteHeader(status.Code)
}
