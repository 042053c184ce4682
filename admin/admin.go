// Package admin is the listener for operators: health, metrics, and the admin API under /api/v1.
//
// Health and metrics are open on that listener and tell nothing else; the API asks for the admin token. A request whose
// Host or Origin is not this listener's is refused, so that no web page can reach it through an operator's browser
// (DNS rebinding). The listener is never that of clients.
package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

// Options are what the handlers read. All functions are called concurrently.
type Options struct {
	// Hosts that may stand in Host besides loopback names and addresses.
	Hosts []string
	// TokenHash is the SHA-256 of the admin token.
	TokenHash [sha256.Size]byte
	Ready     func() bool
	// Stale reports that the last reload failed, so that an older configuration is served. Nil: never.
	Stale   func() bool
	Metrics http.Handler
	// Find and Newest read kept records; see package event.
	Find   func(ctx context.Context, id string) (*exchange.Record, error)
	Newest func(ctx context.Context, n int) ([]*exchange.Record, error)
	// Posture tells which controls are on, per API and operation.
	Posture func() []gateway.Posture
	// Reload reads the configuration again; the error is what keeps it from being used.
	Reload func() error
}

// New returns the handler of the admin listener.
func New(o Options) http.Handler {
	a := admin{o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", status(func() bool { return true }))
	mux.HandleFunc("GET /readyz", a.ready)
	mux.HandleFunc("GET /startupz", status(o.Ready))
	mux.Handle("GET /metrics", o.Metrics)
	mux.Handle("GET /api/v1/exchanges", a.authorized(a.newest))
	mux.Handle("GET /api/v1/exchanges/{id}", a.authorized(a.exchange))
	mux.Handle("GET /api/v1/posture", a.authorized(a.posture))
	mux.Handle("GET /api/v1/reasons", a.authorized(a.reasons))
	mux.Handle("POST /api/v1/reload", a.authorized(a.reload))
	return a.guarded(mux)
}

type admin struct{ Options }

func status(ok func() bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if !ok() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	}
}

// ready stays ready on a stale configuration, which is a good one, but says so. Why is for the log: probes are open.
func (a admin) ready(w http.ResponseWriter, r *http.Request) {
	if a.Stale != nil && a.Stale() && a.Ready() {
		_, _ = w.Write([]byte("ok, but the last reload failed: the log says why\n")) // the prober has gone
		return
	}
	status(a.Ready)(w, r)
}

// guarded refuses foreign hosts and origins, and sets what every answer carries.
func (a admin) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		w.Header().Set("Cache-Control", "no-store")
		if !a.ours(r.Host) || !a.sameOrigin(r) {
			problem(w, http.StatusForbidden, "admin.host", "this listener is not served under that name")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		next.ServeHTTP(w, r)
	})
}

func (a admin) ours(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.IsLoopback() || slices.Contains(a.Hosts, name)
	}
	return strings.EqualFold(name, "localhost") || slices.Contains(a.Hosts, strings.ToLower(name))
}

func (a admin) sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}

func (a admin) authorized(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		hash := sha256.Sum256([]byte(token))
		if !ok || subtle.ConstantTimeCompare(hash[:], a.TokenHash[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="sallyport admin"`)
			problem(w, http.StatusUnauthorized, "admin.token", "the admin token is missing or wrong")
			return
		}
		next(w, r)
	})
}

func (a admin) exchange(w http.ResponseWriter, r *http.Request) {
	record, err := a.Find(r.Context(), r.PathValue("id"))
	if errors.Is(err, event.ErrUnknown) {
		problem(w, http.StatusNotFound, "admin.unknown_exchange", err.Error())
		return
	}
	answer(w, record, err)
}

func (a admin) newest(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || n < 1 || n > 1000 {
		n = 50
	}
	list, err := a.Newest(r.Context(), n)
	answer(w, list, err)
}

func (a admin) posture(w http.ResponseWriter, _ *http.Request) { answer(w, a.Posture(), nil) }

func (a admin) reasons(w http.ResponseWriter, _ *http.Request) { answer(w, exchange.Catalogue(), nil) }

func (a admin) reload(w http.ResponseWriter, _ *http.Request) {
	if err := a.Reload(); err != nil {
		problem(w, http.StatusUnprocessableEntity, "admin.reload", err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, value any, err error) {
	if err != nil {
		problem(w, http.StatusInternalServerError, "admin.failed", "the store could not be read; the log has the cause")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the operator has gone
}

func problem(w http.ResponseWriter, status int, code, title string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": gateway.TypeBase + code, "title": title, "status": status, "code": code})
}
