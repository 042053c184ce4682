package forward

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

// answers is a server that answers each request of a connection with the next of the replies, and then ends.
func answers(t *testing.T, replies ...string) (url string, connections *atomic.Int64) {
	connections = new(atomic.Int64)
	return scripted(t, func(c net.Conn, _ int) {
		connections.Add(1)
		r := bufio.NewReader(c)
		for _, reply := range replies {
			if _, err := io.WriteString(c, reply); err != nil {
				return
			}
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
		}
	}), connections
}

const (
	right  = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright"
	forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
)

// What an upstream says more than its answer is never taken for the next answer, however it is framed and wherever it
// lies: in the buffer, beneath TLS, or still in the socket.
func TestNothingIsAnsweredTwice(t *testing.T) {
	for name, reply := range map[string]string{
		"length":     right,
		"chunked":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nright\r\n0\r\n\r\n",
		"no content": "HTTP/1.1 204 No\r\n\r\n",
		"large":      "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("right", 4000),
	} {
		said := reply + forged
		url, _ := answers(t, said, said, said)
		secret, _ := secretly(t, said)
		for _, u := range []*Upstream{startUpstream(t, config.Upstream{}, url), secret} {
			for range 5 {
				if _, body, err := fetch(u, &Request{Method: "GET", Path: "/", Host: "h"}); err != nil || strings.Contains(body, "forged") {
					t.Errorf("%s: %v %q", name, err, body)
				}
			}
		}
	}
}

// secretly is an upstream over TLS whose every answer is one write, and so one record.
func secretly(t *testing.T, said string) (*Upstream, *atomic.Int64) {
	srv := httptest.NewUnstartedServer(nil)
	srv.StartTLS()
	srv.Close() // only its certificate is needed
	ca := writePEM(t, "ca.pem", "CERTIFICATE", srv.Certificate().Raw)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: srv.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	accepted := new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			go func() {
				defer c.Close()
				for r := bufio.NewReader(c); ; {
					request, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, request.Body)
					if _, err := io.WriteString(c, said); err != nil {
						return
					}
				}
			}()
		}
	}()
	return startUpstream(t, config.Upstream{CA: ca}, "https://"+l.Addr().String()), accepted
}

// Connections are kept, over TLS too, whatever ends the body; not those that say otherwise.
func TestConnectionsAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		reply string
		dials int64
	}{
		"length":     {right, 1},
		"nothing":    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1},
		"no content": {"HTTP/1.1 204 No\r\n\r\n", 1},
		"unmodified": {"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", 1},
		"chunked":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nright\r\n0\r\nX-Sum: 1\r\n\r\n", 1},
		"interim":    {"HTTP/1.1 103 Hints\r\n\r\n" + right, 1},
		"close":      {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 5\r\n\r\nright", 4},
		"HTTP/1.0":   {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nright", 4},
	} {
		u, dials := secretly(t, c.reply)
		for range 4 {
			if _, _, err := fetch(u, &Request{Method: "GET", Path: "/", Host: "h"}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if n := dials.Load(); n != c.dials {
			t.Errorf("%s: %d connections, want %d", name, n, c.dials)
		}
	}
}

// A stream of known length is not asked for more than it has: whoever gave it may be done with it once the answer is there.
func TestStreamsAreNotReadBeyondTheirEnd(t *testing.T) {
	u, dials := secretly(t, right)
	for range 20 {
		body := &strict{left: 5, t: t}
		if _, got, err := fetch(u, &Request{Method: "POST", Path: "/", Host: "h", Stream: io.NopCloser(body), Length: 5}); err != nil || got != "right" {
			t.Fatal(err, got)
		}
	}
	if n := dials.Load(); n > 12 { // of 20: on a busy machine an answer may overtake the note that all has gone out
		t.Errorf("%d connections", n)
	}
}

type strict struct {
	left int
	t    *testing.T
}

func (s *strict) Read(p []byte) (int, error) {
	if s.left == 0 {
		s.t.Error("read beyond the end")
		return 0, io.EOF
	}
	n := min(len(p), s.left, 3)
	s.left -= n
	return n, nil
}

// A body that nobody reads to its end costs the connection, unless it has arrived already.
func TestUnreadAnswers(t *testing.T) {
	small, dials := secretly(t, right)
	large, largeDials := secretly(t, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 1000000))
	for range 3 {
		for _, u := range []*Upstream{small, large} {
			resp, err := u.RoundTrip(context.Background(), stranger(), &Request{Method: "GET", Path: "/", Host: "h"})
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Error("a closed body can be read")
			}
		}
	}
	if dials.Load() != 1 || largeDials.Load() != 3 {
		t.Errorf("%d and %d connections", dials.Load(), largeDials.Load())
	}
}

// An answer that comes before the request is whole is the answer all the same, and no connection is used again on which half a
// request lies.
func TestEarlyAnswers(t *testing.T) {
	url := scripted(t, func(c net.Conn, _ int) {
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nsorry")
		_, _ = io.CopyN(io.Discard, c, 1<<20)
	})
	u := startUpstream(t, config.Upstream{}, url)
	stuck, release := io.Pipe()
	defer release.Close()
	for name, out := range map[string]*Request{
		"large body": {Method: "POST", Body: bytes.Repeat([]byte("x"), 8<<20)},
		"stream":     {Method: "POST", Stream: io.NopCloser(io.MultiReader(strings.NewReader("begun"), stuck)), Length: -1},
	} {
		out.Path, out.Host = "/", "h"
		e, body, err := fetch(u, out)
		if err != nil || e.Response.Status != 413 || body != "sorry" {
			t.Errorf("%s: %v %q", name, err, body)
		}
		if n := len(u.targets[0].conns.idle.conns); n != 0 {
			t.Errorf("%s: %d connections are kept", name, n)
		}
	}
}

// Nothing that cannot be a field is sent, whoever set it.
func TestOutgoingFieldsAreChecked(t *testing.T) {
	upstream := testkit.NewUpstream(t, "")
	u := startUpstream(t, config.Upstream{}, upstream.URL)
	for name, out := range map[string]*Request{
		"value":  {Method: "GET", Host: "h", Identify: func(h http.Header) { h["X-User"] = []string{"a\r\nX-Role: admin"} }},
		"name":   {Method: "GET", Host: "h", Identify: func(h http.Header) { h["X-User:"] = []string{"a"} }},
		"host":   {Method: "GET", Host: "h\r\nX-Role: admin"},
		"method": {Method: "GET / HTTP/1.1\r\n", Host: "h"},
	} {
		out.Path = "/"
		if _, _, err := fetch(u, out); kindOf(err) != Broken || len(upstream.Requests()) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A target may come to speak HTTP/2, and cease to, between two requests.
func TestTargetsChangeTheirProtocol(t *testing.T) {
	var offer atomic.Value
	offer.Store([]string{"http/1.1"})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, r.Proto)
	}))
	srv.EnableHTTP2 = true
	srv.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := srv.TLS.Clone()
		c.NextProtos, c.GetConfigForClient = offer.Load().([]string), nil
		return c, nil
	}}
	srv.StartTLS()
	defer srv.Close()
	u := startUpstream(t, config.Upstream{CA: writePEM(t, "ca.pem", "CERTIFICATE", srv.Certificate().Raw)}, srv.URL)
	for _, want := range []string{"HTTP/1.1", "HTTP/2.0", "HTTP/2.0", "HTTP/1.1", "HTTP/2.0", "HTTP/1.1"} {
		offer.Store([]string{map[string]string{"HTTP/1.1": "http/1.1", "HTTP/2.0": "h2"}[want]})
		u.targets[0].conns.release()
		_, body, err := fetch(u, &Request{Method: "PUT", Path: "/", Host: "example.com", Body: []byte("x")})
		if err != nil || body != want {
			t.Errorf("%v %q, want %s", err, body, want)
		}
	}
}

// A handshake of WebSocket, which is HTTP/1.1 only, leaves a target that speaks HTTP/2 where it was; so does a failed dial.
func TestUpgradesLeaveHTTP2Alone(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	u := startUpstream(t, config.Upstream{CA: writePEM(t, "ca.pem", "CERTIFICATE", srv.Certificate().Raw)}, srv.URL)
	cs, out := u.targets[0].conns, &Request{Method: "GET", Path: "/", Host: "example.com"}
	for range 2 {
		if _, body, err := fetch(u, out); err != nil || body != "HTTP/2.0" {
			t.Errorf("%v %q", err, body)
		}
		if len(cs.agreed) != 0 {
			t.Error("a connection waits for nobody")
		}
		cn, err := cs.dial(context.Background(), true)
		if err != nil {
			t.Fatal(err)
		}
		cn.cut()
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := cs.dial(gone, false); err == nil || !cs.prefers2.Load() {
			t.Errorf("%v; HTTP/2 is forgotten", err)
		}
	}
}

// What is kept is bounded, and goes when it is old, when its target has closed it, and when the upstream does.
func TestIdle(t *testing.T) {
	var held []*conn
	url, dials := answers(t, right, right)
	u := startUpstream(t, config.Upstream{MaxIdle: 2}, url)
	idle := &u.targets[0].conns.idle
	for range 3 {
		cn, err := u.targets[0].conns.dial(context.Background(), false)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, cn)
	}
	for i, cn := range held {
		if kept := idle.put(cn); kept != (i < 2) {
			t.Errorf("%d: kept %v", i, kept)
		}
	}
	held[2].cut()
	held[0].since = time.Now().Add(-idleTimeout)
	idle.sweep()
	if len(idle.conns) != 1 || idle.conns[0] != held[1] {
		t.Errorf("%d are kept of an old one and a fresh one", len(idle.conns))
	}
	if _, err := io.WriteString(held[1], "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for dials.Load() == 0 || held[1].fit() { // until its unasked answer is here
		time.Sleep(time.Millisecond)
	}
	if cn := idle.take(); cn != nil {
		t.Error("one with something to read is taken")
	}
	idle.close()
	if idle.put(held[1]) {
		t.Error("kept after the end")
	}
}

// What our reader accepts, net/http's reads in the same way; what differs we refuse.
func FuzzAnswerHead(f *testing.F) {
	for _, s := range []string{
		right, forged, "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\nA:b\n\n", "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc", "HTTP/1.1 103 A\r\nL: x\r\n\r\n" + right, "HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n",
	} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, wire []byte, head bool) {
		method := map[bool]string{false: "GET", true: "HEAD"}[head]
		got, body, err := readAs(wire, method)
		if err != nil {
			return
		}
		r := bufio.NewReader(bytes.NewReader(wire))
		want, werr := http.ReadResponse(r, &http.Request{Method: method})
		for werr == nil && want.StatusCode < 200 && want.StatusCode != 101 {
			want, werr = http.ReadResponse(r, &http.Request{Method: method})
		}
		if werr != nil {
			t.Fatalf("only we read %q: %v", wire, werr)
		}
		for _, name := range connectionFields {
			delete(want.Header, name)
		}
		if got.StatusCode != want.StatusCode || len(got.Header) < len(want.Header) {
			t.Fatalf("%q: %d %v, net/http %d %v", wire, got.StatusCode, got.Header, want.StatusCode, want.Header)
		}
		if got.StatusCode == 101 {
			return
		}
		if all, err := io.ReadAll(want.Body); err != nil || !bytes.Equal(all, body) {
			t.Fatalf("%q: body %q, net/http %q %v", wire, body, all, err)
		}
	})
}

// readAs reads an answer as if it had come from a target that then closes.
func readAs(wire []byte, method string) (*http.Response, []byte, error) {
	a, b := net.Pipe()
	go func() {
		_, _ = b.Write(wire)
		b.Close()
	}()
	defer a.Close()
	defer b.Close()
	cn, err := newConn(a, a)
	if err != nil {
		return nil, nil, err
	}
	c := new(call)
	c.sent.Store(true)
	c.incoming = incoming{call: c, conn: cn, home: &idle{closed: true}, stop: func() bool { return true }}
	resp, err := cn.answer(0, time.Now(), c, method)
	if err != nil || resp.StatusCode == 101 {
		return resp, nil, err
	}
	if failed := clean(resp, &target{}); failed != nil {
		return nil, nil, failed
	}
	body, err := io.ReadAll(resp.Body)
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("EOF is no error of a body")
	}
	return resp, body, err
}
