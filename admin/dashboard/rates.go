package dashboard

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/admin/desk"
	"github.com/sallyport/sallyport/admin/suggest"
	"github.com/sallyport/sallyport/limit"
)

// rates.go is the part of the page Identities that proposes rates from what was recorded in the page's range of time. Which
// question was asked stands in the address: the range, and headroom. What came of it is kept for everybody who opens it.

// Bounds of what may be asked for.
const (
	leastHeadroom = 1 // less would refuse what was asked for
	mostHeadroom  = 1000
)

// rates are what is proposed.
type rates struct {
	Asked    bool // the address holds a question
	Headroom string
	Run      *suggest.Run
	Progress string // where it tells how far it is
	Trouble  string // why there is no outcome
	Table    listing[rateRow]
	Lines    string // of the config
	Fields   []chip // of the address
}

// rateRow is what one operation was asked for.
type rateRow struct {
	limit.Suggestion
	Who []asker
}

// asker is somebody who would have been refused.
type asker struct {
	limit.Asker
	Href string // "": none
}

// Running tells that there will be an outcome.
func (r rates) Running() bool { return r.Run != nil && r.Run.Ended.IsZero() }

// headroom is what the address asks for; 0 where it asks for nothing.
func headroom(s *scope) (float64, error) {
	text := s.Get("headroom")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= leastHeadroom && n <= mostHeadroom) {
		return 0, &problem{http.StatusBadRequest, "This address is not understood", fmt.Sprintf("headroom is a number from %d to %d.", leastHeadroom, mostHeadroom), "Mend the address, or begin anew."}
	}
	return n, nil
}

// rated is the key of a question.
func rated(s *scope, headroom float64) string {
	return url.Values{"range": {s.Range}, "from": {s.Get("from")}, "to": {s.Get("to")}, "headroom": {fmt.Sprint(headroom)}}.Encode()
}

func (d *dashboard) rates(s *scope) (rates, error) {
	r := rates{Headroom: "2"}
	n, err := headroom(s)
	if err != nil {
		return r, err
	}
	for _, name := range []string{"range", "from", "to"} {
		if v := s.Get(name); v != "" {
			r.Fields = append(r.Fields, chip{Name: name, Value: v})
		}
	}
	if r.Asked = n > 0; !r.Asked {
		return r, nil
	}
	r.Headroom = s.Get("headroom")
	run, asked := d.Suggest.Run(rated(s, n))
	if !asked {
		return r, nil
	}
	r.Run, r.Progress = &run, s.To("/limits/progress", "headroom", r.Headroom)
	if run.Err != nil {
		r.Trouble = trouble(run.Err, "sallyport limits suggest")
	}
	var lines strings.Builder
	_ = limit.WriteSuggestions(&lines, run.Answer) // into memory
	r.Lines = lines.String()
	r.Table = tabled(s, "rates", rateRows(s, run.Answer), identitiesShown, rateColumns...)
	return r, nil
}

func rateRows(s *scope, list []limit.Suggestion) (rows []rateRow) {
	for _, one := range list {
		row := rateRow{Suggestion: one}
		for _, a := range one.Askers {
			who := asker{Asker: a}
			if a.Kind == "principal" {
				who.Href = s.To("/identities", "subject", a.Name)
			} else if _, err := netip.ParseAddr(a.Name); err == nil { // exchanges are found by an address, not by a network
				who.Href = s.Exchanges("client", a.Name)
			}
			row.Who = append(row.Who, who)
		}
		rows = append(rows, row)
	}
	return rows
}

var rateColumns = []column[rateRow]{
	{Name: "api", Cell: func(r rateRow) any { return r.API }},
	{Name: "operation", Label: "Operation", Cell: func(r rateRow) any { return r.Operation }},
	{Name: "requests", Label: "Requests", Class: "n wide", Cell: func(r rateRow) any { return r.Requests }},
	{Name: "known", Label: "Callers known", Class: "n wide", Cell: func(r rateRow) any { return r.Known }, Rank: func(r rateRow) int { return int(r.Known * 1e6) }},
	{Name: "minute_p50", Cell: func(r rateRow) any { return r.Minutes.P50 }},
	{Name: "minute_p95", Cell: func(r rateRow) any { return r.Minutes.P95 }},
	{Name: "minute_p99", Label: "A minute: p50, p95, p99, most", Class: "n wide", Cell: func(r rateRow) any { return r.Minutes.P99 }},
	{Name: "minute_max", Cell: func(r rateRow) any { return r.Minutes.Max }},
	{Name: "callers", Label: "Callers", Class: "n wide", Cell: func(r rateRow) any { return r.Callers.N }},
	{Name: "caller_p50", Cell: func(r rateRow) any { return r.Callers.P50 }},
	{Name: "caller_p95", Cell: func(r rateRow) any { return r.Callers.P95 }},
	{Name: "caller_p99", Label: "Each in its busiest minute", Class: "n wide", Cell: func(r rateRow) any { return r.Callers.P99 }},
	{Name: "caller_max", Cell: func(r rateRow) any { return r.Callers.Max }},
	{Name: "limit", Label: "Proposed", Class: "n", Cell: func(r rateRow) any { return r.Limit }},
	{Name: "why", Cell: func(r rateRow) any { return r.Why }},
	{Name: "refused", Label: "Would have refused", Cell: func(r rateRow) any { return r.Refused }},
	{Name: "of", Cell: func(r rateRow) any { return r.Of }},
}

// percentiles are percentiles as a row of figures.
func percentiles(p limit.Percentiles) string {
	if p.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%s · %s · %s · %s", number(p.P50), number(p.P95), number(p.P99), number(p.Max))
}

// suggestRates takes the form that asks, and leads to the page that shows the outcome.
func (d *dashboard) suggestRates(w http.ResponseWriter, r *http.Request) {
	s, n, err := d.askedRates(w, r)
	if err == nil {
		key := rated(s, n)
		err = d.Suggest.Start(key, suggest.Question{From: s.From, To: s.Until, Headroom: n})
		if run, asked := d.Suggest.Run(key); err != nil && asked && run.Ended.IsZero() {
			err = nil // it is this one
		}
		if err != nil {
			err = &problem{http.StatusServiceUnavailable, "Rates are proposed for somebody else", "The history is read for one question at a time.", "Try again in a moment."}
		}
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	http.Redirect(w, r, s.With()+"#rates", http.StatusSeeOther)
}

func (d *dashboard) stopRates(w http.ResponseWriter, r *http.Request) {
	s, n, err := d.askedRates(w, r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.Suggest.Stop(rated(s, n))
	http.Redirect(w, r, s.With()+"#rates", http.StatusSeeOther)
}

// askedRates is the page that a form of ours is about, and what it asks for.
func (d *dashboard) askedRates(w http.ResponseWriter, r *http.Request) (*scope, float64, error) {
	viewer, _ := ViewerOf(r.Context())
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil || !ours(r, viewer) {
		return nil, 0, notOurs
	}
	q := url.Values{}
	for _, name := range []string{"range", "from", "to", "headroom"} {
		if v := r.PostForm.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	s, err := readScope(&url.URL{Path: "/identities", RawQuery: q.Encode()}, d.now())
	if err != nil {
		return nil, 0, &problem{http.StatusBadRequest, "This form is not understood", err.Error(), "Go back and begin anew."}
	}
	n, err := headroom(s)
	if err == nil && n == 0 {
		err = &problem{http.StatusBadRequest, "This form is not understood", "It does not say how much is proposed.", "Go back and begin anew."}
	}
	return s, n, err
}

// ratesProgress tells how far the history is read, until its end.
func (d *dashboard) ratesProgress(w http.ResponseWriter, r *http.Request) {
	s, err := readScope(r.URL, d.now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n, err := headroom(s)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	follow(w, r, func() (desk.Progress, bool) {
		run, asked := d.Suggest.Run(rated(s, n))
		return run.Progress, asked && run.Ended.IsZero()
	})
}
