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
	if parts := g.parts.Load(); parts > 1 {
		most = (most + parts - 1) / parts
	}
	if g.n.Add(1)+g.others.Load() <= most {
		return true
	}
	g.n.Add(-1)
	return false
}

// elsewhere sets how many are in flight at other processes, and by how much bounds are divided.
func (g *gauge) elsewhere(others, parts int64) {
	g.others.Store(others)
	g.parts.Store(parts)
}

func (g *gauge) release() { g.n.Add(-1) }

// gauges count requests in flight by key. A key takes room only while one of its requests is in flight, so that the
// size is bounded by the requests in flight.
type gauges struct{ shards [shardCount]gaugeShard }

type gaugeShard struct {
	mu sync.Mutex
	n  map[key]int64
	_  [48]byte // two shards share no cache line
}

func newGauges() *gauges {
	g := new(gauges)
	for i := range g.shards {
		g.shards[i].n = map[key]int64{}
	}
	return g
}

func (g *gauges) acquire(k key, most int64) bool {
	s := &g.shards[k.hi>>58]
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.n[k]
	if n >= most {
		return false
	}
	s.n[k] = n + 1
	return true
}

func (g *gauges) release(k key) {
	s := &g.shards[k.hi>>58]
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.n[k]; n > 1 {
		s.n[k] = n - 1
	} else {
		delete(s.n, k)
	}
}
