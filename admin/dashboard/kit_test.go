package dashboard

import (
	"context"
	"database/sql"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/admin/desk"
	"github.com/sallyport/sallyport/admin/replay"
	"github.com/sallyport/sallyport/admin/suggest"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/alert"
	"github.com/sallyport/sallyport/event/spool"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/internal/testkit/databases"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/quota"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/store/keyring"
)

// keep puts records and events into an archive of their own, as the gateway does.
func keep(t testing.TB, list ...*exchange.Record) *event.Reader {
	t.Helper()
	s := databases.Open(t, t.TempDir())
	ring, err := keyring.Open(t.TempDir(), keyring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := event.NewArchive(s, ring, event.ArchiveOptions{})
	for _, r := range list {
		a.Record(r)
	}
	a.Close()
	t.Cleanup(func() { ring.Close() })
	return event.NewReader(s, ring)
}

// database is a store's, for what the config's history needs.
func database(t testing.TB) *sql.DB {
	t.Helper()
	return databases.Open(t, t.TempDir()).DB()
}

// now is the time of every page: that of the archive, which forgets what is old.
var now = time.Now().UTC().Truncate(time.Second)

// traffic are n exchanges of the last day before now.
func traffic(n int) (s []*exchange.Record) {
	operations := []string{"GET /orders/{id}", "GET /orders", "POST /orders", "GET /products", "PATCH /account", "POST /checkout/payments/authorize"}
	for i := range n {
		at := now.Add(-time.Duration(1+i*i%86_000) * time.Second).Add(-time.Millisecond * time.Duration(i))
		r := &exchange.Record{ID: exchange.NewID(at), Time: at, Took: time.Duration(400+i%900) * time.Microsecond, API: "shop", Operation: operations[i%len(operations)],
			Host: "shop.example", Path: fmt.Sprintf("/orders/%d", i), Method: "GET", Proto: "HTTP/2.0", Client: fmt.Sprintf("192.0.2.%d", i%40), UserAgent: "curl/8", Status: 200, BytesOut: 512,
			Steps: []exchange.RecordStep{{Guard: "limit.admit", Mode: config.Enforce, Took: 800}, {Guard: "identity", Mode: config.Enforce, Took: 21_000}, {Guard: "policy.operation", Mode: config.Enforce, Took: 2_100}, {Guard: "validate.params", Mode: config.Enforce, Took: 5_400}, {Guard: "inspect.head", Mode: config.Enforce, Took: 61_000}}}
		if i%5 != 4 {
			r.Principal = &exchange.RecordPrincipal{Subject: fmt.Sprintf("user-%d", i%17), Issuer: "corp", Kind: "jwt", Roles: []string{"customer"}}
		}
		switch {
		case i%9 == 0:
			r.Bot = &exchange.RecordBot{Rating: exchange.Hostile, Reasons: []string{"its User-Agent is that of a scanner"}}
		case i%5 != 4:
			r.Bot = &exchange.RecordBot{Rating: exchange.Verified, Reasons: []string{"its credential was verified"}}
		}
		switch {
		case i%11 == 0:
			refuse(r, "policy.object", exchange.NotOwner, "path.id is 4711, principal.subject is user-3", "apis:\n  - name: shop\n    operations:\n      \"GET /orders/{id}\":\n        owner: {}")
		case i%13 == 0:
			refuse(r, "inspect.head", exchange.SQLi, "anomaly score 15, threshold 5", "inspect.exclude: { rule: \"942100\", field: query.q }")
			r.Findings = []exchange.Finding{{Guard: "inspect.head", Rule: "942100", Message: "SQL Injection Attack Detected via libinjection", Field: "query.q", Severity: exchange.Critical, Score: 5, Match: "1' OR …"}}
		case i%17 == 0:
			r.Steps = append(r.Steps, exchange.RecordStep{Guard: "validate.response", Mode: config.Monitor, Took: 33_000, Code: "validate.response", Detail: "/total: must be a number", Fields: []exchange.Field{{Pointer: "/total", Detail: "must be a number"}}, Setting: "modes: { validate.response: off }"})
		}
		s = append(s, r)
	}
	return s
}

func refuse(r *exchange.Record, guard string, reason *exchange.Reason, detail, setting string) {
	r.Refused, r.Guard, r.Code, r.OWASP, r.Status, r.Detail, r.Setting = true, guard, reason.Code, reason.OWASP, reason.Status, detail, setting
	r.Steps = append(r.Steps, exchange.RecordStep{Guard: guard, Mode: config.Enforce, Took: 44_000, Code: reason.Code, Detail: detail})
}

// options are those of a gateway with one API, of which these exchanges are kept.
func options(kept Archive) Options {
	full := map[string]config.Mode{"identity": config.Enforce, "policy.operation": config.Enforce, "policy.object": config.Enforce, "limit.admit": config.Enforce, "validate.params": config.Enforce, "validate.response": config.Monitor, "inspect.head": config.Enforce, "protect.filter": config.Enforce}
	return Options{Version: "test", Now: func() time.Time { return now }, Archive: kept, Live: NewLive(),
		Posture: func() []gateway.Posture {
			return []gateway.Posture{{API: "shop", Operation: "GET /orders/{id}", Guards: full}, {API: "shop", Operation: "GET /products", Anonymous: true, Guards: map[string]config.Mode{"limit.admit": config.Enforce}}, {API: "shop", Operation: "POST /orders", Guards: full}}
		},
		Documents: func() map[string]*openapi.Document { return nil },
		Keys: func(context.Context) ([]identity.StoredKey, error) {
			return []identity.StoredKey{{ID: "k1", Subject: "user-3", Roles: []string{"partner"}, Created: now.AddDate(0, -1, 0), Expires: now.AddDate(0, 0, 3)}}, nil
		},
		Bans: func() []limit.Ban {
			return []limit.Ban{{Client: netip.MustParsePrefix("2001:db8::/64"), Since: now.Add(-time.Minute), Until: now.Add(time.Hour), Times: 1, Reason: "tries cards", By: "cli"},
				{Client: netip.MustParsePrefix("192.0.2.9/32"), Since: now.Add(-time.Hour), Until: now.Add(time.Minute), Times: 3, Reason: "it went on after it was turned away"}}
		},
		Quotas: func(f quota.Filter) []quota.Used {
			list := []quota.Used{{Holder: quota.Holder{Kind: "principal", Issuer: "corp", Name: "user-3"}, Plan: "free", Window: "day", Used: quota.Amounts{Requests: 970, Bytes: 5 << 20}, Limit: quota.Amounts{Requests: 1000}, Share: 0.97},
				{Holder: quota.Holder{Kind: "upstream", Name: "paid"}, Window: "month", Used: quota.Amounts{Requests: 2, Units: 400_000}, Limit: quota.Amounts{Units: 500_000}, Share: 0.8}}
			if f.Name == "" {
				return list
			}
			return slices.DeleteFunc(list, func(u quota.Used) bool { return u.Name != f.Name })
		},
		Alerts: func() []alert.Alert {
			return []alert.Alert{{Rule: "attacks", Key: "192.0.2.7", Severity: exchange.High, Summary: "one client sends many attacks", Hint: "look at them", Since: now, Examples: []string{"01M8NW936AXZ1V5ND4ZD993T75"}}}
		},
		Sinks: func() []spool.SinkStats {
			return []spool.SinkStats{{Name: "siem", Pending: 1234, Delivered: 5, Failing: true, LastError: "connection refused", Since: now.Add(-time.Hour), Newest: now.Add(-time.Hour)}, {Name: "file", Delivered: 99}}
		},
		Replay: replay.New(func(context.Context, replay.Question, func(int, time.Time)) (*gateway.Summary, error) {
			return gateway.NewSummary(), nil
		}),
		Suggest: desk.New(func(context.Context, suggest.Question, func(desk.Progress)) ([]limit.Suggestion, error) {
			return []limit.Suggestion{}, nil
		}),
		Health: func() []Check {
			return []Check{{"Listener", "works", "serving", ""}, {"Configuration", "fails", "the last reload failed", "Read the log; the old configuration is served."}}
		},
	}
}

func ask(o Options, role Role, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	if role != "" {
		r = r.WithContext(WithViewer(r.Context(), Viewer{"ann", role, "csrf-token"}))
	}
	w := httptest.NewRecorder()
	New(o).ServeHTTP(w, r)
	return w
}

func page(t *testing.T, o Options, target string) string {
	t.Helper()
	w := ask(o, RoleAdmin, target)
	if w.Code != 200 {
		t.Fatalf("%s: %d %s", target, w.Code, w.Body)
	}
	return w.Body.String()
}

// every is each page, as the navigation and the pages lead to it.
func every(kept []*exchange.Record) []string {
	list := []string{"/", "/live", "/exchanges", "/apis", "/operation?api=shop&operation=GET+%2Forders%2F%7Bid%7D", "/identities", "/identities?subject=user-3", "/findings", "/controls", "/controls/promote?api=shop&guard=validate.response", "/replay", "/sinks", "/audit", "/reports", "/search", "/search?q=user-3"}
	if len(kept) > 0 {
		list = append(list, "/exchanges/"+kept[0].ID, "/search?q="+kept[0].ID)
	}
	return list
}

// Whatever pages show of SQLite they show of PostgreSQL.
func TestOnPostgres(t *testing.T) { databases.Again(t) }
