package gateway_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/fixtures"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/gateway"
)

const gatewayID = "9e1c0f8a-0000-4000-8000-0000000000a1"

// request is one as a server sees it.
func request(method, target string, header http.Header) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.RemoteAddr = "198.51.100.7:40000"
	if header != nil {
		r.Header = header
	}
	return r
}

func decoded(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return members
}

func fixture(t *testing.T, trigger string) map[string]any {
	t.Helper()
	text, ok := fixtures.Event(trigger)
	if !ok {
		t.Fatalf("no event of %s", trigger)
	}
	return decoded(t, text)
}

func members(t *testing.T, value any) map[string]any {
	t.Helper()
	got, ok := value.(map[string]any)
	if !ok {
		t.Fatalf("%v is no object", value)
	}
	return got
}

func TestAFunctionURLMakesTheDocumentedEvent(t *testing.T) {
	r := request(http.MethodPut, "/orders/42?dry=1", http.Header{"Content-Type": {"application/json"}, "X-Scf-Remote-Addr": {"forged"}})
	r.Host = "1250000001-mockurlid1.ap-guangzhou.tencentscf.example.test"
	text, err := gateway.URLEvent(r, []byte(`{"q":1}`), gateway.EventContext{Readings: contract.DefaultReadings()})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := decoded(t, text), fixture(t, "http"); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestAnEventOfABodylessRequestToAFunctionURL(t *testing.T) {
	r := request(http.MethodGet, "/a%2Fb//c", http.Header{})
	r.Host = "h"
	text, err := gateway.URLEvent(r, nil, gateway.EventContext{Readings: contract.DefaultReadings()})
	const want = `{"httpMethod":"GET","path":"/a%2Fb//c","queryString":{},"headers":{"host":"h","x-scf-remote-addr":"198.51.100.7"},"body":""}`
	if err != nil || string(text) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, text, want)
	}
}

func TestAPIGatewayMakesTheDocumentedEvent(t *testing.T) {
	r := request(http.MethodPost, "/release/orders/42?dry=1", http.Header{"User-Agent": {"probe/1"}})
	r.Host = "service-mock01-1250000001.gz.apigw.example.test"
	text, err := gateway.APIGatewayEvent(r, []byte(`{"q":1}`), gateway.EventContext{
		RequestID: gatewayID, API: gateway.API{ServiceID: "service-mock01", Path: "/orders/{id}", Base64: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, want := decoded(t, text), fixture(t, fixtures.Gateway)
	headers := members(t, got["headers"])
	for name, value := range members(t, want["headers"]) {
		if headers[name] != value {
			t.Errorf("header %s is %v, not %v", name, headers[name], value)
		}
	}
	for name, value := range map[string]string{ // events.md 3.1
		"x-client-proto": "http", "x-client-proto-ver": "HTTP/1.1", "x-real-ip": "198.51.100.7", "x-b3-traceid": gatewayID,
		"x-anonymous-consumer": "true", "x-qualifier": "$DEFAULT", "requestsource": "APIGW", "endpoint-timeout": "15",
	} {
		if headers[name] != value {
			t.Errorf("header %s is %v, not %s", name, headers[name], value)
		}
	}
	delete(got, "headers")
	delete(want, "headers")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestAnEventOfABodylessRequestToAPIGateway(t *testing.T) {
	for base64, want := range map[bool]bool{true: true, false: false} {
		text, err := gateway.APIGatewayEvent(request(http.MethodGet, "/release", nil), nil, gateway.EventContext{API: gateway.API{Base64: base64}})
		if err != nil {
			t.Fatal(err)
		}
		got := decoded(t, text)
		if _, ok := got["body"]; ok || got["path"] != "/" {
			t.Errorf("%s", text)
		}
		if flag, ok := got["isBase64Encoded"]; ok != want || ok && flag != true {
			t.Errorf("base64 %v: %s", base64, text)
		}
	}
}

func TestWhatAQueryBecomes(t *testing.T) {
	const query = "/release/?plain=1&two=b&two=a%26b&flag&empty=&both&both=2&sp+ce=%E4%BD%A0&bad=%zz&=nameless&"
	r := request(http.MethodGet, query, nil)
	text, err := gateway.APIGatewayEvent(r, nil, gateway.EventContext{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := members(t, decoded(t, text)["queryString"]), (map[string]any{
		"plain": "1", "two": []any{"b", "a&b"}, "flag": true, "empty": "", "both": []any{"", "2"}, "sp ce": "你", "bad": "%zz",
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("API Gateway\ngot  %v\nwant %v", got, want)
	}
	if text, err = gateway.URLEvent(r, nil, gateway.EventContext{}); err != nil {
		t.Fatal(err)
	}
	if got, want := members(t, decoded(t, text)["queryString"]), (map[string]any{
		"plain": "1", "two": "b,a&b", "flag": "", "empty": "", "both": ",2", "sp ce": "你", "bad": "%zz",
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("function URL\ngot  %v\nwant %v", got, want)
	}
}

func TestHeadersOfAnEventAreLowerCaseStrings(t *testing.T) {
	r := request(http.MethodGet, "/", http.Header{"X-Two": {"a", "b"}, "Cookie": {"a=1", "b=2"}, "Connection": {"X-Hop"}, "X-Hop": {"1"}, "X-Scf-Name": {"forged"}})
	text, err := gateway.URLEvent(r, nil, gateway.EventContext{Readings: contract.DefaultReadings()})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := members(t, decoded(t, text)["headers"]), (map[string]any{
		"host": "example.com", "x-two": "a, b", "cookie": "a=1; b=2", "x-scf-remote-addr": "198.51.100.7",
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestABodyThatJSONCannotHoldMakesNoEvent(t *testing.T) {
	r, body := request(http.MethodPost, "/release/", nil), []byte{0xff, 0xfe}
	if _, err := gateway.URLEvent(r, body, gateway.EventContext{}); !errors.Is(err, gateway.ErrEvent) {
		t.Errorf("function URL: %v", err)
	}
	if _, err := gateway.APIGatewayEvent(r, body, gateway.EventContext{}); !errors.Is(err, gateway.ErrEvent) {
		t.Errorf("API Gateway: %v", err)
	}
	text, err := gateway.APIGatewayEvent(r, body, gateway.EventContext{API: gateway.API{Base64: true}})
	if err != nil || decoded(t, text)["body"] != "//4=" {
		t.Errorf("API Gateway with base64: %s, %v", text, err)
	}
}

func TestMarkupInABodyIsNotEscaped(t *testing.T) {
	text, err := gateway.URLEvent(request(http.MethodPost, "/", nil), []byte("<v&1>"), gateway.EventContext{})
	if err != nil || !strings.Contains(string(text), `"body":"<v&1>"`) {
		t.Errorf("%s, %v", text, err)
	}
}

func FuzzAnyRequestMakesJSON(f *testing.F) {
	f.Add("GET", "/release/a?b=c&d", "X-A", "v", []byte("{}"))
	f.Add("", "http://h?x", "", "\xff", []byte{0xff})
	f.Add("OPTIONS", "*", "Cookie", "a\n", []byte(nil))
	f.Fuzz(func(t *testing.T, method, target, name, value string, body []byte) {
		r := request(http.MethodGet, "/", http.Header{name: {value, value}})
		r.Method, r.RequestURI = method, target
		ctx := gateway.EventContext{API: gateway.API{Path: "/{a}"}, Readings: contract.DefaultReadings()}
		for front, of := range map[string]func(*http.Request, []byte, gateway.EventContext) ([]byte, error){"URL": gateway.URLEvent, "API Gateway": gateway.APIGatewayEvent} {
			text, err := of(r, body, ctx)
			if err == nil && !json.Valid(text) {
				t.Errorf("%s: %s", front, text)
			}
			if err != nil && !errors.Is(err, gateway.ErrEvent) && !errors.Is(err, gateway.ErrNoRoute) {
				t.Errorf("%s: %v", front, err)
			}
		}
	})
}
