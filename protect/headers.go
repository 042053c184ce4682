package protect

import (
	"context"
	"net/http"
	"sort"
	"strings"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// banners tell an attacker which software and which machine to look for; nothing depends on them. The list follows the
// OWASP Secure Headers Project; tracing ids stay, because clients quote them.
var banners = set("Server", "X-Powered-By", "X-Powered-By-Plesk", "X-Powered-Cms", "X-Server-Powered-By", "X-Cf-Powered-By", "Powered-By",
	"X-Aspnet-Version", "X-Aspnetmvc-Version", "X-Php-Version", "Php-Version", "X-Owa-Version", "X-Umbraco-Version", "X-Cocoon-Version", "Oraclecommercecloud-Version", "X-Jitsi-Release",
	"X-Runtime", "X-Generator", "X-Generated-By", "X-Framework", "X-Cms", "X-Content-Encoded-By", "X-Redirect-By", "X-Turbo-Charged-By", "X-Drupal-Cache", "X-Mod-Pagespeed", "X-Page-Speed",
	"X-Backend", "X-Backend-Server", "X-Backend-Host", "X-Served-By", "X-Server", "X-Host", "X-Hostname", "X-Node", "X-Instance", "X-Pod", "Host-Header", "Pega-Host", "Liferay-Portal",
	"X-Beserver", "X-Feserver", "X-Calculatedbetarget", "X-Diaginfo", "X-Varnish-Backend", "X-Varnish-Server", "X-Envoy-Upstream-Service-Time", "X-Envoy-Attempt-Count", "X-Envoy-Internal",
	"X-Envoy-External-Address", "X-Envoy-Original-Dst-Host", "X-Envoy-Decorator-Operation", "X-Nextjs-Cache", "X-Nextjs-Matched-Path", "X-Nextjs-Page", "X-Nextjs-Redirect",
	"X-Debug-Token", "X-Debug-Token-Link", "X-Sourcefiles", "X-Sourcemap", "Sourcemap")

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

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
	for name := range got {
		if banners[name] {
			reply.Delete(name)
		}
	}
	reply.Set("X-Content-Type-Options", "nosniff")
	// A page brings its own policy; everything else is data and may neither load nor be framed.
	if _, ok := got["Content-Security-Policy"]; !ok && !strings.HasPrefix(got.Get("Content-Type"), "text/html") {
		reply.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		reply.Set("X-Frame-Options", "DENY") // for what is older than frame-ancestors
	}
	if _, ok := got["Referrer-Policy"]; !ok {
		reply.Set("Referrer-Policy", "no-referrer")
	}
	if policy := e.Client.HSTS; policy != "" {
		reply.Set("Strict-Transport-Security", policy)
	}
	if h.sensitive {
		reply.Set("Cache-Control", "no-store")
	}
	for _, f := range h.own {
		reply.Set(f[0], f[1])
	}
	return exchange.Pass, nil
}
