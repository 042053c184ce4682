package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

func (a admin) exchange(w http.ResponseWriter, r *http.Request) {
	record, err := a.Find(r.Context(), r.PathValue("id"))
	if errors.Is(err, event.ErrUnknown) {
		problem(w, http.StatusNotFound, "admin.unknown_exchange", err.Error(), "")
		return
	}
	answer(w, record, err)
}

// exchanges lists kept records, newest first. Where there may be more, Link says where they are (RFC 8288).
func (a admin) exchanges(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	var f event.Filter
	if err == nil {
		f, err = filter(query)
	}
	if err != nil {
		problem(w, http.StatusBadRequest, "admin.query", "the query is not understood", err.Error())
		return
	}
	list, err := a.Select(r.Context(), f)
	if len(list) == f.Limit && err == nil {
		query.Set("before", list[len(list)-1].ID)
		w.Header().Set("Link", "<"+r.URL.Path+"?"+query.Encode()+`>; rel="next"`)
	}
	answer(w, list, err)
}

// maxPage is the longest list, defaultPage that of who asks for none.
const maxPage, defaultPage = 1000, 50

// filter reads the query. A name that is misspelled must not widen what is listed, so unknown ones are refused.
func filter(query url.Values) (event.Filter, error) {
	f := event.Filter{Limit: defaultPage}
	texts := map[string]*string{"before": &f.Before, "api": &f.API, "code": &f.Code, "client": &f.Client, "subject": &f.Subject}
	for name, values := range query {
		if len(values) != 1 || values[0] == "" {
			return f, fmt.Errorf("%q needs exactly one value", name)
		}
		if name == "limit" {
			n, err := strconv.Atoi(values[0])
			if err != nil || n < 1 || n > maxPage {
				return f, fmt.Errorf("limit goes from 1 to %d", maxPage)
			}
			f.Limit = n
			continue
		}
		text := texts[name]
		if text == nil {
			return f, fmt.Errorf("%q is unknown: there are limit, before, api, code, client and subject", name)
		}
		*text = values[0]
	}
	return f, nil
}

func (a admin) posture(w http.ResponseWriter, _ *http.Request) {
	answer(w, append([]gateway.Posture{}, a.Posture()...), nil) // a list, not null
}

func (a admin) reasons(w http.ResponseWriter, _ *http.Request) { answer(w, exchange.Catalogue(), nil) }

func (a admin) reload(w http.ResponseWriter, _ *http.Request) {
	if err := a.Reload(); err != nil {
		problem(w, http.StatusUnprocessableEntity, "admin.reload", "the new configuration is not used", err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, value any, err error) {
	if err != nil {
		slog.Error("couldn't answer on the admin API", "error", err)
		problem(w, http.StatusInternalServerError, "admin.failed", "the store could not be read", "the log has the cause")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the operator has gone
}

// problem answers by RFC 9457. detail is left out where it is "".
func problem(w http.ResponseWriter, status int, code, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct { // the operator has gone
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Code   string `json:"code"`
		Detail string `json:"detail,omitempty"`
	}{gateway.TypeBase + code, title, status, code, detail})
}
