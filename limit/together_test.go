package limit

import (
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
	"github.com/sallyport/sallyport/limit/once"
	"github.com/sallyport/sallyport/store/counters"
)

// What was used at one process is used at all of them; while the server is away each remembers for itself, counts that, and waits for
// no answer.
func TestOnceTogether(t *testing.T) {
	server := testkit.Redis(t)
	link := testkit.NewRelay(t, server.Addr)
	join := func(addr string) (*Cluster, *once.Seen) {
		client, err := counters.New(counters.Options{URL: "redis://" + addr, Service: "s", Node: addr})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		c := New(Options{}).Cluster(client, 2)
		return c, once.New(time.Minute, 100, c)
	}
	reach := func(c *Cluster, connected bool) {
		for deadline := time.Now().Add(time.Minute); (c.Stats().Alone == nil) != connected; c.Exchange(t.Context()) {
			if time.Now().After(deadline) {
				t.Fatal(c.Stats().Alone)
			}
		}
	}
	a, seenA := join(server.Addr)
	b, seenB := join(link.Addr)
	now := time.Now()
	if err := seenB.Use(t.Context(), now, "before anything is known"); err != nil || b.Stats().Untold != 1 {
		t.Errorf("%v, %d untold", err, b.Stats().Untold)
	}
	reach(a, true)
	reach(b, true)
	for deadline, what := time.Now().Add(time.Minute), "x"; ; what += "x" { // an answer may be late
		untold := a.Stats().Untold + b.Stats().Untold
		first, second := seenA.Use(t.Context(), now, what), seenB.Use(t.Context(), now, what)
		if a.Stats().Untold+b.Stats().Untold > untold && time.Now().Before(deadline) {
			reach(a, true)
			reach(b, true)
			continue
		}
		if first != nil || !errors.Is(second, once.ErrUsed) {
			t.Errorf("%v, then at the other one: %v", first, second)
		}
		break
	}
	link.Refuse()
	reach(b, false)
	untold := b.Stats().Untold
	if err := errors.Join(seenB.Use(t.Context(), now, "y"), seenA.Use(t.Context(), now, "y")); err != nil || b.Stats().Untold != untold+1 {
		t.Errorf("while the link is cut: %v, %d untold", err, b.Stats().Untold-untold)
	}
	if err := seenB.Use(t.Context(), now, "y"); !errors.Is(err, once.ErrUsed) {
		t.Errorf("again, at the same one: %v", err)
	}
}
