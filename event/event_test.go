package event

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/exchange"
)

type counter struct{ atomic.Int64 }

func (c *counter) Record(*exchange.Record) { c.Add(1) }

type panicking struct{}

func (panicking) Record(*exchange.Record) { panic("sink") }
func (panicking) Event(*exchange.Event)   { panic("sink") }

type listener struct {
	counter
	heard atomic.Int64
}

func (l *listener) Event(*exchange.Event) { l.heard.Add(1) }

// Events go to those who listen to them.
func TestBusOfEvents(t *testing.T) {
	l := &listener{}
	Bus{&counter{}, panicking{}, l}.Event(exchange.NewEvent(exchange.ConfigApplied, ""))
	if l.heard.Load() != 1 || l.Load() != 0 {
		t.Errorf("%d events, %d records", l.heard.Load(), l.Load())
	}
}

// Every sink gets every record, and a broken one takes it from nobody.
func TestBus(t *testing.T) {
	before, after := &counter{}, &counter{}
	b := Bus{before, panicking{}, after}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 25 {
				b.Record(&exchange.Record{})
			}
		})
	}
	all.Wait()
	if before.Load() != 100 || after.Load() != 100 {
		t.Errorf("%d and %d of 100", before.Load(), after.Load())
	}
	Bus(nil).Record(&exchange.Record{})
}

func BenchmarkBus(b *testing.B) {
	bus, r := Bus{&counter{}, &counter{}, &counter{}}, &exchange.Record{}
	b.ReportAllocs()
	for b.Loop() {
		bus.Record(r)
	}
}
