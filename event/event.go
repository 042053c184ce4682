// Package event hands the record of each exchange to whoever keeps or shows it. Sinks never block a request; what a
// sink has to drop is counted by the sink.
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

func hand(s Sink, r *exchange.Record) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("a sink of records panicked", "sink", fmt.Sprintf("%T", s), "exchange", r.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	s.Record(r)
}
