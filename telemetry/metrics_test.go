package telemetry

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// scrape reads the metrics as Prometheus does.
func scrape(t testing.TB, m *Metrics) (map[string]*dto.MetricFamily, []byte) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return families, w.Body.Bytes()
}

// value is that of the one series with these labels, written name=value.
func value(t testing.TB, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	for _, m := range families[name].GetMetric() {
		var have []string
		for _, l := range m.GetLabel() {
			have = append(have, l.GetName()+"="+l.GetValue())
		}
		if slices.Sort(labels); !slices.Equal(have, labels) {
			continue
		}
		switch {
		case m.Counter != nil:
			return m.Counter.GetValue()
		case m.Gauge != nil:
			return m.Gauge.GetValue()
		}
		return float64(m.Histogram.GetSampleCount())
	}
	t.Errorf("there is no %s%v", name, labels)
	return 0
}

func TestMetricsCount(t *testing.T) {
	m := NewMetrics("1.2.3")
	m.Record(usual())
	refused := usual()
	refused.Refused, refused.Guard, refused.Code, refused.Status, refused.BytesIn, refused.Upstream = true, "policy.object", "policy.not_owner", 404, 10, nil
	refused.Bot = &exchange.RecordBot{Rating: exchange.Hostile, Action: "deny"}
	m.Record(refused)
	monitored := usual()
	monitored.Steps = []exchange.RecordStep{{Guard: "inspect.body", Mode: config.Monitor, Code: "inspect.sqli"}, {Guard: "validate.body", Mode: config.Enforce, Code: "validate.body"}}
	monitored.Findings = []exchange.Finding{{Guard: "inspect.body", Rule: "942100", Severity: exchange.High}, {Guard: "inspect.body", Rule: "942100", Severity: exchange.High}}
	m.Record(monitored)
	m.Reloaded(true)
	m.Reloaded(false)
	f, _ := scrape(t, m)
	operation := []string{"api=shop", "method=GET", "operation=GET /orders/{id}"}
	for name, c := range map[string]struct {
		labels []string
		want   float64
	}{
		"sallyport_http_requests_total":           {append([]string{"code=200"}, operation...), 2},
		"sallyport_http_request_duration_seconds": {operation, 3},
		"sallyport_refusals_total":                {[]string{"api=shop", "guard=policy.object", "reason=policy.not_owner"}, 1},
		"sallyport_would_refuse_total":            {[]string{"api=shop", "guard=inspect.body", "reason=inspect.sqli"}, 1},
		"sallyport_bot_requests_total":            {[]string{"action=deny", "api=shop", "rating=hostile"}, 1},
		"sallyport_findings_total":                {[]string{"api=shop", "guard=inspect.body", "severity=high"}, 2},
		"sallyport_inspect_rule_matches_total":    {[]string{"rule=942100"}, 2},
		"sallyport_upstream_duration_seconds":     {[]string{"api=shop"}, 2},
		"sallyport_guard_duration_seconds":        {[]string{"guard=identity"}, 2},
		"sallyport_http_body_bytes_total":         {[]string{"api=shop", "direction=out"}, 3072},
		"sallyport_build_info":                    {[]string{"version=1.2.3"}, 1},
		"sallyport_config_last_reload_successful": {nil, 0},
	} {
		if got := value(t, f, name, c.labels...); got != c.want {
			t.Errorf("%s is %v, want %v", name, got, c.want)
		}
	}
	if n := len(f["sallyport_would_refuse_total"].GetMetric()); n != 1 {
		t.Errorf("%d series of would_refuse: a guard that enforces is not one that would", n)
	}
	if got := value(t, f, "sallyport_config_last_reload_success_timestamp_seconds"); got == 0 {
		t.Error("the time of the last good reload is lost with a bad one")
	}
}

// What is kept elsewhere is asked for at each scrape; labels that come twice, or not as UTF-8, break no scrape.
func TestMetricsAskedFor(t *testing.T) {
	var n atomic.Int64 // they are asked side by side
	m := NewMetrics("test")
	m.Gauge("sallyport_test_gauge", "A gauge.", func() float64 { return float64(n.Add(1)) })
	m.Counter("sallyport_test_total", "A counter.", func() float64 { return float64(n.Load()) })
	m.CounterBy("sallyport_test_fetches_total", "Counters.", "source", func(add func(string, float64)) {
		add("a", float64(n.Load()))
		add("a", 99)
		add("b\xff", 7)
	})
	m.GaugeBy("sallyport_test_keys", "Gauges.", "source", func(add func(string, float64)) { add("a", -1) })
	scrape(t, m)
	f, _ := scrape(t, m)
	if got := value(t, f, "sallyport_test_gauge"); got != 2 {
		t.Errorf("gauge %v", got)
	}
	if a, b := value(t, f, "sallyport_test_fetches_total", "source=a"), value(t, f, "sallyport_test_fetches_total", "source=b�"); a == 99 || b != 7 {
		t.Errorf("%v and %v", a, b)
	}
	if got := value(t, f, "sallyport_test_keys", "source=a"); got != -1 {
		t.Errorf("%v", got)
	}
}

// seriesOf counts the lines of our own metrics.
func seriesOf(t testing.TB, m *Metrics) (n int) {
	families, _ := scrape(t, m)
	for name, f := range families {
		if strings.HasPrefix(name, "sallyport_") {
			n += len(f.GetMetric())
		}
	}
	return n
}

// Whatever strangers vary, the number of series stays what config, spec and catalogue make it.
func TestStrangersMakeNoSeries(t *testing.T) {
	m := NewMetrics("test")
	vary := map[string]func(r *exchange.Record, i int){
		"path":   func(r *exchange.Record, i int) { r.Path = fmt.Sprint("/orders/", i) },
		"query":  func(r *exchange.Record, i int) { r.Query = fmt.Sprint("q=", i) },
		"host":   func(r *exchange.Record, i int) { r.Host = fmt.Sprint(i, ".example") },
		"client": func(r *exchange.Record, i int) { r.Client, r.Peer = fmt.Sprint(i), fmt.Sprint(i) },
		"agent":  func(r *exchange.Record, i int) { r.UserAgent = fmt.Sprint(i) },
		"principal": func(r *exchange.Record, i int) {
			r.Principal = &exchange.RecordPrincipal{Subject: fmt.Sprint(i), Tenant: fmt.Sprint(i)}
		},
		"unmatched method": func(r *exchange.Record, i int) {
			r.Operation, r.Method, r.Refused, r.Code, r.Guard = "", fmt.Sprintf("M%d\xff", i), true, "protocol.method", "protocol"
		},
		"undocumented": func(r *exchange.Record, i int) {
			r.Operation, r.Undocumented, r.Method, r.Path = "undocumented", true, fmt.Sprint("M", i), fmt.Sprint("/", i)
		},
		"status": func(r *exchange.Record, i int) { r.Status = 100 + i%900 },
		"finding": func(r *exchange.Record, i int) {
			r.Findings = []exchange.Finding{{Guard: "inspect", Rule: fmt.Sprint(i), Field: fmt.Sprint(i), Message: fmt.Sprint(i), Severity: exchange.Low}}
		},
		"detail": func(r *exchange.Record, i int) { r.Detail, r.Setting = fmt.Sprint(i), fmt.Sprint(i) },
		"upstream": func(r *exchange.Record, i int) {
			r.Upstream = &exchange.RecordUpstream{Target: fmt.Sprint(i), Status: i, Attempts: i}
		},
	}
	for name, change := range vary {
		r := usual()
		change(r, 0)
		m.Record(r)
		before := seriesOf(t, m)
		for i := 1; i < 10_000; i++ {
			r := usual()
			change(r, i)
			m.Record(r)
		}
		most := 0
		if name == "status" {
			most = 75 // those that are registered, and the nine classes
		}
		if more := seriesOf(t, m) - before; more > most {
			t.Errorf("%s: %d new series", name, more)
		}
	}
}

// The names follow Prometheus' own linter, and nothing of a request stands in the exposition.
func TestMetricsLint(t *testing.T) {
	m := NewMetrics("1.2.3")
	r := filled("stranger")
	r.Operation, r.Method = "GET /orders/{id}", "GET"
	m.Record(r)
	_, text := scrape(t, m)
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "sallyport_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if bytes.Contains(text, []byte("stranger")) {
		t.Error("text of a request became part of a metric")
	}
}

func TestMetricsConcurrently(t *testing.T) {
	m := NewMetrics("test")
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 500 {
				r := usual()
				r.Operation = fmt.Sprint("GET /", (i+w)%7)
				m.Record(r)
			}
		})
	}
	all.Wait()
	f, _ := scrape(t, m)
	total := 0.0
	for i := range 7 {
		total += value(t, f, "sallyport_http_requests_total", "api=shop", "code=200", "method=GET", fmt.Sprint("operation=GET /", i))
	}
	if total != 2000 {
		t.Errorf("%v counted, want 2000", total)
	}
}

func BenchmarkMetrics(b *testing.B) {
	m, r := NewMetrics("bench"), usual()
	b.ReportAllocs()
	for b.Loop() {
		m.Record(r)
	}
}
