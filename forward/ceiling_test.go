package forward

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// A simulated service answers so many requests at once, each in 50 ms, and queues the rest. Time is counted, not waited for.
func simulate(c *ceiling, now *time.Time, workers, asking, rounds int) (refused int) {
	for range rounds {
		var entered []int64
		for range asking {
			if n, ok := c.enter(true); ok {
				entered = append(entered, n)
			} else {
				refused++
			}
		}
		for i, n := range entered {
			took := time.Duration(1+i/workers) * 50 * time.Millisecond
			c.answered("GET /", n, took, false, now.Add(took))
			c.leave()
		}
		*now = now.Add(time.Second)
	}
	return refused
}

// A service that is asked for what it can do is never refused anything, one that is asked for more gets about what it can do.
func TestCeilingFollowsTheService(t *testing.T) {
	c, now := newCeiling(8), time.Unix(1, 0)
	if n := simulate(c, &now, 50, 50, 200); n != 0 {
		t.Errorf("%d refused without overload", n)
	}
	simulate(c, &now, 50, 1000, 50)
	if l := c.limit.Load(); l < 50 || l > 300 {
		t.Errorf("a service for 50 at once, asked by 1000, is given %d", l)
	}
	// What it takes for its crowd is not taken for usual, however long it lasts within ten minutes.
	simulate(c, &now, 50, 1000, 300)
	if l := c.limit.Load(); l > 300 {
		t.Errorf("after five minutes of it, %d", l)
	}
	// Afterwards everything is as before.
	simulate(c, &now, 1000, 100, 100)
	if n := simulate(c, &now, 1000, 100, 10); n != 0 {
		t.Errorf("%d refused after the overload (%d)", n, c.limit.Load())
	}
}

// Operations that take long by nature are no overload, whatever the mixture.
func TestCeilingKnowsSlowOperations(t *testing.T) {
	c := newCeiling(4)
	now := time.Unix(1, 0)
	for round := range 1000 {
		for i := range 40 {
			n, ok := c.enter(true)
			if !ok {
				t.Fatalf("refused at %d", c.limit.Load())
			}
			took, key := time.Millisecond, "GET /quick"
			if i%10 < round%10 {
				took, key = time.Second, "GET /slow"
			}
			c.answered(key, n, took, false, now)
		}
		for range 40 {
			c.leave()
		}
		now = now.Add(windowTime)
	}
}

// Failures by overload shrink it, other failures of the service do not, and never below what is trusted.
func TestCeilingAfterFailures(t *testing.T) {
	c := newCeiling(8)
	for i := range 1000 {
		n, _ := c.enter(true)
		c.answered("GET /", n, time.Millisecond, true, time.Unix(int64(i), 0))
		c.leave()
	}
	if l := c.limit.Load(); l != 8 {
		t.Errorf("%d", l)
	}
}

// Of a full ceiling the last fifth is for those who are known.
func TestCeilingPrefersThoseWhoAreKnown(t *testing.T) {
	c := newCeiling(8)
	c.limit.Store(100)
	for range 80 {
		if _, ok := c.enter(false); !ok {
			t.Fatal("refused below four fifths")
		}
	}
	if _, ok := c.enter(false); ok {
		t.Error("a stranger got a place of the last fifth")
	}
	for range 20 {
		if _, ok := c.enter(true); !ok {
			t.Error("an authenticated caller got none")
		}
	}
	if _, ok := c.enter(true); ok {
		t.Error("more than the ceiling")
	}
	if c.inflight.Load() != 100 || c.shed.Load() != 2 {
		t.Errorf("%d in flight, %d shed", c.inflight.Load(), c.shed.Load())
	}
}

// Behind a real upstream every place is given back, on every path.
func TestCeilingIsGivenBack(t *testing.T) {
	var status atomic.Int64
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-release
		}
		w.WriteHeader(int(status.Load()))
	}))
	defer s.Close()
	u := startUpstream(t, config.Upstream{Adaptive: 4, Breaker: config.Breaker{Failures: -1}}, s.URL)
	u.ceiling.limit.Store(4)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			resp, err := u.RoundTrip(t.Context(), stranger(), &Request{Method: http.MethodGet, Path: "/wait", Host: "h"})
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			resp.Body.Close()
		})
	}
	status.Store(200)
	for u.ceiling.inflight.Load() < 4 {
		time.Sleep(time.Millisecond)
	}
	_, err := u.RoundTrip(t.Context(), stranger(), &Request{Method: http.MethodGet, Path: "/", Host: "h"})
	var failed *Error
	if !errors.As(err, &failed) || failed.Reason() != exchange.UpstreamBusy || failed.Pause == 0 {
		t.Errorf("%v", err)
	}
	endless, err := u.RoundTrip(t.Context(), stranger(), &Request{Method: http.MethodGet, Path: "/", Host: "h", Endless: true})
	if err != nil {
		t.Errorf("a stream does not count: %v", err)
	} else {
		endless.Body.Close()
	}
	close(release)
	group.Wait()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = u.RoundTrip(gone, stranger(), &Request{Method: http.MethodGet, Path: "/", Host: "h"}) //nolint:bodyclose // there is none
	if n := u.ceiling.inflight.Load(); n != 0 {
		t.Errorf("%d places are lost", n)
	}
}

// Answers that are quicker than anybody minds are no overload, however much longer than usual they take.
func TestCeilingSparesQuickAnswers(t *testing.T) {
	c, now := newCeiling(4), time.Unix(1, 0)
	for round := range 200 {
		took := 100 * time.Microsecond
		if round > 50 {
			took = 80 * time.Millisecond
		}
		for range 40 {
			c.answered("GET /quick", 40, took, false, now)
		}
		now = now.Add(windowTime)
	}
	if l := c.limit.Load(); l < unbounded {
		t.Errorf("brought down to %d", l)
	}
}

// What an answer lies here unread says nothing of the service, however long that is.
func TestCeilingSparesWhatWaitsHere(t *testing.T) {
	u := startUpstream(t, config.Upstream{Adaptive: 4}, "http://127.0.0.1:1") // nobody asks it
	e := stranger()
	e.Response = &exchange.Response{Status: 200}
	for range 100 {
		u.note(e, 2, time.Millisecond, nil)
	}
	late := func(lain time.Duration) int64 {
		for range 3 {
			u.ceiling.began = time.Time{}
			for range windowAnswers {
				u.note(e, 40, time.Second-lain, nil)
			}
		}
		return u.ceiling.limit.Load()
	}
	if l := late(950 * time.Millisecond); l < unbounded {
		t.Errorf("brought down to %d by what waited here", l)
	}
	if l := late(0); l >= 40 {
		t.Errorf("answers that took a second leave %d", l)
	}
}

// The socket tells how long ago an answer came.
func TestLain(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	raw, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cn, err := newConn(raw, raw)
	if err != nil {
		t.Fatal(err)
	}
	defer cn.cut()
	peer, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if _, err := peer.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	for !cn.probe.stirs() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	if d := cn.probe.lain(); d < 90*time.Millisecond {
		t.Errorf("after 100 ms: %v", d)
	}
}
