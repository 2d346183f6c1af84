//go:build browser

// Package browsertest drives Debian's Chromium in tests of pages: what it complains of, what can be read, what a keyboard
// reaches. It is built with the tag browser only.
package browsertest

import (
	"context"
	"encoding/json"
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
)

// Browser is a Chromium with one page, and what it complained of.
type Browser struct {
	context.Context //nolint:containedctx // chromedp keeps the page in it

	t  *testing.T
	mu sync.Mutex
	// complaints are exceptions, errors and warnings on the console, violations of the policy, and requests to elsewhere.
	complaints []string
}

// Open starts Debian's Chromium without a window. Where there is none the test fails: it was asked for by its tag.
func Open(t *testing.T, url string) *Browser {
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
	b := &Browser{Context: ctx, t: t}
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

// Do does what has no result.
func (b *Browser) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b, actions...); err != nil {
		b.t.Fatalf("%v\ncomplaints: %q", err, b.complaints)
	}
}

// Run does what has a result.
func Run[T any](b *Browser, action chromedp.Action[T]) T {
	b.t.Helper()
	result, err := chromedp.Run(b, action)
	if err != nil {
		b.t.Fatalf("%v\ncomplaints: %q", err, b.complaints)
	}
	return result
}

// command is one of the browser's protocol.
func command[P, R any](b *Browser, name cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b, name, params); err != nil {
		b.t.Fatalf("%s: %v", name.Method, err)
	}
}

// Until waits until an expression is true, in this page or in the one that it leads to.
func (b *Browser) Until(expression string) {
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

// TabTo presses Tab until the element has the focus, and sees that the focus can be seen.
func (b *Browser) TabTo(selector string) {
	b.t.Helper()
	for range 60 {
		b.Do(chromedp.KeyEvent(kb.Tab))
		there := Run(b, chromedp.Evaluate[bool]("document.activeElement.matches("+quote(selector)+")"))
		if Run(b, chromedp.Evaluate[bool](`document.activeElement !== document.body && getComputedStyle(document.activeElement).outlineStyle === "none"`)) {
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

// Shoot looks at the page in both schemes, and keeps pictures of it.
func (b *Browser) Shoot(name string) {
	b.t.Helper()
	folder := os.Getenv("SCFCERT_SCREENSHOT")
	if folder == "" {
		folder = b.t.TempDir()
	}
	for _, scheme := range []string{"light", "dark"} {
		command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		if bad := Run(b, chromedp.Evaluate[[]string](unreadable)); len(bad) > 0 {
			b.t.Errorf("%s, %s: too little contrast: %q", name, scheme, bad)
		}
		file := filepath.Join(folder, name+"-"+scheme+".png")
		if err := os.WriteFile(file, Run(b, chromedp.FullScreenshot(100)), 0o600); err != nil { //nolint:gosec // the tester names the folder
			b.t.Fatal(err)
		}
		b.t.Log(file)
	}
	if Run(b, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > window.innerWidth")) {
		b.t.Errorf("%s scrolls sideways", name)
	}
}

// Quiet fails the test if the browser has complained of anything.
func (b *Browser) Quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		b.t.Errorf("the browser complains: %q", b.complaints)
	}
}
