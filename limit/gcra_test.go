package limit

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/config"
)

// A reference: a bucket of tokens, refilled continuously, counted in exact fractions.
type bucket struct {
	tokens, burst *big.Rat
	perNano       *big.Rat
	last          int64
}

func (b *bucket) take(now, cost int64) bool {
	b.tokens.Add(b.tokens, new(big.Rat).Mul(b.perNano, big.NewRat(now-b.last, 1)))
	b.last = now
	if b.tokens.Cmp(b.burst) > 0 {
		b.tokens.Set(b.burst)
	}
	if b.tokens.Cmp(big.NewRat(cost, 1)) < 0 {
		return false
	}
	b.tokens.Sub(b.tokens, big.NewRat(cost, 1))
	return true
}

// GCRA in nanoseconds decides as the bucket does whose refill is one unit per interval.
func TestGCRAIsATokenBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, err := newRate(config.Rate{
			Limit: rapid.IntRange(1, 1000).Draw(t, "limit"),
			Per:   config.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "per")),
			Burst: rapid.IntRange(0, 50).Draw(t, "burst"),
		})
		if err != nil {
			t.Fatal(err)
		}
		ref := &bucket{big.NewRat(r.burst, 1), big.NewRat(r.burst, 1), big.NewRat(1, r.interval), 1}
		counters, k := NewCounters(100), key{1, 2}
		now := int64(1)
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now += rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 3*r.interval), rapid.Just(r.interval)).Draw(t, "pause")
			cost := rapid.Int64Range(1, 3).Draw(t, "cost")
			before := counters.peek(k, 0, now)
			left, wait := r.remaining(before, now), r.wait(before, now, cost)
			_, got := counters.take(k, 0, &r, now, cost)
			if want := ref.take(now, cost); got != want {
				t.Fatalf("at %d cost %d: %v, the bucket says %v", now, cost, got, want)
			}
			if got != (cost <= left) || got != (wait == 0) {
				t.Fatalf("at %d cost %d: %v with %d remaining and %s to wait", now, cost, got, left, wait)
			}
			if !got && cost <= r.burst {
				if _, early := r.take(before, now+int64(wait)-1, cost); early {
					t.Fatal("conforms before the wait is over")
				}
				if _, late := r.take(before, now+int64(wait), cost); !late {
					t.Fatal("does not conform after the wait")
				}
			}
		}
	})
}

func TestRateBounds(t *testing.T) {
	for _, c := range []config.Rate{{}, {Limit: -1}, {Limit: 1, Per: -1}, {Limit: 1, Burst: -1}, {Limit: 1, Per: 1 << 60, Burst: 100}} {
		if _, err := newRate(c); err == nil {
			t.Errorf("%+v was built", c)
		}
	}
	r, err := newRate(config.Rate{Limit: 7})
	if err != nil || r.burst != 7 || r.per != time.Minute || r.interval*7 < int64(time.Minute) {
		t.Errorf("%+v, %v", r, err)
	}
}

// A debt is never larger than one burst, however much is owed, and never makes a TAT earlier.
func TestOwe(t *testing.T) {
	r, _ := newRate(config.Rate{Limit: 5, Per: config.Duration(5 * time.Second)})
	tat, now := int64(0), int64(time.Hour)
	for range 100 {
		next := r.owe(tat, now, 1)
		if next < tat || next > now+r.tolerance {
			t.Fatalf("%d after %d at %d", next, tat, now)
		}
		tat = next
	}
	if w := r.wait(tat, now, 1); w != time.Second {
		t.Errorf("wait %s after a full debt, want 1s", w)
	}
}
