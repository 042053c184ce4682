package limit

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
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

// A total that the config has holds for all processes together, as far as they know of each other; while one is cut off it has its part.
func TestTotalTogether(t *testing.T) {
	total := config.Concurrency{Total: 6, Client: -1}
	a, b, c, link := three(t, total)
	met := func() { gather(t, a, b, c) }
	if got := []int{a.enter(t, 3), b.enter(t, 1)}; !slices.Equal(got, []int{3, 1}) {
		t.Errorf("%v of 3 and 1", got)
	}
	met()
	if got := []int{a.enter(t, 9), b.enter(t, 9), c.enter(t, 9)}; !slices.Equal(got, []int{2, 2, 2}) { // each has not heard of the others yet
		t.Errorf("%v of the 2 that are left for whoever is first", got)
	}
	met()
	if got := []int{a.enter(t, 1), b.enter(t, 1), c.enter(t, 1)}; !slices.Equal(got, []int{0, 0, 0}) {
		t.Errorf("%v beyond the total", got)
	}
	a.leave(5)
	b.leave(3)
	met()
	link.Refuse()
	c.reach(t, false)
	if got := c.enter(t, 9); got != 0 {
		t.Errorf("%d beyond a third of 6, cut off", got)
	}
	c.leave(1)
	if got := c.enter(t, 9); got != 1 {
		t.Errorf("%d of the one that is left, cut off", got)
	}
	rulesOf(t, c.limiter, config.API{}) // nothing is common any more
	link.Restore(t)
	c.reach(t, true)
}

// What the config lets one client have in flight holds for all processes together, likewise; of clients that have little of it
// nobody is told.
func TestClientTogether(t *testing.T) {
	each := config.Concurrency{Total: -1, Client: 32}
	a, b, c, link := three(t, each)
	met := func() { gather(t, a, b, c) }
	a.enter(t, 30)
	b.enter(t, 1) // less than a sixteenth
	met()
	if got := []int{a.enter(t, 9), b.enter(t, 9), c.enter(t, 1)}; !slices.Equal(got, []int{2, 1, 1}) {
		t.Errorf("%v beyond 30 and 1 of 32", got)
	}
	met()
	if got := []int{a.enter(t, 1), b.enter(t, 1), c.enter(t, 1)}; !slices.Equal(got, []int{0, 0, 0}) {
		t.Errorf("%v beyond the bound", got)
	}
	if e := from("192.0.2.2", ""); !admitted(t, c, e) {
		t.Error("another client is refused")
	}
	a.leave(32)
	met()
	if got := c.enter(t, 99); got != 29 { // its own one, and two of b
		t.Errorf("%d once the others are gone", got)
	}
	link.Refuse()
	c.reach(t, false)
	c.leave(30)
	if got := c.enter(t, 99); got != 11 {
		t.Errorf("%d of a third of 32, cut off", got)
	}
	c.leave(11)
	rulesOf(t, c.limiter, config.API{}) // the defaults are of each process
	if got := c.enter(t, 99); got != 11 {
		t.Errorf("%d of those who were admitted by the rules of before", got)
	}
	link.Restore(t)
	c.reach(t, true)
	if others := c.limiter.commonClients.elsewhere.Load(); others.parts != 3 {
		t.Errorf("what is common to no rule was asked for: %+v", others)
	}
}

// Who has the most is told of where not all can be.
func TestTooManyClientsToTell(t *testing.T) {
	g := newGauges()
	for i := range uint64(maxToldClients + 100) {
		for range 1 + i%2 {
			g.acquire(key{i << 32, i}, 4, 4)
		}
	}
	list := g.tell()
	if len(list) != maxToldClients || list[0].N != 2 || list[len(list)-1].N != 1 {
		t.Errorf("%d of them, from %d to %d", len(list), list[0].N, list[len(list)-1].N)
	}
}

// process is one that counts with others.
type process struct {
	*Cluster
	rules *Rules
	in    []*exchange.Exchange
}

func joined(t *testing.T, addr string, c config.Concurrency) *process {
	t.Helper()
	client, err := counters.New(counters.Options{URL: "redis://" + addr, Service: "s", Node: rand.Text()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	l := New(Options{Secret: []byte("secret")})
	p := &process{Cluster: l.Cluster(client, 3), rules: rulesOf(t, l, config.API{Concurrency: c})}
	return p
}

// three are processes that know of each other, the last of them by a link of its own.
func three(t *testing.T, bounds config.Concurrency) (a, b, c *process, link *testkit.Relay) {
	t.Helper()
	server := testkit.Redis(t)
	link = testkit.NewRelay(t, server.Addr)
	a, b, c = joined(t, server.Addr, bounds), joined(t, server.Addr, bounds), joined(t, link.Addr, bounds)
	gather(t, a, b, c)
	return a, b, c, link
}

// gather has all of them hear what each has.
func gather(t *testing.T, all ...*process) {
	t.Helper()
	for range 2 {
		for _, p := range all {
			p.reach(t, true)
		}
	}
}

// reach exchanges until it is known whether there is a server.
func (p *process) reach(t *testing.T, connected bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		if p.Exchange(t.Context()); (p.Stats().Alone == nil) == connected {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(p.Stats().Alone)
		}
	}
}

// enter lets so many requests try, and returns how many are let in.
func (p *process) enter(t *testing.T, tries int) (in int) {
	t.Helper()
	for range tries {
		if e := from("192.0.2.1", ""); admitted(t, p, e) {
			p.in = append(p.in, e)
			in++
		}
	}
	return in
}

func admitted(t *testing.T, p *process, e *exchange.Exchange) bool {
	t.Helper()
	code, _ := ask(t, []exchange.Guard{p.rules.Admit()}, e)
	return code == ""
}

func (p *process) leave(n int) {
	for _, e := range p.in[:n] {
		p.rules.Release(e)
	}
	p.in = p.in[n:]
}

// A client's slot, of what holds for all processes together while 2,000 clients are in flight elsewhere.
func BenchmarkInFlightTogether(b *testing.B) {
	l := New(Options{Secret: []byte("secret")})
	s := l.slots("shop", config.Concurrency{Client: 32}, 0, 0)
	there := &elsewhere{n: map[key]int64{}}
	for i := range uint64(2000) {
		there.n[key{i << 32, i}] = 1
	}
	s.clients.elsewhere.Store(there)
	e := from("192.0.2.1", "")
	b.ReportAllocs()
	for b.Loop() {
		var h held
		if ok, _ := s.acquire(e, &h); !ok {
			b.Fatal("refused")
		}
		h.release()
	}
}
