package gateway_test

import (
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"github.com/scfcert/scfcert/mockplatform/gateway"
)

const refusal = `{"errno":403,"error":"requestId ` + gatewayID + ` , Invalid scf response. expected scf response valid JSON.","message":"SCF invoke error"}`

func TestWhatBecomesOfAReturnValue(t *testing.T) {
	json, text := http.Header{"Content-Type": {"application/json"}}, http.Header{"Content-Type": {"text/plain"}}
	for name, c := range map[string]struct {
		mode   gateway.Mode
		result string
		status int
		header http.Header // without Content-Length
		body   string
	}{
		"URL, response object":           {gateway.Auto, `{"isBase64Encoded":false,"statusCode":201,"headers":{"x-a":"1","X-B":["2","3"]},"body":"{\"a\":1}"}`, 201, http.Header{"X-A": {"1"}, "X-B": {"2", "3"}}, `{"a":1}`},
		"URL, object without statusCode": {gateway.Auto, ` {"body": "b", "a": 1.50}`, 200, json, ` {"body": "b", "a": 1.50}`},
		"URL, statuscode is another":     {gateway.Auto, `{"statuscode":201}`, 200, json, `{"statuscode":201}`},
		"URL, string":                    {gateway.Auto, `"ok"`, 200, json, `"ok"`},
		"URL, array":                     {gateway.Auto, `[{"statusCode":201}]`, 200, json, `[{"statusCode":201}]`},
		"URL, null":                      {gateway.Auto, `null`, 200, json, `null`},
		"URL, no JSON":                   {gateway.Auto, "hello\xff", 200, text, "hello\xff"},
		"URL, nothing":                   {gateway.Auto, "", 200, text, ""},
		"API, response object":           {gateway.Integration, `{"statusCode":302,"headers":{"Location":"/x"}}`, 302, http.Header{"Location": {"/x"}}, ""},
		"API, base64":                    {gateway.Integration, `{"isBase64Encoded":true,"statusCode":200,"body":"//4="}`, 200, http.Header{}, "\xff\xfe"},
		"API, unknown members":           {gateway.Integration, `{"statusCode":200,"cookies":[],"body":"b"}`, 200, http.Header{}, "b"},
		"API, empty array":               {gateway.Integration, `{"statusCode":200,"headers":{"X-A":[]}}`, 200, http.Header{}, ""},
		"API, same name twice":           {gateway.Integration, `{"statusCode":200,"headers":{"x-a":"2","X-A":"1"}}`, 200, http.Header{"X-A": {"1", "2"}}, ""},
		"API, of the connection":         {gateway.Integration, `{"statusCode":200,"headers":{"Connection":"X-Hop","X-Hop":"1","Transfer-Encoding":"chunked","Content-Length":"99"},"body":"b"}`, 200, http.Header{}, "b"},
		"off, response object":           {gateway.Passthrough, `{"statusCode":201}`, 200, json, `{"statusCode":201}`},
		"off, no JSON":                   {gateway.Passthrough, "x", 200, text, "x"},
	} {
		status, header, body, err := gateway.Integrated([]byte(c.result), c.mode, gatewayID)
		c.header = c.header.Clone()
		c.header.Set("Content-Length", strconv.Itoa(len(c.body)))
		if err != nil || status != c.status || string(body) != c.body || !reflect.DeepEqual(header, c.header) {
			t.Errorf("%s: %d %v %q, %v", name, status, header, body, err)
		}
	}
}

func TestAnAnswerWithoutBodyByItsStatusHasNone(t *testing.T) {
	for _, status := range []int{http.StatusNoContent, http.StatusNotModified} {
		got, header, body, err := gateway.Integrated([]byte(`{"statusCode":`+strconv.Itoa(status)+`,"body":"b","headers":{"Etag":"e"}}`), gateway.Auto, gatewayID)
		if err != nil || got != status || body != nil || !reflect.DeepEqual(header, http.Header{"Etag": {"e"}}) {
			t.Errorf("%d %v %q, %v", got, header, body, err)
		}
	}
}

func TestWhatIsNoResponseObjectIs403(t *testing.T) {
	for name, c := range map[string]struct {
		result, says string
		autoToo      bool
	}{
		"no JSON":                {`hello`, "no JSON object", false},
		"nothing":                {``, "no JSON object", false},
		"string":                 {`"ok"`, "no JSON object", false},
		"array":                  {`[]`, "no JSON object", false},
		"null":                   {`null`, "no statusCode", false},
		"no statusCode":          {`{"body":"b"}`, "no statusCode", false},
		"other case":             {`{"StatusCode":200}`, "no statusCode", false},
		"statusCode a string":    {`{"statusCode":"200"}`, `statusCode is "200"`, true},
		"statusCode null":        {`{"statusCode":null}`, "statusCode is null", true},
		"statusCode a fraction":  {`{"statusCode":200.5}`, "statusCode is 200.5", true},
		"statusCode informative": {`{"statusCode":101}`, "statusCode is 101", true},
		"statusCode too high":    {`{"statusCode":600}`, "statusCode is 600", true},
		"statusCode huge":        {`{"statusCode":1e999}`, "statusCode is 1e999", true},
		"body an object":         {`{"statusCode":200,"body":{"a":1}}`, "body is no string", true},
		"body null":              {`{"statusCode":200,"body":null}`, "body is no string", true},
		"flag a string":          {`{"statusCode":200,"isBase64Encoded":"true"}`, "isBase64Encoded is", true},
		"body no base64":         {`{"statusCode":200,"isBase64Encoded":true,"body":"*"}`, "body is no base64", true},
		"headers an array":       {`{"statusCode":200,"headers":[]}`, "headers are no object", true},
		"header a number":        {`{"statusCode":200,"headers":{"X-A":1}}`, "header X-A is neither", true},
		"header null":            {`{"statusCode":200,"headers":{"X-A":null}}`, "header X-A is neither", true},
		"header of nulls":        {`{"statusCode":200,"headers":{"X-A":["b",null]}}`, "header X-A is neither", true},
		"header name":            {`{"statusCode":200,"headers":{"X A":"b"}}`, `header name "X A"`, true},
		"header name empty":      {`{"statusCode":200,"headers":{"":"b"}}`, `header name ""`, true},
		"header value":           {`{"statusCode":200,"headers":{"X-A":"b\r\nSecret: 1"}}`, "header X-A has a control character", true},
	} {
		modes := []gateway.Mode{gateway.Integration}
		if c.autoToo {
			modes = append(modes, gateway.Auto)
		}
		for _, mode := range modes {
			status, header, body, err := gateway.Integrated([]byte(c.result), mode, gatewayID)
			if !errors.Is(err, gateway.ErrResponse) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "Secret") {
				t.Errorf("%s: %v", name, err)
			}
			want := http.Header{"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(refusal))}}
			if status != http.StatusForbidden || string(body) != refusal || !reflect.DeepEqual(header, want) {
				t.Errorf("%s: %d %v %s", name, status, header, body)
			}
		}
	}
}

func FuzzAnyReturnValueMakesAResponse(f *testing.F) {
	for _, seed := range []string{
		`{"statusCode":200,"headers":{"a":"b","A":["c"],"Connection":"Content-Length"},"body":"eA==","isBase64Encoded":true}`,
		`{"statusCode":204,"headers":{"a b":"\n"}}`, `{"statusCode":-1}`, `[`, `null`, `{"statusCode":200,"headers":{"a":"é\u0000"}}`, "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, result []byte) {
		for _, mode := range []gateway.Mode{gateway.Auto, gateway.Integration, gateway.Passthrough} {
			status, header, body, err := gateway.Integrated(result, mode, gatewayID)
			if status < 200 || status > 599 || (err != nil) && status != http.StatusForbidden {
				t.Errorf("mode %d: status %d, %v", mode, status, err)
			}
			for name, values := range header {
				for _, value := range values {
					if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
						t.Errorf("mode %d: header %q: %q", mode, name, value)
					}
				}
			}
			if length, ok := header["Content-Length"]; ok && (len(length) != 1 || length[0] != strconv.Itoa(len(body))) {
				t.Errorf("mode %d: Content-Length %v of %d", mode, length, len(body))
			}
		}
	})
}
