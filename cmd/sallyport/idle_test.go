package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/net/http2"
)

// What the documentation promises for each idle connection, with room for what a collection has not yet returned.
const (
	idleBytes   = 32 << 10
	secureBytes = 72 << 10
	socketBytes = 112 << 10
)

// TestIdleConnections holds 50,000 idle keepalive connections, 5,000 of HTTP/2 over TLS and 5,000 WebSockets on a real
// process, or as many as the limit of open files allows, and says what each costs. Afterwards nothing is left of them.
func TestIdleConnections(t *testing.T) {
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("takes a minute, and all ports: make idle")
	}
	n := heldAtMost(t)
	t.Setenv("GOGC", "25") // what is measured is what they need, not what was left for the collector
	g, plain, secure := startEdge(t, http.HandlerFunc(echoOrText))
	h := &holding{t: t, g: g, dialers: loopback(10)}
	t.Run("HTTP/1.1", func(t *testing.T) { h.hold(t, n*10/13, idleBytes, h.keepalive(plain)) })
	t.Run("HTTP/2 over TLS", func(t *testing.T) { h.hold(t, n/13, secureBytes, h.http2(secure)) })
	t.Run("WebSocket", func(t *testing.T) { h.hold(t, n/13, socketBytes, h.socket(plain)) })
	if open := g.metric("sallyport_connections_open"); open != int64(len(h.open)) {
		t.Errorf("%d connections are open, %d are held", open, len(h.open))
	}
	t.Logf("together %d connections in %d MiB", len(h.open), g.metric("process_resident_memory_bytes")>>20)
	h.release()
	g.upstreams[0].CloseClientConnections() // the gateway keeps some, for the next request
	await(t, "all connections to be gone", func() bool { return g.metric("sallyport_connections_open") == 0 })
	await(t, "all goroutines to be gone", func() bool { return g.metric("go_goroutines") <= g.idle+slack })
}

// heldAtMost is how many connections the limit of open files lets this process hold: a WebSocket needs two, since the
// upstream is here too.
func heldAtMost(t *testing.T) int {
	t.Helper()
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	n := min(65_000, int(files.Cur)*13/16)
	if n < 65_000 {
		t.Logf("the limit of %d open files allows %d connections; 65,000 need 80,000", files.Cur, n)
	}
	return n
}

func echoOrText(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/socket" {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "text")
		return
	}
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, data, err := c.Read(context.Background())
		if err != nil || c.Write(context.Background(), kind, data) != nil {
			return
		}
	}
}

// loopback is so many addresses to dial from, since one has no more than 28,000 ports.
func loopback(n int) (all []*net.Dialer) {
	for i := range n {
		all = append(all, &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i))}, Timeout: time.Minute})
	}
	return all
}

// holding opens connections, and keeps them.
type holding struct {
	t       *testing.T
	g       *soaked
	dialers []*net.Dialer
	mu      sync.Mutex
	open    []func()
}

// hold opens n by 16 at once, and says what one of them costs the gateway.
func (h *holding) hold(t *testing.T, n int, most int64, open func(*net.Dialer) (func(), error)) {
	before, stacks := h.g.metric("process_resident_memory_bytes"), h.g.metric("go_memstats_stack_inuse_bytes")
	var workers sync.WaitGroup
	next := make(chan int)
	for range 16 {
		workers.Go(func() {
			for i := range next {
				end, err := open(h.dialers[i%len(h.dialers)])
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					continue
				}
				h.mu.Lock()
				h.open = append(h.open, end)
				h.mu.Unlock()
			}
		})
	}
	for i := 0; i < n && !t.Failed(); i++ {
		next <- i
	}
	close(next)
	workers.Wait()
	grown := h.g.metric("process_resident_memory_bytes") - before
	t.Logf("%d connections: %d MiB more, %d bytes each, of which %d of stacks; %d goroutines", n, grown>>20, grown/int64(n),
		(h.g.metric("go_memstats_stack_inuse_bytes")-stacks)/int64(n), h.g.metric("go_goroutines"))
	if grown/int64(n) > most {
		t.Errorf("more than %d bytes each", most)
	}
}

func (h *holding) release() {
	for _, end := range h.open {
		end()
	}
}

func (h *holding) keepalive(address string) func(*net.Dialer) (func(), error) {
	return func(d *net.Dialer) (func(), error) {
		c, err := d.Dial("tcp", address)
		if err != nil {
			return nil, err
		}
		if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", address); err != nil {
			return nil, err
		}
		resp, err := http.ReadResponse(bufio.NewReaderSize(c, 512), nil)
		if err != nil || resp.StatusCode != http.StatusOK || resp.Close {
			return nil, fmt.Errorf("not kept alive: %v %w", resp, err)
		}
		return func() { c.Close() }, nil
	}
}

func (h *holding) http2(address string) func(*net.Dialer) (func(), error) {
	conf := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}
	return func(d *net.Dialer) (func(), error) {
		c, err := tls.DialWithDialer(d, "tcp", address, conf)
		if err != nil {
			return nil, err
		}
		conn, err := new(http2.Transport).NewClientConn(c) //nolint:staticcheck // net/http lends no connection that is held without a request
		if err != nil {
			return nil, err
		}
		req, _ := http.NewRequest(http.MethodGet, "https://"+address+"/", nil)
		resp, err := conn.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return func() { conn.Close() }, err
	}
}

func (h *holding) socket(address string) func(*net.Dialer) (func(), error) {
	return func(d *net.Dialer) (func(), error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		tr := &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}
		c, _, err := websocket.Dial(ctx, "ws://"+address+"/socket", &websocket.DialOptions{HTTPClient: &http.Client{Transport: tr}})
		if err != nil {
			return nil, err
		}
		if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
			return nil, err
		}
		if _, text, err := c.Read(ctx); err != nil || !strings.Contains(string(text), "hello") {
			return nil, fmt.Errorf("no echo: %q %w", text, err)
		}
		return func() { c.CloseNow() }, nil
	}
}
