package identity

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Bounds of the cache of verified tokens.
const (
	cacheEntries = 100_000
	cacheBytes   = 256 << 20
	cacheShards  = 64
	// entryOverhead is what an entry costs besides its claims, whose size in memory is about claimsFactor times that
	// of the token.
	entryOverhead = 512
	claimsFactor  = 4
)

// cache remembers verified tokens. It is safe for concurrent use. When it is full, entries that were not asked for
// lately go first (second chance), so a flood of tokens that are used once does not drive out those in use.
type cache struct {
	shards        [cacheShards]shard
	hits, misses  atomic.Uint64
	entries, size int // bounds of one shard
}

type cacheName struct {
	sum      [sha256.Size]byte
	provider uint32
}

type shard struct {
	mu    sync.RWMutex
	index map[cacheName]*entry
	clock []*entry // in no order; hand goes round
	hand  int
	size  int
}

type entry struct {
	name    cacheName
	ring    *keyRing
	known   *facts
	until   time.Time
	size    int
	slot    int // in clock; guarded by the shard
	visited atomic.Bool
}

func newCache(entries, bytes int) *cache {
	c := &cache{entries: max(1, entries/cacheShards), size: max(1, bytes/cacheShards)}
	for i := range c.shards {
		c.shards[i].index = map[cacheName]*entry{}
	}
	return c
}

// name is the key of a token. Only its digest is kept: memory that leaks holds no token that is worth stealing.
func (c *cache) name(token string, provider uint32) cacheName {
	// The bytes are only read.
	return cacheName{sha256.Sum256(unsafe.Slice(unsafe.StringData(token), len(token))), provider}
}

func (c *cache) shard(n *cacheName) *shard {
	return &c.shards[binary.LittleEndian.Uint32(n.sum[:4])%cacheShards]
}

// get returns what is known, provided that the token still lives and the ring that verified it is the one in force.
func (c *cache) get(n cacheName, ring *keyRing, now time.Time) *facts {
	s := c.shard(&n)
	s.mu.RLock()
	e := s.index[n]
	s.mu.RUnlock()
	if e == nil || e.ring != ring || !now.Before(e.until) {
		c.misses.Add(1)
		return nil
	}
	if !e.visited.Load() { // keeps the line shared between cores where nothing changes
		e.visited.Store(true)
	}
	c.hits.Add(1)
	return e.known
}

// has reports whether there is an entry, be it stale.
func (c *cache) has(n cacheName) bool {
	s := c.shard(&n)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index[n] != nil
}

// put remembers facts until a time, as long as ring is in force. tokenSize is a measure of what they cost.
func (c *cache) put(n cacheName, ring *keyRing, known *facts, until time.Time, tokenSize int) {
	e := &entry{name: n, ring: ring, known: known, until: until, size: entryOverhead + claimsFactor*tokenSize}
	s := c.shard(&n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.index[n]; old != nil {
		s.size += e.size - old.size
		e.slot = old.slot
		s.clock[e.slot], s.index[n] = e, e
		return
	}
	for len(s.clock) > 0 && (len(s.clock) >= c.entries || s.size+e.size > c.size) {
		s.evict()
	}
	s.index[n], e.slot = e, len(s.clock)
	s.clock = append(s.clock, e)
	s.size += e.size
}

// evict removes the first entry, from the hand on, that was not asked for since the hand passed it.
func (s *shard) evict() {
	for {
		if s.hand >= len(s.clock) {
			s.hand = 0
		}
		e := s.clock[s.hand]
		if e.visited.Load() {
			e.visited.Store(false)
			s.hand++
			continue
		}
		last := len(s.clock) - 1
		s.clock[s.hand] = s.clock[last]
		s.clock[s.hand].slot = s.hand
		s.clock[last] = nil
		s.clock = s.clock[:last]
		delete(s.index, e.name)
		s.size -= e.size
		return
	}
}

func (c *cache) len() (n int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		n += len(s.clock)
		s.mu.RUnlock()
	}
	return n
}
