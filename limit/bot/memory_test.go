package bot

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func words(m Mark) string { return strings.Join(Words(uint32(m)), " ") }

func TestMemoryTellsWhatWasDone(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration
		times int
		act   func(i int) Act
		want  string
	}{
		{"a page with its pictures", 20 * time.Millisecond, 60, func(int) Act { return Act{Status: 200} }, "regular"}, // so regular are only machines
		{"in a hurry", 100 * time.Microsecond, 3000, func(int) Act { return Act{Status: 200} }, "hasty"},
		{"failing", 10 * time.Millisecond, 40, func(int) Act { return Act{Status: 400} }, "failing"},
		{"now and then", 10 * time.Millisecond, 60, func(i int) Act { return Act{Status: 200 + i%3/2*200} }, ""},
		{"wrong credentials", 10 * time.Millisecond, 15, func(int) Act { return Act{Status: 401, Denied: true} }, "guessing"},
		{"missing credentials", 10 * time.Millisecond, 15, func(int) Act { return Act{Status: 401} }, ""},
		{"searching among successes", 10 * time.Millisecond, 100, func(i int) Act { return Act{Status: 200 + i%3/2*204} }, "searching"},
		{"attacks", 10 * time.Millisecond, 4, func(int) Act { return Act{Status: 403, Attack: true} }, "attacking"},
		{"enumerating", 10 * time.Millisecond, 60, func(int) Act { return Act{Status: 200, Object: rand.Uint64()} }, "enumerating"},
		{"one object", 10 * time.Millisecond, 60, func(int) Act { return Act{Status: 200, Object: 7} }, ""},
		{"turned away", 10 * time.Millisecond, 60, func(int) Act { return Act{} }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, now := NewMemory(100), time.Hour
			for i := range c.times {
				a := c.act(i)
				now += c.every
				a.At = now
				m.Note(1, 2, a)
			}
			d := m.Recall(1, 2, now)
			if got := words(d.marks()); got != c.want {
				t.Errorf("%s: %+v", got, d)
			}
			if d := m.Recall(1, 3, now); d != (Deeds{}) {
				t.Errorf("somebody else: %+v", d)
			}
			if d := m.Recall(1, 2, now+idle+1); d != (Deeds{}) {
				t.Errorf("after a while: %+v", d)
			}
		})
	}
}

func TestRhythmIsThatOfClocks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		off  float64
		want string
	}{{"clock", 0.02, "regular"}, {"person", 0.6, ""}} {
		m, now := NewMemory(1), time.Hour
		for range 100 {
			now += time.Duration((1 + c.off*(random.Float64()*2-1)) * float64(time.Second))
			m.Note(1, 2, Act{At: now, Status: 200})
		}
		if d := m.Recall(1, 2, now); words(d.marks()) != c.want {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
}

// A crowd of addresses that behave badly, or are only many, neither wipes clean what one of them did nor makes worse what is
// known of somebody honest.
func TestCrowdsChangeNobodysRecord(t *testing.T) {
	m, now := NewMemory(1024), time.Hour
	random := rand.New(rand.NewPCG(1, 2))
	bad, honest := [2]uint64{random.Uint64(), random.Uint64()}, [2]uint64{random.Uint64(), random.Uint64()}
	for range 50 {
		m.Note(bad[0], bad[1], Act{At: now, Status: 404})
		m.Note(honest[0], honest[1], Act{At: now, Status: 200})
	}
	for range 60_000 {
		hi, lo := random.Uint64(), random.Uint64()
		for range random.IntN(4) * 10 { // many of them are as bad
			m.Note(hi, lo, Act{At: now, Status: 404})
		}
		m.Note(hi, lo, Act{At: now, Status: 404})
	}
	if d := m.Recall(bad[0], bad[1], now); words(d.marks()) != "failing searching" {
		t.Errorf("the bad one is %+v", d)
	}
	if d := m.Recall(honest[0], honest[1], now); d.marks() != 0 {
		t.Errorf("the honest one is %+v", d)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m, now := NewMemory(1000), time.Hour
	for range 100_000 {
		m.Note(rand.Uint64(), rand.Uint64(), Act{At: now, Status: 200})
	}
	lives := 0
	for i := range m.shards {
		lives += len(m.shards[i].lives)
	}
	if lives < 1000 || lives > 1024 {
		t.Errorf("%d are remembered", lives)
	}
}

// Of those with nothing against them the one that was away for longest makes room.
func TestOldestIsForgotten(t *testing.T) {
	m, now := NewMemory(1), time.Hour
	for i := range uint64(ways + 1) {
		now += time.Second
		m.Note(1, i*m.sets, Act{At: now, Status: 200})
	}
	for i := range uint64(ways + 1) {
		if d := m.Recall(1, i*m.sets, now); (d.Requests == 0) != (i == 0) {
			t.Errorf("the %d. one: %+v", i, d)
		}
	}
}
