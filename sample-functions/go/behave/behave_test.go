package behave

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func call(method, target, body string, header map[string]string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	for name, value := range header {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	Function{}.ServeHTTP(recorder, request)
	return recorder
}

func TestAnEventIsAnswered(t *testing.T) {
	got := call(http.MethodPost, "/event-invoke", `{"a":1}`, nil)
	if got.Code != http.StatusOK || strings.TrimSpace(got.Body.String()) != `{"message":"hello from scfcert","event":{"a":1}}` {
		t.Errorf("answer %d %s", got.Code, got.Body)
	}
}

func TestAnEventThatIsNoJSONIsRefused(t *testing.T) {
	if got := call(http.MethodPost, "/event-invoke", "{", nil); got.Code != http.StatusBadRequest {
		t.Errorf("answer %d", got.Code)
	}
}

func TestAnOrdinaryRequestGetsItsOwnTarget(t *testing.T) {
	if got := call(http.MethodPut, "/a%2Fb?x=1", "", nil); got.Body.String() != "PUT /a%2Fb?x=1\n" {
		t.Errorf("answer %q", got.Body)
	}
}

func TestAProbeReportShowsCredentialsAsHashesOnly(t *testing.T) {
	header := map[string]string{"X-Scf-Secret-Key": "the-key", "X-Scf-Name": "f", "Scfcert-Probe": "1"}
	for name, got := range map[string]*httptest.ResponseRecorder{
		"event": call(http.MethodPost, "/event-invoke", `{"scfcertProbe":{"version":1}}`, header),
		"http":  call(http.MethodGet, "/x", "", header),
	} {
		var seen Report
		if err := json.Unmarshal(got.Body.Bytes(), &seen); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if strings.Contains(got.Body.String(), "the-key") || seen.Headers["X-Scf-Secret-Key"][0] != hash([]byte("the-key")) {
			t.Errorf("%s: the key is shown as %v", name, seen.Headers["X-Scf-Secret-Key"])
		}
		if seen.Headers["X-Scf-Name"][0] != "f" || seen.Probe != 1 {
			t.Errorf("%s: report %s", name, got.Body)
		}
	}
}
