package limit

import (
	"context"
	"encoding/binary"

	"github.com/sallyport/sallyport/store/counters"
)

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
	if delete(l.levels, id); common && len(l.levels) < counters.MaxLevels {
		l.levels[id] = g
	} else {
		g.elsewhere(0, 1)
	}
	return g
}

// levelID is the same in all processes that share a secret.
func (l *Limiter) levelID(name string) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], l.ruleID(name+"\x00level"))
	binary.BigEndian.PutUint64(id[8:], l.ruleID(name+"\x00in flight"))
	return id
}

// level tells the others how many requests are in flight here, and learns how many there are. What begins at the others between two
// exchanges nobody knows of yet. While the process counts alone, its bound is its part.
func (c *Cluster) level(ctx context.Context) {
	gauges := c.limiter.commonGauges()
	if len(gauges) == 0 {
		c.blind.Store(false) // nobody asks any more
		return
	}
	sums, known := c.levels(ctx, gauges)
	c.blind.Store(!known)
	for id, g := range gauges {
		if known {
			g.elsewhere(sums[id], 1)
		} else {
			g.elsewhere(0, c.nodes.Load())
		}
	}
}

// levels are what the others have in flight; false where nobody knows.
func (c *Cluster) levels(ctx context.Context, gauges map[[16]byte]*gauge) (sums map[[16]byte]int64, known bool) {
	if c.alone.Load() {
		return nil, false
	}
	own := make([]counters.Level, 0, len(gauges))
	for id, g := range gauges {
		if n := g.n.Load(); n > 0 {
			own = append(own, counters.Level{Key: id, N: n})
		}
	}
	ctx, cancel := context.WithTimeout(ctx, Late)
	defer cancel()
	others, err := c.common.Levels(ctx, own)
	if err != nil {
		c.failures.Add(1)
		c.why.Store(&err)
		return nil, false
	}
	sums = make(map[[16]byte]int64, len(others))
	for _, l := range others {
		sums[l.Key] += max(l.N, 0)
	}
	return sums, true
}

func (l *Limiter) commonGauges() map[[16]byte]*gauge {
	l.mu.Lock()
	defer l.mu.Unlock()
	gauges := make(map[[16]byte]*gauge, len(l.levels))
	for id, g := range l.levels {
		gauges[id] = g
	}
	return gauges
}
