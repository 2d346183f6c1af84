package contract

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// Error bodies by surface (runtime.md 6.1). Keys stand in the captured order, and nothing is escaped for HTML.

// InvokeErrorBody is what a synchronous invocation and the ERROR log line show.
func InvokeErrorBody(status Status, message, requestID string) []byte {
	return marshal(struct {
		ErrorCode    int    `json:"errorCode"`
		ErrorMessage string `json:"errorMessage"`
		RequestID    string `json:"requestId"`
		StatusCode   int    `json:"statusCode"`
	}{-1, message, requestID, status.Code})
}

// WebErrorBody is what a function URL or domain answers for an HTTP function; the HTTP status is the code (inferred).
func WebErrorBody(status Status, message string) []byte {
	return marshal(struct {
		ErrorMessage string `json:"errorMessage"`
		StatusCode   int    `json:"statusCode"`
	}{message, status.Code})
}

// GatewayErrorHeader is what API Gateway answers for an HTTP function: the code as HTTP status and an empty body.
func GatewayErrorHeader(message, gatewayRequestID string) http.Header {
	return http.Header{
		"Content-Length":  {"0"},
		"Connection":      {"keep-alive"},
		"X-Api-Requestid": {gatewayRequestID},
		"X-Scf-Message":   {message},
	}
}

// GatewayFormatErrorBody is the 403 of API Gateway for an integrated response that it cannot read; the id has 32 hex digits.
func GatewayFormatErrorBody(gatewayRequestID string) []byte {
	return marshal(struct {
		Errno   int    `json:"errno"`
		Error   string `json:"error"`
		Message string `json:"message"`
	}{http.StatusForbidden, "requestId " + gatewayRequestID + " , Invalid scf response. expected scf response valid JSON.", "SCF invoke error"})
}

// marshal never fails: its arguments are plain structs.
func marshal(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // a programmer's error
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}
