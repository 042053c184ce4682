package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/openapi"
)

const localSpec = `
openapi: 3.1.0
info: { title: Local, version: "1" }
security: [ { key: [] } ]
paths:
  /things/{id}:
    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
    put:
      x-sallyport: { roles: [keeper] }
      requestBody: { content: { application/json: { schema: { type: object, properties: { a: { type: integer } } } } } }
      responses: { "200": { description: thing, content: { application/json: { schema: { type: object, required: [ok] } } } } }
components: { securitySchemes: { key: { type: apiKey, in: header, name: X-Key } } }
`

// What this process answers itself is judged like what is forwarded, before and after, and leaves a record.
func TestLocal(t *testing.T) {
	doc, problems := openapi.Parse("local.yaml", []byte(localSpec), openapi.Options{})
	if doc == nil {
		t.Fatal(problems)
	}
	var records []*exchange.Record
	parts := &Parts{Limiter: limit.New(limit.Options{}), Upstreams: forward.NewPool(), Inspectors: new(inspect.Pool), Record: func(r *exchange.Record) { records = append(records, r) }}
	var reply string
	l := Local{
		Settings: config.API{Name: "local", Modes: map[string]config.Mode{"inspect": config.Off}}, Document: doc,
		Identity: []exchange.Guard{{Name: "identity", Phase: exchange.OnHead, Check: func(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
			if key := e.Request.Header.Get("X-Key"); key != "" {
				e.Principal = &exchange.Principal{Subject: key, Roles: []string{key}, Satisfies: []string{"key"}}
			}
			return exchange.Pass, nil
		}}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			id, who := Caller(r.Context())
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Seen", fmt.Sprintf("%s %s %s %s %t", r.Method, r.URL.Path, body, who.Subject, id != ""))
			fmt.Fprint(w, reply)
		}),
	}
	snapshot, err := BuildLocal(l, parts)
	if err != nil {
		t.Fatal(err)
	}
	g := New(parts)
	g.Swap(snapshot)
	ask := func(key, target, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("PUT", target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Key", key)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		return w
	}
	for name, c := range map[string]struct {
		key, target, body, reply string
		status                   int
	}{
		"good":            {"keeper", "/things/a%20b", `{"a":1}`, `{"ok":true}`, 200},
		"nobody":          {"", "/things/1", `{"a":1}`, `{"ok":true}`, 401},
		"somebody else":   {"guest", "/things/1", `{"a":1}`, `{"ok":true}`, 403},
		"body":            {"keeper", "/things/1", `{"a":"x"}`, `{"ok":true}`, 400},
		"path":            {"keeper", "/things/../x", `{"a":1}`, `{"ok":true}`, 400},
		"query":           {"keeper", "/things/1?x=1", `{"a":1}`, `{"ok":true}`, 400},
		"own wrong reply": {"keeper", "/things/1", `{"a":1}`, `{}`, 502},
	} {
		records, reply = nil, c.reply
		w := ask(c.key, c.target, c.body)
		if w.Code != c.status || len(records) != 1 || records[0].Status != c.status || records[0].Upstream != nil {
			t.Errorf("%s: %d %s %+v", name, w.Code, w.Body, records)
		}
		if seen := w.Header().Get("X-Seen"); c.status == 200 && seen != `PUT /things/a b {"a":1} keeper true` {
			t.Errorf("%s: the handler saw %s", name, seen)
		}
	}
	doc.Operations[0].Ext.Streaming = "sse"
	if _, err := BuildLocal(l, parts); err == nil {
		t.Error("a stream cannot be held in memory")
	}
}
