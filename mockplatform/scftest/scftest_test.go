package scftest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/mockplatform/scftest"
	"github.com/scfcert/scfcert/mockplatform/serve"
)

func ExampleRun() {
	ctx := context.Background()
	f, err := scftest.Run(ctx, scftest.BuiltIn, scftest.WithType(scftest.Event), scftest.WithMemory(256))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = f.Terminate(ctx) }()
	result, err := f.Invoke(ctx, []byte(`{"hello":"world"}`))
	fmt.Println(result.Status.Code, err)
	fmt.Print(string(result.Body))
	fmt.Println(f.Logs(result.RequestID)[0].Text == "START RequestId:"+result.RequestID)
	// Output:
	// 200 <nil>
	// {"message":"hello from scfcert","event":{"hello":"world"}}
	// true
}

func TestAnHTTPFunctionAnswersAtItsURL(t *testing.T) {
	f, err := scftest.Run(t.Context(), scftest.BuiltIn, scftest.WithMemory(256))
	scftest.Cleanup(t, f)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.URL+"/a?b=c", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "GET /a?b=c\n" {
		t.Errorf("the answer is %q, %v", body, err)
	}
}

func TestWhatCannotBeRunIsAnError(t *testing.T) {
	if _, err := scftest.Run(t.Context(), "engine:scfcert-no-such-image:1"); !errors.Is(err, serve.ErrFunction) || !strings.Contains(err.Error(), "scfcert-no-such-image") {
		t.Errorf("an unknown image gives %v", err)
	}
	if _, err := scftest.Run(t.Context(), scftest.BuiltIn, scftest.WithReading("freeze-between", "maybe")); err == nil || !strings.Contains(err.Error(), "maybe") {
		t.Errorf("a wrong reading gives %v", err)
	}
}
