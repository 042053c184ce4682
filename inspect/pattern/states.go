package pattern

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"sync"
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

// An automaton finds which of its expressions match, by states that are made when a text leads into them.
type automaton struct {
	insts    []syntax.Inst // of all expressions, one behind the other
	starts   []uint32      // where each begins
	numbers  []uint32      // by instruction: the expression
	first    bool          // it is enough to know that one has matched
	anchored bool          // a match begins at the beginning of the text or nowhere
	binary   bool          // a character is a byte
	alpha    alphabet
	budget   *Budget

	mu    sync.Mutex // held while a state is made
	cache atomic.Pointer[cache]
}

// A state is a set of instructions that wait for the next character, and what stood before it.
type state struct {
	next    []atomic.Pointer[state]  // by class; nil: not known yet
	insts   []uint32                 // ascending: characters, and assertions that have to know what follows
	before  kind                     // 0 where no assertion waits
	waiting bool                     // there are assertions
	accepts []uint32                 // the expressions that have matched on the way here, ascending
	atEnd   atomic.Pointer[[]uint32] // those that match if the text ends here; nil: not known yet
}

// matched is entered when an automaton that looks for the first match has found it, dead when nothing can match any more.
var matched, dead = &state{}, &state{}

// A cache holds the states that are known. It is replaced as a whole.
type cache struct {
	start  *state
	states map[string]*state
	size   int64
}

// newAutomaton joins the programs of expressions.
func newAutomaton(progs []*syntax.Prog, first, binary bool, b *Budget) *automaton {
	a := &automaton{first: first, binary: binary, budget: b}
	for number, p := range progs {
		base := uint32(len(a.insts))
		for _, in := range p.Inst {
			in.Out += base
			if in.Op == syntax.InstAlt || in.Op == syntax.InstAltMatch {
				in.Arg += base
			}
			a.insts, a.numbers = append(a.insts, in), append(a.numbers, uint32(number))
		}
		a.starts = append(a.starts, base+uint32(p.Start))
	}
	a.alpha = newAlphabet(a.insts, binary)
	a.anchored = a.startsOnlyAtFirst()
	a.cache.Store(a.newCache())
	return a
}

func (a *automaton) newCache() *cache {
	c := &cache{states: map[string]*state{}}
	w := newWalk(a)
	w.begin(edge)
	c.start = a.intern(c, w, edge)
	return c
}

// step finds the successor of a state.
func (a *automaton) step(from *state, class uint16) *state {
	a.mu.Lock()
	defer a.mu.Unlock()
	if next := from.next[class].Load(); next != nil {
		return next // somebody was faster
	}
	next := a.successor(from, class)
	from.next[class].Store(next)
	return next
}

func (a *automaton) successor(from *state, class uint16) *state {
	w, after := newWalk(a), a.alpha.kinds[class]
	insts := from.insts
	if from.waiting {
		known := a.resolve(from, after)
		if insts, w.accepts = known.insts, known.accepts; a.first && len(w.accepts) > 0 {
			return matched
		}
	}
	r := a.alpha.sample[class]
	for _, pc := range insts {
		if in := &a.insts[pc]; isRune(in.Op) && in.MatchRune(r) {
			w.enter(in.Out, after)
		}
	}
	w.begin(after) // a match may begin here too
	c := a.cache.Load()
	if a.budget.used.Load() > a.budget.limit && c.size > 0 {
		a.budget.used.Add(-c.size)
		c = a.newCache()
		a.cache.Store(c)
	}
	return a.intern(c, w, after)
}

// resolve follows the assertions that hold before a character of the given kind.
func (a *automaton) resolve(from *state, after kind) *walk {
	w := newWalk(a)
	w.known, w.after = true, after
	for _, pc := range from.insts {
		w.enter(pc, from.before)
	}
	return w
}

// endings are the expressions that match if the text ends in s, besides those that have matched on the way.
func (a *automaton) endings(s *state) []uint32 {
	if known := s.atEnd.Load(); known != nil {
		return *known
	}
	var list []uint32
	if s.waiting {
		list = a.resolve(s, edge).accepts
	}
	s.atEnd.Store(&list)
	return list
}

// intern returns the state for what a walk has reached.
func (a *automaton) intern(c *cache, w *walk, before kind) *state {
	if a.first && len(w.accepts) > 0 {
		return matched
	}
	if len(w.insts) == 0 && len(w.accepts) == 0 && a.anchored {
		return dead
	}
	slices.Sort(w.insts)
	slices.Sort(w.accepts)
	w.accepts = slices.Compact(w.accepts)
	if !w.waiting {
		before = 0
	}
	key := make([]byte, 1, 5+4*len(w.insts)+4*len(w.accepts))
	key[0] = byte(before)
	key = binary.LittleEndian.AppendUint32(key, uint32(len(w.accepts)))
	for _, n := range w.accepts {
		key = binary.LittleEndian.AppendUint32(key, n)
	}
	for _, pc := range w.insts {
		key = binary.LittleEndian.AppendUint32(key, pc)
	}
	if s := c.states[string(key)]; s != nil {
		return s
	}
	s := &state{next: make([]atomic.Pointer[state], len(a.alpha.kinds)), insts: slices.Clone(w.insts), before: before, waiting: w.waiting,
		accepts: slices.Clone(w.accepts)}
	c.states[string(key)] = s
	size := int64(200 + 8*len(s.next) + 8*len(s.insts) + 8*len(s.accepts))
	c.size += size
	a.budget.used.Add(size)
	return s
}

// startsOnlyAtFirst reports whether no match can begin behind a character.
func (a *automaton) startsOnlyAtFirst() bool {
	for _, before := range []kind{other, word, newline} {
		w := newWalk(a)
		if w.begin(before); len(w.accepts) > 0 || len(w.insts) > 0 {
			return false
		}
	}
	return true
}

// A walk follows the instructions that take no character.
type walk struct {
	a       *automaton
	seen    []bool
	insts   []uint32
	accepts []uint32
	waiting bool // an assertion among insts waits for what follows
	known   bool // what follows is known: after
	after   kind
}

func newWalk(a *automaton) *walk { return &walk{a: a, seen: make([]bool, len(a.insts))} }

// begin enters every expression.
func (w *walk) begin(before kind) {
	for _, pc := range w.a.starts {
		w.enter(pc, before)
	}
}

// enter adds what is reachable from pc without a character, at a place behind a character of kind before. An assertion
// about what follows is kept, unless that is known.
func (w *walk) enter(pc uint32, before kind) {
	if w.seen[pc] {
		return
	}
	w.seen[pc] = true
	in := &w.a.insts[pc]
	switch in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		w.enter(in.Out, before)
		w.enter(in.Arg, before)
	case syntax.InstCapture, syntax.InstNop:
		w.enter(in.Out, before)
	case syntax.InstMatch:
		w.accepts = append(w.accepts, w.a.numbers[pc])
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
