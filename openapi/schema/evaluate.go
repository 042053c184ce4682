package schema

import (
	"sync"

	"github.com/sallyport/sallyport/content"
)

// Bounds of one evaluation.
const (
	maxViolations = 20
	// maxWork is visits of a value by a schema, to which the size of the message adds workPerByte each byte: what is
	// large may cost more, what is small and nested in alternatives may not.
	maxWork     = 1_000_000
	workPerByte = 2
	maxDepth    = 2_000 // nested applications of schemas, so that a schema which refers to itself in place ends
)

// A Schema is a compiled schema. It is immutable and safe for concurrent use.
type Schema struct {
	plan    *node
	overlay *overlay
}

// spotless is the Result of every evaluation that has nothing to report.
var spotless = &Result{}

// Evaluate judges n as part of a message that goes in direction d. The Result is never nil; one without anything to
// report is shared and must not be changed.
//
// An object is closed by the union of all schemas that apply to it: properties, allOf, $ref, the branches of anyOf and
// oneOf that fit, then or else, dependentSchemas. If one of them says additionalProperties or unevaluatedProperties
// (true or a schema), the object is open; if none of them has properties, it is open too; otherwise every member is
// Undeclared that none of them names in properties, patternProperties or required. What if says counts as naming, but
// neither opens nor closes; not and contains count for nothing.
//
// additionalProperties: false (unevaluatedProperties likewise) is a Violation in a request. In a response it closes
// the object, even against a schema that opens it, and the members that no schema names are Undeclared, to be stripped.
func (s *Schema) Evaluate(n *content.Node, d Direction) *Result {
	if n == nil {
		return &Result{Violations: []Violation{{Keyword: "required", Detail: "is required"}}}
	}
	e := evaluations.Get().(*evaluation)
	e.begin(n, d, s.plan)
	e.apply(s.plan, e.enter(-1, 0, n, s.plan))
	r := e.result(n, s.overlay)
	e.end()
	return r
}

var evaluations = sync.Pool{New: func() any { return new(evaluation) }}

// An evaluation is the state of one walk. Its slices are kept for the next one.
type evaluation struct {
	direction Direction
	work      int
	depth     int
	quiet     bool // only the answer counts: stop at the first failure, record nothing
	strict    bool // additionalProperties: false fails; not so for what is certain of a response
	testing   bool // within if
	exhausted bool // out of work or depth
	base      int  // where the findings of the branch at hand begin
	misfits   int  // members that additionalProperties: false would have refused

	instances []instance
	slots     []int32 // instances of the children of containers
	claims    []claim
	findings  []finding
	marks     []mark
	strips    []strip
	scopes    []*resource
	active    []activation
	name      content.Node // for propertyNames
}

// An instance is an array or object of the message that some schema has visited.
type instance struct {
	node   *content.Node
	up     int32 // the instance around it, -1 at the root
	at     int32 // its position there
	slots  int32 // where its children begin in evaluation.slots, -1 before one was visited
	claims int32 // the latest claim, -1 for none
	entry  *node // the first schema that visited it
}

// A claim is what one schema says of one instance. Claims of branches that fail are taken back.
type claim struct {
	instance int32
	prev     int32 // the claim before it on the same instance, -1 for none
	object   *objectRules
	array    *arrayRules
	upTo     int32 // elements of an array that are evaluated
	flags    claimFlags
}

type claimFlags uint8

const (
	claimAll      claimFlags = 1 << iota // every member or element is evaluated
	claimNames                           // has properties, and so closes
	claimOpens                           // says that others may come
	claimForbids                         // says that others may not come, in a response
	claimRefuses                         // says so in a request: such members are violations
	claimComplete                        // names every member that there is
	claimSilent                          // alternatives failed: nobody can say what is declared
)

// A value is a place in the message: a node, and its position in an instance.
type value struct {
	n    *content.Node
	up   int32
	at   int32
	self int32 // its own instance, -1 for scalars
}

// An activation is a schema that is being applied to an instance, for discriminators that lead back to it.
type activation struct {
	node     *node
	instance int32
}

type mark struct {
	up, at int32
	node   *content.Node
	note   *Annotations
}

type strip struct{ instance, at int32 }

func (e *evaluation) begin(n *content.Node, d Direction, root *node) {
	*e = evaluation{
		direction: d, strict: d == Request, work: maxWork + workPerByte*int(max(n.End, n.Start)-n.Start),
		instances: e.instances[:0], slots: e.slots[:0], claims: e.claims[:0], findings: e.findings[:0], marks: e.marks[:0],
		strips: e.strips[:0], scopes: append(e.scopes[:0], root.home), active: e.active[:0],
	}
}

// keep is the number of elements up to which a slice is kept for the next evaluation.
const keep = 16 << 10

func (e *evaluation) end() {
	if cap(e.instances) > keep || cap(e.slots) > 4*keep || cap(e.claims) > keep || cap(e.marks) > keep || cap(e.strips) > keep {
		return
	}
	// What the slices still point to must not keep a message alive.
	clear(e.instances)
	clear(e.findings)
	clear(e.marks)
	e.name = content.Node{}
	evaluations.Put(e)
}

// enter makes the value at a position, with the instance that it is, if it is a container.
func (e *evaluation) enter(up, at int32, n *content.Node, by *node) value {
	v := value{n: n, up: up, at: at, self: -1}
	if n.Kind != content.Object && n.Kind != content.Array {
		return v
	}
	if up < 0 {
		v.self = e.instance(n, up, at, by)
		return v
	}
	parent := &e.instances[up]
	if parent.slots < 0 {
		parent.slots = int32(len(e.slots))
		for range parent.node.Children {
			e.slots = append(e.slots, -1)
		}
	}
	slot := parent.slots + at
	if e.slots[slot] < 0 {
		e.slots[slot] = e.instance(n, up, at, by)
	}
	v.self = e.slots[slot]
	return v
}

func (e *evaluation) instance(n *content.Node, up, at int32, by *node) int32 {
	e.instances = append(e.instances, instance{node: n, up: up, at: at, slots: -1, claims: -1, entry: by})
	return int32(len(e.instances) - 1)
}

// child applies a schema to a child of the container v.
func (e *evaluation) child(s *node, v value, at int) bool {
	if s.verdict == always {
		return true
	}
	return e.apply(s, e.enter(v.self, int32(at), &v.n.Children[at], s))
}

// apply judges a value by a schema.
func (e *evaluation) apply(s *node, v value) bool {
	if s.verdict == always {
		return true
	}
	e.work--
	if e.work < 0 || e.depth > maxDepth {
		e.exhausted = true
	}
	if e.exhausted || !e.quiet && e.full() {
		return false
	}
	if s.verdict == never {
		return e.loud() && e.fail(v, "false", "is not allowed")
	}
	e.depth++
	scopes, active := len(e.scopes), len(e.active)
	if e.scopes[scopes-1] != s.home {
		e.scopes = append(e.scopes, s.home)
	}
	if s.heir && v.self >= 0 {
		e.active = append(e.active, activation{s, v.self})
	}
	ok := e.judge(s, v)
	e.scopes, e.active = e.scopes[:scopes], e.active[:active]
	e.depth--
	return ok
}

// judge goes through the keywords of one schema: the cheap ones first, unevaluated ones last.
func (e *evaluation) judge(s *node, v value) bool {
	if s.note != nil {
		e.marks = append(e.marks, mark{v.up, v.at, v.n, s.note})
	}
	if s.nullable && v.n.Kind == content.Null {
		return true
	}
	if s.types != 0 && !s.accepts(v.n) {
		return e.loud() && e.fail(v, "type", "must be "+article(s.types.names()))
	}
	ok := true
	if s.enum != nil && !s.enum.contains(v.n) || s.constant != nil && !s.constant.contains(v.n) {
		if e.quiet {
			return false
		}
		return e.failValues(s, v)
	}
	before := len(e.claims)
	switch v.n.Kind {
	case content.String, content.File:
		ok = s.text == nil || e.text(s, v)
	case content.Number:
		ok = s.number == nil || e.number(s, v)
	case content.Array:
		ok = s.array == nil || e.array(s.array, v)
	case content.Object:
		ok = s.object == nil || e.object(s.object, v)
	}
	if !ok && e.quiet {
		return false
	}
	if s.combines && !e.inPlace(s, v) {
		ok = false
	}
	if !ok && e.quiet {
		return false
	}
	if v.n.Kind == content.Object && s.object != nil && s.object.unevaluated != nil {
		ok = e.unevaluatedMembers(s.object, v, before) && ok
	} else if v.n.Kind == content.Array && s.array != nil && s.array.unevaluated != nil {
		ok = e.unevaluatedElements(s.array, v, before) && ok
	}
	return ok
}

// A moment is how much had been recorded; rewind forgets what came later.
type moment struct{ claims, marks, strips int }

func (e *evaluation) now() moment { return moment{len(e.claims), len(e.marks), len(e.strips)} }

func (e *evaluation) rewind(m moment) {
	for i := len(e.claims) - 1; i >= m.claims; i-- {
		e.instances[e.claims[i].instance].claims = e.claims[i].prev
	}
	clear(e.marks[m.marks:])
	e.claims, e.marks, e.strips = e.claims[:m.claims], e.marks[:m.marks], e.strips[:m.strips]
}

func (e *evaluation) claim(c claim) {
	in := &e.instances[c.instance]
	if e.testing {
		c.flags &^= claimNames | claimOpens | claimForbids | claimRefuses
	}
	c.prev = in.claims
	in.claims = int32(len(e.claims))
	e.claims = append(e.claims, c)
}

// try judges without reporting; what a failure recorded is forgotten.
func (e *evaluation) try(s *node, v value, strict bool) bool {
	m, quiet, wasStrict := e.now(), e.quiet, e.strict
	e.quiet, e.strict = true, strict || wasStrict
	ok := e.apply(s, v)
	e.quiet, e.strict = quiet, wasStrict
	if !ok {
		e.rewind(m)
	}
	return ok
}

// result turns what was recorded into a Result.
func (e *evaluation) result(n *content.Node, o *overlay) *Result {
	if e.exhausted {
		e.findings = append(e.findings[:min(len(e.findings), maxViolations-1)], finding{up: -1, keyword: "complexity", detail: "is too complex to be judged"})
	}
	undeclared := e.undeclared()
	if len(e.findings) == 0 && len(undeclared) == 0 && len(e.marks) == 0 && o == nil {
		return spotless
	}
	r := &Result{Undeclared: undeclared}
	for i := range e.findings {
		f := &e.findings[i]
		r.Violations = append(r.Violations, Violation{e.pointer(f.up, f.at) + f.below, f.keyword, f.detail})
	}
	r.Marked = e.marked()
	if o != nil {
		r.Marked = o.mark(n, r.Marked)
	}
	if len(r.Violations)+len(r.Undeclared)+len(r.Marked) == 0 {
		return spotless
	}
	return r
}
