// Package dashboard shows people what the gateway does: pages that the server renders, which work without scripts, load
// nothing from elsewhere, and hold what they show (filters, range of time) in their URL.
//
// It authenticates nobody and changes nothing: whoever mounts it says who asks ([WithViewer]), and forms post to the
// admin API.
package dashboard

import (
	"net/http"
	"net/url"
	"strings"
)

// Options are what pages read. All functions are called concurrently.
type Options struct {
	// Version of the program, for the foot of each page.
	Version string
}

// New returns the handler of every page, of the sign-in page and of what they load.
func New(o Options) http.Handler {
	d := &dashboard{Options: o}
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", http.HandlerFunc(asset))
	mux.HandleFunc("GET /signin", d.signin)
	mux.Handle("GET /{$}", d.page(RoleViewer, "overview", d.overview))
	return policed(mux)
}

type dashboard struct{ Options }

// policy of content: what is ours, nothing inline, no frame around us.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func policed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// signin is the one page for nobody. It posts user and password, or token, to the admin API's session.
func (d *dashboard) signin(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	d.render(w, r, http.StatusOK, "signin", view{Title: "Sign in", Data: map[string]any{"Next": local(query.Get("next")), "Failed": query.Has("failed")}})
}

// local is a path of ours to go on to; anything else would let a link lead elsewhere.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

func (d *dashboard) overview(*http.Request) (view, error) {
	return view{Title: "Overview"}, nil
}
