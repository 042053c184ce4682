package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
)

// The refusals of a client that causes many are sent late, but settled and recorded at once.
func TestManyRefusalsWait(t *testing.T) {
	upstream := testkit.NewUpstream(t, noContent)
	g := newGate(t, plainSpec, upstream.URL, "    modes: { identity: off, inspect: off }\n", "")
	ask := func(ctx context.Context, addr string) time.Duration {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/nowhere", nil)
		r.RemoteAddr = addr
		begun := time.Now()
		g.ServeHTTP(httptest.NewRecorder(), r)
		return time.Since(begun)
	}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { ask(t.Context(), "192.0.2.1:1") })
	}
	all.Wait()
	if n := g.parts.Slowed.Load(); n < 80 || g.InFlight() != 0 {
		t.Errorf("%d refusals waited; %d in flight", n, g.InFlight())
	}
	for len(g.records) > 0 {
		<-g.records
	}
	if took, r := ask(t.Context(), "192.0.2.1:1"), g.record(t); took-r.Took < 450*time.Millisecond {
		t.Errorf("answered after %s, recorded after %s", took, r.Took)
	}
	slowed := g.parts.Slowed.Load()
	ask(t.Context(), "192.0.2.2:1")
	ask(t.Context(), "127.0.0.1:1")
	g.held.Store(maxHeld)
	ask(t.Context(), "192.0.2.1:1")
	g.held.Store(0)
	brief, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer leave()
	if took := ask(brief, "192.0.2.1:1"); took > 450*time.Millisecond {
		t.Errorf("who leaves is waited for %s", took)
	}
	slowed++
	g.Drain()
	ask(t.Context(), "192.0.2.1:1")
	if n := g.parts.Slowed.Load() - slowed; n != 0 {
		t.Errorf("%d waited that should not", n)
	}
}

// A refusal that a guard wants kept back is sent late too, where the guard enforces.
func TestRefusalIsHeld(t *testing.T) {
	upstream := testkit.NewUpstream(t, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"id\":\"a1\"}")
	for mode, want := range map[config.Mode]int{config.Enforce: http.StatusForbidden, config.Monitor: http.StatusOK} {
		g := newGate(t, plainSpec, upstream.URL, "    modes: { identity: off, inspect: off }\n", "")
		g.guarded(exchange.OnHead, mode, func(context.Context, *exchange.Exchange) (exchange.Verdict, error) {
			return exchange.Refuse(exchange.BotRefused, "").WithHold(time.Second), nil
		})
		w, begun := httptest.NewRecorder(), time.Now()
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/orders/a1", nil))
		if took, held := time.Since(begun), g.parts.Slowed.Load() == 1; w.Code != want || held != (mode == config.Enforce) || held && took < time.Second {
			t.Errorf("%s: %d after %s", mode, w.Code, took)
		}
		if r := g.record(t); r.Took > time.Second {
			t.Errorf("%s: recorded after %s", mode, r.Took)
		}
	}
}

// The end of the gateway waits for no tarpit.
func TestDrainingSendsWhatWaits(t *testing.T) {
	g := newGate(t, plainSpec, testkit.NewUpstream(t, noContent).URL, "    bots: { hostile: tarpit, tarpit: 1m }\n    modes: { identity: off, inspect: off }\n", "")
	done := make(chan int)
	go func() {
		r, w := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/nowhere", nil), httptest.NewRecorder()
		r.Header.Set("User-Agent", "sqlmap")
		g.ServeHTTP(w, r)
		done <- w.Code
	}()
	eventually(t, "a refusal that waits", func() bool { return g.held.Load() == 1 })
	g.Drain()
	g.Drain()
	select {
	case code := <-done:
		if code != http.StatusForbidden {
			t.Error(code)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits still")
	}
}
