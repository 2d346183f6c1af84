package gateway_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/gateway"
)

func TestTheStageIsStrippedAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		api            gateway.API
		method, target string
		want           string // empty is no route
		parameters     map[string]string
	}{
		"stage":                       {gateway.API{}, "GET", "/release/foo", "/foo", nil},
		"stage alone":                 {gateway.API{}, "GET", "/release", "/", nil},
		"stage and slash":             {gateway.API{}, "GET", "/release/", "/", nil},
		"stage and query":             {gateway.API{}, "GET", "/release?a=%20&a", "/?a=%20&a", nil},
		"empty query":                 {gateway.API{}, "GET", "/release/a?", "/a?", nil},
		"bytes stay":                  {gateway.API{}, "GET", "/release//a%2Fb/../c?%zz=?", "//a%2Fb/../c?%zz=?", nil},
		"absolute form":               {gateway.API{}, "GET", "http://h/release/foo?x", "/foo?x", nil},
		"other stage":                 {gateway.API{Stage: "test"}, "GET", "/test/release/foo", "/release/foo", nil},
		"stage not published":         {gateway.API{}, "GET", "/prepub/foo", "", nil},
		"stage is a whole segment":    {gateway.API{}, "GET", "/released/foo", "", nil},
		"no stage":                    {gateway.API{}, "GET", "/", "", nil},
		"no path":                     {gateway.API{}, "GET", "release/foo", "", nil},
		"asterisk":                    {gateway.API{}, "OPTIONS", "*", "", nil},
		"nothing":                     {gateway.API{}, "GET", "", "", nil},
		"host alone":                  {gateway.API{}, "GET", "http://h", "", nil},
		"prefix, own path stays":      {gateway.API{Path: "/ccc"}, "GET", "/release/ccc/echo", "/ccc/echo", nil},
		"not the prefix":              {gateway.API{Path: "/ccc"}, "GET", "/release/cc", "", nil},
		"exact":                       {gateway.API{Path: "=/ccc"}, "GET", "/release/ccc?q", "/ccc?q", nil},
		"exact, more follows":         {gateway.API{Path: "=/ccc"}, "GET", "/release/ccc/echo", "", nil},
		"template":                    {gateway.API{Path: "/o/{id}/i/{n}"}, "GET", "/release/o/4%202/i/7/x", "/o/4%202/i/7/x", map[string]string{"id": "4%202", "n": "7"}},
		"template, empty":             {gateway.API{Path: "/o/{id}"}, "GET", "/release/o/", "", nil},
		"template, exact":             {gateway.API{Path: "=/o/{id}"}, "GET", "/release/o/1/2", "", nil},
		"template that does not end":  {gateway.API{Path: "/o/{id"}, "GET", "/release/o/1", "", nil},
		"method":                      {gateway.API{Method: "POST"}, "POST", "/release/", "/", nil},
		"other method":                {gateway.API{Method: "POST"}, "GET", "/release/", "", nil},
		"any method":                  {gateway.API{Method: "ANY"}, "BREW", "/release/", "/", nil},
		"percent-encoded stage is no": {gateway.API{}, "GET", "/%72elease/foo", "", nil},
	} {
		route, err := c.api.Route(c.method, c.target)
		if c.want == "" {
			if !errors.Is(err, gateway.ErrNoRoute) {
				t.Errorf("%s: %v, %v", name, route, err)
			}
			continue
		}
		if c.parameters == nil {
			c.parameters = map[string]string{}
		}
		if err != nil || route.Target != c.want || !reflect.DeepEqual(route.Parameters, c.parameters) {
			t.Errorf("%s: %v, %v", name, route, err)
		}
	}
}

func TestWhatAnAPIMakesOfReturnValues(t *testing.T) {
	if (gateway.API{}).Mode() != gateway.Passthrough || (gateway.API{Integrated: true}).Mode() != gateway.Integration {
		t.Error("the default is off")
	}
}

func TestAPIGatewayStampsItsResponses(t *testing.T) {
	header := http.Header{"X-Api-Status": {"forged"}, "X-A": {"1"}}
	gateway.Answered(header, request(http.MethodGet, "/release/foo?x", nil), gateway.EventContext{
		RequestID: "id", Function: "hello", AppID: "1250000001", API: gateway.API{ServiceID: "service-x"},
	}, http.StatusTeapot)
	want := http.Header{
		"X-Api-Requestid": {"id"}, "X-Api-Funcname": {"hello"}, "X-Api-Appid": {"1250000001"}, "X-Api-Serviceid": {"service-x"},
		"X-Api-Httphost": {"example.com"}, "X-Api-Uri": {"/release/foo"}, "X-Api-Status": {"418"}, "X-A": {"1"},
	}
	if !reflect.DeepEqual(header, want) {
		t.Errorf("got  %v\nwant %v", header, want)
	}
}

func TestAPIGatewayRefusesWithAHeader(t *testing.T) {
	w := httptest.NewRecorder()
	gateway.RefuseAPIGateway(w, contract.StatusContainerStateExited, contract.ContainerExitMessage+"\r\nX: y", gateway.EventContext{RequestID: strings.Repeat("a", 32)})
	want := http.Header{
		"Content-Length": {"0"}, "Connection": {"keep-alive"}, "X-Api-Requestid": {strings.Repeat("a", 32)},
		"X-Scf-Message": {contract.ContainerExitMessage + "  X: y"},
	}
	if got := w.Result(); got.StatusCode != http.StatusMethodNotAllowed || !reflect.DeepEqual(got.Header, want) || w.Body.Len() != 0 {
		t.Errorf("%d %v %s", got.StatusCode, got.Header, w.Body)
	}
}

func FuzzARouteKeepsTheBytes(f *testing.F) {
	f.Add("/{id}", "/release/a?b")
	f.Add("={", "/release")
	f.Add("\xff{}", "http://?")
	f.Fuzz(func(t *testing.T, path, target string) {
		route, err := gateway.API{Path: path}.Route(http.MethodGet, target)
		if err != nil {
			if !errors.Is(err, gateway.ErrNoRoute) {
				t.Error(err)
			}
			return
		}
		if kept := strings.TrimPrefix(route.Target, "/"); !strings.HasPrefix(route.Target, "/") || !strings.HasSuffix(target, kept) {
			t.Errorf("%q became %q", target, route.Target)
		}
	})
}
