package telemetry

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport/sallyport/exchange"
)

// Tracer makes one span per exchange and exports it by OTLP over HTTP. The nil Tracer makes none.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	carrier  propagation.TraceContext
}

// NewTracer follows the OTEL_* environment: without OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT), or with
// OTEL_SDK_DISABLED=true or OTEL_TRACES_EXPORTER=none, it returns nil.
func NewTracer(ctx context.Context, version string) (*Tracer, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" ||
		os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil
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
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(res))
	return &Tracer{provider: p, tracer: p.Tracer("github.com/sallyport/sallyport")}, nil
}

// Close exports what is pending.
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
	_, span := t.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
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
	if s.span != nil {
		s.carrier.Inject(trace.ContextWithSpan(context.Background(), s.span), carrier{e})
	}
}

type carrier struct{ edits *exchange.Edits }

func (c carrier) Get(string) string      { return "" }
func (c carrier) Set(name, value string) { c.edits.Set(name, value) }
func (c carrier) Keys() []string         { return nil }

// End names the span by the semantic conventions for HTTP and ends it.
func (s Span) End(r *exchange.Record) {
	if s.span == nil {
		return
	}
	if r.Operation != "" {
		s.span.SetName(r.Operation)
	}
	s.span.SetAttributes(
		attribute.String("http.request.method", r.Method), attribute.Int("http.response.status_code", r.Status),
		attribute.String("http.route", r.Operation), attribute.String("url.path", r.Path),
		attribute.String("client.address", r.Client), attribute.String("sallyport.exchange", r.ID), attribute.String("sallyport.api", r.API))
	if r.Refused {
		s.span.SetAttributes(attribute.String("sallyport.reason", r.Code), attribute.String("sallyport.guard", r.Guard))
	}
	for i := range r.Steps {
		s.span.AddEvent(r.Steps[i].Guard, trace.WithAttributes(attribute.Int64("sallyport.took_us", r.Steps[i].Took.Microseconds()), attribute.String("sallyport.would", r.Steps[i].Code)))
	}
	if r.Status >= http.StatusInternalServerError {
		s.span.SetStatus(codes.Error, r.Code)
	}
	s.span.End()
}
