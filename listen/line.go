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
	waiting []chan struct{}
	most    float64 // strangers in a millisecond
	free    float64 // of them, by now
	counted time.Duration
}

// Standing is what earlier requests say of an address.
type Standing int

const (
	Stranger Standing = iota // nothing, or the last one was refused
	Served                   // the last one was answered; whoever it is, it is no part of a flood of refusals
	Known                    // somebody was authenticated
)

const (
	lineStep  = time.Millisecond
	lineShort = 100 * time.Microsecond // that goroutines may wait on average
	lineRise  = 0.1                    // of [Line.most] in each step
	lineMost  = 256                    // of it
	lineLong  = 2048                   // who comes when so many wait does not: overload has other answers
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
	return len(l.waiting), l.waited.Load(), l.passed.Load()
}

// wait returns when what an address sent may be taken up.
func (l *Line) wait(a netip.Addr) {
	now := time.Since(l.begun)
	switch l.standing(a) {
	case Known:
		l.asked.Store(int64(now))
		return
	case Served:
		return
	}
	if now-time.Duration(l.asked.Load()) > lineWhile {
		return
	}
	if turn := l.enter(now); turn != nil {
		<-turn
	}
}

// enter returns what ends the wait, or nil where there is none.
func (l *Line) enter(now time.Duration) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fill(now)
	switch {
	case len(l.waiting) == 0 && l.free >= 1:
		l.free--
		return nil
	case len(l.waiting) >= lineLong:
		l.passed.Add(1)
		return nil
	}
	turn := make(chan struct{})
	l.waited.Add(1)
	if l.waiting = append(l.waiting, turn); len(l.waiting) == 1 {
		go l.move()
	}
	return turn
}

// fill counts what has become free since it was counted last.
func (l *Line) fill(now time.Duration) {
	l.free = min(l.most, l.free+l.most*float64(max(0, now-l.counted))/float64(lineStep))
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
		l.most = max(l.most/2, float64(max(1, runtime.GOMAXPROCS(0)/2))) // none for ever would shut strangers out
	} else {
		l.most = min(l.most+lineRise, lineMost)
	}
	l.fill(time.Since(l.begun))
	n := min(int(l.free), len(l.waiting))
	for _, turn := range l.waiting[:n] {
		close(turn)
	}
	l.free -= float64(n)
	if l.waiting = l.waiting[n:]; len(l.waiting) == 0 {
		l.waiting = nil // what went before is held by what follows
	}
	return l.waiting != nil
}
