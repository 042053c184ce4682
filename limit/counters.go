package limit

import (
	"math/bits"
	"sync"
)

// Counters keep one TAT per key, in a bounded table.
//
// A key is 128 bits of keyed hash (see [Limiter]), so that nobody outside can choose keys that collide. Every key may
// live in either of two sets of its shard; a shard begins small and doubles while both sets of a new key are taken.
//
// At the bound, a slot is reused only when its TAT lies in the past: such a key has its full burst back, so forgetting
// it changes nothing. When there is no such slot, the key is counted in an overflow bucket that it shares with others of
// its shard and class: it is refused earlier than alone, never later. A key that finds a slot afterwards begins where
// the overflow bucket stands, because it may have been counted there. So no flood of keys resets or widens a limit.
//
// Counters are safe for concurrent use.
type Counters struct{ shards [shardCount]shard }

const (
	shardCount = 64
	ways       = 8 // slots of a set: searched one after the other
	classes    = 8 // overflow buckets of a shard: a rule that is flooded blocks only an eighth of the others
)

// A key of the table. Its bits are uniformly distributed and unknown outside of the process.
type key struct{ hi, lo uint64 }

type slot struct {
	key key
	tat int64 // 0: never used; the clock begins above 0
}

type shard struct {
	mu       sync.Mutex
	slots    []slot // a multiple of ways
	most     int    // bound of len(slots)
	used     int    // slots that were ever used
	overflow [classes]int64
	spilled  uint64 // requests counted in overflow

	shares   map[key]share // nil: nothing is shared with other processes
	nodes    int64         // processes that have a part, while this one counts alone
	alone    bool
	unshared uint64   // requests of keys that found no room in shares
	_        [40]byte // two shards share no cache line
}

// NewCounters makes a table for about n keys that are in use at the same time.
func NewCounters(n int) *Counters {
	// Half as many slots again as asked for: with two choices, sets of eight are practically never full at that load.
	// The first size is the last one halved several times, so that every growth doubles exactly.
	first, last := (n+n/2)/(shardCount*ways)+1, 1
	for first > 32 {
		first, last = (first+1)/2, last*2
	}
	c := new(Counters)
	for i := range c.shards {
		c.shards[i].slots = make([]slot, first*ways)
		c.shards[i].most = first * ways * last
	}
	return c
}

// Stats tell how full the table is.
type Stats struct {
	Keys     int    // slots in use, be they active or refilled
	Capacity int    // slots at most
	Overflow uint64 // requests that were counted in a shared bucket, since the start
}

// Stats sums over all shards.
func (c *Counters) Stats() (s Stats) {
	for i := range c.shards {
		h := &c.shards[i]
		h.mu.Lock()
		s.Keys += h.used
		s.Capacity += h.most
		s.Overflow += h.spilled
		h.mu.Unlock()
	}
	return s
}

// owe spends for what has happened already.
func (c *Counters) owe(k key, class uint64, r *rate, now, cost int64) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.place(k, class%classes, now)
	if s.shares != nil {
		s.oweShared(k, at, class%classes, r, now, cost)
		return
	}
	*at = r.owe(*at, now, cost)
}

// take spends cost of the rate, or nothing when it does not conform.
func (c *Counters) take(k key, class uint64, r *rate, now, cost int64) (tat int64, ok bool) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.place(k, class%classes, now)
	if s.shares != nil {
		return s.takeShared(k, at, class%classes, r, now, cost)
	}
	*at, ok = r.take(*at, now, cost)
	return *at, ok
}

// peek returns the TAT of the key without making room for it.
func (c *Counters) peek(k key, class uint64, now int64) int64 {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.find(k); at != nil {
		return at.tat
	}
	return max(now, s.overflow[class%classes])
}

// mark moves the TAT of the key to until, if there is room for it without sharing.
func (c *Counters) mark(k key, now, until int64) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(k)
	if at == nil {
		at = s.free(k, now)
	}
	if at == nil {
		return
	}
	if at.tat == 0 {
		s.used++
	}
	*at = slot{k, until}
}

// marked returns the TAT of a key that is never counted in overflow; 0 where it has none.
func (c *Counters) marked(k key) int64 {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.find(k); at != nil {
		return at.tat
	}
	return 0
}

// giveBack undoes a take that turned out not to be needed. What was counted in overflow stays there: others share it.
func (c *Counters) giveBack(k key, amount int64) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.find(k); at != nil {
		at.tat -= amount + s.giveBackShared(k, amount)
	}
}

func (c *Counters) shard(k key) *shard { return &c.shards[k.hi>>58] }

// sets returns the two sets in which the key may live. When the shard doubles, the keys of set i move to set 2i or 2i+1.
func (s *shard) sets(k key) (a, b []slot) {
	n := uint64(len(s.slots) / ways)
	i, _ := bits.Mul64(k.hi<<6, n) // the upper six bits chose the shard
	j, _ := bits.Mul64(k.lo, n)
	return s.slots[i*ways : (i+1)*ways], s.slots[j*ways : (j+1)*ways]
}

func (s *shard) find(k key) *slot {
	a, b := s.sets(k)
	for i := range a {
		if a[i].key == k && a[i].tat != 0 {
			return &a[i]
		}
	}
	for i := range b {
		if b[i].key == k && b[i].tat != 0 {
			return &b[i]
		}
	}
	return nil
}

// place returns where the TAT of the key is kept: its slot, a slot that is free for it, or the overflow bucket.
func (s *shard) place(k key, class uint64, now int64) *int64 {
	if at := s.find(k); at != nil {
		return &at.tat
	}
	at := s.free(k, now)
	for at == nil && len(s.slots) < s.most {
		s.grow(now)
		at = s.free(k, now)
	}
	if at == nil {
		s.spilled++
		return &s.overflow[class]
	}
	if at.tat == 0 {
		s.used++
	}
	*at = slot{k, max(now, s.overflow[class])} // later than now: the key may have been counted in overflow
	return &at.tat
}

// free returns a slot that holds nothing of worth, from the emptier of the two sets.
func (s *shard) free(k key, now int64) *slot {
	a, b := s.sets(k)
	x, xs := vacant(a, now)
	y, ys := vacant(b, now)
	if ys > xs {
		return y
	}
	return x
}

// vacant returns one slot that is unused or refilled, and how many there are.
func vacant(set []slot, now int64) (at *slot, n int) {
	for i := range set {
		if set[i].tat <= now {
			at = &set[i]
			n++
		}
	}
	return at, n
}

// grow doubles the shard and carries over what is not refilled. It cannot run out of room: what was in one set has two
// sets to itself.
func (s *shard) grow(now int64) {
	old := s.slots
	s.slots, s.used = make([]slot, 2*len(old)), 0
	for i := range old {
		if old[i].tat <= now {
			continue
		}
		at := s.unused(old[i].key, i/ways)
		*at = old[i]
		s.used++
	}
}

// unused returns a slot that was never used, in the set of the key that stems from the set called parent.
func (s *shard) unused(k key, parent int) *slot {
	a, b := s.sets(k)
	if base := 2 * parent * ways; &a[0] != &s.slots[base] && &a[0] != &s.slots[base+ways] {
		a = b
	}
	for i := range a {
		if a[i].tat == 0 {
			return &a[i]
		}
	}
	panic("limit: no room in a shard that has doubled")
}
