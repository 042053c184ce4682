package limit

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Rates are counted by the clock that nobody sets: the time of day may jump as it likes.
func TestLimitsKnowNoJumps(t *testing.T) {
	if base := New(Options{}).base.String(); !strings.Contains(base, " m=") {
		t.Errorf("%s is of the wall clock", base)
	}
}

// Even by a clock that jumps, a key is never let through more often than its burst and the longest time that has passed
// allow, and after a jump back it waits no longer than the jump and one burst.
func TestGCRAUnderClockJumps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := mustRateR(t, "limit")
		start := int64(time.Hour)
		now, latest, tat, passed := start, start, int64(0), int64(0)
		for range 200 {
			if wait := r.wait(tat, now, 1); int64(wait) > latest-now+r.interval {
				t.Fatalf("%s to wait after a jump back by %s", wait, time.Duration(latest-now))
			}
			var ok bool
			if tat, ok = r.take(tat, now, 1); ok {
				passed++
			}
			now = max(1, now+rapid.Int64Range(-20*r.interval, 20*r.interval).Draw(t, "jump"))
			latest = max(latest, now)
		}
		if most := r.burst + (latest-start)/r.interval; passed > most {
			t.Fatalf("%d passed, %d may", passed, most)
		}
	})
}
