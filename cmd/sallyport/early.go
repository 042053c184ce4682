package main

import (
	"sync"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
)

// early keeps what is told before everybody who listens is there: archive, spool and audit log may tell of a loss or a failure
// while they are opened, one after the other. Its zero value waits for the bus.
type early struct {
	mu     sync.Mutex
	events []*exchange.Event
	bus    event.Bus // nil: not there yet
}

// hear hands e to everybody, now or once they are there.
func (w *early) hear(e *exchange.Event) {
	w.mu.Lock()
	if w.bus == nil {
		w.events = append(w.events, e) // what opens tells of each thing once
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	w.bus.Event(e)
}

// open begins to hand on, what was told early first.
func (w *early) open(bus event.Bus) {
	w.mu.Lock()
	events := w.events
	w.bus, w.events = bus, nil
	w.mu.Unlock()
	for _, e := range events {
		bus.Event(e)
	}
}
