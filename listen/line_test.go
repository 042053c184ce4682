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
	refusedAt  = netip.MustParseAddr("192.0.2.4")
)

func clientAt(a netip.Addr) *client {
	c := newClients(&limits{handshakes: 1, resets: 1})
	return c.find(a, time.Now())
}

func newTestLine() *Line {
	return NewLine(func(a netip.Addr) Standing {
		return map[netip.Addr]Standing{knownAt: Known, servedAt: Served, refusedAt: Refused}[a]
	})
}

// crowd has n strangers wait, without anybody who lets them in.
func crowd(l *Line, n int) (turns []chan struct{}) {
	l.mu.Lock()
	l.free, l.counted = 0, time.Hour // nothing becomes free by itself
	for range n {
		turn := make(chan struct{})
		l.waiting[0], turns = append(l.waiting[0], turn), append(turns, turn)
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
		}
	}
	return n
}

// Only strangers wait, and only while known clients ask.
func TestLineIsForStrangers(t *testing.T) {
	l := newTestLine()
	crowd(l, 1)
	l.wait(clientAt(strangerAt))
	l.wait(clientAt(servedAt))
	if _, waited, _ := l.Waiting(); waited != 0 {
		t.Fatal("somebody had to wait though nobody known asks")
	}
	l.wait(clientAt(knownAt))
	l.wait(clientAt(servedAt))
	if _, waited, _ := l.Waiting(); waited != 0 {
		t.Fatal("a client that was served had to wait")
	}
	if turn := l.enter(time.Since(l.begun), 0); turn == nil {
		t.Error("a stranger overtook another")
	}
	l.asked.Store(int64(time.Since(l.begun) - lineWhile - time.Millisecond))
	l.wait(clientAt(strangerAt)) // the test hangs if this waits: nothing moves the line
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

// Who comes last goes next, and who came first after that.
func TestLineTakesBothEnds(t *testing.T) {
	l := newTestLine()
	turns := crowd(l, 4)
	for i, next := range []int{3, 0, 2, 1} {
		l.mu.Lock()
		l.admit()
		l.mu.Unlock()
		if through(turns[next:next+1]) != 1 || through(turns) != i+1 {
			t.Errorf("number %d is not let in as number %d", next, i)
		}
	}
}

// Who was refused, or wasted handshakes, goes after who is new, but goes.
func TestLinePutsRefusedBehind(t *testing.T) {
	l := newTestLine()
	l.wait(clientAt(knownAt))
	crowd(l, 2*lineShare)
	for _, k := range []*client{clientAt(refusedAt), clientAt(strangerAt)} {
		if k.addr == strangerAt {
			k.open++
			k.used(false, time.Now())
		}
		go l.wait(k)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		behind := len(l.waiting[1])
		l.mu.Unlock()
		if behind == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of two stand behind", behind)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for range lineShare {
		l.admit()
	}
	if len(l.waiting[0]) != lineShare+1 || len(l.waiting[1]) != 1 {
		t.Errorf("of %d that were let in %d were refused before", lineShare, 2-len(l.waiting[1]))
	}
	for range lineShare + 2 {
		l.admit()
	}
	if l.long() != 0 {
		t.Errorf("%d were never let in", l.long())
	}
}

// A line that is too long holds nobody up further, and everybody in it gets through.
func TestLineIsBounded(t *testing.T) {
	l := newTestLine()
	l.wait(clientAt(knownAt))
	l.most, l.free = 1, 1
	var all sync.WaitGroup
	var in atomic.Int64
	for range lineLong + 500 {
		all.Go(func() {
			l.wait(clientAt(strangerAt))
			in.Add(1)
		})
	}
	all.Wait()
	if now, waited, passed := l.Waiting(); now != 0 || waited+passed == 0 || in.Load() != lineLong+500 {
		t.Errorf("%d wait, %d had to, %d went past, %d came through", now, waited, passed, in.Load())
	}
	crowd(l, lineLong)
	if l.enter(time.Since(l.begun), 0) != nil {
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
