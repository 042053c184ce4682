package gateway

import (
	"io"
	"net/http"
	"testing"
)

const unreadableSpec = `
openapi: 3.1.0
info: { title: shop, version: "1" }
paths:
  /orders: { get: { responses: { "200": { description: all } } } }
`

// A page that cannot be judged goes, but a client still learns whether there is nothing or the service is broken:
// Apache calls its own pages iso-8859-1, and small servers name no type at all.
func TestUnreadableFailuresKeepTheirStatus(t *testing.T) {
	for _, c := range []struct {
		status, want int
		typ          string
	}{
		{404, 404, "text/html; charset=iso-8859-1"}, {401, 401, ""}, {200, 502, "text/html; charset=iso-8859-1"}, {200, 502, ""},
	} {
		service := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			if c.typ != "" {
				w.Header().Set("Content-Type", c.typ)
			}
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, "<h1>Not here</h1>")
		})
		g := serve(t, unreadableSpec, service, "    modes: { identity: off, inspect: off }\n")
		resp, err := http.Get(g.url + "/orders")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.want || resp.Header.Get("Content-Type") != "application/problem+json" || (resp.Header.Get("Www-Authenticate") != "") != (c.want < 500) {
			t.Errorf("%d %q: %d %v %s", c.status, c.typ, resp.StatusCode, resp.Header, body)
		}
		<-g.records
	}
}
