package limit

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/config"
)

// Bounds and defaults of bans.
const (
	maxBans        = 100_000
	defaultAfter   = 300
	defaultFirst   = time.Minute
	defaultLongest = 24 * time.Hour
)

// LongestBan is how long one may last: addresses have another owner some day.
const LongestBan = 30 * 24 * time.Hour

// RememberBans is how long a ban is remembered after its end: who comes again is banned for twice as long.
const RememberBans = 24 * time.Hour

// A Ban shuts one client out. It is remembered for a day after its end.
type Ban struct {
	Client netip.Prefix `json:"client"` // an IPv4 address, or a /64 of IPv6
	Since  time.Time    `json:"since"`
	Until  time.Time    `json:"until"`
	Times  int          `json:"times"`        // this one included
	Reason string       `json:"reason"`       //
	By     string       `json:"by,omitempty"` // who imposed it; "" is the gateway
}

// Bans are in force whatever the mode of limit is for an API: they are made only where it enforces. Safe for concurrent use.
type Bans struct {
	now     func() time.Time
	any     atomic.Int64 // entries; spares the lock
	refused atomic.Int64 // bans that were not made, because there are too many

	mu    sync.RWMutex
	list  map[netip.Prefix]Ban
	swept time.Time
	tell  func(Ban) // of one that began, or ended before its time
}

func newBans(now func() time.Time) *Bans {
	return &Bans{now: now, list: map[netip.Prefix]Ban{}, tell: func(Ban) {}}
}

// Tell sets who is told of bans that begin, and of those that are lifted, whose end is then not after their beginning. It is
// called without a lock and must not block. Set it before the first request.
func (b *Bans) Tell(f func(Ban)) { b.tell = f }

// ClientOf is what a client is counted as: an IPv4 address, or the /64 of an IPv6 address.
func ClientOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	p, _ := a.Prefix(min(a.BitLen(), 64)) // an invalid address has an invalid prefix
	return p
}

// Until is when the ban of an address ends; false when there is none.
func (b *Bans) Until(a netip.Addr) (time.Time, bool) {
	if b.any.Load() == 0 {
		return time.Time{}, false
	}
	p := ClientOf(a)
	b.mu.RLock()
	ban, ok := b.list[p]
	b.mu.RUnlock()
	return ban.Until, ok && b.now().Before(ban.Until)
}

// Active is how many bans are in force.
func (b *Bans) Active() (n int) {
	now := b.now()
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, ban := range b.list {
		if now.Before(ban.Until) {
			n++
		}
	}
	return n
}

// List are the bans in force, the newest first.
func (b *Bans) List() []Ban {
	now := b.now()
	var list []Ban
	b.mu.RLock()
	for _, ban := range b.list {
		if now.Before(ban.Until) {
			list = append(list, ban)
		}
	}
	b.mu.RUnlock()
	slices.SortFunc(list, func(x, y Ban) int { return y.Since.Compare(x.Since) })
	return list
}

// Impose bans a client for a reason, whoever by says did it, in place of a ban that it may have.
func (b *Bans) Impose(client netip.Addr, until time.Time, reason, by string) (Ban, bool) {
	return b.put(Ban{Client: ClientOf(client), Since: b.now(), Until: until, Reason: reason, By: by})
}

// Lift ends the ban of a client, which is not held against it later.
func (b *Bans) Lift(client netip.Addr, by string) bool {
	b.mu.Lock()
	ban, ok := b.list[ClientOf(client)]
	if ok = ok && b.now().Before(ban.Until); ok {
		ban.Until, ban.Times, ban.By = ban.Since, 0, by
		b.list[ban.Client] = ban
	}
	b.mu.Unlock()
	if ok {
		b.tell(ban)
	}
	return ok
}

// Merge takes over what was decided elsewhere: in another process, or beside this one. The later decision about a client holds.
// It reports whether that was news. Nobody is told.
func (b *Bans) Merge(ban Ban) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, known := b.list[ban.Client]
	if known && (ban.Since.Before(before.Since) || ban.Since.Equal(before.Since) && !ban.Until.Before(before.Until)) || !known && len(b.list) >= maxBans {
		return false
	}
	b.list[ban.Client] = ban
	b.any.Store(int64(len(b.list)))
	return true
}

// remembered are all that are, in force or over.
func (b *Bans) remembered() []Ban {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.Collect(maps.Values(b.list))
}

// Refused is how many bans were not made, because there were too many.
func (b *Bans) Refused() int64 { return b.refused.Load() }

// escalate bans a client that went on: for first, and twice as long each time.
func (b *Bans) escalate(a netip.Addr, c banning) {
	now := b.now()
	b.mu.RLock()
	before := b.list[ClientOf(a)]
	b.mu.RUnlock()
	if now.Before(before.Until) {
		return
	}
	long := c.first
	for range min(before.Times, 30) {
		long = min(2*long, c.longest)
	}
	b.put(Ban{Client: ClientOf(a), Since: now, Until: now.Add(long), Times: before.Times + 1, Reason: "it went on after it was turned away"})
}

func (b *Bans) put(ban Ban) (Ban, bool) {
	ban.Since, ban.Until = ban.Since.Truncate(time.Millisecond), ban.Until.Truncate(time.Millisecond) // as it is kept, so that the same is not earlier
	b.mu.Lock()
	b.sweep(ban.Since)
	before, known := b.list[ban.Client]
	if !known && len(b.list) >= maxBans {
		b.mu.Unlock()
		b.refused.Add(1)
		return ban, false
	}
	if ban.Times == 0 {
		ban.Times = before.Times + 1
	}
	b.list[ban.Client] = ban
	b.any.Store(int64(len(b.list)))
	b.mu.Unlock()
	b.tell(ban)
	return ban, true
}

// sweep forgets, once a minute at most, what is long over. The lock is held.
func (b *Bans) sweep(now time.Time) {
	if now.Sub(b.swept) < time.Minute {
		return
	}
	b.swept = now
	for p, ban := range b.list {
		if now.Sub(ban.Until) > RememberBans {
			delete(b.list, p)
		}
	}
}

// banning is config.Bans with its defaults.
type banning struct {
	rate           rate // of being turned away; limit 0: nobody is banned
	first, longest time.Duration
}

func newBanning(c config.Bans) (b banning) {
	b.first, b.longest = orDefault(time.Duration(c.First), defaultFirst), orDefault(time.Duration(c.Longest), defaultLongest)
	b.longest = max(b.longest, b.first)
	b.rate, _ = newRate(config.Rate{Limit: orDefault(c.After, defaultAfter)}) // limit stays 0 where it is negative
	return b
}

// turnedAway counts that a client came again that was told not to, and bans it in the end.
func (l *Limiter) turnedAway(a netip.Addr) {
	b := &l.abuse.Load().banning
	if b.rate.limit == 0 || a.IsLoopback() || !a.IsValid() || l.allowed(a) {
		return
	}
	if _, ok := l.counters.take(l.client(l.turned, a), l.turned, &b.rate, l.ticks(), 1); !ok {
		l.bans.escalate(a, *b)
	}
}
