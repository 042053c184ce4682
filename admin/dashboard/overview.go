package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/alert"
	"github.com/sallyport/sallyport/exchange"
)

// risks are the classes of the OWASP API Security Top 10 (2023).
var risks = []struct{ Class, Name string }{
	{"API1", "Object level authorization"}, {"API2", "Authentication"}, {"API3", "Object property level authorization"}, {"API4", "Resource consumption"},
	{"API5", "Function level authorization"}, {"API6", "Sensitive business flows"}, {"API7", "Server side request forgery"}, {"API8", "Misconfiguration"},
	{"API9", "Inventory"}, {"API10", "Unsafe consumption"},
}

type overview struct {
	Totals                               totals
	Chart                                timeline
	Reasons, Classes, Operations, Guards tops
	Latency                              listing[latency]
	Watched                              listing[watched]
	Health                               listing[Check]
	Alerts                               []alert.Alert
	Healthy                              bool
}

// mostAlerts are shown; further ones are in the admin API.
const mostAlerts = 20

type totals struct{ All, Passed, Noticed, Monitored, Refused int64 }

// Percent is a share of all in words.
func (t totals) Percent(n int64) string {
	switch {
	case t.All == 0 || n == 0:
		return "none"
	case n*1000 < t.All:
		return "under 0.1 %"
	}
	return fixed(100*float64(n)/float64(t.All)) + " %"
}

// watched is a guard that is only in monitor mode somewhere.
type watched struct {
	API, Guard string
	Operations int
}

func (d *dashboard) overview(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	health := d.Health()
	o := overview{Health: tabled(s, "health", health, pageSize, healthColumns...), Alerts: first(d.Alerts(), mostAlerts), Watched: tabled(s, "watched", d.watched(), overviewRows, watchedColumns...)}
	o.Healthy = !slices.ContainsFunc(health, func(c Check) bool { return c.State != "works" })
	q := s.selection()
	var err error
	if o.Chart, o.Totals, err = d.chart(ctx, s, q); err != nil {
		return view{}, err
	}
	q.Outcome = refused
	codes, err := d.Archive.Top(ctx, q, "code", mostCounted)
	if err != nil {
		return view{}, err
	}
	o.Reasons = tops{Caption: "Refusals by reason", What: "Reason", Of: "Refused", Class: refused, None: "Nothing was refused in this time."}.rank(s, "reasons", codes, mostCounted, overviewRows, func(c event.Share) topRow {
		return topRow{Label: c.Value, Href: s.Exchanges("outcome", refused, "code", c.Value)}
	})
	o.Classes = classes(codes, s)
	operations, err := d.Archive.Top(ctx, q, "operation", mostCounted)
	if err != nil {
		return view{}, err
	}
	o.Operations = tops{Caption: "Refusals by operation", What: "Operation", Of: "Refused", Class: refused, None: "Nothing was refused in this time."}.rank(s, "operations", operations, mostCounted, overviewRows, func(c event.Share) topRow {
		return topRow{Label: cmp.Or(c.Value, "no operation matched"), Href: s.Exchanges("outcome", refused, "operation", c.Value)}
	})
	latencies, err := d.latency(ctx, s)
	if err != nil {
		return view{}, err
	}
	o.Latency = tabled(s, "latency", latencies, pageSize, latencyColumns...)
	return view{Title: "Overview", Scope: s, Data: o, Tables: []exporter{o.Reasons, o.Classes, o.Operations, o.Latency, o.Watched, o.Health}}, nil
}

// overviewRows are shown of what may be long; mostCounted bounds what is asked for of what the store has counts of.
const (
	overviewRows = 8
	mostCounted  = 5000
)

var (
	healthColumns = []column[Check]{
		{Name: "part", Label: "Part", Cell: func(c Check) any { return c.Part }},
		{Name: "state", Label: "State", Cell: func(c Check) any { return c.State }},
		{Name: "detail", Label: "Detail", Cell: func(c Check) any { return c.Detail }},
	}
	watchedColumns = []column[watched]{
		{Name: "control", Label: "Control", Cell: func(w watched) any { return w.Guard }},
		{Name: "api", Label: "API", Cell: func(w watched) any { return w.API }},
		{Name: "operations", Label: "Operations", Class: "n", Cell: func(w watched) any { return w.Operations }},
	}
	latencyColumns = []column[latency]{
		{Name: "guard", Label: "Guard", Cell: func(l latency) any { return l.Guard }},
		{Name: "median_ms", Label: "Median", Class: "n", Cell: func(l latency) any { return l.Median }},
		{Name: "p95_ms", Label: "95 %", Class: "n", Cell: func(l latency) any { return l.P95 }},
		{Name: "p99_ms", Label: "99 %", Class: "n", Cell: func(l latency) any { return l.P99 }},
		{Name: "exchanges", Cell: func(l latency) any { return l.N }},
	}
)

// chart draws what became of the exchanges that q selects.
func (d *dashboard) chart(ctx context.Context, s *scope, q event.Filter) (timeline, totals, error) {
	step := stepOf(s.Until.Sub(s.From))
	counts, err := d.Archive.Histogram(ctx, q, step)
	if err != nil {
		return timeline{}, totals{}, err
	}
	c := s.draw("chart", counts, step)
	t := totals{Refused: c.Legend[0].Total, Monitored: c.Legend[1].Total, Noticed: c.Legend[2].Total, Passed: c.Legend[3].Total}
	t.All = t.Refused + t.Monitored + t.Noticed + t.Passed
	return c, t, nil
}

// classes adds reasons up to the classes of the Top 10; a class without refusals is shown, too.
func classes(codes []event.Share, s *scope) tops {
	byClass := map[string]int64{}
	for _, c := range codes {
		if r := exchange.Lookup(c.Value); r != nil && r.OWASP != "" {
			byClass[r.OWASP] += c.N
		}
	}
	var list []event.Share
	names := map[string]string{}
	most := event.Share{N: 1}
	for _, r := range risks {
		list = append(list, event.Share{Value: r.Class, N: byClass[r.Class]})
		names[r.Class] = r.Name
		most.N = max(most.N, byClass[r.Class])
	}
	var rows []topRow
	for _, c := range list {
		row := topRow{Label: c.Value, Note: names[c.Value], N: c.N, Percent: fixed(100 * float64(c.N) / float64(most.N))}
		if c.N > 0 {
			row.Href = s.Exchanges("outcome", refused, "owasp", c.Value)
		}
		rows = append(rows, row)
	}
	return tops{Caption: "Refusals by class of the OWASP API Security Top 10 (2023)", What: "Class", Of: "Refused", Class: refused}.of(s, "classes", rows, false, len(risks))
}

// watched lists what is only in monitor mode.
func (d *dashboard) watched() (list []watched) {
	for _, p := range d.Posture() {
		for guard, mode := range p.Guards {
			if mode != config.Monitor {
				continue
			}
			i := slices.IndexFunc(list, func(w watched) bool { return w.API == p.API && w.Guard == guard })
			if i < 0 {
				list, i = append(list, watched{p.API, guard, 0}), len(list)
			}
			list[i].Operations++
		}
	}
	slices.SortFunc(list, func(a, b watched) int { return cmp.Or(cmp.Compare(a.API, b.API), cmp.Compare(a.Guard, b.Guard)) })
	return list
}

// latency is what one guard takes.
type latency struct {
	Guard            string
	N                int64
	Median, P95, P99 time.Duration
	Percent          string // of the slowest
}

// latency tells how long guards took, to a factor of two: times are counted by powers of two.
func (d *dashboard) latency(ctx context.Context, s *scope) ([]latency, error) {
	measured, err := d.Archive.Latencies(ctx, s.From, s.Until)
	if err != nil {
		return nil, err
	}
	var list []latency
	slowest := time.Duration(1)
	for _, m := range measured {
		l := latency{cmp.Or(m.Guard, "the whole exchange"), m.N, m.Quantile(0.5), m.Quantile(0.95), m.Quantile(0.99), ""}
		if m.Guard != "" && m.Guard != "upstream" {
			slowest = max(slowest, l.P95)
		}
		list = append(list, l)
	}
	for i := range list {
		if list[i].P95 <= slowest { // the whole has no bar, so that those of its parts can be told apart
			list[i].Percent = fixed(100 * float64(list[i].P95) / float64(slowest))
		}
	}
	slices.SortFunc(list, func(a, b latency) int { return cmp.Compare(b.P95, a.P95) })
	return list, nil
}

func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }
