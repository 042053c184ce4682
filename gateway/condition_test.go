package gateway

import (
	"io"
	"net/http"
	"testing"
)

const conditionSpec = `
openapi: 3.1.0
info: { title: shop, version: "1" }
paths:
  /orders/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
      x-sallyport: { owner: { response.customer: '"alice"' } }
      responses: { "200": { description: one, content: { application/json: { schema: { type: object, properties: { customer: { type: string } } } } } } }
`

// A client may ask whether its own order has changed, but not whether there is one of somebody else.
func TestConditions(t *testing.T) {
	service := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Etag", `"v1"`)
		w.Header().Set("Last-Modified", "Tue, 24 Nov 2026 10:00:00 GMT")
		_, _ = io.WriteString(w, `{"customer":"`+r.URL.Path[len("/orders/"):]+`"}`)
	})
	g := serve(t, conditionSpec, service, "    modes: { identity: off, inspect: off }\n")
	for _, c := range []struct {
		path, name, value string
		want              int
	}{
		{"/orders/alice", "If-None-Match", `"v1"`, 304},
		{"/orders/alice", "If-None-Match", `"v0", W/"v1"`, 304},
		{"/orders/alice", "If-None-Match", `*`, 304},
		{"/orders/alice", "If-None-Match", `"v0"`, 200},
		{"/orders/alice", "If-None-Match", ``, 200},
		{"/orders/alice", "If-Modified-Since", "Tue, 24 Nov 2026 10:00:00 GMT", 304},
		{"/orders/alice", "If-Modified-Since", "Tue, 24 Nov 2026 09:59:59 GMT", 200},
		{"/orders/alice", "If-Modified-Since", "yesterday", 200},
		{"/orders/bob", "If-None-Match", `"v1"`, 404},
		{"/orders/bob", "If-None-Match", `*`, 404},
		{"/orders/bob", "If-Modified-Since", "Tue, 24 Nov 2026 10:00:00 GMT", 404},
	} {
		r, _ := http.NewRequest(http.MethodGet, g.url+c.path, nil)
		r.Header.Set(c.name, c.value)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.want || c.want == 304 && (len(body) > 0 || resp.Header.Get("Etag") != `"v1"`) {
			t.Errorf("%s %s: %s: %d %s", c.path, c.name, c.value, resp.StatusCode, body)
		}
		<-g.records
	}
}
