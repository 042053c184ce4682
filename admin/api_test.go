package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
)

func TestProbes(t *testing.T) {
	starting, draining := errors.New("starting"), errors.New("draining")
	s := newStand(t)
	for name, c := range map[string]struct {
		started, stale          bool
		unready                 error
		health, ready, startups int
		says                    string
	}{
		"before the start":   {false, false, starting, 200, 503, 503, "starting\n"},
		"without a key set":  {true, false, errors.New("a key set was not loaded yet"), 200, 503, 200, "a key set was not loaded yet\n"},
		"serving":            {true, false, nil, 200, 200, 200, "ok\n"},
		"after a bad reload": {true, true, nil, 200, 200, 200, "ok, but the last reload failed: the log says why\n"},
		"draining":           {true, false, draining, 200, 503, 200, "draining\n"}, // liveness and startup stay: nobody may restart us now
		"stale, draining":    {true, true, draining, 200, 503, 200, "draining\n"},
	} {
		s.started, s.stale, s.ready = c.started, c.stale, c.unready
		for target, want := range map[string]int{"/healthz": c.health, "/readyz": c.ready, "/startupz": c.startups} {
			w := s.ask("GET", target)
			if w.Code != want {
				t.Errorf("%s: %s: %d, want %d", name, target, w.Code, want)
			}
			if target == "/readyz" && w.Body.String() != c.says {
				t.Errorf("%s: says %q", name, w.Body)
			}
		}
	}
}

func TestMetricsNeedNoToken(t *testing.T) {
	s := newStand(t)
	w := s.ask("GET", "/metrics")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "sallyport_build_info") {
		t.Errorf("%d %.80s", w.Code, w.Body)
	}
	for _, target := range []string{"/metrics/", "/metrics/../api/v1/exchanges", "/metrics/api/v1/exchanges", "//metrics", "/debug/pprof/", "/"} {
		if w := s.ask("GET", target); w.Code == http.StatusOK {
			t.Errorf("%s is served: %.80s", target, w.Body)
		}
	}
}

func records(n int) (list []*exchange.Record) {
	for i := range n {
		list = append(list, &exchange.Record{ID: fmt.Sprintf("01KB%03d", i), Code: "policy.not_owner", Refused: true, Steps: []exchange.RecordStep{}})
	}
	return list
}

func TestExchanges(t *testing.T) {
	s := newStand(t)
	s.kept = records(60)
	for query, c := range map[string]struct {
		want event.Filter
		next string // in Link
	}{
		"":                     {event.Filter{Limit: 50, Outcome: "told"}, "?before=01KB049"},
		"limit=3":              {event.Filter{Limit: 3, Outcome: "told"}, "?before=01KB002&limit=3"},
		"limit=1000":           {event.Filter{Limit: 1000, Outcome: "told"}, ""},
		"limit=2&before=01KB9": {event.Filter{Limit: 2, Before: "01KB9", Outcome: "told"}, "?before=01KB001&limit=2"},
		"code=inspect.sqli&api=shop&client=203.0.113.7&subject=a%26b": {event.Filter{Limit: 50, Outcome: "told", Code: "inspect.sqli", API: "shop", Client: "203.0.113.7", Subject: "a&b"},
			"?api=shop&before=01KB049&client=203.0.113.7&code=inspect.sqli&subject=a%26b"},
		"rating=hostile&outcome=all": {event.Filter{Limit: 50, Rating: "hostile"}, "?before=01KB049&outcome=all&rating=hostile"},
		"outcome=all":                {event.Filter{Limit: 50}, "?before=01KB049&outcome=all"},
		"outcome=refused&operation=GET+%2Fx&method=GET&owasp=API1&guard=identity&rule=942100&id=01KB": {event.Filter{Limit: 50, Outcome: "refused", Operation: "GET /x", Method: "GET", OWASP: "API1",
			Guard: "identity", Rule: "942100", ID: "01KB"}, "?before=01KB049&guard=identity&id=01KB&method=GET&operation=GET+%2Fx&outcome=refused&owasp=API1&rule=942100"},
	} {
		w := s.asOperator("GET", "/api/v1/exchanges?"+query)
		if w.Code != http.StatusOK || s.asked != c.want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d, asked for %+v", query, w.Code, s.asked)
		}
		link := ""
		if c.next != "" {
			link = "</api/v1/exchanges" + c.next + `>; rel="next"`
		}
		if got := w.Header().Get("Link"); got != link {
			t.Errorf("%s: Link is %s, want %s", query, got, link)
		}
	}
}

// A filter that is not understood must not list everything.
func TestExchangesRefuseOddQueries(t *testing.T) {
	s := newStand(t)
	for _, query := range []string{"limit=0", "limit=-1", "limit=1001", "limit=many", "limit=", "limit=1&limit=2", "codes=x", "Code=x", "code=", "code=a&code=b", "limit=1;code=x", "code=%zz", "before=", "path=/x", "rating=odd", "rating="} {
		if w := s.asOperator("GET", "/api/v1/exchanges?"+query); w.Code != http.StatusBadRequest || s.asked != (event.Filter{}) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestLists(t *testing.T) {
	s := newStand(t)
	for _, target := range []string{"/api/v1/exchanges", "/api/v1/posture"} {
		s.kept = []*exchange.Record{}
		if w := s.asOperator("GET", target); strings.TrimSpace(w.Body.String()) != "[]" {
			t.Errorf("%s: %s", target, w.Body)
		}
	}
	var reasons []map[string]any
	w := s.asOperator("GET", "/api/v1/reasons")
	if err := json.Unmarshal(w.Body.Bytes(), &reasons); err != nil || len(reasons) != len(exchange.Catalogue()) {
		t.Fatalf("%v %.100s", err, w.Body)
	}
	if reasons[0]["code"] != exchange.Catalogue()[0].Code || reasons[0]["help"] == "" || reasons[0]["severity"] == nil {
		t.Errorf("%v", reasons[0])
	}
}

func TestExchange(t *testing.T) {
	s := newStand(t)
	s.kept = records(2)
	w := s.asOperator("GET", "/api/v1/exchanges/01KB001")
	var r exchange.Record
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || r.ID != "01KB001" || r.Code != "policy.not_owner" {
		t.Errorf("%d %s %v", w.Code, w.Body, err)
	}
	for _, id := range []string{"01KB999", "..", "%2e%2e%2f", "' OR 1=1", strings.Repeat("x", 8000)} {
		if w := s.asOperator("GET", "/api/v1/exchanges/"+strings.ReplaceAll(id, " ", "%20")); w.Code == http.StatusOK || strings.Contains(w.Body.String(), id[:min(len(id), 7)]) && len(id) > 3 {
			t.Errorf("%.20s: %d %.80s", id, w.Code, w.Body)
		}
	}
	s.failing = errStore
	for _, target := range []string{"/api/v1/exchanges/01KB001", "/api/v1/exchanges"} {
		if w := s.asOperator("GET", target); w.Code != http.StatusInternalServerError || code(t, w) != "admin.failed" || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

func TestReload(t *testing.T) {
	s := newStand(t)
	if w := s.asOperator("POST", "/api/v1/reload"); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	s.reload = errors.New("sallyport.yaml:3:1: error: no such key")
	if w := s.asOperator("POST", "/api/v1/reload"); w.Code != http.StatusUnprocessableEntity || code(t, w) != "admin.reload" || !strings.Contains(w.Body.String(), "sallyport.yaml:3:1") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	// A dry run does not exist, so nobody who asks for one gets the real one.
	if w := s.asOperator("POST", "/api/v1/reload?dry_run=true"); w.Code != http.StatusBadRequest || s.reloads != 2 {
		t.Errorf("%d, %d reloads", w.Code, s.reloads)
	}
}
