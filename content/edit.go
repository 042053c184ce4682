package content

import (
	"cmp"
	"slices"
)

// An edit is one wish to change the body, in the order in which they were made.
type edit struct {
	parent *Node // of a removed node; nil for a splice
	node   *Node
	with   []byte
}

// Splice replaces the value of n, a node of Tree, with bytes that are encoded as the body's media type demands: JSON
// with the quotes of a String, a form value percent-encoded, XML text escaped. Of two splices of one node the last
// one holds; a splice of or inside a node that is removed, or inside a node that is spliced, has no effect.
func (b *Body) Splice(n *Node, with []byte) {
	if b == nil || n == nil {
		return
	}
	b.edits = append(b.edits, edit{node: n, with: with})
	b.result = nil
}

// Remove takes n out of its parent: a member with its name, or an element, each with the comma (or "&", or part
// delimiter) that has to go with it. n must point into parent.Children; the root cannot be removed.
func (b *Body) Remove(parent, n *Node) {
	if b == nil || parent == nil || n == nil {
		return
	}
	b.edits = append(b.edits, edit{parent: parent, node: n})
	b.result = nil
}

// Mark names the present state of the edits for Rollback.
func (b *Body) Mark() int {
	if b == nil {
		return 0
	}
	return len(b.edits)
}

// Rollback takes back the edits made after mark.
func (b *Body) Rollback(mark int) {
	if b == nil || mark < 0 || mark >= len(b.edits) {
		return
	}
	clear(b.edits[mark:])
	b.edits = b.edits[:mark]
	b.result = nil
}

// Edited reports whether Result differs from Bytes by edits. A body that is edited goes on without its
// Content-Encoding.
func (b *Body) Edited() bool { return b != nil && len(b.edits) > 0 }

// Result returns Bytes with the edits applied. The caller must not change it.
func (b *Body) Result() []byte {
	if !b.Edited() {
		return b.Bytes()
	}
	if b.result == nil {
		b.result = b.apply(b.spans())
	}
	return b.result
}

// A span is a part of the body that is replaced.
type span struct {
	start, end uint32
	with       []byte
	order      int // of the edit; later ones win
}

// spans returns what the edits replace, in the order of apply.
func (b *Body) spans() []span {
	var out []span
	for i, e := range b.edits {
		if e.parent == nil {
			out = append(out, b.spliced(e, i)...)
		}
	}
	for _, s := range b.removed() {
		s.order = len(b.edits) // what is removed is gone, whatever is written to it later
		out = append(out, s)
	}
	slices.SortFunc(out, func(x, y span) int {
		// A replacement of nothing stands before what begins at the same place: it cannot be inside of that. Of the
		// rest, the outer one comes first, and of equals the last one made.
		return cmp.Or(cmp.Compare(x.start, y.start), cmp.Compare(filled(x), filled(y)),
			cmp.Compare(y.end, x.end), cmp.Compare(y.order, x.order))
	})
	return out
}

// filled is 0 for an empty span and 1 for others.
func filled(s span) int {
	if s.start == s.end {
		return 0
	}
	return 1
}

// apply copies the body with the spans replaced. What lies inside a span that was replaced is passed over.
func (b *Body) apply(spans []span) []byte {
	size := len(b.data)
	for _, s := range spans {
		size += len(s.with)
	}
	out := make([]byte, 0, size)
	done := -1 // end of the last replaced span
	copied := 0
	for _, s := range spans {
		if int(s.start) < done || s.start == s.end && int(s.start) == done {
			continue
		}
		out = append(out, b.data[copied:s.start]...)
		out = append(out, s.with...)
		done, copied = int(s.end), int(s.end)
	}
	return append(out, b.data[copied:]...)
}
