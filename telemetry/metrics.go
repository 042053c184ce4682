package telemetry

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sallyport/sallyport/exchange"
)

// Metrics counts exchanges for Prometheus. Every label comes from the config, the spec or the catalogue of reasons,
// never from a request, so that strangers cannot make series.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	refusals *prometheus.CounterVec
	would    *prometheus.CounterVec
	findings *prometheus.CounterVec
	bots     *prometheus.CounterVec
	rules    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	upstream *prometheus.HistogramVec
	guards   *prometheus.HistogramVec
	bytes    *prometheus.CounterVec
	reload   reloads
	series   table[seriesKey, *series]
	timings  table[string, prometheus.Observer] // by guard
}

type reloads struct {
	ok   prometheus.Gauge
	when prometheus.Gauge
}

// series are the collectors of one operation and status, looked up once.
type series struct {
	requests prometheus.Counter
	duration prometheus.Observer
	upstream prometheus.Observer
	in, out  prometheus.Counter
}

type seriesKey struct {
	api, operation, method string
	status                 int
}

// seconds are the buckets of latencies: from a fast answer of a local service to a slow one.
var seconds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// guardSeconds are the buckets of a guard's judgement.
var guardSeconds = []float64{.000001, .00001, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .05, .1}

// NewMetrics registers everything that is counted. version is for build_info.
func NewMetrics(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(),
		requests: counters("sallyport_http_requests_total", "Exchanges by operation and what the client received.", "api", "operation", "method", "code"),
		refusals: counters("sallyport_refusals_total", "Exchanges that were refused, by reason.", "api", "guard", "reason"),
		would:    counters("sallyport_would_refuse_total", "Exchanges that a guard in monitor mode would have refused, by reason.", "api", "guard", "reason"),
		findings: counters("sallyport_findings_total", "What guards noticed without deciding.", "api", "guard", "severity"),
		bots:     counters("sallyport_bot_requests_total", "Exchanges by how their client was rated, and what was done for it.", "api", "rating", "action"),
		rules:    counters("sallyport_inspect_rule_matches_total", "Matches of attack rules that are in records.", "rule"),
		duration: histograms("sallyport_http_request_duration_seconds", "Time from the request's head to the end of the answer.", seconds, "api", "operation", "method"),
		upstream: histograms("sallyport_upstream_duration_seconds", "Time until the head of the upstream's answer.", seconds, "api"),
		guards:   histograms("sallyport_guard_duration_seconds", "Time that a guard took to judge.", guardSeconds, "guard"),
		bytes:    counters("sallyport_http_body_bytes_total", "Bytes of bodies.", "api", "direction"),
		reload: reloads{
			ok:   gauge("sallyport_config_last_reload_successful", "1 when the last configuration that was read is in use."),
			when: gauge("sallyport_config_last_reload_success_timestamp_seconds", "When a configuration was last taken into use."),
		},
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "sallyport_build_info", Help: "Version of the binary.", ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.refusals, m.would, m.findings, m.bots, m.rules, m.duration, m.upstream, m.guards, m.bytes, m.reload.ok, m.reload.when, info,
		collectors.NewGoCollector(liveHeap), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// liveHeap adds go_gc_heap_live_bytes: what the last collection found alive. The allocated heap tells of leaks only to
// those who look just after a collection.
var liveHeap = collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)})

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

// Gauge adds a value that is asked for at each scrape.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Counter adds a count that is kept elsewhere.
func (m *Metrics) Counter(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
}

// CounterBy adds counts that are kept elsewhere, one for each value of a label. The values must come from the config.
func (m *Metrics) CounterBy(name, help, label string, values func(add func(label string, value float64))) {
	m.CounterOf(name, help, []string{label}, byOne(values))
}

// CounterOf is [Metrics.CounterBy] for several labels.
func (m *Metrics) CounterOf(name, help string, labels []string, values func(add func(value float64, labels ...string))) {
	m.registry.MustRegister(&family{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue, values})
}

func byOne(values func(add func(label string, value float64))) func(add func(value float64, labels ...string)) {
	return func(add func(float64, ...string)) {
		values(func(label string, value float64) { add(value, label) })
	}
}

// GaugeBy adds values that are asked for at each scrape, one for each value of a label. The values of the label must
// come from the config.
func (m *Metrics) GaugeBy(name, help, label string, values func(add func(label string, value float64))) {
	m.registry.MustRegister(&family{prometheus.NewDesc(name, help, []string{label}, nil), prometheus.GaugeValue, byOne(values)})
}

// Reloaded notes whether a configuration was taken into use.
func (m *Metrics) Reloaded(ok bool) {
	if !ok {
		m.reload.ok.Set(0)
		return
	}
	m.reload.ok.Set(1)
	m.reload.when.SetToCurrentTime()
}

// Handler serves the metrics, and nothing else.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Gatherer reads the metrics.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Record counts one exchange.
func (m *Metrics) Record(r *exchange.Record) {
	s := m.of(r)
	s.requests.Inc()
	s.duration.Observe(r.Took.Seconds())
	if r.Refused {
		m.refusals.WithLabelValues(r.API, r.Guard, r.Code).Inc()
	}
	if b := r.Bot; b != nil {
		m.bots.WithLabelValues(r.API, string(b.Rating), b.Action).Inc()
	}
	for i := range r.Steps {
		step := &r.Steps[i]
		m.timing(step.Guard).Observe(step.Took.Seconds())
		if step.Code != "" && step.Mode == "monitor" {
			m.would.WithLabelValues(r.API, step.Guard, step.Code).Inc()
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		m.findings.WithLabelValues(r.API, f.Guard, string(f.Severity)).Inc()
		if strings.HasPrefix(f.Guard, "inspect.") { // ids of its rules come from rule files, never from a message
			m.rules.WithLabelValues(f.Rule).Inc()
		}
	}
	if r.Upstream != nil {
		s.upstream.Observe(r.Upstream.Took.Seconds())
	}
	s.in.Add(float64(r.BytesIn))
	s.out.Add(float64(r.BytesOut))
}

// timing finds the collector of a guard, whose names are few and our own.
func (m *Metrics) timing(guard string) prometheus.Observer {
	if o, ok := m.timings.find(guard); ok {
		return o
	}
	return m.timings.add(guard, m.guards.WithLabelValues(guard))
}

// of finds the collectors of an operation. What matched nothing has no method of its own: methods are strangers' words.
func (m *Metrics) of(r *exchange.Record) *series {
	key := seriesKey{r.API, r.Operation, r.Method, registered(r.Status)}
	if r.Operation == "" || r.Undocumented {
		key.method = ""
	}
	if s, ok := m.series.find(key); ok {
		return s
	}
	return m.series.add(key, &series{
		requests: m.requests.WithLabelValues(key.api, key.operation, key.method, strconv.Itoa(key.status)),
		duration: m.duration.WithLabelValues(key.api, key.operation, key.method),
		upstream: m.upstream.WithLabelValues(key.api),
		in:       m.bytes.WithLabelValues(key.api, "in"),
		out:      m.bytes.WithLabelValues(key.api, "out"),
	})
}

// registered is the status, or that of its class where it is not a registered one: an upstream can make up hundreds.
// RFC 9110, section 15, lets x00 stand for its class.
func registered(status int) int {
	if http.StatusText(status) != "" || status == 499 { // the client has gone
		return status
	}
	return status / 100 * 100
}
