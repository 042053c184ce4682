package main

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// soakConfig takes the addresses of the gateway, plain and with TLS, and of the admin listener, the upstream with its milliseconds to connect, a rate
// and a threshold.
const soakConfig = `
version: 1
listen: [ { address: %q }, { address: %q, tls: { cert: cert.pem, key: key.pem }, http3: true } ]
admin: { address: %q }
store: { path: data }
log: { access: access.log }
identity:
  - name: corp
    jwt: { issuer: "https://issuer.test/", jwks: "file:jwks.json", audience: [shop], algorithms: [ES256] }
apis:
  - name: shop
    spec: openapi.yaml
    upstream: { targets: [ %q ], connect_timeout: %dms, health: { path: /orders/a1, every: 1s } }
    security: { bearer: corp }
    rate: { limit: %d, per: 1s, by: principal }
    refusals: { limit: 0 }
    inspect: { paranoia: 1, threshold: 5, response_threshold: %d }
`

const soakSpec = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
security: [ { bearer: [] } ]
paths:
  /orders/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: string, maxLength: 40 } } ]
      responses: { "200": { description: one, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } } }
  /orders:
    post:
      requestBody:
        required: true
        content: { application/json: { schema: { $ref: "#/components/schemas/New" } } }
      responses: { "201": { description: made, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } } }
  /chat:
    get:
      x-sallyport: { streaming: websocket }
      responses: { "101": { description: messages are echoed } }
components:
  securitySchemes: { bearer: { type: http, scheme: bearer } }
  schemas:
    New:
      type: object
      required: [sku, count]
      properties: { sku: { type: string, pattern: "^[A-Z0-9-]+$", maxLength: 20 }, count: { type: integer, minimum: 1, maximum: 99 }, note: { type: string, maxLength: 200 } }
    Order:
      type: object
      required: [id, total]
      properties: { id: { type: string }, total: { type: number }, note: { type: string } }
`

// await polls until ok, for a generous while.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func get(url string) (status int) {
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// metric is the value of one metric without labels.
func (g *soaked) metric(name string) int64 {
	g.t.Helper()
	resp, err := http.Get(g.admin + "/metrics")
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				g.t.Fatal(err)
			}
			return int64(v)
		}
	}
	g.t.Fatalf("no metric %s", name)
	return 0
}

// settled is the number of goroutines once it does not fall any more: what has ended needs a while to be gone.
func (g *soaked) settled() int64 {
	least, since := g.metric("go_goroutines"), time.Now()
	for time.Since(since) < time.Second {
		time.Sleep(50 * time.Millisecond)
		if n := g.metric("go_goroutines"); n < least {
			least, since = n, time.Now()
		}
	}
	return least
}

// keeps demands that what processes recorded that are gone is still there: all of them wrote to one store, two at a time.
func (g *soaked) keeps(ids ...string) {
	g.t.Helper()
	kept, err := openArchive("", filepath.Join(g.dir, "data"))
	if err != nil {
		g.t.Fatal(err)
	}
	defer kept.close()
	for _, id := range ids {
		await(g.t, "the record "+id, func() bool {
			_, err := kept.Find(g.t.Context(), id)
			return err == nil
		})
	}
}

// counting counts the lines of a log by what is in them, and keeps the last ones.
type counting struct {
	mu    sync.Mutex
	lines map[string]int // by text asked for
	text  []byte
}

func (c *counting) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lines == nil {
		c.lines = map[string]int{}
	}
	for _, text := range []string{"was reloaded", "is not used", "successor serves", "upgrade failed"} {
		c.lines[text] += bytes.Count(p, []byte(text))
	}
	c.text = append(c.text, p...)
	c.text = c.text[max(0, len(c.text)-4096):]
	return len(p), nil
}

func (c *counting) count(text string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines[text]
}

func (c *counting) tail() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.text)
}
