// Package admin is the listener for operators: health, metrics, the admin API under /api/v1 and the dashboard.
//
// Health and metrics are open on that listener and tell nothing else. The API is guarded like those of others: package
// gateway reads, matches and judges its requests by openapi.yaml, the description that it also serves, and this package
// answers what passed. A request whose Host or Origin is not this listener's is refused before that, so that no web page
// can reach it through an operator's browser (DNS rebinding). The listener is never that of clients.
//
// Whoever changes something is told of by an event before the change takes effect; where nobody can be told, nothing
// is changed.
package admin

import (
	"context"
	"crypto/sha256"
	"net/http"

	"github.com/sallyport/sallyport/admin/change"
	"github.com/sallyport/sallyport/admin/oidc"
	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/quota"
	"github.com/sallyport/sallyport/store"
)

// Options are what the handlers read. All functions are called concurrently.
type Options struct {
	// Hosts that may stand in Host besides loopback names and the address of the listener; lower case.
	Hosts []string
	// TokenHash is the SHA-256 of the admin token, whose bearer is people.Bootstrap and may do everything.
	TokenHash [sha256.Size]byte
	People    *people.Directory
	// Tell hands an event on. An act of which nobody could be told does not happen.
	Tell func(context.Context, *exchange.Event) error
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
	// Archive counts and lists what was kept.
	Archive *event.Reader
	// Quotas lists who has used how much.
	Quotas func(quota.Filter) []quota.Used
	// Bans are those in force here, and Ban takes one into force that stands in the store.
	Bans func() []limit.Ban
	Ban  func(limit.Ban)
	// Posture tells which controls are on, per API and operation.
	Posture func() []gateway.Posture
	// Dashboard serves pages, to whoever the context says; nil: there is none.
	Dashboard http.Handler
	// OIDC signs people in elsewhere; nil: nobody.
	OIDC *oidc.Provider
	// Store has the keys of callers.
	Store *store.Store
	// Config is the config file; nil where there is none, but flags.
	Config *change.File
	// Reload reads the configuration again; the error is what keeps it from being used.
	Reload func() error
	Evidence
}

// New returns the handler of the admin listener.
func New(o Options) (http.Handler, error) { return build(o, config.Off) }

// build lets tests have answers judged by the description, too.
func build(o Options, answers config.Mode) (http.Handler, error) {
	a := &admin{Options: o}
	api, err := a.api(answers)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /readyz", a.ready)
	mux.HandleFunc("GET /startupz", a.started)
	mux.Handle("GET /metrics", o.Metrics)
	mux.Handle("/api/", browsing(api))
	mux.Handle("/signin/oidc", api)
	mux.Handle("/signin/oidc/", api)
	if o.Dashboard != nil {
		mux.Handle("/", a.viewed(o.Dashboard))
	}
	return a.guarded(mux), nil
}

type admin struct {
	Options
	patience patience
}
