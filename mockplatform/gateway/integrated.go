package gateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"golang.org/x/net/http/httpguts"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// ErrResponse means that an event function's return value is no response object; the text says what is wrong with it.
var ErrResponse = errors.New("the return value is no response object")

// Mode is what a gateway makes of an event function's return value (events.md 4).
type Mode int

// The modes. Auto is a function URL's; the others are those of an API of API Gateway.
const (
	// Auto takes an object with statusCode as response object, and anything else as the body.
	Auto Mode = iota
	// Integration takes a response object only.
	Integration
	// Passthrough takes anything as the body.
	Passthrough
)

// Responses have a final status of HTTP.
const (
	minStatus = 200
	maxStatus = 599
)

// Integrated makes a response of an event function's return value (events.md 4). A value that is JSON and no response
// object is the body as it is, other text is text/plain (QA16). What has to be a response object and is none gives the
// documented 403 and its body with the gateway's request id, and ErrResponse for the function's owner. A response
// object has statusCode; its other members may be absent, and have the documented type where they are not.
func Integrated(result []byte, mode Mode, gatewayRequestID string) (status int, header http.Header, body []byte, err error) {
	var members map[string]json.RawMessage
	invalid := json.Unmarshal(result, &members) // any value but an object and null
	_, shaped := members["statusCode"]
	switch {
	case mode == Integration && invalid != nil:
		err = fmt.Errorf("%w: it is no JSON object", ErrResponse)
	case mode == Integration, mode == Auto && shaped:
		status, header, body, err = responseObject(members)
	case json.Valid(result):
		return http.StatusOK, sized("application/json", result), result, nil
	default:
		return http.StatusOK, sized("text/plain", result), result, nil
	}
	if err != nil {
		body = contract.GatewayFormatErrorBody(gatewayRequestID)
		return contract.StatusInvalidResponse.Code, sized("application/json", body), body, err
	}
	return status, header, body, nil
}

func responseObject(members map[string]json.RawMessage) (status int, header http.Header, body []byte, err error) {
	if _, ok := members["statusCode"]; !ok {
		return 0, nil, nil, fmt.Errorf("%w: it has no statusCode", ErrResponse)
	}
	if !member(members, "statusCode", &status) || status < minStatus || status > maxStatus {
		return 0, nil, nil, fmt.Errorf("%w: statusCode is %.40s; return a whole number from %d to %d", ErrResponse, members["statusCode"], minStatus, maxStatus)
	}
	var text string
	if !member(members, "body", &text) {
		return 0, nil, nil, fmt.Errorf("%w: body is no string; encode it, as JSON for example", ErrResponse)
	}
	var encoded bool
	if !member(members, "isBase64Encoded", &encoded) {
		return 0, nil, nil, fmt.Errorf("%w: isBase64Encoded is %.40s; return true or false", ErrResponse, members["isBase64Encoded"])
	}
	body = []byte(text)
	if encoded {
		if body, err = base64.StdEncoding.DecodeString(text); err != nil {
			return 0, nil, nil, fmt.Errorf("%w: isBase64Encoded is true and body is no base64", ErrResponse)
		}
	}
	if header, err = responseHeaders(members); err != nil {
		return 0, nil, nil, err
	}
	dropHops(header, header)
	header.Del("Content-Length") // of the body that we have
	if status == http.StatusNoContent || status == http.StatusNotModified {
		return status, header, nil, nil
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	return status, header, body, nil
}

func responseHeaders(members map[string]json.RawMessage) (http.Header, error) {
	var fields map[string]json.RawMessage
	if !member(members, "headers", &fields) {
		return nil, fmt.Errorf("%w: headers are no object", ErrResponse)
	}
	header := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, fmt.Errorf("%w: header name %.80q", ErrResponse, name)
		}
		var one string
		var several []*string
		switch {
		case member(fields, name, &one):
			several = []*string{&one}
		case !member(fields, name, &several), slices.Contains(several, nil):
			return nil, fmt.Errorf("%w: header %.80s is neither a string nor an array of strings", ErrResponse, name)
		}
		for _, value := range several {
			if !httpguts.ValidHeaderFieldValue(*value) {
				return nil, fmt.Errorf("%w: header %.80s has a control character in its value", ErrResponse, name) // the value may be a secret
			}
			header.Add(name, *value)
		}
	}
	return header, nil
}

// member reads a member where there is one, and tells whether it has the right type; null has no type.
func member(members map[string]json.RawMessage, name string, into any) bool {
	text, ok := members[name]
	return !ok || string(text) != "null" && json.Unmarshal(text, into) == nil
}

func sized(contentType string, body []byte) http.Header {
	return http.Header{"Content-Type": {contentType}, "Content-Length": {strconv.Itoa(len(body))}}
}
