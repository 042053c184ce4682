//go:build linux

package main

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

// BenchmarkRefusal is what a refusal costs a gateway process, kernel included, until its record is kept and its leaf written: processor
// time and what is allocated. The client is in this process, on one connection, and costs it nothing. "handshake" is a connection that
// asks for nothing. Processor time is counted in hundredths of a second:
//
//	go test ./cmd/sallyport -run '^$' -bench Refusal -benchtime 5000x
func BenchmarkRefusal(b *testing.B) {
	r := startRefuser(b)
	for _, kind := range []struct {
		name    string
		status  int
		request func() string
	}{
		{"unknown path", http.StatusNotFound, func() string { return "GET /nowhere HTTP/1.1\r\nHost: api\r\n\r\n" }},
		{"no credential", http.StatusUnauthorized, func() string { return "GET /orders HTTP/1.1\r\nHost: api\r\n\r\n" }},
		{"forged key", http.StatusUnauthorized, func() string { return "GET /keyed HTTP/1.1\r\nHost: api\r\nX-API-Key: " + forgedKey() + "\r\n\r\n" }},
		{"forged ES256", http.StatusUnauthorized, r.bearing("ES256", "k1", 64)},
		{"forged RS256", http.StatusUnauthorized, r.bearing("RS256", "k2", 256)},
		{"forged HS256", http.StatusUnauthorized, r.bearing("HS256", "k1", 32)},
		{"unknown kid", http.StatusUnauthorized, r.bearing("ES256", "k9", 64)},
		{"schema", http.StatusBadRequest, func() string { return posted(`{"count":"many"}`) }},
		{"attack", http.StatusForbidden, func() string { return posted(`{"note":"1' OR '1'='1' UNION SELECT password FROM users --"}`) }},
	} {
		b.Run(kind.name, func(b *testing.B) { r.measure(b, func() { r.ask(b, kind.request(), kind.status) }) })
	}
	b.Run("handshake", func(b *testing.B) {
		n := 0
		r.measure(b, func() { r.shake(b, n); n++ })
	})
}

// refuser is the process.
type refuser struct {
	soaked
	plain, tls string // addresses
	claims     string // of a good token
	conn       net.Conn
	answers    *bufio.Reader
}

func startRefuser(b *testing.B) *refuser {
	issuer := testkit.NewIssuer(b)
	good := issuer.Token(b, issuer.Claims("exp", time.Now().Add(time.Hour).Unix()))
	issuer.Rotate(testkit.NewKey(b, "k1", "ES256"), testkit.NewKey(b, "k2", "RS256"))
	r := &refuser{plain: testkit.FreeAddress(b), tls: testkit.FreeAddress(b), claims: strings.Split(good, ".")[1]}
	r.t, r.dir, r.admin, r.log = b, b.TempDir(), "http://"+testkit.FreeAddress(b), &counting{}
	cert, key, err := selfSigned("refuser")
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"cert.pem": string(cert), "key.pem": string(key), "jwks.json": string(issuer.Set()), "openapi.yaml": refuserSpec,
		"sallyport.yaml": fmt.Sprintf(refuserConfig, r.plain, r.tls, strings.TrimPrefix(r.admin, "http://"))} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	c := exec.Command("sallyport", "run", "--config", "sallyport.yaml")
	c.Dir, c.Stderr = r.dir, r.log
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	r.pid = c.Process.Pid
	b.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			b.Errorf("the gateway ended with %v: %s", err, r.log.tail())
		}
	})
	await(b, "readiness", func() bool { return get(r.admin+"/readyz") == http.StatusOK })
	if r.conn, err = net.Dial("tcp", r.plain); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.conn.Close() })
	r.answers = bufio.NewReader(r.conn)
	return r
}

const refuserConfig = `
version: 1
listen: [ { address: %q }, { address: %q, tls: { cert: cert.pem, key: key.pem } } ]
admin: { address: %q }
store: { path: data }
log: { access: "off" }
identity:
  - { name: corp, jwt: { issuer: "https://issuer.test/", jwks: "file:jwks.json", audience: [shop], algorithms: [ES256, RS256] } }
  - { name: partners, api_key: {} }
apis: [ { name: shop, spec: openapi.yaml, upstream: "http://127.0.0.1:9", security: { bearer: corp, key: partners }, refusals: { limit: 0 } } ]
`

const refuserSpec = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
security: [ { bearer: [] } ]
paths:
  /orders: { get: { responses: { "200": { description: all } } } }
  /keyed: { get: { security: [ { key: [] } ], responses: { "200": { description: all } } } }
  /notes:
    post:
      x-sallyport: { anonymous: true }
      requestBody:
        required: true
        content: { application/json: { schema: { type: object, properties: { note: { type: string, maxLength: 200 }, count: { type: integer } } } } }
      responses: { "204": { description: taken } }
components: { securitySchemes: { bearer: { type: http, scheme: bearer }, key: { type: apiKey, in: header, name: X-API-Key } } }
`

// measure does it b.N times, and waits until what is left of that is done.
func (r *refuser) measure(b *testing.B, do func()) {
	const mallocs, bytes = "go_memstats_mallocs_total", "go_memstats_alloc_bytes_total"
	r.rests()
	m, n, worked := r.metric(mallocs), r.metric(bytes), processorOf(r.pid)
	b.ResetTimer()
	for range b.N {
		do()
	}
	b.StopTimer()
	r.rests()
	per := func(v float64, unit string) { b.ReportMetric(v/float64(b.N), unit) }
	per(float64((processorOf(r.pid) - worked).Microseconds()), "cpu-µs/op")
	per(float64(r.metric(mallocs)-m), "mallocs/op")
	per(float64(r.metric(bytes)-n), "bytes/op")
	if lost := r.metric("sallyport_archive_dropped_total") + r.metric("sallyport_audit_dropped_total"); lost > 0 {
		b.Fatalf("%d records are lost", lost)
	}
}

// rests waits until the process does nothing for a while.
func (r *refuser) rests() {
	for before := time.Duration(-1); ; time.Sleep(500 * time.Millisecond) {
		now := processorOf(r.pid)
		if now-before <= 10*time.Millisecond {
			return
		}
		before = now
	}
}

func (r *refuser) ask(b *testing.B, request string, status int) {
	if _, err := io.WriteString(r.conn, request); err != nil {
		b.Fatal(err)
	}
	resp, err := http.ReadResponse(r.answers, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != status {
		b.Fatal(resp.Status, err, string(body))
	}
}

// shake comes from many addresses, each of which may have so many handshakes.
func (r *refuser) shake(b *testing.B, n int) {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8), byte(n))}}
	c, err := tls.DialWithDialer(d, "tcp", r.tls, &tls.Config{InsecureSkipVerify: true, ServerName: "127.0.0.1"})
	if err != nil {
		b.Fatal(err)
	}
	c.NetConn().Close()
}

// bearing makes requests with good claims, an algorithm, a key and a signature that was never made before.
func (r *refuser) bearing(alg, kid string, signature int) func() string {
	head := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":%q,"kid":%q,"typ":"JWT"}`, alg, kid))
	return func() string {
		random := make([]byte, signature)
		_, _ = rand.Read(random) // never fails
		random[0] = 0            // less than any modulus
		return "GET /orders HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer " + head + "." + r.claims + "." + base64.RawURLEncoding.EncodeToString(random) + "\r\n\r\n"
	}
}

// forgedKey is a key that nobody gave out, without a mistake in it.
func forgedKey() string {
	const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	text := func(n int) string {
		random := make([]byte, n)
		_, _ = rand.Read(random) // never fails
		for i := range random {
			random[i] = base62[random[i]%62]
		}
		return string(random)
	}
	body := "sp_" + text(12) + "_" + text(43)
	sum, check := crc32.ChecksumIEEE([]byte(body)), [6]byte{}
	for i := len(check) - 1; i >= 0; i-- {
		check[i] = base62[sum%62]
		sum /= 62
	}
	return body + string(check[:])
}

func posted(body string) string {
	return fmt.Sprintf("POST /notes HTTP/1.1\r\nHost: api\r\nUser-Agent: refused/1.0\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}
