package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/admin/report"
	"github.com/sallyport/sallyport/event/alert"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

// Evidence is what is made of records: alerts, what another configuration would have done, reports.
type Evidence struct {
	// Active lists the alerts that are true now.
	Active func() []alert.Alert
	// Silences of alerts that people have made.
	Silences *alert.Silences
	// Replay decides the exchanges of a span of time again: under a text that may come to stand in the config file, or
	// under the configuration in use where it is "". The error is a config.Problems where the text is wrong.
	Replay func(ctx context.Context, text string, since time.Duration) (*gateway.Summary, error)
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
	e := happening(r, exchange.AdminAct, in.Rule, "silenced the alerts of %s for %s: %s", in.Rule, in.Lifetime, in.Reason)
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

func (a *admin) replay(w http.ResponseWriter, r *http.Request) {
	var in struct{ Text, Since string }
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	summary, err := a.Replay(r.Context(), in.Text, spanOf(in.Since, 7*24*time.Hour))
	result(w, summary, err)
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
