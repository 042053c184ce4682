// Package event hands the record of each exchange to whoever keeps or shows it. Sinks never block a request; what a
// sink has to drop is counted by the sink.
package event

import "github.com/sallyport/sallyport/exchange"

// A Sink takes records. Record must return at once and must not change the record; it is called concurrently.
type Sink interface{ Record(*exchange.Record) }

// Bus hands every record to every sink, in order.
type Bus []Sink

// Record hands r on.
func (b Bus) Record(r *exchange.Record) {
	for _, s := range b {
		s.Record(r)
	}
}
