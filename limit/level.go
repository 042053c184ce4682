package limit

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/store/counters"
)

// maxTotals is how many common gauges others are told of.
const maxTotals = 1024

// total returns the gauge of that name, which outlives snapshots. A common one counts requests in flight of all processes of a [Cluster].
func (l *Limiter) total(name string, common bool) *gauge {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.totals[name]
	if g == nil {
		g = new(gauge)
		l.totals[name] = g
	}
	id := l.levelID(name)
	if delete(l.levels, id); common && len(l.levels) < maxTotals {
		l.levels[id] = g
	} else {
		g.elsewhere(0, 1)
	}
	return g
}

// levelID is the same in all processes that share a secret.
func (l *Limiter) levelID(name string) key {
	return key{l.ruleID(name + "\x00level"), l.ruleID(name + "\x00in flight")}
}

// clientsOf are the gauges of clients of a rule. Common ones count requests in flight of all processes of a [Cluster].
func (l *Limiter) clientsOf(rule uint64, common bool) *gauges {
	l.mu.Lock()
	defer l.mu.Unlock()
	if delete(l.joint, rule); !common {
		return l.clients
	}
	l.joint[rule] = struct{}{}
	return l.commonClients
}

// level tells the others how many requests are in flight here, and learns how many there are. What begins at the others between two
// exchanges nobody knows of yet. While the process counts alone, its bounds are its part.
func (c *Cluster) level(ctx context.Context) {
	totals, clients := c.limiter.common()
	if len(totals) == 0 && clients == nil {
		c.blind.Store(false) // nobody asks any more
		return
	}
	there, known := c.levels(ctx, append(tellTotals(totals), clients.tell()...))
	c.blind.Store(!known)
	for k, g := range totals {
		g.elsewhere(there.n[k], there.parts)
	}
	if clients != nil {
		clients.elsewhere.Store(there)
	}
}

// levels are what the others have in flight; false where nobody knows.
func (c *Cluster) levels(ctx context.Context, own []counters.Level) (there *elsewhere, known bool) {
	apart := &elsewhere{parts: c.nodes.Load()}
	if c.alone.Load() {
		return apart, false
	}
	ctx, cancel := context.WithTimeout(ctx, Late)
	defer cancel()
	others, err := c.common.Levels(ctx, own)
	if err != nil {
		c.failures.Add(1)
		c.why.Store(&err)
		return apart, false
	}
	there = &elsewhere{n: make(map[key]int64, len(others))}
	for _, l := range others {
		there.n[keyIn(l.Key)] += max(l.N, 0)
	}
	return there, true
}

// common are the gauges that count for all processes; clients are nil where no rule has those of clients in common.
func (l *Limiter) common() (totals map[key]*gauge, clients *gauges) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.joint) > 0 {
		clients = l.commonClients
	}
	return maps.Clone(l.levels), clients
}

func tellTotals(totals map[key]*gauge) (list []counters.Level) {
	for k, g := range totals {
		if n := g.n.Load(); n > 0 {
			list = append(list, counters.Level{Key: k.bytes(), N: n})
		}
	}
	return list
}

// Bounds of what is told of clients: those who have a sixteenth of what they may have, and if they are too many those who have the most.
const (
	tellFrom       = 16
	maxToldClients = counters.MaxLevels - maxTotals
)

// tell lists what is told of clients.
func (g *gauges) tell() (list []counters.Level) {
	if g == nil {
		return nil
	}
	for i := range g.shards {
		list = g.shards[i].tell(list)
	}
	if len(list) > maxToldClients {
		slices.SortFunc(list, func(a, b counters.Level) int { return cmp.Compare(b.N, a.N) })
		list = list[:maxToldClients]
	}
	return list
}

func (s *gaugeShard) tell(list []counters.Level) []counters.Level {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, x := range s.n {
		if x.n*tellFrom >= x.bound {
			list = append(list, counters.Level{Key: k.bytes(), N: x.n})
		}
	}
	return list
}
