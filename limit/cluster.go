package limit

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/store/counters"
)

// A Common is where processes add up what they spend: [counters.Client].
type Common interface {
	Exchange(ctx context.Context, at time.Time, items []counters.Item) (nodes int, err error)
	First(ctx context.Context, id [16]byte, keep time.Duration) (first bool, err error)
	Levels(ctx context.Context, own []counters.Level) (others []counters.Level, err error)
}

// Every is how often what was spent is exchanged; answers that are later than Late are not waited for.
const (
	Every = 50 * time.Millisecond
	Late  = 250 * time.Millisecond
)

const (
	maxTold = 16 * counters.MaxItems // keys of one exchange: those beyond wait for the next
	pulse   = 100 * time.Millisecond // a process that has nothing to tell is heard of as often
)

// A Cluster counts the limits of this process together with those of others. A request is decided by what this process knows,
// without waiting; what it has spent is told to the others, and what they have spent is learned, every 50 ms.
//
// While there are answers, a request that was let through under a key moves its TAT as many times as processes spend under that key,
// because the others are believed to do the same meanwhile; the next answer has what they did. So processes that spend under a key
// hold its limit together, whoever of them gets the requests. What goes beyond it is what processes let through that had
// not known of each other: the requests of a key in the first 50 ms at each process, and at most a burst of each. It is paid back, because all
// of it is added up: it is the same over a second and over a day.
//
// While there are no answers, the process counts alone and lets through its part: the limit divided by the number of processes that
// were last known.
type Cluster struct {
	limiter  *Limiter
	counters *Counters
	now      func() time.Time
	ticks    func() int64
	common   Common
	least    int // processes at least
	list     []counters.Item
	next     int       // shard that tells first
	heard    time.Time // the last answer
	rested   time.Time
	most     time.Time // when the number of processes was last as high as it is known

	alone     atomic.Bool
	blind     atomic.Bool // it is not known what the others have in flight
	why       atomic.Pointer[error]
	nodes     atomic.Int64
	exchanges atomic.Uint64
	failures  atomic.Uint64
	told      atomic.Uint64
	untold    atomic.Uint64
	took      atomic.Int64
}

// Cluster begins to count together with others, of whom there are so many at least, until more are known. It is called before anything
// is counted; until the first exchange the process counts alone.
func (l *Limiter) Cluster(common Common, least int) *Cluster {
	c := &Cluster{limiter: l, counters: l.counters, now: l.now, ticks: l.ticks, common: common, least: max(least, 1)}
	c.counters.share(c.least)
	c.alone.Store(true)
	c.nodes.Store(int64(c.least))
	return c
}

// Run exchanges until ctx ends, and then once more.
func (c *Cluster) Run(ctx context.Context) {
	clock := time.NewTicker(Every)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			c.Exchange(context.WithoutCancel(ctx))
			return
		case <-clock.C:
			c.Exchange(ctx)
		}
	}
}

// Exchange tells and learns once. It is not for concurrent use.
func (c *Cluster) Exchange(ctx context.Context) {
	c.exchange(ctx)
	c.level(ctx)
}

// exchange is that of what was spent.
func (c *Cluster) exchange(ctx context.Context) {
	if alone := c.alone.Load(); alone || c.now().Sub(c.heard) >= pulse {
		known := c.nodes.Load()
		err := c.call(ctx, c.now(), nil)
		if alone && (err == nil || c.now().Sub(c.rested) >= time.Second) {
			c.rested = c.now()
			c.counters.rest(c.ticks(), known)
		}
		if err != nil {
			return
		}
	}
	at := c.now()
	now := c.ticks() // not before at: nothing is known to be later than it is
	c.list = c.list[:0]
	for n := 0; n < shardCount && len(c.list) <= maxTold-maxShares; n++ {
		c.list = c.counters.shards[c.next].collect(c.list, now, int(c.nodes.Load()))
		c.next = (c.next + 1) % shardCount
	}
	for left := c.list; len(left) > 0; {
		some := left[:min(len(left), counters.MaxItems)]
		if c.call(ctx, at, some) != nil {
			c.counters.unanswered(left)
			return
		}
		c.counters.settle(some, now)
		left = left[len(some):]
	}
}

// call asks once, and takes note of how that went.
func (c *Cluster) call(ctx context.Context, at time.Time, some []counters.Item) error {
	ctx, cancel := context.WithTimeout(ctx, Late)
	defer cancel()
	began := c.now()
	nodes, err := c.common.Exchange(ctx, at, some)
	c.took.Store(int64(c.now().Sub(began)))
	c.exchanges.Add(1)
	if err != nil {
		c.failures.Add(1)
		c.why.Store(&err)
		c.alone.Store(true)
	} else {
		c.told.Add(uint64(len(some)))
		c.heard = c.now()
		c.alone.Store(false)
		c.know(nodes)
	}
	c.counters.alone(err != nil, int(c.nodes.Load()))
	return err
}

// First reports whether no process has used something before that is good only once ([once.Common]). While the process counts alone
// it is not asked: nobody waits for a server that is away.
func (c *Cluster) First(ctx context.Context, id [16]byte, keep time.Duration) (first bool, err error) {
	if err = errNotYet; !c.alone.Load() {
		ctx, cancel := context.WithTimeout(ctx, Late)
		defer cancel()
		first, err = c.common.First(ctx, id, keep)
	}
	if err != nil {
		c.untold.Add(1)
	}
	return first, err
}

// know takes note of how many processes there are. Fewer are believed only once it has lasted: a server that begins anew has not
// heard of all of them yet.
func (c *Cluster) know(nodes int) {
	n, now := int64(max(nodes, c.least)), c.now()
	if n >= c.nodes.Load() || now.Sub(c.most) > counters.Alive {
		c.nodes.Store(n)
		c.most = now
	}
}

// ClusterStats are for metrics.
type ClusterStats struct {
	Alone     error         // why the process counts alone; nil while it does not
	Nodes     int           // processes that are known, this one included
	Exchanges uint64        // calls …
	Failures  uint64        // … those that failed or were late …
	Told      uint64        // … and keys told with the others
	Took      time.Duration // the last call
	Keys      int           // that are shared now
	Unshared  uint64        // requests of keys beyond those, of which the process let its part through
	Untold    uint64        // what is good only once and was used here while nobody could be asked
}

var errNotYet = errors.New("it was not reached yet")

// Stats of the cluster.
func (c *Cluster) Stats() ClusterStats {
	s := ClusterStats{Nodes: int(c.nodes.Load()), Exchanges: c.exchanges.Load(), Failures: c.failures.Load(), Told: c.told.Load(), Untold: c.untold.Load(), Took: time.Duration(c.took.Load())}
	s.Unshared, s.Keys = c.counters.unshared()
	if c.alone.Load() || c.blind.Load() {
		s.Alone = errNotYet
		if why := c.why.Load(); why != nil {
			s.Alone = *why
		}
	}
	return s
}
