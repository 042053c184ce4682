package rules

import (
	"math/bits"
	"unsafe"

	"github.com/sallyport/sallyport/inspect/transform"
)

// A level is a text that a plan has led to, with what has been found out about it.
type level struct {
	text    string
	buffer  []byte          // that holds the text, but for that of level 0
	present transform.Bytes // if sorted
	found   []uint64        // if scanned: the tests of which it holds a literal
	answer  []uint64        // if asked: the tests that it may hold a match of
	matched []uint64        // the exact tests that have been found to hold for it …
	failed  []uint64        // … and not to
	sorted  bool
	scanned bool
	asked   bool
}

// set makes the level one of another text.
func (l *level) set(text string) {
	l.text, l.sorted, l.scanned, l.asked = text, false, false, false
	clear(l.matched)
	clear(l.failed)
}

// maxBuffer is up to what size the buffer of a level is kept between messages.
const maxBuffer = 16 << 10

// ready makes room for the levels of a program.
func (r *run) ready(depth int) {
	for len(r.levels) <= depth {
		r.levels = append(r.levels, level{})
	}
	for i := range r.levels[:depth+1] {
		l := &r.levels[i]
		l.found, l.answer = zeroed(l.found, r.words), zeroed(l.answer, r.words)
		l.matched, l.failed = zeroed(l.matched, r.words), zeroed(l.failed, r.words)
	}
}

// forget lets go of the texts of a message.
func (r *run) forget() {
	for i := range r.levels {
		if l := &r.levels[i]; cap(l.buffer) > maxBuffer {
			l.buffer = nil
		}
		r.levels[i].text = ""
	}
}

// candidates passes over every value and notes which tests may hold for it, and so which conditions have to be evaluated
// at all. A value is transformed only by what can change it.
func (r *run) candidates() {
	r.states = newStates
	for i := range r.fields {
		f, any := &r.fields[i], false
		if f.Clear {
			continue
		}
		if lane := &r.p.lanes.text[f.Collection]; f.Short != nil {
			any = r.short(f.Short, f.Text, f.Private, slot(i, false))
		} else if lane.used() {
			any = r.pass(lane, lane.of(f.Key), f.Text, f.Private, slot(i, false))
		}
		if lane := &r.p.lanes.name[f.Collection]; lane.used() && r.pass(lane, &lane.others, f.Key, false, slot(i, true)) {
			any = true
		}
		f.Clear = !any && !r.late
		if r.late {
			return
		}
	}
}

// slot numbers the texts and keys of fields.
func slot(field int, name bool) int {
	if name {
		return 2*field + 1
	}
	return 2 * field
}

// marks is the set of candidate tests of a slot.
func (r *run) marks(slot int) []uint64 { return r.cand[slot*r.words : (slot+1)*r.words] }

// A message may lead the automata of beginnings into so many new states, and into one more for each so many bytes: a state
// costs some microseconds.
const (
	newStates = 256
	perState  = 256
)

// pass finds the candidates among the tests of a lane for the text of a slot, and reports whether there are any. A private text is not
// remembered.
func (r *run) pass(l *lane, n *namesake, text string, private bool, slot int) bool {
	return r.look(r.p.lanes.memo.at(n.seeker, text, private), slot, func(top *level, marks []uint64) *node {
		r.evaluate(n.direct, text, marks)
		top.sort()
		return l.plan(&top.present, text)
	})
}

// short is pass for a text of which more is known.
func (r *run) short(s *Shortcut, text string, private bool, slot int) bool {
	return s.plan != nil && r.look(r.p.lanes.memo.at(s.seeker, text, private), slot, func(*level, []uint64) *node { return s.plan })
}

// look finds the candidates for a text by what is remembered of it, or by a plan.
func (r *run) look(at occurrence, slot int, plan func(*level, []uint64) *node) bool {
	marks := r.marks(slot)
	if known := at.recall(); known != nil {
		r.known[slot] = known
		copy(marks, known.marks)
		return r.activate(known.marks)
	}
	r.states += len(at.text) / perState
	top := &r.levels[0]
	top.set(at.text)
	r.visit(plan(top, marks), 0, marks)
	any := r.activate(marks)
	if !any {
		marks = nil
	}
	if !r.late {
		at.remember(marks)
	}
	return any
}

// visit notes the tests of a node, whose text is at a level, and goes on to what its text is changed into.
func (r *run) visit(n *node, at int, marks []uint64) {
	on := &r.levels[at]
	if len(on.text) < n.least || r.late {
		return
	}
	on.sort()
	if !n.bytes.Meets(&on.present) && on.text != "" { // the empty text may match as well
		return
	}
	r.note(&n.part, on, marks)
	for _, k := range n.kids {
		switch {
		case !k.reaches(on):
			continue
		case !k.function.Folds() && !k.function.Changes(&on.present, on.text):
			r.visit(k, at, marks)
			continue
		}
		next := &r.levels[at+1]
		out, changed := k.function.Apply(next.buffer[:0], on.text)
		next.buffer = out // grown, perhaps
		if !changed {
			r.visit(k, at, marks)
			continue
		}
		next.set(unsafe.String(unsafe.SliceData(out), len(out)))
		r.visit(k, at+1, marks)
	}
}

// reaches reports whether what a node makes of a text may hold what is looked for behind it.
func (n *node) reaches(on *level) bool {
	return (n.function.Adds() || len(on.text) >= n.least) && (n.bytes.Meets(&on.present) || n.function.Makes(&n.bytes) || on.text == "")
}

// sort finds out which bytes a text has.
func (on *level) sort() {
	if !on.sorted {
		on.sorted, on.present = true, transform.BytesOf(on.text)
	}
}

// note adds the tests of a part that may hold for the text of a level.
func (r *run) note(p *part, on *level, marks []uint64) {
	if p.tests != nil && len(on.text) >= p.least && p.marks.Meets(&on.present) {
		r.scan(on)
		for i, word := range p.tests {
			if word &= on.found[i]; word != 0 {
				marks[i] |= r.matching(on, i, word)
			}
		}
	}
	if p.needs != nil {
		r.need(p.needs, on, marks)
	}
	if p.shared != nil {
		r.ask(on)
		for i, word := range p.shared {
			if word &= on.answer[i]; word != 0 {
				marks[i] |= r.matching(on, i, word)
			}
		}
	}
}

// matching leaves of 64 tests, the first of which is 64*i, those that hold for the text of a level. Of tests that are not exact all
// are left that beginnings do not rule out.
func (r *run) matching(on *level, i int, word uint64) uint64 {
	l := &r.p.lanes
	if word&l.told[i] != 0 {
		r.ask(on)
		word &= on.answer[i] | ^l.told[i]
	}
	word &^= on.failed[i]
	for rest := word & l.exact[i] &^ on.matched[i]; rest != 0; rest &= rest - 1 {
		if !r.holdsFor(on, i<<6+bits.TrailingZeros64(rest)) {
			word &^= rest & -rest
		}
	}
	return word
}

// holdsFor evaluates an exact test on the text of a level, once.
func (r *run) holdsFor(on *level, test int) bool {
	i, bit := test>>6, uint64(1)<<(test&63)
	switch {
	case on.matched[i]&bit != 0 || !r.work(len(on.text)):
		return true
	case on.failed[i]&bit != 0:
		return false
	}
	holds := r.p.tests[test].op.holds(r, on.text)
	if holds {
		on.matched[i] |= bit
	} else {
		on.failed[i] |= bit
	}
	return holds
}

// scan finds the literals of all tests.
func (r *run) scan(on *level) {
	if on.scanned || !r.work(len(on.text)) {
		return
	}
	on.scanned = true
	clear(on.found)
	r.p.lanes.scanner.Scan(on.text, on.found)
}

// need notes tests that ask for certain bytes. Chains may have left letter case as it was, so that either counts.
func (r *run) need(list []need, on *level, marks []uint64) {
	present := on.present.AnyCase()
	for i := range list {
		n := &list[i]
		if bitset(marks).has(n.test) || !n.bytes.Meets(&present) || n.suspects != nil && !n.suspects(on.text) {
			continue
		}
		if !r.p.lanes.exact.has(n.test) || r.holdsFor(on, n.test) {
			marks[n.test>>6] |= 1 << (n.test & 63)
		}
	}
}

// ask finds the tests that may hold by how their matches begin. Where that gives up, each has to be evaluated.
func (r *run) ask(on *level) {
	if on.asked || !r.work(len(on.text)) {
		return
	}
	on.asked = true
	clear(on.answer)
	for _, b := range r.p.lanes.beginnings {
		if !b.Look(on.text, on.answer, &r.states) {
			copy(on.answer, r.p.lanes.told)
			return
		}
	}
}

// activate marks the conditions that begin with a candidate test, and reports whether there are any.
func (r *run) activate(marks []uint64) (any bool) {
	for i, word := range marks {
		r.seen[i] |= word
		for word != 0 {
			test := i<<6 + bits.TrailingZeros64(word)
			word, any = word&(word-1), true
			for _, c := range r.p.lanes.users[test] {
				r.active[c>>6] |= 1 << (c & 63)
			}
		}
	}
	return any
}
