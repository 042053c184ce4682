package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/admin/desk"
	"github.com/sallyport/sallyport/admin/suggest"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit"
)

// What the archive has kept becomes rates, with whom they would have refused, and lines of the config.
func TestSuggestedLimits(t *testing.T) {
	s := newStand(t)
	if w := s.asOperator("GET", "/api/v1/limits/suggestions"); !strings.Contains(w.Body.String(), `"operations":[],"config":"# nothing is proposed\n"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	began := time.Now().Add(-10 * time.Minute).Truncate(time.Minute)
	for i := range 120 {
		s.archive.Record(asked(began.Add(time.Duration(i)*time.Millisecond), fmt.Sprint("user-", i), "GET /orders"))
	}
	for i := range 30 {
		s.archive.Record(asked(began.Add(time.Second+time.Duration(i)*time.Millisecond), "ada", "GET /orders"))
	}
	s.archive.Record(asked(began, "ada", "GET /own"))
	s.archive.Close()
	for query, want := range map[string]struct {
		operations, limit int
		refused           int64
	}{"": {2, 5, 25}, "since=1h&headroom=20": {2, 20, 10}, "limit=1": {1, 5, 25}} {
		w := s.asOperator("GET", "/api/v1/limits/suggestions?"+query)
		var got proposed
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK || len(got.Operations) != want.operations {
			t.Fatalf("%s: %d %s %v", query, w.Code, w.Body, err)
		}
		first := got.Operations[0]
		if first.Operation != "GET /orders" || first.Requests != 150 || first.Limit != want.limit || first.Refused != want.refused || first.Callers.N != 121 || first.Callers.Max != 30 ||
			len(first.Askers) != 1 || first.Askers[0].Name != "ada" || !strings.Contains(got.Config, fmt.Sprintf(`rate: { limit: %d, per: 1m, by: principal }`, want.limit)) {
			t.Errorf("%s: %+v\n%s", query, first, got.Config)
		}
	}
	for _, query := range []string{"headroom=0.5", "headroom=NaN", "headroom=1e400", "headroom=1001", "since=yesterday", "since=7d", "limit=0", "limit=1001", "api=shop"} {
		if w := s.asOperator("GET", "/api/v1/limits/suggestions?"+query); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func asked(at time.Time, subject, operation string) *exchange.Record {
	return &exchange.Record{ID: exchange.NewID(at), Time: at, API: "shop", Operation: operation, Method: "GET", Client: "192.0.2.1", Status: 200,
		Principal: &exchange.RecordPrincipal{Issuer: "corp", Subject: subject}}
}

// The history is read for one at a time, and not for who has gone.
func TestSuggestedLimitsOneAtATime(t *testing.T) {
	s := newStand(t)
	o := s.options()
	o.Suggest = desk.New(func(ctx context.Context, _ suggest.Question, _ func(desk.Progress)) ([]limit.Suggestion, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if err := o.Suggest.Start("somebody", suggest.Question{}); err != nil {
		t.Fatal(err)
	}
	defer o.Suggest.Close()
	a := &admin{Options: o}
	ctx, gone := context.WithCancel(t.Context())
	gone()
	w := httptest.NewRecorder()
	a.suggestLimits(w, s.request("GET", "/api/v1/limits/suggestions", "").WithContext(ctx))
	if code(t, w) != "admin.busy" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
