package openapi

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/content"
)

// positions say what the parts of a multipart body are by their place (OpenAPI 3.2, prefixEncoding and itemEncoding).
type positions struct {
	fields []*field // of the first parts
	rest   *field   // of all others; nil: nothing is said
	shapes []*shape // prefixItems
	items  *shape   // of what comes behind those
}

func (p *positions) at(i int) (*field, *shape) {
	f, s := p.rest, p.items
	if i < len(p.fields) {
		f = p.fields[i]
	}
	if i < len(p.shapes) {
		s = p.shapes[i]
	}
	return f, s
}

// positions learns what the parts of a multipart body are by their place: where the document has encodings by place or a
// schema for each part, and, but for forms, where its schema is that of a list.
func (b *builder) positions(c cursor, m *MediaType) {
	prefix := b.list(c, "prefixEncoding")
	item, has := c.get("itemEncoding")
	said := len(prefix) > 0 || has
	switch {
	case said && b.minor < 2:
		b.warn(c.place, "spec.version", "openapi: 3.2.0", "prefixEncoding and itemEncoding exist since OpenAPI 3.2; they are ignored")
		return
	case said && !isMultipart(m.Range):
		b.warn(c.place, "spec.encoding", "", "prefixEncoding and itemEncoding have no effect on %s", m.Range)
		return
	case said && c.has("encoding"):
		b.fail(c.below("encoding"), "spec.encoding", "prefixEncoding, for parts that have a place", "parts have encodings by name or by place, not both")
		return
	case !isMultipart(m.Range) || b.minor < 2 || m.Schema == nil:
		return
	}
	list := slices.Equal(m.Schema.Types(), []string{"array"})
	if said && !list {
		b.warn(c.place, "spec.encoding", "type: array", "prefixEncoding and itemEncoding have no effect: the schema is not that of a list")
	}
	if !list || !said && m.Range == "multipart/form-data" && !c.has("itemSchema") {
		return
	}
	p := &positions{items: shaper{}.shape(m.Schema.Items())}
	for _, s := range m.Schema.Prefix() {
		p.shapes = append(p.shapes, shaper{}.shape(s))
	}
	m.positions = p
	for i, e := range prefix {
		_, s := p.at(i)
		p.fields = append(p.fields, b.field(e, s))
	}
	if has {
		p.rest = b.field(item, p.items)
	}
}

func isMultipart(r string) bool { return strings.HasPrefix(r, "multipart/") }

// EachPart reports whether parts are told by their place.
func (m *MediaType) EachPart() bool { return m.positions != nil }

// typeParts reads the texts of parts as what the schemas of their places say they are. JSON types itself.
func (m *MediaType) typeParts(list []content.Node) {
	for i := range list {
		n := &list[i]
		_, s := m.positions.at(i)
		if n.Kind == content.String && s.scalar() && !m.JSON(content.Part{At: i, ContentType: typeOf(n)}) {
			n.Kind = s.node("", n.Text).Kind
		}
	}
}

var _ content.Fields = (*MediaType)(nil)
