package openapi

import (
	"strings"

	"github.com/sallyport/sallyport/content"
)

// Type reads the texts of a form, multipart or XML body as what the schema says they are: "5" as a Number where only a
// number is meant, a single field as an Array of one where a list is meant, a[b]=c as an Object where the encoding of a
// says so. It changes the nodes in place, so it must come before anybody else looks at the tree; spans and texts stay
// as they are. JSON is typed by itself.
func (m *MediaType) Type(n *content.Node) {
	if m.shape == nil || n == nil {
		return
	}
	if n.Kind != content.Object || !isForm(m.Range) {
		m.shape.retype(n)
		return
	}
	m.gather(n)
	for i := range n.Children {
		m.typeField(&n.Children[i])
	}
}

// textual reports whether bodies of the media range arrive as texts.
func textual(r string) bool {
	return isForm(r) || r == "application/xml" || r == "text/xml" || strings.HasSuffix(r, "+xml")
}

func (s *shape) retype(n *content.Node) {
	switch n.Kind {
	case content.String:
		if s.array && !s.scalar() {
			s.wrap(n)
			return
		}
		if s.scalar() {
			n.Kind = s.node(n.Name, n.Text).Kind
		}
	case content.Object:
		if s.array && !s.object { // XML: one element where a list is meant
			s.wrap(n)
			return
		}
		for i := range n.Children {
			if member := s.member(n.Children[i].Name); member != nil {
				member.retype(&n.Children[i])
			}
		}
	case content.Array:
		for i := range n.Children {
			if s.items != nil {
				s.items.retype(&n.Children[i])
			}
		}
	}
}

// wrap makes n an Array of what it was.
func (s *shape) wrap(n *content.Node) {
	child := *n
	child.Name = ""
	*n = content.Node{Kind: content.Array, Name: n.Name, NameStart: n.NameStart, Start: n.Start, End: n.End, Children: []content.Node{child}}
	if s.items != nil {
		s.items.retype(&n.Children[0])
	}
}
