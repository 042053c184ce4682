package schema

// settleAccess learns of every property whether it is for one direction only, also through references, and which
// required members that leaves in each direction. It runs when all nodes that the properties lead to are filled.
func (s *node) settleAccess() {
	o := s.object
	if o == nil {
		return
	}
	for i := range o.members {
		m := &o.members[i]
		m.read = m.schema.only(func(n *node) bool { return n.read }, 0)
		m.write = m.schema.only(func(n *node) bool { return n.write }, 0)
		if !m.read {
			o.required[Request] |= m.bit
		}
		if !m.write {
			o.required[Response] |= m.bit
		}
	}
}

// only reports whether a schema says something of itself, by reference, in allOf, or in all alternatives but null.
func (s *node) only(says func(*node) bool, depth int) bool {
	if s == nil || depth > 8 {
		return false
	}
	if says(s) || s.ref.only(says, depth+1) {
		return true
	}
	for _, n := range s.allOf {
		if n.only(says, depth+1) {
			return true
		}
	}
	return allOnly(s.anyOf, says, depth) || allOnly(s.oneOf, says, depth)
}

func allOnly(branches []*node, says func(*node) bool, depth int) bool {
	found := false
	for _, n := range branches {
		if n.types == typeNull {
			continue
		}
		if !n.only(says, depth+1) {
			return false
		}
		found = true
	}
	return found
}
