package rules

import (
	"math/bits"

	"github.com/sallyport/sallyport/inspect/transform"
)

// candidates passes over every value once and notes which tests may hold for it, and so which conditions have to be
// evaluated at all. A value is transformed only for the chains that its bytes can matter to.
func (r *run) candidates() {
	for i := range r.fields {
		f := &r.fields[i]
		if !r.work(len(f.Text)) {
			return
		}
		if lane := &r.p.lanes.text[f.Collection]; lane.tests != nil {
			r.pass(lane, f.Text, r.marks(i, false))
		}
		if lane := &r.p.lanes.name[f.Collection]; lane.tests != nil {
			r.pass(lane, f.Key, r.marks(i, true))
		}
	}
}

// marks is the set of candidate tests of a field's text or key.
func (r *run) marks(field int, name bool) []uint64 {
	at := 2 * field
	if name {
		at++
	}
	return r.cand[at*r.words : (at+1)*r.words]
}

// pass finds the candidates among the tests of a lane for one text.
func (r *run) pass(l *lane, text string, marks []uint64) {
	present := transform.BytesOf(text)
	clear(r.found)
	r.p.lanes.scanner.Scan(text, r.found)
	chains := l.fixed
	if l.moves.Meets(&present) {
		chains = l.chains
	} else {
		l.rest.note(r.found, &present, marks)
	}
	if len(chains) > 0 {
		r.transformed(chains, text, &present, marks)
	}
	r.activate(marks)
}

// transformed finds the candidates of each chain. Texts that are not ASCII may come out with any byte.
func (r *run) transformed(chains []*laneChain, text string, present *transform.Bytes, marks []uint64) {
	folded := present.Folded()
	folded = folded.Union(&blank)
	for _, c := range chains {
		if c.chain.KeepsButCase(present) {
			c.note(r.found, present, marks)
			continue
		}
		if present[2]|present[3] == 0 && !c.possible(&folded) {
			continue
		}
		changed := c.chain.ApplyIn(&r.buffer, text)
		if changed == text {
			c.note(r.found, present, marks)
			continue
		}
		clear(r.again)
		r.p.lanes.scanner.Scan(changed, r.again)
		other := transform.BytesOf(changed)
		c.note(r.again, &other, marks)
	}
}

var blank = transform.BytesOf(" ")

// note adds the tests of a chain whose literals or bytes are there.
func (c *laneChain) note(found []uint64, present *transform.Bytes, marks []uint64) {
	for i := range marks {
		marks[i] |= found[i] & c.tests[i]
	}
	for _, n := range c.needs {
		if n.bytes.Meets(present) {
			marks[n.test>>6] |= 1 << (n.test & 63)
		}
	}
}

// activate marks the conditions that begin with a candidate test.
func (r *run) activate(marks []uint64) {
	for i, word := range marks {
		for word != 0 {
			test := i<<6 + bits.TrailingZeros64(word)
			word &= word - 1
			for _, c := range r.p.lanes.users[test] {
				r.active[c>>6] |= 1 << (c & 63)
			}
		}
	}
}
