package admin

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/limit/quota"
)

func (a *admin) exchange(w http.ResponseWriter, r *http.Request) {
	record, err := a.Find(r.Context(), r.PathValue("id"))
	result(w, record, err)
}

// exchanges lists kept records, newest first. Where there may be more, Link says where they are (RFC 8288).
func (a *admin) exchanges(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	f := event.Filter{Before: query.Get("before"), API: query.Get("api"), Operation: query.Get("operation"), Method: query.Get("method"), Outcome: query.Get("outcome"),
		Code: query.Get("code"), OWASP: query.Get("owasp"), Guard: query.Get("guard"), Rule: query.Get("rule"), Client: query.Get("client"), Subject: query.Get("subject"),
		Rating: query.Get("rating"), ID: query.Get("id"), Limit: defaultPage}
	switch f.Outcome {
	case "":
		f.Outcome = "told"
	case "all":
		f.Outcome = ""
	}
	if limit, err := strconv.Atoi(query.Get("limit")); err == nil {
		f.Limit = limit
	}
	list, err := a.Select(r.Context(), f)
	if len(list) == f.Limit && err == nil {
		query.Set("before", list[len(list)-1].ID)
		w.Header().Set("Link", "<"+r.URL.Path+"?"+query.Encode()+`>; rel="next"`)
	}
	result(w, list, err)
}

// defaultPage is the length of a list of which nothing was said.
const defaultPage = 50

func (a *admin) quotas(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	f := quota.Filter{Plan: query.Get("plan"), Window: query.Get("window"), Kind: query.Get("kind"), Name: query.Get("name"), Limit: defaultPage}
	if most, err := strconv.Atoi(query.Get("limit")); err == nil {
		f.Limit = most
	}
	result(w, a.Quotas(f), nil)
}

func (a *admin) posture(w http.ResponseWriter, _ *http.Request) {
	result(w, append([]gateway.Posture{}, a.Posture()...), nil) // a list, not null
}

func (a *admin) reasons(w http.ResponseWriter, _ *http.Request) {
	result(w, exchange.Catalogue(), nil)
}

func (a *admin) kinds(w http.ResponseWriter, _ *http.Request) { result(w, exchange.Kinds(), nil) }

func (a *admin) reload(w http.ResponseWriter, r *http.Request) {
	a.simple(w, r, happening(r, exchange.AdminAct, "config", "asked for a reload"), func() error {
		if err := a.Reload(); err != nil {
			return refusal{http.StatusUnprocessableEntity, "admin.reload", "the new configuration is not used", err.Error()}
		}
		return nil
	})
}

// result answers a question.
func result(w http.ResponseWriter, value any, err error) {
	if err != nil {
		failed(w, err)
		return
	}
	answer(w, http.StatusOK, value)
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the operator has gone
}

// A refusal is an error that is told to the operator as it is.
type refusal struct {
	status              int
	code, title, detail string
}

func (r refusal) Error() string { return r.title + ": " + r.detail }

// failed answers an error. What is none of the operator's making is for the log.
func failed(w http.ResponseWriter, err error) {
	if r, problems, ok := ofChange(err); ok {
		problemWith(w, r, problems)
		return
	}
	var told refusal
	switch {
	case errors.As(err, &told):
		problem(w, told.status, told.code, told.title, told.detail)
	case errors.Is(err, event.ErrUnknown):
		problem(w, http.StatusNotFound, "admin.unknown_exchange", err.Error(), "")
	case errors.Is(err, people.ErrUnknown):
		problem(w, http.StatusNotFound, "admin.unknown_user", err.Error(), "")
	case errors.Is(err, people.ErrRefused):
		problem(w, http.StatusForbidden, "admin.password", err.Error(), "")
	case errors.Is(err, people.ErrTaken), errors.Is(err, people.ErrLast):
		problem(w, http.StatusConflict, "admin.user", err.Error(), "")
	case errors.As(err, new(people.Mistake)):
		problem(w, http.StatusUnprocessableEntity, "admin.value", "this is not acceptable", err.Error())
	default:
		slog.Error("couldn't answer on the admin API", "error", err)
		problem(w, http.StatusInternalServerError, "admin.failed", "the store could not be read", "the log has the cause")
	}
}

// problemBody is what RFC 9457 says.
type problemBody struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`

	Problems config.Problems `json:"problems,omitempty"`
}

// problem answers by RFC 9457. detail is left out where it is "".
func problem(w http.ResponseWriter, status int, code, title, detail string) {
	problemWith(w, refusal{status, code, title, detail}, nil)
}

func problemWith(w http.ResponseWriter, r refusal, problems config.Problems) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(problemBody{gateway.TypeBase + r.code, r.title, r.status, r.code, r.detail, problems}) // the operator has gone
}
