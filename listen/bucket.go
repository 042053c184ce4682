package listen

import "time"

// A bucket allows a burst and then so much per second. The zero bucket is empty; see fill. It is not safe for
// concurrent use.
type bucket struct {
	level, burst float64
	perSecond    float64
	last         time.Time
}

func newBucket(burst, perSecond int, now time.Time) bucket {
	return bucket{level: float64(burst), burst: float64(burst), perSecond: float64(perSecond), last: now}
}

// take takes n, or reports false and takes nothing.
func (b *bucket) take(n int, now time.Time) bool {
	b.refill(now)
	if b.level < float64(n) {
		return false
	}
	b.level -= float64(n)
	return true
}

// owe takes n also where it is not there: nothing can be taken until the debt, at most the burst, is forgiven.
func (b *bucket) owe(n int, now time.Time) {
	b.refill(now)
	b.level = max(-b.burst, b.level-float64(n))
}

// give puts n back, up to the burst.
func (b *bucket) give(n int) { b.level = min(b.burst, b.level+float64(n)) }

// full reports whether nothing of the past matters any more.
func (b *bucket) full(now time.Time) bool {
	b.refill(now)
	return b.level >= b.burst
}

// refill is unmoved by a clock that goes back.
func (b *bucket) refill(now time.Time) {
	if passed := now.Sub(b.last); passed > 0 {
		b.level = min(b.burst, b.level+b.perSecond*passed.Seconds())
		b.last = now
	}
}
