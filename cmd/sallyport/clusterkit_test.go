package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/testkit"
)

// memberConfig takes the addresses, the counters, the rate, and the upstream.
const memberConfig = `
version: 1
listen: [ { address: %q, trusted_proxies: [ 127.0.0.0/8 ] } ]
admin: { address: %q, token: "0123456789abcdef0123456789abcdef" }
store: { path: data, %s }
log: { access: off }
abuse: { bans: { after: -1 } }
identity: [ { name: keys, api_key: {} } ]
apis:
  - name: shop
    spec: openapi.yaml
    upstream: %q
    rate: { %s, by: client }
    refusals: { limit: 0 }
    concurrency: { client: -1 }
    security: { key: keys }
    modes: { inspect: off }
`

const memberSpec = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  /: { get: { x-sallyport: { anonymous: true }, responses: { "200": { description: one } } } }
  /slow: { get: { parameters: [ { name: hold, in: query, schema: { type: integer } } ], x-sallyport: { anonymous: true, concurrency: { total: 2 } }, responses: { "200": { description: one } } } }
  /few: { get: { parameters: [ { name: hold, in: query, schema: { type: integer } } ], x-sallyport: { anonymous: true, concurrency: { client: 2 } }, responses: { "200": { description: one } } } }
  /own: { get: { security: [ { key: [] } ], responses: { "200": { description: one } } } }
components: { securitySchemes: { key: { type: apiKey, in: header, name: X-API-Key } } }
`

// A member is one gateway process of several.
type member struct {
	*soaked
	cmd *exec.Cmd
}

// startMember starts one with what its store says besides the path.
func startMember(t *testing.T, store, upstream, rate string) *member {
	t.Helper()
	m := &member{soaked: &soaked{t: t, dir: t.TempDir(), log: &counting{}}}
	gate, admin := testkit.FreeAddress(t), testkit.FreeAddress(t)
	m.gate, m.admin = "http://"+gate, "http://"+admin
	m.write("openapi.yaml", memberSpec)
	m.write("sallyport.yaml", fmt.Sprintf(memberConfig, gate, admin, store, upstream, rate))
	return m.started()
}

// started starts it, again where it was killed.
func (m *member) started() *member {
	m.t.Helper()
	m.cmd = exec.Command("sallyport", "run", "--config", "sallyport.yaml")
	m.cmd.Dir, m.cmd.Stderr, m.cmd.Stdout = m.dir, m.log, io.Discard
	m.cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH"))
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(m.kill)
	await(m.t, "readiness", func() bool { return get(m.admin+"/readyz") == http.StatusOK })
	return m
}

func (m *member) kill() {
	_ = m.cmd.Process.Kill() // it may be gone
	_ = m.cmd.Wait()
}

// together is the setting of a store that counts in a server.
func together(t *testing.T, url string) string {
	key := testkit.WriteFile(t, "counters.key", []byte(strings.Repeat("k", 40)))
	return fmt.Sprintf("counters: %q, counters_key: %q, processes: 3", url, "file:"+filepath.ToSlash(key))
}

// spend sends requests to the members in turn, until one of each was refused in a row or so many were sent; it returns how many passed.
func spend(t *testing.T, members []*member, most int) (passed int) {
	t.Helper()
	refused := 0
	for i := 0; i < most && refused < 2*len(members); i++ {
		switch code := get(members[i%len(members)].gate + "/"); code {
		case http.StatusOK:
			passed++
			refused = 0
		case http.StatusTooManyRequests:
			refused++
		default:
			t.Fatalf("request %d: %d\n%s", i, code, members[i%len(members)].log.tail())
		}
	}
	return passed
}

// events are those of a kind, as the admin listener tells them.
func (m *member) events(kind string) string {
	r, err := http.NewRequest(http.MethodGet, m.admin+"/api/v1/events?kind="+kind, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer 0123456789abcdef0123456789abcdef")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}
