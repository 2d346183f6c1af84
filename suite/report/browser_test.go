//go:build browser

package report

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/scfcert/scfcert/mockplatform/browsertest"
)

// hidden lists what cannot be seen of the part that is shown. The skip link is there for the keyboard.
const hidden = `[...document.querySelectorAll("#en, #zh")].filter((part) => getComputedStyle(part).display !== "none").flatMap((part) =>
  [...part.querySelectorAll("h2, h3, p, dt, dd, pre, td, th, summary, .title, svg")].filter((e) => !e.closest(".skip") &&
    (!e.checkVisibility({ contentVisibilityAuto: true, opacityProperty: true, visibilityProperty: true }) || e.getBoundingClientRect().height === 0 || e.scrollHeight > e.clientHeight + 2 && getComputedStyle(e).overflowY === "auto")
  ).map((e) => e.tagName + " " + e.textContent.slice(0, 40)))`

// served opens a report in a browser as a file that somebody serves.
func served(t *testing.T, reports map[string]Report) (*browsertest.Browser, string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		var err error
		if r.URL.Path == "/matrix" {
			err = WriteOverviewHTML(w, atAGlance())
		} else {
			err = WriteHTML(w, reports[r.URL.Path[1:]])
		}
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return browsertest.Open(t, server.URL), server.URL + "/"
}

// media has the page as on paper, or on a screen again.
func media(t *testing.T, b *browsertest.Browser, name string) {
	t.Helper()
	if _, err := chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: name}); err != nil {
		t.Fatal(err)
	}
}

func TestABrowserReadsTheReportByKeyboardAndOnPaper(t *testing.T) {
	reports := map[string]Report{"hostile": hostile(evil[0])}
	for _, name := range []string{"passing", "failing", "inconclusive", "waived"} {
		reports[name] = dressed(name)
	}
	b, base := served(t, reports)
	for _, name := range []string{"passing", "failing", "inconclusive", "waived", "hostile", "matrix"} {
		b.Do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(base+name))
		b.Until(`getComputedStyle(document.getElementById("zh")).display === "none" && document.querySelector("#en h1") !== null`)
		b.Shoot(name)
		b.Do(chromedp.EmulateViewport(390, 844))
		b.Shoot(name + "-narrow")
	}

	// The switch of the language, and a requirement that unfolds, by keyboard only.
	b.Do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(base+"failing"))
	b.TabTo(`#en a[hreflang="zh-CN"]`)
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.Until(`getComputedStyle(document.getElementById("en")).display === "none" && document.getElementById("zh").innerText.includes("不符合")`)
	b.TabTo(`#zh a[href="#zh-start.listen"]`)
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.Until(`document.querySelector(":target").id === "zh-start.listen" && document.querySelector(":target").getBoundingClientRect().top < innerHeight && getComputedStyle(document.getElementById("en")).display === "none"`)
	b.TabTo(`[id="zh-start.listen"] summary`)
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.Until(`document.querySelector(":target details").open && document.querySelector(":target").innerText.includes("ModuleNotFoundError")`)
	b.Shoot("failing-zh")
	b.Do(chromedp.EmulateViewport(390, 844))
	b.Shoot("failing-zh-narrow")

	// On paper all is unfolded, by the style alone. A browser's own beforeprint is not fired here.
	b.Do(chromedp.EmulateViewport(794, 1123))
	for _, place := range []string{"failing", "passing#zh", "waived", "inconclusive", "matrix"} {
		b.Do(chromedp.Navigate("about:blank"), chromedp.Navigate(base+place))
		media(t, b, "print")
		if all := browsertest.Run(b, chromedp.Evaluate[[]string](hidden)); len(all) > 0 {
			t.Errorf("%s: on paper these are hidden: %d, %q", place, len(all), all[:min(len(all), 5)])
		}
		if browsertest.Run(b, chromedp.Evaluate[bool](`[...document.querySelectorAll("nav, .skip")].some((e) => e.checkVisibility()) || document.documentElement.scrollWidth > innerWidth`)) {
			t.Errorf("%s: on paper there are controls, or it is too wide", place)
		}
		media(t, b, "")
		if folded := browsertest.Run(b, chromedp.Evaluate[[]string](hidden)); len(folded) == 0 && place != "matrix" {
			t.Errorf("%s: on a screen nothing is folded away", place)
		}
	}
	b.Quiet()
}

func TestABrowserReadsTheReportWithoutAScript(t *testing.T) {
	b, base := served(t, map[string]Report{"failing": dressed("failing")})
	if _, err := chromedp.Call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.Do(chromedp.Navigate(base + "failing"))
	b.TabTo(`#en a[hreflang="zh-CN"]`)
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.Until(`getComputedStyle(document.getElementById("en")).display === "none" && document.getElementById("zh").innerText.includes("不符合")`)
	b.Quiet()
}

func TestABrowserShowsChineseToThoseWhoReadIt(t *testing.T) {
	b, base := served(t, map[string]Report{"passing": dressed("passing")})
	if _, err := chromedp.Call(b, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "test", AcceptLanguage: "zh-CN"}); err != nil {
		t.Fatal(err)
	}
	b.Do(chromedp.Navigate(base + "passing"))
	b.Until(`getComputedStyle(document.getElementById("zh")).display !== "none" && getComputedStyle(document.getElementById("en")).display === "none"`)
	b.Do(chromedp.Navigate("about:blank"), chromedp.Navigate(base+"passing#en"))
	b.Until(`getComputedStyle(document.getElementById("zh")).display === "none"`)
	b.Do(chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("beforeprint")); true`))
	b.Until(`document.querySelector("details:not([open])") === null`)
	b.Do(chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("afterprint")); true`))
	b.Until(`document.querySelector("details[open]") === null`)
	b.Quiet()
}
