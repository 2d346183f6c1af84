package page_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

const prefix = "/_scfcert"

// ask sends a request for localhost, as a client that is no browser.
func ask(t *testing.T, source page.Source, method, target, body string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost:8080"+prefix+target, strings.NewReader(body))
	for n := 0; n < len(header); n += 2 {
		if header[n] == "Host" {
			r.Host = header[n+1]
		}
		r.Header.Set(header[n], header[n+1])
	}
	w := httptest.NewRecorder()
	page.Handler(source, prefix+"/", "functions.test:8080", "0.0.0.0:8080").ServeHTTP(w, r)
	return w.Result()
}

// document is a page as a browser understands it.
type document struct{ *html.Node }

func open(t *testing.T, source page.Source, target string, header ...string) document {
	t.Helper()
	answer := ask(t, source, http.MethodGet, target, "", header...)
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(answer.Body)
		t.Fatalf("%s: %d %s", target, answer.StatusCode, body)
	}
	return parse(t, answer)
}

func parse(t *testing.T, answer *http.Response) document {
	t.Helper()
	if kind := answer.Header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Errorf("content type %q", kind)
	}
	root, err := html.Parse(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return document{root}
}

// all are the elements with a name and attributes, given as name and value; "*" is any value.
func (d document) all(name string, attributes ...string) []document {
	var found []document
	for node := range d.Descendants() {
		if node.Type != html.ElementNode || name != "*" && node.Data != name {
			continue
		}
		matches := true
		for n := 0; n < len(attributes); n += 2 {
			value, has := document{node}.attribute(attributes[n])
			matches = matches && has && (attributes[n+1] == "*" || attributes[n+1] == value)
		}
		if matches {
			found = append(found, document{node})
		}
	}
	return found
}

func (d document) one(t *testing.T, name string, attributes ...string) document {
	t.Helper()
	found := d.all(name, attributes...)
	if len(found) != 1 {
		t.Fatalf("%d elements %s %v", len(found), name, attributes)
	}
	return found[0]
}

func (d document) attribute(name string) (string, bool) {
	for _, a := range d.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// text is all text, with single spaces.
func (d document) text() string {
	var all strings.Builder
	for node := range d.Descendants() {
		if node.Type == html.TextNode {
			all.WriteString(node.Data + " ")
		}
	}
	return strings.Join(strings.Fields(all.String()), " ")
}

func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in %q", part, text)
		}
	}
}
