package pattern

import "fmt"

// A Language is a set of texts: those in which each of some patterns matches. It is not safe for concurrent use.
type Language struct {
	patterns []*Pattern
	wide     [][]uint16 // by pattern: the classes that characters outside of ASCII have
	longest  int
}

// Longest is how many bytes a text has at most, as far as that is known; texts of more than ASCII do not count.
func (l *Language) Longest() int { return l.longest }

// maxPatterns bounds a language.
const maxPatterns = 4

// NewLanguage compiles the patterns of a language.
func NewLanguage(exprs []string) (*Language, error) {
	if len(exprs) == 0 || len(exprs) > maxPatterns {
		return nil, fmt.Errorf("a language has 1 to %d patterns, not %d", maxPatterns, len(exprs))
	}
	l := &Language{longest: endless}
	for _, e := range exprs {
		p, err := Compile(e, false, NewBudget(languageStates))
		if err != nil {
			return nil, err
		}
		l.longest = min(l.longest, longest(e))
		l.patterns, l.wide = append(l.patterns, p), append(l.wide, p.alpha.high)
	}
	return l, nil
}

// Bounds of an exploration.
const (
	languageStates = 4 << 20 // bytes, of each pattern
	maxPlaces      = 10_000  // combinations of states
	maxStates      = 5_000   // that sets have not been in before
)

// A place is what a language and those who look for something in its texts have come to behind the same bytes.
type place struct {
	language [maxPatterns]*state
	scanners [2]uint32
	sets     [2]*state
}

// An Exploration is what may be found in the texts of a language.
type Exploration struct {
	Found  [2][]uint64 // by scanner: the lists of which a text may hold a literal
	Shared []uint64    // the patterns of the sets that may match
	Bytes  [256]bool   // that a text may hold
}

// Explore looks at all texts of a language at once, through the states to which their bytes can lead: two scanners, and up
// to two sets, whose patterns have numbers below 64*words. These see other bytes instead of some. It returns nil where the
// language has characters outside of ASCII, or too many states.
func (l *Language) Explore(scanners [2]*Scanner, sets []*Set, words int, instead map[byte]byte) *Exploration {
	if len(sets) > 2 {
		return nil
	}
	x := &explorer{instead: instead, language: l, scanners: scanners, sets: sets, seen: map[place]bool{}, left: maxStates}
	x.out = &Exploration{Found: [2][]uint64{make([]uint64, words), make([]uint64, words)}, Shared: make([]uint64, words)}
	var first place
	for i, p := range l.patterns {
		first.language[i] = p.cache.Load().start
	}
	for i, s := range sets {
		first.sets[i] = s.cache.Load().start
		note(first.sets[i].accepts, x.out.Shared)
	}
	x.enter(first)
	for len(x.queue) > 0 {
		at := x.queue[len(x.queue)-1]
		x.queue = x.queue[:len(x.queue)-1]
		if !x.leave(at) {
			return nil
		}
	}
	return x.out
}

type explorer struct {
	instead  map[byte]byte
	language *Language
	scanners [2]*Scanner
	sets     []*Set
	seen     map[place]bool
	queue    []place
	left     int // states that sets may still make
	out      *Exploration
}

func (x *explorer) enter(p place) {
	if !x.seen[p] {
		x.seen[p] = true
		x.queue = append(x.queue, p)
	}
}

// leave goes on from a place by every byte, and notes what is there if the text ends. It returns false to give up.
func (x *explorer) leave(from place) bool {
	if len(x.seen) > maxPlaces || x.left < 0 || x.admitsWide(from) {
		return false
	}
	if x.mayEnd(from) {
		for i, s := range x.sets {
			note(s.endings(from.sets[i]), x.out.Shared)
		}
	}
	for c := range byte(asciiEnd) {
		if next, ok := x.step(from, c); ok {
			x.out.Bytes[x.as(c)] = true
			x.enter(next)
		}
	}
	return true
}

// admitsWide reports whether a character outside of ASCII may follow.
func (x *explorer) admitsWide(from place) bool {
	for i, p := range x.language.patterns {
		any := false
		for _, class := range x.language.wide[i] {
			any = any || p.after(from.language[i], class) != dead
		}
		if !any {
			return false
		}
	}
	return true
}

// after is the state behind a character; a match is never lost.
func (p *Pattern) after(at *state, class uint16) *state {
	if at == matched || at == dead {
		return at
	}
	if next := at.next[class].Load(); next != nil {
		return next
	}
	return p.step(at, class)
}

func (x *explorer) mayEnd(at place) bool {
	for i, p := range x.language.patterns {
		if s := at.language[i]; s != matched && (s == dead || len(p.endings(s)) == 0) {
			return false
		}
	}
	return true
}

// as is what others see of a byte.
func (x *explorer) as(c byte) byte {
	if other, ok := x.instead[c]; ok {
		return other
	}
	return c
}

func (x *explorer) step(from place, c byte) (next place, ok bool) {
	for i, p := range x.language.patterns {
		if next.language[i] = p.after(from.language[i], p.alpha.low[c]); next.language[i] == dead {
			return next, false
		}
	}
	c = x.as(c)
	for i, s := range x.scanners {
		if s == nil {
			continue
		}
		at := s.next[from.scanners[i]+uint32(s.class[c])]
		if next.scanners[i] = at; at >= s.from {
			note(s.report[int(at-s.from)/s.width], x.out.Found[i])
		}
	}
	for i, s := range x.sets {
		at := from.sets[i]
		if at != dead {
			if at = at.next[s.alpha.low[c]].Load(); at == nil {
				x.left--
				at = s.step(from.sets[i], s.alpha.low[c])
			}
		}
		next.sets[i] = at
		note(at.accepts, x.out.Shared)
	}
	return next, true
}
