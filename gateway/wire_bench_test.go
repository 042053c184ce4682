package gateway_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/listen"
	"github.com/sallyport/sallyport/telemetry"
)

// BenchmarkWire serves requests from a socket to a socket, with record, metrics and access log as in the command. Client
// and upstream are canned bytes and allocate nothing, so what is reported is the gateway's and net/http's: "bare" is
// what net/http alone needs to pass a request on.
func BenchmarkWire(b *testing.B) {
	shared := bench(b)
	token := strings.Fields(string(shared.read("tokens/es256-1000.txt")))[0]
	get := "GET /v1/items/42 HTTP/1.1\r\nHost: api.bench.local\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\n"
	auth := "Authorization: Bearer " + token + "\r\n"
	order := shared.read("bodies/order-1k.json")
	post := func(auth string) string {
		return "POST /v1/orders HTTP/1.1\r\nHost: api.bench.local\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\n" + auth +
			"Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(order)) + "\r\n\r\n" + string(order)
	}
	item, ordered := shared.canned("bodies/response-item-1k.json"), shared.canned("bodies/response-order-1k.json")
	plain := "identity: off, policy: off, validate: off, inspect: off, protect: off, limit: off"
	b.Run("bare", func(b *testing.B) { drive(b, serveBare(b, item.start(b)), get+"\r\n") })
	b.Run("plain", func(b *testing.B) {
		drive(b, shared.serve(b, item.start(b), "openapi-noauth.json", plain, "off"), get+"\r\n")
	})
	b.Run("token", func(b *testing.B) {
		drive(b, shared.serve(b, item.start(b), "openapi.json", "validate: off, inspect: off, protect: off, limit: off", "off"), get+auth+"\r\n")
	})
	b.Run("body", func(b *testing.B) {
		drive(b, shared.serve(b, ordered.start(b), "openapi-noauth.json", "identity: off, policy: off, validate.response: off, inspect: off, protect: off, limit: off", "off"), post(""))
	})
	rules := "identity: off, policy: off, validate: off, protect: off, limit: off"
	b.Run("rules, GET", func(b *testing.B) {
		drive(b, shared.serve(b, item.start(b), "openapi-noauth.json", rules, "off"), strings.Replace(get, "/42", "/42?q=blue%20running%20shoes%20size%2042&sort=price_asc&limit=20", 1)+"\r\n")
	})
	b.Run("rules, POST", func(b *testing.B) {
		drive(b, shared.serve(b, ordered.start(b), "openapi-noauth.json", rules, "off"), post(""))
	})
	log := filepath.Join(b.TempDir(), "access.log")
	b.Run("all but inspect, GET", func(b *testing.B) {
		drive(b, shared.serve(b, item.start(b), "openapi.json", "inspect: off", log), get+auth+"\r\n")
	})
	b.Run("all but inspect, POST", func(b *testing.B) {
		drive(b, shared.serve(b, ordered.start(b), "openapi.json", "inspect: off", log), post(auth))
	})
}

// inputs are the shared ones of the benchmark.
type inputs struct {
	b   testing.TB
	dir string
}

func bench(b testing.TB) inputs {
	dir := os.Getenv("SALLYPORT_SHARED")
	if dir == "" {
		dir = "../../shared"
	}
	dir, err := filepath.Abs(filepath.Join(dir, "bench"))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		b.Skip("the shared inputs are not there: ", err)
	}
	return inputs{b, dir}
}

func (s inputs) read(name string) []byte {
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.b.Fatal(err)
	}
	return data
}

// canned is an upstream that answers whatever comes with the same bytes.
type canned []byte

func (s inputs) canned(name string) canned {
	body := s.read(name)
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Tue, 24 Nov 2026 00:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n%s", len(body), body)
}

func (c canned) start(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.answer(conn)
		}
	}()
	return "http://" + l.Addr().String()
}

// answer takes a request to end with its head, or with the one byte after which the bodies here end.
func (c canned) answer(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 16<<10)
	for have := 0; ; {
		n, err := conn.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		head := bytes.Index(buf[:have], []byte("\r\n\r\n"))
		if head < 0 || buf[0] == 'P' && have < head+4+1024 {
			continue
		}
		if have = 0; true {
			if _, err := conn.Write(c); err != nil {
				return
			}
		}
	}
}

// serveBare passes requests on with net/http and nothing else.
func serveBare(b *testing.B, upstream string) string {
	at, err := url.Parse(upstream)
	if err != nil {
		b.Fatal(err)
	}
	via := &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true}
	b.Cleanup(via.CloseIdleConnections)
	return listening(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := r.WithContext(r.Context())
		out.URL = &url.URL{Scheme: "http", Host: at.Host, Path: r.URL.Path}
		resp, err := via.RoundTrip(out)
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		var buf [2048]byte
		_, _ = io.CopyBuffer(struct{ io.Writer }{w}, resp.Body, buf[:]) // the client sees what is missing
	}))
}

// serve is the whole gateway with the guards that modes leaves on.
func (s inputs) serve(b *testing.B, upstream, spec, modes, log string) string {
	file := fmt.Sprintf(`
version: 1
listen: [ { address: "127.0.0.1:0" } ]
identity: [ { name: bench, jwt: { issuer: "https://issuer.bench.local/", jwks: "file:%[1]s/jwks.json", audience: [bench-api], algorithms: [ES256, RS256], roles: claims.roles } } ]
apis:
  - { name: bench, spec: %[1]s/%[2]s, upstream: "%[3]s", modes: { %[4]s }, security: { jwt: bench }, rate: { limit: 1000000, per: 1s, by: principal } }
`, s.dir, spec, upstream, modes)
	if spec == "openapi-noauth.json" {
		file = strings.Replace(file, "security: { jwt: bench }, ", "", 1)
	}
	c, src, problems := config.Parse("bench.yaml", []byte(file))
	if c == nil {
		b.Fatal(problems)
	}
	access, err := telemetry.OpenAccessLog(log)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = access.Close() })
	parts := &gateway.Parts{
		Providers: func(list []config.Identity) (*identity.Providers, error) {
			return identity.New(list, nil, identity.Options{Log: slog.New(slog.DiscardHandler)})
		},
		Upstreams: forward.NewPool(), Limiter: limit.New(limit.Options{}), Inspectors: new(inspect.Pool),
		Record: event.Bus{access, telemetry.NewMetrics("bench")}.Record,
	}
	b.Cleanup(parts.Upstreams.Close)
	snapshot, problems := gateway.Build(c, src, parts)
	if snapshot == nil {
		b.Fatal(problems)
	}
	g := gateway.New(parts)
	g.Swap(snapshot)
	snapshot.Start(b.Context())
	return listening(b, g)
}

func listening(b *testing.B, h http.Handler) string {
	server, err := listen.New(config.Listener{Address: "127.0.0.1:0"}, h, listen.Options{})
	if err != nil {
		b.Fatal(err)
	}
	go server.Serve() //nolint:errcheck // ends with the socket
	b.Cleanup(func() { _ = server.Shutdown(b.Context()) })
	return server.Addr().String()
}

// drive sends the same request over one connection.
func drive(b *testing.B, address, request string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	message, r := []byte(request), bufio.NewReaderSize(conn, 8<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(message); err != nil {
			b.Fatal(err)
		}
		if err := skip(r); err != nil {
			b.Fatal(err)
		}
	}
}

// skip reads one answer and demands that it is a good one.
func skip(r *bufio.Reader) error {
	length := -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("answer %q", line)
		}
		if name, value, ok := bytes.Cut(line, []byte(": ")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			length = 0
			for _, c := range bytes.TrimSpace(value) {
				length = 10*length + int(c-'0')
			}
		}
		if len(line) == 2 {
			_, err := r.Discard(length)
			return err
		}
	}
}
