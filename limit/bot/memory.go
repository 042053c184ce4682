package bot

import (
	"sync"
	"time"
)

// A Memory remembers what clients did, of a fixed number of them. It is safe for concurrent use.
//
// A client that did nothing bad loses nothing when it is forgotten, so newcomers take the place of such a one, of those in their
// set the one that was away for longest. Whoever has a mark is not forgotten before it has been away for ten minutes, or its
// marks are gone: no crowd of addresses wipes a record clean. Where a whole set has marks, a newcomer is not remembered, and is
// rated by what it shows alone: nobody shares a record with others, so no crowd makes that of an honest client worse.
type Memory struct {
	shards [shards]shard
	sets   uint64 // of a shard
}

const (
	shards = 64
	ways   = 8
)

type shard struct {
	mu    sync.Mutex
	lives []life // nil until somebody is remembered
	_     [32]byte
}

// NewMemory makes a memory for at least n clients, 72 bytes each.
func NewMemory(n int) *Memory {
	return &Memory{sets: uint64((n + shards*ways - 1) / (shards * ways))}
}

// Recall is what the client did lately. The key is 128 bits of a keyed hash, which nobody outside can choose.
func (m *Memory) Recall(hi, lo uint64, now time.Duration) Deeds {
	s := &m.shards[hi>>58]
	s.mu.Lock()
	defer s.mu.Unlock()
	set := m.set(s, lo)
	for i := range set {
		if set[i].hi == hi && set[i].lo == lo {
			return set[i].deeds(now)
		}
	}
	return Deeds{}
}

// Note remembers an act of the client.
func (m *Memory) Note(hi, lo uint64, a Act) {
	s := &m.shards[hi>>58]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lives == nil {
		s.lives = make([]life, m.sets*ways)
	}
	if l := place(m.set(s, lo), hi, lo, a.At); l != nil {
		l.add(a)
	}
}

func (m *Memory) set(s *shard, lo uint64) []life {
	if s.lives == nil {
		return nil
	}
	i := lo % m.sets * ways
	return s.lives[i : i+ways]
}

// place is where the client is remembered, or nil where there is no room for it.
func place(set []life, hi, lo uint64, now time.Duration) *life {
	var oldest *life
	for i := range set {
		l := &set[i]
		if l.hi == hi && l.lo == lo {
			return l
		}
		if d := l.deeds(now); d.marks() == 0 && (oldest == nil || l.at < oldest.at) {
			oldest = l
		}
	}
	if oldest != nil {
		*oldest = life{hi: hi, lo: lo, at: now, since: uint32(now / time.Second)}
	}
	return oldest
}
