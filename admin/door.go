package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// guarded refuses foreign hosts and origins, and sets what every answer carries.
func (a admin) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if !a.ours(r) {
			problem(w, http.StatusForbidden, "admin.host", "this listener is not served under that name", "admin.hosts lists names that may reach it")
			return
		}
		if !sameOrigin(r) {
			problem(w, http.StatusForbidden, "admin.origin", "pages of other origins are not answered", "")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		next.ServeHTTP(w, r)
	})
}

// ours reports whether Host names this listener: a loopback name or address, the very address on which the connection
// came in, or a host of the config. A page that was rebound to our address still sends its own name.
func (a admin) ours(r *http.Request) bool {
	name := r.Host
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	name = strings.ToLower(name)
	if slices.Contains(a.Hosts, name) || name == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
	if err != nil {
		return false
	}
	return addr.Unmap().IsLoopback() || addr.Unmap() == local(r)
}

// local is the address on which the connection came in; invalid where it has none.
func local(r *http.Request) netip.Addr {
	at, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if at == nil {
		return netip.Addr{}
	}
	ap, err := netip.ParseAddrPort(at.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// sameOrigin reports whether no page of another origin asks. Browsers send Sec-Fetch-Site also where they leave Origin
// out.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	u, err := url.Parse(origins[0])
	return err == nil && len(origins) == 1 && u.Scheme == scheme && strings.EqualFold(u.Host, r.Host)
}

// authorized asks for the admin token. What is compared are hashes, in constant time, so that neither the token's
// length nor its beginning can be learned.
func (a admin) authorized(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := bearer(r.Header["Authorization"])
		hash := sha256.Sum256([]byte(token))
		if token == "" || subtle.ConstantTimeCompare(hash[:], a.TokenHash[:]) != 1 {
			slog.Warn("the admin API was asked without its token", "peer", r.RemoteAddr, "method", r.Method, "path", r.URL.Path, "token", token != "")
			w.Header().Set("WWW-Authenticate", `Bearer realm="sallyport admin"`)
			problem(w, http.StatusUnauthorized, "admin.token", "the admin token is missing or wrong", "")
			return
		}
		next(w, r)
	})
}

// bearer is the one token of the request, or "".
func bearer(values []string) string {
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// bare refuses a query where none has a meaning: who asks for a dry run of what has none must not get the real one.
func bare(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			problem(w, http.StatusBadRequest, "admin.query", "this takes no query", "")
			return
		}
		next(w, r)
	}
}
