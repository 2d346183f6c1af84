package page_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

func TestHostileLinesAreShownAndNotObeyed(t *testing.T) {
	const end = "</span></li></ol></main><script>alert(1)</script>"
	for name, c := range map[string]struct {
		line, want string
		cut        bool
	}{
		"markup":                 {end, end, false},
		"colours":                {"\x1b[1;31mred\x1b[0m plain", "red plain", false},
		"a terminal's title":     {"\x1b]0;gotcha\x07text", "text", false},
		"a terminal's link":      {"\x1b]8;;http://evil.test\x1b\\text", "text", false},
		"a character set":        {"\x1b(Btext", "text", false},
		"control characters":     {"a\rb\x00c\x7fd\x08", "a␍b␀c␡d␈", false},
		"an escape at the end":   {"text\x1b", "text␛", false},
		"bytes that are no text": {"caf\xe9 \xff\xfe", "caf\uFFFD \uFFFD", false},
		"writing that turns":     {"exe\u202etxt", "exe\uFFFDtxt", false},
		"a megabyte":             {strings.Repeat("x", 1<<20), strings.Repeat("x", 4096), true},
		"a megabyte of 3 bytes":  {strings.Repeat("世", 1<<20/3+1), strings.Repeat("世", 4096/3), true},
		"just as much":           {strings.Repeat("x", 4096), strings.Repeat("x", 4096), false},
		"continuations only":     {strings.Repeat("\x80", 5000), "\uFFFD", true},
	} {
		source := newFake()
		source.lines = []page.Line{{RequestID: "first", At: noon, Source: page.FromStdout, Text: c.line}}
		for _, target := range []string{"/invocations/first", "/logs"} {
			answer := ask(t, source, http.MethodGet, target, "")
			raw, _ := io.ReadAll(answer.Body)
			if !utf8.Valid(raw) || len(raw) > 32<<10 {
				t.Errorf("%s: %d bytes, valid %v", name, len(raw), utf8.Valid(raw))
			}
			root, err := html.Parse(strings.NewReader(string(raw)))
			if err != nil {
				t.Fatal(err)
			}
			doc := document{root}
			if scripts := doc.all("script"); len(scripts) != 1 {
				t.Errorf("%s: %d scripts", name, len(scripts))
			}
			text := doc.one(t, "span", "class", "text").FirstChild
			if text == nil || text.Data != c.want || text.NextSibling != nil {
				t.Errorf("%s: %.100q", name, text.Data)
			}
			if marks := doc.all("span", "class", "cut"); len(marks) > 0 != c.cut {
				t.Errorf("%s: %d marks", name, len(marks))
			} else if c.line == strings.Repeat("x", 1<<20) {
				has(t, marks[0].text(), "cut here; the line has 1 MB")
			}
		}
	}
}

func TestHostileNamesAndResultsAreShownAndNotObeyed(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	source := newFake()
	source.functions[0].Image, source.functions[0].URL, source.functions[0].Name = evil, "javascript:alert(1)", "a/../b?c#d"+evil
	source.functions[0].Triggers[0].Name = evil
	source.invocations[0].RequestID, source.invocations[0].ErrorMessage, source.invocations[0].Method, source.invocations[0].Path = evil, evil, evil, evil
	source.invocations[0].Result = []byte(evil + "\x1b[31m" + strings.Repeat("y", 1<<20))
	source.templates[0].Name = evil
	for _, target := range []string{"/", "/functions/" + url.PathEscape(source.functions[0].Name), "/invocations/" + url.PathEscape(evil), "/logs?contains=" + url.QueryEscape(evil)} {
		doc := open(t, source, target)
		if scripts := doc.all("script"); len(scripts) != 1 {
			t.Errorf("%s: %d scripts", target, len(scripts))
		}
		for _, link := range doc.all("a") {
			if href, _ := link.attribute("href"); !strings.HasPrefix(href, prefix+"/") && !strings.HasPrefix(href, "?") && !strings.HasPrefix(href, "http://127.0.0.1:8080/") && href != "#main" && href != "#ZgotmplZ" {
				t.Errorf("%s: link to %q", target, href)
			}
		}
		for _, made := range doc.all("form") {
			if action, _ := made.attribute("action"); strings.Contains(action, "..") && strings.Contains(action, "/../") {
				t.Errorf("%s: form for %q", target, action)
			}
		}
	}
	has(t, open(t, source, "/invocations/"+url.PathEscape(evil)).one(t, "span", "class", "cut").text(), "1 MB")
}

func TestALongLogIsShownFromItsEnd(t *testing.T) {
	source := newFake()
	source.lines = nil
	for range 2005 {
		source.lines = append(source.lines, page.Line{RequestID: "first", At: noon, Source: page.FromStdout, Text: "same"})
	}
	doc := open(t, source, "/invocations/first")
	lines := doc.one(t, "ol", "class", "log").all("li")
	keys := map[string]bool{}
	for _, line := range lines {
		key, _ := line.attribute("data-key")
		keys[key] = true
	}
	if len(lines) != 2000 || len(keys) != 2000 {
		t.Errorf("%d lines with %d keys", len(lines), len(keys))
	}
	has(t, doc.one(t, "div", "id", "earlier").text(), "5 earlier lines are not shown.")
}

func FuzzNothingAFunctionWritesBecomesMarkup(f *testing.F) {
	for _, seed := range []string{"<script>", "\x1b[31m", "\xff", "\u202e", "a\x1b]0;", strings.Repeat("世", 2000), "]]>", "<!--", "\x00"} {
		f.Add(seed)
	}
	source := newFake()
	shown := page.Handler(source, prefix)
	f.Fuzz(func(t *testing.T, text string) {
		source.lines = []page.Line{{RequestID: "first", At: noon, Source: text, Text: text}}
		source.invocations[0].Result, source.invocations[0].ErrorMessage, source.invocations[0].Kind = []byte(text), text, text
		w := httptest.NewRecorder()
		shown.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+prefix+"/invocations/first", nil))
		doc := parse(t, w.Result())
		if w.Code != http.StatusOK || len(doc.all("script")) != 1 || len(doc.all("li", "data-key", "*")) != 1 || len(doc.all("footer")) != 1 {
			t.Errorf("%q: %d", text, w.Code)
		}
	})
}
