package listen

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
)

// A banned client is closed unheard, or kept without a word first; a trusted proxy never is.
func TestBannedClientsAreNotHeard(t *testing.T) {
	for name, c := range map[string]struct {
		after   time.Duration
		proxies []string
		heard   bool
	}{"at once": {}, "kept": {after: 300 * time.Millisecond}, "a trusted proxy": {proxies: []string{"127.0.0.0/8"}, heard: true}} {
		t.Run(name, func(t *testing.T) {
			var heard atomic.Bool
			s, err := New(config.Listener{Address: "127.0.0.1:0", TrustedProxies: c.proxies}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Store(true) }),
				Options{Banned: func(a netip.Addr) (bool, time.Duration) { return a.IsLoopback(), c.after }})
			if err != nil {
				t.Fatal(err)
			}
			var done sync.WaitGroup
			done.Go(func() { _ = s.Serve() })
			defer done.Wait()
			defer s.Shutdown(context.Background())
			begun := time.Now()
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			answer, _ := io.ReadAll(conn) // a reset is as good as an end
			if heard.Load() != c.heard || (len(answer) > 0) != c.heard {
				t.Errorf("heard: %v, answered %q", heard.Load(), answer)
			}
			if took := time.Since(begun); took < c.after {
				t.Errorf("closed after %s", took)
			}
			if n := s.Stats().Cuts["banned"]; (n == 1) == c.heard {
				t.Errorf("%d cuts", n)
			}
		})
	}
}
