package gateway

import (
	"net/http"
	"strings"
	"testing"
)

const alikeSpec = `
openapi: 3.1.0
info: { title: shop, version: "1" }
paths:
  /orders/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
      x-sallyport: { allow: "false" }
      responses: { "200": { description: one } }
  /events:
    get: { x-sallyport: { streaming: sse, allow: "false" }, responses: { "200": { description: all } } }
`

// An API that lets unknown operations pass does not take another spelling of a protected one for unknown.
func TestDisguised(t *testing.T) {
	service := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	g := serve(t, alikeSpec, service, `    unknown: inspect
    base_path: /
    modes: { identity: off, inspect: off }
  - name: other
    spec: openapi.yaml
    upstream: http://127.0.0.1:1
    base_path: /Other
    modes: { identity: off, inspect: off }
`)
	for line, want := range map[string]int{
		"GET /orders/7": 403, "GET /Orders/7": 404, "GET /orders/7/": 404, "GET /ORDERS/7/": 404, "GET /orders/7%20": 403, "POST /Orders/7": 404,
		"GET /orders./7": 404, "HEAD /events": 404, "GET /Events": 404, "GET /events/": 404, "GET /other/orders/7": 404, "GET /Other/orders/7": 403,
		"GET /invoices/7": 204, "GET /orders/7/lines": 204, "GET /v0/orders/7": 204, "POST /orders/7": 204, "GET /others": 204,
	} {
		method, path, _ := strings.Cut(line, " ")
		r, _ := http.NewRequest(method, g.url+path, nil)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", line, resp.StatusCode, want)
		}
		<-g.records
	}
}
