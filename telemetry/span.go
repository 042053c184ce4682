package telemetry

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport/sallyport/exchange"
)

// End names the span by the semantic conventions for HTTP and ends it. Names come from the spec, so that strangers
// cannot make new ones.
func (s Span) End(r *exchange.Record) {
	if s.span == nil {
		return
	}
	defer s.span.End()
	if !s.span.IsRecording() {
		return
	}
	s.span.SetName(spanName(r))
	s.span.SetAttributes(attributes(r)...)
	for i := range r.Steps {
		step := &r.Steps[i]
		about := []attribute.KeyValue{attribute.Int64("sallyport.took_us", step.Took.Microseconds()), attribute.String("sallyport.mode", string(step.Mode))}
		if step.Code != "" {
			about = append(about, attribute.String("sallyport.reason", step.Code))
		}
		s.span.AddEvent(step.Guard, trace.WithAttributes(about...))
	}
	if r.Status >= http.StatusInternalServerError {
		s.span.SetStatus(codes.Error, r.Code)
	}
}

// spanName is "GET /orders/{id}", or the method alone where nothing matched.
func spanName(r *exchange.Record) string {
	method := known(r.Method)
	if method == otherMethod {
		method = "HTTP"
	}
	if route := route(r); route != "" {
		return method + " " + route
	}
	return method
}

// route is the path of the operation as the spec writes it, or "".
func route(r *exchange.Record) string {
	_, path, ok := strings.Cut(r.Operation, " ")
	if !ok || r.Undocumented {
		return ""
	}
	return path
}

// otherMethod is what the conventions call a method that is not one of the nine.
const otherMethod = "_OTHER"

func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return otherMethod
}

func attributes(r *exchange.Record) []attribute.KeyValue {
	list := make([]attribute.KeyValue, 0, 20)
	add := func(name, value string) {
		if value != "" {
			list = append(list, attribute.String(name, strings.ToValidUTF8(value, "�")))
		}
	}
	add("http.request.method", known(r.Method))
	if known(r.Method) == otherMethod {
		add("http.request.method_original", r.Method)
	}
	list = append(list, attribute.Int("http.response.status_code", r.Status))
	add("http.route", route(r))
	add("url.path", r.Path)
	add("url.query", r.Query)
	add("server.address", hostname(r.Host))
	add("client.address", r.Client)
	add("network.peer.address", r.Peer)
	add("network.protocol.version", version(r.Proto))
	add("user_agent.original", r.UserAgent)
	add("sallyport.exchange", r.ID)
	add("sallyport.api", r.API)
	if r.Refused {
		add("sallyport.reason", r.Code)
		add("sallyport.guard", r.Guard)
	}
	if r.Status >= http.StatusInternalServerError {
		add("error.type", errorType(r))
	}
	return list
}

// errorType is low in number: a reason of the catalogue, or the status.
func errorType(r *exchange.Record) string {
	if r.Code != "" {
		return r.Code
	}
	return strconv.Itoa(r.Status)
}

func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// version is "1.1" of HTTP/1.1, and "2" of HTTP/2.0.
func version(proto string) string {
	v := strings.TrimPrefix(proto, "HTTP/")
	if v == "1.0" {
		return v
	}
	return strings.TrimSuffix(v, ".0")
}
