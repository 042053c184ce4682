package dashboard

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/explain"
	"github.com/sallyport/sallyport/gateway"
)

// pageSize is the number of rows of one page.
const pageSize = 100

type exchangeList struct {
	Chart timeline
	Rows  []*exchange.Record
	Pager pager
	Empty *empty
}

// pager leads to further rows.
type pager struct {
	First, Next, Said   string
	FirstSays, NextSays string
	Exports             []choice
}

// empty tells people what would fill a page.
type empty struct {
	Title, Text, Href, Label string
	Lines                    []string
}

func (d *dashboard) exchanges(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	q := s.selection()
	q.Limit = pageSize + 1
	rows, err := d.Archive.Select(ctx, q)
	if err != nil {
		return view{}, err
	}
	q.Before = ""
	chart, _, err := d.chart(ctx, s, q)
	if err != nil {
		return view{}, err
	}
	l := exchangeList{Chart: chart, Rows: first(rows, pageSize)}
	l.Pager = pageOf(s, len(l.Rows), len(rows) > pageSize, func() string { return l.Rows[len(l.Rows)-1].ID })
	if len(rows) == 0 {
		l.Empty = noExchanges(s)
	}
	return view{Title: "Exchanges", Scope: s, Data: l}, nil
}

// pageOf is the way to the first page, to the next, and to exports.
func pageOf(s *scope, n int, more bool, last func() string) pager {
	p := pager{Said: counted(n) + " here", FirstSays: "Newest", NextSays: "Older", Exports: []choice{{Label: "CSV", Href: s.With("format", "csv")}, {Label: "JSON", Href: s.With("format", "json")}}}
	if s.Get("before") != "" {
		p.First = s.With()
	}
	if more {
		p.Next = s.With("before", last())
	}
	return p
}

func counted(n int) string {
	if n == 1 {
		return "1 row"
	}
	return number(int64(n)) + " rows"
}

func noExchanges(s *scope) *empty {
	switch {
	case s.Get("before") != "":
		return &empty{Title: "There are no older ones", Text: "The list ends here.", Href: s.With(), Label: "Back to the newest"}
	case len(s.Chips()) > 0:
		return &empty{Title: "No exchange fits", Text: "None of those that are kept fits every filter in this time.", Href: s.To("/exchanges"), Label: "Without filters"}
	}
	e := &empty{Title: "No exchanges in this time", Text: "Exchanges appear here a moment after a client was answered. Send a request to an address of listen in the config, where your clients come in."}
	if wider := s.Wider(); wider != "" {
		e.Href, e.Label = wider, "Look at a longer time"
	}
	return e
}

// exchangeView is one record.
type exchangeView struct {
	*exchange.Record
	Outcome string
	Slowest int64 // nanoseconds of the slowest guard, at least 1
	JSON    string
	Asked   listing[exchange.RecordStep]
	Noticed listing[exchange.Finding]
}

// Share is the part of the slowest guard's time that a step took, in percent.
func (v exchangeView) Share(s exchange.RecordStep) string {
	return fixed(100 * float64(s.Took) / float64(v.Slowest))
}

// Posture has no meaning for requests that no operation matched.
func (v exchangeView) OperationHref(s *scope) string {
	if v.Operation == "" {
		return ""
	}
	return s.To("/operation", "api", v.API, "operation", v.Operation)
}

func (d *dashboard) exchange(ctx context.Context, r *http.Request, s *scope) (view, error) {
	record, err := d.Archive.Find(ctx, r.PathValue("id"))
	if errors.Is(err, event.ErrUnknown) {
		return view{}, unknownExchange(r.PathValue("id"))
	}
	if err != nil {
		return view{}, err
	}
	v := exchangeView{Record: record, Outcome: event.OutcomeOf(record), Slowest: 1, JSON: indented(record)}
	for i := range record.Steps {
		v.Slowest = max(v.Slowest, int64(record.Steps[i].Took))
	}
	v.Asked, v.Noticed = tabled(s, "guards", record.Steps, pageSize, stepColumns...), tabled(s, "findings", record.Findings, pageSize, findingColumns...)
	return view{Title: "Exchange " + record.ID, Page: "exchanges", Scope: s, Data: v, Tables: []exporter{v.Asked, v.Noticed}}, nil
}

var (
	stepColumns = []column[exchange.RecordStep]{
		{Name: "guard", Label: "Guard", Cell: func(s exchange.RecordStep) any { return s.Guard }},
		{Name: "mode", Label: "Mode", Cell: func(s exchange.RecordStep) any { return string(s.Mode) }},
		{Name: "said", Label: "Said", Cell: func(s exchange.RecordStep) any { return explain.Outcome(s) }},
		{Name: "took_ms", Label: "Took", Class: "n", Cell: func(s exchange.RecordStep) any { return s.Took }},
	}
	findingColumns = []column[exchange.Finding]{
		{Name: "severity", Label: "Severity", Cell: func(f exchange.Finding) any { return string(f.Severity) }, Rank: func(f exchange.Finding) int { return slices.Index(severities, f.Severity) }},
		{Name: "rule", Label: "Guard and rule", Cell: func(f exchange.Finding) any { return f.Rule }},
		{Name: "guard", Cell: func(f exchange.Finding) any { return f.Guard }},
		{Name: "message", Label: "What", Cell: func(f exchange.Finding) any { return f.Message }},
		{Name: "field", Label: "Where", Cell: func(f exchange.Finding) any { return f.Field }},
	}
)

func unknownExchange(id string) *problem {
	return &problem{http.StatusNotFound, "No record of " + id + " is kept", "It may be older than what the store keeps, or so new that it is not written yet.", "Reload the page in a moment; store in the config says how much is kept."}
}

// search leads to what was meant: an exchange, an operation, an address, else a principal.
func (d *dashboard) search(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	q := strings.TrimSpace(s.Get("q"))
	type result struct {
		Exchange *exchange.Record
		Found    []choice
		Empty    *empty
	}
	var found result
	if q == "" {
		found.Empty = &empty{Title: "Search", Text: "Type an exchange id (it is in every refusal and in X-Request-Id), a principal, a client's address, an operation or a reason."}
		return view{Title: "Search", Data: found}, nil
	}
	record, err := d.Archive.Find(ctx, q)
	switch {
	case err == nil:
		found.Exchange = record
	case !errors.Is(err, event.ErrUnknown):
		return view{}, err
	}
	for _, p := range d.matching(q) {
		found.Found = append(found.Found, choice{Label: "Operation " + p.Operation + " of " + p.API, Href: s.To("/operation", "api", p.API, "operation", p.Operation)})
	}
	for _, by := range []filter{{"subject", "Exchanges of the principal "}, {"client", "Exchanges from the address "}, {"code", "Exchanges with the reason "}, {"rule", "Exchanges with a finding of the rule "}} {
		list, err := d.Archive.Select(ctx, with(s, by.Name, q))
		if err != nil {
			return view{}, err
		}
		if len(list) > 0 {
			found.Found = append(found.Found, choice{Label: by.Label + q, Href: s.To("/exchanges", by.Name, q, "range", "30d")})
		}
	}
	if found.Exchange == nil && len(found.Found) == 0 {
		found.Empty = &empty{Title: "Nothing found", Text: "No exchange, principal, address, operation, reason or rule of the last 30 days is called so. Names of principals, addresses, reasons and rules must be whole; of operations a part is enough."}
	}
	return view{Title: "Search", Q: q, Data: found}, nil
}

// with selects one exchange of the last 30 days by one filter.
func with(s *scope, name, value string) event.Filter {
	wide := &scope{query: map[string][]string{name: {value}}, From: s.now.AddDate(0, 0, -30), Until: s.now}
	q := wide.selection()
	q.Limit = 1
	return q
}

// matching are operations with q in their key.
func (d *dashboard) matching(q string) (list []gateway.Posture) {
	for _, p := range d.Posture() {
		if strings.Contains(strings.ToLower(p.Operation), strings.ToLower(q)) && len(list) < 20 {
			list = append(list, p)
		}
	}
	return list
}
