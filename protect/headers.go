package protect

import (
	"context"
	"net/http"
	"sort"
	"strings"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// banners tell an attacker which software to look up; nothing depends on them.
var banners = []string{"Server", "X-Powered-By", "X-Aspnet-Version", "X-Aspnetmvc-Version", "X-Runtime", "X-Generator", "X-Drupal-Cache", "X-Backend-Server", "X-Backend", "X-Backend-Host", "X-Served-By", "X-Server", "X-Host", "X-Hostname", "X-Node", "X-Instance", "X-Pod", "X-Debug-Token", "X-Debug-Token-Link", "X-Sourcemap", "Sourcemap"}

// headers sets what the OWASP REST Security Cheat Sheet asks of every answer, and removes banners.
type headers struct {
	sensitive bool
	own       [][2]string // operator's, sorted
}

func newHeaders(op *openapi.Operation, own map[string]string) *headers {
	h := &headers{sensitive: op.Ext.Sensitive}
	for name, value := range own {
		h.own = append(h.own, [2]string{http.CanonicalHeaderKey(name), value})
	}
	sort.Slice(h.own, func(i, j int) bool { return h.own[i][0] < h.own[j][0] })
	return h
}

func (h *headers) check(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	got, reply := e.Response.Header, &e.Reply
	for _, b := range banners {
		if _, ok := got[b]; ok {
			reply.Delete(b)
		}
	}
	reply.Set("X-Content-Type-Options", "nosniff")
	// A page brings its own policy; everything else is data and may neither load nor be framed.
	if _, ok := got["Content-Security-Policy"]; !ok && !strings.HasPrefix(got.Get("Content-Type"), "text/html") {
		reply.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	}
	if _, ok := got["Referrer-Policy"]; !ok {
		reply.Set("Referrer-Policy", "no-referrer")
	}
	if e.Client.TLS {
		reply.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
	if h.sensitive {
		reply.Set("Cache-Control", "no-store")
	}
	for _, f := range h.own {
		reply.Set(f[0], f[1])
	}
	return exchange.Pass, nil
}
