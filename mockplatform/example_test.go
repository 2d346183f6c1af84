package mockplatform_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/scfcert/scfcert/mockplatform"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
)

// An event-triggered function is invoked with an event.
func ExampleOpen() {
	ctx := context.Background()
	platform, err := mockplatform.Open(ctx, mockplatform.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer platform.Close(ctx)
	image, err := samplefunctions.Resolve(ctx, platform, "", nil) // the built-in sample; platform.Resolve takes yours
	if err != nil {
		fmt.Println(err)
		return
	}
	defer image.Close()
	function, err := platform.Deploy(ctx, mockplatform.FunctionSpec{Image: image, MemoryMB: 256})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := function.Invoke(ctx, []byte(`{"key":"value"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Status.Code, string(result.Body))
	// Output: 200 {"message":"hello from scfcert","event":{"key":"value"}}
}

// An HTTP-triggered function is an http.Handler.
func ExampleFunction_ServeHTTP() {
	ctx := context.Background()
	platform, err := mockplatform.Open(ctx, mockplatform.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer platform.Close(ctx)
	image, err := samplefunctions.Resolve(ctx, platform, "", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer image.Close()
	function, err := platform.Deploy(ctx, mockplatform.FunctionSpec{Image: image, Type: mockplatform.HTTP, MemoryMB: 256})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(function)
	defer server.Close()
	response, err := http.Get(server.URL + "/hello?a=b")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	fmt.Print(response.StatusCode, " ", string(body))
	// Output: 200 GET /hello?a=b
}
