package admin

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// A preview counts what the guard in question would have refused, of the API in question, and nothing else.
func TestPreview(t *testing.T) {
	s := newStand(t)
	for i := range 12 {
		now := time.Now().Add(-time.Minute)
		r := &exchange.Record{ID: exchange.NewID(now), Time: now, API: "shop", Operation: "GET /orders", Method: "GET", Status: 200, Client: "203.0.113.1",
			Principal: &exchange.RecordPrincipal{Subject: "alice", Kind: "jwt"},
			Steps:     []exchange.RecordStep{{Guard: "inspect.body", Mode: config.Monitor, Code: "inspect.sqli"}}}
		switch {
		case i%3 == 0:
			r.API = "other"
		case i%3 == 1:
			r.Steps[0] = exchange.RecordStep{Guard: "validate.body", Mode: config.Monitor, Code: "validate.body"}
		}
		s.archive.Record(r)
	}
	s.archive.Event(exchange.NewEvent(exchange.AdminAct, "did something"))
	s.archive.Close()
	refusals := func(query string) (p preview) {
		t.Helper()
		w := s.asOperator("GET", "/api/v1/controls/preview?"+query)
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 200 {
			t.Fatalf("%s: %d %s", query, w.Code, w.Body)
		}
		return p
	}
	for query, want := range map[string]int64{"guard=inspect&api=shop": 4, "guard=inspect.body&api=shop": 4, "guard=inspect.head&api=shop": 0, "guard=validate&api=shop": 4, "guard=inspect": 8,
		"guard=inspect&api=none": 0, "guard=inspect&operation=GET+%2Forders": 8, "guard=inspect&to=2026-01-01T00:00:00Z": 0} {
		if p := refusals(query); p.Refusals != want || want > 0 && p.By[0].Guard == "" {
			t.Errorf("%s: %+v", query, p)
		}
	}
	if w := s.asOperator("GET", "/api/v1/controls/preview?guard=none"); w.Code != 422 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.asOperator("GET", "/api/v1/top?field=subject"); w.Body.String() != `[{"value":"alice","n":12}]`+"\n" {
		t.Errorf("%s", w.Body)
	}
	var events []exchange.Event
	if w := s.asOperator("GET", "/api/v1/events"); json.Unmarshal(w.Body.Bytes(), &events) != nil || len(events) != 1 || events[0].Detail != "did something" {
		t.Errorf("%s", w.Body)
	}
	if w := s.asOperator("GET", fmt.Sprintf("/api/v1/histogram?from=%s", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
