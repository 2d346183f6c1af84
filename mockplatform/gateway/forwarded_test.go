package gateway_test

import (
	"crypto/tls"
	"net/http"
	"reflect"
	"testing"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/gateway"
)

func TestAFunctionURLTellsOnlyTheClientsAddress(t *testing.T) {
	pass := contract.DefaultReadings()
	pass.ClientHeaders = "pass-unknown"
	for name, c := range map[string]struct {
		readings contract.Readings
		client   http.Header
		want     http.Header
	}{
		"nothing sent":          {contract.DefaultReadings(), http.Header{}, http.Header{"X-Scf-Remote-Addr": {"198.51.100.7"}}},
		"forged":                {contract.DefaultReadings(), http.Header{"X-Scf-Remote-Addr": {"1.1.1.1"}}, http.Header{"X-Scf-Remote-Addr": {"198.51.100.7"}}},
		"forged and let pass":   {pass, http.Header{"x-scf-remote-addr": {"1.1.1.1"}}, http.Header{"x-scf-remote-addr": {"1.1.1.1"}}},
		"others stay untouched": {contract.DefaultReadings(), http.Header{"X-Forwarded-For": {"a", "b"}}, http.Header{"X-Forwarded-For": {"a", "b"}, "X-Scf-Remote-Addr": {"198.51.100.7"}}},
	} {
		header := gateway.PassedThrough(c.client, c.readings)
		gateway.Forwarded(header, request(http.MethodGet, "/", c.client), gateway.FunctionURL, gateway.EventContext{})
		if !reflect.DeepEqual(header, c.want) {
			t.Errorf("%s: %v, not %v", name, header, c.want)
		}
	}
}

func TestAPIGatewayTellsOfClientAndRequest(t *testing.T) {
	client := http.Header{"X-Forwarded-For": {"1.1.1.1", "2.2.2.2"}, "x-real-ip": {"forged"}, "X-Client-Proto": {"forged"}, "X-A": {"1", "2"}}
	r := request(http.MethodGet, "/", client)
	r.TLS = &tls.ConnectionState{}
	header := client.Clone()
	gateway.Forwarded(header, r, gateway.APIGateway, gateway.EventContext{RequestID: "id", Qualifier: "$LATEST"})
	want := http.Header{
		"X-Client-Proto": {"https"}, "X-Client-Proto-Ver": {"HTTP/1.1"}, "X-Forwarded-For": {"1.1.1.1, 2.2.2.2, 198.51.100.7"},
		"X-Real-Ip": {"198.51.100.7"}, "X-B3-Traceid": {"id"}, "X-Api-Requestid": {"id"}, "X-Api-Scheme": {"https"},
		"Requestsource": {"APIGW"}, "Endpoint-Timeout": {"15"}, "X-Qualifier": {"$LATEST"}, "X-Anonymous-Consumer": {"true"}, "X-A": {"1", "2"},
	}
	if !reflect.DeepEqual(header, want) {
		t.Errorf("got  %v\nwant %v", header, want)
	}
}

func TestAClientsAddressIsBare(t *testing.T) {
	for remote, want := range map[string]string{
		"198.51.100.7:1": "198.51.100.7", "[::1]:80": "::1", "[::ffff:198.51.100.7]:80": "198.51.100.7", "[fe80::1%eth0]:80": "fe80::1", "@": "", "": "",
	} {
		r := request(http.MethodGet, "/", nil)
		if r.RemoteAddr = remote; gateway.SourceIP(r) != want {
			t.Errorf("%q: %q, not %q", remote, gateway.SourceIP(r), want)
		}
	}
}
