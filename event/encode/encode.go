// Package encode writes records and events in the languages of those who collect them: OCSF, ECS, CEF, and the gateway's own
// JSON. One line each, whatever a client sent.
package encode

import (
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/exchange"
)

// An Item is a record or an event: one of the two is set.
type Item struct {
	Record *exchange.Record
	Event  *exchange.Event
}

// ID is that of the record or event.
func (i Item) ID() string {
	if i.Event != nil {
		return i.Event.ID
	}
	return i.Record.ID
}

// An Encoding appends one item as one line, without its end. It may be used concurrently.
type Encoding func(b []byte, i Item) []byte

// Severity of a record is that of its refusal, or of its worst finding; info where there is neither.
func Severity(r *exchange.Record) exchange.Severity {
	worst := exchange.Info
	if reason := exchange.Lookup(r.Code); reason != nil {
		worst = reason.Severity
	}
	for i := range r.Findings {
		if s := r.Findings[i].Severity; rank(s) > rank(worst) {
			worst = s
		}
	}
	return worst
}

var severities = []exchange.Severity{exchange.Info, exchange.Low, exchange.Medium, exchange.High, exchange.Critical}

func rank(s exchange.Severity) int { return slices.Index(severities, s) }

// New returns an encoding by its name in the config; "" is ocsf.
func New(name string) (Encoding, error) {
	switch name {
	case "", "ocsf":
		return ocsf, nil
	case "ecs":
		return ecs, nil
	case "cef":
		return cef, nil
	case "json":
		return plain, nil
	}
	return nil, fmt.Errorf("there is no encoding %q", name)
}

// plain is the gateway's own form: what explain -o json shows, and events as they are.
func plain(b []byte, i Item) []byte {
	if i.Event != nil {
		return appendJSON(b, i.Event)
	}
	return appendJSON(b, i.Record)
}
