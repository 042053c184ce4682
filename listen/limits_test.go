package listen

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/sallyport/sallyport/config"
)

// Limits of tests: soon for what is to be cut, patience where somebody good has to keep it on a loaded machine.
const (
	soon     = config.Duration(200 * time.Millisecond)
	patience = config.Duration(2 * time.Second)
)

// awaitCut waits until a cause has been counted so often.
func awaitCut(t *testing.T, s *Server, c cut, n int64) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); s.Stats().Cuts[c.String()] < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %d × %v: %v", n, c, s.Stats().Cuts)
		}
	}
}

// dialFrom dials from an address of loopback.
func dialFrom(t *testing.T, local string, s *Server) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
	c, err := d.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// answered asks on an open connection.
func answered(c net.Conn) bool {
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") // it may be closed already
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// One address cannot take the connections of others, and all together not more than there are; what is closed is free again.
func TestConnectionCaps(t *testing.T) {
	s := start(t, config.Listener{Limits: config.Limits{Connections: 5, PerClient: 3}}, ok)
	var greedy []net.Conn
	for range 3 {
		c := dialFrom(t, "127.0.0.2", s)
		if !answered(c) {
			t.Fatal("refused below the cap")
		}
		greedy = append(greedy, c)
	}
	if answered(dialFrom(t, "127.0.0.2", s)) {
		t.Error("a fourth connection of one address is served")
	}
	for range 2 {
		if !answered(dialFrom(t, "127.0.0.3", s)) {
			t.Error("another address is not served")
		}
	}
	if answered(dialFrom(t, "127.0.0.4", s)) {
		t.Error("more connections than allowed in all are served")
	}
	if got := s.Stats(); got.Cuts["connections"] != 1 || got.Cuts["connections_per_client"] != 1 || got.Open != 5 || got.Accepted != 5 {
		t.Errorf("%+v", got)
	}
	greedy[0].Close()
	for deadline := time.Now().Add(10 * time.Second); s.Stats().Open != 4 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	if !answered(dialFrom(t, "127.0.0.2", s)) {
		t.Error("what was closed is still counted")
	}
}

// A trusted proxy speaks for many.
func TestTrustedProxyIsNoClient(t *testing.T) {
	s := start(t, config.Listener{TrustedProxies: []string{"127.0.0.2/32"}, Limits: config.Limits{PerClient: 1}}, ok)
	for range 3 {
		if !answered(dialFrom(t, "127.0.0.2", s)) {
			t.Error("the proxy is bound by the limit of one client")
		}
	}
}

// What a client has spent is remembered after its connections are gone, for a bounded number of clients.
func TestClientsAreBounded(t *testing.T) {
	l := newLimits(config.Listener{Limits: config.Limits{Handshakes: 1}})
	all := newClients(&l)
	addr := netip.MustParseAddr("2001:db8::1")
	for range maxRemembered + 100 {
		k, _, ok := all.enter(addr, 1)
		if !ok {
			t.Fatal("refused")
		}
		all.leave(k)
		next := addr.As16()
		for i := 7; i >= 0; i-- { // the next /64
			if next[i]++; next[i] != 0 {
				break
			}
		}
		addr = netip.AddrFrom16(next)
	}
	if n := len(all.known); n == 0 || n > maxRemembered || all.resting != n || all.open != 0 {
		t.Errorf("%d known, %d resting, %d open", n, all.resting, all.open)
	}
	same := netip.MustParseAddr("2001:db8:ffff::1")
	for range 4 {
		if _, _, ok := all.enter(same, 1); !ok {
			t.Fatal("refused within the burst")
		}
		same = same.Next()
	}
	if _, c, ok := all.enter(same, 1); ok || c != manyHandshakes {
		t.Error("a /64 counts as many clients")
	}
}

// Whoever begins too many handshakes is not listened to, while others are.
func TestHandshakeRate(t *testing.T) {
	s := secure(t, config.Limits{Handshakes: 1}, ok)
	shake := func(local string) error {
		c := tls.Client(dialFrom(t, local, s), &tls.Config{InsecureSkipVerify: true})
		defer c.Close()
		return c.Handshake()
	}
	refused := 0
	for range 12 { // four at once, one more each second
		if shake("127.0.0.2") != nil {
			refused++
		}
	}
	if refused < 5 || s.Stats().Cuts["handshakes_per_client"] != int64(refused) {
		t.Errorf("%d refused, %v", refused, s.Stats().Cuts)
	}
	if err := shake("127.0.0.3"); err != nil {
		t.Errorf("another address: %v", err)
	}
}

// A client whose connections serve nothing begins the next ones later, and holds so many at most that wait; what it uses pays for that.
func TestWastedHandshakes(t *testing.T) {
	l, now := newLimits(config.Listener{}), time.Now()
	all := newClients(&l)
	enter := func(addr string) *client {
		k, _, ok := all.enter(netip.MustParseAddr(addr), 1)
		if !ok {
			t.Fatal("refused")
		}
		return k
	}
	waits := func(k *client) bool {
		wait, ok := k.patience(now)
		if wait > 0 {
			k.waited()
		}
		return !ok || wait > 0
	}
	k := enter("192.0.2.1")
	for n := range 3 * maxWasted {
		if n == maxWasted {
			for range maxWasted {
				k.used(true, now)
			}
		}
		if waits(k) {
			t.Fatalf("the handshake after %d waits", n)
		}
		k.used(false, now)
		if n >= 2*maxWasted-1 {
			break
		}
	}
	k.used(false, now)
	if !waits(k) || waits(enter("192.0.2.2")) || waits(nil) {
		t.Error("the wrong one waits")
	}
	local := enter("127.0.0.1")
	for range 2 * maxWasted {
		local.used(false, now)
	}
	if waits(local) {
		t.Error("this machine waits")
	}
	for range maxWaiting {
		if _, ok := k.patience(now); !ok {
			t.Fatal("refused too early")
		}
	}
	if _, ok := k.patience(now); ok {
		t.Error("any number waits")
	}
	k.waited()
	if wait, ok := k.patience(now); !ok || wait < wasteWait/2 || wait > wasteWait {
		t.Errorf("once one has waited: %s, %v", wait, ok)
	}
	k.waited()
	if now = now.Add(time.Minute); waits(k) {
		t.Error("it waits a minute later")
	}
}

// The same at the door itself: addresses are those that a proxy tells.
func TestWastedHandshakesWait(t *testing.T) {
	files := writeCert(t, t.TempDir(), 1)
	s := start(t, config.Listener{ProxyProtocol: []string{"127.0.0.1/32"}, TLS: &files}, ok)
	shake := func(from string) time.Duration {
		conn := dialFrom(t, "127.0.0.1", s)
		defer conn.Close()
		begun := time.Now()
		_, _ = fmt.Fprintf(conn, "PROXY TCP4 %s 198.51.100.1 4711 443\r\n", from)
		if err := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).Handshake(); err != nil {
			t.Fatal(err)
		}
		return time.Since(begun)
	}
	quick := 0
	for shake("203.0.113.7") < wasteWait/2 {
		if quick++; quick > 10*maxWasted {
			t.Fatal("it never waits")
		}
	}
	if quick < maxWasted {
		t.Errorf("the handshake after %d waits", quick)
	}
	if shake("203.0.113.8") >= wasteWait/2 && shake("203.0.113.9") >= wasteWait/2 {
		t.Error("others wait")
	}
}

// A client that says nothing, or stops within its handshake, is not waited for, and does not keep others waiting.
func TestHandshakeTimeout(t *testing.T) {
	s := secure(t, config.Limits{HandshakeTimeout: patience}, ok)
	for range 20 {
		dialFrom(t, "127.0.0.2", s) // mute
		go tls.Client(deaf{dialFrom(t, "127.0.0.2", s)}, &tls.Config{InsecureSkipVerify: true}).Handshake()
	}
	served := good(t, s)
	awaitCut(t, s, handshakeTimeout, 40)
	served()
}

// deaf sends its hello and reads no answer.
type deaf struct{ net.Conn }

func (c deaf) Read([]byte) (int, error) { time.Sleep(2 * time.Duration(patience)); return 0, io.EOF }

// Handshakes are computed in turns, and a turn ends however the handshake does.
func TestHandshakesTakeTurns(t *testing.T) {
	s := secure(t, config.Limits{HandshakeTimeout: patience}, ok)
	for range cap(s.door.turns) {
		s.door.turns <- struct{}{} // as if all were being computed
	}
	c := tls.Client(dialFrom(t, "127.0.0.2", s), &tls.Config{InsecureSkipVerify: true})
	if c.Handshake() == nil {
		t.Error("a handshake did not wait for its turn")
	}
	for range cap(s.door.turns) {
		<-s.door.turns
	}
	for range 10 * cap(s.door.turns) {
		c := tls.Client(dialFrom(t, "127.0.0.2", s), &tls.Config{InsecureSkipVerify: true})
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		bad := tls.Client(dialFrom(t, "127.0.0.2", s), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
		if bad.Handshake() == nil {
			t.Fatal("TLS 1.1 was accepted")
		}
	}
	awaitCut(t, s, handshakeFailed, int64(10*cap(s.door.turns)))
	if n := len(s.door.turns); n != 0 {
		t.Errorf("%d turns are not given back", n)
	}
	torn := s.door.admit(dialFrom(t, "127.0.0.2", s)) // closed within its turn
	s.door.turns <- struct{}{}
	torn.turn.Store(true)
	if torn.Close(); len(s.door.turns) != 0 {
		t.Error("a connection that was closed keeps its turn")
	}
}

// A body of declared length that trickles ends its request, on both versions; one that comes steadily does not, nor does
// one for which nobody waits.
func TestSlowBody(t *testing.T) {
	const window = config.Duration(500 * time.Millisecond)
	outcome := make(chan error, 1)
	s := secure(t, config.Limits{MinRate: 1000, RateWindow: window}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/busy" {
			_, _ = io.ReadFull(r.Body, make([]byte, 5))
			time.Sleep(3 * time.Duration(window))
		}
		_, err := io.Copy(io.Discard, r.Body)
		outcome <- err
	}))
	send := func(path string, proto bool, length int, pause time.Duration, piece int) {
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: proto}
		defer tr.CloseIdleConnections()
		body := &trickle{left: length, pause: pause, piece: piece}
		req, _ := http.NewRequest(http.MethodPost, "https://"+s.Addr().String()+path, body)
		req.ContentLength = int64(length)
		if resp, err := tr.RoundTrip(req); err == nil {
			resp.Body.Close()
		}
	}
	for _, h2 := range []bool{false, true} {
		before := s.Stats().Cuts["slow_body"]
		send("/", h2, 1000, 50*time.Millisecond, 5)
		if err := <-outcome; err == nil {
			t.Errorf("HTTP/2 %v: a trickle was waited for", h2)
		}
		if n := s.Stats().Cuts["slow_body"]; n != before+1 {
			t.Errorf("HTTP/2 %v: counted %d", h2, n-before)
		}
		send("/", h2, 4000, 20*time.Millisecond, 100)
		if err := <-outcome; err != nil {
			t.Errorf("HTTP/2 %v: a steady body: %v", h2, err)
		}
		send("/busy", h2, 10, time.Duration(window)/4, 5) // too slow, were it waited for
		if err := <-outcome; err != nil {
			t.Errorf("HTTP/2 %v: a body that nobody waited for: %v", h2, err)
		}
	}
}

// trickle is a body that comes in pieces, with a pause before each.
type trickle struct {
	left  int
	pause time.Duration
	piece int
}

func (b *trickle) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	time.Sleep(b.pause)
	n := min(b.piece, b.left, len(p))
	b.left -= n
	return n, nil
}

// An HTTP/2 client that keeps its window shut is not waited for, neither by the handler nor by what remains to be sent
// after it.
func TestShutWindow(t *testing.T) {
	for name, size := range map[string]int{"large": 1 << 20, "small": 100} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan struct{})
			s := secure(t, config.Limits{RateWindow: soon, MinRate: 1 << 20}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(asked)
				_, _ = io.WriteString(w, strings.Repeat("a", size))
			}))
			a := dialH2(t, s)
			_ = a.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
			_ = a.request(true)
			<-asked
			ended := make(chan error, 1)
			go func() { ended <- s.Shutdown(context.Background()) }() // waits for open streams
			select {
			case <-ended:
			case <-time.After(15 * time.Second):
				t.Error("the stream is still held")
			}
		})
	}
}

// Shutdown waits for a slow reader that keeps the minimum rate, and the reader gets everything.
func TestSteadyReaderGetsAll(t *testing.T) {
	s := start(t, config.Listener{Limits: config.Limits{RateWindow: config.Duration(500 * time.Millisecond)}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, 24<<20)) // in one piece, which takes longer than a window
	}))
	c := dialFrom(t, "127.0.0.1", s)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	total := 0
	for p := make([]byte, 512<<10); ; time.Sleep(40 * time.Millisecond) {
		n, err := io.ReadFull(c, p)
		if total += n; err != nil {
			break
		}
	}
	if total < 24<<20 {
		t.Errorf("cut off after %d bytes: %v", total, s.Stats().Cuts)
	}
}

// A reader that takes little, but all the time, is let be; one that takes nothing is cut, and has no more than a bound of its
// answer waiting in the kernel.
func TestSlowReaders(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the bound")
	}
	accepted := make(chan int, 2)
	s := start(t, config.Listener{Limits: config.Limits{RateWindow: config.Duration(time.Second), MinRate: 1000}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := w.Write(make([]byte, 8<<20))
		accepted <- n
	}))
	small := func(_, _ string, raw syscall.RawConn) error { // before the window is announced
		return raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}
	ask := func() net.Conn {
		c, err := (&net.Dialer{Control: small}).Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		return c
	}
	steady := ask()
	p := make([]byte, 2048)
	for began := time.Now(); time.Since(began) < 4*time.Second; time.Sleep(100 * time.Millisecond) {
		if _, err := io.ReadFull(steady, p); err != nil {
			t.Fatalf("20 KiB a second are too little: %v", err)
		}
	}
	if n := s.Stats().Cuts["slow_reader"]; n != 0 {
		t.Errorf("%d readers were cut", n)
	}
	steady.Close()
	<-accepted
	ask()
	awaitCut(t, s, slowReader, 1)
	if n := <-accepted; n > 1<<20 {
		t.Errorf("%d bytes wait for a reader that stands still", n)
	}
}

// A head that does not arrive in time is counted; an idle connection is not.
func TestSlowHeadIsCounted(t *testing.T) {
	s := start(t, config.Listener{HeaderTimeout: soon, IdleTimeout: soon}, ok)
	if got := raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.Contains(got, "200 OK") {
		t.Error(got)
	}
	if n := s.Stats().Cuts["slow_request"]; n != 0 {
		t.Errorf("an idle connection counts: %d", n)
	}
	c := dialFrom(t, "127.0.0.1", s)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nX-Never")
	if _, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("still held")
	}
	awaitCut(t, s, slowRequest, 1)
}

// A connection that is old, or has carried enough, ends with an answer that says so, and nothing is lost.
func TestConnectionsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		limits config.Limits
		cause  cut
	}{"requests": {config.Limits{MaxRequests: 3}, maxRequests}, "age": {config.Limits{MaxAge: 1}, maxAge}} {
		t.Run(name, func(t *testing.T) {
			s := start(t, config.Listener{Limits: c.limits}, ok)
			got := raw(t, s, strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 5))
			want := max(1, c.limits.MaxRequests)
			if n := strings.Count(got, "200 OK"); n != want || strings.Count(got, "Connection: close") != 1 {
				t.Errorf("%d answers, want %d: %q", n, want, got)
			}
			awaitCut(t, s, c.cause, 1)
			tls := secure(t, c.limits, ok)
			a := dialH2(t, tls)
			if code := a.flooded(10, func() error { return a.request(true) }); code != http2.ErrCodeNo {
				t.Errorf("GOAWAY with %v", code)
			}
			awaitCut(t, tls, c.cause, 1)
		})
	}
}

// Connections that stand in the door when it closes are not left open.
func TestShutdownEndsHandshakes(t *testing.T) {
	s := secure(t, config.Limits{}, ok)
	c := dialFrom(t, "127.0.0.1", s)
	for s.Stats().Open == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection within its handshake: %v", err)
	}
	for deadline := time.Now().Add(10 * time.Second); s.Stats().Open != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(fmt.Sprint("still open: ", s.Stats().Open))
		}
	}
}
