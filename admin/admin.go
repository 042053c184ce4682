// Package admin is the listener for operators: health, metrics, and the admin API under /api/v1.
//
// Health and metrics are open on that listener and tell nothing else; the API asks for the admin token. A request whose
// Host or Origin is not this listener's is refused, so that no web page can reach it through an operator's browser
// (DNS rebinding). The listener is never that of clients.
package admin

import (
	"context"
	"crypto/sha256"
	"net/http"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

// Options are what the handlers read. All functions are called concurrently.
type Options struct {
	// Hosts that may stand in Host besides loopback names and the address of the listener; lower case.
	Hosts []string
	// TokenHash is the SHA-256 of the admin token.
	TokenHash [sha256.Size]byte
	// Started reports that a configuration was taken into use. It never becomes false again.
	Started func() bool
	// Ready is nil while requests are served and credentials can be checked; else it says in a few words why not.
	Ready func() error
	// Stale reports that the last reload failed, so that an older configuration is served. Nil: never.
	Stale   func() bool
	Metrics http.Handler
	// Find and Select read kept records; see package event.
	Find   func(ctx context.Context, id string) (*exchange.Record, error)
	Select func(ctx context.Context, f event.Filter) ([]*exchange.Record, error)
	// Posture tells which controls are on, per API and operation.
	Posture func() []gateway.Posture
	// Reload reads the configuration again; the error is what keeps it from being used.
	Reload func() error
}

// New returns the handler of the admin listener.
func New(o Options) http.Handler {
	a := admin{o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /readyz", a.ready)
	mux.HandleFunc("GET /startupz", a.started)
	mux.Handle("GET /metrics", o.Metrics)
	mux.Handle("GET /api/v1/exchanges", a.authorized(a.exchanges))
	mux.Handle("GET /api/v1/exchanges/{id}", a.authorized(bare(a.exchange)))
	mux.Handle("GET /api/v1/posture", a.authorized(bare(a.posture)))
	mux.Handle("GET /api/v1/reasons", a.authorized(bare(a.reasons)))
	mux.Handle("POST /api/v1/reload", a.authorized(bare(a.reload)))
	return a.guarded(mux)
}

type admin struct{ Options }
