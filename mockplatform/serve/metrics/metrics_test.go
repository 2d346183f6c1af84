package metrics_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/scfcert/scfcert/mockplatform/serve/metrics"
	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

func none(string) int { return 0 }

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/_scfcert/metrics", nil))
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %v: %s", w.Code, err, body)
	}
	return string(body)
}

// seen has some of everything.
func seen() *metrics.Metrics {
	m := metrics.New(func() []page.Function {
		return []page.Function{{Name: "hello", Instances: []page.Instance{{State: page.Idle}, {State: page.Busy}, {State: page.Idle}}}, {Name: "web"}}
	}, func(function string) int { return map[string]int{"hello": 3}[function] })
	m.Observe(page.Invocation{Function: "hello", Status: 200, Duration: 20 * time.Millisecond, ColdStart: 120 * time.Millisecond, PeakBytes: 5 << 20})
	m.Observe(page.Invocation{Function: "hello", Status: 200, Failed: true, Duration: 2 * time.Second, PeakBytes: 9 << 20})
	m.Observe(page.Invocation{Function: "hello", Status: 433, Failed: true, Duration: 3 * time.Second, PeakBytes: 7 << 20})
	return m
}

func TestInvocationsAreCounted(t *testing.T) {
	text := scrape(t, seen())
	for _, want := range []string{
		`scfcert_invocations_total{function="hello",status="200"} 2`,
		`scfcert_invocations_total{function="hello",status="433"} 1`,
		`scfcert_invocation_errors_total{function="hello",status="200"} 1`,
		`scfcert_invocation_errors_total{function="hello",status="433"} 1`,
		`scfcert_cold_starts_total{function="hello"} 1`,
		`scfcert_invocation_duration_seconds_bucket{function="hello",le="0.025"} 1`,
		`scfcert_invocation_duration_seconds_bucket{function="hello",le="2.5"} 2`,
		`scfcert_invocation_duration_seconds_sum{function="hello"} 5.02`,
		`scfcert_invocation_duration_seconds_count{function="hello"} 3`,
		`scfcert_cold_start_duration_seconds_sum{function="hello"} 0.12`,
		`scfcert_cold_start_duration_seconds_count{function="hello"} 1`,
		`scfcert_memory_peak_bytes{function="hello"} 9.437184e+06`,
		`scfcert_instances{function="hello",state="idle"} 2`,
		`scfcert_instances{function="hello",state="busy"} 1`,
		`scfcert_instances{function="web",state="draining"} 0`, // a series does not vanish at zero
		`scfcert_async_queue_depth{function="hello"} 3`,
		`scfcert_async_queue_depth{function="web"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}

func TestNamesAndTextsAreAsPrometheusWantsThem(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, seen()))).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestEveryMetricIsInTheDocument(t *testing.T) {
	document, err := os.ReadFile("../../../docs/local-server-api.md")
	if err != nil {
		t.Fatal(err)
	}
	names := func(pattern, text string) []string {
		var found []string
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found = append(found, match[1])
		}
		slices.Sort(found)
		return found
	}
	has, documented := names(`(?m)^# TYPE (\S+)`, scrape(t, seen())), names("(?m)^\\| `(scfcert_[a-z_]+)`", string(document))
	if !slices.Equal(has, documented) {
		t.Errorf("there are\n%s\ndocumented are\n%s", strings.Join(has, "\n"), strings.Join(documented, "\n"))
	}
}

func TestANameThatIsNoTextDoesNoHarm(t *testing.T) {
	m := metrics.New(func() []page.Function {
		return []page.Function{{Name: "a\xff\"\n", Instances: []page.Instance{{State: "\xff"}}}}
	}, none)
	m.Observe(page.Invocation{Function: "a\xff\"\n", Status: 200})
	if text := scrape(t, m); !strings.Contains(text, `scfcert_invocations_total{function="a`+"\uFFFD"+`\"\n",status="200"} 1`) {
		t.Error(text)
	}
}

func TestManyCanObserveAtATime(t *testing.T) {
	m := metrics.New(func() []page.Function { return nil }, none)
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			m.Observe(page.Invocation{Function: "f", Status: 200, PeakBytes: int64(n + 1)})
			_ = scrape(t, m)
		})
	}
	all.Wait()
	text := scrape(t, m)
	for _, want := range []string{`scfcert_invocations_total{function="f",status="200"} 50`, `scfcert_memory_peak_bytes{function="f"} 50`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}
