package main

import "github.com/sallyport/sallyport/listen"

// observeConnections counts the connections of all listeners for clients together.
func (v *service) observeConnections() {
	sum := func(of func(listen.Stats) int64) func() float64 {
		return func() (n float64) {
			for _, l := range v.listeners {
				n += float64(of(l.server.Stats()))
			}
			return n
		}
	}
	v.metrics.Gauge("sallyport_connections_open", "Connections of clients.", sum(func(s listen.Stats) int64 { return s.Open }))
	v.metrics.Counter("sallyport_connections_total", "Connections of clients that were let in.", sum(func(s listen.Stats) int64 { return s.Accepted }))
	v.metrics.CounterBy("sallyport_connections_cut_total", "Connections that a limit refused or ended, by cause; see docs/edge.md.", "cause", func(add func(string, float64)) {
		cuts := map[string]int64{}
		for _, l := range v.listeners {
			for cause, n := range l.server.Stats().Cuts {
				cuts[cause] += n
			}
		}
		for cause, n := range cuts {
			add(cause, float64(n))
		}
	})
}
