package exchange

import (
	"regexp"
	"testing"
	"time"
)

func TestIDs(t *testing.T) {
	form := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}$`)
	seen := make(map[string]bool, 100_000)
	now := time.UnixMilli(1_795_000_000_000)
	for range 100_000 {
		id := NewID(now)
		if seen[id] || !form.MatchString(id) {
			t.Fatalf("%q", id)
		}
		seen[id] = true
	}
	if a, b := NewID(now), NewID(now.Add(time.Millisecond)); a >= b {
		t.Errorf("%q is not before %q", a, b)
	}
	if at, ok := TimeOf(NewID(now)); !ok || !at.Equal(now) {
		t.Errorf("made at %v, %v", at, ok)
	}
	for _, none := range []string{"", "01M8NT4TC8RD1B2DH309V0Z26", "01M8NT4TC8RD1B2DH309V0Z26u", "../../../../../etc/passwd12"} {
		if _, ok := TimeOf(none); ok {
			t.Errorf("%q has a time", none)
		}
	}
}
