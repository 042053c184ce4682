package gateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/telemetry"
)

const concealSpec = `
openapi: 3.1.0
info: { title: Conceal, version: "1" }
paths:
  /things/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: string } }, { name: card, in: query, schema: { type: integer } } ]
      responses: { "200": { description: one } }
  /things:
    post:
      requestBody: { content: { application/json: { schema: { type: object, properties: { a: { type: string } } } } } }
      responses: { "200": { description: one } }
`

// Whatever a client puts where it does not belong, no token, key, cookie or card number stands in a record or in the log.
func TestRecordsHoldNoSecrets(t *testing.T) {
	const (
		jwt    = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLyIsInN1YiI6ImFsaWNlIn0.MEUCIQDx8T2u0b1p6xkXq0l3v0x9s6a7s8d9f0g1h2j3k4l5Zw"
		card   = "4111111111111111"
		key    = "sp_0123456789AB_cdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLM01"
		cookie = "c00kie-0f-s0me-sessi0n"
	)
	g := serve(t, concealSpec, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }), "    modes: { identity: off, policy: off, inspect: off }\n    validate: { undeclared_params: log }")
	for name, c := range map[string]struct{ method, target, body string }{
		"path":             {"GET", "/things/" + jwt, ""},
		"card in path":     {"GET", "/things/" + card, ""},
		"encoded card":     {"GET", "/things/4111%201111%201111%201111", ""},
		"unknown path":     {"GET", "/nowhere/" + card + "/" + key, ""},
		"unknown method":   {"DELETE", "/things/" + jwt, ""},
		"odd target":       {"GET", "/things/../" + card, ""},
		"declared number":  {"GET", "/things/1?card=" + card, ""},
		"undeclared query": {"GET", "/things/1?token=" + jwt + "&key=" + key, ""},
		"name of a query":  {"GET", "/things/1?" + jwt + "&" + card + "=1", ""},
		"long query":       {"GET", "/things/1?" + strings.Repeat("a", 500) + "&" + card + "=1", ""},
		"name of a field":  {"POST", "/things", `{"` + card + `":1,"` + jwt + `":1}`},
		"value of a field": {"POST", "/things", `{"a":{"x":"` + key + `"},"b":"` + jwt + `"}`},
		"content type":     {"POST", "/things", "plain"},
	} {
		// By hand, so that no client mends the target.
		u := &url.URL{Scheme: "http", Host: strings.TrimPrefix(g.url, "http://"), Opaque: c.target}
		r := &http.Request{Method: c.method, URL: u, Header: http.Header{"Authorization": {"Bearer " + jwt}, "Cookie": {"session=" + cookie}, "X-Api-Key": {key}}}
		if c.body != "" {
			r.Body, r.ContentLength = http.NoBody, 0
			r2, _ := http.NewRequest(c.method, g.url, strings.NewReader(c.body))
			r.Body, r.ContentLength = r2.Body, r2.ContentLength
			r.Header.Set("Content-Type", "application/json")
			if c.body == "plain" {
				r.Header.Set("Content-Type", "text/x-"+card)
			}
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		resp.Body.Close()
		record := g.record(t)
		kept, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		for where, text := range map[string]string{"record": string(kept), "log": string(telemetry.AppendLine(nil, record))} {
			for _, secret := range []string{jwt[40:], card, "1111%201111%201111", key[10:], cookie} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %s holds %.20s…: %s", name, where, secret, text)
				}
			}
		}
	}
}
