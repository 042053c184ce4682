package forward

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

func handshake(change ...string) *http.Request {
	r := &http.Request{Method: "GET", ProtoMajor: 1, ProtoMinor: 1, Host: "shop.example", Header: http.Header{
		"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}}
	for i := 0; i+1 < len(change); i += 2 {
		r.Header[change[i]] = []string{change[i+1]}
	}
	return r
}

func TestCheckUpgrade(t *testing.T) {
	only := func(origin string) bool { return origin == "https://app.example" }
	h2 := handshake()
	h2.ProtoMajor, h2.ProtoMinor = 2, 0
	post, body, twice := handshake(), handshake(), handshake()
	post.Method, body.ContentLength = "POST", -1
	twice.Header["Origin"] = []string{"https://app.example", "https://evil.example"}
	for name, c := range map[string]struct {
		r     *http.Request
		allow func(string) bool
		want  *exchange.Reason
	}{
		"good":                {handshake(), nil, nil},
		"own origin":          {handshake("Origin", "https://SHOP.example"), nil, nil},
		"allowed origin":      {handshake("Origin", "https://app.example"), only, nil},
		"other origin":        {handshake("Origin", "https://evil.example"), nil, exchange.CORSRefused},
		"lookalike":           {handshake("Origin", "https://shop.example.evil"), nil, exchange.CORSRefused},
		"null origin":         {handshake("Origin", "null"), nil, exchange.CORSRefused},
		"own is not on list":  {handshake("Origin", "https://shop.example"), only, exchange.CORSRefused},
		"two origins":         {twice, only, exchange.CORSRefused},
		"POST":                {post, nil, exchange.BadUpgrade},
		"body":                {body, nil, exchange.BadUpgrade},
		"HTTP/2":              {h2, nil, exchange.BadUpgrade},
		"no connection token": {handshake("Connection", "keep-alive"), nil, exchange.BadUpgrade},
		"h2c":                 {handshake("Upgrade", "h2c"), nil, exchange.BadUpgrade},
		"version 8":           {handshake("Sec-Websocket-Version", "8"), nil, exchange.BadUpgrade},
		"short key":           {handshake("Sec-Websocket-Key", "dGhlIHNhbXBsZQ=="), nil, exchange.BadUpgrade},
		"no base64":           {handshake("Sec-Websocket-Key", "%%%"), nil, exchange.BadUpgrade},
	} {
		v := CheckUpgrade(c.r, c.allow)
		if c.want == nil && !v.Passed() || c.want != nil && v.Reason != c.want {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// RFC 6455 section 1.3 has this pair.
func TestAcceptKey(t *testing.T) {
	if got := acceptKey("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Error(got)
	}
}

// SECURITY-LESSONS 20: only a 101 that answers the handshake becomes a tunnel.
func TestUpgradeAnswers(t *testing.T) {
	const good = "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	for name, c := range map[string]struct {
		answer string
		status int // 0: Broken
	}{
		"verified":                 {good + "Sec-WebSocket-Protocol: chat\r\n\r\n", 101},
		"extension that was asked": {good + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n", 101},
		"200 with upgrade":         {"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n", 200},
		"401":                      {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", 401},
		"no accept":                {"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 0},
		"other accept":             {strings.Replace(good, "s3p", "S3p", 1) + "\r\n", 0},
		"other protocol":           {strings.Replace(good, "Upgrade: websocket", "Upgrade: h2c", 1) + "\r\n", 0},
		"no connection token":      {strings.Replace(good, "Connection: Upgrade\r\n", "", 1) + "\r\n", 0},
		"subprotocol unasked":      {good + "Sec-WebSocket-Protocol: root\r\n\r\n", 0},
		"extension unasked":        {good + "Sec-WebSocket-Extensions: x-evil\r\n\r\n", 0},
	} {
		none := 0
		u := startUpstream(t, config.Upstream{Retries: &none}, scripted(t, func(conn net.Conn, _ int) {
			io.WriteString(conn, c.answer)
			if c.status == 101 {
				io.Copy(io.Discard, conn)
			}
		}))
		r := handshake("Sec-Websocket-Protocol", "chat, superchat", "Sec-Websocket-Extensions", "permessage-deflate")
		resp, err := u.Upgrade(context.Background(), stranger(), &Request{Method: "GET", Path: "/", Host: "h", Header: r.Header})
		if c.status == 0 && kindOf(err) != Broken || c.status != 0 && (err != nil || resp.StatusCode != c.status) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		if resp.StatusCode != 101 {
			if _, err := Tunnel(context.Background(), httptest.NewRecorder(), resp, 0, nil); !errors.Is(err, errNoTunnel) {
				t.Errorf("%s became a tunnel: %v", name, err)
			}
		}
		resp.Body.Close()
		if n := u.targets[0].inflight.Load(); n != 0 {
			t.Errorf("%s: %d claims are left", name, n)
		}
	}
}

type ended struct {
	Traffic
	err error
}

// tunnels is the shortest gateway for operations that declare streaming: websocket.
func tunnels(ctx context.Context, u *Upstream, idle time.Duration, over chan<- ended) http.Handler {
	return tunnelsUntil(nil, ctx, u, idle, over)
}

func tunnelsUntil(leave <-chan struct{}, ctx context.Context, u *Upstream, idle time.Duration, over chan<- ended) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := CheckUpgrade(r, nil); !v.Passed() {
			w.WriteHeader(v.Reason.Status)
			return
		}
		resp, err := u.Upgrade(r.Context(), stranger(), &Request{Method: r.Method, Path: r.URL.EscapedPath(), Host: r.Host, Header: r.Header})
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Length", "5")
		traffic, err := Tunnel(ctx, w, resp, idle, leave)
		over <- ended{traffic, err}
	})
}

// echoSocket answers every message with the same one.
func echoSocket(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}, CompressionMode: websocket.CompressionContextTakeover})
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(1 << 20)
		for {
			kind, data, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), kind, data); err != nil {
				return
			}
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

func dialSocket(t *testing.T, srv *httptest.Server) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, srv.URL+"/ws", &websocket.DialOptions{Subprotocols: []string{"chat"}, CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	if resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Content-Length") != "" || c.Subprotocol() != "chat" {
		t.Errorf("101 with %v", resp.Header)
	}
	return c
}

func TestTunnel(t *testing.T) {
	for name, settings := range map[string]config.Upstream{"plain": {}, "beside h2c": {H2C: true}} {
		over := make(chan ended, 1)
		u := startUpstream(t, settings, echoSocket(t).URL)
		srv := front(t, tunnels(context.Background(), u, time.Minute, over))
		c := dialSocket(t, srv)
		ctx := context.Background()
		c.SetReadLimit(1 << 20)
		for _, message := range []string{"hello", strings.Repeat("x", 200<<10), ""} {
			if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
				t.Fatal(err)
			}
			if _, got, err := c.Read(ctx); err != nil || string(got) != message {
				t.Fatalf("%s: %v, %d bytes", name, err, len(got))
			}
		}
		if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
			t.Errorf("%s: close handshake: %v", name, err)
		}
		if end := <-over; end.err != nil || end.FromClient < 10 || end.FromUpstream < 10 {
			t.Errorf("%s: %+v", name, end)
		}
		if n := u.targets[0].inflight.Load(); n != 0 {
			t.Errorf("%s: %d claims are left", name, n)
		}
	}
}

func TestTunnelEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	for name, c := range map[string]struct {
		ctx  context.Context
		idle time.Duration
		end  func()
		want error
	}{
		"idle":     {context.Background(), 30 * time.Millisecond, func() {}, ErrIdle},
		"shutdown": {ctx, time.Minute, cancel, context.Canceled},
	} {
		over := make(chan ended, 1)
		srv := front(t, tunnels(c.ctx, startUpstream(t, config.Upstream{}, echoSocket(t).URL), c.idle, over))
		socket := dialSocket(t, srv)
		c.end()
		if end := <-over; !errors.Is(end.err, c.want) {
			t.Errorf("%s: %v", name, end.err)
		}
		if _, _, err := socket.Read(context.Background()); err == nil {
			t.Errorf("%s: still open", name)
		}
	}
}

// While something moves in either direction a tunnel is not idle.
func TestTunnelBusy(t *testing.T) {
	over := make(chan ended, 1)
	srv := front(t, tunnels(context.Background(), startUpstream(t, config.Upstream{}, echoSocket(t).URL), 200*time.Millisecond, over))
	c := dialSocket(t, srv)
	for range 10 {
		time.Sleep(40 * time.Millisecond)
		if err := c.Write(context.Background(), websocket.MessageText, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Read(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	c.CloseNow()
	<-over
}
