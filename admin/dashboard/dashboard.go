// Package dashboard shows people what the gateway does: pages that the server renders, which work without scripts, load
// nothing from elsewhere, and hold what they show (filters, range of time) in their URL.
//
// It authenticates nobody and changes nothing: whoever mounts it says who asks ([WithViewer]), and forms post to the
// admin API. What one page may cost is bounded: rows, time, and how many are made at once.
package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/admin/change"
	"github.com/sallyport/sallyport/admin/replay"
	"github.com/sallyport/sallyport/admin/suggest"
	"github.com/sallyport/sallyport/event/alert"
	"github.com/sallyport/sallyport/event/spool"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/quota"
	"github.com/sallyport/sallyport/openapi"
)

// Options are what pages read. All functions are called concurrently.
type Options struct {
	// Version of the program, for the foot of each page.
	Version string
	// Now is the time; nil: that of the system.
	Now     func() time.Time
	Archive Archive
	Live    *Live
	// Posture tells which controls are on, per API and operation.
	Posture func() []gateway.Posture
	// Documents are the specs in use, by API; without one an API has no entry.
	Documents func() map[string]*openapi.Document
	// Keys lists the API keys of the store.
	Keys func(context.Context) ([]identity.StoredKey, error)
	// Bans are the clients that are banned now.
	Bans func() []limit.Ban
	// Quotas lists who has used how much, closest to a bound first.
	Quotas func(quota.Filter) []quota.Used
	// Config is the config file; nil where there is none, but flags.
	Config *change.File
	// Replay decides recorded exchanges again.
	Replay *replay.Desk
	// Suggest proposes rates from what was recorded.
	Suggest *suggest.Desk
	// Sinks tells what became of what each sink was to get.
	Sinks func() []spool.SinkStats
	// Audit is the audit log; nil where there is none.
	Audit *AuditLog
	// Provider is the name of the identity provider at which people sign in, or "".
	Provider string
	// Alerts are those that are true now.
	Alerts func() []alert.Alert
	// Health tells how the parts of the gateway do.
	Health func() []Check
}

// A Check is how one part of the gateway does.
type Check struct {
	Part   string
	State  string // works, warns or fails
	Detail string
	Do     string // what helps; "" where nothing is needed
}

type dashboard struct {
	Options
	slots     chan struct{} // pages that are being made
	verifying chan struct{} // the audit log, one at a time
	exports   chan struct{}
}

// New returns the handler of every page, of the sign-in page and of what they load.
func New(o Options) http.Handler {
	d := &dashboard{Options: o, slots: make(chan struct{}, pagesAtOnce), exports: make(chan struct{}, exportsAtOnce), verifying: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/", asset)
	mux.HandleFunc("GET /signin", d.signin)
	mux.Handle("GET /{$}", d.page(RoleViewer, "overview", d.overview))
	mux.Handle("GET /live", d.page(RoleAnalyst, "live", d.live))
	mux.Handle("GET /live/stream", d.allowed(RoleAnalyst, d.stream))
	mux.Handle("GET /exchanges", d.exportable(RoleAnalyst, "exchanges", d.exchanges, d.exportExchanges))
	mux.Handle("GET /exchanges/{id}", d.page(RoleAnalyst, "exchange", d.exchange))
	mux.Handle("GET /apis", d.page(RoleViewer, "apis", d.apis))
	mux.Handle("GET /operation", d.page(RoleViewer, "operation", d.operation))
	mux.Handle("GET /identities", d.page(RoleAnalyst, "identities", d.identities))
	mux.Handle("POST /limits/suggest", d.allowed(RoleAnalyst, d.suggestRates))
	mux.Handle("POST /limits/stop", d.allowed(RoleAnalyst, d.stopRates))
	mux.Handle("GET /limits/progress", d.allowed(RoleAnalyst, d.ratesProgress))
	mux.Handle("GET /findings", d.page(RoleAnalyst, "findings", d.findings))
	mux.Handle("GET /controls", d.page(RoleViewer, "controls", d.controls))
	mux.Handle("GET /controls/promote", d.page(RoleAnalyst, "promote", d.promote))
	mux.Handle("GET /config", d.page(RoleOperator, "config", d.configuration))
	mux.Handle("POST /config/check", d.allowed(RoleOperator, d.checkConfig))
	mux.Handle("GET /config/versions/{id}", d.page(RoleOperator, "preview", d.version))
	mux.Handle("GET /config/proposals/{id}", d.page(RoleOperator, "preview", d.proposal))
	mux.Handle("GET /replay", d.page(RoleOperator, "replay", d.replayed))
	mux.Handle("POST /replay/run", d.allowed(RoleOperator, d.runReplay))
	mux.Handle("POST /replay/stop", d.allowed(RoleOperator, d.stopReplay))
	mux.Handle("GET /replay/progress", d.allowed(RoleOperator, d.replayProgress))
	mux.Handle("GET /sinks", d.page(RoleViewer, "sinks", d.sinks))
	mux.Handle("GET /audit", d.exportable(RoleAnalyst, "audit", d.audited, d.exportEvents))
	mux.Handle("GET /audit/verify", d.allowed(RoleAnalyst, d.verify))
	mux.Handle("GET /audit/{id}", d.page(RoleAnalyst, "proof", d.proof))
	mux.Handle("GET /reports", d.page(RoleAnalyst, "reports", d.reports))
	mux.Handle("GET /search", d.page(RoleAnalyst, "search", d.search))
	mux.Handle("GET /", d.page(RoleViewer, "problem", missing))
	return policed(mux)
}

func (d *dashboard) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// tabs are the pages that the viewer may see.
func (d *dashboard) tabs(v *view) (list []choice) {
	for _, t := range []struct {
		page, label, path string
		least             Role
	}{
		{"overview", "Overview", "/", RoleViewer}, {"live", "Live", "/live", RoleAnalyst}, {"exchanges", "Exchanges", "/exchanges", RoleAnalyst},
		{"apis", "APIs", "/apis", RoleViewer}, {"identities", "Identities", "/identities", RoleAnalyst}, {"findings", "Findings", "/findings", RoleAnalyst},
		{"controls", "Controls", "/controls", RoleViewer}, {"config", "Config", "/config", RoleOperator}, {"replay", "Replay", "/replay", RoleOperator}, {"sinks", "Sinks", "/sinks", RoleViewer}, {"audit", "Audit", "/audit", RoleAnalyst}, {"reports", "Reports", "/reports", RoleAnalyst},
	} {
		if v.Viewer.Role.At(t.least) {
			href := t.path
			if v.Scope != nil {
				href = v.Scope.To(t.path)
			}
			list = append(list, choice{t.label, href, t.page == v.Page})
		}
	}
	return list
}

// operations are those of one API, or of all for "", for suggestions.
func (d *dashboard) operations(api string) (list []string) {
	for _, p := range d.Posture() {
		if (api == "" || p.API == api) && !slices.Contains(list, p.Operation) && len(list) < 500 {
			list = append(list, p.Operation)
		}
	}
	return list
}

func missing(context.Context, *http.Request, *scope) (view, error) {
	return view{}, &problem{http.StatusNotFound, "There is no such page", "The address leads nowhere.", "Use the pages above, or search."}
}

// policy of content: what is ours, nothing inline, no frame around us.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func policed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// signin is the one page for nobody. It posts user and password, or token, to the admin API's session.
func (d *dashboard) signin(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	d.render(w, r, http.StatusOK, "signin", view{Title: "Sign in", Data: map[string]any{"Next": local(query.Get("next")), "Failed": query.Has("failed"), "Provider": d.Provider}})
}

// local is a path of ours to go on to; anything else would let a link lead elsewhere.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
