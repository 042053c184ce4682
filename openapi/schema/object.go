package schema

import (
	"fmt"

	"github.com/sallyport/sallyport/content"
)

// object applies the rules for objects, except unevaluatedProperties, and claims the members that they speak of.
func (e *evaluation) object(o *objectRules, v value) bool {
	ok := e.objectSize(o, v)
	if !ok && e.quiet {
		return false
	}
	w := memberWalk{e: e, o: o, v: v, flags: o.claims(e.strict)}
	for i := range v.n.Children {
		if !w.member(i) {
			if ok = false; e.quiet {
				return false
			}
		}
	}
	if missing := o.required[e.direction] &^ w.seen; missing != 0 || o.more != nil {
		ok = e.missing(o, v, missing) && ok
	}
	if w.named == len(v.n.Children) {
		w.flags |= claimComplete
	}
	e.claim(claim{instance: v.self, object: o, flags: w.flags})
	if !ok && e.quiet {
		return false
	}
	return e.dependents(o, v) && ok
}

// claims are the flags that do not depend on the instance.
func (o *objectRules) claims(strict bool) (f claimFlags) {
	if o.named {
		f |= claimNames
	}
	if o.additional != nil {
		f |= claimAll
		if o.additional.verdict != never {
			f |= claimOpens
		} else if strict {
			f |= claimRefuses
		}
	}
	return f
}

func (e *evaluation) objectSize(o *objectRules, v value) bool {
	ok := true
	if n := len(v.n.Children); n < o.minimum {
		ok = e.loud() && e.fail(v, "minProperties", fmt.Sprintf("must have at least %s", several(o.minimum, "member")))
	} else if o.maximum >= 0 && n > o.maximum {
		ok = e.loud() && e.fail(v, "maxProperties", fmt.Sprintf("must have at most %s", several(o.maximum, "member")))
	}
	return ok
}

// A memberWalk goes over the members of one object by the rules of one schema.
type memberWalk struct {
	e     *evaluation
	o     *objectRules
	v     value
	hint  int
	seen  uint64
	named int // members that the schema names
	flags claimFlags
}

func (w *memberWalk) member(i int) bool {
	e, o, m := w.e, w.o, &w.v.n.Children[i]
	ok, evaluated := true, false
	rule := o.find(m.Name, &w.hint)
	if rule != nil {
		w.seen |= rule.bit
		if evaluated = rule.schema != nil; evaluated {
			ok = e.property(rule, w.v, i)
		}
	}
	for j := range o.patterns {
		e.work--
		if p := &o.patterns[j]; p.pattern.match(m.Name) {
			evaluated = true
			ok = e.child(p.schema, w.v, i) && ok
		}
	}
	if evaluated || rule != nil {
		w.named++
	}
	if o.names != nil {
		ok = e.memberName(o.names, w.v, i) && ok
	}
	if evaluated || o.additional == nil {
		return ok
	}
	if o.additional.verdict == never {
		if e.strict {
			return e.loud() && e.failBelow(w.v, m.Name, "additionalProperties", "is not declared")
		}
		e.misfits++
		w.flags |= claimForbids
		return ok
	}
	return e.child(o.additional, w.v, i) && ok
}

// property applies a property's schema, unless the member goes in the wrong direction.
func (e *evaluation) property(rule *memberRule, v value, i int) bool {
	if rule.read && e.direction == Request {
		return e.loud() && e.failAt(v, i, "readOnly", "is read-only and must not be sent")
	}
	if rule.write && e.direction == Response {
		e.strips = append(e.strips, strip{v.self, int32(i)})
		return true // it leaves the message, so what it says does not matter
	}
	return e.child(rule.schema, v, i)
}

func (e *evaluation) memberName(s *node, v value, i int) bool {
	e.name = content.Node{Kind: content.String, Text: v.n.Children[i].Name}
	ok := e.try(s, value{n: &e.name, up: v.self, at: int32(i), self: -1}, true)
	return ok || e.loud() && e.failBelow(v, v.n.Children[i].Name, "propertyNames", "has a name that is not allowed")
}

// missing reports required members that are not there, unless they go in the other direction only.
func (e *evaluation) missing(o *objectRules, v value, bits uint64) bool {
	ok := true
	report := func(name string) {
		if !e.excused(v, name) {
			ok = e.loud() && e.failBelow(v, name, "required", "is required")
		}
	}
	for i := range o.members {
		if bits&o.members[i].bit != 0 {
			report(o.members[i].name)
		}
	}
	for _, name := range o.more {
		if v.n.Get(name) == nil {
			report(name)
		}
	}
	return ok
}

// excused reports whether another schema that applies to the same object says that the member is for the other
// direction: allOf: [{required: [id]}, {properties: {id: {readOnly: true}}}].
func (e *evaluation) excused(v value, name string) bool {
	return e.instances[v.self].entry.declaresAway(name, e.direction, 0)
}

func (s *node) declaresAway(name string, d Direction, depth int) bool {
	if s == nil || depth > 16 {
		return false
	}
	if s.object != nil {
		hint := 0
		if m := s.object.find(name, &hint); m != nil && (d == Request && m.read || d == Response && m.write) {
			return true
		}
	}
	for _, list := range [][]*node{s.allOf, s.anyOf, s.oneOf, {s.ref, s.then, s.other}} {
		for _, n := range list {
			if n.declaresAway(name, d, depth+1) {
				return true
			}
		}
	}
	return false
}

func (e *evaluation) dependents(o *objectRules, v value) bool {
	ok := true
	for i := range o.needs {
		if v.n.Get(o.needs[i].name) == nil {
			continue
		}
		for _, name := range o.needs[i].needs {
			if v.n.Get(name) == nil {
				if e.quiet {
					return false
				}
				ok = e.failBelow(v, name, "dependentRequired", "is required together with "+quote(o.needs[i].name))
			}
		}
	}
	for i := range o.conditions {
		if v.n.Get(o.conditions[i].name) != nil && !e.apply(o.conditions[i].schema, v) {
			if ok = false; e.quiet {
				return false
			}
		}
	}
	return ok
}

// unevaluatedMembers applies unevaluatedProperties to the members that no claim since before covers.
func (e *evaluation) unevaluatedMembers(o *objectRules, v value, before int) bool {
	ok, flags := true, claimAll|claimOpens
	if o.unevaluated.verdict == never {
		flags = claimAll
		if e.strict {
			flags |= claimRefuses
		}
	}
	for i := range v.n.Children {
		if e.work -= 1; e.covered(v.self, before, v.n.Children[i].Name) {
			continue
		}
		if o.unevaluated.verdict == never && !e.strict {
			e.misfits++
			flags |= claimForbids
			continue
		}
		if o.unevaluated.verdict == never {
			ok = e.loud() && e.failBelow(v, v.n.Children[i].Name, "unevaluatedProperties", "is not declared")
		} else {
			ok = e.child(o.unevaluated, v, i) && ok
		}
		if !ok && e.quiet {
			return false
		}
	}
	e.claim(claim{instance: v.self, flags: flags})
	return ok
}

func (e *evaluation) covered(instance int32, before int, name string) bool {
	for i := e.instances[instance].claims; i >= int32(before); i = e.claims[i].prev {
		c := &e.claims[i]
		if c.flags&claimAll != 0 || c.object != nil && c.object.evaluates(name) {
			return true
		}
	}
	return false
}
