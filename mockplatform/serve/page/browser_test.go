//go:build browser

package page_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

// browser is a Chromium with one page, and what it complained of.
type browser struct {
	context.Context // chromedp keeps the page in it

	t  *testing.T
	mu sync.Mutex
	// complaints are exceptions, errors and warnings on the console, violations of the policy, and requests to elsewhere.
	complaints []string
}

// openBrowser starts Debian's Chromium without a window. Where there is none the test fails: it was asked for by its tag.
func openBrowser(t *testing.T, url string) *browser {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Fatal("no Chromium on this machine: apt-get install -y chromium fonts-noto-cjk, or leave the build tag browser out")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.WindowSize(1280, 900), chromedp.Flag("lang", "en"))
	timed, cancelTimed := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancelTimed)
	allocator, cancelAllocator := chromedp.NewExecAllocator(timed, options...)
	t.Cleanup(cancelAllocator)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &browser{Context: ctx, t: t}
	complain := func(text string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaints = append(b.complaints, text)
	}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			details, _ := json.Marshal(e.ExceptionDetails)
			complain("exception: " + string(details))
		case *runtime.EventConsoleAPICalled:
			arguments, _ := json.Marshal(e.Args)
			complain("console: " + string(arguments))
		case *log.EventEntryAdded:
			complain("log: " + e.Entry.Text + " " + e.Entry.URL)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, url) {
				complain("request to " + e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	command(b, network.Enable, network.EnableParams{})
	command(b, log.Enable, cdp.Empty{})
	return b
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b, actions...); err != nil {
		b.t.Fatalf("%v\ncomplaints: %q", err, b.complaints)
	}
}

// run does what has a result.
func run[T any](b *browser, action chromedp.Action[T]) T {
	b.t.Helper()
	result, err := chromedp.Run(b, action)
	if err != nil {
		b.t.Fatalf("%v\ncomplaints: %q", err, b.complaints)
	}
	return result
}

// command is one of the browser's protocol.
func command[P, R any](b *browser, name cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b, name, params); err != nil {
		b.t.Fatalf("%s: %v", name.Method, err)
	}
}

// until waits until an expression is true, in this page or in the one that it leads to.
func (b *browser) until(expression string) {
	b.t.Helper()
	limit := time.After(10 * time.Second)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		holds, err := chromedp.Run(b, chromedp.Evaluate[bool](expression)) // an error between two pages
		if err == nil && holds {
			return
		}
		select {
		case <-look.C:
		case <-limit:
			text, _ := chromedp.Run(b, chromedp.Evaluate[string]("document.body.innerText"))
			b.t.Fatalf("%s: %v\n%s\ncomplaints: %q", expression, err, text, b.complaints)
		}
	}
}

// tabTo presses Tab until the element has the focus, and sees that the focus can be seen.
func (b *browser) tabTo(selector string) {
	b.t.Helper()
	for range 60 {
		b.do(chromedp.KeyEvent(kb.Tab))
		there := run(b, chromedp.Evaluate[bool]("document.activeElement.matches("+quote(selector)+")"))
		if run(b, chromedp.Evaluate[bool](`document.activeElement !== document.body && getComputedStyle(document.activeElement).outlineStyle === "none"`)) {
			b.t.Errorf("on the way to %s the focus cannot be seen", selector)
		}
		if there {
			return
		}
	}
	b.t.Fatalf("the Tab key does not reach %s", selector)
}

func quote(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// unreadable lists texts with a contrast below 4.5 to 1 (WCAG 2.2, 1.4.3) in the scheme in force.
const unreadable = `(() => {
  const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return {r: m[0], g: m[1], b: m[2], a: m[3] ?? 1}; };
  const light = ({r, g, b}) => { const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a > 0) return c; } return {r: 255, g: 255, b: 255}; };
  const bad = [];
  for (const e of document.body.querySelectorAll("*")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.tagName === "NOSCRIPT") continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(e.tagName + " " + e.className + " " + ratio.toFixed(2) + " " + e.textContent.trim().slice(0, 40));
  }
  return bad;
})()`

// shoot looks at the page in both schemes, and keeps pictures of it.
func (b *browser) shoot(name string) {
	b.t.Helper()
	folder := os.Getenv("SCFCERT_SCREENSHOT")
	if folder == "" {
		folder = b.t.TempDir()
	}
	for _, scheme := range []string{"light", "dark"} {
		command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		if bad := run(b, chromedp.Evaluate[[]string](unreadable)); len(bad) > 0 {
			b.t.Errorf("%s, %s: too little contrast: %q", name, scheme, bad)
		}
		file := filepath.Join(folder, name+"-"+scheme+".png")
		if err := os.WriteFile(file, run(b, chromedp.FullScreenshot(100)), 0o600); err != nil {
			b.t.Fatal(err)
		}
		b.t.Log(file)
	}
	if run(b, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > window.innerWidth")) {
		b.t.Errorf("%s scrolls sideways", name)
	}
}

func TestABrowserUsesThePageByKeyboardOnly(t *testing.T) {
	source := newFake()
	failed := source.add("hello", "7b0e44d2-91fc-4b0a-8f0e-3f8f7d1f2a10", []byte(`{"n":1}`))
	failed.Status, failed.StatusName, failed.ErrorMessage, failed.Failed, failed.HTTPStatus = 433, "TimeLimitReached", "Invoking task timed out after 3 seconds", true, 0
	failed.Problem = page.Text{EN: "The function did not answer within 3 s.", ZH: "函数未在 3 秒内返回。"}
	failed.Fix = page.Text{EN: "Answer sooner, or raise the timeout.", ZH: "请尽快返回，或调大执行超时时间。"}
	source.invocations[0] = failed
	server := httptest.NewServer(page.Handler(source, prefix))
	t.Cleanup(server.Close)
	t.Cleanup(source.stop)
	b := openBrowser(t, server.URL)

	b.do(chromedp.Navigate(server.URL + prefix + "/"))
	b.until(`document.getElementById("live").textContent.startsWith("Live")`)
	b.shoot("overview")
	if run(b, chromedp.Evaluate[bool](`[...document.querySelectorAll(".scroll")].some((e) => e.scrollWidth > e.clientWidth)`)) {
		t.Error("a table is wider than an ordinary window")
	}

	b.tabTo(`a[href$="/functions/hello"]`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`document.title.startsWith("hello") && document.getElementById("live")?.textContent.startsWith("Live")`)
	b.shoot("function")
	b.tabTo("#template")
	b.do(chromedp.KeyEvent("c")) // cos, by its first letter
	b.tabTo(`form[method="get"] button`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`document.getElementById("event")?.value.includes("cosSchemaVersion")`)
	b.tabTo("#event")
	b.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(kb.ModifierCtrl)), chromedp.KeyEvent(`{"typed":"by keyboard"}`))
	b.tabTo("#async")
	b.tabTo("button.main")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`document.title.startsWith("Invocation") && document.getElementById("log").innerText.includes('got {"typed":"by keyboard"}')`)

	// A line appears without a reload: this mark would not outlive one. What was there before stays the same element.
	b.until(`document.getElementById("live").textContent.startsWith("Live")`)
	b.do(chromedp.Evaluate[chromedp.Void](`window.mark = document.querySelector("#log li"); document.getElementById("log").focus(); true`))
	source.say(source.Invocations("", 1)[0].RequestID, "a late line <script>alert(1)</script>")
	b.until(`document.getElementById("log").innerText.includes("a late line <script>alert(1)</script>")`)
	b.until(`window.mark === document.querySelector("#log li") && document.activeElement.id === "log"`)
	b.shoot("invocation")

	b.tabTo(`a[hreflang="zh-CN"]`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`document.documentElement.lang === "zh-CN" && document.body.innerText.includes("日志")`)
	b.shoot("invocation-zh")
	b.do(chromedp.Navigate(server.URL + prefix + "/functions/hello"))
	b.until(`document.documentElement.lang === "zh-CN"`) // kept
	b.shoot("function-zh")
	b.do(chromedp.Navigate(server.URL + prefix + "/"))
	b.until(`document.querySelectorAll("#invocations tbody tr").length === 3`)
	b.shoot("overview-zh")
	b.do(chromedp.Evaluate[chromedp.Void](`window.mark = true; true`))
	source.add("hello", "arrived-since", []byte(`{}`))
	b.until(`window.mark && document.querySelectorAll("#invocations tbody tr").length === 4`)

	b.do(chromedp.Navigate(server.URL + prefix + "/logs?lang=en"))
	b.until(`document.querySelectorAll("#log li").length === 17`)
	b.shoot("logs")
	b.do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(server.URL+prefix+"/functions/hello?lang=en"))
	b.until(`document.documentElement.lang === "en"`)
	b.shoot("narrow")
	b.do(chromedp.Navigate(server.URL + prefix + "/logs?contains=got"))
	b.until(`document.querySelectorAll("#log li").length === 4`)
	b.shoot("logs-narrow")

	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		t.Errorf("the browser complains: %q", b.complaints)
	}
}

func TestABrowserSaysWhenTheServerHasGone(t *testing.T) {
	source := newFake()
	server := httptest.NewServer(page.Handler(source, prefix))
	t.Cleanup(server.Close)
	b := openBrowser(t, server.URL)
	b.do(chromedp.Navigate(server.URL + prefix + "/"))
	b.until(`document.getElementById("live").textContent.startsWith("Live")`)
	source.stop()
	server.Listener.Close()
	server.CloseClientConnections()
	b.until(`document.getElementById("live").textContent.startsWith("Not live")`)
}
