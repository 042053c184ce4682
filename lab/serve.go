package lab

import (
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
)

// A call is one request to the shop on its way through a handler. The lab's lock is held.
type call struct {
	l    *Lab
	s    *store
	w    http.ResponseWriter
	r    *http.Request
	me   *principal // nil: nobody
	body []byte
}

// Access to a route.
type access string

const (
	public   access = "public"
	signedIn access = "signed in"
	staff    access = "support admin"
	admin    access = "admin"
	partner  access = "partner"
)

func (l *Lab) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, group := range [][]route{
		authRoutes, customerRoutes, addressRoutes, avatarRoutes, productRoutes, reviewRoutes, searchRoutes, orderRoutes,
		paymentRoutes, refundRoutes, invoiceRoutes, carrierRoutes, promotionRoutes, webhookRoutes, adminRoutes, partnerRoutes,
		legacyRoutes,
	} {
		for _, r := range group {
			mux.HandleFunc(r.pattern, l.handle(r))
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		(&call{l: l, w: w, r: r}).problem(http.StatusNotFound, "There is nothing at "+r.URL.Path)
	})
	return mux
}

// A route is one operation of the shop.
type route struct {
	pattern string
	access  access
	handler func(*call)
}

// serve is what happens to every request before it is routed.
func (l *Lab) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	// flaw CONF-3: banners tell attackers what to look for, and none of the security headers is there.
	h.Set("Server", "HarborGoods/1.14.0 (Debian 12) Go/1.26")
	h.Set("X-Powered-By", "Express-Compat/4.17.1")
	h.Set("X-Backend-Server", "shop-api-7f9c5d-x2x4l (10.42.3.17)")
	// flaw CONF-2: any origin may read answers with the user's credentials.
	if origin := r.Header.Get("Origin"); origin != "" {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
	}
	switch {
	case r.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodTrace:
		trace(w, r)
	default:
		l.mux.ServeHTTP(w, r)
	}
}

// trace answers with the request as it came.
// flaw CONF-10: what proxies added, and the credential, come back.
func trace(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "message/http")
	fmt.Fprintf(w, "TRACE %s HTTP/1.1\r\nHost: %s\r\n", r.URL.RequestURI(), r.Host)
	r.Header.Write(w) //nolint:errcheck // the client has gone
}

// handle checks access, reads the body and runs the handler under the lab's lock.
func (l *Lab) handle(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{l: l, w: w, r: r}
		// flaw DOS-3, DOS-6: however much comes, it is read into memory.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		c.body = body
		l.mu.Lock()
		defer l.mu.Unlock()
		c.s = l.store
		defer c.recover()
		c.me = l.authenticate(r, c.s)
		if !c.allowed(rt.access) {
			return
		}
		if override := r.Header.Get("X-HTTP-Method-Override"); override != "" && override != r.Method {
			c.override(override)
			return
		}
		rt.handler(c)
	}
}

// override runs the handler of another method.
// flaw BFLA-5, BFLA-6: access was checked for the method on the request line.
func (c *call) override(name string) {
	again := c.r.Clone(c.r.Context())
	again.Method = name
	_, pattern := c.l.mux.Handler(again)
	for _, group := range [][]route{productRoutes, customerRoutes} {
		for _, rt := range group {
			if rt.pattern == pattern {
				rt.handler(c)
				return
			}
		}
	}
	c.problem(http.StatusMethodNotAllowed, "No "+name+" here")
}

func (c *call) allowed(a access) bool {
	switch {
	case a == public:
		return true
	case c.me == nil:
		c.w.Header().Set("WWW-Authenticate", `Bearer realm="harborgoods"`)
		c.problem(http.StatusUnauthorized, "Sign in, please")
		return false
	case a == signedIn && c.me.Role != "partner", slices.Contains(strings.Fields(string(a)), c.me.Role):
		return true
	}
	c.problem(http.StatusForbidden, "Your account may not do this")
	return false
}

// recover turns a panic into an answer.
// flaw CONF-1: the stack and the statement are for the log, not for the client.
func (c *call) recover() {
	v := recover()
	if v == nil {
		return
	}
	c.w.Header().Set("Content-Type", "application/problem+json")
	c.w.WriteHeader(http.StatusInternalServerError)
	c.encode(map[string]any{
		"type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": fmt.Sprint(v), "trace": string(debug.Stack()),
	})
}

// outside runs f, which talks to others, without the lab's lock.
func (c *call) outside(f func()) {
	c.l.mu.Unlock()
	defer c.l.mu.Lock()
	f()
}
