package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

const lineConfig = `
version: 1
listen: [ { address: 127.0.0.1:0 } ]
admin: { address: off }
store: { path: data }
log: { access: off }
identity: [ { name: corp, jwt: { issuer: "https://issuer.test/", jwks: "file:jwks.json", audience: [shop], algorithms: [ES256] } } ]
apis: [ { name: shop, spec: openapi.yaml, upstream: "{upstream}", security: { bearer: corp } } ]
`

// In a running gateway a crowd of strangers stands in line as soon as somebody who was authenticated asks, and nobody before that.
func TestStrangersStandInLine(t *testing.T) {
	issuer, dir := testkit.NewIssuer(t), t.TempDir()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))
	defer service.Close()
	config := strings.NewReplacer("path: data", "path: "+filepath.Join(dir, "data"), "{upstream}", service.URL).Replace(lineConfig)
	for name, text := range map[string]string{"jwks.json": string(issuer.Set()), "openapi.yaml": siegeSpec, "sallyport.yaml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v := running(t, filepath.Join(dir, "sallyport.yaml"))
	at := strings.TrimPrefix(v.listeners[0].url, "http://")
	ask := func(from, field string) (status int) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.Dial("tcp", at)
		if err != nil {
			return 0
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		fmt.Fprintf(c, "GET /orders HTTP/1.1\r\nHost: api\r\nConnection: close\r\n%s\r\n", field)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return 0
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	crowd := func() uint64 {
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { ask("127.0.0.2", "") })
		}
		all.Wait()
		_, waited, _ := v.line.Waiting()
		return waited
	}
	if n := crowd(); n != 0 {
		t.Fatalf("%d had to wait for nobody", n)
	}
	token := "Authorization: Bearer " + issuer.Token(t, issuer.Claims("exp", time.Now().Add(time.Hour).Unix())) + "\r\n"
	for deadline := time.Now().Add(20 * time.Second); ; {
		if status := ask("127.0.0.1", token); status != http.StatusOK {
			t.Fatalf("%d for whom we know", status)
		}
		if crowd() > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no stranger ever had to wait")
		}
	}
}
