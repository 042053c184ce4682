package openapi

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

// A markup is how the members of an object, or the elements of a list, are written in XML.
type markup struct {
	names   map[string]string // as in the tree of content ("name", "@id", "#text") → property, where they differ
	other   map[string]bool   // the properties that names leads to
	wrapped bool              // of a list: its elements stand within an element of its own
	item    string            // of a wrapped list: the name of its elements, "" for that of the element around them
}

// list learns how the elements of a list are written.
func (m *markup) list(s *schema.Schema, info schema.Info) {
	if m.wrapped = info.XML.Wrapped; m.wrapped {
		m.item = itemName(s)
	}
}

func itemName(s *schema.Schema) string {
	if items := s.Items(); items != nil {
		return local(items.Info().XML.Name)
	}
	return ""
}

// object learns how properties are written.
func (m *markup) object(props []schema.PropertyInfo) {
	for _, p := range props {
		if spelled := spelling(p); spelled != p.Name {
			m.spell(spelled, p.Name)
		}
	}
}

// add takes over how the properties of an alternative are written.
func (m *markup) add(alternative markup) {
	for spelled, property := range alternative.names {
		if m.names[spelled] == "" {
			m.spell(spelled, property)
		}
	}
}

func (m *markup) spell(spelled, property string) {
	if m.names == nil {
		m.names, m.other = map[string]string{}, map[string]bool{}
	}
	m.names[spelled], m.other[property] = property, true
}

func spelling(p schema.PropertyInfo) string {
	x := p.Schema.Info().XML
	switch {
	case x.Text:
		return "#text"
	case x.Attribute:
		return "@" + cmp.Or(local(x.Name), p.Name)
	case !x.Wrapped && slices.Contains(p.Schema.Types(), "array"): // the list has no element of its own to be named
		return cmp.Or(itemName(p.Schema), p.Name)
	}
	return cmp.Or(local(x.Name), p.Name)
}

// Misnamed says in words that are safe to show that the root element of an XML body has another name than the xml of its
// schema demands; "" where it has that name, or none is demanded.
func (m *MediaType) Misnamed(n *content.Node) string {
	if m.Schema == nil || m.shape == nil || isForm(m.Range) {
		return ""
	}
	x := m.Schema.Info().XML
	if name := local(x.Name); name != "" && name != n.Name && (x.Wrapped || !m.shape.array) {
		return "must be the element " + name
	}
	return ""
}

// local is a name without the prefix that some write into it.
func local(name string) string { return name[strings.IndexByte(name, ':')+1:] }

// fromXML gives elements and attributes the names of the properties that they are, and lists the form of lists. What has
// the name of a property without being written as that property is none: "<name>" is left undeclared.
func (s *shape) fromXML(n *content.Node) {
	if s.markup.wrapped {
		s.unwrap(n)
	}
	switch {
	case n.Kind == content.Object:
		s.rename(n)
	case n.Kind == content.Array && s.items != nil:
		for i := range n.Children {
			s.items.fromXML(&n.Children[i])
		}
	case n.Kind == content.String && n.Text == "" && s.object && !s.array && !s.scalar():
		n.Kind = content.Object // <pet/>
	}
}

func (s *shape) rename(n *content.Node) {
	if s.array && !s.object && s.items != nil { // one element where a list is meant
		s.items.fromXML(n)
		return
	}
	for i := range n.Children {
		c := &n.Children[i]
		name, known := s.markup.names[c.Name]
		switch {
		case known:
		case s.markup.other[c.Name]:
			name = "<" + c.Name + ">"
		default:
			name = c.Name
		}
		if member := s.member(name); member != nil {
			member.fromXML(c)
		}
		c.Name = name
	}
}

// unwrap makes the element around a list the list.
func (s *shape) unwrap(n *content.Node) {
	if n.Kind == content.String && n.Text == "" {
		n.Kind = content.Array
		return
	}
	if n.Kind != content.Object || len(n.Children) != 1 || n.Children[0].Name != cmp.Or(s.markup.item, n.Name) {
		return // not a list: validation says so
	}
	if only := &n.Children[0]; only.Kind == content.Array {
		n.Children = only.Children
	}
	n.Kind = content.Array
	for i := range n.Children {
		n.Children[i].Name = ""
	}
}
