package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/testkit"
)

// edgeConfig takes the addresses of both listeners and of the admin listener, and the upstream.
const edgeConfig = `
version: 1
listen:
  - { address: %q, idle_timeout: 30m }
  - { address: %q, idle_timeout: 30m, http3: true, tls: { cert: cert.pem, key: key.pem } }
admin: { address: %q }
store: { path: data }
log: { access: "off" }
apis: [ { name: edge, spec: openapi.yaml, upstream: %q, modes: { identity: off }, concurrency: { total: -1, client: -1 } } ]
`

const edgeSpec = `
openapi: 3.1.0
info: { title: Edge, version: "1" }
paths:
  /:
    get: { responses: { "200": { description: text, content: { text/plain: {} } } } }
    post: { requestBody: { content: { "*/*": {} } }, responses: { "200": { description: text, content: { text/plain: {} } } } }
  /socket:
    get: { x-sallyport: { streaming: websocket, timeout: 30m }, responses: { "101": { description: a socket } } }
`

// startEdge starts a process with a plain and a TLS listener in front of h, and ends it with the test by SIGTERM.
func startEdge(t *testing.T, h http.Handler) (g *soaked, plain, secure string) {
	t.Helper()
	g = &soaked{t: t, dir: t.TempDir(), log: &counting{}}
	g.upstreams[0] = httptest.NewServer(h)
	t.Cleanup(g.upstreams[0].Close)
	var addresses [3]string
	for i := range addresses {
		var err error
		if addresses[i], err = testkit.FindAddress(); err != nil {
			t.Fatal(err)
		}
	}
	g.admin = "http://" + addresses[2]
	cert, key, err := selfSigned("edge")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"cert.pem": string(cert), "key.pem": string(key), "openapi.yaml": edgeSpec,
		"sallyport.yaml": fmt.Sprintf(edgeConfig, addresses[0], addresses[1], addresses[2], g.upstreams[0].URL)} {
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sallyport", "run", "--config", "sallyport.yaml", "--drain-timeout", "5s")
	cmd.Dir, cmd.Stderr, cmd.Stdout = g.dir, g.log, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the gateway ended with %v: %s", err, g.log.tail())
		}
	})
	await(t, "readiness", func() bool { return get(g.admin+"/readyz") == http.StatusOK })
	g.idle = g.settled()
	return g, addresses[0], addresses[1]
}
