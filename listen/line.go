package listen

import (
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/runqueue"
)

// A Line makes strangers wait for the processors while known clients ask, too. The runtime would let each goroutine run in the order in
// which it became ready, so that at a flood's beginning a known client waits, at every step of its request, for whatever hundreds of
// strangers have begun. Here what a stranger sent is taken up only when there is room: so many times a millisecond as keep goroutines from
// waiting for a processor. That number falls by half when they do and rises slowly when they do not (Chiu and Jain 1989), so that strangers
// have what is left. Where nobody is known, or nobody else asks, nobody waits.
//
// A Line is for all listeners of a process together, and safe for concurrent use.
type Line struct {
	standing func(netip.Addr) Standing
	begun    time.Time
	asked    atomic.Int64 // when a known client did last, as time since begun; 0 is never

	waited, passed atomic.Uint64 // who had to wait, and who would have had to, but too many did

	mu      sync.Mutex
	waiting [2][]chan struct{} // who is new, and who was refused
	most    float64            // strangers in a millisecond
	free    float64            // of them, by now
	counted time.Duration
	let     uint // how many were let in
}

// Standing is what earlier requests say of an address.
type Standing int

const (
	Stranger Standing = iota // nothing
	Refused                  // the last one was
	Served                   // the last one was answered: this is no part of a flood of refusals
	Known                    // somebody was authenticated
)

const (
	lineStep  = time.Millisecond
	lineShort = 100 * time.Microsecond // that goroutines may wait on average
	lineRise  = 0.1                    // of [Line.most] in each step
	lineLeast = 0.75                   // of it, for each processor
	lineMost  = 256                    // of it
	lineLong  = 2048                   // who comes when so many wait does not: overload has other answers
	lineShare = 8                      // one of so many is of those who were refused, while others wait
	lineWhile = time.Second            // for so long a known client is thought to ask again
)

// NewLine makes one that asks standing about the address of a connection whenever something is read from it.
func NewLine(standing func(netip.Addr) Standing) *Line {
	n := float64(runtime.GOMAXPROCS(0))
	return &Line{standing: standing, begun: time.Now().Add(-time.Minute), most: n, free: n}
}

// Waiting is how many strangers wait now, how many had to since the start, and how many came when too many did.
func (l *Line) Waiting() (now int, since, passed uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.long(), l.waited.Load(), l.passed.Load()
}

func (l *Line) long() int { return len(l.waiting[0]) + len(l.waiting[1]) }

// wait returns when what a client sent may be taken up. One that has wasted handshakes counts as refused.
func (l *Line) wait(k *client) {
	now, standing := time.Since(l.begun), l.standing(k.addr)
	switch {
	case standing == Known:
		l.asked.Store(int64(now))
		return
	case standing == Served || now-time.Duration(l.asked.Load()) > lineWhile:
		return
	}
	rank := 0
	if standing == Refused || k.wasteful(time.Now()) {
		rank = 1
	}
	if turn := l.enter(now, rank); turn != nil {
		<-turn
	}
}

// enter returns what ends the wait, or nil where there is none.
func (l *Line) enter(now time.Duration, rank int) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fill(now)
	switch {
	case l.free >= 1 && len(l.waiting[0]) == 0 && (rank == 0 || len(l.waiting[1]) == 0):
		l.free--
		return nil
	case l.long() >= lineLong:
		l.passed.Add(1)
		return nil
	}
	turn := make(chan struct{})
	l.waited.Add(1)
	l.waiting[rank] = append(l.waiting[rank], turn)
	if l.long() == 1 {
		go l.move()
	}
	return turn
}

// fill counts what has become free since it was counted last; one at least can be, or a single processor would let nobody in.
func (l *Line) fill(now time.Duration) {
	l.free = min(max(l.most, 1), l.free+l.most*float64(max(0, now-l.counted))/float64(lineStep))
	l.counted = now
}

// move lets strangers in, step by step, until none waits.
func (l *Line) move() {
	queue, tick := runqueue.New(), time.NewTicker(lineStep)
	defer tick.Stop()
	for range tick.C {
		if !l.step(queue.Waited()) {
			return
		}
	}
}

// step lets in who may, after goroutines waited for so long, and reports whether others still wait.
func (l *Line) step(queued time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if queued > lineShort {
		l.most = max(l.most/2, lineLeast*float64(runtime.GOMAXPROCS(0))) // none for ever would shut strangers out
	} else {
		l.most = min(l.most+lineRise, lineMost)
	}
	for l.fill(time.Since(l.begun)); l.free >= 1 && l.long() > 0; l.free-- {
		l.admit()
	}
	return l.long() > 0
}

// admit lets one in: who is new first, but for one in [lineShare]. Of these it is in turn who came first and who came last, so that a crowd
// does not keep waiting who comes after it, and nobody waits for ever.
func (l *Line) admit() {
	rank := 0
	if l.let++; len(l.waiting[0]) == 0 || len(l.waiting[1]) > 0 && l.let%lineShare == 0 {
		rank = 1
	}
	q := l.waiting[rank]
	next, rest := q[0], q[1:]
	if rank == 0 && l.let%2 == 1 {
		next, rest = q[len(q)-1], q[:len(q)-1]
	}
	close(next)
	if l.waiting[rank] = rest; len(rest) == 0 {
		l.waiting[rank] = nil // what went before is held by what follows
	}
}
