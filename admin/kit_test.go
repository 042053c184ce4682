package admin

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/telemetry"
)

const token = "spa_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"

// stand is what the handlers read.
type stand struct {
	started, stale bool
	ready          error
	reloads        int
	reload         error
	asked          event.Filter
	failing        error
	kept           []*exchange.Record
}

func (s *stand) options() Options {
	return Options{
		Hosts: []string{"sallyport.internal", "10.0.0.7"}, TokenHash: sha256.Sum256([]byte(token)), Started: func() bool { return s.started },
		Ready: func() error { return s.ready }, Stale: func() bool { return s.stale }, Metrics: telemetry.NewMetrics("test").Handler(),
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
			return s.kept[:min(len(s.kept), f.Limit)], s.failing
		},
		Posture: func() []gateway.Posture { return nil },
		Reload:  func() error { s.reloads++; return s.reload },
	}
}

// ask sends one request to a listener at 10.9.8.7:9901. header are pairs.
func (s *stand) ask(method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "127.0.0.1:9901"
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(net.TCPAddrFromAddrPort(netip.MustParseAddrPort("[::ffff:10.9.8.7]:9901")))))
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header[header[i]] = append(r.Header[header[i]], header[i+1])
	}
	w := httptest.NewRecorder()
	New(s.options()).ServeHTTP(w, r)
	return w
}

// asOperator asks with the token.
func (s *stand) asOperator(method, target string) *httptest.ResponseRecorder {
	return s.ask(method, target, "Authorization", "Bearer "+token)
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

// api are all targets that need the token.
var api = map[string]string{"/api/v1/exchanges": "GET", "/api/v1/exchanges/01KB": "GET", "/api/v1/posture": "GET", "/api/v1/reasons": "GET", "/api/v1/reload": "POST"}
