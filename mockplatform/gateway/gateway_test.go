package gateway_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/gateway"
)

func TestWhatOfAClientsHeaderPasses(t *testing.T) {
	client := http.Header{
		"X-Custom": {"a", "b"}, "X-Scf-Name": {"forged"}, "x-scf-extra": {"1"}, "Connection": {"close, X-Hop"}, "X-Hop": {"1"},
		"Te": {"trailers"}, "Expect": {"100-continue"}, "Upgrade": {"h2c"},
	}
	strip := contract.DefaultReadings()
	if got := gateway.PassedThrough(client, strip); !reflect.DeepEqual(got, http.Header{"X-Custom": {"a", "b"}}) {
		t.Errorf("strip passes %v", got)
	}
	pass := strip
	pass.ClientHeaders = "pass-unknown"
	if got := gateway.PassedThrough(client, pass); !reflect.DeepEqual(got, http.Header{"X-Custom": {"a", "b"}, "x-scf-extra": {"1"}}) {
		t.Errorf("pass-unknown passes %v", got)
	}
}

func TestARequestThatIsNoHTTPIsRefused(t *testing.T) {
	good := http.Header{"X-A": {"b"}}
	if err := gateway.Check("GET", "/a%20b?c", "example.com:80", good); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"method": gateway.Check("GE T", "/", "h", good), "no method": gateway.Check("", "/", "h", good), "target": gateway.Check("GET", "/a b", "h", good),
		"line": gateway.Check("GET", "/\r\nX: y", "h", good), "no target": gateway.Check("GET", "", "h", good), "host": gateway.Check("GET", "/", "a b\n", good),
		"name": gateway.Check("GET", "/", "h", http.Header{"X:": {"b"}}), "value": gateway.Check("GET", "/", "h", http.Header{"X": {"b\nSecret"}}),
	} {
		if !errors.Is(err, gateway.ErrRequest) || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABodyIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		bytes int
		told  bool
		want  error
	}{
		"at the limit": {6 << 20, true, nil}, "over it": {6<<20 + 1, true, gateway.ErrBodyTooLarge}, "chunked at it": {6 << 20, false, nil},
		"chunked over it": {6<<20 + 1, false, gateway.ErrBodyTooLarge}, "none": {0, true, nil}, "chunked and none": {0, false, nil},
		"in memory": {64 << 10, true, nil}, "chunked in memory": {64<<10 - 1, false, nil}, "just not in memory": {64<<10 + 1, true, nil}, "chunked just not in memory": {64<<10 + 1, false, nil},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", c.bytes)))
		if !c.told {
			r.ContentLength = -1
		}
		body, err := gateway.ReadBody(r)
		if !errors.Is(err, c.want) || err == nil && len(body) != c.bytes {
			t.Errorf("%s: %d bytes, %v", name, len(body), err)
		}
		folder := t.TempDir()
		r = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", c.bytes)))
		if !c.told {
			r.ContentLength = -1
		}
		taken, err := gateway.TakeBody(r, folder)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		for range 2 { // it can be sent again
			if err == nil {
				text, err := io.ReadAll(taken.Reader())
				if err != nil || string(text) != strings.Repeat("x", c.bytes) || taken.Len() != int64(c.bytes) {
					t.Errorf("%s: reads %d bytes of %d, %v", name, len(text), taken.Len(), err)
				}
			}
		}
		if left, _ := os.ReadDir(folder); len(left) > 0 {
			t.Errorf("%s: leaves %v", name, left)
		}
		if taken != nil {
			_ = taken.Close()
		}
	}
}

func TestABodyThatBreaksOffIsTheClients(t *testing.T) {
	for _, sent := range []int{10, 100 << 10} {
		r := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader(strings.Repeat("x", sent)), iotest.ErrReader(io.ErrUnexpectedEOF)))
		for _, length := range []int64{200 << 10, -1} {
			r.ContentLength = length
			if _, err := gateway.TakeBody(r, t.TempDir()); err == nil || errors.Is(err, gateway.ErrBodyFile) || errors.Is(err, gateway.ErrBodyTooLarge) {
				t.Errorf("after %d bytes of %d: %v", sent, length, err)
			}
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", sent)), iotest.ErrReader(io.ErrUnexpectedEOF)))
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 100<<10)))
	if _, err := gateway.TakeBody(r, "/nonexistent"); !errors.Is(err, gateway.ErrBodyFile) {
		t.Errorf("without a folder: %v", err)
	}
}

func TestAnAnswerIsForwardedWithoutItsConnection(t *testing.T) {
	w := httptest.NewRecorder()
	gateway.Forward(w, http.StatusTeapot, http.Header{"X-A": {"1", "2"}, "Connection": {"X-B"}, "X-B": {"1"}, "Transfer-Encoding": {"chunked"}})
	if got := w.Result(); got.StatusCode != http.StatusTeapot || !reflect.DeepEqual(got.Header, http.Header{"X-A": {"1", "2"}, "Content-Type": nil, "Date": nil}) {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
}

func TestThePlatformsOwnAnswers(t *testing.T) {
	w := httptest.NewRecorder()
	gateway.Refuse(w, contract.StatusPortBindingFailed, "context deadline exceeded")
	if w.Code != 446 || w.Body.String() != `{"errorMessage":"context deadline exceeded","statusCode":446}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	const body = `{"errorCode":-1,"errorMessage":"m","requestId":"i","statusCode":433}`
	r := contract.DefaultReadings()
	if status, got := gateway.EventFailure(contract.StatusTimeLimitReached, "m", "i", r); status != 433 || string(got) != body {
		t.Errorf("%d %s", status, got)
	}
	r.GatewayErrorStatus = "200"
	if status, got := gateway.EventFailure(contract.StatusTimeLimitReached, "m", "i", r); status != 200 || string(got) != body {
		t.Errorf("%d %s", status, got)
	}
}
