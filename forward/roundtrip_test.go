package forward

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func startUpstream(t testing.TB, c config.Upstream, targets ...string) *Upstream {
	t.Helper()
	c.Targets = targets
	pool := NewPool()
	t.Cleanup(pool.Close)
	u, err := pool.Upstream(c)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// fetch sends out and reads the whole answer.
func fetch(u *Upstream, out *Request) (*exchange.Exchange, string, error) {
	e := stranger()
	resp, err := u.RoundTrip(context.Background(), e, out)
	if err != nil {
		return e, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return e, string(body), err
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

// The upstream receives path and query byte for byte, and a header with nothing of net/http's own.
func TestRoundTripBytes(t *testing.T) {
	upstream := testkit.NewUpstream(t, "")
	u := startUpstream(t, config.Upstream{}, upstream.URL)
	for _, target := range []string{
		"/", "/a/b", "/a%2Fb", "/%E2%82%AC", "/a:b@c", "/a,b;c=d", "/a//", "/.well-known/x", "/a?b=c&d=%20", "/a?b=%2F%3F", "/a?=", "/a?b+c",
		"/~a!$&'()*+,=", "/a?q=http://x/", "/%25", "/a?a=1&a=2&A=3", "/caf%C3%A9?n=%00",
	} {
		upstream.Reset()
		path, query, _ := strings.Cut(target, "?")
		e, body, err := fetch(u, &Request{Method: "POST", Path: path, RawQuery: query, Host: "api.example", Header: http.Header{"X-A": {"b"}}, Body: []byte("hi")})
		if err != nil || body != "ok" {
			t.Fatalf("%s: %v %q", target, err, body)
		}
		got := upstream.Requests()
		if len(got) != 1 || got[0].Malformed != "" || got[0].Target != target || got[0].Method != "POST" || string(got[0].Body) != "hi" {
			t.Errorf("%s arrived as %+v", target, got)
		}
		want := "POST " + target + " HTTP/1.1\r\nHost: api.example\r\nContent-Length: 2\r\nForwarded: for=203.0.113.7;host=\"api.example\";proto=https\r\n" +
			"X-A: b\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Host: api.example\r\nX-Forwarded-Proto: https\r\n\r\nhi"
		if string(got[0].Raw) != want {
			t.Errorf("%s: on the wire\n%q, want\n%q", target, got[0].Raw, want)
		}
		if e.Upstream.Target != upstream.URL || e.Upstream.Attempts != 1 || e.Upstream.Took <= 0 || e.Response.Status != 200 {
			t.Errorf("%s: %+v %+v", target, e.Upstream, e.Response)
		}
	}
	for _, path := range []string{"", "a", "//a", "/a b", "/a?b", "/a#b", "/a\r\nX: y", "http://h/"} {
		upstream.Reset()
		if _, _, err := fetch(u, &Request{Method: "GET", Path: path, Host: "h"}); kindOf(err) != Broken || len(upstream.Requests()) != 0 {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestRoundTripStream(t *testing.T) {
	upstream := testkit.NewUpstream(t, "")
	u := startUpstream(t, config.Upstream{Host: "target"}, upstream.URL)
	for name, c := range map[string]struct {
		length  int64
		framing string
	}{"known": {5, "Content-Length"}, "unknown": {-1, "Transfer-Encoding"}} {
		upstream.Reset()
		out := &Request{Method: "PUT", Path: "/", Host: "client.example", Stream: io.NopCloser(strings.NewReader("hello")), Length: c.length}
		if _, _, err := fetch(u, out); err != nil {
			t.Fatal(err)
		}
		got := upstream.Requests()[0]
		if string(got.Body) != "hello" || len(got.Get(c.framing)) != 1 || got.Get("Host")[0] != strings.TrimPrefix(upstream.URL, "http://") {
			t.Errorf("%s: %q", name, got.Raw)
		}
	}
}

// scripted is a server that reads a request head on each connection and then does as it likes.
func scripted(t *testing.T, act func(c net.Conn, n int)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			done.Go(func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				if _, err := c.Read(buf); err == nil {
					act(c, n)
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		done.Wait()
	})
	return "http://" + l.Addr().String()
}

func reset(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }

func TestMisbehaving(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		act  func(c net.Conn)
		want Kind // 0: the answer is good
		body string
	}{
		"closes":              {func(c net.Conn) {}, Broken, ""},
		"resets":              {reset, Broken, ""},
		"garbage":             {func(c net.Conn) { io.WriteString(c, "\x16\x03\x01 what?\r\n\r\n") }, Broken, ""},
		"half a head":         {func(c net.Conn) { io.WriteString(c, head+"X-A: b") }, Broken, ""},
		"huge head":           {func(c net.Conn) { io.WriteString(c, head+"X: "+strings.Repeat("a", 1<<20)+"\r\n\r\n") }, Broken, ""},
		"many fields":         {func(c net.Conn) { io.WriteString(c, head+strings.Repeat("X: a\r\n", 300)+"\r\n") }, Broken, ""},
		"silent":              {func(c net.Conn) { c.Read(make([]byte, 1)) }, Timeout, ""},
		"trickles its head":   {func(c net.Conn) { trickle(c, head+"X-A: "+strings.Repeat("b", 1000)) }, Timeout, ""},
		"trickles its body":   {func(c net.Conn) { trickle(c, head+"Content-Length: 1000\r\n\r\n"+strings.Repeat("b", 1000)) }, Timeout, ""},
		"promises more":       {func(c net.Conn) { io.WriteString(c, head+"Content-Length: 10\r\n\r\nhi") }, Broken, ""},
		"chunks end early":    {func(c net.Conn) { io.WriteString(c, head+"Transfer-Encoding: chunked\r\n\r\n5\r\nhi") }, Broken, ""},
		"chunk is no number":  {func(c net.Conn) { io.WriteString(c, head+"Transfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n") }, Broken, ""},
		"two lengths":         {func(c net.Conn) { io.WriteString(c, head+"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!") }, Broken, ""},
		"length is no number": {func(c net.Conn) { io.WriteString(c, head+"Content-Length: two\r\n\r\nhi") }, Broken, ""},
		"two content types":   {func(c net.Conn) { io.WriteString(c, head+"Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n") }, Broken, ""},
		"unknown coding":      {func(c net.Conn) { io.WriteString(c, head+"Transfer-Encoding: gzip\r\n\r\nhi") }, Broken, ""},
		"status 99":           {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 099 No\r\n\r\n") }, Broken, ""},
		"status 600":          {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n") }, Broken, ""},
		"status 1000":         {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 1000 No\r\n\r\n") }, Broken, ""},
		"status in words":     {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 OK\r\n\r\n") }, Broken, ""},
		"control in a field":  {func(c net.Conn) { io.WriteString(c, head+"X-A: a\x01b\r\nContent-Length: 0\r\n\r\n") }, Broken, ""},
		"101 unasked": {func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 101 Sure\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
		}, Broken, ""},
		"1xx flood": {func(c net.Conn) { io.WriteString(c, strings.Repeat("HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n", 10000)) }, Broken, ""},
		"100 and 103 are dropped": {func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\n"+head+"Content-Length: 2\r\n\r\nhi")
		}, 0, "hi"},
		"more than promised": {func(c net.Conn) {
			io.WriteString(c, head+"Content-Length: 2\r\n\r\nhi"+head+"Content-Length: 6\r\n\r\nforged")
		}, 0, "hi"},
		"until close": {func(c net.Conn) { io.WriteString(c, head+"\r\nhi") }, 0, "hi"},
		"HTTP/1.0":    {func(c net.Conn) { io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\nhi") }, 0, "hi"},
		"length beside chunked": {func(c net.Conn) {
			io.WriteString(c, head+"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
		}, Broken, ""},
		"redirect is not followed": {func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nhi")
		}, 0, "hi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			none := 0
			u := startUpstream(t, config.Upstream{Retries: &none}, scripted(t, func(conn net.Conn, _ int) { c.act(conn) }))
			ctx, cancel := context.WithTimeout(context.Background(), 400*time.Millisecond)
			defer cancel()
			e := stranger()
			resp, err := u.RoundTrip(ctx, e, &Request{Method: "GET", Path: "/", Host: "h"})
			var body []byte
			if err == nil {
				body, err = io.ReadAll(resp.Body)
				resp.Body.Close()
				for _, f := range []string{"Link", "Connection", "Transfer-Encoding", "Upgrade"} {
					if resp.Header[f] != nil {
						t.Errorf("%s is still there", f)
					}
				}
			}
			if kindOf(err) != c.want || c.want == 0 && (err != nil || string(body) != c.body) {
				t.Errorf("got %v %q, want %d %q", err, body, c.want, c.body)
			}
			if n := u.targets[0].inflight.Load(); n != 0 {
				t.Errorf("%d claims are left", n)
			}
		})
	}
}

func trickle(c net.Conn, s string) {
	for i := range len(s) {
		if _, err := c.Write([]byte{s[i]}); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// An answer's own hop-by-hop fields stay behind, also those that Connection names; the rest arrives.
func TestAnswerHeader(t *testing.T) {
	upstream := testkit.NewUpstream(t, "HTTP/1.1 200 OK\r\nConnection: x-mine, content-type\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n"+
		"Upgrade: h2c\r\nContent-Type: a/b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok")
	u := startUpstream(t, config.Upstream{}, upstream.URL)
	e, _, err := fetch(u, &Request{Method: "GET", Path: "/", Host: "h"})
	if err != nil {
		t.Fatal(err)
	}
	h := e.Response.Header
	if len(h) != 3 || h.Get("Content-Type") != "a/b" || len(h["Set-Cookie"]) != 2 || h.Get("Content-Length") != "2" {
		t.Error(h)
	}
}

func deadAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return "http://" + l.Addr().String()
}

func TestUnreachable(t *testing.T) {
	u := startUpstream(t, config.Upstream{Breaker: config.Breaker{Failures: 4}}, deadAddress(t))
	out := &Request{Method: "GET", Path: "/", Host: "h"}
	for i := range 2 { // each with one retry
		e, _, err := fetch(u, out)
		if kindOf(err) != Unreachable || e.Upstream.Attempts != 2 {
			t.Fatalf("%d: %v after %d", i, err, e.Upstream.Attempts)
		}
	}
	e, _, err := fetch(u, out)
	var failed *Error
	if !errors.As(err, &failed) || failed.Kind != Open || failed.Reason() != exchange.UpstreamOpen || failed.Pause != defaultPause || e.Upstream.Attempts != 0 {
		t.Errorf("%v after %d", err, e.Upstream.Attempts)
	}
}

// Which failed requests are sent again, and where.
func TestRetry(t *testing.T) {
	good := testkit.NewUpstream(t, "")
	var hits atomic.Int64
	closes := scripted(t, func(net.Conn, int) { hits.Add(1) })
	half := scripted(t, func(c net.Conn, _ int) { hits.Add(1); io.WriteString(c, "HTTP/1.1 200") })
	busy := testkit.NewUpstream(t, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
	for name, c := range map[string]struct {
		out   Request
		bad   string
		again bool
	}{
		"GET, closed":           {Request{Method: "GET"}, closes, true},
		"PUT with body, closed": {Request{Method: "PUT", Body: []byte("x")}, closes, true},
		"DELETE, closed":        {Request{Method: "DELETE"}, closes, true},
		"POST, closed":          {Request{Method: "POST", Body: []byte("x")}, closes, false},
		"PATCH, closed":         {Request{Method: "PATCH"}, closes, false},
		"PUT stream, closed":    {Request{Method: "PUT", Stream: http.NoBody, Length: -1}, closes, false},
		"POST, no connection":   {Request{Method: "POST", Body: []byte("x")}, deadAddress(t), true},
		"GET, half an answer":   {Request{Method: "GET"}, half, false},
		"GET, 503":              {Request{Method: "GET"}, busy.URL, false},
	} {
		u := startUpstream(t, config.Upstream{}, c.bad, good.URL)
		u.targets[1].inflight.Store(100) // so that the bad one is chosen first
		good.Reset()
		hits.Store(0)
		c.out.Path, c.out.Host = "/", "h"
		e, body, err := fetch(u, &c.out)
		if again := err == nil && body == "ok" && e.Upstream.Attempts == 2 && e.Upstream.Target == good.URL && len(good.Requests()) == 1; again != c.again {
			t.Errorf("%s: %v %q, %+v", name, err, body, e.Upstream)
		}
		if hits.Load() > 1 {
			t.Errorf("%s: sent %d times to the bad target", name, hits.Load())
		}
	}
}

// A kept connection that died is no failure, also for POST whose bytes never left; the transport sees to it.
func TestDeadKeptConnection(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
	defer srv.Close()
	u := startUpstream(t, config.Upstream{}, srv.URL)
	for range 3 {
		_, body, err := fetch(u, &Request{Method: "PUT", Path: "/", Host: "h", Body: []byte("hello")})
		if err != nil || body != "hello" {
			t.Fatal(err, body)
		}
		srv.CloseClientConnections()
	}
}

// A client that leaves is not a failure of the upstream.
func TestCanceled(t *testing.T) {
	arrived := make(chan struct{})
	u := startUpstream(t, config.Upstream{Breaker: config.Breaker{Failures: 1}}, scripted(t, func(c net.Conn, _ int) {
		close(arrived)
		c.Read(make([]byte, 1))
	}))
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-arrived; cancel() }()
	_, err := u.RoundTrip(ctx, stranger(), &Request{Method: "GET", Path: "/", Host: "h"})
	var failed *Error
	if !errors.As(err, &failed) || failed.Kind != Canceled || failed.Reason() != nil {
		t.Errorf("%v", err)
	}
	if u.targets[0].look(time.Now()) != usable || u.targets[0].inflight.Load() != 0 {
		t.Error("the target was blamed")
	}
}

func TestHeaderTimeout(t *testing.T) {
	u := startUpstream(t, config.Upstream{HeaderTimeout: config.Duration(30 * time.Millisecond)}, scripted(t, func(c net.Conn, _ int) { c.Read(make([]byte, 1)) }))
	e, _, err := fetch(u, &Request{Method: "GET", Path: "/", Host: "h"})
	if kindOf(err) != Timeout || e.Upstream.Attempts != 1 {
		t.Errorf("%v after %d", err, e.Upstream.Attempts)
	}
}

func TestNewUpstreamRefuses(t *testing.T) {
	for name, c := range map[string]config.Upstream{
		"none":        {},
		"no scheme":   {Targets: []string{"localhost:9000"}},
		"other":       {Targets: []string{"ftp://h"}},
		"path":        {Targets: []string{"http://h/api"}},
		"query":       {Targets: []string{"http://h/?a"}},
		"user":        {Targets: []string{"http://user:secret@h"}},
		"no host":     {Targets: []string{"http://:80"}},
		"no ca":       {Targets: []string{"https://h"}, CA: "/nonexistent"},
		"no cert":     {Targets: []string{"https://h"}, Cert: "/nonexistent", Key: "/nonexistent"},
		"key alone":   {Targets: []string{"https://h"}, Key: "header_test.go"},
		"ca is empty": {Targets: []string{"https://h"}, CA: "header_test.go"},
		"host":        {Targets: []string{"http://h"}, Host: "other"},
	} {
		pool := NewPool()
		if _, err := pool.Upstream(c); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
		pool.Close()
	}
}

// Settings decide what is reused; Retain closes the rest, and what is in flight there still finishes.
func TestPool(t *testing.T) {
	leave := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-leave
		}
		io.WriteString(w, "done")
	}))
	defer srv.Close()
	pool := NewPool()
	defer pool.Close()
	settings := config.Upstream{Targets: []string{srv.URL}}
	one, two := 1, 1
	a, _ := pool.Upstream(settings)
	settings.Retries = &one
	b, _ := pool.Upstream(settings)
	settings.Retries = &two
	c, err := pool.Upstream(settings)
	if err != nil || a == b || b != c {
		t.Fatalf("%v %p %p %p", err, a, b, c)
	}
	got := make(chan string)
	go func() {
		_, body, _ := fetch(a, &Request{Method: "GET", Path: "/slow", Host: "h"})
		got <- body
	}()
	for a.targets[0].inflight.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	pool.Retain(b)
	if again, _ := pool.Upstream(settings); again != b {
		t.Error("the retained one was lost")
	}
	if _, body, err := fetch(a, &Request{Method: "GET", Path: "/", Host: "h"}); body != "done" {
		t.Errorf("late request of the old snapshot: %v", err)
	}
	close(leave)
	if body := <-got; body != "done" {
		t.Errorf("request in flight: %q", body)
	}
}

func TestProbe(t *testing.T) {
	var sick atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" && sick.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer srv.Close()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer other.Close()
	u := startUpstream(t, config.Upstream{Health: config.Health{Path: "/healthz", Every: config.Duration(5 * time.Millisecond)}}, srv.URL, other.URL)
	until := func(down bool) {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); u.targets[0].down.Load() != down; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("down is never %v", down)
			}
		}
	}
	sick.Store(true)
	until(true)
	for range 20 {
		if e, _, err := fetch(u, &Request{Method: "GET", Path: "/", Host: "h"}); err != nil || e.Upstream.Target != other.URL {
			t.Fatalf("%v from %s", err, e.Upstream.Target)
		}
	}
	sick.Store(false)
	until(false)
}

// Large bodies pass both ways unchanged, over kept connections, from many goroutines.
func TestConcurrent(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
	defer srv.Close()
	u := startUpstream(t, config.Upstream{}, srv.URL)
	body := bytes.Repeat([]byte("0123456789abcdef"), 20<<10)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				if _, got, err := fetch(u, &Request{Method: "POST", Path: "/", Host: "h", Body: body}); err != nil || got != string(body) {
					t.Errorf("%v, %d bytes", err, len(got))
				}
			}
		})
	}
	all.Wait()
}
