package dashboard

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
)

// An Archive is what is kept of exchanges and events, as [event.Reader] has it: every method is bounded in rows and time.
type Archive interface {
	Find(ctx context.Context, id string) (*exchange.Record, error)
	Select(ctx context.Context, f event.Filter) ([]*exchange.Record, error)
	Histogram(ctx context.Context, f event.Filter, span time.Duration) (event.Series, error)
	Top(ctx context.Context, f event.Filter, field string, n int) ([]event.Share, error)
	Noticed(ctx context.Context, f event.Filter, n int) ([]event.Noticing, error)
	Latencies(ctx context.Context, from, to time.Time) ([]event.Latency, error)
	Events(ctx context.Context, f event.EventFilter) ([]*exchange.Event, error)
}

// selection is what the filters of a page select.
func (s *scope) selection() event.Filter {
	return event.Filter{From: s.From, To: s.Until, Outcome: s.Get("outcome"), API: s.Get("api"), Operation: s.Get("operation"), Code: s.Get("code"), OWASP: s.Get("owasp"),
		Guard: s.Get("guard"), Rule: s.Get("rule"), Subject: s.Get("subject"), Client: s.Get("client"), Rating: s.Get("rating"), Before: s.Get("before")}
}
