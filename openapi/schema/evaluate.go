package schema

import (
	"sync"

	"github.com/sallyport/sallyport/content"
)

// Bounds of one evaluation.
const (
	// MaxViolations is how many places a Result names.
	MaxViolations = 20
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
	documents bool // contentSchema is asked
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
	guesses   []guess
	name      content.Node // for propertyNames
}

func (e *evaluation) begin(n *content.Node, d Direction, root *node) {
	*e = evaluation{
		direction: d, strict: d == Request, documents: root.documents, work: maxWork + workPerByte*int(max(n.End, n.Start)-n.Start),
		instances: e.instances[:0], slots: e.slots[:0], claims: e.claims[:0], findings: e.findings[:0], marks: e.marks[:0],
		strips: e.strips[:0], scopes: append(e.scopes[:0], root.home), active: e.active[:0], guesses: e.guesses[:0],
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
	// A request with so many violations is refused. An answer may be sent all the same, and is guarded to its end.
	if e.exhausted || !e.quiet && e.direction == Request && e.full() {
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
	if s.enum != nil && !s.enum.contains(v.n) || s.constant != nil && !s.constant.contains(v.n) {
		return e.loud() && e.failValues(s, v)
	}
	before := len(e.claims)
	ok := e.byKind(s, v)
	if s.combines && (ok || !e.quiet) {
		ok = e.inPlace(s, v) && ok
	}
	if !ok && e.quiet {
		return false
	}
	return e.unevaluated(s, v, before) && ok
}

// byKind applies the rules for the kind of value that v is.
func (e *evaluation) byKind(s *node, v value) bool {
	switch v.n.Kind {
	case content.String, content.File:
		return (s.text == nil || e.text(s, v)) && (s.document == nil || !e.documents || e.document(s, v))
	case content.Number:
		return s.number == nil || e.number(s, v)
	case content.Array:
		return s.array == nil || e.array(s.array, v)
	case content.Object:
		return s.object == nil || e.object(s.object, v)
	}
	return true
}

// unevaluated applies unevaluatedProperties and unevaluatedItems to what no claim since before covers.
func (e *evaluation) unevaluated(s *node, v value, before int) bool {
	switch {
	case v.n.Kind == content.Object && s.object != nil && s.object.unevaluated != nil:
		return e.unevaluatedMembers(s.object, v, before)
	case v.n.Kind == content.Array && s.array != nil && s.array.unevaluated != nil:
		return e.unevaluatedElements(s.array, v, before)
	}
	return true
}

// result turns what was recorded into a Result.
func (e *evaluation) result(n *content.Node, o *overlay) *Result {
	if e.exhausted {
		e.findings = append(e.findings[:min(len(e.findings), MaxViolations-1)], finding{up: -1, keyword: "complexity", detail: "is too complex to be judged"})
	}
	undeclared := e.undeclared()
	if len(e.findings) == 0 && len(undeclared) == 0 && len(e.marks) == 0 && o == nil {
		return spotless
	}
	r := &Result{Undeclared: undeclared}
	for i := range e.findings {
		f := &e.findings[i]
		w := Violation{Pointer: e.pointer(f.up, f.at) + f.below, Keyword: f.keyword, Detail: f.detail}
		if f.keyword == "readOnly" {
			w.Parent = e.instances[f.up].node
			w.Node = &w.Parent.Children[f.at]
		}
		r.Violations = append(r.Violations, w)
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
