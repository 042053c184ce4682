package limit

import (
	"sync"
	"sync/atomic"
)

// A gauge counts requests in flight.
type gauge struct {
	n      atomic.Int64
	others atomic.Int64 // in flight at other processes, as far as that is known
	parts  atomic.Int64 // by which a bound is divided while it is not; 0 is 1
}

// acquire takes a slot, unless most are taken already. It never lets more than most in here.
func (g *gauge) acquire(most int64) bool {
	if g.n.Add(1)+g.others.Load() <= part(most, g.parts.Load()) {
		return true
	}
	g.n.Add(-1)
	return false
}

// part is that of one of several processes, rounded up.
func part(most, parts int64) int64 {
	if parts <= 1 {
		return most
	}
	return (most + parts - 1) / parts
}

// elsewhere sets how many are in flight at other processes, and by how much bounds are divided.
func (g *gauge) elsewhere(others, parts int64) {
	g.others.Store(others)
	g.parts.Store(parts)
}

func (g *gauge) release() { g.n.Add(-1) }

// gauges count requests in flight by key. A key takes room only while one of its requests is in flight, so that the
// size is bounded by the requests in flight.
type gauges struct {
	shards    [shardCount]gaugeShard
	elsewhere atomic.Pointer[elsewhere]
}

type gaugeShard struct {
	mu sync.Mutex
	n  map[key]inFlight
	_  [48]byte // two shards share no cache line
}

// inFlight are the requests of one key, and how many it may have.
type inFlight struct{ n, bound int64 }

// elsewhere is what is known of other processes. Where there is none, there are no others.
type elsewhere struct {
	n     map[key]int64 // in flight there
	parts int64         // by which bounds are divided while that is not known; 0 is 1
}

func newGauges() *gauges {
	g := new(gauges)
	for i := range g.shards {
		g.shards[i].n = map[key]inFlight{}
	}
	return g
}

// acquire takes a slot of k, unless most are taken already: its bound, or less at the moment.
func (g *gauges) acquire(k key, most, bound int64) bool {
	var others int64
	if there := g.elsewhere.Load(); there != nil {
		others, most = there.n[k], part(most, there.parts)
	}
	s := &g.shards[k.hi>>58]
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.n[k].n
	if n+others >= most {
		return false
	}
	s.n[k] = inFlight{n + 1, bound}
	return true
}

func (g *gauges) release(k key) {
	s := &g.shards[k.hi>>58]
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.n[k]; x.n > 1 {
		s.n[k] = inFlight{x.n - 1, x.bound}
	} else {
		delete(s.n, k)
	}
}
