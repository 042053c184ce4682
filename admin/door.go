package admin

import (
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// guarded refuses foreign hosts and origins, and sets what every answer carries.
func (a *admin) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w = &sealed{ResponseWriter: w}
		if !a.served(r) {
			problem(w, http.StatusForbidden, "admin.host", "this listener is not served under that name", "admin.hosts lists names that may reach it")
			return
		}
		if !sameOrigin(r) {
			problem(w, http.StatusForbidden, "admin.origin", "pages of other origins are not answered", "")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// maxBody is more than the largest body that an operation takes, in bytes.
const maxBody = 6 << 20

// sealed sets what every answer carries, unless the answer says otherwise itself.
type sealed struct {
	http.ResponseWriter
	begun bool
}

var seals = map[string]string{
	"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	"Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
}

func (s *sealed) WriteHeader(status int) {
	if !s.begun {
		for name, value := range seals {
			if h := s.Header(); h.Get(name) == "" {
				h.Set(name, value)
			}
		}
	}
	s.begun = status >= http.StatusOK
	s.ResponseWriter.WriteHeader(status)
}

func (s *sealed) Write(p []byte) (int, error) {
	if !s.begun {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (s *sealed) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// served reports whether Host names this listener: a loopback name or address, the very address on which the connection
// came in, or a host of the config. A page that was rebound to our address still sends its own name.
func (a *admin) served(r *http.Request) bool {
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
// out. A link that leads to a page of ours is no question of the page that it stands on.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return followed(r)
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

// followed reports whether somebody follows a link from another site to a page. The browser shows the answer to nobody
// else, and sends no session along, which is SameSite=Strict.
func followed(r *http.Request) bool {
	h := r.Header
	return r.Method == http.MethodGet && h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-Dest") == "document" && h.Get("Sec-Fetch-Site") != "" &&
		len(h["Origin"]) == 0 && !strings.HasPrefix(r.URL.Path, "/api/")
}

// again has a browser that came from another site ask once more, as somebody who is here: then it sends the session.
func again(w http.ResponseWriter, to string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	to = template.HTMLEscapeString(ours(to))
	fmt.Fprintf(w, `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=%s"><title>Sallyport</title><a href="%s">Go on</a>`+"\n", to, to)
}
