package main

import (
	"testing"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
)

type earwitness struct{ kinds []string }

func (l *earwitness) Record(*exchange.Record) {}

func (l *earwitness) Event(e *exchange.Event) { l.kinds = append(l.kinds, e.Kind) }

// What is told while a gateway is put together reaches those who are there only afterwards.
func TestEarlyEventsAreHeard(t *testing.T) {
	var w early
	heard := &earwitness{}
	w.hear(exchange.NewEvent(exchange.Dropped, "the archive lost something"))
	w.open(event.Bus{heard})
	w.hear(exchange.NewEvent(exchange.ConfigApplied, "later"))
	if len(heard.kinds) != 2 || heard.kinds[0] != exchange.Dropped.Name {
		t.Error(heard.kinds)
	}
}
