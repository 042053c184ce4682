package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport/sallyport/exchange"
)

// Tracer makes one span per exchange and exports it by OTLP over HTTP. The nil Tracer makes none.
//
// Spans wait in a bounded queue; where the collector is away or slow, they are dropped and no exchange waits. Of what a
// client sends, traceparent is honoured: its trace goes on, and its decision to sample is followed unless
// OTEL_TRACES_SAMPLER says otherwise. Its tracestate and baggage are a stranger's words to systems inside; while
// tracing is on they go no further.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	carrier  propagation.TraceContext
}

// NewTracer follows the OTEL_* environment: without OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT), or with
// OTEL_SDK_DISABLED=true or OTEL_TRACES_EXPORTER=none, it returns nil. It fails where the environment asks for an
// exporter or a protocol that is not here.
func NewTracer(ctx context.Context, version string) (*Tracer, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" ||
		strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil
	}
	if err := supported(); err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("couldn't set up the export of traces: %w", err)
	}
	// The environment comes last: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
	res, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "sallyport"), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("couldn't describe this service for traces: %w", err)
	}
	// The library tells of failed exports through this one handler of the process.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { slog.Warn("couldn't export traces", "error", err) }))
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(res))
	return &Tracer{provider: p, tracer: p.Tracer("github.com/sallyport/sallyport")}, nil
}

// supported refuses what would otherwise be ignored: spans sent by the wrong protocol arrive nowhere, silently.
func supported() error {
	if e := os.Getenv("OTEL_TRACES_EXPORTER"); e != "" && e != "otlp" {
		return fmt.Errorf("OTEL_TRACES_EXPORTER is %q: traces are exported by otlp, or by none", e)
	}
	name := "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	if os.Getenv(name) == "" {
		name = "OTEL_EXPORTER_OTLP_PROTOCOL"
	}
	if p := os.Getenv(name); p != "" && p != "http/protobuf" {
		return fmt.Errorf("%s is %q: traces are exported by http/protobuf, to port 4318 of most collectors", name, p)
	}
	return nil
}

// Close exports what is pending, as long as ctx allows.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// A Span is one exchange's. The zero Span is none.
type Span struct {
	span    trace.Span
	carrier propagation.TraceContext
}

// Start begins a span as child of what traceparent says.
func (t *Tracer) Start(r *http.Request) Span {
	if t == nil {
		return Span{}
	}
	ctx := t.carrier.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	if parent := trace.SpanContextFromContext(ctx); parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent.WithTraceState(trace.TraceState{}))
	}
	_, span := t.tracer.Start(ctx, "HTTP", trace.WithSpanKind(trace.SpanKindServer))
	return Span{span: span, carrier: t.carrier}
}

// TraceID is the trace's id in hex, or "".
func (s Span) TraceID() string {
	if s.span == nil {
		return ""
	}
	return s.span.SpanContext().TraceID().String()
}

// Propagate makes the upstream's span a child of this one. Without a span, what the client sent is passed on.
func (s Span) Propagate(e *exchange.Edits) {
	if s.span == nil {
		return
	}
	e.Delete("Tracestate")
	e.Delete("Baggage")
	s.carrier.Inject(trace.ContextWithSpan(context.Background(), s.span), carrier{e})
}

type carrier struct{ edits *exchange.Edits }

func (c carrier) Get(string) string      { return "" }
func (c carrier) Set(name, value string) { c.edits.Set(name, value) }
func (c carrier) Keys() []string         { return nil }
