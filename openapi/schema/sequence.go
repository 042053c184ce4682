package schema

// Sequence is the schema of a list whose elements each fit items; whole, which may be nil, judges the list itself. So a
// message of many JSON texts is judged (OpenAPI 3.2, Media Type Object, itemSchema).
func Sequence(items, whole *Schema) *Schema {
	n := &node{location: items.plan.location + "[]", home: items.plan.home, documents: items.plan.documents,
		array: &arrayRules{items: items.plan, minItems: -1, maxItems: -1, minContains: 1, maxContains: -1}, types: typeArray}
	if whole != nil {
		n.allOf = append(n.allOf, whole.plan)
	}
	n.combines = n.combine()
	return &Schema{plan: n}
}

// Documents is s for messages whose texts may hold others, as the data of events does: there contentSchema, which JSON
// Schema leaves to the application (2020-12, Validation, section 8), judges the JSON text that is the child of a String.
func Documents(s *Schema) *Schema {
	n := &node{location: s.plan.location, home: s.plan.home, documents: true, allOf: []*node{s.plan}}
	n.combines = n.combine()
	return &Schema{plan: n, overlay: s.overlay}
}

// document judges the JSON text in a String, in its place.
func (e *evaluation) document(s *node, v value) bool {
	if len(v.n.Children) != 1 {
		return e.loud() && e.fail(v, "contentMediaType", "must be a JSON text")
	}
	return e.apply(s.document, e.enter(v.up, v.at, &v.n.Children[0], s.document))
}
