package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
)

// span is the time that a question is about; without one, the last day.
func span(query url.Values) (from, to time.Time) {
	to = time.Now()
	if t, err := time.Parse(time.RFC3339, query.Get("to")); err == nil { // the schema allows no other
		to = t
	}
	from = to.Add(-24 * time.Hour)
	if t, err := time.Parse(time.RFC3339, query.Get("from")); err == nil {
		from = t
	}
	return from, to
}

// selected is the filter of a question.
func selected(query url.Values) event.Filter {
	from, to := span(query)
	return event.Filter{From: from, To: to, API: query.Get("api"), Operation: query.Get("operation"), Outcome: query.Get("outcome"), Code: query.Get("code"), Rule: query.Get("rule")}
}

// length is the limit of a list, of which the schema has the bounds.
func length(query url.Values) int {
	if n, err := strconv.Atoi(query.Get("limit")); err == nil {
		return n
	}
	return defaultPage
}

func (a *admin) events(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	from, to := span(query)
	list, err := a.Archive.Events(r.Context(), event.EventFilter{From: from, To: to, Kind: query.Get("kind"), Before: query.Get("before"), Limit: length(query)})
	result(w, list, err)
}

func (a *admin) findings(w http.ResponseWriter, r *http.Request) {
	list, err := a.Archive.Noticed(r.Context(), selected(r.URL.Query()), length(r.URL.Query()))
	result(w, list, err)
}

func (a *admin) top(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	list, err := a.Archive.Top(r.Context(), selected(query), query.Get("field"), length(query))
	if list == nil {
		list = []event.Share{} // not null
	}
	result(w, list, err)
}

func (a *admin) histogram(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	width, err := time.ParseDuration(query.Get("span"))
	if err != nil {
		width = 0 // the schema allows no other; the narrowest there is
	}
	series, err := a.Archive.Histogram(r.Context(), selected(query), width)
	if series.Buckets == nil {
		series.Buckets = []event.Bucket{} // not null
	}
	result(w, series, err)
}

// preview is what a guard, or a family of guards, would have refused in monitor mode: what it would refuse if it enforced.
type preview struct {
	Refusals int64            `json:"refusals"`
	By       []event.Noticing `json:"by"`
}

// maxNoticed is how many kinds of refusals a preview looks at.
const maxNoticed = 1000

func (a *admin) previewMode(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	guard := query.Get("guard")
	if !slices.Contains(config.Guards, guard) {
		failed(w, refusal{http.StatusUnprocessableEntity, "admin.value", "this is not acceptable", "there is no guard " + guard})
		return
	}
	list, err := a.Archive.Noticed(r.Context(), selected(query), maxNoticed)
	list = slices.DeleteFunc(list, func(n event.Noticing) bool { return !n.Monitored || !within(n.Guard, guard) })
	p := preview{By: list}
	for _, n := range list {
		p.Refusals += n.N
	}
	result(w, p, err)
}

// within reports whether a guard is the named one, or of the named family.
func within(guard, named string) bool {
	return guard == named || len(guard) > len(named) && guard[:len(named)] == named && guard[len(named)] == '.'
}
