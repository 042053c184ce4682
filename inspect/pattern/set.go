package pattern

import "regexp/syntax"

// A Set tells in one pass which of its patterns match. It is safe for concurrent use; matching allocates only while new
// states are found.
//
// Its states are sets of places in all patterns at once, so that a hostile text can lead from one new state to the next.
// Therefore who asks says how many it may cost; then the patterns are asked one by one.
type Set struct{ *automaton }

// NewSet joins patterns, all of which are binary or none; numbers says how each is called.
func NewSet(patterns []*Pattern, numbers []int, b *Budget) *Set {
	return &Set{join(patterns, numbers, false, b)}
}

func join(patterns []*Pattern, numbers []int, once bool, b *Budget) *automaton {
	progs := make([]*syntax.Prog, len(patterns))
	for i, p := range patterns {
		progs[i] = p.prog
	}
	return newAutomaton(progs, numbers, false, once, len(patterns) > 0 && patterns[0].binary, b)
}

// Match sets in found the bit of each pattern that matches s; found must have room for all. It may lead into so many new
// states as left says, which it counts down; when none are left it gives up and returns false. Then found is incomplete.
func (t *Set) Match(s string, found []uint64, left *int) bool {
	at := t.cache.Load().start
	note(at.accepts, found)
	for i := 0; i < len(s); {
		var class uint16
		if c := s[i]; c < asciiEnd || t.binary {
			class = t.alpha.low[c]
			i++
		} else {
			var size int
			class, size = t.alpha.wide(s[i:])
			i += size
		}
		if at == dead {
			return true
		}
		next := at.next[class].Load()
		if next == nil {
			if *left == 0 {
				return false
			}
			*left--
			next = t.step(at, class)
		}
		if next == at {
			continue // what it accepts is noted
		}
		if at = next; len(at.accepts) > 0 {
			note(at.accepts, found)
		}
	}
	note(t.endings(at), found)
	return true
}

func note(numbers []uint32, found []uint64) {
	for _, n := range numbers {
		found[n>>6] |= 1 << (n & 63)
	}
}
