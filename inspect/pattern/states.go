package pattern

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"sync/atomic"
)

// A Budget bounds the memory of the automata that share it. When it is spent, the pattern that asks for more forgets its
// states and starts anew. Searches that are under way keep what they stand on until they end.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget makes a budget in bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Used is what is spent, in bytes.
func (b *Budget) Used() int64 { return b.used.Load() }

// A state is a set of instructions that wait for the next character, and what stood before it.
type state struct {
	next    []atomic.Pointer[state] // by class; nil: not known yet
	insts   []uint32                // ascending: characters, and assertions that have to know what follows
	before  kind                    // 0 where no assertion waits
	waiting bool                    // there are assertions
	atEnd   atomic.Int32            // 0: not known yet, else an ending
}

// What the end of the text decides.
const (
	endsWithout = 1
	endsMatched = 2
)

// matched is entered when the expression has matched, dead when it cannot any more.
var matched, dead = &state{}, &state{}

// A cache holds the states that are known. It is replaced as a whole.
type cache struct {
	start  *state
	states map[string]*state
	size   int64
}

func (p *Pattern) newCache() *cache {
	c := &cache{states: map[string]*state{}}
	w := newWalk(p)
	w.enter(uint32(p.prog.Start), edge)
	c.start = p.intern(c, w, edge)
	return c
}

// step finds the successor of a state.
func (p *Pattern) step(from *state, class uint16) *state {
	p.mu.Lock()
	defer p.mu.Unlock()
	if next := from.next[class].Load(); next != nil {
		return next // somebody was faster
	}
	next := p.successor(from, class)
	from.next[class].Store(next)
	return next
}

func (p *Pattern) successor(from *state, class uint16) *state {
	w, after := newWalk(p), p.alpha.kinds[class]
	insts := from.insts
	if from.waiting {
		if insts = p.resolve(from, after); insts == nil {
			return matched
		}
	}
	r := p.alpha.sample[class]
	for _, pc := range insts {
		if in := &p.prog.Inst[pc]; isRune(in.Op) && in.MatchRune(r) {
			w.enter(in.Out, after)
		}
	}
	w.enter(uint32(p.prog.Start), after) // a match may begin here too
	c := p.cache.Load()
	if p.budget.used.Load() > p.budget.limit && c.size > 0 {
		p.budget.used.Add(-c.size)
		c = &cache{states: map[string]*state{}}
		fresh := newWalk(p)
		fresh.enter(uint32(p.prog.Start), edge)
		c.start = p.intern(c, fresh, edge)
		p.cache.Store(c)
	}
	return p.intern(c, w, after)
}

// resolve follows the assertions that hold before a character of the given kind. It returns nil when that is a match.
func (p *Pattern) resolve(from *state, after kind) []uint32 {
	w := newWalk(p)
	w.known, w.after = true, after
	for _, pc := range from.insts {
		w.enter(pc, from.before)
	}
	if w.matched {
		return nil
	}
	return append([]uint32{}, w.insts...)
}

func (p *Pattern) matchesAtEnd(s *state) bool {
	switch s.atEnd.Load() {
	case endsMatched:
		return true
	case endsWithout:
		return false
	}
	result := int32(endsWithout)
	if s.waiting && p.resolve(s, edge) == nil {
		result = endsMatched
	}
	s.atEnd.Store(result)
	return result == endsMatched
}

// intern returns the state for what a walk has reached.
func (p *Pattern) intern(c *cache, w *walk, before kind) *state {
	if w.matched {
		return matched
	}
	if len(w.insts) == 0 && p.anchored {
		return dead
	}
	slices.Sort(w.insts)
	if !w.waiting {
		before = 0
	}
	key := make([]byte, 1, 1+4*len(w.insts))
	key[0] = byte(before)
	for _, pc := range w.insts {
		key = binary.LittleEndian.AppendUint32(key, pc)
	}
	if s := c.states[string(key)]; s != nil {
		return s
	}
	s := &state{next: make([]atomic.Pointer[state], len(p.alpha.kinds)), insts: slices.Clone(w.insts), before: before, waiting: w.waiting}
	c.states[string(key)] = s
	size := int64(160 + 8*len(s.next) + 8*len(s.insts))
	c.size += size
	p.budget.used.Add(size)
	return s
}

// startsOnlyAtFirst reports whether no match can begin behind a character.
func (p *Pattern) startsOnlyAtFirst() bool {
	for _, before := range []kind{other, word, newline} {
		w := newWalk(p)
		if w.enter(uint32(p.prog.Start), before); w.matched || len(w.insts) > 0 {
			return false
		}
	}
	return true
}

// A walk follows the instructions that take no character.
type walk struct {
	p       *Pattern
	seen    []bool
	insts   []uint32
	waiting bool // an assertion among insts waits for what follows
	matched bool
	known   bool // what follows is known: after
	after   kind
}

func newWalk(p *Pattern) *walk { return &walk{p: p, seen: make([]bool, len(p.prog.Inst))} }

// enter adds what is reachable from pc without a character, at a place behind a character of kind before. An assertion
// about what follows is kept, unless that is known.
func (w *walk) enter(pc uint32, before kind) {
	if w.seen[pc] {
		return
	}
	w.seen[pc] = true
	in := &w.p.prog.Inst[pc]
	switch in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		w.enter(in.Out, before)
		w.enter(in.Arg, before)
	case syntax.InstCapture, syntax.InstNop:
		w.enter(in.Out, before)
	case syntax.InstMatch:
		w.matched = true
	case syntax.InstEmptyWidth:
		switch holds(syntax.EmptyOp(in.Arg), before, w.after, w.known) {
		case yes:
			w.enter(in.Out, before)
		case unknown:
			w.insts, w.waiting = append(w.insts, pc), true
		}
	case syntax.InstFail:
	default:
		w.insts = append(w.insts, pc)
	}
}

type answer uint8

const (
	no answer = iota
	yes
	unknown
)

// holds decides an assertion between two characters.
func holds(op syntax.EmptyOp, before, after kind, known bool) answer {
	if op&syntax.EmptyBeginText != 0 && before != edge || op&syntax.EmptyBeginLine != 0 && before != edge && before != newline {
		return no
	}
	const ahead = syntax.EmptyEndText | syntax.EmptyEndLine | syntax.EmptyWordBoundary | syntax.EmptyNoWordBoundary
	switch {
	case op&ahead == 0:
		return yes
	case !known:
		return unknown
	case op&syntax.EmptyEndText != 0 && after != edge, op&syntax.EmptyEndLine != 0 && after != edge && after != newline,
		op&syntax.EmptyWordBoundary != 0 && (before == word) == (after == word),
		op&syntax.EmptyNoWordBoundary != 0 && (before == word) != (after == word):
		return no
	}
	return yes
}
