package pattern

import (
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
	once     bool          // a match begins where the search does or nowhere
	binary   bool          // a character is a byte
	alpha    alphabet
	begun    [edge + 1]*walk // by what stands before: where a match that begins there waits
	nowhere  *walk           // where none has begun
	budget   *Budget

	mu    sync.Mutex // held while a state is made
	made  *walk      // the one before, whose memory the next one takes
	ahead *walk      // likewise
	key   []byte     // of the state before, likewise
	cache atomic.Pointer[cache]
}

// A state is a set of instructions that wait for the next character, and what stood before it.
type state struct {
	next    []atomic.Pointer[state]  // by class; nil: not known yet
	insts   []uint32                 // ascending: characters, and assertions that have to know what follows
	before  kind                     // 0 where no assertion waits
	waiting bool                     // there are assertions
	accepts []uint32                 // the expressions that have matched on the way here, ascending
	alive   []uint32                 // if once: those that may match from here on
	atEnd   atomic.Pointer[[]uint32] // those that match if the text ends here; nil: not known yet
}

// matched is entered when an automaton that looks for the first match has found it, dead when nothing can match any more.
var matched, dead = &state{}, &state{}

// A cache holds the states that are known. It is replaced as a whole.
type cache struct {
	start  *state                           // behind edge
	starts [edge + 1]*state                 // if once: by what stands before
	pairs  [word + 1][]atomic.Pointer[pair] // if once: by what stands before, and two classes
	states map[string]*state
	size   int64
}

// newAutomaton joins the programs of expressions; numbers says how each is called.
func newAutomaton(progs []*syntax.Prog, numbers []int, first, once, binary bool, b *Budget) *automaton {
	a := &automaton{first: first, once: once, binary: binary, budget: b}
	for i, p := range progs {
		base := uint32(len(a.insts))
		for _, in := range p.Inst {
			in.Out += base
			if in.Op == syntax.InstAlt || in.Op == syntax.InstAltMatch {
				in.Arg += base
			}
			a.insts, a.numbers = append(a.insts, in), append(a.numbers, uint32(numbers[i]))
		}
		a.starts = append(a.starts, base+uint32(p.Start))
	}
	a.alpha = newAlphabet(a.insts, binary)
	for before := range a.begun {
		a.begun[before] = a.begin(kind(before))
	}
	a.anchored = !a.begun[other].found() && !a.begun[word].found() && !a.begun[newline].found()
	a.nowhere, a.made, a.ahead = newWalk(a), newWalk(a), newWalk(a)
	a.cache.Store(a.newCache())
	return a
}

// begin enters every expression.
func (a *automaton) begin(before kind) *walk {
	w := newWalk(a)
	for _, pc := range a.starts {
		w.enter(pc, before)
	}
	return w
}

func (a *automaton) newCache() *cache {
	c := &cache{states: map[string]*state{}}
	c.start = a.intern(c, a.begun[edge], edge)
	if !a.once {
		return c
	}
	for before, w := range a.begun {
		c.starts[before] = a.intern(c, w, kind(before))
	}
	n := len(a.alpha.kinds)
	c.pairs[other], c.pairs[word] = make([]atomic.Pointer[pair], n*n), make([]atomic.Pointer[pair], n*n)
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
	w, after := a.made, a.alpha.kinds[class]
	if w.goOn(a.nowhere); !a.once {
		w.goOn(a.begun[after]) // a match may begin here too
	}
	insts := from.insts
	if from.waiting {
		a.ahead.resolve(from, after)
		if a.first && len(a.ahead.accepts) > 0 {
			return matched
		}
		insts, w.accepts = a.ahead.kept.list(), append(w.accepts, a.ahead.accepts...)
	}
	takes := a.alpha.takes[class]
	for _, pc := range insts {
		if takes.has(pc) {
			w.enter(a.insts[pc].Out, after)
		}
	}
	c := a.cache.Load()
	if a.budget.used.Load() > a.budget.limit && c.size > 0 {
		a.budget.used.Add(-c.size)
		c = a.newCache()
		a.cache.Store(c)
	}
	return a.intern(c, w, after)
}

// endings are the expressions that match if the text ends in s, besides those that have matched on the way.
func (a *automaton) endings(s *state) []uint32 {
	if known := s.atEnd.Load(); known != nil {
		return *known
	}
	var list []uint32
	if s.waiting {
		w := newWalk(a)
		w.resolve(s, edge)
		list = w.accepts
	}
	s.atEnd.Store(&list)
	return list
}

// intern returns the state for what a walk has reached.
func (a *automaton) intern(c *cache, w *walk, before kind) *state {
	if a.first && len(w.accepts) > 0 {
		return matched
	}
	if !w.found() && (a.anchored || a.once) {
		return dead
	}
	slices.Sort(w.accepts)
	w.accepts = slices.Compact(w.accepts)
	if !w.waiting {
		before = 0
	}
	a.key = w.appendKey(append(a.key[:0], byte(before)))
	if s := c.states[string(a.key)]; s != nil {
		return s
	}
	s := &state{next: make([]atomic.Pointer[state], len(a.alpha.kinds)), insts: w.kept.list(), before: before, waiting: w.waiting,
		accepts: slices.Clone(w.accepts)}
	if a.once {
		for _, pc := range s.insts {
			s.alive = append(s.alive, a.numbers[pc])
		}
		slices.Sort(s.alive)
		s.alive = slices.Clip(slices.Compact(s.alive))
	}
	c.states[string(a.key)] = s
	size := int64(200 + 8*len(s.next) + 4*len(s.insts) + 4*len(s.accepts) + 4*len(s.alive) + len(a.key))
	c.size += size
	a.budget.used.Add(size)
	return s
}
