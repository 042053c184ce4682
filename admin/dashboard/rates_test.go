package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/admin/desk"
	"github.com/sallyport/sallyport/admin/suggest"
	"github.com/sallyport/sallyport/limit"
)

// suggestions are of one operation that somebody asks too often, and of one of which too little is known.
func suggestions(who string) []limit.Suggestion {
	return []limit.Suggestion{
		{API: "shop", Operation: "GET /orders", Requests: 1800, Known: 0.755, Minutes: limit.Percentiles{N: 60, P50: 20, P95: 41, P99: 52, Max: 1234}, Callers: limit.Percentiles{N: 121, P50: 1, P95: 3, P99: 4, Max: 60}, Limit: 8, Refused: 52, Of: 2,
			Askers: []limit.Asker{{Kind: "principal", Issuer: "corp", Name: who, Requests: 60, Refused: 50}, {Kind: "client", Name: "2001:db8::/64", Requests: 9, Refused: 2}}},
		{API: "shop", Operation: "POST /orders", Requests: 7, Why: "too few requests have a record: store.passed"},
	}
}

// proposing is a gateway whose proposals wait for the channel, and the questions that it was asked.
func proposing(t *testing.T, gate chan error) (Options, *[]suggest.Question) {
	t.Helper()
	asked := &[]suggest.Question{}
	o := options(keep(t))
	o.Suggest = desk.New(func(ctx context.Context, q suggest.Question, told func(desk.Progress)) ([]limit.Suggestion, error) {
		*asked = append(*asked, q)
		told(desk.Progress{N: 1234, At: q.From, Share: 0.5})
		select {
		case err := <-gate:
			return suggestions("ada"), err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	return o, asked
}

// seen waits until the page says something.
func seen(t *testing.T, o Options, at, what string) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if body := page(t, o, at); strings.Contains(body, what) {
			return body
		}
	}
	t.Fatalf("%s never says %q", at, what)
	return ""
}

func TestRatesAreAskedForAndShown(t *testing.T) {
	gate := make(chan error)
	o, questions := proposing(t, gate)
	form := url.Values{"csrf": {"csrf-token"}, "range": {"7d"}, "headroom": {"1.5"}}
	w := post(o, RoleAnalyst, "/limits/suggest", form)
	at := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || at != "/identities?headroom=1.5&range=7d#rates" {
		t.Fatalf("%d %s %s", w.Code, at, w.Body)
	}
	at = strings.TrimSuffix(at, "#rates")
	if body := seen(t, o, at, "1,234 exchanges"); !strings.Contains(body, `http-equiv="refresh"`) || !strings.Contains(body, `value="0.5"`) || strings.Contains(body, "Propose rates") {
		t.Error("it does not show how far it is", body)
	}
	if w := post(o, RoleAnalyst, "/limits/suggest", form); w.Header().Get("Location") != at+"#rates" {
		t.Errorf("the same question is not led to: %d %s", w.Code, w.Header())
	}
	if w := post(o, RoleAnalyst, "/limits/suggest", url.Values{"csrf": {"csrf-token"}, "headroom": {"3"}}); w.Code != http.StatusServiceUnavailable {
		t.Errorf("another one runs beside it: %d", w.Code)
	}
	gate <- nil
	body := seen(t, o, at, "To be merged into the config")
	for _, want := range []string{"76 %", "20 · 41 · 52 · 1,234", "1 · 3 · 4 · 60", "8 a minute", "52 requests of 2 callers", "/identities?range=7d&amp;subject=ada", "50 of 60", "2001:db8::/64", "too few requests have a record",
		"rate: { limit: 8, per: 1m, by: principal }", `value="1.5"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if q := (*questions)[0]; len(*questions) != 1 || q.Headroom != 1.5 || !q.To.Equal(now) || q.To.Sub(q.From) != 7*24*time.Hour {
		t.Errorf("%+v", *questions)
	}
	if body := page(t, o, "/identities?headroom=1.5"); strings.Contains(body, "To be merged") {
		t.Error("what was proposed of another time is shown")
	}
	csv := ask(o, RoleAnalyst, at+"&format=csv&table=rates").Body.String()
	if !strings.HasPrefix(csv, "api,operation,requests,known,minute_p50") || !strings.Contains(csv, "shop,GET /orders,1800,0.755,20,41,52,1234,121,1,3,4,60,8,,52,2") {
		t.Error(csv)
	}
	if strings.Contains(page(t, o, at+"&subject=ada"), "Rates from history") {
		t.Error("what is proposed for all is shown of one")
	}
}

func TestRatesThatFailSayWhy(t *testing.T) {
	gate := make(chan error, 1)
	o, _ := proposing(t, gate)
	for want, err := range map[string]error{"It was stopped": context.Canceled, "It took too long": context.DeadlineExceeded, "the disk is gone": errors.New("the disk is gone")} {
		gate <- err
		for post(o, RoleAnalyst, "/limits/suggest", url.Values{"csrf": {"csrf-token"}, "headroom": {"2"}}).Code != http.StatusSeeOther {
			time.Sleep(time.Millisecond)
		}
		seen(t, o, "/identities?headroom=2", want)
	}
}

func TestRatesAreWatchedAndStopped(t *testing.T) {
	o, _ := proposing(t, nil)
	form := url.Values{"csrf": {"csrf-token"}, "headroom": {"2"}}
	if w := post(o, RoleAnalyst, "/limits/suggest", form); w.Code != http.StatusSeeOther {
		t.Fatal(w.Code, w.Body)
	}
	seen(t, o, "/identities?headroom=2", "1,234 exchanges")
	w := &stopping{httptest.NewRecorder(), func() { post(o, RoleAnalyst, "/limits/stop", form) }}
	r := httptest.NewRequest("GET", "/limits/progress?headroom=2", nil)
	New(o).ServeHTTP(w, r.WithContext(WithViewer(r.Context(), Viewer{"ann", RoleAnalyst, "csrf-token"}))) // until it ends
	if stream := w.Body.String(); !strings.HasPrefix(stream, "event: progress\ndata: 0.5000 1,234 exchanges, up to") || !strings.HasSuffix(stream, "event: end\ndata: \n\n") {
		t.Errorf("%q", stream)
	}
	seen(t, o, "/identities?headroom=2", "It was stopped")
}

func TestRatesAreForAnalystsOfTheSession(t *testing.T) {
	o, questions := proposing(t, make(chan error))
	form := url.Values{"csrf": {"csrf-token"}, "headroom": {"2"}}
	other := url.Values{"csrf": {"other"}, "headroom": {"2"}}
	for name, code := range map[string]int{
		"a viewer asks":           post(o, RoleViewer, "/limits/suggest", form).Code,
		"a viewer stops":          post(o, RoleViewer, "/limits/stop", form).Code,
		"a viewer watches":        ask(o, RoleViewer, "/limits/progress?headroom=2").Code,
		"another session's form":  post(o, RoleAdmin, "/limits/suggest", other).Code,
		"another session's stop":  post(o, RoleAdmin, "/limits/stop", other).Code,
		"a form without a token":  post(o, RoleAdmin, "/limits/suggest", url.Values{"headroom": {"2"}}).Code,
		"a stop without a token":  post(o, RoleAdmin, "/limits/stop", url.Values{"headroom": {"2"}}).Code,
		"a form that is too long": post(o, RoleAdmin, "/limits/suggest", url.Values{"csrf": {"csrf-token"}, "headroom": {strings.Repeat("2", 70<<10)}}).Code,
	} {
		if code != http.StatusForbidden {
			t.Errorf("%s: %d", name, code)
		}
	}
	for _, odd := range []string{"", "0.5", "1001", "NaN", "-Inf", "much"} {
		if w := post(o, RoleAnalyst, "/limits/suggest", url.Values{"csrf": {"csrf-token"}, "headroom": {odd}}); w.Code != http.StatusBadRequest {
			t.Errorf("headroom %q: %d", odd, w.Code)
		}
		if w := ask(o, RoleAnalyst, "/identities?headroom="+odd); (w.Code != http.StatusBadRequest) != (odd == "") {
			t.Errorf("headroom %q: %d", odd, w.Code)
		}
	}
	if len(*questions) > 0 {
		t.Error("somebody was answered")
	}
}

// Names of callers are texts of strangers.
func TestRatesOfHostileNames(t *testing.T) {
	o := options(keep(t))
	for _, s := range hostile {
		o.Suggest = desk.New(func(context.Context, suggest.Question, func(desk.Progress)) ([]limit.Suggestion, error) {
			list := suggestions(s)
			list[0].Operation, list[0].API, list[1].Why = "GET "+s, s, s
			return list, nil
		})
		post(o, RoleAnalyst, "/limits/suggest", url.Values{"csrf": {"csrf-token"}, "headroom": {"2"}})
		onlyOurs(t, s, seen(t, o, "/identities?headroom=2", "To be merged into the config"))
	}
}
