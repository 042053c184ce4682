package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/sallyport/sallyport/config"
)

// dialQUIC opens a connection that stays by itself.
func dialQUIC(ctx context.Context, s *Server) (*quic.Conn, error) {
	return quic.DialAddr(ctx, s.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}}, &quic.Config{KeepAlivePeriod: 10 * time.Millisecond})
}

// A client that shows that it is there, and begins what it never asks, is idle.
func TestHTTP3Idle(t *testing.T) {
	files := writeCert(t, t.TempDir(), 1)
	s := start(t, config.Listener{TLS: &files, HTTP3: true, IdleTimeout: soon}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { time.Sleep(2 * time.Duration(soon)) }))
	conn, err := dialQUIC(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseWithError(0, "")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := new(http3.Transport).NewClientConn(conn).RoundTrip(r)
	if err != nil {
		t.Fatalf("a request that takes longer than an idle connection may: %v", err)
	}
	resp.Body.Close()
	beginAndStay(t, conn)
}

// A connection on which nothing was ever asked ends as soon as on TCP.
func TestHTTP3FirstRequest(t *testing.T) {
	files := writeCert(t, t.TempDir(), 1)
	s := start(t, config.Listener{TLS: &files, HTTP3: true, HeaderTimeout: soon, IdleTimeout: config.Duration(time.Hour)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	conn, err := dialQUIC(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseWithError(0, "")
	beginAndStay(t, conn)
}

// beginAndStay begins a stream without a request, and waits to be sent away.
func beginAndStay(t *testing.T, conn *quic.Conn) {
	t.Helper()
	stream, err := conn.OpenStreamSync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = stream.Write([]byte{1}) // the type of a frame, without a length
	var why *quic.ApplicationError
	select {
	case <-conn.Context().Done():
		if err := context.Cause(conn.Context()); !errors.As(err, &why) || why.ErrorCode != noError {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("it stays")
	}
}

// The more streams a client may have open, or all clients together, the fewer a new connection gets, and some always.
func TestHTTP3Streams(t *testing.T) {
	s := serveHTTP3(t, config.Limits{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	all := s.door.clients
	counted := func() int {
		all.mu.Lock()
		defer all.mu.Unlock()
		return all.streams
	}
	opens := func() (n int, end func()) {
		conn, err := quic.DialAddr(t.Context(), s.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for ; n < 1000; n++ {
			if _, err := conn.OpenStream(); err != nil {
				break
			}
		}
		return n, func() { conn.CloseWithError(0, "") }
	}
	var ends []func()
	for _, want := range []int{defaultStreams, (streamsOfClient - defaultStreams) / partOfClient} {
		n, end := opens()
		if ends = append(ends, end); n != want {
			t.Errorf("%d streams, want %d", n, want)
		}
	}
	held := counted()
	for _, c := range [][2]int{{2000, leastStreams}, {20 * partOfAll, 20}, {-10_000, leastStreams}} {
		all.grant(nil, streamsOfAll-counted()-c[0])
		if n := all.allowance(netip.MustParseAddr("192.0.2.1")); n != c[1] {
			t.Errorf("%d streams where %d are left for all, want %d", n, c[0], c[1])
		}
	}
	n, end := opens()
	if ends = append(ends, end); n != leastStreams {
		t.Errorf("%d streams where none is left", n)
	}
	for _, end := range ends {
		end()
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		now := counted()
		if now == streamsOfAll+10_000-held {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d are counted after their connections have ended", now)
		}
	}
}

// Of a connection that has ended nothing stays in memory, however long it might have been idle.
func TestHTTP3Forgets(t *testing.T) {
	seen := make(chan weak.Pointer[quicConn], 1)
	files := writeCert(t, t.TempDir(), 1)
	s := start(t, config.Listener{TLS: &files, HTTP3: true, IdleTimeout: config.Duration(time.Hour)}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- weak.Make(quicOf(r.Context())) }))
	tr := newHTTP3Client(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	tr.Close()
	conn := <-seen
	for deadline := time.Now().Add(time.Minute); conn.Value() != nil; time.Sleep(10 * time.Millisecond) {
		if runtime.GC(); time.Now().After(deadline) {
			t.Fatal("it is still in memory")
		}
	}
}

// Strangers stand in line with their handshakes and with their requests.
func TestHTTP3StandsInLine(t *testing.T) {
	l := NewLine(func(netip.Addr) Standing { return Stranger })
	files := writeCert(t, t.TempDir(), 1)
	s := startWith(t, config.Listener{TLS: &files, HTTP3: true}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), Options{Line: l})
	l.asked.Store(int64(time.Hour)) // somebody known does, all the time
	crowd(l, 1)
	standing := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			if now, _, _ := l.Waiting(); now == n {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("nobody stands in line behind %d", n-1)
			}
		}
	}
	next := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.let = 0
		l.admit() // of the last
	}
	asked := make(chan error)
	go func() {
		conn, err := dialQUIC(t.Context(), s)
		if asked <- err; err != nil {
			return
		}
		defer conn.CloseWithError(0, "")
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Addr().String(), nil)
		resp, err := new(http3.Transport).NewClientConn(conn).RoundTrip(r)
		if err == nil {
			resp.Body.Close()
		}
		asked <- err
	}()
	for range 2 { // the handshake, the request
		standing(2)
		select {
		case err := <-asked:
			t.Fatalf("it overtook somebody: %v", err)
		default:
		}
		next()
		if err := <-asked; err != nil {
			t.Fatal(err)
		}
	}
}

// Who has wasted handshakes waits before the next one is computed, and counts as waiting until then, or until it is gone.
func TestQUICHasPatience(t *testing.T) {
	l := newLimits(config.Listener{})
	d := &door{limits: &l, clients: newClients(&l), tally: new(tally)}
	come := func() (context.Context, func(), error) {
		ctx, end := context.WithCancel(t.Context())
		ctx, err := d.enterQUIC(ctx, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1)}, &settings{})
		return ctx, end, err
	}
	ctx, end, err := come()
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	k := quicOf(ctx).client
	for range 2 * maxWasted {
		k.used(false, time.Now())
	}
	var ends []func()
	for range maxWaiting {
		ctx, end, err := come()
		if err != nil || quicOf(ctx).pause < wasteWait/2 {
			t.Fatal("it doesn't wait", err)
		}
		ends = append(ends, end)
	}
	if _, _, err := come(); err == nil {
		t.Error("any number waits")
	}
	for _, end := range ends {
		end()
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if ctx, end, err = come(); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("who is gone still waits")
		}
	}
	began := time.Now()
	if err := quicOf(ctx).await(ctx); err != nil || time.Since(began) < wasteWait/2 {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	end()
	ctx, end, err = come()
	if err != nil {
		t.Fatal(err)
	}
	end()
	if err := quicOf(ctx).await(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a handshake for nobody: %v", err)
	}
}

// What a stream costs that is begun and never asks: in memory of the server and of its client, which are one process here.
func BenchmarkStreamsThatNeverAsk(b *testing.B) {
	files := writeCert(b, b.TempDir(), 1)
	s, err := New(config.Listener{Address: "127.0.0.1:0", TLS: &files, HTTP3: true}, http.NotFoundHandler(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve() }()
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	for b.Loop() {
		conn, err := dialQUIC(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
		before, begun := memory(), 0
		for ; begun < defaultStreams; begun++ {
			stream, err := conn.OpenStream()
			if err != nil {
				break
			}
			_, _ = stream.Write([]byte{1})
		}
		time.Sleep(200 * time.Millisecond) // until the server has them
		b.ReportMetric((float64(memory())-float64(before))/float64(begun), "B/stream")
		conn.CloseWithError(0, "")
	}
	s.Shutdown(context.Background())
	if err := <-done; err != nil {
		b.Error(err)
	}
}
