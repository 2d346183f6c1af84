package page_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

func TestTheOverviewShowsFunctionsInstancesAndInvocations(t *testing.T) {
	doc := open(t, newFake(), "/")
	has(t, doc.one(t, "div", "id", "functions").text(), "hello ✓ Active event registry.example.com/team/hello:1.4.2 256 MB 2 http://127.0.0.1:8080/hello/",
		"broken ✗ CreateFailed", "Problem: The server listens on 127.0.0.1:9000 only.", "What to do: Listen on 0.0.0.0:9000.")
	has(t, doc.one(t, "div", "id", "instances").text(), "4f1c9a7e… hello busy 1 37 MB", "9d03b1aa… hello idle 0 35 MB")
	row := doc.one(t, "tr", "data-key", "first.1")
	has(t, row.text(), "first", "hello event ✓ 200 Success HTTP 200 12 ms 37 MB 214 ms 1")
	if link, _ := row.one(t, "a").attribute("href"); link != prefix+"/invocations/first" {
		t.Errorf("link %q", link)
	}
}

func TestAFailureIsSaidInWords(t *testing.T) {
	source := newFake()
	source.invocations[0].Failed, source.invocations[0].HTTPStatus = true, 500
	source.invocations = append(source.invocations, page.Invocation{RequestID: "r", Function: "hello", Kind: "async", Status: 202, Attempt: 2, Method: "GET", Path: "/a?b=<c>"})
	doc := open(t, source, "/")
	has(t, doc.one(t, "tr", "data-key", "first.1").text(), "✗ 200 Success , failed HTTP 500")
	running := doc.one(t, "tr", "data-key", "r.2").text()
	has(t, running, "asynchronous GET /a?b=<c> … 202 running")
	if strings.Contains(running, "0.0 ms") {
		t.Errorf("figures of an invocation that runs: %q", running)
	}
}

func TestAnEmptyServerSaysWhatToDo(t *testing.T) {
	doc := open(t, &fake{}, "/")
	has(t, doc.text(), "scfcert serve IMAGE", "The next request starts one", "Nothing was invoked yet.")
	has(t, open(t, &fake{}, "/logs?contains=x").text(), "No line matches.")
	source := newFake()
	source.functions[0].Triggers, source.functions[0].Instances = nil, nil
	has(t, open(t, source, "/functions/hello").text(), "This function has no triggers.", "No instance is running.")
	source.invocations = append(source.invocations, page.Invocation{RequestID: "new", Function: "hello", Status: 202})
	has(t, open(t, source, "/invocations/new").text(), "No line yet.")
}

func TestTheInvocationPageShowsEveryAttemptWithItsDiagnosisAndTheLog(t *testing.T) {
	source := newFake()
	retry := source.invocations[0]
	retry.Attempt, retry.Failed, retry.Status, retry.StatusName, retry.ErrorMessage = 2, true, 433, "TimeLimitReached", "Invoking task timed out after 3 seconds"
	retry.Problem, retry.Fix = page.Text{EN: "Too slow."}, page.Text{EN: "Be faster."}
	source.invocations = append([]page.Invocation{retry}, source.invocations...)
	doc := open(t, source, "/invocations/first")
	attempts := doc.one(t, "div", "id", "attempts").all("section")
	if len(attempts) != 2 {
		t.Fatalf("%d attempts", len(attempts))
	}
	has(t, attempts[0].text(), "Attempt: 2", "433 TimeLimitReached", "Invoking task timed out after 3 seconds", "Too slow.", "Be faster.")
	has(t, attempts[1].text(), "Attempt: 1", "200 Success", "Billed 100 ms", `echo {"key":"value"}`)
	log := doc.one(t, "div", "id", "log", "role", "log")
	if lines := log.all("li"); len(lines) != 4 {
		t.Errorf("%d lines", len(lines))
	}
	has(t, log.text(), "stderr [after the response] careful", `stdout got {"key":"value"}`)
}

func TestTheLogIsSearched(t *testing.T) {
	doc := open(t, newFake(), "/logs?function=hello&contains=care&limit=7")
	lines := doc.one(t, "div", "id", "log").all("li")
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	has(t, lines[0].text(), "stderr", "first", "careful")
	for id, want := range map[string]string{"contains": "care", "limit": "7"} {
		if got, _ := doc.one(t, "input", "id", id).attribute("value"); got != want {
			t.Errorf("%s keeps %q", id, got)
		}
	}
	if chosen, _ := doc.one(t, "option", "selected", "*").attribute("value"); chosen != "hello" {
		t.Errorf("function keeps %q", chosen)
	}
}

func TestTheFormBeginsFromATemplate(t *testing.T) {
	source := newFake()
	area := func(target string) string { return open(t, source, target).one(t, "textarea").text() }
	has(t, area("/functions/hello"), `"Type": "Timer"`)
	has(t, area("/functions/hello?template=cos"), `"cosSchemaVersion": "1.0"`)
	if got := area("/functions/hello?template=nonsense"); got != "{}" {
		t.Errorf("an unknown template gives %q", got)
	}
	doc := open(t, source, "/functions/web")
	if len(doc.all("textarea")) != 0 {
		t.Error("an HTTP function has a form for events")
	}
	has(t, doc.text(), "curl --include http://127.0.0.1:8080/web/")
}

func TestAnEventIsSentAndItsInvocationFollows(t *testing.T) {
	source := newFake()
	form := url.Values{"event": {`{"n":1}`}}
	answer := ask(t, source, http.MethodPost, "/functions/hello/invoke", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
	location := answer.Header.Get("Location")
	if answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(location, prefix+"/invocations/5a1c") {
		t.Fatalf("%d to %q", answer.StatusCode, location)
	}
	has(t, open(t, source, strings.TrimPrefix(location, prefix)).text(), `got {"n":1}`)
	form.Set("async", "yes")
	_ = ask(t, source, http.MethodPost, "/functions/hello/invoke", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if newest := source.Invocations("", 1)[0]; newest.Status != 202 {
		t.Errorf("not asynchronous: %+v", newest)
	}
}

func TestARefusedEventStaysInTheForm(t *testing.T) {
	form := url.Values{"event": {`{"half":`}, "async": {"yes"}}
	answer := ask(t, newFake(), http.MethodPost, "/functions/hello/invoke", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", answer.StatusCode)
	}
	doc := parse(t, answer)
	has(t, doc.one(t, "div", "role", "alert").text(), "The event was not sent.", "the event is no JSON")
	area := doc.one(t, "textarea", "aria-invalid", "true")
	if got := area.text(); got != `{"half":` {
		t.Errorf("the form has %q", got)
	}
	doc.one(t, "input", "id", "async", "checked", "*")
}

func TestATimerIsFired(t *testing.T) {
	source := newFake()
	doc := open(t, source, "/functions/hello")
	has(t, doc.one(t, "tr", "data-key", "timer nightly").text(), "nightly timer 0 0 2 * * * * 2026-11-25", "yes Fire now : nightly")
	if forms := doc.one(t, "div", "id", "trigger-table").all("form"); len(forms) != 1 {
		t.Errorf("%d triggers can be fired", len(forms))
	}
	answer := ask(t, source, http.MethodPost, "/functions/hello/timers/nightly", "")
	if answer.StatusCode != http.StatusSeeOther || !slices.Equal(source.fired, []string{"nightly"}) {
		t.Fatalf("%d, fired %v", answer.StatusCode, source.fired)
	}
	back, _, _ := strings.Cut(strings.TrimPrefix(answer.Header.Get("Location"), prefix), "#")
	has(t, open(t, source, back).one(t, "p", "class", "done").text(), "nightly: Fired.")
	if forged := open(t, source, "/functions/hello?fired=<b>x"); len(forged.all("p", "class", "done")) != 0 {
		t.Error("a link can claim that a timer was fired")
	}
}

func TestMistakesGetAPageThatHelps(t *testing.T) {
	for target, want := range map[string]string{
		"/nonsense":              "There is no such page.",
		"/functions/helo":        `There is no function "helo". There are: hello, web, broken.`,
		"/invocations/x":         `There is no invocation "x".`,
		"/logs?limit=many":       `limit="many": take a number from 1 to 10000.`,
		"/assets/page.go":        "There is no such page.",
		"/assets/..%2fpage.go":   "There is no such page.",
		"/functions/hello/other": "There is no such page.",
	} {
		answer := ask(t, newFake(), http.MethodGet, target, "")
		if answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", target, answer.StatusCode)
		}
		doc := parse(t, answer)
		has(t, doc.one(t, "main").text(), want, "To the overview")
	}
	source := newFake()
	for failure, want := range map[error]int{errors.New("the engine is gone"): 500, context.Canceled: 503, page.ErrUnknown: 404} {
		source.failure = failure
		if answer := ask(t, source, http.MethodPost, "/functions/hello/invoke", "event={}", "Content-Type", "application/x-www-form-urlencoded"); answer.StatusCode != want {
			t.Errorf("%v: status %d", failure, answer.StatusCode)
		}
	}
	if answer := ask(t, newFake(), http.MethodGet, "/functions/hello/invoke", ""); answer.Header.Get("Location") != prefix+"/functions/hello" {
		t.Errorf("a reload leads to %q", answer.Header.Get("Location"))
	}
	large := "event=" + strings.Repeat("x", 40<<20)
	if answer := ask(t, newFake(), http.MethodPost, "/functions/hello/invoke", large, "Content-Type", "application/x-www-form-urlencoded"); answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a large form: %d", answer.StatusCode)
	}
}

func TestOtherSitesStayOutside(t *testing.T) {
	const invoke = "/api/functions/hello/invoke"
	for name, c := range map[string]struct {
		method, target string
		header         []string
		want           int
	}{
		"curl":                     {"POST", invoke, nil, 200},
		"our own form":             {"POST", invoke, []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://localhost:8080"}, 200},
		"our own, an old browser":  {"POST", invoke, []string{"Origin", "http://localhost:8080"}, 200},
		"another site":             {"POST", invoke, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, 403},
		"another port of this one": {"POST", invoke, []string{"Sec-Fetch-Site", "same-site", "Origin", "http://localhost:3000"}, 403},
		"an old browser elsewhere": {"POST", invoke, []string{"Origin", "https://evil.test"}, 403},
		"an origin that is hidden": {"POST", invoke, []string{"Origin", "null"}, 403},
		"a form elsewhere":         {"POST", "/functions/hello/timers/nightly", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"a link elsewhere":         {"GET", "/", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		"a name that resolves":     {"GET", "/api/logs", []string{"Host", "evil.test:8080"}, 403},
		"and its page":             {"GET", "/", []string{"Host", "evil.test"}, 403},
		"a name like ours":         {"GET", "/", []string{"Host", "localhost.evil.test"}, 403},
		"127.0.0.1.evil.test":      {"GET", "/", []string{"Host", "127.0.0.1.evil.test"}, 403},
		"no name":                  {"GET", "/", []string{"Host", ""}, 403},
		"a name with a space":      {"GET", "/", []string{"Host", "local host"}, 403},
		"localhost.":               {"GET", "/", []string{"Host", "LOCALHOST.:1"}, 200},
		"below localhost":          {"GET", "/", []string{"Host", "hello.localhost:8080"}, 200},
		"an address":               {"GET", "/", []string{"Host", "192.168.1.20:8080"}, 200},
		"an address of IPv6":       {"GET", "/", []string{"Host", "[::1]:8080"}, 200},
		"one without a port":       {"GET", "/", []string{"Host", "[::1]"}, 200},
		"the name we listen on":    {"GET", "/", []string{"Host", "functions.test"}, 200},
	} {
		source := newFake()
		answer := ask(t, source, c.method, c.target, "{}", c.header...)
		if answer.StatusCode != c.want {
			t.Errorf("%s: status %d", name, answer.StatusCode)
		}
		if c.want == http.StatusForbidden && (len(source.fired) > 0 || len(source.invocations) > 1) {
			t.Errorf("%s: something was done", name)
		}
		if policy := answer.Header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", name, policy)
		}
	}
}

func TestTheLanguageIsAskedForKeptOrPreferred(t *testing.T) {
	for name, c := range map[string]struct {
		target string
		header []string
		want   string
	}{
		"nothing":              {"/", nil, "en"},
		"the browser's":        {"/", []string{"Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8"}, "zh-CN"},
		"the browser's second": {"/", []string{"Accept-Language", "fr, zh-TW;q=0.5"}, "zh-CN"},
		"one that we lack":     {"/", []string{"Accept-Language", "fr"}, "en"},
		"nonsense":             {"/", []string{"Accept-Language", "\x00;;q=x"}, "en"},
		"asked for":            {"/?lang=zh", []string{"Cookie", "scfcert-language=en"}, "zh-CN"},
		"kept":                 {"/", []string{"Cookie", "scfcert-language=zh", "Accept-Language", "en"}, "zh-CN"},
		"kept nonsense":        {"/", []string{"Cookie", "scfcert-language=xx", "Accept-Language", "zh"}, "zh-CN"},
		"asked for nonsense":   {"/?lang=%3Cb%3E", nil, "en"},
		"over the browser's":   {"/?lang=en", []string{"Accept-Language", "zh"}, "en"},
	} {
		if got, _ := open(t, newFake(), c.target, c.header...).one(t, "html").attribute("lang"); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	answer := ask(t, newFake(), http.MethodGet, "/logs?contains=a%26b&lang=zh", "")
	cookies := answer.Cookies()
	if len(cookies) != 1 || cookies[0].Value != "zh" || cookies[0].Path != prefix+"/" || !cookies[0].HttpOnly {
		t.Errorf("cookies %v", cookies)
	}
	if link, _ := parse(t, answer).one(t, "a", "hreflang", "en").attribute("href"); link != "?contains=a%26b&lang=en" {
		t.Errorf("the other language is at %q", link)
	}
	has(t, open(t, newFake(), "/?lang=zh").text(), "函数", "问题： 服务只监听", "请监听", "处理中", "最近的调用")
}

// TestEveryPageCanBeUsedWithoutAMouseAndWithoutEyes checks what can be checked without a browser; browser_test.go does
// the rest.
func TestEveryPageCanBeUsedWithoutAMouseAndWithoutEyes(t *testing.T) {
	for _, target := range []string{"/", "/functions/hello", "/functions/web", "/functions/broken", "/invocations/first", "/logs"} {
		for _, language := range []string{"en", "zh"} {
			doc := open(t, newFake(), target, "Cookie", "scfcert-language="+language)
			for _, landmark := range []string{"header", "main", "footer", "h1", "title"} {
				doc.one(t, landmark)
			}
			doc.one(t, "a", "class", "skip", "href", "#main")
			for _, nav := range doc.all("nav") {
				if label, _ := nav.attribute("aria-label"); label == "" {
					t.Errorf("%s: a nav has no label", target)
				}
			}
			ids := map[string]bool{}
			for _, element := range doc.all("*", "id", "*") {
				id, _ := element.attribute("id")
				if ids[id] {
					t.Errorf("%s: two elements are %q", target, id)
				}
				ids[id] = true
			}
			for _, reference := range []string{"for", "aria-labelledby", "aria-describedby"} {
				for _, element := range doc.all("*", reference, "*") {
					value, _ := element.attribute(reference)
					for id := range strings.FieldsSeq(value) {
						if !ids[id] {
							t.Errorf("%s: %s=%q leads nowhere", target, reference, id)
						}
					}
				}
			}
			for _, name := range []string{"input", "select", "textarea"} {
				for _, field := range doc.all(name) {
					kind, _ := field.attribute("type")
					id, _ := field.attribute("id")
					if kind != "hidden" && len(doc.all("label", "for", id)) != 1 {
						t.Errorf("%s: %s %q has no label", target, name, id)
					}
				}
			}
			for _, heading := range doc.all("th") {
				if _, has := heading.attribute("scope"); !has {
					t.Errorf("%s: a header %q has no scope", target, heading.text())
				}
			}
			for _, live := range doc.all("*", "data-live", "*") {
				if _, has := live.attribute("id"); !has {
					t.Errorf("%s: a live region has no id", target)
				}
			}
			for _, attribute := range []string{"style", "onclick", "onchange", "onload"} {
				if found := doc.all("*", attribute, "*"); len(found) > 0 || len(doc.all("style")) > 0 {
					t.Errorf("%s: the policy forbids %s", target, attribute)
				}
			}
		}
	}
}

func TestNothingIsLoadedFromElsewhere(t *testing.T) {
	doc := open(t, newFake(), "/functions/hello")
	var assets []string
	for _, c := range [][2]string{{"link", "href"}, {"script", "src"}, {"img", "src"}} {
		for _, element := range doc.all(c[0]) {
			address, _ := element.attribute(c[1])
			assets = append(assets, address)
		}
	}
	if len(assets) != 3 { // the icon too: a browser would ask /favicon.ico, which may be a function
		t.Fatalf("assets %q", assets)
	}
	kinds := map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	for _, address := range assets {
		answer := ask(t, newFake(), http.MethodGet, strings.TrimPrefix(address, prefix), "")
		content, _ := io.ReadAll(answer.Body)
		if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != kinds[address[strings.LastIndex(address, ".")+1:]] {
			t.Errorf("%s: %d %s", address, answer.StatusCode, kind)
		}
		if text := strings.ReplaceAll(string(content), "http://www.w3.org/2000/svg", ""); strings.Contains(text, "//") && strings.Contains(text, "http") || strings.Contains(text, "@import") || strings.Contains(text, "url(") {
			t.Errorf("%s loads something", address)
		}
	}
}

func TestChangesAreTold(t *testing.T) {
	source := newFake()
	server := httptest.NewServer(page.Handler(source, prefix))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	listen := func(ctx context.Context) *http.Response {
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+prefix+"/changes", nil)
		answer, err := http.DefaultClient.Do(request)
		if err != nil || answer.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatal(answer, err)
		}
		return answer
	}
	answer := listen(ctx)
	defer answer.Body.Close()
	read := func(want string) {
		t.Helper()
		buffer := make([]byte, len(want))
		if _, err := io.ReadFull(answer.Body, buffer); err != nil || string(buffer) != want {
			t.Fatalf("%q, %v", buffer, err)
		}
	}
	read("retry: 2000\n\n")
	source.say("first", "more")
	read("event: change\ndata: change\n\n")

	gone, leave := context.WithCancel(ctx)
	other := listen(gone)
	leave()
	_ = other.Body.Close()
	select {
	case <-source.left:
	case <-ctx.Done():
		t.Fatal("the source is not let go when a client leaves")
	}
	source.stop()
	if rest, err := io.ReadAll(answer.Body); err != nil || len(rest) != 0 {
		t.Errorf("after the end %q, %v", rest, err)
	}
}

func TestWithoutASlashThePageIsFound(t *testing.T) {
	if answer := ask(t, newFake(), http.MethodGet, "", ""); answer.Header.Get("Location") != prefix+"/" {
		t.Errorf("%d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if answer := ask(t, newFake(), http.MethodHead, "/changes", ""); answer.StatusCode != http.StatusOK {
		t.Errorf("HEAD of the stream: %d", answer.StatusCode)
	}
}
