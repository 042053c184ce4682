package schema

import "fmt"

// array applies the rules for arrays, except unevaluatedItems, and claims the elements that they speak of.
func (e *evaluation) array(a *arrayRules, v value) bool {
	n, ok := len(v.n.Children), true
	if n < a.minItems {
		ok = e.loud() && e.fail(v, "minItems", "must have at least "+several(a.minItems, "element"))
	} else if a.maxItems >= 0 && n > a.maxItems {
		// What is too long is not looked into.
		return e.loud() && e.fail(v, "maxItems", "must have at most "+several(a.maxItems, "element"))
	}
	if ok && a.unique && n > 1 {
		e.work -= n
		if !distinct(v.n.Children) {
			ok = e.loud() && e.fail(v, "uniqueItems", "must not have equal elements")
		}
	}
	if !ok && e.quiet {
		return false
	}
	if !e.elements(a, v) {
		if ok = false; e.quiet {
			return false
		}
	}
	return (a.contains == nil || e.contains(a, v)) && ok
}

func (e *evaluation) elements(a *arrayRules, v value) bool {
	ok := true
	for i := range v.n.Children {
		s := a.items
		if i < len(a.prefix) {
			s = a.prefix[i]
		}
		if s == nil {
			break
		}
		if !e.child(s, v, i) {
			if ok = false; e.quiet {
				return false
			}
		}
	}
	c := claim{instance: v.self, array: a, upTo: int32(len(a.prefix))}
	if a.items != nil {
		c.flags = claimAll
	}
	e.claim(c)
	return ok
}

func (e *evaluation) contains(a *arrayRules, v value) bool {
	found := 0
	for i := range v.n.Children {
		if e.fits(a.contains, v, i) {
			found++
		}
	}
	switch {
	case found < a.minContains:
		return e.loud() && e.fail(v, "contains", fmt.Sprintf("must have at least %s of a certain form", several(a.minContains, "element")))
	case a.maxContains >= 0 && found > a.maxContains:
		return e.loud() && e.fail(v, "maxContains", fmt.Sprintf("must have at most %s of a certain form", several(a.maxContains, "element")))
	}
	return true
}

// fits asks whether a child fits, and forgets what was learned on the way.
func (e *evaluation) fits(s *node, v value, i int) bool {
	if s.verdict == always {
		return true
	}
	m := e.now()
	ok := e.try(s, e.enter(v.self, int32(i), &v.n.Children[i], s), true)
	e.rewind(m)
	return ok
}

// unevaluatedElements applies unevaluatedItems to the elements that no claim since before covers.
func (e *evaluation) unevaluatedElements(a *arrayRules, v value, before int) bool {
	upTo := int32(0)
	for i := e.instances[v.self].claims; i >= int32(before); i = e.claims[i].prev {
		c := &e.claims[i]
		if c.flags&claimAll != 0 {
			return true
		}
		upTo = max(upTo, c.upTo)
	}
	ok := true
	for i := int(upTo); i < len(v.n.Children); i++ {
		if e.contained(v, before, i) {
			continue
		}
		if a.unevaluated.verdict == never {
			ok = e.loud() && e.failAt(v, i, "unevaluatedItems", "is not declared")
		} else {
			ok = e.child(a.unevaluated, v, i) && ok
		}
		if !ok && e.quiet {
			return false
		}
	}
	e.claim(claim{instance: v.self, flags: claimAll})
	return ok
}

// contained reports whether an element was matched by a contains that evaluates.
func (e *evaluation) contained(v value, before, i int) bool {
	for at := e.instances[v.self].claims; at >= int32(before); at = e.claims[at].prev {
		if a := e.claims[at].array; a != nil && a.contains != nil && a.containsEvaluates && e.fits(a.contains, v, i) {
			return true
		}
	}
	return false
}
