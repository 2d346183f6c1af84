package gateway_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/scfcert/scfcert/mockplatform/gateway"
)

const origin = "https://a.example"

func preflight(from string) *http.Request {
	return request(http.MethodOptions, "/", http.Header{
		"Origin": {from}, "Access-Control-Request-Method": {"PUT"}, "Access-Control-Request-Headers": {"x-a,x-b"},
	})
}

func config() gateway.CORS {
	return gateway.CORS{
		Enable: true, Origins: []string{origin, "https://b.example"}, Headers: []string{"X-A", "X-B"}, Methods: []string{"GET", "PUT"},
		ExposeHeaders: []string{"X-C", "X-D"}, MaxAge: 60, Credentials: true,
	}
}

func TestAPreflightIsAnswered(t *testing.T) {
	wildcard := gateway.CORS{Enable: true, Origins: []string{"*"}, Headers: []string{"*"}, Methods: []string{"*"}}
	credentials := wildcard
	credentials.Credentials = true
	for name, c := range map[string]struct {
		cors gateway.CORS
		from string
		want http.Header
	}{
		"allowed": {config(), origin, http.Header{
			"Access-Control-Allow-Origin": {origin}, "Access-Control-Allow-Methods": {"GET,PUT"}, "Access-Control-Allow-Headers": {"X-A,X-B"},
			"Access-Control-Max-Age": {"60"}, "Access-Control-Allow-Credentials": {"true"}, "Vary": {"Origin"},
		}},
		"another origin": {config(), "https://evil.example", http.Header{"Vary": {"Origin"}}},
		"anything": {wildcard, origin, http.Header{
			"Access-Control-Allow-Origin": {"*"}, "Access-Control-Allow-Methods": {"*"}, "Access-Control-Allow-Headers": {"*"},
		}},
		"anything with credentials": {credentials, origin, http.Header{
			"Access-Control-Allow-Origin": {origin}, "Access-Control-Allow-Methods": {"PUT"}, "Access-Control-Allow-Headers": {"x-a,x-b"},
			"Access-Control-Allow-Credentials": {"true"}, "Vary": {"Origin"},
		}},
		"API Gateway": {gateway.APIGatewayCORS(), origin, http.Header{
			"Access-Control-Allow-Origin": {"*"}, "Access-Control-Allow-Methods": {"GET,POST,PUT,DELETE,HEAD,OPTIONS,PATCH"},
			"Access-Control-Allow-Credentials": {"true"}, "Access-Control-Max-Age": {"86400"},
		}},
	} {
		w := httptest.NewRecorder()
		if !c.cors.Handle(w, preflight(c.from)) {
			t.Errorf("%s: not answered", name)
		}
		if got := w.Result(); got.StatusCode != http.StatusNoContent || !reflect.DeepEqual(got.Header, c.want) {
			t.Errorf("%s: %d %v, not %v", name, got.StatusCode, got.Header, c.want)
		}
	}
}

func TestWhatIsNoPreflightGoesToTheFunction(t *testing.T) {
	for name, c := range map[string]struct {
		cors gateway.CORS
		r    *http.Request
	}{
		"off":            {gateway.CORS{Origins: []string{"*"}}, preflight(origin)},
		"plain OPTIONS":  {config(), request(http.MethodOptions, "/", http.Header{"Origin": {origin}})},
		"without origin": {config(), request(http.MethodOptions, "/", http.Header{"Access-Control-Request-Method": {"PUT"}})},
		"another method": {config(), request(http.MethodGet, "/", preflight(origin).Header)},
	} {
		w := httptest.NewRecorder()
		if c.cors.Handle(w, c.r) {
			t.Errorf("%s: answered", name)
		}
		if !c.cors.Enable && len(w.Header()) != 0 {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
}

func TestAnswersCarryTheConfigurationAndNotTheFunctions(t *testing.T) {
	functions := http.Header{"Access-Control-Allow-Origin": {"*"}, "access-control-expose-headers": {"X-Z"}, "Vary": {"Accept"}, "X-A": {"1"}}
	for name, c := range map[string]struct {
		cors gateway.CORS
		from string
		want http.Header
	}{
		"off": {gateway.CORS{}, origin, functions},
		"allowed": {config(), origin, http.Header{
			"Access-Control-Allow-Origin": {origin}, "Access-Control-Allow-Credentials": {"true"}, "Access-Control-Expose-Headers": {"X-C,X-D"},
			"Vary": {"Accept", "Origin"}, "X-A": {"1"},
		}},
		"another origin": {config(), "https://evil.example", http.Header{"Vary": {"Accept", "Origin"}, "X-A": {"1"}}},
		"no origin":      {config(), "", http.Header{"Vary": {"Accept", "Origin"}, "X-A": {"1"}}},
		"API Gateway, no origin": {gateway.APIGatewayCORS(), "", http.Header{
			"Access-Control-Allow-Origin": {"*"}, "Access-Control-Allow-Credentials": {"true"}, "Vary": {"Accept"}, "X-A": {"1"},
		}},
	} {
		r := request(http.MethodGet, "/", http.Header{})
		if c.from != "" {
			r.Header.Set("Origin", c.from)
		}
		header := functions.Clone()
		c.cors.Add(header, r)
		c.cors.Add(header, r) // a second time changes nothing
		if !reflect.DeepEqual(header, c.want) {
			t.Errorf("%s: %v, not %v", name, header, c.want)
		}
	}
}

func TestAConfigurationThatIsNoHeaderIsRefused(t *testing.T) {
	if err := config().Validate(); err != nil {
		t.Error(err)
	}
	for name, cors := range map[string]gateway.CORS{
		"origin": {Origins: []string{"a\r\nX: y"}}, "header": {Headers: []string{""}}, "method": {Methods: []string{"\x00"}},
		"exposed": {ExposeHeaders: []string{"\n"}}, "age": {MaxAge: -1},
	} {
		if err := cors.Validate(); !errors.Is(err, gateway.ErrCORS) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
