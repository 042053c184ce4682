package pattern

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Whatever matches is told, whatever stands beside it, and also when states are forgotten all the time.
func TestBeginningsTellWhatMatches(t *testing.T) {
	r, texts := rand.New(rand.NewPCG(3, 4)), 4000
	if testing.Short() {
		texts /= 10
	}
	for _, binary := range []bool{false, true} {
		for _, limit := range []int64{1 << 20, 0} {
			var list []*Pattern
			var numbers []int
			for i, expr := range tricky {
				if !binary || !strings.Contains(expr, "fffd") {
					list, numbers = append(list, compile(t, expr, binary, NewBudget(limit))), append(numbers, i)
				}
			}
			b := NewBeginnings(list, numbers, NewBudget(limit))
			for range texts {
				text := words(r) + words(r)
				found, left := make([]uint64, 2), 1<<20
				if !b.Look(text, found, &left) {
					t.Fatal("gave up")
				}
				for i, p := range list {
					if n := numbers[i]; p.Match(text) && found[n>>6]>>(n&63)&1 == 0 {
						t.Fatalf("%s matches %q and is not told", p, text)
					}
				}
			}
		}
	}
}

// The expressions of the Core Rule Set, in texts that are made of their literals.
func TestBeginningsOfCoreRuleSet(t *testing.T) {
	var list []*Pattern
	var numbers []int
	var literals []string
	for i, expr := range crs(t) {
		p := compile(t, "(?sm)"+expr, false, NewBudget(1<<22))
		if !p.Telling() {
			continue
		}
		list, numbers, literals = append(list, p), append(numbers, i), append(literals, p.Required()...)
	}
	b, r, told := NewBeginnings(list, numbers, NewBudget(16<<20)), rand.New(rand.NewPCG(5, 6)), 0
	for range 3000 {
		text := ""
		for range 1 + r.IntN(6) {
			text += literals[r.IntN(len(literals))] + words(r)
		}
		found, left := make([]uint64, (numbers[len(numbers)-1]+64)/64), 1<<30
		b.Look(text, found, &left)
		for i, p := range list {
			if n := numbers[i]; p.Match(text) {
				if told++; found[n>>6]>>(n&63)&1 == 0 {
					t.Fatalf("%s matches %q and is not told", p, text)
				}
			}
		}
	}
	if told < 1000 {
		t.Errorf("only %d matches", told)
	}
}

// A pattern that some text of certain bytes matches is possible with them.
func TestPossible(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, expr := range tricky {
		p := compile(t, expr, false, NewBudget(1<<20))
		for range 300 {
			text := words(r)
			if p.Match(text) && !p.Possible(func(c byte) bool { return strings.IndexByte(text, c) >= 0 }) {
				t.Fatalf("%s matches %q, and is said to be impossible", p, text)
			}
		}
	}
	if compile(t, `a;b|c`, false, NewBudget(1<<20)).Possible(func(c byte) bool { return c == 'a' || c == 'b' }) {
		t.Error("a;b|c is possible without ; and c")
	}
}

func TestLongest(t *testing.T) {
	for expr, want := range map[string]int{`^[A-Z]{2}$`: 2, `^[0-9]{4}-[0-9]{2}\z`: 7, `^(?:a|bcd)?e{1,3}$`: 6, `^a*$`: endless, `[A-Z]{2}$`: endless,
		`^a|b$`: endless, `^$`: 0, `^a{2,}$`: endless, `^.x$`: 2} {
		if got := longest(expr); got != want {
			t.Errorf("%s: %d, want %d", expr, got, want)
		}
	}
}
