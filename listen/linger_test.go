package listen

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
)

const upload = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n"

// refusing answers without a look at the body.
var refusing = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	_, _ = io.WriteString(w, strings.Repeat("too large ", 100))
})

// A client that sends all of a refused body before it reads anything reads the whole answer, every time.
func TestRefusalIsRead(t *testing.T) {
	files := writeCert(t, t.TempDir(), 1)
	for name, l := range map[string]config.Listener{"plain": {}, "TLS": {TLS: &files}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, l, refusing)
			body := make([]byte, 5_000_000)
			for i := range 200 {
				c := dialFrom(t, "127.0.0.1", s)
				if l.TLS != nil {
					c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
				}
				if _, err := io.WriteString(c, upload); err != nil {
					t.Fatal(i, err)
				}
				if _, err := c.Write(body); err != nil {
					t.Fatal(i, err)
				}
				resp, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatal(i, err)
				}
				if text, err := io.ReadAll(resp.Body); err != nil || len(text) != 1000 || resp.StatusCode != http.StatusRequestEntityTooLarge {
					t.Fatalf("%d: %s, %d bytes, %v", i, resp.Status, len(text), err)
				}
				c.Close()
			}
			if cuts := s.Stats().Cuts; cuts["lingering"] != 0 {
				t.Error(cuts)
			}
		})
	}
}

// lingering serves with bounds of its own for what lingers.
func lingering(t *testing.T, bound func(*limits)) *Server {
	t.Helper()
	s, err := New(config.Listener{Address: "127.0.0.1:0"}, refusing, Options{Checked: true})
	if err != nil {
		t.Fatal(err)
	}
	s.door.limits.lingerTime, s.door.limits.lingerSilence = time.Minute, time.Minute
	bound(s.door.limits)
	done := make(chan error)
	go func() { done <- s.Serve() }()
	t.Cleanup(func() {
		_ = s.Shutdown(t.Context()) // which is done already: whatever is left is cut
		<-done
	})
	return s
}

// refusedOn reads the refusal of an upload that is not sent, and then the end of our side.
func refusedOn(t *testing.T, c net.Conn) {
	t.Helper()
	_, _ = io.WriteString(c, upload)
	if text, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 413") {
		t.Fatalf("%q, %v", text, err)
	}
}

// awaitOpen waits until so many connections are open.
func awaitOpen(t *testing.T, s *Server, n int64) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); s.Stats().Open != n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open", s.Stats().Open)
		}
	}
}

// Who never stops sending is cut, by bytes or by time; who says nothing any more is let go.
func TestLingeringEnds(t *testing.T) {
	for name, c := range map[string]struct {
		bound func(*limits)
		pause time.Duration
		cuts  int64
	}{
		"bytes":   {func(l *limits) { l.lingerBytes = 1 << 20 }, 0, 1},
		"time":    {func(l *limits) { l.lingerTime = 300 * time.Millisecond }, time.Millisecond, 1},
		"silence": {func(l *limits) { l.lingerSilence = 100 * time.Millisecond }, time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := lingering(t, c.bound)
			conn := dialFrom(t, "127.0.0.1", s)
			refusedOn(t, conn)
			go func() {
				for c.pause < time.Hour {
					if _, err := conn.Write(make([]byte, 1<<10)); err != nil {
						return
					}
					time.Sleep(c.pause)
				}
			}()
			awaitOpen(t, s, 0)
			if got := s.Stats().Cuts["lingering"]; got != c.cuts {
				t.Errorf("%d were cut", got)
			}
		})
	}
}

// Lingering holds nothing that others need: beyond so many of one client, or of all, connections close at once.
func TestLingeringIsBounded(t *testing.T) {
	s := lingering(t, func(l *limits) { l.lingerPerClient, l.lingerAtOnce = 2, 3 })
	for i, from := range []string{"127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3"} {
		refusedOn(t, dialFrom(t, from, s))
		want := []int64{1, 2, 2, 3, 3}[i]
		awaitOpen(t, s, want)
		s.door.clients.mu.Lock()
		if got := s.door.clients.lingering; got != int(want) {
			t.Errorf("%d linger after connection %d", got, i)
		}
		s.door.clients.mu.Unlock()
	}
}

// Shutdown waits for nobody who lingers.
func TestLingeringEndsWithTheServer(t *testing.T) {
	s := lingering(t, func(*limits) {})
	refusedOn(t, dialFrom(t, "127.0.0.1", s))
	begun := time.Now()
	if err := s.Shutdown(t.Context()); err != nil || time.Since(begun) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}
