package content

import (
	"cmp"
	"slices"
	"strings"
)

// group turns the fields from base on into the members of an Object: a name that occurs more than once becomes one
// Array at the place of its first occurrence. Names that differ in case only are refused.
func (b *builder) group(base int) ([]Node, error) {
	members := b.merge(base)
	if twin := new(names).twin(members); twin != nil {
		return nil, fail(Ambiguous, int(twin.NameStart), "names that differ in case only")
	}
	if n := flatAndBrackets(members); n != nil {
		return nil, fail(Ambiguous, int(n.NameStart), "a name with and without brackets")
	}
	return members, nil
}

// flatAndBrackets returns a field such as role[] that stands beside one called role, or nil: some readers let the later
// one replace the other, others see two fields.
func flatAndBrackets(members []Node) *Node {
	var stems []Node
	for _, n := range members {
		if i := strings.IndexByte(n.Name, '['); i > 0 {
			n.Name = n.Name[:i]
			stems = append(stems, n)
		}
	}
	if len(stems) == 0 {
		return nil
	}
	flat := make(map[string]bool, len(members))
	for i := range members {
		if !strings.Contains(members[i].Name, "[") {
			flat[string(appendFolded(nil, members[i].Name))] = true
		}
	}
	for i := range stems {
		if flat[string(appendFolded(nil, stems[i].Name))] {
			return &stems[i]
		}
	}
	return nil
}

func (b *builder) merge(base int) []Node {
	fields := b.stack[base:]
	if allDifferent(fields) {
		return b.take(base)
	}
	order := make([]int, len(fields)) // by name, then by place
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(fields[x].Name, fields[y].Name), cmp.Compare(x, y))
	})
	same := func(i, j int) bool { return fields[i].Name == fields[j].Name }
	unique := len(slices.CompactFunc(slices.Clone(order), same))
	if unique == len(fields) {
		return b.take(base)
	}
	out := b.room(unique)[:0]
	for len(order) > 0 {
		n := 1
		for n < len(order) && same(order[0], order[n]) {
			n++
		}
		out = append(out, b.array(fields, order[:n]))
		order = order[n:]
	}
	slices.SortFunc(out, func(x, y Node) int { return cmp.Compare(x.NameStart, y.NameStart) })
	clear(fields)
	b.stack = b.stack[:base]
	return out
}

// allDifferent reports whether few fields have no name in common; of many it does not know.
func allDifferent(fields []Node) bool {
	if len(fields) > fewNames {
		return false
	}
	for i := range fields {
		for j := range i {
			if fields[i].Name == fields[j].Name {
				return false
			}
		}
	}
	return true
}

// array returns the listed fields as one node: itself where there is one, an Array for more.
func (b *builder) array(fields []Node, listed []int) Node {
	first := fields[listed[0]]
	if len(listed) == 1 {
		return first
	}
	elements := b.room(len(listed))
	for i, f := range listed {
		elements[i] = fields[f]
		elements[i].Name = ""
	}
	last := &elements[len(elements)-1]
	return Node{Kind: Array, Name: first.Name, Children: elements, NameStart: first.NameStart, Start: first.Start, End: last.End}
}
