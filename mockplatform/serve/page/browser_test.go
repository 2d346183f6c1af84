//go:build browser

package page_test

import (
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/scfcert/scfcert/mockplatform/browsertest"
	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

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
	b := browsertest.Open(t, server.URL)

	b.Do(chromedp.Navigate(server.URL + prefix + "/"))
	b.Until(`document.getElementById("live").textContent.startsWith("Live")`)
	b.Shoot("overview")
	if browsertest.Run(b, chromedp.Evaluate[bool](`[...document.querySelectorAll(".scroll")].some((e) => e.scrollWidth > e.clientWidth)`)) {
		t.Error("a table is wider than an ordinary window")
	}

	b.TabTo(`a[href$="/functions/hello"]`)
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.Until(`document.title.startsWith("hello") && document.getElementById("live")?.textContent.startsWith("Live")`)
	b.Shoot("function")
	b.TabTo("#template")
	b.Do(chromedp.KeyEvent("c")) // cos, by its first letter
	b.TabTo(`form[method="get"] button`)
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.Until(`document.getElementById("event")?.value.includes("cosSchemaVersion")`)
	b.TabTo("#event")
	b.Do(chromedp.KeyEvent("a", chromedp.KeyModifiers(kb.ModifierCtrl)), chromedp.KeyEvent(`{"typed":"by keyboard"}`))
	b.TabTo("#async")
	b.TabTo("button.main")
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.Until(`document.title.startsWith("Invocation") && document.getElementById("log").innerText.includes('got {"typed":"by keyboard"}')`)

	// A line appears without a reload: this mark would not outlive one. What was there before stays the same element.
	b.Until(`document.getElementById("live").textContent.startsWith("Live")`)
	b.Do(chromedp.Evaluate[chromedp.Void](`window.mark = document.querySelector("#log li"); document.getElementById("log").focus(); true`))
	source.say(source.Invocations("", 1)[0].RequestID, "a late line <script>alert(1)</script>")
	b.Until(`document.getElementById("log").innerText.includes("a late line <script>alert(1)</script>")`)
	b.Until(`window.mark === document.querySelector("#log li") && document.activeElement.id === "log"`)
	b.Shoot("invocation")

	b.TabTo(`a[hreflang="zh-CN"]`)
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.Until(`document.documentElement.lang === "zh-CN" && document.body.innerText.includes("日志")`)
	b.Shoot("invocation-zh")
	b.Do(chromedp.Navigate(server.URL + prefix + "/functions/hello"))
	b.Until(`document.documentElement.lang === "zh-CN"`) // kept
	b.Shoot("function-zh")
	b.Do(chromedp.Navigate(server.URL + prefix + "/"))
	b.Until(`document.querySelectorAll("#invocations tbody tr").length === 3`)
	b.Shoot("overview-zh")
	b.Do(chromedp.Evaluate[chromedp.Void](`window.mark = true; true`))
	source.add("hello", "arrived-since", []byte(`{}`))
	b.Until(`window.mark && document.querySelectorAll("#invocations tbody tr").length === 4`)

	b.Do(chromedp.Navigate(server.URL + prefix + "/logs?lang=en"))
	b.Until(`document.querySelectorAll("#log li").length === 17`)
	b.Shoot("logs")
	b.Do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(server.URL+prefix+"/functions/hello?lang=en"))
	b.Until(`document.documentElement.lang === "en"`)
	b.Shoot("narrow")
	b.Do(chromedp.Navigate(server.URL + prefix + "/logs?contains=got"))
	b.Until(`document.querySelectorAll("#log li").length === 4`)
	b.Shoot("logs-narrow")

	b.Quiet()
}

func TestABrowserSaysWhenTheServerHasGone(t *testing.T) {
	source := newFake()
	server := httptest.NewServer(page.Handler(source, prefix))
	t.Cleanup(server.Close)
	b := browsertest.Open(t, server.URL)
	b.Do(chromedp.Navigate(server.URL + prefix + "/"))
	b.Until(`document.getElementById("live").textContent.startsWith("Live")`)
	source.stop()
	server.Listener.Close()
	server.CloseClientConnections()
	b.Until(`document.getElementById("live").textContent.startsWith("Not live")`)
}
