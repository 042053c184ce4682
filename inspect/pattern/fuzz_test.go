package pattern

import (
	"regexp"
	"testing"
)

// Any expression on any text: the automaton and package regexp agree, and the literals are truly required.
func FuzzMatch(f *testing.F) {
	for _, expr := range tricky {
		f.Add(expr, "ab\nK\xff=é_1")
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		if len(expr) > 60 || len(text) > 200 {
			return
		}
		re, err := regexp.Compile(expr)
		if err != nil {
			return
		}
		check(t, compile(t, expr, false, NewBudget(1<<16)), re, text)
	})
}
