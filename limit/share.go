package limit

import (
	"math"
	"time"

	"github.com/sallyport/sallyport/store/counters"
)

// A share is what this process and the others spend under one key, between exchanges (see [Cluster]).
//
// The slot of the key has the common TAT of the last exchange and, since then, what was spent here times how many
// processes spend: the others are believed to spend as much. The next exchange corrects that, whatever they did.
type share struct {
	pending int64 // spent, and not told yet; below 0 after something told was given back
	flying  int64 // told, and not answered yet
	since   int64 // when the first of what is pending was spent
	known   int64 // the TAT is not before: the common one of the last answer, and what was spent here since
	most    int64 // how far ahead the common TAT may be
	window  int64 // see [counters.Item]
	nodes   int32 // that spend under the key
	quiet   uint8 // exchanges since it was asked about
	debt    bool  // counts what has happened: never more than one burst ahead
}

// Bounds of what is shared.
const (
	maxShares = 1024 // keys of a shard, 65,536 together: about 8 MB
	maxQuiet  = 20   // exchanges after which a key is not told about any more
	maxNodes  = 1000 // that are believed
)

// asked is the share of a key about which a request has come; false where there is no room, and for what is counted in overflow.
// The lock is held.
func (s *shard) asked(k key, at *int64, class uint64, r *rate, now int64) (x share, ok bool) {
	if at == &s.overflow[class] {
		return share{}, false
	}
	x, known := s.shares[k]
	if !known {
		if len(s.shares) >= maxShares {
			s.unshared++
			return share{}, false
		}
		x = share{known: *at, nodes: 1}
		if *at == s.overflow[class] { // what a flood has spent here is nobody else's
			x.known = now
		}
	}
	x.most, x.quiet = r.tolerance, 0
	return x, true
}

// times is how many processes are believed to spend as much as this one. Of what is not shared, and of everything while it counts
// alone, this process has its part. The lock is held.
func (s *shard) times(x *share, shared bool) int64 {
	if s.alone || !shared {
		return max(s.nodes, int64(x.nodes))
	}
	return int64(x.nodes)
}

func (s *shard) takeShared(k key, at *int64, class uint64, r *rate, now, cost int64) (tat int64, ok bool) {
	x, shared := s.asked(k, at, class, r, now)
	if tat, ok = r.take(*at, now, cost); ok {
		amount := cost * r.interval
		tat += others(s.times(&x, shared), amount)
		x.spend(now, amount)
	}
	*at = tat
	if shared {
		s.shares[k] = x
	}
	return tat, ok
}

// spend takes note of what is to be told.
func (x *share) spend(now, amount int64) {
	if x.pending <= 0 {
		x.since = now
	}
	x.pending = min(x.pending+amount, math.MaxInt64/8)
	x.known = max(x.known, now) + amount
}

func (s *shard) oweShared(k key, at *int64, class uint64, r *rate, now, cost int64) {
	x, shared := s.asked(k, at, class, r, now)
	next := r.owe(*at, now, cost)
	if shared {
		known := r.owe(x.known, now, cost)
		x.spend(now, cost*r.interval)
		x.debt, x.pending, x.known = true, min(x.pending, r.tolerance), known
		s.shares[k] = x
	}
	*at = max(next, min(next+others(s.times(&x, shared), cost*r.interval), now+r.tolerance))
}

// giveBackShared returns what the others are not believed to have spent either.
func (s *shard) giveBackShared(k key, amount int64) int64 {
	x, ok := s.shares[k]
	if !ok {
		return 0
	}
	x.pending -= amount
	x.known -= amount
	s.shares[k] = x
	return others(s.times(&x, true), amount)
}

// others is what the others are believed to spend while one spends amount.
func others(times, amount int64) int64 {
	return min(times-1, math.MaxInt64/8/amount) * amount
}

// share lets keys be shared among processes. Before any is counted.
func (c *Counters) share(nodes int) {
	for i := range c.shards {
		c.shards[i].shares = map[key]share{}
	}
	c.alone(true, nodes)
}

// unshared is how many requests were counted of keys that found no room in shares.
func (c *Counters) unshared() (n uint64, keys int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n, keys = n+s.unshared, keys+len(s.shares)
		s.mu.Unlock()
	}
	return n, keys
}

// alone tells whether the process counts alone, because exchanges fail, and how many processes have a part then.
func (c *Counters) alone(alone bool, nodes int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.alone, s.nodes = alone, int64(min(max(nodes, 1), maxNodes))
		s.mu.Unlock()
	}
}

// collect appends to list what a shard has to tell, and forgets keys that were not asked about for long.
func (s *shard) collect(list []counters.Item, now int64, nodes int) []counters.Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, x := range s.shares {
		if x.quiet++; x.quiet > maxQuiet && x.pending <= 0 {
			delete(s.shares, k)
			continue
		}
		if x.quiet > 1 && x.pending <= 0 {
			s.shares[k] = x
			continue
		}
		x.flying = max(0, x.pending)
		x.pending -= x.flying
		s.shares[k] = x
		list = append(list, item(k, x, now, nodes))
	}
	return list
}

// settle takes over what was answered to what was collected at a time.
func (c *Counters) settle(list []counters.Item, at int64) {
	for i := range list {
		k := keyIn(list[i].Key)
		s := c.shard(k)
		s.mu.Lock()
		if x, ok := s.shares[k]; ok {
			x.flying, x.known, x.window = 0, at+int64(list[i].Ahead), list[i].Window
			x.nodes = int32(min(max(list[i].Nodes, 1), maxNodes))
			s.move(k, &x, at)
			s.shares[k] = x
		}
		s.mu.Unlock()
	}
}

// move sets the TAT of a key to the common one and what was spent since. The lock is held.
func (s *shard) move(k key, x *share, now int64) {
	if x.pending > 0 {
		x.known = max(x.known, x.since)
	}
	x.known += x.pending
	to := x.known
	if x.pending > 0 {
		to += others(int64(x.nodes), x.pending)
	}
	if x.debt {
		to = min(to, now+x.most)
	}
	if at := s.find(k); at != nil {
		at.tat = max(to, 1)
	} else if at := s.free(k, now); at != nil && to > now {
		if at.tat == 0 {
			s.used++
		}
		*at = slot{k, to}
	}
}

func item(k key, x share, now int64, nodes int) counters.Item {
	most := x.most // of requests, several processes may spend a burst at the same time, which is to be paid back
	if !x.debt {
		most *= min(int64(nodes), math.MaxInt64/4/most)
	}
	i := counters.Item{Spent: time.Duration(x.flying), Since: time.Duration(now - x.since), Known: time.Duration(max(0, x.known-now)), Most: time.Duration(most), Window: x.window}
	i.Key = k.bytes()
	return i
}

// unanswered takes back what was collected and perhaps never heard.
func (c *Counters) unanswered(list []counters.Item) {
	for i := range list {
		k := keyIn(list[i].Key)
		s := c.shard(k)
		s.mu.Lock()
		if x, ok := s.shares[k]; ok {
			x.pending += x.flying
			x.flying = 0
			s.shares[k] = x
		}
		s.mu.Unlock()
	}
}

// rest lets what waits to be told come back meanwhile as the TAT does, while the process counts alone, and forgets keys that are full
// again. What is told in the end is the part of this process, and after a short pause what it has spent.
func (c *Counters) rest(now, nodes int64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for k, x := range s.shares {
			at := s.find(k)
			if at == nil || at.tat <= now {
				delete(s.shares, k)
				continue
			}
			x.pending, x.since = min(x.pending, max((at.tat-now)/nodes, x.known-now)), now
			s.shares[k] = x
		}
		s.mu.Unlock()
	}
}
