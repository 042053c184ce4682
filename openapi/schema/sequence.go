package schema

// Sequence is the schema of a list whose elements each fit items; whole, which may be nil, judges the list itself. So a
// message of many JSON texts is judged (OpenAPI 3.2, Media Type Object, itemSchema).
func Sequence(items, whole *Schema) *Schema {
	n := &node{location: items.plan.location + "[]", home: items.plan.home,
		array: &arrayRules{items: items.plan, minItems: -1, maxItems: -1, minContains: 1, maxContains: -1}, types: typeArray}
	if whole != nil {
		n.allOf = append(n.allOf, whole.plan)
	}
	n.combines = n.combine()
	return &Schema{plan: n}
}
