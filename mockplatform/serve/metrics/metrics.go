// Package metrics is what Prometheus can ask the local server.
//
// In come invocations that have ended, as the page shows them, and functions that tell what there is at the moment; out
// comes an http.Handler. Names have the prefix scfcert_ and their unit, as Prometheus' naming guide wants. No clause of the
// contract asks for it; statuses are those of contract/runtime.md 5. docs/local-server-api.md lists the metrics.
package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/scfcert/scfcert/mockplatform/serve/page"
)

// Metrics counts. It is safe for use by several goroutines.
type Metrics struct {
	handler http.Handler

	invocations, errors, coldStarts *prometheus.CounterVec
	durations, coldStartDurations   *prometheus.HistogramVec
	peak                            *prometheus.GaugeVec

	mu    sync.Mutex
	peaks map[string]int64
}

// New makes metrics of nothing yet. At each scrape functions tells of all functions, those without instances too, and
// queued how many events of one wait for an asynchronous invocation, their first or another attempt.
func New(functions func() []page.Function, queued func(function string) int) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{"function"})
	}
	m := &Metrics{
		invocations: counter("scfcert_invocations_total", "Invocations that ended, each attempt of an asynchronous one, by the platform's status code.", "function", "status"),
		errors:      counter("scfcert_invocation_errors_total", "Invocations that failed: the status is no success, an event was not answered with 2xx, or a request was answered with 5xx.", "function", "status"),
		coldStarts:  counter("scfcert_cold_starts_total", "Invocations that waited for a new instance.", "function"),
		durations: histogram("scfcert_invocation_duration_seconds", "Duration of invocations, without the cold start.",
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900}),
		coldStartDurations: histogram("scfcert_cold_start_duration_seconds", "Duration of cold starts: pull, creation, and start until the server listens.",
			[]float64{.05, .1, .15, .2, .3, .5, .75, 1, 2, 3, 5, 10, 30, 60, 90, 300}),
		peak:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "scfcert_memory_peak_bytes", Help: "Most memory that an instance of the function has used since the server started."}, []string{"function"}),
		peaks: map[string]int64{},
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.invocations, m.errors, m.coldStarts, m.durations, m.coldStartDurations, m.peak, present{functions, queued})
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

// Observe counts an invocation that has ended. It is called once for each attempt.
func (m *Metrics) Observe(i page.Invocation) {
	function, status := text(i.Function), strconv.Itoa(i.Status)
	m.invocations.WithLabelValues(function, status).Inc()
	if i.Failed {
		m.errors.WithLabelValues(function, status).Inc()
	}
	m.durations.WithLabelValues(function).Observe(i.Duration.Seconds())
	if i.ColdStart > 0 {
		m.coldStarts.WithLabelValues(function).Inc()
		m.coldStartDurations.WithLabelValues(function).Observe(i.ColdStart.Seconds())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if i.PeakBytes > m.peaks[function] {
		m.peaks[function] = i.PeakBytes
		m.peak.WithLabelValues(function).Set(float64(i.PeakBytes))
	}
}

// ServeHTTP answers a scrape.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.handler.ServeHTTP(w, r) }

// text is a name as a label can have it.
func text(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }

var (
	instances = prometheus.NewDesc("scfcert_instances", "Instances now, by what they do.", []string{"function", "state"}, nil)
	queue     = prometheus.NewDesc("scfcert_async_queue_depth", "Events that wait for an asynchronous invocation.", []string{"function"}, nil)
)

// present collects what there is at the moment of a scrape.
type present struct {
	functions func() []page.Function
	queued    func(function string) int
}

// Describe implements prometheus.Collector.
func (present) Describe(out chan<- *prometheus.Desc) {
	out <- instances
	out <- queue
}

// Collect implements prometheus.Collector.
func (p present) Collect(out chan<- prometheus.Metric) {
	for _, f := range p.functions() {
		counts := map[page.InstanceState]int{page.Starting: 0, page.Idle: 0, page.Busy: 0, page.Frozen: 0, page.Draining: 0} // series do not vanish
		for _, i := range f.Instances {
			counts[i.State]++
		}
		for state, count := range counts {
			out <- prometheus.MustNewConstMetric(instances, prometheus.GaugeValue, float64(count), text(f.Name), text(string(state)))
		}
		out <- prometheus.MustNewConstMetric(queue, prometheus.GaugeValue, float64(p.queued(f.Name)), text(f.Name))
	}
}
