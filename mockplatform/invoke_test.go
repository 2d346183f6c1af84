package mockplatform_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/image"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
)

func violator(t *testing.T, p *mockplatform.Platform, name string) *image.Candidate {
	t.Helper()
	for _, v := range samplefunctions.Violators() {
		if v.Name == name {
			img, err := v.Image(t.Context(), p.Programs())
			check(t, err)
			c, err := image.FromImage(t.Context(), name, img)
			check(t, err)
			return c
		}
	}
	t.Fatalf("no violator %s", name)
	return nil
}

func deploy(t testing.TB, p *mockplatform.Platform, spec mockplatform.FunctionSpec) *mockplatform.Function {
	t.Helper()
	f, err := p.Deploy(t.Context(), spec)
	check(t, err)
	return f
}

func TestInvocations(t *testing.T) {
	p := open(t)
	sample := builtIn(t, p)

	t.Run("an event that is no JSON is refused before the container", func(t *testing.T) {
		f := deploy(t, p, mockplatform.FunctionSpec{Image: sample})
		result, err := f.Invoke(t.Context(), []byte("{"))
		check(t, err)
		if result.Status.Code != 400 || result.ErrorMessage != "InvalidParameterValue" || f.Transfers().Requests != 0 {
			t.Errorf("result %+v", result)
		}
	})
	t.Run("an event over 6 MB is refused", func(t *testing.T) {
		f := deploy(t, p, mockplatform.FunctionSpec{Image: sample})
		result, err := f.Invoke(t.Context(), []byte(`"`+strings.Repeat("x", 6<<20)+`"`))
		check(t, err)
		if result.Status.Code != 406 {
			t.Errorf("status %d", result.Status.Code)
		}
	})
	t.Run("a function is invoked in the way of its type only", func(t *testing.T) {
		if _, err := deploy(t, p, mockplatform.FunctionSpec{Image: sample, Type: mockplatform.HTTP}).Invoke(t.Context(), []byte("{}")); !errors.Is(err, mockplatform.ErrType) {
			t.Errorf("an event for an HTTP function gives %v", err)
		}
		if _, err := deploy(t, p, mockplatform.FunctionSpec{Image: sample}).Do(t.Context(), mockplatform.Request{}); !errors.Is(err, mockplatform.ErrType) {
			t.Errorf("a request for an event function gives %v", err)
		}
	})
	t.Run("an HTTP request passes through untouched", func(t *testing.T) {
		f := deploy(t, p, mockplatform.FunctionSpec{Image: sample, Type: mockplatform.HTTP})
		header := http.Header{
			"X-Custom": {"a", "b"}, "X-Scf-Name": {"forged"}, "X-Scf-Extra": {"forged"}, "Scfcert-Probe": {"1"}, "Connection": {"close, X-Hop"}, "X-Hop": {"1"},
		}
		result, err := f.Do(t.Context(), mockplatform.Request{Method: http.MethodPatch, Target: "/a%2Fb//c?x=1&x=2&%zz", Header: header, Body: []byte("\x00\xff")})
		check(t, err)
		var saw struct {
			Method, Target, BodySha256 string
			BodyBytes                  int
			Headers                    map[string][]string
		}
		check(t, json.Unmarshal(result.Body, &saw))
		if saw.Method != http.MethodPatch || saw.Target != "/a%2Fb//c?x=1&x=2&%zz" || saw.BodyBytes != 2 {
			t.Errorf("the function saw %+v", saw)
		}
		if !slices.Equal(saw.Headers["X-Custom"], []string{"a", "b"}) || !slices.Equal(saw.Headers["X-Scf-Name"], []string{"function"}) {
			t.Errorf("headers are %v", saw.Headers)
		}
		for _, gone := range []string{"X-Scf-Extra", "X-Hop", "Accept-Encoding", "User-Agent"} {
			if values, ok := saw.Headers[gone]; ok {
				t.Errorf("%s arrives as %v", gone, values)
			}
		}
	})
	t.Run("a function without a role gets no credentials", func(t *testing.T) {
		f := deploy(t, p, mockplatform.FunctionSpec{Image: sample, NoRole: true})
		result, err := f.Invoke(t.Context(), []byte(`{"scfcertProbe":{}}`))
		check(t, err)
		if strings.Contains(string(result.Body), "Secret") || !strings.Contains(string(result.Body), contract.HeaderUin) {
			t.Errorf("the function saw %s", result.Body)
		}
	})
	t.Run("limits and file system are the contract's", func(t *testing.T) {
		f := deploy(t, p, mockplatform.FunctionSpec{Image: sample, Environment: map[string]string{"MODE": "x"}})
		result, err := f.Invoke(t.Context(), []byte(`{"scfcertProbe":{}}`))
		check(t, err)
		var saw struct {
			RootWritable, TmpWritable bool
			TmpBytes, OpenFiles       int64
			TimeZone                  string
			Environment               map[string]string
		}
		check(t, json.Unmarshal(result.Body, &saw))
		if saw.RootWritable || !saw.TmpWritable || saw.TmpBytes < 512<<20*99/100 || saw.TmpBytes > 512<<20*101/100 || saw.OpenFiles != 1024 || saw.TimeZone != "UTC" || saw.Environment["MODE"] != "x" {
			t.Errorf("the function saw %+v", saw)
		}
	})
}
