package openapi

import (
	"strings"

	"github.com/sallyport/sallyport/content"
)

// Type reads the texts of a form, multipart or XML body as what the schema says they are: "5" as a Number where only a
// number is meant, a single field as an Array of one where a list is meant, a[b]=c as an Object where the encoding of a
// says so; elements and attributes get the names of the properties that they are by the xml of their schemas. It changes the nodes in place, so it must come before anybody else looks at the tree; spans and texts stay
// as they are. JSON is typed by itself.
func (m *MediaType) Type(n *content.Node) {
	if m.shape == nil || n == nil {
		return
	}
	if !isForm(m.Range) {
		m.shape.fromXML(n, m.Schema.Info().XML.Namespace)
		m.shape.retype(n, true)
		return
	}
	if m.positions != nil {
		m.typeParts(n.Children)
		return
	}
	if n.Kind != content.Object {
		m.shape.retype(n, false)
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

// retype goes on below a field. In XML, an element around a list is the list already, and no element of one.
func (s *shape) retype(n *content.Node, xml bool) {
	single := s.array && !(xml && s.markup.wrapped)
	switch n.Kind {
	case content.String:
		if single && !s.scalar() {
			s.wrap(n, xml)
			return
		}
		if s.scalar() {
			n.Kind = s.node(n.Name, n.Text).Kind
		}
	case content.Object:
		if single && !s.object { // XML: one element where a list is meant
			s.wrap(n, xml)
			return
		}
		for i := range n.Children {
			if member := s.member(n.Children[i].Name); member != nil {
				member.retype(&n.Children[i], xml)
			}
		}
	case content.Array:
		for i := range n.Children {
			if s.items != nil {
				s.items.retype(&n.Children[i], xml)
			}
		}
	}
}

// wrap makes n an Array of what it was.
func (s *shape) wrap(n *content.Node, xml bool) {
	child := *n
	child.Name = ""
	*n = content.Node{Kind: content.Array, Name: n.Name, NameStart: n.NameStart, Start: n.Start, End: n.End, Children: []content.Node{child}}
	if s.items != nil {
		s.items.retype(&n.Children[0], xml)
	}
}
