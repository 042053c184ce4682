package schema

import (
	"slices"

	"github.com/sallyport/sallyport/content"
)

// inPlace applies the schemas within a schema that judge the same value.
func (e *evaluation) inPlace(s *node, v value) bool {
	ok := true
	if s.ref != nil {
		ok = e.apply(s.ref, v)
	}
	if s.dynamic != nil {
		ok = e.apply(e.dynamicTarget(s.dynamic), v) && ok
	}
	for i := 0; i < len(s.allOf) && (ok || !e.quiet); i++ {
		ok = e.apply(s.allOf[i], v) && ok
	}
	if !ok && e.quiet {
		return false
	}
	if s.discriminator != nil {
		decided, fits := e.discriminated(s, v)
		if decided {
			return fits && e.conditional(s, v) && ok
		}
	}
	if s.anyOf != nil {
		ok = e.anyOf(s.anyOf, v) && ok
	}
	if s.oneOf != nil && (ok || !e.quiet) {
		ok = e.oneOf(s.oneOf, v) && ok
	}
	return (ok || !e.quiet) && e.conditional(s, v) && ok
}

// conditional is not, if, then and else.
func (e *evaluation) conditional(s *node, v value) bool {
	ok := true
	if s.not != nil {
		m := e.now()
		if e.try(s.not, v, true) {
			ok = e.loud() && e.fail(v, "not", "has a form that is excluded")
		}
		e.rewind(m)
	}
	if s.test == nil || !ok && e.quiet {
		return ok
	}
	testing := e.testing
	e.testing = true
	holds := e.try(s.test, v, true)
	e.testing = testing
	if holds && s.then != nil {
		ok = e.apply(s.then, v) && ok
	} else if !holds && s.other != nil {
		ok = e.apply(s.other, v) && ok
	}
	return ok
}

// dynamicTarget is the outermost schema with the anchor on the way that led here.
func (e *evaluation) dynamicTarget(d *dynamicRef) *node {
	for _, r := range e.scopes {
		if n := d.in(r); n != nil {
			return n
		}
	}
	return d.fallback
}

// in is the schema in a resource that has the anchor, or nil.
func (d *dynamicRef) in(r *resource) *node {
	if d.anchor == "" && r.recursive != nil {
		return r.recursive
	}
	return r.dynamic[d.anchor]
}

// anyOf applies all branches, because each that fits declares members; it reports the one that comes closest.
func (e *evaluation) anyOf(branches []*node, v value) bool {
	ok := false
	for _, b := range branches {
		ok = e.try(b, v, true) || ok
	}
	return ok || e.closest(branches, v, "anyOf")
}

func (e *evaluation) oneOf(branches []*node, v value) bool {
	fitting := 0
	for _, b := range branches {
		if e.try(b, v, true) {
			fitting++
		}
	}
	switch fitting {
	case 0:
		return e.closest(branches, v, "oneOf")
	case 1:
		return true
	}
	return e.loud() && e.fail(v, "oneOf", "fits more than one of the alternatives")
}

// closest is for alternatives of which none fits. In a response one may fit once the members that it forbids are
// stripped: the one that loses least is taken. Otherwise the branch with the least grave findings is reported.
func (e *evaluation) closest(branches []*node, v value, keyword string) bool {
	if !e.strict {
		if b := e.leastMisfits(branches, v); b != nil {
			return e.try(b, v, false)
		}
	}
	if e.quiet {
		return false
	}
	m, base, from := e.now(), e.base, len(e.findings)
	e.base = from
	best, bestScore, bestTypes := []finding(nil), 0, types(0)
	for i, b := range branches {
		e.apply(b, v)
		score := gravity(e.findings[from:], v)
		if i == 0 || score < bestScore {
			best, bestScore = append(best[:0], e.findings[from:]...), score
		}
		bestTypes |= b.topTypes(0)
		e.findings = e.findings[:from]
		e.rewind(moment{m.claims, len(e.marks), m.strips}) // what any of them marks may be there, and has to be guarded
	}
	e.base = base
	if v.self >= 0 {
		e.claim(claim{instance: v.self, flags: claimSilent})
	}
	if bestScore >= wrongType && bestTypes != 0 {
		return e.fail(v, "type", "must be "+article(bestTypes.names()))
	}
	if bestScore >= wrongType || len(best) == 0 {
		return e.fail(v, keyword, "fits none of the alternatives")
	}
	for i := range best {
		if !e.full() {
			e.findings = append(e.findings, best[i])
		}
	}
	return false
}

func (e *evaluation) leastMisfits(branches []*node, v value) *node {
	var best *node
	least, before := 0, e.misfits
	for _, b := range branches {
		m := e.now()
		e.misfits = 0
		if e.try(b, v, false) && (best == nil || e.misfits < least) {
			best, least = b, e.misfits
		}
		e.rewind(m)
	}
	e.misfits = before
	return best
}

// Weights of findings, from a branch that was certainly not meant to one that nearly fits.
const (
	wrongType  = 1 << 20 // of the value itself
	wrongTag   = 1 << 10 // a property has one of few allowed values, and not this one
	wrongNear  = 4       // a member
	wrongBelow = 1       // something deeper
)

// gravity is how far a branch with these findings is from fitting v.
func gravity(findings []finding, v value) int {
	score := 0
	for i := range findings {
		f := &findings[i]
		here := f.up == v.up && f.at == v.at && f.below == ""
		near := f.up == v.self && v.self >= 0 || f.up == v.up && f.at == v.at
		switch {
		case here && (f.keyword == "type" || f.keyword == "false"):
			score += wrongType
		case near && (f.keyword == "enum" || f.keyword == "const"):
			score += wrongTag
		case near:
			score += wrongNear
		default:
			score += wrongBelow
		}
	}
	return score
}

// topTypes is what a schema lets through, as far as it says so directly.
func (s *node) topTypes(depth int) types {
	if s == nil || depth > 8 {
		return 0
	}
	t := s.types | s.ref.topTypes(depth+1)
	for _, list := range [][]*node{s.allOf, s.anyOf, s.oneOf} {
		for _, n := range list {
			t |= n.topTypes(depth + 1)
		}
	}
	if s.nullable {
		t |= typeNull
	}
	return t
}

// discriminated applies the schema that the discriminator leads to. decided is false where there is nothing to go by:
// then the alternatives are tried.
func (e *evaluation) discriminated(s *node, v value) (decided, ok bool) {
	d := s.discriminator
	tag := v.n.Get(d.property)
	if v.n.Kind != content.Object || (tag == nil || tag.Kind != content.String) && d.def == nil {
		return false, false
	}
	e.claim(claim{instance: v.self, object: d.declared})
	name := ""
	if tag != nil && tag.Kind == content.String {
		name = tag.Text
	}
	n, unknown := d.pick(name)
	switch {
	case !unknown && d.heirs && e.isActive(n, v.self):
		return true, true // the heir led here, or this is the schema itself
	case !unknown:
		return true, n == s || e.apply(n, v)
	case len(d.others) > 0:
		return true, e.anyOf(d.others, v)
	}
	e.markAll(d, v)
	return true, e.loud() && e.failBelow(v, d.property, "discriminator", "must be "+oneOfStrings(d.values))
}

// markAll marks what any of the alternatives would: which of them was meant, nobody can say. An heir leads back here.
func (e *evaluation) markAll(d *discriminator, v value) {
	here := guess{d, v.self}
	if e.quiet || slices.Contains(e.guesses, here) {
		return
	}
	m, base, from := e.now(), e.base, len(e.findings)
	e.base = from
	e.guesses = append(e.guesses, here)
	for _, name := range d.values {
		e.apply(d.target[name], v)
		e.findings = e.findings[:from]
		e.rewind(moment{m.claims, len(e.marks), m.strips})
	}
	e.guesses = e.guesses[:len(e.guesses)-1]
	e.base = base
}

func (e *evaluation) isActive(n *node, instance int32) bool {
	for _, a := range e.active {
		if a.node == n && a.instance == instance {
			return true
		}
	}
	return false
}
