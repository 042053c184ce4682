package content

import (
	"bytes"
	"cmp"
	"slices"
)

// spliced returns what a splice replaces. Repeated fields of a form are one Array whose elements stand apart, as do the
// members of an object in brackets, so each of them is replaced; nothing that should be hidden is left over.
func (b *Body) spliced(e edit, order int) []span {
	n := e.node
	if b.media.XML() && n.Kind == Array || !b.media.JSON() && !b.media.XML() && grouped(n) {
		var out []span
		for i := range n.Children {
			out = append(out, b.spliced(edit{node: &n.Children[i], with: e.with}, order)...)
		}
		return out
	}
	with := e.with
	switch {
	case b.media.XML() && b.selfClosed(n):
		with = slices.Concat([]byte(">"), with, []byte("</"), b.tag(n), []byte(">"))
	case b.media.Form() && n != b.tree && (n.Start == 0 || b.data[n.Start-1] != '='):
		with = slices.Concat([]byte("="), with)
	}
	return []span{{n.Start, n.End, with, order}}
}

// removed returns what the removals take out.
func (b *Body) removed() []span {
	switch {
	case b.media.XML():
		return b.removedXML()
	case b.media.Form(), b.media.parts():
		return b.removedFields()
	default:
		return b.removedJSON()
	}
}

// removedJSON treats each parent's removed children together, because which comma goes depends on the neighbours
// that stay.
func (b *Body) removedJSON() []span {
	gone := slices.Clone(b.edits)
	out := removedMembers(slices.DeleteFunc(gone, func(e edit) bool { return e.parent == nil }))
	if b.media.Sequence() {
		b.emptied(out)
	}
	return out
}

// emptied takes the separators out too where all texts of a sequence were removed: what is left of it is nothing.
func (b *Body) emptied(out []span) {
	if b.tree == nil || len(b.tree.Children) == 0 {
		return
	}
	first, last := &b.tree.Children[0], &b.tree.Children[len(b.tree.Children)-1]
	for i := range out {
		if out[i].start == first.NameStart && out[i].end == last.End {
			out[i] = span{start: 0, end: b.tree.End}
		}
	}
}

func removedMembers(gone []edit) []span {
	slices.SortFunc(gone, func(x, y edit) int {
		return cmp.Or(cmp.Compare(x.parent.Start, y.parent.Start), cmp.Compare(x.node.Start, y.node.Start))
	})
	var out []span
	for len(gone) > 0 {
		parent, n := gone[0].parent, 1
		for n < len(gone) && gone[n].parent == parent {
			n++
		}
		out = append(out, runs(len(parent.Children), places(parent.Children, gone[:n]), func(i int) (uint32, uint32) {
			return parent.Children[i].NameStart, parent.Children[i].End
		})...)
		gone = gone[n:]
	}
	return out
}

// places returns the indexes of the removed nodes among their siblings, ascending, each once.
func places(siblings []Node, gone []edit) []int {
	var out []int
	for _, e := range gone {
		i, ok := slices.BinarySearchFunc(siblings, e.node.Start, func(n Node, start uint32) int {
			return cmp.Compare(n.Start, start)
		})
		if ok && (len(out) == 0 || out[len(out)-1] != i) {
			out = append(out, i)
		}
	}
	return out
}

// runs returns what to delete so that the listed items vanish from a list with separators. place says where an item
// begins and ends. A run of items goes with the separator behind it; at the end of the list, with the one before it.
func runs(items int, gone []int, place func(int) (start, end uint32)) []span {
	var out []span
	for len(gone) > 0 {
		first, n := gone[0], 1
		for n < len(gone) && gone[n] == first+n {
			n++
		}
		gone = gone[n:]
		start, _ := place(first)
		_, end := place(first + n - 1)
		if first+n < items {
			end, _ = place(first + n)
		} else if first > 0 {
			_, start = place(first - 1)
		}
		out = append(out, span{start: start, end: end})
	}
	return out
}

// removedFields treats the fields of a form or of multipart as the one flat list that they are in the body.
func (b *Body) removedFields() []span {
	if b.tree == nil {
		return nil
	}
	var fields []*Node
	for i := range b.tree.Children {
		fields = leaves(fields, &b.tree.Children[i])
	}
	slices.SortFunc(fields, func(x, y *Node) int { return cmp.Compare(x.NameStart, y.NameStart) })
	var gone []int
	var inner []edit
	for _, e := range b.edits {
		if e.parent == nil {
			continue
		}
		if e.parent != b.tree && !grouped(e.parent) && b.media.parts() {
			inner = append(inner, e)
			continue
		}
		for _, n := range leaves(nil, e.node) {
			if i := fieldAt(fields, n); i >= 0 {
				gone = append(gone, i) // of a JSON document in a form, all of it: its members have no bytes of their own
			}
		}
	}
	slices.Sort(gone)
	gone = slices.Compact(gone)
	out := runs(len(fields), gone, func(i int) (uint32, uint32) { return fields[i].NameStart, fields[i].End })
	if b.media.parts() && len(gone) == len(fields) && len(out) == 1 {
		out[0].end += 2 // the line break before the closing delimiter, which is the first one now
	}
	return append(out, removedMembers(inner)...)
}

// leaves appends the fields that n stands for.
func leaves(out []*Node, n *Node) []*Node {
	if !grouped(n) {
		return append(out, n)
	}
	for i := range n.Children {
		out = leaves(out, &n.Children[i])
	}
	return out
}

// fieldAt returns the index of the field that n is or lies in, or -1. The fields are in the order of the body.
func fieldAt(fields []*Node, n *Node) int {
	i, ok := slices.BinarySearchFunc(fields, n.NameStart, func(f *Node, start uint32) int {
		return cmp.Compare(f.NameStart, start)
	})
	if !ok {
		i--
	}
	return i
}

// removedXML takes out whole elements, attributes and runs of text. XML has no separators.
func (b *Body) removedXML() []span {
	var out []span
	for _, e := range b.edits {
		if e.parent == nil {
			continue
		}
		nodes := []*Node{e.node}
		if e.node.Kind == Array && len(e.node.Children) > 0 && e.node.Children[0].NameStart == e.node.NameStart { // no element around them
			nodes = nodes[:0]
			for i := range e.node.Children {
				nodes = append(nodes, &e.node.Children[i])
			}
		}
		for _, n := range nodes {
			out = append(out, span{start: n.NameStart, end: b.endXML(n)})
		}
	}
	return out
}

// endXML returns where the element, attribute or text ends whose value is n.
func (b *Body) endXML(n *Node) uint32 {
	switch {
	case n.NameStart == n.Start || b.selfClosed(n):
		return n.End
	case b.data[n.NameStart] != '<': // an attribute, up to its quote
		return n.End + 1
	}
	return n.End + uint32(bytes.IndexByte(b.data[n.End:], '>')) + 1
}

// selfClosed reports whether n is an element without a closing tag. Its span is the "/>", as no content says where
// content would stand.
func (b *Body) selfClosed(n *Node) bool {
	return n.NameStart != n.Start && b.data[n.NameStart] == '<' && n.Text == "" && n.Get("#text") == nil &&
		string(b.data[n.Start:n.End]) == "/>"
}

// tag returns the name of the element n with its prefix.
func (b *Body) tag(n *Node) []byte {
	rest := b.data[n.NameStart+1:]
	return rest[:bytes.IndexAny(rest, " \t\r\n/>")]
}
