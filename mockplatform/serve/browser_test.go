//go:build browser

package serve_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/coder/websocket"

	"github.com/scfcert/scfcert/mockplatform/browsertest"
)

// TestABrowserWatchesRealFunctions opens the page of a server with real containers behind it.
func TestABrowserWatchesRealFunctions(t *testing.T) {
	image := saved(t, t.TempDir(), "one")
	_, listener, _ := served(t, fmt.Sprintf(`functions:
  events: {image: %q, type: event, memory: 256, triggers: [{timer: {name: nightly, cron: "0 0 2 * * * *"}}]}
  web: {image: %q, type: http, memory: 256, timeout: 60, websocket: {idle-timeout: 60}}
  broken: {image: %q, type: http, memory: 256, command: /nothing}
`, image, image, image), false)
	b := browsertest.Open(t, listener.URL)

	b.Do(chromedp.Navigate(listener.URL + "/_scfcert/"))
	b.Until(`document.getElementById("live").textContent.startsWith("Live")`)
	b.Until(`document.body.innerText.includes("/nothing")`) // why the third one is not there
	get(t, http.MethodGet, listener.URL+"/hello?x=1", "web.localhost", "")
	b.Until(`document.getElementById("invocations").innerText.includes("/hello?x=1")`) // without a reload
	b.Shoot("real-overview")

	// An event from a template, by keyboard, with its answer and its log.
	b.Do(chromedp.Navigate(listener.URL + "/_scfcert/functions/events?template=timer"))
	b.Until(`document.getElementById("event")?.value.includes("TriggerName")`)
	b.TabTo("button.main")
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.Until(`document.title.startsWith("Invocation") && document.getElementById("log").innerText.includes("Report RequestId:")`)
	b.Until(`document.body.innerText.includes("hello from scfcert")`)
	b.Shoot("real-invocation")

	// A request that runs shows its lines while it does.
	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(listener.URL, "http")+"/ws", &websocket.DialOptions{Host: "web.localhost"})
	check(t, err)
	running := ""
	eventually(t, "the request runs", func() bool {
		for _, i := range invocations(t, listener) {
			if i.Path == "/ws" {
				running = i.RequestID
			}
		}
		return running != ""
	})
	b.Do(chromedp.Navigate(listener.URL + "/_scfcert/invocations/" + running))
	b.Until(`document.getElementById("log").innerText.includes("stdout of request ` + running + `")`)
	b.Shoot("real-running")
	check(t, conn.Close(websocket.StatusNormalClosure, ""))
	b.Until(`document.getElementById("log").innerText.includes("END RequestId:` + running + `")`)
	b.Do(chromedp.Navigate(listener.URL + "/_scfcert/functions/broken?lang=zh"))
	b.Until(`document.documentElement.lang === "zh-CN"`)
	b.Shoot("real-broken-zh")
	b.Quiet()
}
