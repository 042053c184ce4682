package limit

import (
	"context"
	"math"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/runqueue"
)

// overload bounds the requests of strangers in flight while work waits too long for a processor. Queueing time is the signal, and
// who is known goes first, as in DAGOR (Zhou et al., "Overload Control for Scaling WeChat Microservices", SoCC 2018): unlike the
// load of the processors it is not high while all is well, and it does not depend on what a request costs. The bound falls by a
// fifth of what is in flight and rises by its square root (Chiu and Jain 1989), so that it settles where the queue is short.
type overload struct {
	limit     atomic.Int64
	strangers atomic.Int64
	peak      atomic.Int64
	delay     atomic.Int64 // nanoseconds, of the last moment
	shed      atomic.Uint64
}

const (
	noBound       = math.MaxInt32
	moment        = 100 * time.Millisecond
	defaultQueue  = 20 * time.Millisecond
	perProcessor  = 64
	remembered    = 10 * time.Minute // that somebody was authenticated from an address
	rememberAgain = time.Minute      // after this it is noted anew
)

// shedding is config.Overload with its defaults.
type shedding struct {
	queue time.Duration
	least int64 // negative: off
}

func newShedding(c config.Overload) shedding {
	return shedding{
		queue: orDefault(time.Duration(c.Queue), defaultQueue),
		least: int64(orDefault(c.Strangers, perProcessor*runtime.GOMAXPROCS(0))),
	}
}

// Load is how long work waits, and what that does, for metrics.
type Load struct {
	Queue time.Duration // that work waited for a processor lately, on average
	Shed  uint64        // strangers that were refused because of it, since the start
}

// Load of the processors, as strangers notice it.
func (l *Limiter) Load() Load {
	return Load{time.Duration(l.overload.delay.Load()), l.overload.shed.Load()}
}

// enter counts a stranger in, or says that it must not.
func (o *overload) enter(s shedding) bool {
	n := o.strangers.Add(1)
	if n > o.peak.Load() {
		o.peak.Store(n) // losing the race loses a little of a peak
	}
	if s.least < 0 || n <= max(o.limit.Load(), s.least) {
		return true
	}
	o.strangers.Add(-1)
	o.shed.Add(1)
	return false
}

func (o *overload) leave() { o.strangers.Add(-1) }

// settle sets the bound after a moment in which work waited for so long on average.
func (o *overload) settle(waited time.Duration, s shedding) {
	o.delay.Store(int64(waited))
	limit, peak := o.limit.Load(), o.peak.Swap(o.strangers.Load())
	switch {
	case s.least >= 0 && waited > s.queue:
		limit = max(s.least, min(limit, peak)*4/5)
	case limit < noBound && peak*2 > limit:
		limit += int64(math.Sqrt(float64(limit)))
	case limit < noBound && peak*2 <= limit && waited*2 < s.queue:
		limit = noBound // nobody is near it any more
	}
	o.limit.Store(min(limit, noBound))
}

// strain is how long work may wait for a processor before times that are measured here say more of us than of others.
const strain = 5 * time.Millisecond

// Strained tells whether work has waited for a processor lately.
func (l *Limiter) Strained() bool { return l.overload.delay.Load() > int64(strain) }

// Watch measures how long work waits for a processor until ctx is done, and bounds strangers by it.
func (l *Limiter) Watch(ctx context.Context) {
	tick := time.NewTicker(moment)
	defer tick.Stop()
	q := runqueue.New()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.overload.settle(q.Waited(), l.abuse.Load().shedding)
		}
	}
}

// know notes that somebody was authenticated who asks from there.
func (l *Limiter) know(a netip.Addr) { l.note(l.here(l.known, a)) }

// serve notes whether the last who asked from there was answered or refused.
func (l *Limiter) serve(a netip.Addr, answered bool) {
	is, was := l.here(l.served, a), l.here(l.refused, a)
	if !answered {
		is, was = was, is
	}
	l.note(is)
	if now := l.ticks(); l.counters.marked(was) > now {
		l.counters.mark(was, now, now)
	}
}

func (l *Limiter) note(k key) {
	now := l.ticks()
	if l.counters.marked(k)-now < int64(remembered-rememberAgain) {
		l.counters.mark(k, now, now+int64(remembered))
	}
}

// stranger tells whether nobody was authenticated who asked from there lately.
func (l *Limiter) stranger(a netip.Addr) bool {
	return l.counters.marked(l.here(l.known, a)) <= l.ticks()
}

// Standing tells whether somebody was authenticated who asked from there in the last ten minutes, and else whether the last request that
// came from there in that time was answered, or refused.
func (l *Limiter) Standing(a netip.Addr) (known, served, refused bool) {
	now := l.ticks()
	at := func(id uint64) bool { return l.counters.marked(l.here(id, a)) > now }
	switch {
	case at(l.known):
		return true, false, false
	case at(l.served):
		return false, true, false
	}
	return false, false, at(l.refused)
}
