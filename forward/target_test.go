package forward

import (
	"testing"
	"time"
)

func newTestTarget(failures int) *target {
	return &target{name: "http://t", limits: limits{failures: failures, pause: 5 * time.Second}}
}

// hit sends one imaginary request; false when the target would not have it.
func hit(t *target, o outcome, now time.Time) bool {
	trial, ok := t.claim(now)
	if ok {
		t.settle(o, trial, now)
		t.release()
	}
	return ok
}

func TestBreaker(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newTestTarget(3)
	for range 2 {
		hit(b, bad, now)
	}
	hit(b, good, now) // failures count in a row only
	for range 2 {
		hit(b, bad, now)
	}
	if b.look(now) == blocked {
		t.Fatal("opened after two in a row")
	}
	hit(b, bad, now)
	if b.look(now) != blocked || hit(b, good, now) {
		t.Fatal("not open after three in a row")
	}
	later := now.Add(5 * time.Second)
	trial, ok := b.claim(later)
	if !ok || !trial {
		t.Fatal("no trial after the pause")
	}
	if b.look(later) != blocked || hit(b, good, later) {
		t.Fatal("a second request while one tries")
	}
	b.settle(bad, trial, later)
	b.release()
	if b.look(later.Add(time.Second)) != blocked {
		t.Fatal("closed by a failed trial")
	}
	again := later.Add(5 * time.Second)
	if trial, _ = b.claim(again); !trial {
		t.Fatal("no second trial")
	}
	b.settle(unknown, trial, again) // its client went away: another may try
	b.release()
	if !hit(b, good, again) || b.look(again) != usable || b.troubled.Load() {
		t.Fatal("not closed by a good trial")
	}
	if b.inflight.Load() != 0 {
		t.Fatal("claims are left")
	}
}

// An answer that was under way when the breaker opened does not close it.
func TestBreakerLateAnswer(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newTestTarget(1)
	early, _ := b.claim(now)
	hit(b, bad, now)
	b.settle(good, early, now)
	if b.look(now) != blocked {
		t.Error("closed by a late answer")
	}
}

func TestBreakerNever(t *testing.T) {
	b, now := newTestTarget(-1), time.Unix(1000, 0)
	for range 100 {
		hit(b, bad, now)
	}
	if b.look(now) == blocked {
		t.Error("opened although it must not")
	}
}

func TestEjection(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newTestTarget(-1)
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		for b.look(now) == usable {
			hit(b, bad, now)
		}
		want *= time.Second
		if b.look(now.Add(want-1)) != passed || b.look(now.Add(want)) != usable {
			t.Fatalf("not passed over for %v", want)
		}
		now = now.Add(want)
	}
	hit(b, good, now)
	if b.troubled.Load() {
		t.Error("a good answer did not end it")
	}
}

func TestChoose(t *testing.T) {
	now := time.Unix(1000, 0)
	a, b, c := newTestTarget(1), newTestTarget(1), newTestTarget(1)
	all := []*target{a, b, c}
	count := func(not *target) map[*target]int {
		n := map[*target]int{}
		for range 300 {
			n[choose(all, not, now)]++
		}
		return n
	}
	if n := count(nil); n[a] < 50 || n[b] < 50 || n[c] < 50 {
		t.Errorf("equal load: %d %d %d", n[a], n[b], n[c])
	}
	a.inflight.Store(10)
	if n := count(nil); n[a] != 0 || n[b] < 50 || n[c] < 50 {
		t.Errorf("a is busy: %d %d %d", n[a], n[b], n[c])
	}
	if n := count(b); n[b] != 0 {
		t.Errorf("b is to be avoided: %d", n[b])
	}
	hit(c, bad, now) // opens
	if n := count(nil); n[c] != 0 || n[b] != 300 {
		t.Errorf("c is open: %d", n[c])
	}
	a.down.Store(true)
	b.down.Store(true)
	if n := count(nil); n[c] != 0 || n[a]+n[b] != 300 {
		t.Error("when all are down, those with a closed breaker are used")
	}
	hit(a, bad, now)
	if choose(all, b, now) != b {
		t.Error("the one to be avoided is better than none")
	}
	hit(b, bad, now)
	if choose(all, nil, now) != nil {
		t.Error("all breakers are open")
	}
	if choose(all[:1], nil, now) != nil {
		t.Error("the only breaker is open")
	}
}

// pick visits every target, whatever the random places are.
func TestOrder(t *testing.T) {
	for n := 2; n < 8; n++ {
		for step := 1; step < n; step++ {
			seen := map[int]bool{}
			for i := range n {
				seen[order(i, step, n)] = true
			}
			if len(seen) != n {
				t.Errorf("n %d step %d: %v", n, step, seen)
			}
		}
	}
}

func TestBudget(t *testing.T) {
	var b budget
	for i := range 10 {
		if !b.spend() {
			t.Fatalf("retry %d was refused", i)
		}
	}
	if b.spend() {
		t.Fatal("the eleventh retry without a request")
	}
	granted := 0
	for range 100 {
		b.earn()
		if b.spend() {
			granted++
		}
	}
	if granted != 20 {
		t.Errorf("%d retries for 100 requests, want 20", granted)
	}
}
