package forward

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// A ceiling bounds the requests in flight towards an upstream by how long its answers take, so that a service that is
// asked for more than it can do gets less, and answers what it gets. Safe for concurrent use.
//
// As in TCP Vegas (Brakmo, O'Malley, Peterson, "TCP Vegas: New Techniques for Congestion Detection and Avoidance", 1994), what
// an answer takes beyond what it takes without a crowd is time in a queue: when answers take twice as long as usual, the ceiling
// comes down to what is in flight, divided by how much longer than that they take (and than 50 ms); while they do not, it rises by its square root as
// often as it is nearly reached. Answers of different operations are compared with what is usual for their own. Failures by
// which a service says that it is overloaded bring the ceiling down by a fifth (Chiu and Jain, "Analysis of the Increase and
// Decrease Algorithms for Congestion Avoidance in Computer Networks", 1989).
//
// What is usual is learnt from the first answers, and from those for which no more than least were in flight.
//
// It begins without a bound, and never falls below least: until answers become slow nobody is refused. Four fifths of it are open
// to everybody, the last fifth to authenticated callers only.
type ceiling struct {
	least    int64
	limit    atomic.Int64
	inflight atomic.Int64
	usual    sync.Map // operation → *usual
	shed     atomic.Int64

	mu     sync.Mutex
	window window
	began  time.Time
	forget time.Time // when what is usual is learned anew: a service may have become slower for good
}

// window is what is known of the last moments.
type window struct {
	answers, failures int64
	excess            float64 // sum of how many times longer than usual they took
	peak              int64   // in flight
}

const (
	unbounded     = 1 << 20
	windowTime    = 100 * time.Millisecond
	windowAnswers = 10
	tolerated     = 2                     // times the usual
	soon          = 50 * time.Millisecond // what is quicker is usual: a moment's wait is no queue that anybody minds
	unnoticed     = tolerated * soon      // answers that do not take longer never bring the ceiling down
	learnt        = 10 * time.Minute      // how long crowded answers are compared with what was usual before
	firstAnswers  = 32                    // of an operation are taken as usual, however crowded it is
)

func newCeiling(least int64) *ceiling {
	c := &ceiling{least: least}
	c.limit.Store(unbounded)
	return c
}

// enter takes a place for a request and returns how many are taken, or false.
func (c *ceiling) enter(known bool) (int64, bool) {
	n, open := c.inflight.Add(1), c.limit.Load()
	if !known {
		open -= open / 5
	}
	if n <= max(open, c.least) {
		return n, true
	}
	c.inflight.Add(-1)
	c.shed.Add(1)
	return 0, false
}

// leave gives the place back.
func (c *ceiling) leave() { c.inflight.Add(-1) }

// usual is what answers of one operation take when there is no crowd.
type usual struct {
	nanos atomic.Int64
	n     atomic.Int64
}

// learn moves the mean by a 64th of the difference; losing a race loses one sample.
func (u *usual) learn(took int64, crowded bool) int64 {
	was, n := u.nanos.Load(), u.n.Load()
	if n >= firstAnswers && crowded {
		return was
	}
	weight := min(n+1, 64)
	u.nanos.CompareAndSwap(was, was+(took-was)/weight)
	u.n.Add(1)
	return u.nanos.Load()
}

// answered notes what an answer took that n others were waited for beside, or that it failed by overload.
func (c *ceiling) answered(operation string, n int64, took time.Duration, overloaded bool, now time.Time) {
	crowded := n > c.least
	u, ok := c.usual.Load(operation)
	if !ok {
		u, _ = c.usual.LoadOrStore(operation, new(usual))
	}
	excess := 1.0
	if !overloaded {
		if mean := u.(*usual).learn(int64(took), crowded); mean > 0 {
			excess = float64(took) / float64(max(mean, int64(soon)))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &c.window
	w.answers++
	w.excess += min(excess, 100)
	w.peak = max(w.peak, n)
	if overloaded {
		w.failures++
	}
	if w.answers >= windowAnswers && now.Sub(c.began) >= windowTime {
		c.limit.Store(w.next(c.limit.Load(), c.least))
		c.window, c.began = window{}, now
		c.relearn(now, crowded)
	}
}

// next is the ceiling after a window.
func (w *window) next(limit, least int64) int64 {
	longer := w.excess / float64(w.answers)
	switch {
	case w.failures*10 > w.answers:
		limit = min(limit, w.peak) * 4 / 5
	case longer > tolerated:
		limit = int64(float64(min(limit, w.peak)) * max(0.5, tolerated/longer))
	case w.peak*2 > limit:
		limit += int64(math.Sqrt(float64(limit)))
	}
	return min(max(limit, least), unbounded)
}

// relearn forgets what is usual when it has been crowded for long. The lock is held.
func (c *ceiling) relearn(now time.Time, crowded bool) {
	if !crowded || c.forget.IsZero() {
		c.forget = now.Add(learnt)
	} else if now.After(c.forget) {
		c.forget = now.Add(learnt)
		c.usual.Clear()
	}
}
