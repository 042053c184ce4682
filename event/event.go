// Package event hands the record of each exchange, and events beside them, to whoever keeps or shows them. Sinks never
// block a request; what a sink has to drop is counted by the sink.
package event

import (
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/sallyport/sallyport/exchange"
)

// A Sink takes records. Record must return at once and must not change the record; it is called concurrently.
type Sink interface{ Record(*exchange.Record) }

// Bus hands every record to every sink, in order.
type Bus []Sink

// Record hands r on. A sink that panics costs neither the client the answer nor the other sinks the record.
func (b Bus) Record(r *exchange.Record) {
	for _, s := range b {
		hand(s, r)
	}
}

// A Listener is a sink that takes events, too. Event must return at once, like Record.
type Listener interface{ Event(*exchange.Event) }

// Event hands e to every sink that listens to events.
func (b Bus) Event(e *exchange.Event) {
	for _, s := range b {
		if l, ok := s.(Listener); ok {
			tell(s, l, e)
		}
	}
}

func hand(s Sink, r *exchange.Record) {
	defer rescue(s, r.ID)
	s.Record(r)
}

func tell(s Sink, l Listener, e *exchange.Event) {
	defer rescue(s, e.ID)
	l.Event(e)
}

func rescue(s Sink, id string) {
	if p := recover(); p != nil {
		slog.Error("a sink of records panicked", "sink", fmt.Sprintf("%T", s), "id", id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
}
