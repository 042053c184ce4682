package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

// benchStages switch on one family of guards after the other.
var benchStages = []struct{ name, modes string }{
	{"nothing", "identity: off, policy: off, limit: off, validate: off, inspect: off, protect: off"},
	{"jwt", "limit: off, validate: off, inspect: off, protect: off"},
	{"jwt,rate,schema", "inspect: off, protect: off"},
	{"all but inspect", "inspect: off"},
	{"everything", ""},
}

// BenchmarkHandler is the whole way of a request without sockets on the client's side: ServeHTTP, and an upstream on
// loopback whose own work is a few microseconds and no allocation.
func BenchmarkHandler(b *testing.B) {
	for _, stage := range benchStages {
		for _, m := range benchMessages {
			b.Run(stage.name+"/"+m.name, func(b *testing.B) {
				benchHandler(b, benchGate(b, benchSpec(1), stage.modes), m)
			})
		}
	}
}

// BenchmarkOperations is the same with larger specs: what a request costs must not depend on their size.
func BenchmarkOperations(b *testing.B) {
	for _, n := range []int{2, 1000, 10_000} {
		spec := benchSpec(n / 2)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			benchHandler(b, benchGate(b, spec, "inspect: off, protect: off"), benchMessages[1])
		})
	}
}

// BenchmarkListener adds the real listener and a connection kept alive.
func BenchmarkListener(b *testing.B) {
	for _, stage := range benchStages {
		for _, m := range benchMessages {
			b.Run(stage.name+"/"+m.name, func(b *testing.B) {
				g := benchGate(b, benchSpec(1), stage.modes)
				g.open(b)
				benchListener(b, g, m)
			})
		}
	}
}

// BenchmarkBuild is a whole configuration, as a reload compiles it; the rules are in the pool.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			g := benchGate(b, benchSpec(n), "")
			c, src, problems := config.Load("sallyport.yaml")
			if problems.Failed() {
				b.Fatal(problems)
			}
			b.ReportAllocs()
			for b.Loop() {
				if next, problems := Build(c, src, g.parts); next == nil {
					b.Fatal(problems)
				}
			}
		})
	}
}

type benchMessage struct{ name, method, path, body string }

var benchMessages = []benchMessage{
	{"GET", http.MethodGet, "/r0/a-1", ""},
	{"POST", http.MethodPost, "/r0", benchOrder(1024)},
}

// benchOrder is a valid order of n bytes.
func benchOrder(n int) string {
	lines := make([]string, 10)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"sku":"ABC-%d","count":%d,"price":%d.5}`, i, i+1, i)
	}
	order := `{"id":"a-1","lines":[` + strings.Join(lines, ",") + `],"note":"`
	return order + strings.Repeat("leave it at the door, please. ", n)[:n-len(order)-2] + `"}`
}

// benchSpec has n pairs of operations, /r0 to /r(n-1).
func benchSpec(n int) string {
	var b strings.Builder
	b.WriteString("openapi: 3.1.0\ninfo: { title: Shop, version: \"1\" }\nsecurity: [ { bearer: [] } ]\npaths:\n")
	for i := range n {
		fmt.Fprintf(&b, `  /r%d/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: string, maxLength: 20 } } ]
      responses: { "200": { description: one, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } } }
  /r%d:
    post:
      requestBody: { required: true, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
      responses: { "200": { description: one, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } } }
`, i, i)
	}
	b.WriteString(`components:
  securitySchemes: { bearer: { type: http, scheme: bearer } }
  schemas:
    Order:
      type: object
      required: [id, lines]
      properties:
        id: { type: string, pattern: "^[a-z]-[0-9]+$", maxLength: 20 }
        note: { type: string, maxLength: 2000 }
        lines: { type: array, maxItems: 50, items: { type: object, required: [sku, count], properties: { sku: { type: string, maxLength: 20 }, count: { type: integer, minimum: 1 }, price: { type: number } } } }
`)
	return b.String()
}

// benchGate is a gateway that keeps no records, in front of an upstream that answers 1,024 bytes. Its token is in
// benchToken.
func benchGate(b *testing.B, spec, modes string) *gate {
	b.Helper()
	issuer := testkit.NewIssuer(b)
	benchToken = "Bearer " + issuer.Token(b, issuer.Claims("exp", time.Now().Add(time.Hour).Unix()))
	jwks := writeFile(b, "jwks.json", string(issuer.Set()))
	g := newGate(b, spec, wireUpstream(b, benchOrder(1024)),
		"    security: { bearer: corp }\n    rate: { limit: 100000000, per: 1s }\n    modes: { "+modes+" }",
		"identity: [ { name: corp, jwt: { issuer: \"https://issuer.test/\", jwks: \"file:"+jwks+"\", audience: [shop], algorithms: [ES256] } } ]")
	g.discard()
	return g
}

var benchToken string

func (m benchMessage) header() http.Header {
	h := http.Header{"Authorization": {benchToken}, "User-Agent": {"shop-app/4.2"}, "Accept": {"application/json"}}
	if m.body != "" {
		h["Content-Type"] = []string{"application/json"}
		h["Content-Length"] = []string{strconv.Itoa(len(m.body))}
	}
	return h
}

func benchHandler(b *testing.B, g *gate, m benchMessage) {
	r := &http.Request{Method: m.method, URL: &url.URL{Path: m.path}, RequestURI: m.path, Host: "shop.example", Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1, Header: m.header(), RemoteAddr: "192.0.2.1:1234", Body: http.NoBody, ContentLength: int64(len(m.body))}
	r = r.WithContext(b.Context())
	body := strings.NewReader(m.body)
	if m.body != "" {
		r.Body = io.NopCloser(body)
	}
	w := &blankWriter{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(m.body)
		clear(w.header)
		g.ServeHTTP(w, r)
		if w.status != http.StatusOK || w.written != 1024 {
			b.Fatal(w.status, w.written, w.header)
		}
		w.written = 0
	}
}

// blankWriter counts what it is given.
type blankWriter struct {
	header          http.Header
	status, written int
}

func (w *blankWriter) Header() http.Header { return w.header }
func (w *blankWriter) WriteHeader(s int)   { w.status = s }
func (w *blankWriter) FlushError() error   { return nil }
func (w *blankWriter) Write(p []byte) (int, error) {
	w.written += len(p)
	return len(p), nil
}

func benchListener(b *testing.B, g *gate, m benchMessage) {
	c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	var request bytes.Buffer
	fmt.Fprintf(&request, "%s %s HTTP/1.1\r\nHost: shop.example\r\n", m.method, m.path)
	_ = m.header().Write(&request)
	request.WriteString("\r\n" + m.body)
	buf := make([]byte, 16<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(request.Bytes()); err != nil {
			b.Fatal(err)
		}
		n, err := readMessage(c, buf)
		if err != nil || !bytes.HasPrefix(buf, []byte("HTTP/1.1 200")) {
			b.Fatalf("%v: %s", err, buf[:n])
		}
	}
}

// wireUpstream answers every request with a JSON body and allocates nothing.
func wireUpstream(b *testing.B, body string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	answer := []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Tue, 24 Nov 2026 00:00:00 GMT\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for buf := make([]byte, 16<<10); ; {
					if _, err := readMessage(c, buf); err != nil {
						return
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// readMessage reads one message, whose body has a Content-Length or is empty, into buf.
func readMessage(c net.Conn, buf []byte) (n int, err error) {
	for {
		k, err := c.Read(buf[n:])
		if n += k; err != nil {
			return n, err
		}
		head := bytes.Index(buf[:n], []byte("\r\n\r\n"))
		if head < 0 {
			continue
		}
		length := 0
		if i := bytes.Index(buf[:head], []byte("Content-Length: ")); i >= 0 {
			for _, d := range buf[i+len("Content-Length: "):] {
				if d < '0' || d > '9' {
					break
				}
				length = length*10 + int(d-'0')
			}
		}
		if n >= head+4+length {
			return n, nil
		}
	}
}
