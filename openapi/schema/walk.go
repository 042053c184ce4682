package schema

// Walk visits the schema and everything that it leads to, each once, with its location. Where visit returns false, it
// does not go deeper.
func (s *Schema) Walk(visit func(pointer string, s *Schema) bool) {
	walk(s.plan, func(n *node) bool { return visit(n.location, wrap(n)) })
}

func walk(root *node, visit func(*node) bool) {
	seen := map[*node]bool{}
	for stack := []*node{root}; len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if n == nil || seen[n] {
			continue
		}
		seen[n] = true
		if visit(n) {
			stack = append(stack, n.below()...)
		}
	}
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
	}
	return list
}
