package telemetry

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// A receiver is an OTLP/HTTP collector that keeps what arrives.
type receiver struct {
	mu       sync.Mutex
	spans    []*traces.Span
	resource map[string]string
	requests []*http.Request
}

func (c *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var batch collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &batch)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r)
	for _, rs := range batch.ResourceSpans {
		c.resource = texts(rs.Resource.Attributes)
		for _, ss := range rs.ScopeSpans {
			c.spans = append(c.spans, ss.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func texts(list []*common.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range list {
		m[kv.Key] = kv.Value.GetStringValue()
	}
	return m
}

// traced starts a collector and a tracer that exports to it.
func traced(t *testing.T) (*receiver, *Tracer) {
	t.Helper()
	c := &receiver{}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
	tracer, err := NewTracer(t.Context(), "1.2.3")
	if err != nil || tracer == nil {
		t.Fatal(tracer, err)
	}
	return c, tracer
}

// one traces an exchange, exports it and returns its span, with what the upstream would receive.
func (c *receiver) one(t *testing.T, tracer *Tracer, in http.Header, r *exchange.Record) (*traces.Span, http.Header) {
	t.Helper()
	request := httptest.NewRequest(r.Method, "/", nil)
	for name, values := range in {
		request.Header[name] = values
	}
	span := tracer.Start(request)
	var edits exchange.Edits
	span.Propagate(&edits)
	r.Trace = span.TraceID()
	span.End(r)
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := request.Header.Clone()
	edits.Apply(out)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.spans) == 0 {
		return nil, out
	}
	return c.spans[0], out
}

const (
	parentTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentSpan  = "00f067aa0ba902b7"
	sampled     = "00-" + parentTrace + "-" + parentSpan + "-01"
	unsampled   = "00-" + parentTrace + "-" + parentSpan + "-00"
)

func TestTraceArrives(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue")
	t.Setenv("OTEL_SERVICE_NAME", "edge")
	c, tracer := traced(t)
	r := usual()
	r.Status, r.Refused, r.Guard, r.Code = 502, true, "validate.response", "validate.response"
	r.Steps = []exchange.RecordStep{{Guard: "validate.response", Mode: config.Enforce, Took: time.Millisecond, Code: "validate.response"}}
	span, out := c.one(t, tracer, http.Header{"Traceparent": {sampled}}, r)
	if span == nil {
		t.Fatal("no span arrived")
	}
	if span.Name != "GET /orders/{id}" || span.Kind != traces.Span_SPAN_KIND_SERVER || span.Status.GetCode() != traces.Status_STATUS_CODE_ERROR {
		t.Errorf("%v", span)
	}
	if hex(span.TraceId) != parentTrace || hex(span.ParentSpanId) != parentSpan || r.Trace != parentTrace {
		t.Errorf("trace %x, parent %x: the client's trace does not go on", span.TraceId, span.ParentSpanId)
	}
	if want := "00-" + parentTrace + "-" + hex(span.SpanId) + "-01"; out.Get("Traceparent") != want {
		t.Errorf("the upstream receives %q, want %q", out.Get("Traceparent"), want)
	}
	have := texts(span.Attributes)
	for name, want := range map[string]string{"http.request.method": "GET", "http.route": "/orders/{id}", "url.path": "/v1/orders/4711", "client.address": "203.0.113.7",
		"server.address": "api.example.com", "network.protocol.version": "2", "user_agent.original": "shop-app/4.2 (Android 14)", "error.type": "validate.response",
		"sallyport.exchange": r.ID, "sallyport.api": "shop", "sallyport.reason": "validate.response", "sallyport.guard": "validate.response"} {
		if have[name] != want {
			t.Errorf("%s is %q, want %q", name, have[name], want)
		}
	}
	if len(span.Events) != 1 || span.Events[0].Name != "validate.response" || texts(span.Events[0].Attributes)["sallyport.reason"] != "validate.response" {
		t.Errorf("events %v", span.Events)
	}
	if c.resource["service.name"] != "edge" || c.resource["service.version"] != "1.2.3" || c.requests[0].Header.Get("X-Tenant") != "blue" {
		t.Errorf("resource %v, header %v", c.resource, c.requests[0].Header)
	}
}

func hex(b []byte) string {
	var s []byte
	for _, c := range b {
		s = append(s, hexDigits[c>>4], hexDigits[c&15])
	}
	return string(s)
}

// What a client decides about sampling is followed; a parent of no valid form is none.
func TestTraceSampling(t *testing.T) {
	for name, c := range map[string]struct {
		parent, sampler string
		sent, child     bool
	}{
		"sampled parent":          {sampled, "", true, true},
		"unsampled parent":        {unsampled, "", false, true},
		"no parent":               {"", "", true, false},
		"zero trace":              {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", "", true, false},
		"garbage":                 {"00-\r\n-x", "", true, false},
		"upper case":              {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01", "", true, false},
		"operator says never":     {sampled, "always_off", false, true},
		"operator says always":    {unsampled, "always_on", true, true},
		"operator says by parent": {sampled, "parentbased_always_off", true, true},
		"operator, and no parent": {"", "parentbased_always_off", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_TRACES_SAMPLER", c.sampler)
			collector, tracer := traced(t)
			in := http.Header{}
			if c.parent != "" {
				in["Traceparent"] = []string{c.parent}
			}
			r := usual()
			span, out := collector.one(t, tracer, in, r)
			if (span != nil) != c.sent {
				t.Errorf("arrived: %v", span)
			}
			if (r.Trace == parentTrace) != c.child {
				t.Errorf("trace %s", r.Trace)
			}
			if got := out["Traceparent"]; len(got) != 1 || got[0] == c.parent {
				t.Errorf("the upstream receives %q: not a child of this exchange", got)
			}
		})
	}
}

// tracestate and baggage are a stranger's words; traceparent is one value, ours.
func TestTraceBoundary(t *testing.T) {
	c, tracer := traced(t)
	in := http.Header{"Traceparent": {sampled, unsampled}, "Tracestate": {"vendor=evil", "x=y"}, "Baggage": {"role=admin", "tenant=other"}}
	span, out := c.one(t, tracer, in, usual())
	if span == nil || span.TraceState != "" {
		t.Errorf("the client's tracestate is exported: %v", span)
	}
	for _, name := range []string{"Tracestate", "Baggage"} {
		if got := out[name]; got != nil {
			t.Errorf("%s goes to the upstream: %q", name, got)
		}
	}
	if got := out["Traceparent"]; len(got) != 1 || got[0] == sampled || got[0] == unsampled {
		t.Errorf("traceparent %q", got)
	}
}

// Names and routes come from the spec only: a collector makes a metric of each.
func TestTraceNames(t *testing.T) {
	for name, c := range map[string]struct {
		method, operation string
		undocumented      bool
		span, attribute   string
	}{
		"matched":      {"GET", "GET /orders/{id}", false, "GET /orders/{id}", "GET"},
		"head":         {"HEAD", "GET /orders/{id}", false, "HEAD /orders/{id}", "HEAD"},
		"unmatched":    {"POST", "", false, "POST", "POST"},
		"stranger's":   {"EVIL123", "", false, "HTTP", "_OTHER"},
		"undocumented": {"PUT", "undocumented", true, "PUT", "PUT"},
		"declared":     {"QUERY", "QUERY /x", false, "HTTP /x", "_OTHER"},
	} {
		t.Run(name, func(t *testing.T) {
			collector, tracer := traced(t)
			r := filled("\xff\n\x1b")
			r.Method, r.Operation, r.Undocumented, r.Status = c.method, c.operation, c.undocumented, 404
			span, _ := collector.one(t, tracer, nil, r)
			if span == nil {
				t.Fatal("text that is not UTF-8 keeps the span from being exported")
			}
			if span.Name != c.span || texts(span.Attributes)["http.request.method"] != c.attribute {
				t.Errorf("%q, method %q", span.Name, texts(span.Attributes)["http.request.method"])
			}
			if span.Status.GetCode() == traces.Status_STATUS_CODE_ERROR {
				t.Error("404 is no error of the server")
			}
		})
	}
}

func TestTracerFollowsTheEnvironment(t *testing.T) {
	for name, c := range map[string]struct {
		env          map[string]string
		traces, fail bool
	}{
		"nothing":               {nil, false, false},
		"endpoint":              {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, true, false},
		"endpoint of traces":    {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, true, false},
		"disabled":              {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "True"}, false, false},
		"no exporter":           {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}, false, false},
		"unknown exporter":      {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "zipkin"}, false, true},
		"http by name":          {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, true, false},
		"unknown protocol":      {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, true},
		"traces by http":        {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, true, false},
		"attributes are broken": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_RESOURCE_ATTRIBUTES": "a"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			tracer, err := NewTracer(t.Context(), "1")
			if (tracer != nil) != c.traces || (err != nil) != c.fail {
				t.Errorf("%v %v", tracer, err)
			}
			if err := tracer.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Without a tracer nothing is touched.
func TestNoTracer(t *testing.T) {
	var tracer *Tracer
	span := tracer.Start(httptest.NewRequest(http.MethodGet, "/", nil))
	var edits exchange.Edits
	span.Propagate(&edits)
	span.End(usual())
	if edits.Len() != 0 || span.TraceID() != "" {
		t.Errorf("%d edits, trace %q", edits.Len(), span.TraceID())
	}
}

// A collector that takes nothing delays no exchange, and the end not beyond its time.
func TestTraceExporterHangs(t *testing.T) {
	quit := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-quit }))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(quit) })
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
	tracer, err := NewTracer(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	for range 20_000 { // ten times what the queue holds
		span := tracer.Start(httptest.NewRequest(http.MethodGet, "/", nil))
		span.End(&exchange.Record{})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if tracer.Close(ctx) == nil {
		t.Error("20,000 spans were exported to nobody")
	}
}

func BenchmarkTrace(b *testing.B) {
	b.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	for _, parent := range []string{sampled, unsampled} {
		b.Run(parent[len(parent)-2:], func(b *testing.B) {
			tracer, err := NewTracer(b.Context(), "1")
			if err != nil {
				b.Fatal(err)
			}
			in, r := httptest.NewRequest(http.MethodGet, "/", nil), usual()
			in.Header.Set("Traceparent", parent)
			b.ReportAllocs()
			for b.Loop() {
				tracer.Start(in).End(r)
			}
		})
	}
}
