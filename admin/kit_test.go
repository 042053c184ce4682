package admin

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/admin/change"
	"github.com/sallyport/sallyport/admin/oidc"
	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/admin/replay"
	"github.com/sallyport/sallyport/admin/report"
	"github.com/sallyport/sallyport/admin/suggest"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/alert"
	"github.com/sallyport/sallyport/event/spool"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/internal/testkit/databases"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/quota"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
	"github.com/sallyport/sallyport/telemetry"
)

const token = "spa_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"

// password of every user of the tests.
const password = "correct horse battery staple"

// stand is what the handlers read, and who asks them.
type stand struct {
	t              *testing.T
	started, stale bool
	ready          error
	reloads        int
	reload         error
	asked          event.Filter
	failing        error
	kept           []*exchange.Record

	store   *store.Store
	people  *people.Directory
	oidc    *oidc.Provider
	archive *event.Archive
	bans    *limit.Bans
	file    string // the config
	config  *change.File
	handler http.Handler
	peers   int

	mu     sync.Mutex
	told   []*exchange.Event
	untold error // nobody can be told
}

// newStand has answers judged by the description.
func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{t: t}
	s.store = databases.Open(t, t.TempDir())
	ring, err := keyring.Open(t.TempDir(), keyring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.archive = event.NewArchive(s.store, ring, event.ArchiveOptions{})
	t.Cleanup(func() { s.archive.Close(); _ = ring.Close() })
	s.people = people.New(s.store, people.Options{})
	s.bans = limit.New(limit.Options{Keys: 1, Accounts: 1}).Bans()
	s.file = filepath.Join(t.TempDir(), "sallyport.yaml")
	if err := os.WriteFile(s.file, []byte(standConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	s.changes(0)
	return s
}

// standConfig is the config of the stand.
const standConfig = `version: 1
admin: { token: s3cret-t0ken }
apis:
  - name: shop # the shop
    upstream: http://127.0.0.1:9
    unknown: inspect
`

// changes makes the config file one of which changes need so many approvals.
func (s *stand) changes(approvals int) {
	s.config = change.New(change.Options{Path: s.file, DB: s.store.DB(), Tell: s.tell, Approvals: approvals,
		Check: func(text []byte) config.Problems {
			_, _, problems := config.DraftText(s.file, text)
			return problems
		},
		Reload: func() error { s.reloads++; return s.reload }})
	var err error
	if s.handler, err = build(s.options(), config.Enforce); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) options() Options {
	return Options{
		Hosts: []string{"sallyport.internal", "10.0.0.7"}, TokenHash: sha256.Sum256([]byte(token)), People: s.people, Tell: s.tell,
		Started: func() bool { return s.started },
		Ready:   func() error { return s.ready }, Stale: func() bool { return s.stale }, Metrics: telemetry.NewMetrics("test").Handler(),
		Find: func(_ context.Context, id string) (*exchange.Record, error) {
			for _, r := range s.kept {
				if r.ID == id {
					return r, s.failing
				}
			}
			return nil, event.ErrUnknown
		},
		Select: func(_ context.Context, f event.Filter) ([]*exchange.Record, error) {
			s.asked = f
			return append([]*exchange.Record{}, s.kept[:min(len(s.kept), f.Limit)]...), s.failing
		},
		Posture: func() []gateway.Posture { return nil }, Bans: s.bans.List, Ban: func(b limit.Ban) { s.bans.Merge(b) },
		Quotas: func(quota.Filter) []quota.Used {
			return []quota.Used{{Holder: quota.Holder{Kind: "principal", Name: "acme"}, Window: "day"}}
		},
		Reload: func() error { s.reloads++; return s.reload }, Store: s.store, Config: s.config, OIDC: s.oidc, Archive: s.archive.Reader,
		Evidence: Evidence{Silences: alert.NewSilences(s.store.DB()),
			Active: func() []alert.Alert {
				return []alert.Alert{{Rule: "leak-stopped", Severity: exchange.High, Summary: "x", Examples: []string{"01KB"}}}
			},
			Sinks: func() []spool.SinkStats {
				return []spool.SinkStats{{Name: "siem", Pending: 3, Delivered: 9, Failing: true, LastError: "connection refused", Since: time.Now(), Newest: time.Now().Add(-time.Minute)}, {Name: "file"}}
			},
			Replay: replay.New(func(_ context.Context, q replay.Question, _ func(int, time.Time)) (*gateway.Summary, error) {
				if q.Text != "" {
					return nil, &change.Invalid{Problems: config.Problems{{File: "f", Line: 1, Column: 1, Severity: config.Error, Rule: "r", Message: "wrong"}}}
				}
				return gateway.NewSummary(), nil
			}),
			Suggest: suggest.New(s.archive.Reader),
			Report: func(_ context.Context, frameworks []string, since time.Duration) (*report.Report, error) {
				return report.New(&report.Facts{Now: time.Now(), Since: time.Now().Add(-since), Config: &config.Config{}}, frameworks)
			}},
	}
}

// namesNobody demands that what is kept of an event in clear, for ever where there is an audit log, names none of the users.
func (s *stand) namesNobody(e *exchange.Event) {
	public, _ := e.Part()
	text, err := json.Marshal(public)
	for _, name := range []string{"alice", "bob", "carol", "dave", "ada", "198.18."} {
		if err != nil || strings.Contains(string(text), name) {
			s.t.Errorf("%q in clear: %s %v", name, text, err)
		}
	}
}

func (s *stand) tell(_ context.Context, e *exchange.Event) error {
	s.namesNobody(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.untold == nil {
		s.told = append(s.told, e)
	}
	return s.untold
}

// events are those that were told since the last call: kind, actor and object.
func (s *stand) events() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.told {
		list = append(list, strings.Join(strings.Fields(e.Kind+" "+e.Actor+" "+e.Object+" "+e.Subject), " "))
	}
	s.told = nil
	return list
}

// request is one to a listener at 10.9.8.7:9901, from another address each time. header are pairs.
func (s *stand) request(method, target, body string, header ...string) *http.Request {
	s.peers++
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "127.0.0.1:9901", fmt.Sprintf("198.18.%d.%d:4711", s.peers>>8&255, s.peers&255)
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(net.TCPAddrFromAddrPort(netip.MustParseAddrPort("[::ffff:10.9.8.7]:9901")))))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		switch header[i] {
		case "Host":
			r.Host = header[i+1]
		case "Content-Type":
			r.Header.Set("Content-Type", header[i+1])
		default:
			r.Header[header[i]] = append(r.Header[header[i]], header[i+1])
		}
	}
	return r
}

func (s *stand) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func (s *stand) ask(method, target string, header ...string) *httptest.ResponseRecorder {
	return s.serve(s.request(method, target, "", header...))
}

// asOperator asks with the admin token.
func (s *stand) asOperator(method, target string) *httptest.ResponseRecorder {
	return s.ask(method, target, "Authorization", "Bearer "+token)
}

// send sends a body with the admin token.
func (s *stand) send(target, body string, header ...string) *httptest.ResponseRecorder {
	return s.serve(s.request("POST", target, body, append(header, "Authorization", "Bearer "+token)...))
}

// user adds one with the test's password.
func (s *stand) user(name string, role people.Role) {
	s.t.Helper()
	if err := s.people.Add(s.t.Context(), name, role, password); err != nil {
		s.t.Fatal(err)
	}
}

// bearer makes a token of a new user.
func (s *stand) bearer(role people.Role) string {
	s.t.Helper()
	name := fmt.Sprintf("%s%d", role, s.peers)
	s.user(name, role)
	secret, _, err := s.people.NewToken(s.t.Context(), name, role, "", 3600e9)
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// browser signs a user in: the cookie and the CSRF token.
func (s *stand) browser(name string) (cookie *http.Cookie, csrf string) {
	s.t.Helper()
	w := s.serve(s.request("POST", "/api/v1/session", fmt.Sprintf(`{"user":%q,"password":%q}`, name, password)))
	var in session
	if err := json.Unmarshal(w.Body.Bytes(), &in); err != nil || w.Code != http.StatusCreated || len(w.Result().Cookies()) != 1 {
		s.t.Fatalf("%d %s %v", w.Code, w.Body, w.Header())
	}
	return w.Result().Cookies()[0], in.CSRF
}

func code(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	var p struct {
		Type, Title, Code string
		Status            int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Title == "" || !strings.HasSuffix(p.Type, p.Code) {
		t.Fatalf("not a problem: %d %s", w.Code, w.Body)
	}
	return p.Code
}

var errStore = errors.New("disk /secret/path is gone")

// api are targets that need a credential.
var api = map[string]string{"/api/v1/exchanges": "GET", "/api/v1/exchanges/01KB": "GET", "/api/v1/posture": "GET", "/api/v1/reasons": "GET", "/api/v1/reload": "POST"}

// Whatever holds with SQLite holds with PostgreSQL.
func TestOnPostgres(t *testing.T) { databases.Again(t) }
