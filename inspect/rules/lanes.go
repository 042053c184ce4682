package rules

import (
	"math/bits"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

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

// size is how many are in the set.
func (b bitset) size() (n int) {
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}

// meet is what is in both sets; nil where that is nothing.
func (b bitset) meet(o bitset) bitset {
	var out bitset
	for i, word := range b {
		if word &= o[i]; word != 0 {
			if out == nil {
				out = make(bitset, len(b))
			}
			out[i] = word
		}
	}
	return out
}

// with is the union of two sets, either of which may be nil.
func (b bitset) with(o bitset) bitset {
	if b == nil {
		return o
	}
	out := slices.Clone(b)
	for i, word := range o {
		out[i] |= word
	}
	return out
}

// lanes say what is looked for where: by collection, the tests of its texts and those of its keys.
type lanes struct {
	scanner    *pattern.Scanner
	beginnings []*pattern.Beginnings // of the tests that they tell
	told       bitset                // these tests
	exact      bitset                // the tests of which is told whether they match a text as it is
	explorers  sync.Pool             // of sets of those that literals do not tell, for shortcuts: they are let go when nothing is built
	text, name [collections]lane
	sought     bitset  // the tests that some lane looks for
	users      [][]int // by test: the conditions that begin with it
	order      []*condition
	phaseFrom  [7]int // index in order of the first condition of a phase
	always     bitset // conditions that nothing can rule out beforehand
	depth      int    // functions of the longest chain
	memo       memo
}

// A lane is what is done with the values of one collection.
type lane struct {
	tests     bitset // that are told beforehand; nil: none
	chains    []*laneChain
	functions []*transform.Function // of the chains; a plan knows them by their index
	bit       map[*transform.Function]int
	moves     transform.Bytes  // a text without these is changed by the fixed functions alone
	fixed     uint64           // functions that change every text
	marks     *pattern.Scanner // by function: what a text holds that it changes
	plain     *node            // the plan for such a text
	full      *node            // the plan for a text that every function may change
	plans     plans
	others    namesake // texts of no certain name
	namesakes []namesake
}

// A laneChain is the tests of a lane that share a transformation.
type laneChain struct {
	chain transform.Chain
	part
}

// A need is a test that asks for certain bytes.
type need struct {
	test     int
	bytes    *transform.Bytes
	suspects func(string) bool       // and for this; nil: for nothing else
	like     func() *pattern.Pattern // that matches whatever suspects holds for; nil: there is none
}

func (p *Program) layOut(sharedBudget *pattern.Budget) {
	l := &p.lanes
	l.users, l.sought = make([][]int, len(p.tests)), newBitset(len(p.tests))
	for i := range l.text {
		l.text[i].others.seeker, l.name[i].others.seeker = newSeeker(), newSeeker()
	}
	l.collect(p)
	literals := make([][]string, len(p.tests))
	for i, t := range p.tests {
		if t.op.selective() && !t.shared {
			literals[i] = prefixes(t.op.literals)
		}
	}
	l.scanner = pattern.NewScanner(literals)
	l.share(p, sharedBudget)
	for i := range l.text {
		l.text[i].finish(p)
		l.name[i].finish(p)
		l.depth = max(l.depth, l.text[i].depth(), l.name[i].depth())
	}
}

// share joins the tests that beginnings tell: those of texts in one automaton, those of bytes in another.
func (l *lanes) share(p *Program, b *pattern.Budget) {
	l.told, l.exact = newBitset(len(p.tests)), newBitset(len(p.tests))
	for _, t := range p.tests {
		if t.exact() {
			l.exact.set(t.number)
		}
		if t.told && l.sought.has(t.number) {
			l.told.set(t.number)
		}
	}
	l.patterns(p, l.told, func(list []*pattern.Pattern, numbers []int) {
		l.beginnings = append(l.beginnings, pattern.NewBeginnings(list, numbers, b))
	})
	shared := newBitset(len(p.tests))
	for _, t := range p.tests {
		if t.shared && l.told.has(t.number) {
			shared.set(t.number)
		}
	}
	l.explorers.New = func() any {
		var sets []*pattern.Set
		budget := pattern.NewBudget(exploring)
		l.patterns(p, shared, func(list []*pattern.Pattern, numbers []int) {
			sets = append(sets, pattern.NewSet(list, numbers, budget))
		})
		return &sets
	}
}

// exploring bounds the states of automata for shortcuts, in bytes.
const exploring = 32 << 20

// patterns calls join with the expressions of tests: those of texts, and those of bytes.
func (l *lanes) patterns(p *Program, of bitset, join func(list []*pattern.Pattern, numbers []int)) {
	for _, binary := range []bool{false, true} {
		var list []*pattern.Pattern
		var numbers []int
		for i, t := range p.tests {
			if of.has(i) && t.op.pattern.Binary() == binary {
				list, numbers = append(list, t.op.pattern), append(numbers, i)
			}
		}
		if list != nil {
			join(list, numbers)
		}
	}
}

// finish makes the plans that most texts take.
func (l *lane) finish(p *Program) {
	if !l.used() {
		return
	}
	l.bit = map[*transform.Function]int{}
	for _, c := range l.chains {
		c.sort(p)
		for _, f := range c.chain.Functions() {
			if _, known := l.bit[f]; known {
				continue
			}
			l.bit[f] = len(l.functions)
			l.functions = append(l.functions, f)
			if f.Fixed() {
				l.fixed |= 1 << l.bit[f]
			} else {
				l.moves = l.moves.Union(f.Moves())
			}
		}
	}
	marks := make([][]string, len(l.functions))
	for i, f := range l.functions {
		marks[i] = f.Marks()
	}
	l.marks = pattern.NewScanner(marks)
	l.plain, l.full = l.build(l.fixed), l.build(^uint64(0))
}

// used reports whether anybody looks there.
func (l *lane) used() bool { return l.tests != nil || l.others.direct != nil || l.namesakes != nil }

func (l *lane) depth() int {
	n := 0
	for _, c := range l.chains {
		n = max(n, len(c.chain.Functions()))
	}
	return n
}

// sort separates what literals tell from what beginnings alone tell.
func (c *laneChain) sort(p *Program) {
	all := c.tests
	c.tests, c.part.least = newBitset(len(p.tests)), 1<<30
	for i, t := range p.tests {
		switch {
		case !all.has(i):
		case t.shared:
			if c.shared == nil {
				c.shared = newBitset(len(p.tests))
			}
			c.shared.set(i)
		case t.op.literals != nil:
			c.tests.set(i)
			for _, s := range t.op.literals {
				c.part.least = min(c.part.least, asciiLength(s))
				c.mark(s)
			}
		}
	}
}

// mark notes the byte of a literal that other texts are the least likely to have.
func (p *part) mark(literal string) {
	if literal == "" {
		p.marks = transform.AnyByte
		return
	}
	rarest := literal[0]
	for i := range len(literal) {
		if strings.IndexByte(commonBytes, literal[i]) < strings.IndexByte(commonBytes, rarest) {
			rarest = literal[i]
		}
	}
	one := transform.BytesOf(string([]byte{rarest}))
	one = one.AnyCase()
	p.marks = p.marks.Union(&one)
}

// commonBytes are the bytes that ordinary texts are likely to have, the most common last.
const commonBytes = "|[@;'?+&%*()/_,:zqjxkvbywgpfm9876543210-.uchldrsnioate "

func asciiLength(s string) (n int) {
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			n++
		}
	}
	return n
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
		} else {
			l.users[c.test.number] = append(l.users[c.test.number], i)
		}
		for ; c != nil; c = c.next {
			if c.laned {
				l.enter(c, len(p.tests))
			}
		}
	}
}

// enter has the test of a link looked for in its targets.
func (l *lanes) enter(c *condition, tests int) {
	l.sought.set(c.test.number)
	for _, t := range c.targets {
		for _, part := range t.parts {
			lane := &l.text[part]
			if t.names {
				lane = &l.name[part]
			}
			if c.test.selective() {
				lane.enter(c.test, tests)
			} else {
				lane.judge(c.test, t.key)
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
	l.chains = append(l.chains, &laneChain{chain: c, part: part{tests: newBitset(tests)}})
	return l.chains[len(l.chains)-1]
}

func (c *laneChain) enter(t *test) {
	c.tests.set(t.number)
	if t.op.needs != nil {
		c.needs = append(c.needs, need{t.number, t.op.needs, t.op.suspects, t.op.like})
	}
}
