package limit

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/store/counters"
)

// A shelf is what exchange.lua does, by a clock of the test; TestShelf holds it to the real one.
type shelf struct {
	now  *time.Time
	kept map[[16]byte]mark
	cut  bool
}

type mark struct {
	tat                  time.Time
	window, these, those int64
}

// seat is the shelf as one process reaches it.
type seat struct {
	*shelf
	nodes int
	cut   bool
}

var errCut = errors.New("the link is cut")

func (s *seat) Exchange(_ context.Context, at time.Time, items []counters.Item) (int, error) {
	if s.cut || s.shelf.cut {
		return 0, errCut
	}
	now := *s.now
	window := now.UnixMilli() / 200
	for i := range items {
		x := &items[i]
		m, tat := s.kept[x.Key], s.kept[x.Key].tat
		if x.Spent > 0 {
			tat = later(tat, at.Add(-x.Since)).Add(x.Spent)
		}
		tat = later(tat, at.Add(x.Known))
		if most := now.Add(x.Most); tat.After(most) {
			tat = most
		}
		if m.window != window {
			m.those = 0
			if m.window == window-1 {
				m.those = m.these
			}
			m.these = 0
		}
		if x.Window != window {
			m.these++
		}
		m.tat, m.window = tat, window
		s.kept[x.Key] = m
		x.Ahead, x.Nodes, x.Window = max(0, tat.Sub(now)), int(max(m.these, m.those)), window
	}
	return s.nodes, nil
}

func (s *seat) First(context.Context, [16]byte, time.Duration) (bool, error) { return false, errCut } // see TestOnceTogether

func (s *seat) Levels(context.Context, []counters.Level) ([]counters.Level, error) {
	return nil, errCut
} // see TestTotalTogether

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// A fleet is processes that share limits, by one clock that the test sets.
type fleet struct {
	now    time.Time
	shelf  *shelf
	seats  []*seat
	l      []*Limiter
	c      []*Cluster
	dead   []bool
	due    []time.Time // of the next exchange
	random *rand.Rand
	rate   rate
	key    key

	truth  int64 // the TAT of all that was let through
	worst  int64 // how far beyond the burst that was, in requests
	passed int
	alone  int64 // the TAT of one process that gets all requests …
	ideal  int   // … and what that lets through
}

func newFleet(n int, r rate, seed uint64) *fleet {
	f := &fleet{now: time.Unix(1_000_000, 0), shelf: &shelf{kept: map[[16]byte]mark{}}, random: rand.New(rand.NewPCG(seed, 1)), rate: r,
		key: key{seed, ^seed}, dead: make([]bool, n)}
	f.shelf.now = &f.now
	for range n {
		s := &seat{shelf: f.shelf, nodes: n}
		l := New(Options{Keys: 200_000, Secret: []byte("s"), Now: func() time.Time { return f.now }})
		c := l.Cluster(s, n)
		c.Exchange(context.Background())
		f.seats, f.l, f.c, f.due = append(f.seats, s), append(f.l, l), append(f.c, c), append(f.due, f.now.Add(time.Duration(f.random.Int64N(int64(Every)))))
	}
	return f
}

// step is a millisecond, in which so many requests come to each process, on average.
func (f *fleet) step(demand []float64) {
	f.now = f.now.Add(time.Millisecond)
	for i, l := range f.l {
		if f.dead[i] {
			continue
		}
		if !f.now.Before(f.due[i]) {
			f.c[i].Exchange(context.Background())
			f.due[i] = f.now.Add(Every - 5*time.Millisecond + time.Duration(f.random.Int64N(int64(10*time.Millisecond))))
		}
		for range f.arrivals(demand[i]) {
			var ok bool
			if f.alone, ok = f.rate.take(f.alone, f.now.UnixNano(), 1); ok {
				f.ideal++
			}
			if _, ok := l.counters.take(f.key, 1, &f.rate, l.ticks(), 1); ok {
				f.passed++
				f.truth = max(f.truth, f.now.UnixNano()) + f.rate.interval
				f.worst = max(f.worst, (f.truth-f.now.UnixNano()-f.rate.tolerance)/f.rate.interval)
			}
		}
	}
}

func (f *fleet) arrivals(mean float64) int {
	n := int(mean)
	if f.random.Float64() < mean-float64(n) {
		n++
	}
	return n
}

func (f *fleet) run(d time.Duration, demand []float64) {
	for range int(d / time.Millisecond) {
		f.step(demand)
	}
}

func drawFleet(t *rapid.T) (*fleet, []float64) {
	n := rapid.IntRange(1, 6).Draw(t, "processes")
	c := config.Rate{Limit: rapid.IntRange(1, 5000).Draw(t, "limit"), Per: config.Duration(rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Second}).Draw(t, "per"))}
	r, err := newRate(c)
	if err != nil {
		t.Fatal(err)
	}
	demand := make([]float64, n)
	for i := range demand {
		demand[i] = rapid.Float64Range(0, 3).Draw(t, "demand") / float64(r.interval) * 1e6 // of the whole rate, in a millisecond
	}
	return newFleet(n, r, rapid.Uint64().Draw(t, "seed")), demand
}

// beyond is the bound of what is let through beyond the limit, in any window: at every process but one, what comes to it in two
// exchanges, and a burst at most.
func (f *fleet) beyond(demand []float64) int64 {
	var sum, most float64
	for _, d := range demand {
		a := d * 2 * 60 // a little more than two exchanges, and more than usual
		a = min(a+4*math.Sqrt(a)+4, float64(f.rate.burst))
		sum, most = sum+a, max(most, a)
	}
	return int64(sum - most)
}

// However requests are spread over processes: what they let through together is the limit and no more than the bound beyond it, in any
// window of time, and no less than the limit where there was more demand.
func TestClusterHoldsTheLimit(t *testing.T) {
	long := 6 * time.Second
	if testing.Short() {
		long = time.Second
	}
	rapid.Check(t, func(t *rapid.T) {
		f, demand := drawFleet(t)
		f.run(long, demand)
		if bound := f.beyond(demand); f.worst > bound {
			t.Fatalf("%d requests beyond the limit at once, the bound is %d", f.worst, bound)
		}
		if n := len(demand); n == 1 && f.passed != f.ideal || float64(f.passed) < 0.98*float64(f.ideal)-float64(3*n) {
			t.Fatalf("%d were let through, one process lets %d", f.passed, f.ideal)
		}
	})
}

// While one process is killed, the shelf forgets everything, or all links are cut for a while, what is let through beyond the limit has a
// bound as well: the same again for each such event, and the requests that cannot be divided.
func TestClusterInTrouble(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, demand := drawFleet(t)
		n := len(demand)
		f.run(time.Second, demand)
		bound := f.beyond(demand)
		for range 3 {
			switch rapid.SampledFrom([]string{"killed", "forgets", "cut"}).Draw(t, "trouble") {
			case "killed":
				f.dead[f.random.IntN(n)] = true
			case "forgets":
				clear(f.shelf.kept)
			case "cut":
				f.shelf.cut = true
				f.run(2*time.Second, demand)
				f.shelf.cut = false
			}
			f.run(500*time.Millisecond, demand)
		}
		if bound = 4*bound + 3*int64(n); f.worst > bound {
			t.Fatalf("%d requests beyond the limit at once, the bound is %d", f.worst, bound)
		}
	})
}

// Without answers, processes let through the limit together, and it is known. With answers again, the limit is that of all at once.
func TestAloneIsAPart(t *testing.T) {
	r := mustRate(t, 300, 3*time.Second)
	f := newFleet(3, r, 1)
	f.shelf.cut = true
	f.run(200*time.Millisecond, []float64{0, 0, 0}) // they notice
	f.run(time.Second, []float64{5, 5, 5})
	if f.passed < 380 || f.passed > 400+3 {
		t.Errorf("%d were let through alone, 300 and 100 a second are", f.passed)
	}
	for i, c := range f.c {
		if s := c.Stats(); !errors.Is(s.Alone, errCut) || s.Nodes != 3 || s.Failures == 0 {
			t.Errorf("process %d: %+v", i, s)
		}
	}
	f.shelf.cut = false
	f.run(time.Second, []float64{0, 0, 20})
	if f.passed < 480 || f.passed > 500+3 {
		t.Errorf("%d were let through together, 500 are", f.passed)
	}
	if s := f.c[0].Stats(); s.Alone != nil || s.Told == 0 {
		t.Errorf("%+v", s)
	}
}

// What was told and not answered is told again.
func TestAnUnansweredExchangeIsRepeated(t *testing.T) {
	r := mustRate(t, 300, time.Hour)
	f := newFleet(3, r, 1)
	for _, l := range f.l[:2] {
		for range 100 {
			l.counters.take(f.key, 1, &r, l.ticks(), 1)
		}
	}
	f.seats[0].cut = true
	f.run(100*time.Millisecond, []float64{0, 0, 0})
	f.seats[0].cut = false
	f.run(time.Second, []float64{0, 0, 0})
	l := f.l[2]
	l.counters.take(f.key, 1, &r, l.ticks(), 1)
	f.run(time.Second, []float64{0, 0, 0})
	if n := r.remaining(l.counters.peek(f.key, 1, l.ticks()), l.ticks()); n != 99 {
		t.Errorf("%d remain of 300 after 201", n)
	}
}

// A process whose link alone is cut adds its part to the limit, and no more.
func TestOneLinkIsCut(t *testing.T) {
	r := mustRate(t, 1000, time.Second)
	f := newFleet(3, r, 1)
	f.run(2*time.Second, []float64{5, 5, 5})
	before := f.passed
	f.seats[0].cut = true
	f.run(9*time.Second, []float64{5, 5, 5})
	if n := f.passed - before; n < 11_500 || n > 12_300 {
		t.Errorf("%d were let through in 9 seconds, 9000 and a third of it are", n)
	}
}

// A process that the others have not heard of yet starts with its part.
func TestFewerProcessesAreNotBelievedAtOnce(t *testing.T) {
	f := newFleet(3, mustRate(t, 300, 3*time.Second), 1)
	f.seats[0].nodes, f.c[0].least = 1, 1
	f.run(time.Second, []float64{1, 0, 0})
	if n := f.c[0].Stats().Nodes; n != 3 {
		t.Errorf("%d processes after a second", n)
	}
	f.run(counters.Alive+time.Second, []float64{1, 0, 0})
	if n := f.c[0].Stats().Nodes; n != 1 {
		t.Errorf("%d processes in the end", n)
	}
}

// What was given back is given back to all; a debt is never more than a burst; keys that find no room have their part.
func TestSharedTable(t *testing.T) {
	r := mustRate(t, 30, time.Hour)
	f := newFleet(3, r, 1)
	l := f.l[0]
	for range 10 {
		if _, ok := l.counters.take(f.key, 1, &r, l.ticks(), 1); !ok {
			t.Fatal("refused")
		}
		l.counters.giveBack(f.key, r.interval)
	}
	f.run(time.Second, []float64{0, 0, 0})
	if n := r.remaining(l.counters.peek(f.key, 1, l.ticks()), l.ticks()); n != 30 {
		t.Errorf("%d remain of 30", n)
	}
	for _, l := range f.l {
		for range 100 {
			l.counters.owe(f.key, 1, &r, l.ticks(), 1)
		}
	}
	f.run(time.Second, []float64{0, 0, 0})
	for i, l := range f.l {
		if wait := r.wait(l.counters.peek(f.key, 1, l.ticks()), l.ticks(), 1); wait <= 0 || wait > 2*time.Minute {
			t.Errorf("process %d waits %s", i, wait)
		}
	}
	h := &l.counters.shards[0]
	for i := range uint64(maxShares + 50) {
		l.counters.take(key{i << 47, i << 53}, 1, &r, l.ticks(), 1)
	}
	if len(h.shares) > maxShares || h.unshared == 0 {
		t.Errorf("%d shares, %d found no room", len(h.shares), h.unshared)
	}
	last := key{(maxShares + 49) << 47, (maxShares + 49) << 53}
	passed := 1
	for range 30 {
		if _, ok := l.counters.take(last, 1, &r, l.ticks(), 1); ok {
			passed++
		}
	}
	if passed > 11 {
		t.Errorf("%d were let through, a third of 30 are", passed)
	}
}

// Processes with the same secret count under the same keys; others do not.
func TestKeysOfASecret(t *testing.T) {
	a, b, c := New(Options{Secret: []byte("x")}), New(Options{Secret: []byte("x")}), New(Options{Secret: []byte("y")})
	e := from("2001:db8::1", "alice")
	id := a.ruleID("shop")
	for _, pair := range [][2]key{{a.principal(id, e), b.principal(id, e)}, {a.client(id, e.Client.Addr), b.client(id, e.Client.Addr)}} {
		if pair[0] != pair[1] {
			t.Error("the same secret makes other keys")
		}
	}
	if a.principal(id, e) == c.principal(id, e) || a.ruleID("shop") == c.ruleID("shop") || a.principal(id, e) == a.client(id, e.Client.Addr) || a.principal(id, e) == a.principal(id+1, e) {
		t.Error("keys that differ are the same")
	}
}

// What a decision costs when it is counted together with others.
func BenchmarkTakeTogether(b *testing.B) {
	f := newFleet(3, mustRate(b, 1<<20, time.Second), 1)
	l, e := f.l[0], from("192.0.2.1", "alice")
	id := l.ruleID("shop")
	b.ReportAllocs()
	for b.Loop() {
		l.counters.take(l.principal(id, e), id, &f.rate, l.ticks(), 1)
	}
}
