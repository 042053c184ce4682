package dashboard

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/sallyport/sallyport/event/spool"
)

// sinkRow is how one sink does.
type sinkRow struct {
	spool.SinkStats
	State string // works, warns or fails
	Lag   time.Duration
}

type sinksPage struct {
	listing[sinkRow]
	Empty *empty
}

// sinks shows where records and events go, and what became of them on the way.
func (d *dashboard) sinks(_ context.Context, _ *http.Request, s *scope) (view, error) {
	var rows []sinkRow
	for _, one := range d.Sinks() {
		rows = append(rows, sinkRow{one, one.State(), one.Lag(s.now)})
	}
	p := sinksPage{listing: tabled(s, "", rows, pageSize, sinkColumns...)}
	if len(rows) == 0 {
		p.Empty = &empty{Title: "Records go nowhere else", Text: "Sinks send records and events to files, syslog, webhooks, Kafka, OTLP and object stores, from a spool that survives crashes. These lines begin with one:",
			Lines: []string{"events:\n  sinks:\n    - { name: siem, encoding: ocsf, webhook: { url: https://siem.example/ingest } }"}}
	}
	return view{Title: "Sinks", Scope: s, Data: p, Tables: []exporter{p.listing}}, nil
}

// states are those of parts of the gateway, the best first.
var states = []string{"works", "warns", "fails"}

var sinkColumns = []column[sinkRow]{
	{Name: "sink", Label: "Sink", Cell: func(r sinkRow) any { return r.Name }},
	{Name: "state", Label: "State", Cell: func(r sinkRow) any { return r.State }, Rank: func(r sinkRow) int { return slices.Index(states, r.State) }},
	{Name: "queued", Label: "Queued", Class: "n", Cell: func(r sinkRow) any { return r.Pending }},
	{Name: "lag_ms", Label: "Lag", Class: "n", Cell: func(r sinkRow) any { return r.Lag }},
	{Name: "delivered", Label: "Delivered", Class: "n", Cell: func(r sinkRow) any { return r.Delivered }},
	{Name: "skipped", Label: "Not wanted", Class: "n wide", Cell: func(r sinkRow) any { return r.Skipped }},
	{Name: "dropped", Label: "Dropped", Class: "n", Cell: func(r sinkRow) any { return r.Dropped }},
	{Name: "dead_letters", Label: "Dead letters", Class: "n", Cell: func(r sinkRow) any { return r.Dead }},
	{Name: "last_error", Label: "Last error", Class: "wide", Cell: func(r sinkRow) any { return r.LastError }},
}
