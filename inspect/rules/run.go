package rules

import (
	"context"
	"math/bits"
	"runtime"
	"strconv"
	"sync"

	"github.com/sallyport/sallyport/inspect/transform"
)

// A run is one message on its way through a program.
type run struct {
	p      *Program
	fields []Field
	hits   []Hit

	index  []int32                // fields by collection
	from   [collections + 1]int32 // where in index a collection begins
	words  int                    // of a set of tests
	cand   []uint64               // sets of candidate tests: two for each field, its text's and its key's
	known  []*memory              // what is remembered of each field's text and key
	seen   bitset                 // the tests that are candidates somewhere
	levels []level
	states int      // into which the automata of beginnings may still be led
	active []uint64 // conditions to evaluate
	buffer transform.Buffer
	arena  []byte // of expanded macros
	made   map[making]string
	kept   int   // bytes of made
	groups []int // of a captured match

	tx        []string // by slot
	set       []bool
	origin    []int32 // the field that a variable was set for
	extra     []extra // variables whose names a message has completed
	extraAt   map[string]int
	capturing bool
	current   match   // the value under judgement
	matched   []match // of the rule under judgement, over its chain
	controls  []*control
	off       bool

	ctx  context.Context
	done int  // bytes since ctx was asked
	late bool // ctx is over: nothing more is looked at
}

// extra is a TX variable without a slot.
type extra struct {
	name, value string
	origin      int32
}

// A match is a value for which a condition holds.
type match struct {
	variable string
	key      string
	value    string // transformed
	field    int
	name     bool
	level    int
	told     bool // the value is the text or the key of its field, and the test a candidate for it
	fragment string
	message  string
}

var runs = sync.Pool{New: func() any { return &run{} }}

// maxHits bounds what one message can make us remember.
const maxHits = 4096

// patience is how many bytes are looked at before the context is asked again, and other requests have the processor: those that cost
// little do not wait for those that cost much. It is far less than a millisecond's work.
const patience = 16 << 10

// work notes that n bytes are about to be looked at, and reports whether there is time for them.
func (r *run) work(n int) bool {
	if r.done += n + 16; r.done > patience && !r.late { // 16: short values cost, too
		r.done, r.late = 0, r.ctx.Err() != nil
		runtime.Gosched()
	}
	return !r.late
}

// Run evaluates the phases from first to last and appends what they object to. The error is that of ctx; then the message
// has not been judged to its end. It is safe for concurrent use.
func (p *Program) Run(ctx context.Context, fields []Field, first, last int, hits []Hit) ([]Hit, error) {
	if err := ctx.Err(); err != nil {
		return hits, err
	}
	r := runs.Get().(*run)
	r.ctx, r.done, r.late = ctx, 0, false
	r.begin(p, fields, hits)
	r.candidates()
	for phase := first; phase <= last && !r.off && !r.late; phase++ {
		r.phase(p.lanes.phaseFrom[phase], p.lanes.phaseFrom[phase+1])
	}
	hits, late := r.hits, r.late
	r.end()
	runs.Put(r)
	if late {
		return hits, ctx.Err()
	}
	return hits, nil
}

func (r *run) begin(p *Program, fields []Field, hits []Hit) {
	r.p, r.fields, r.hits, r.off, r.capturing = p, fields, hits, false, false
	r.sort()
	r.words = (len(p.tests) + 63) / 64
	r.cand = zeroed(r.cand, 2*len(fields)*r.words)
	r.known = append(r.known[:0], make([]*memory, 2*len(fields))...)
	r.seen = zeroed(r.seen, r.words)
	r.ready(p.lanes.depth)
	r.active = append(r.active[:0], p.lanes.always...)
	r.tx, r.set = append(r.tx[:0], p.start...), append(r.set[:0], p.known...)
	r.origin = r.origin[:0]
	for range p.start {
		r.origin = append(r.origin, -1)
	}
}

// sort indexes the fields by collection; within one they keep their order.
func (r *run) sort() {
	clear(r.from[:])
	for i := range r.fields {
		r.from[r.fields[i].Collection+1]++
	}
	for c := range collections {
		r.from[c+1] += r.from[c]
	}
	if cap(r.index) < len(r.fields) {
		r.index = make([]int32, len(r.fields))
	}
	r.index = r.index[:len(r.fields)]
	next := r.from
	for i := range r.fields {
		c := r.fields[i].Collection
		r.index[next[c]] = int32(i)
		next[c]++
	}
}

// of lists the fields of a collection.
func (r *run) of(c Collection) []int32 { return r.index[r.from[c]:r.from[c+1]] }

func zeroed(b []uint64, n int) []uint64 {
	if cap(b) < n {
		return make([]uint64, n)
	}
	b = b[:n]
	clear(b)
	return b
}

// end lets go of everything that belongs to the message.
func (r *run) end() {
	clear(r.tx)
	clear(r.extra)
	clear(r.extraAt)
	clear(r.made)
	r.kept = 0
	clear(r.matched[:cap(r.matched)])
	r.forget()
	if cap(r.arena) > maxBuffer {
		r.arena = nil
	}
	clear(r.known)
	r.fields, r.hits, r.current, r.ctx = nil, nil, match{}, nil
	r.extra, r.matched, r.controls, r.arena = r.extra[:0], r.matched[:0], r.controls[:0], r.arena[:0]
}

// phase evaluates the active conditions among those from index from to index to.
func (r *run) phase(from, to int) {
	skip := ""
	for i := from; i < to; i++ {
		word := r.active[i>>6] >> (i & 63)
		if word == 0 {
			i |= 63 // nothing more in this word
			continue
		}
		if i += bits.TrailingZeros64(word); i >= to {
			return
		}
		c := r.p.lanes.order[i]
		if c.marker != "" || skip != "" {
			if c.marker == skip {
				skip = ""
			}
			continue
		}
		if c.gate != nil && !r.seen.has(c.gate.number) || r.removed(c.rule.ID) || !r.rule(c) {
			continue
		}
		if c.allow || r.off || r.late {
			r.off = r.off || c.allowAll
			return
		}
		if skip = c.skip; c.skipN > 0 {
			i = from + c.resume - 1
		}
	}
}

func (r *run) removed(id int) bool {
	for _, k := range r.controls {
		if k.target == nil && k.covers[id] {
			return true
		}
	}
	return false
}

// rule evaluates a condition and its chain, and reports the values of the last link.
func (r *run) rule(first *condition) bool {
	r.matched = r.matched[:0]
	from := 0
	for c, level := first, 0; c != nil; c, level = c.next, level+1 {
		from = len(r.matched)
		if !r.condition(c, level) {
			r.capturing = false
			return false
		}
	}
	r.capturing = false
	if first.rule.reported() {
		r.report(first, r.matched[from:])
	}
	return true
}

// condition evaluates one link over its targets. Its actions are done for every value for which it holds.
func (r *run) condition(c *condition, level int) bool {
	r.capturing = c.captures
	if c.test == nil {
		r.holds(c, match{field: -1, level: level})
		return true
	}
	before := len(r.matched)
	for i := range c.targets {
		r.target(c, &c.targets[i], level)
	}
	return len(r.matched) > before
}

// target evaluates a link on the values of one target.
func (r *run) target(c *condition, t *target, level int) {
	if t.count {
		r.value(c, match{variable: t.variable, key: t.key, value: strconv.Itoa(r.countOf(c, t)), field: -1, level: level})
		return
	}
	if t.kind == ofMessage {
		r.ofFields(c, t, level)
		return
	}
	r.each(t, func(m match) {
		m.level = level
		r.value(c, m)
	})
}

// ofFields evaluates a link on fields; those that are known to be no candidates are passed over.
func (r *run) ofFields(c *condition, t *target, level int) {
	for _, part := range t.parts {
		for _, i := range r.of(part) {
			if c.laned && !bitset(r.marks(slot(int(i), t.names))).has(c.test.number) {
				continue
			}
			f := &r.fields[i]
			if !t.selects(f.Key) || r.excepted(c, t, f.Key) {
				continue
			}
			text := f.Text
			if t.names {
				text = f.Key
			}
			r.value(c, match{variable: t.variable, key: f.Key, value: text, field: int(i), name: t.names, level: level, told: c.laned})
			if c.once && len(r.matched) > 0 {
				return
			}
		}
	}
}

// excepted reports whether a control has taken the key away from the rule.
func (r *run) excepted(c *condition, t *target, key string) bool {
	for _, k := range r.controls {
		if k.target != nil && k.covers[c.rule.ID] && k.target.variable == t.variable && k.target.selects(key) {
			return true
		}
	}
	return false
}
