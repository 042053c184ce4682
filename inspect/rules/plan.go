package rules

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/inspect/transform"
)

// A node of a plan is a text that transformations have made, and what is looked for in it. The root is the text itself.
// Chains that begin alike share their nodes, so that nothing is transformed or searched twice.
type node struct {
	function *transform.Function // that makes the text of its parent's; nil: the root
	part
	kids  []*node
	least int             // texts that have fewer bytes of ASCII hold nothing of what is looked for here and below …
	bytes transform.Bytes // … nor texts without any of these, letters in either case
}

// A part is the tests that are told by one text.
type part struct {
	tests  bitset          // that literals tell
	least  int             // bytes of ASCII in the shortest of those
	marks  transform.Bytes // one of each of those, letters in either case
	shared bitset          // that beginnings tell; nil: none
	needs  []need
}

// plans are made when a text asks for them: one for each set of functions that may change a text.
type plans struct {
	mu    sync.Mutex // held while one is made
	known atomic.Pointer[map[uint64]*node]
}

// maxPlans bounds the plans of a lane. What is beyond gets the plan by which every function may change the text.
const maxPlans = 256

// plan finds what is to be done with a text: functions that change nothing in it are left out.
func (l *lane) plan(present *transform.Bytes, text string) *node {
	if !l.moves.Meets(present) {
		return l.plain
	}
	active := l.fixed
	for i, f := range l.functions {
		if f.Changes(present, text) {
			active |= 1 << i
		}
	}
	if known := l.plans.known.Load(); known != nil {
		if n := (*known)[active]; n != nil {
			return n
		}
	}
	return l.newPlan(active)
}

func (l *lane) newPlan(active uint64) *node {
	l.plans.mu.Lock()
	defer l.plans.mu.Unlock()
	known := map[uint64]*node{}
	if p := l.plans.known.Load(); p != nil {
		known = *p
	}
	if len(known) >= maxPlans {
		return l.full
	}
	n := l.build(active)
	known = maps.Clone(known)
	known[active] = n
	l.plans.known.Store(&known)
	return n
}

// build makes the plan for the functions whose bits are set.
func (l *lane) build(active uint64) *node {
	root := &node{}
	for _, c := range l.chains {
		at := root
		for _, f := range l.effective(c.chain.Functions(), active) {
			at = at.kid(f)
		}
		at.take(&c.part)
	}
	root.bound()
	return root
}

// effective are the functions of a chain that are to be applied: the first one that may change the text, and all behind
// it, because what it makes is not known. Letter case, which searches ignore, matters to those behind: functions before
// that change it are kept with them.
func (l *lane) effective(list []*transform.Function, active uint64) []*transform.Function {
	for i, f := range list {
		if active>>l.bit[f]&1 == 0 {
			continue
		}
		var out []*transform.Function
		for _, before := range list[:i] {
			if before.Folds() {
				out = append(out, before)
			}
		}
		return append(out, list[i:]...)
	}
	return nil
}

func (n *node) kid(f *transform.Function) *node {
	for _, k := range n.kids {
		if k.function == f {
			return k
		}
	}
	k := &node{function: f}
	n.kids = append(n.kids, k)
	return k
}

// take adds the tests of a chain.
func (p *part) take(o *part) {
	if p.tests == nil && p.needs == nil && p.shared == nil {
		p.least = o.least
	}
	p.tests, p.shared = p.tests.with(o.tests), p.shared.with(o.shared)
	p.least, p.marks = min(p.least, o.least), p.marks.Union(&o.marks)
	p.needs = p.needs[:len(p.needs):len(p.needs)]
	for _, n := range o.needs {
		if !slices.ContainsFunc(p.needs, func(have need) bool { return have.test == n.test }) {
			p.needs = append(p.needs, n)
		}
	}
}

// bound sums up how long a text must be, and which bytes it must have, to matter.
func (n *node) bound() {
	n.least, n.bytes = 1<<30, transform.Bytes{}
	if n.tests != nil {
		n.least, n.bytes = n.part.least, n.marks
	}
	for _, one := range n.needs {
		n.least, n.bytes = 0, n.bytes.Union(one.bytes)
	}
	if n.shared != nil {
		n.least, n.bytes = 0, transform.AnyByte
	}
	n.bytes = n.bytes.AnyCase()
	for _, k := range n.kids {
		if k.bound(); k.function.Adds() {
			n.least = 0
		}
		n.least = min(n.least, k.least)
		if n.bytes = n.bytes.Union(&k.bytes); k.function.Makes(&k.bytes) {
			n.bytes = transform.AnyByte
		}
	}
}
