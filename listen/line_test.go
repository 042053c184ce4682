package listen

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
)

var (
	knownAt    = netip.MustParseAddr("192.0.2.1")
	servedAt   = netip.MustParseAddr("192.0.2.2")
	strangerAt = netip.MustParseAddr("192.0.2.3")
)

func newTestLine() *Line {
	return NewLine(func(a netip.Addr) Standing {
		return map[netip.Addr]Standing{knownAt: Known, servedAt: Served}[a]
	})
}

// crowd has n strangers wait, without anybody who lets them in.
func crowd(l *Line, n int) (turns []chan struct{}) {
	l.mu.Lock()
	l.free, l.counted = 0, time.Hour // nothing becomes free by itself
	for range n {
		turn := make(chan struct{})
		l.waiting, turns = append(l.waiting, turn), append(turns, turn)
	}
	l.mu.Unlock()
	return turns
}

func through(turns []chan struct{}) (n int) {
	for _, turn := range turns {
		select {
		case <-turn:
			n++
		default:
			return n
		}
	}
	return n
}

// Only strangers wait, and only while known clients ask.
func TestLineIsForStrangers(t *testing.T) {
	l := newTestLine()
	crowd(l, 1)
	l.wait(strangerAt)
	l.wait(servedAt)
	if _, waited, _ := l.Waiting(); waited != 0 {
		t.Fatal("somebody had to wait though nobody known asks")
	}
	l.wait(knownAt)
	l.wait(servedAt)
	if _, waited, _ := l.Waiting(); waited != 0 {
		t.Fatal("a client that was served had to wait")
	}
	if turn := l.enter(time.Since(l.begun)); turn == nil {
		t.Error("a stranger overtook another")
	}
	l.asked.Store(int64(time.Since(l.begun) - lineWhile - time.Millisecond))
	l.wait(strangerAt) // the test hangs if this waits: nothing moves the line
}

// The number that is let in falls while goroutines wait, never to none, and rises again; who came first goes first.
func TestLineFollowsTheQueue(t *testing.T) {
	l := newTestLine()
	turns := crowd(l, 1000)
	l.most = 64
	for range 20 {
		l.step(time.Second)
	}
	if l.most > 64/2 || l.most < 0.5 {
		t.Errorf("%.1f strangers in a millisecond while goroutines wait for a second", l.most)
	}
	before, most := through(turns), l.most
	for range 10 {
		l.step(0)
	}
	if l.most <= most {
		t.Errorf("still %.1f while nothing waits", l.most)
	}
	l.counted = 0 // an hour of steps has become free, of which a line keeps one
	l.step(0)
	if n := through(turns) - before; n < 1 || float64(n) > l.most {
		t.Errorf("%d let in, %.1f may be", n, l.most)
	}
}

// A line that is too long holds nobody up further, and everybody in it gets through.
func TestLineIsBounded(t *testing.T) {
	l := newTestLine()
	l.wait(knownAt)
	l.most, l.free = 1, 1
	var all sync.WaitGroup
	var in atomic.Int64
	for range lineLong + 500 {
		all.Go(func() {
			l.wait(strangerAt)
			in.Add(1)
		})
	}
	all.Wait()
	if now, waited, passed := l.Waiting(); now != 0 || waited+passed == 0 || in.Load() != lineLong+500 {
		t.Errorf("%d wait, %d had to, %d went past, %d came through", now, waited, passed, in.Load())
	}
	crowd(l, lineLong)
	if l.enter(time.Since(l.begun)) != nil {
		t.Error("a full line grows")
	}
}

// What a stranger sends over a real connection stands in line.
func TestConnectionsStandInLine(t *testing.T) {
	l := newTestLine()
	l.standing = func(a netip.Addr) Standing {
		if a == netip.MustParseAddr("127.0.0.9") {
			return Known
		}
		return Stranger
	}
	s := secured(t, config.Listener{}, Options{Line: l}, ok)
	asks := func(from string) (waited uint64) {
		l.mu.Lock()
		l.most, l.free = 0.01, 0 // the next one has to wait
		before := l.waited.Load()
		l.mu.Unlock()
		if !answered(dialFrom(t, from, s)) {
			t.Fatal("no answer")
		}
		return l.waited.Load() - before
	}
	if asks("127.0.0.2") != 0 {
		t.Error("a stranger had to wait before anybody known asked")
	}
	if asks("127.0.0.9") != 0 {
		t.Error("a known client had to wait")
	}
	if asks("127.0.0.2") == 0 {
		t.Error("no stranger had to wait")
	}
}
