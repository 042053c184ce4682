package listen

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// maxRemembered bounds how many addresses without a connection are remembered. Beyond it any of them is forgotten:
// whoever owns so many addresses is not stopped by a count for each.
const maxRemembered = 1 << 16

// clients counts by address what each holds and has spent. It is safe for concurrent use.
type clients struct {
	limits    *limits
	mu        sync.Mutex
	open      int
	lingering int // of those
	streams   int // see [clients.allowance]
	known     map[netip.Addr]*client
	resting   int // of known, those without a connection
	swept     time.Time
}

// A client is one address, or one /64 of IPv6, which is what a single subscriber gets.
type client struct {
	addr       netip.Addr
	all        *clients
	open       int
	lingering  int // of those
	streams    int
	handshakes bucket
	resets     bucket // in halves
	wasted     bucket // connections that end before anything is asked for
	waiting    int    // connections whose handshake has to wait
}

// A client may leave so many connections unused, and one a second; each that it uses pays for one more. Beyond, its handshakes wait.
const (
	maxWasted  = 10
	wasteWait  = time.Second
	maxWaiting = 64 // connections of one client
)

func newClients(l *limits) *clients { return &clients{limits: l, known: map[netip.Addr]*client{}} }

// enter counts a connection in or says why not. An address that is not valid, which stands for a trusted proxy or a
// socket without addresses, is bound by the total only; its client is nil. handshakes are none on plain listeners.
func (c *clients) enter(addr netip.Addr, handshakes int) (*client, cut, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open >= c.limits.connections {
		return nil, manyConnections, false
	}
	if !addr.IsValid() {
		c.open++
		return nil, 0, true
	}
	now := time.Now()
	k := c.find(subscriber(addr), now)
	switch {
	case k.open >= c.limits.perClient:
		return nil, manyPerClient, false
	case !k.handshakes.take(handshakes, now): // also none, while it owes
		return nil, manyHandshakes, false
	}
	if k.open == 0 {
		c.resting--
	}
	k.open++
	c.open++
	return k, 0, true
}

// leave counts it out again. What the client has spent is remembered until it is forgiven.
func (c *clients) leave(k *client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	if k == nil {
		return
	}
	if k.open--; k.open == 0 {
		c.resting++
		now := time.Now()
		if k.forgiven(now) {
			c.forget(k)
		}
		c.sweep(now)
	}
}

// spendReset takes a reset, in halves, from what all connections of an address may take back together, after giving what
// one of them has earned. A nil client may.
func (k *client) spendReset(earned int, now time.Time) bool {
	if k == nil {
		return true
	}
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	k.resets.refill(now)
	k.resets.give(earned)
	return k.resets.take(2, now)
}

// flooded makes an address pay for a connection that was cut for a flood, with as many handshakes as it has in a second: who
// floods again and again comes in once a second at most, and is refused before it costs a handshake. A nil client pays nothing.
func (k *client) flooded(now time.Time) {
	if k == nil {
		return
	}
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	k.handshakes.owe(k.all.limits.handshakes, now)
}

// used settles what a connection was good for when it has ended. A client whose connections serve nothing costs us a handshake each.
func (k *client) used(asked bool, now time.Time) {
	if k == nil {
		return
	}
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	if asked {
		k.wasted.give(1)
	} else {
		k.wasted.owe(1, now)
	}
}

// patience is how long the next handshake of a client waits; false where so many wait that this one must not.
func (k *client) patience(now time.Time) (wait time.Duration, ok bool) {
	if k == nil || k.addr.IsLoopback() {
		return 0, true
	}
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	if k.wasted.take(0, now) {
		return 0, true
	}
	if k.waiting >= maxWaiting {
		return 0, false
	}
	k.waiting++
	return wasteWait/2 + rand.N(wasteWait/2), true // or they would all begin together
}

// wasteful tells whether its connections served nothing lately.
func (k *client) wasteful(now time.Time) bool {
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	return !k.wasted.full(now)
}

// waited is to be called once for each wait.
func (k *client) waited() {
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	k.waiting--
}

func (c *clients) find(addr netip.Addr, now time.Time) *client {
	if k := c.known[addr]; k != nil {
		return k
	}
	burst := 2 * 5 * c.limits.resets
	k := &client{addr: addr, all: c, handshakes: newBucket(4*c.limits.handshakes, c.limits.handshakes, now), resets: newBucket(burst, max(1, burst/60), now), wasted: newBucket(maxWasted, 1, now)}
	c.known[addr] = k
	c.resting++
	return k
}

func (k *client) forgiven(now time.Time) bool {
	return k.handshakes.full(now) && k.resets.full(now) && k.wasted.full(now)
}

func (c *clients) forget(k *client) {
	delete(c.known, k.addr)
	c.resting--
}

// sweep forgets who is forgiven, at most once in a while, and anybody beyond the bound.
func (c *clients) sweep(now time.Time) {
	if c.resting <= maxRemembered && now.Sub(c.swept) < time.Minute {
		return
	}
	if now.Sub(c.swept) >= time.Second { // a full table is not walked with every connection
		c.swept = now
		for _, k := range c.known {
			if k.open == 0 && k.forgiven(now) {
				c.forget(k)
			}
		}
	}
	for _, k := range c.known {
		if c.resting <= maxRemembered {
			return
		}
		if k.open == 0 {
			c.forget(k)
		}
	}
}

func subscriber(a netip.Addr) netip.Addr {
	if a.Is6() {
		p, _ := a.Prefix(64) // fails for lengths that are out of range only
		return p.Addr()
	}
	return a
}
