package schema

import "slices"

// Walk visits the schema and everything that it leads to, each once, with its location. Where visit returns false, it
// does not go deeper.
func (s *Schema) Walk(visit func(pointer string, s *Schema) bool) {
	walk(s.plan, func(n *node) bool { return visit(n.location, wrap(n)) })
}

func walk(root *node, visit func(*node) bool) {
	seen, way := map[*node]bool{}, dynamics{}
	for stack := []*node{root}; len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if n == nil || seen[n] {
			continue
		}
		seen[n] = true
		if visit(n) {
			stack = append(append(stack, n.below()...), way.meet(n)...)
		}
	}
}

// dynamics are the dynamic references met on a walk, and the resources: the one may lead into any of the other.
type dynamics struct {
	refs  []*dynamicRef
	homes []*resource
}

// meet returns where references of n lead, and where those met before lead in the resource of n.
func (d *dynamics) meet(n *node) (targets []*node) {
	if !slices.Contains(d.homes, n.home) {
		d.homes = append(d.homes, n.home)
		for _, r := range d.refs {
			targets = append(targets, r.in(n.home))
		}
	}
	if n.dynamic != nil {
		d.refs = append(d.refs, n.dynamic)
		for _, h := range d.homes {
			targets = append(targets, n.dynamic.in(h))
		}
	}
	return targets
}

// MayMark reports whether an evaluation may mark a value of which what holds: whether any schema that this one leads to,
// or a path laid over it, says so. what must ask each setting by itself, because a value may be marked with those of
// both.
func (s *Schema) MayMark(what func(*Annotations) bool) bool {
	found := s.overlay != nil && s.overlay.root.any(what)
	walk(s.plan, func(n *node) bool {
		found = found || n.note != nil && what(n.note)
		return !found
	})
	return found
}

// below are all schemas that a schema leads to.
func (s *node) below() []*node {
	list := append(s.inPlace(), s.not, s.document)
	if a := s.array; a != nil {
		list = append(append(list, a.items, a.contains, a.unevaluated), a.prefix...)
	}
	if o := s.object; o != nil {
		list = append(list, o.additional, o.names, o.unevaluated)
		for i := range o.members {
			list = append(list, o.members[i].schema)
		}
		for i := range o.patterns {
			list = append(list, o.patterns[i].schema)
		}
	}
	return list
}

// parts visits a schema and what applies together with it: references and allOf.
func (s *node) parts(visit func(*node)) { s.collect(map[*node]bool{}, visit) }

func (s *node) collect(seen map[*node]bool, visit func(*node)) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	visit(s)
	s.ref.collect(seen, visit)
	if s.dynamic != nil {
		s.dynamic.fallback.collect(seen, visit)
	}
	for _, n := range s.allOf {
		n.collect(seen, visit)
	}
}

// possible visits a schema and all that may apply to the same value, alternatives included.
func (s *node) possible(visit func(*node)) { s.gather(map[*node]bool{}, visit) }

func (s *node) gather(seen map[*node]bool, visit func(*node)) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	visit(s)
	for _, n := range s.inPlace() {
		n.gather(seen, visit)
	}
}

// inPlace are the schemas within a schema that judge the same value and may declare members of it.
func (s *node) inPlace() []*node {
	list := []*node{s.ref, s.test, s.then, s.other}
	if s.dynamic != nil {
		list = append(list, s.dynamic.fallback)
	}
	list = append(append(append(list, s.allOf...), s.anyOf...), s.oneOf...)
	if s.object != nil {
		for _, c := range s.object.conditions {
			list = append(list, c.schema)
		}
	}
	if s.discriminator != nil {
		for _, value := range s.discriminator.values {
			list = append(list, s.discriminator.target[value])
		}
		list = append(list, s.discriminator.def)
	}
	return list
}
