package quota

import (
	"sync"
)

// What is counted in a window.
const (
	Requests = iota
	Units    // cost of operations; of an upstream: millionths of the price
	Octets
	Records
	Measures
)

// Use is how much, by measure.
type Use [Measures]int64

func (u *Use) add(v Use) {
	for m := range u {
		u[m] += v[m]
	}
}

// Limits bound the use of each span; 0 is no bound.
type Limits [Spans]Use

// A Holder is who has an account.
type Holder struct {
	Kind   string `json:"kind"` // principal, tenant, client, upstream, spill
	Issuer string `json:"issuer,omitempty"`
	Name   string `json:"name"`
}

// An Account is what one holder has used in the present windows. It is safe for concurrent use.
type Account struct {
	holder Holder
	mu     sync.Mutex
	most   *Limits // under which it was used last; nil until then
	named  string  // the plan that has them, also after a restart; an upstream has none
	of     [Spans]tally
	queued bool // waits to be written
}

// A tally is the use in one window. used is all of it, as far as is known here: what the store had when it was written
// last, by whichever gateway, and what was used here since. Of that, fresh was not written yet, and flying is being.
type tally struct {
	start               int64
	used, fresh, flying Use
}

// roll begins the windows anew that have ended. A clock that is set back begins none. Of what was not written of an
// ended window the rows are returned. The caller holds the lock.
func (a *Account) roll(w *Windows) (late []row) {
	for s := range a.of {
		t := &a.of[s]
		if t.start >= w[s].Start {
			continue
		}
		if t.fresh != (Use{}) {
			late = append(late, row{a.holder, Span(s), t.start, a.named, t.fresh})
		}
		*t = tally{start: w[s].Start}
	}
	return late
}

// fits returns whether a request may use so much more, and if not, the longest window that it does not fit into. Bytes
// and records of a request are not known before: there has only to be something left. The caller holds the lock.
func (a *Account) fits(l *Limits, more Use) (s Span, ok bool) {
	for s := int(Spans) - 1; s >= 0; s-- {
		for m, most := range l[s] {
			if most > 0 && a.of[s].used[m]+max(1, more[m]) > most && (more[m] > 0 || m >= Octets) {
				return Span(s), false
			}
		}
	}
	return 0, true
}

// add uses so much more. The caller holds the lock; it has the account queued where first tells so.
func (a *Account) add(more Use) (first bool) {
	for s := range a.of {
		a.of[s].used.add(more)
		a.of[s].fresh.add(more)
	}
	first = !a.queued
	a.queued = true
	return first
}

// shardCount is how many parts the table has, each with its lock.
const shardCount = 64

// accounts are those of the process, in a bounded table, and the queue of what is to be written.
//
// An account stays until its month has ended: there is no other that could be forgotten without giving somebody a
// fresh quota. When there is no room, newcomers share one account of their kind: they are refused earlier than alone,
// never later. Those who show no credential get at most half of the room, so that addresses, which cost nothing, cannot
// take it from people who are known.
type accounts struct {
	most   int
	shards [shardCount]shard
	spill  [2]*Account // of clients, of all others

	mu      sync.Mutex
	n       [2]int // accounts, likewise
	spilled uint64 // accounts that were asked for and had no room
	queue   []*Account
	late    []row // of windows that ended before they were written
}

type shard struct {
	mu sync.RWMutex
	by map[Key]*Account
	_  [32]byte // two shards share no cache line
}

func newAccounts(most int) *accounts {
	t := &accounts{most: most}
	for i := range t.shards {
		t.shards[i].by = map[Key]*Account{}
	}
	for i, name := range []string{"clients", "callers"} {
		t.spill[i] = &Account{holder: Holder{Kind: "spill", Name: name}}
	}
	return t
}

// find returns the account of the key, or nil.
func (t *accounts) find(k Key) *Account {
	s := &t.shards[k.Hi>>58]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.by[k]
}

// open returns the account of the key, which is made for h where there is none.
func (t *accounts) open(k Key, h Holder) *Account {
	s := &t.shards[k.Hi>>58]
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.by[k]; a != nil {
		return a
	}
	known := 1
	if h.Kind == "client" {
		known = 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n[0]+t.n[1] >= t.most || known == 0 && t.n[0] >= t.most/2 {
		t.spilled++
		return t.spill[known]
	}
	t.n[known]++
	a := &Account{holder: h}
	s.by[k] = a
	return a
}

// enqueue has the account written.
func (t *accounts) enqueue(a *Account) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(t.queue, a)
}

// remember has rows written whose windows have ended.
func (t *accounts) remember(late []row) {
	if len(late) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.late = append(t.late, late...)
}

// forget drops accounts whose month has ended and whose use is written. Those of upstreams stay, as rules hold them.
func (t *accounts) forget(w *Windows) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for k, a := range s.by {
			a.mu.Lock()
			old := a.of[Month].start < w[Month].Start && !a.queued && a.holder.Kind != "upstream"
			a.mu.Unlock()
			if !old {
				continue
			}
			delete(s.by, k)
			t.mu.Lock()
			if a.holder.Kind == "client" {
				t.n[0]--
			} else {
				t.n[1]--
			}
			t.mu.Unlock()
		}
		s.mu.Unlock()
	}
}

// all returns every account.
func (t *accounts) all() []*Account {
	list := []*Account{t.spill[0], t.spill[1]}
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.RLock()
		for _, a := range s.by {
			list = append(list, a)
		}
		s.mu.RUnlock()
	}
	return list
}
