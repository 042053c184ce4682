package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/admin/desk"
	"github.com/sallyport/sallyport/admin/replay"
	"github.com/sallyport/sallyport/admin/report"
	"github.com/sallyport/sallyport/admin/suggest"
	"github.com/sallyport/sallyport/event/alert"
	"github.com/sallyport/sallyport/event/spool"
	"github.com/sallyport/sallyport/exchange"
)

// Evidence is what is made of records: alerts, what another configuration would have done, reports.
type Evidence struct {
	// Active lists the alerts that are true now.
	Active func() []alert.Alert
	// Silences of alerts that people have made.
	Silences *alert.Silences
	// Replay decides recorded exchanges again.
	Replay *replay.Desk
	// Suggest proposes rates from what was recorded.
	Suggest *suggest.Desk
	// Sinks tells what became of what each sink was to get, in the order of the config.
	Sinks func() []spool.SinkStats
	// Report puts evidence of a span of time together, for frameworks by id; all where none is named.
	Report func(ctx context.Context, frameworks []string, since time.Duration) (*report.Report, error)
}

func (a *admin) alerts(w http.ResponseWriter, _ *http.Request) { result(w, a.Active(), nil) }

func (a *admin) silences(w http.ResponseWriter, r *http.Request) {
	list, err := a.Silences.List(r.Context())
	result(w, list, err)
}

func (a *admin) silence(w http.ResponseWriter, r *http.Request) {
	var in struct{ Rule, Key, Reason, Lifetime, Next string }
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	lifetime, _ := time.ParseDuration(in.Lifetime) // its form was judged
	one := alert.Silence{Rule: in.Rule, Key: in.Key, Reason: in.Reason, Until: time.Now().Add(lifetime), By: actor(r)}
	e := happening(r, exchange.AdminAct, in.Rule, "silenced the alerts of %s for %s", in.Rule, in.Lifetime)
	e.Words = in.Reason
	if !a.act(w, r, e, func() (err error) { one, err = a.Silences.Add(r.Context(), one); return quiet(err) }) {
		return
	}
	if isForm(r) {
		done(w, r, in.Next)
		return
	}
	answer(w, http.StatusCreated, one)
}

func (a *admin) endSilence(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	a.simple(w, r, happening(r, exchange.AdminAct, id, "ended a silence of alerts"), func() error { return quiet(a.Silences.End(r.Context(), id)) })
}

// quiet tells what was wrong with a silence.
func quiet(err error) error {
	switch {
	case errors.Is(err, alert.ErrNoSilence):
		return refusal{http.StatusNotFound, "admin.unknown_silence", err.Error(), ""}
	case errors.Is(err, alert.ErrSilence), errors.Is(err, alert.ErrManyQuiet):
		return refusal{http.StatusUnprocessableEntity, "admin.value", "this is not acceptable", err.Error()}
	}
	return err
}

// sinkState is how one sink does.
type sinkState struct {
	Name      string     `json:"name"`
	State     string     `json:"state"`
	Queued    uint64     `json:"queued"`
	Lag       float64    `json:"lag_seconds"`
	Delivered uint64     `json:"delivered"`
	Skipped   uint64     `json:"skipped"`
	Dropped   uint64     `json:"dropped"`
	Dead      uint64     `json:"dead_letters"`
	Error     string     `json:"last_error,omitempty"`
	Since     *time.Time `json:"failing_since,omitempty"`
	Newest    *time.Time `json:"newest,omitempty"`
}

func (a *admin) sinks(w http.ResponseWriter, _ *http.Request) {
	list, now := []sinkState{}, time.Now()
	for _, s := range a.Sinks() {
		one := sinkState{Name: s.Name, State: s.State(), Queued: s.Pending, Lag: s.Lag(now).Seconds(), Delivered: s.Delivered, Skipped: s.Skipped, Dropped: s.Dropped, Dead: s.Dead, Error: s.LastError}
		if s.Failing {
			one.Since = &s.Since
		}
		if !s.Newest.IsZero() {
			one.Newest = &s.Newest
		}
		list = append(list, one)
	}
	result(w, list, nil)
}

func (a *admin) replay(w http.ResponseWriter, r *http.Request) {
	var in struct{ Text, Since string }
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	to := time.Now()
	summary, err := a.Replay.Ask(r.Context(), replay.Question{Text: in.Text, From: to.Add(-spanOf(in.Since, 7*24*time.Hour)), To: to})
	result(w, summary, busy(err))
}

// busy tells that somebody else is answered.
func busy(err error) error {
	if errors.Is(err, desk.ErrBusy) {
		return refusal{http.StatusServiceUnavailable, "admin.busy", err.Error(), "ask again in a moment"}
	}
	return err
}

// reported answers JSON, or the page that stands alone, which asks for other styles than those of the dashboard.
func (a *admin) reported(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	made, err := a.Report(r.Context(), query["framework"], spanOf(query.Get("since"), 30*24*time.Hour))
	if err != nil || query.Get("format") != "html" {
		result(w, made, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	_ = made.HTML(w) // the operator has gone
}

// spanOf reads a span whose form was judged.
func spanOf(text string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(text); err == nil {
		return d
	}
	return otherwise
}
