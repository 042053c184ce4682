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
	spaces  map[string]string // property → namespace that its element or attribute has to be in, where it is said
	wrapped bool              // of a list: its elements stand within an element of its own
	item    schema.XML        // of a wrapped list: how its elements are written
}

// list learns how the elements of a list are written.
func (m *markup) list(s *schema.Schema, info schema.Info) {
	if m.wrapped = info.XML.Wrapped; m.wrapped {
		m.item = itemXML(s)
	}
}

func itemXML(s *schema.Schema) schema.XML {
	if items := s.Items(); items != nil {
		return items.Info().XML
	}
	return schema.XML{}
}

// object learns how properties are written.
func (m *markup) object(props []schema.PropertyInfo) {
	for _, p := range props {
		spelled, namespace := spelling(p)
		if spelled != p.Name {
			m.spell(spelled, p.Name)
		}
		m.place(p.Name, namespace)
	}
}

// add takes over how the properties of an alternative are written.
func (m *markup) add(alternative markup) {
	for spelled, property := range alternative.names {
		if m.names[spelled] == "" {
			m.spell(spelled, property)
		}
	}
	for property, namespace := range alternative.spaces {
		if m.spaces[property] == "" {
			m.place(property, namespace)
		}
	}
}

func (m *markup) place(property, namespace string) {
	if namespace == "" {
		return
	}
	if m.spaces == nil {
		m.spaces = map[string]string{}
	}
	m.spaces[property] = namespace
}

func (m *markup) spell(spelled, property string) {
	if m.names == nil {
		m.names, m.other = map[string]string{}, map[string]bool{}
	}
	m.names[spelled], m.other[property] = property, true
}

// spelling is the name by which a property stands in the tree, and the namespace that it has to be in, "" for any.
func spelling(p schema.PropertyInfo) (name, namespace string) {
	x := p.Schema.Info().XML
	switch {
	case x.Text:
		return "#text", ""
	case x.Attribute:
		return "@" + cmp.Or(local(x.Name), p.Name), x.Namespace
	case !x.Wrapped && slices.Contains(p.Schema.Types(), "array"): // the list has no element of its own to be named
		x = itemXML(p.Schema)
	}
	return cmp.Or(local(x.Name), p.Name), x.Namespace
}

// Misnamed says in words that are safe to show that the root element of an XML body has another name, or is in another
// namespace, than the xml of its schema demands; "" where it is what is demanded.
func (m *MediaType) Misnamed(n *content.Node) string {
	if m.Schema == nil || m.shape == nil || isForm(m.Range) {
		return ""
	}
	switch x := m.Schema.Info().XML; {
	case m.shape.array && !x.Wrapped:
	case x.Name != "" && local(x.Name) != n.Name:
		return "must be the element " + local(x.Name)
	case x.Namespace != "" && x.Namespace != n.Namespace():
		return "must be in the namespace " + x.Namespace
	}
	return ""
}

// local is a name without the prefix that some write into it.
func local(name string) string { return name[strings.IndexByte(name, ':')+1:] }

// fromXML gives elements and attributes the names of the properties that they are, and lists the form of lists. What has
// the name of a property without being written as that property is none: "<name>" is left undeclared. namespace is the
// last one that was declared on the way from the root, "" for none: what declares none below it is in that or in none, and
// where none is declared at all, local names are all that counts.
func (s *shape) fromXML(n *content.Node, namespace string) {
	if s.markup.wrapped {
		s.unwrap(n, namespace)
	}
	switch {
	case n.Kind == content.Object:
		s.rename(n, namespace)
	case n.Kind == content.Array && s.items != nil:
		for i := range n.Children {
			s.items.fromXML(&n.Children[i], cmp.Or(s.markup.item.Namespace, namespace))
		}
	case n.Kind == content.String && n.Text == "" && s.object && !s.array && !s.scalar():
		n.Kind = content.Object // <pet/>
	}
}

func (s *shape) rename(n *content.Node, namespace string) {
	if s.array && !s.object && s.items != nil { // one element where a list is meant
		s.items.fromXML(n, namespace)
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
		own := s.markup.spaces[name]
		if !within(c, own, namespace) {
			name = "<" + c.Name + ">"
		}
		if member := s.member(name); member != nil {
			member.fromXML(c, cmp.Or(own, namespace))
		}
		c.Name = name
	}
}

// within reports whether an element or attribute, or each of several of one name, is in the namespace that is its own, or
// else in the one around it or in none.
func within(n *content.Node, own, around string) bool {
	if n.Kind == content.Array {
		return !slices.ContainsFunc(n.Children, func(c content.Node) bool { return !within(&c, own, around) })
	}
	if own != "" {
		return n.Namespace() == own
	}
	return around == "" || n.Namespace() == "" || n.Namespace() == around
}

// unwrap makes the element around a list the list.
func (s *shape) unwrap(n *content.Node, namespace string) {
	if n.Kind == content.String && n.Text == "" {
		n.Kind = content.Array
		return
	}
	if n.Kind != content.Object || len(n.Children) != 1 || n.Children[0].Name != cmp.Or(local(s.markup.item.Name), n.Name) ||
		!within(&n.Children[0], s.markup.item.Namespace, namespace) {
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
