package rules

import (
	"slices"

	"github.com/sallyport/sallyport/inspect/pattern"
	"github.com/sallyport/sallyport/inspect/transform"
)

// prefixLength bounds the literals of the common scanner. What a longer one begins with is required as well, and the
// automaton stays small.
const prefixLength = 10

// bitset is a set of tests, or of conditions.
type bitset []uint64

func newBitset(n int) bitset    { return make(bitset, (n+63)/64) }
func (b bitset) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) has(i int) bool { return b[i>>6]>>(i&63)&1 != 0 }

// lanes say what is looked for where: by collection, the tests of its texts and those of its keys.
type lanes struct {
	scanner    *pattern.Scanner
	text, name [collections]lane
	users      [][]int // by test: the conditions that begin with it
	order      []*condition
	phaseFrom  [7]int // index in order of the first condition of a phase
	always     bitset // conditions that nothing can rule out beforehand
}

// A lane is what is done with the values of one collection.
type lane struct {
	tests  bitset // all of them; nil: nobody looks there
	chains []*laneChain
	moves  transform.Bytes // a text without these needs no transformation at all …
	rest   laneChain       // … and these tests are all that is to be noted
	fixed  []*laneChain    // chains that change every text
}

// A laneChain is the tests of a lane that share a transformation.
type laneChain struct {
	chain    transform.Chain
	tests    bitset
	needs    []need
	literals []transform.Bytes // the bytes of each literal of the tests
}

// A need is a test that asks for certain bytes.
type need struct {
	test  int
	bytes *transform.Bytes
}

func newLanes(p *Program) lanes {
	l := lanes{users: make([][]int, len(p.tests))}
	l.collect(p)
	literals := make([][]string, len(p.tests))
	for i, t := range p.tests {
		if t.op.selective() {
			literals[i] = prefixes(t.op.literals)
		}
	}
	l.scanner = pattern.NewScanner(literals)
	for i := range l.text {
		l.text[i].finish(literals)
		l.name[i].finish(literals)
	}
	return l
}

// finish sums up what texts can be passed over quickly.
func (l *lane) finish(literals [][]string) {
	if l.tests == nil {
		return
	}
	l.rest.tests = newBitset(64 * len(l.tests))
	for _, c := range l.chains {
		c.spell(literals)
		if c.chain.Fixed() {
			l.fixed = append(l.fixed, c)
			continue
		}
		moves := c.chain.Moves()
		l.moves = l.moves.Union(&moves)
		l.rest.needs = append(l.rest.needs, c.needs...)
		for i := range c.tests {
			l.rest.tests[i] |= c.tests[i]
		}
	}
}

// spell collects the bytes of each literal. A chain that makes no bytes can be passed over where none of them is there.
func (c *laneChain) spell(literals [][]string) {
	seen := map[transform.Bytes]bool{}
	for test, list := range literals {
		if !c.tests.has(test) {
			continue
		}
		for _, s := range list {
			if b := transform.BytesOf(s); !seen[b] {
				seen[b] = true
				c.literals = append(c.literals, b)
			}
		}
	}
}

// possible reports whether a text of these bytes, folded, can hold a literal or a needed byte after the transformation.
func (c *laneChain) possible(present *transform.Bytes) bool {
	if c.chain.Makes() {
		return true
	}
	for i := range c.literals {
		if c.literals[i].Within(present) {
			return true
		}
	}
	for i := range c.needs {
		if c.needs[i].bytes.Meets(present) {
			return true
		}
	}
	return false
}

func prefixes(list []string) []string {
	out := slices.Clone(list)
	for i, s := range out {
		out[i] = s[:min(len(s), prefixLength)]
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// collect numbers the conditions in the order of evaluation and enters their tests into the lanes.
func (l *lanes) collect(p *Program) {
	for phase, list := range p.phases {
		l.phaseFrom[phase] = len(l.order)
		l.order = append(l.order, list...)
	}
	l.phaseFrom[len(p.phases)] = len(l.order)
	l.always = newBitset(len(l.order))
	for i, c := range l.order {
		c.number = i
		if c.always || c.marker != "" {
			l.always.set(i)
			continue
		}
		l.users[c.test.number] = append(l.users[c.test.number], i)
		for _, t := range c.targets {
			for _, part := range t.parts {
				lane := &l.text[part]
				if t.names {
					lane = &l.name[part]
				}
				lane.enter(c.test, len(p.tests))
			}
		}
	}
}

func (l *lane) enter(t *test, tests int) {
	if l.tests == nil {
		l.tests = newBitset(tests)
	}
	if l.tests.has(t.number) {
		return
	}
	l.tests.set(t.number)
	chains := []transform.Chain{t.chain}
	if t.steps != nil { // multiMatch: the text as it is, and after each transformation
		chains = append(t.prefixes(), t.chain)
	}
	for _, c := range chains {
		l.chain(c, tests).enter(t)
	}
}

// prefixes are the beginnings of a test's chain, the empty one first.
func (t *test) prefixes() []transform.Chain {
	out := []transform.Chain{{}}
	for i := 1; i < len(t.steps); i++ {
		names := make([]string, 0, i)
		for _, s := range t.steps[:i] {
			names = append(names, s.Name())
		}
		c, _ := transform.NewChain(names...) // they are part of a chain that was compiled
		out = append(out, c)
	}
	return out
}

func (l *lane) chain(c transform.Chain, tests int) *laneChain {
	for _, have := range l.chains {
		if have.chain.Name() == c.Name() {
			return have
		}
	}
	l.chains = append(l.chains, &laneChain{chain: c, tests: newBitset(tests)})
	return l.chains[len(l.chains)-1]
}

func (l *laneChain) enter(t *test) {
	l.tests.set(t.number)
	if t.op.needs != nil {
		l.needs = append(l.needs, need{t.number, t.op.needs})
	}
}
