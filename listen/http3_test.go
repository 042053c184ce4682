package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/sallyport/sallyport/config"
)

// serveHTTP3 serves h over all three versions.
func serveHTTP3(t *testing.T, limits config.Limits, h http.Handler) *Server {
	t.Helper()
	files := writeCert(t, t.TempDir(), 1)
	return start(t, config.Listener{TLS: &files, HTTP3: true, Limits: limits, MaxHeader: 4096}, h)
}

func newHTTP3Client(t *testing.T) *http3.Transport {
	tr := &http3.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "shop.example"}}
	t.Cleanup(func() { tr.Close() })
	return tr
}

// What the handler sees over HTTP/3 is what it sees over HTTP/2, and the older versions say where it is.
func TestHTTP3(t *testing.T) {
	s := serveHTTP3(t, config.Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := Check(r, nil); !v.Passed() {
			t.Errorf("%+v", v)
		}
		c := Client(r)
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Connection", "close") // as after a refusal
		fmt.Fprintf(w, "%s %v %s %s %s %.1s %s %s", c.Proto, c.TLS, c.ServerName, c.Addr, r.RequestURI, c.JA4, r.Host, body)
	}))
	url := "https://" + s.Addr().String()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/a?b=c", strings.NewReader("hello"))
	resp, err := newHTTP3Client(t).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	if want := "HTTP/3.0 true shop.example 127.0.0.1 /a?b=c q " + s.Addr().String() + " hello"; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	if resp.Header.Get("Connection") != "" || resp.Header.Get("Alt-Svc") != "" {
		t.Errorf("%v", resp.Header)
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer tr.CloseIdleConnections()
	older, err := (&http.Client{Transport: tr}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer older.Body.Close()
	if _, port, _ := strings.Cut(s.Addr().String(), ":"); older.Header.Get("Alt-Svc") != `h3=":`+port+`"; ma=86400` {
		t.Errorf("%v", older.Header)
	}
}

// Connections of QUIC count with the others, and are free again when they end.
func TestHTTP3Caps(t *testing.T) {
	s := serveHTTP3(t, config.Limits{Connections: 2, PerClient: 1}, ok)
	url := "https://" + s.Addr().String()
	get := func(tr *http3.Transport) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	first, second := newHTTP3Client(t), newHTTP3Client(t)
	if err := get(first); err != nil {
		t.Fatal(err)
	}
	if get(second) == nil {
		t.Error("a second connection of one address is served")
	}
	if n := s.Stats().Cuts["connections_per_client"]; n < 1 {
		t.Errorf("counted %d", n)
	}
	first.Close()
	for deadline := time.Now().Add(15 * time.Second); s.Stats().Open > 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	if err := get(newHTTP3Client(t)); err != nil {
		t.Errorf("what was closed is still counted: %v", err)
	}
}

// Too large a header, a trickling body and too many streams are bounded as on HTTP/2.
func TestHTTP3Limits(t *testing.T) {
	hold, started, outcome := make(chan struct{}), make(chan struct{}, 2), make(chan error, 1)
	s := serveHTTP3(t, config.Limits{MinRate: 1000, RateWindow: soon, Streams: 2}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hold":
			_, _ = io.Copy(io.Discard, r.Body)
			started <- struct{}{}
			<-hold
		case "/body":
			_, err := io.Copy(io.Discard, r.Body)
			outcome <- err
		}
	}))
	url, tr := "https://"+s.Addr().String(), newHTTP3Client(t)
	large, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	large.Header.Set("X", strings.Repeat("a", 16<<10))
	if resp, err := tr.RoundTrip(large); err == nil && resp.StatusCode < 400 {
		t.Errorf("a large header: %s", resp.Status)
	}
	slow, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/body", &trickle{left: 1000, pause: 50 * time.Millisecond, piece: 5})
	slow.ContentLength = 1000
	go func() {
		if resp, err := tr.RoundTrip(slow); err == nil {
			resp.Body.Close()
		}
	}()
	if err := <-outcome; err == nil {
		t.Error("a trickle was waited for")
	}
	awaitCut(t, s, slowBody, 1)
	conn, err := quic.DialAddr(t.Context(), s.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseWithError(0, "")
	client := new(http3.Transport).NewClientConn(conn)
	for range 2 { // taken back, they hold their places until their handlers have returned
		held, err := client.OpenRequestStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/hold", nil)
		_ = held.SendRequestHeader(req)
		held.Close()
		<-started
		held.CancelRead(0x10c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := client.OpenRequestStream(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third stream: %v", err)
	}
	close(hold)
	if _, err := client.OpenRequestStream(t.Context()); err != nil {
		t.Errorf("a stream afterwards: %v", err)
	}
}

// Requests that are taken back cost the client more than it has.
func TestHTTP3RapidReset(t *testing.T) {
	s := serveHTTP3(t, config.Limits{Resets: 20}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	var conns []*quic.Conn // opened before any is cut
	for range 13 {
		conn, err := quic.DialAddr(t.Context(), s.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	reset := func(conn *quic.Conn) {
		defer conn.CloseWithError(0, "")
		client := new(http3.Transport).NewClientConn(conn)
		for range 1000 {
			held, err := client.OpenRequestStream(t.Context())
			if err != nil {
				break
			}
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Addr().String(), nil)
			_ = held.SendRequestHeader(req)
			time.Sleep(time.Millisecond) // until it is being served
			held.CancelRead(0x10c)
		}
		select {
		case <-conn.Context().Done():
		case <-time.After(15 * time.Second):
			t.Error("still served")
		}
	}
	reset(conns[0])
	awaitCut(t, s, manyResets, 1)
	for _, conn := range conns[1:] {
		reset(conn)
	}
	awaitCut(t, s, manyResetsClient, 1)
}

// Shutdown lets requests end, and does not wait for clients that have none.
func TestHTTP3Shutdown(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := serveHTTP3(t, config.Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "finished")
	}))
	idle, err := quic.DialAddr(t.Context(), s.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.CloseWithError(0, "")
	answer := make(chan string)
	go func() {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Addr().String(), nil)
		resp, err := newHTTP3Client(t).RoundTrip(req)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		answer <- string(text)
	}()
	<-entered
	drained := make(chan error)
	go func() { drained <- s.Shutdown(context.Background()) }()
	time.Sleep(2 * farewell) // the request is waited for, and not for so long only
	close(leave)
	if got := <-answer; got != "finished" {
		t.Errorf("request in flight: %q", got)
	}
	select {
	case err := <-drained:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(15 * time.Second): // by itself, the idle client ends after 30
		t.Error("a client without a request is waited for")
	}
	<-idle.Context().Done()
	if s.Stats().Open > 1 {
		t.Errorf("%+v", s.Stats())
	}
}

// Whoever takes over the socket of a listener waits for the port of HTTP/3 until its predecessor is gone, and serves it then.
func TestHTTP3WaitsForItsPredecessor(t *testing.T) {
	old := serveHTTP3(t, config.Limits{}, ok)
	file, err := old.Handle()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	socket, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	files := writeCert(t, t.TempDir(), 2)
	next, err := New(config.Listener{Address: old.Addr().String(), TLS: &files, HTTP3: true}, ok, Options{Inherited: &Inherited{sockets: []*net.TCPListener{socket.(*net.TCPListener)}, from: 1}})
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() { over <- next.Serve() }()
	time.Sleep(200 * time.Millisecond) // in which it tries
	if next.http3.Load() != nil {
		t.Fatal("two processes have the port")
	}
	if err := old.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(30 * time.Second); next.http3.Load() == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the port is free and not taken")
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+next.Addr().String(), nil)
	resp, err := newHTTP3Client(t).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := next.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	<-over
}
