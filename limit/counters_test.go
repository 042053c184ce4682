package limit

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/config"
)

func mustRate(t testing.TB, limit int, per time.Duration) rate {
	t.Helper()
	r, err := newRate(config.Rate{Limit: limit, Per: config.Duration(per)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Whatever else fills the table, no key is ever let through more often than alone in an endless one.
func TestEvictionResetsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counters := NewCounters(1) // 64 shards of one or two sets
		rates := []rate{mustRateR(t, "a"), mustRateR(t, "b"), mustRateR(t, "c")}
		seed := rapid.Uint64().Draw(t, "seed")
		random := rand.New(rand.NewPCG(seed, 1))
		// All in one shard: the table is full at once.
		keys := make([]key, 60)
		for i := range keys {
			keys[i] = key{random.Uint64() >> 6, random.Uint64()}
		}
		alone := map[key]int64{}
		now := int64(time.Second)
		for range 400 {
			now += random.Int64N(rates[0].interval * 2)
			i := random.IntN(len(keys))
			k, r, class := keys[i], &rates[i%len(rates)], uint64(i%len(rates))
			_, got := counters.take(k, class, r, now, 1)
			next, want := r.take(alone[k], now, 1)
			if got && !want {
				t.Fatalf("key %d is let through at %d although alone it would not be", i, now)
			}
			// What was spent is what was let through; alone, no more than that is remembered.
			if got {
				alone[k] = next
			}
			if random.IntN(10) == 0 && got {
				before := counters.peek(k, class, now)
				counters.giveBack(k, r.interval)
				alone[k] -= before - counters.peek(k, class, now) // nothing, where it was spent in overflow
			}
		}
	})
}

func mustRateR(t *rapid.T, name string) rate {
	r, err := newRate(config.Rate{Limit: rapid.IntRange(1, 20).Draw(t, name), Per: config.Duration(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A flood of new keys cannot make room for itself by pushing a spent key out.
func TestFloodDoesNotResetASpentKey(t *testing.T) {
	counters, r := NewCounters(1000), mustRate(t, 5, time.Hour)
	now, victim := int64(time.Second), key{1 << 60, 99}
	for range 5 {
		if _, ok := counters.take(victim, 0, &r, now, 1); !ok {
			t.Fatal("refused within the burst")
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		counters.take(key{random.Uint64(), random.Uint64()}, 0, &r, now, 1)
	}
	if _, ok := counters.take(victim, 0, &r, now, 1); ok {
		t.Error("the flood has reset a limit")
	}
	s := counters.Stats()
	if s.Overflow == 0 || s.Keys > s.Capacity {
		t.Errorf("%+v", s)
	}
	// In overflow keys share a bucket: a whole flood of fresh keys gets one burst of each shard and class, not one each.
	through := 0
	for range 20_000 {
		if _, ok := counters.take(key{random.Uint64(), random.Uint64()}, 0, &r, now, 1); ok {
			through++
		}
	}
	if through > shardCount*5 {
		t.Errorf("%d of a flood were let through", through)
	}
	// The other classes are not touched by it.
	if _, ok := counters.take(key{random.Uint64(), random.Uint64()}, 1, &r, now, 1); !ok {
		t.Error("another rule is blocked by the flood")
	}
	// When the burst is back, everything is.
	if _, ok := counters.take(victim, 0, &r, now+int64(2*time.Hour), 5); !ok {
		t.Error("refused after the refill")
	}
}

// A key that was counted in overflow does not get a fresh burst when a slot becomes free.
func TestOverflowIsInherited(t *testing.T) {
	counters, short, long := NewCounters(1), mustRate(t, 10, time.Second), mustRate(t, 3, time.Hour)
	now, random := int64(time.Second), rand.New(rand.NewPCG(3, 4))
	for range 200 {
		counters.take(key{random.Uint64() >> 6, random.Uint64()}, 0, &short, now, 1)
	}
	late := key{random.Uint64() >> 6, random.Uint64()}
	for range 3 {
		counters.take(late, 0, &long, now, 1)
	}
	if _, ok := counters.take(late, 0, &long, now, 1); ok {
		t.Fatal("let through beyond its burst")
	}
	now += int64(time.Minute) // all slots are refilled, the overflow bucket is not
	if _, ok := counters.take(late, 0, &long, now, 3); ok {
		t.Error("a slot that became free gave a fresh burst")
	}
}

func TestGrowthKeepsEveryKey(t *testing.T) {
	counters, r := NewCounters(50_000), mustRate(t, 2, time.Hour)
	random, now := rand.New(rand.NewPCG(5, 6)), int64(time.Second)
	keys := make([]key, 50_000)
	for i := range keys {
		keys[i] = key{random.Uint64(), random.Uint64()}
		counters.take(keys[i], 0, &r, now, 1)
	}
	s := counters.Stats()
	if s.Overflow > 0 || s.Keys != len(keys) || s.Capacity > 100_000 {
		t.Errorf("%+v", s)
	}
	for _, k := range keys {
		if counters.peek(k, 0, now) != now+r.interval {
			t.Fatal("a key was lost")
		}
	}
}

// However many spend at once, no more than the burst and what came back in the meantime is let through.
func TestParallelSpendersNeverExceed(t *testing.T) {
	counters, r, k := NewCounters(100), mustRate(t, 1000, time.Second), key{7, 7}
	var now, through atomic.Int64
	now.Store(1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				if _, ok := counters.take(k, 0, &r, now.Add(int64(10*time.Microsecond)), 1); ok {
					through.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if most := 1000 + now.Load()/r.interval; through.Load() > most || through.Load() < 1000 {
		t.Errorf("%d were let through, at most %d may", through.Load(), most)
	}
}

// BenchmarkMillionKeys reports what a full table holds in memory.
func BenchmarkMillionKeys(b *testing.B) {
	r := mustRate(b, 100, time.Hour)
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		counters, random := NewCounters(1_000_000), rand.New(rand.NewPCG(1, 1))
		for range 1_000_000 {
			counters.take(key{random.Uint64(), random.Uint64()}, 0, &r, 1, 1)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		s := counters.Stats()
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
		b.ReportMetric(float64(s.Overflow), "overflow")
		runtime.KeepAlive(counters)
	}
}

func BenchmarkTake(b *testing.B) {
	counters, r := NewCounters(1_000_000), mustRate(b, 100, time.Second)
	random := rand.New(rand.NewPCG(1, 1))
	keys := make([]key, 1<<16)
	for i := range keys {
		keys[i] = key{random.Uint64(), random.Uint64()}
	}
	now, i := int64(1), 0
	b.ReportAllocs()
	for b.Loop() {
		now += 100
		counters.take(keys[i&(1<<16-1)], 0, &r, now, 1)
		i++
	}
}
