package openapi

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

// A field is the encoding of one property of a form or multipart body.
type field struct {
	types   []string // contentType: ranges that its parts may have; nil: any
	styled  bool     // style, explode or allowReserved is given: the text follows the style, not a media type
	style   string
	sep     byte // between elements that share one text; 0: each has a field of its own
	headers []slot
}

// isForm reports whether bodies of the range are made of fields.
func isForm(r string) bool {
	return r == "application/x-www-form-urlencoded" || strings.HasPrefix(r, "multipart/")
}

// encoding reads how the properties of a form are written.
func (b *builder) encoding(c cursor, m *MediaType) {
	enc, ok := b.object(c, "encoding")
	if !ok {
		return
	}
	if !isForm(m.Range) {
		b.warn(enc.place, "spec.encoding", "", "encoding has no effect on %s", m.Range)
		return
	}
	m.fields = map[string]*field{}
	for _, at := range enc.members() {
		f := b.field(at, m.shape.propertyOf(at.key()))
		if f == nil {
			continue
		}
		m.fields[at.key()] = f
		if f.style == "deepObject" {
			m.deep = append(m.deep, at.key())
		}
	}
}

// field reads one Encoding Object, of a value of the shape.
func (b *builder) field(at cursor, s *shape) *field {
	e, ok := b.follow(at)
	if !ok {
		return nil
	}
	f := &field{types: b.contentTypes(e), styled: e.has("style") || e.has("explode") || e.has("allowReserved")}
	b.fieldStyle(e, f, s)
	b.fieldHeaders(e, f)
	return f
}

func (b *builder) contentTypes(e cursor) []string {
	var types []string
	for t := range strings.SplitSeq(b.text(e, "contentType"), ",") {
		switch r := mediaRange(t); {
		case r == "":
		case !validRange(r):
			b.fail(e.below("contentType"), "spec.media", "image/png, image/jpeg", "%q is not a media type", t)
		default:
			types = append(types, r)
		}
	}
	return types
}

// fieldStyle reads style and explode, whose meaning is that of query parameters.
func (b *builder) fieldStyle(e cursor, f *field, s *shape) {
	if f.style = b.text(e, "style"); f.style == "" {
		f.style = "form"
	}
	if !slices.Contains(styles["query"], f.style) {
		b.fail(e.below("style"), "spec.style", "", "the style %s cannot be used in a form", f.style)
	}
	explode := b.flag(e, "explode", f.style == "form")
	if !f.styled || explode || f.style == "deepObject" {
		if f.styled && explode && f.style != "deepObject" && s.object && !s.array && !s.scalar() {
			b.warn(e.place, "spec.unsupported", "style: deepObject", "an object is not read from fields that bear the names of its members")
		}
		return
	}
	f.sep = map[string]byte{"form": ',', "spaceDelimited": ' ', "pipeDelimited": '|'}[f.style]
}

// propertyOf is the shape of a property, that of any text where the schema does not know it.
func (s *shape) propertyOf(name string) *shape {
	if s != nil {
		if m := s.member(name); m != nil {
			return m
		}
	}
	return anyText
}

// fieldHeaders reads the header fields that a part may have besides those that every part may have.
func (b *builder) fieldHeaders(e cursor, f *field) {
	headers, ok := b.object(e, "headers")
	if !ok {
		return
	}
	for _, h := range headers.members() {
		if name := strings.ToLower(h.key()); strings.HasPrefix(name, "content-") && name != "content-id" {
			if name != "content-type" && name != "content-disposition" {
				b.warn(h.place, "spec.unsupported", "", "parts with the header %s are refused: readers disagree about it", h.key())
			}
			continue // the others are judged by themselves
		}
		if p := b.header(h); p != nil {
			f.headers = append(f.headers, newSlot(p, shaper{}))
		}
	}
}

// Repeats reports whether text fields of the name may occur more than once: where the schema has a list.
func (m *MediaType) Repeats(name string) bool { return m.shape.propertyOf(name).array }

// JSON reports whether the text of a field is a JSON document: where its encoding says so, else where the schema has
// nothing but objects and no style is given (OpenAPI 3.1, Encoding Object). A part that declares another type is not.
func (m *MediaType) JSON(p content.Part) bool {
	if p.ContentType != "" && !isJSON(p.ContentType) {
		return false
	}
	f, s := m.told(p)
	switch {
	case f != nil && len(f.types) > 0:
		return slices.ContainsFunc(f.types, isJSON) && (p.ContentType != "" || len(f.types) == 1)
	case f != nil && f.styled:
		return false
	case m.positions != nil:
		return p.ContentType != "" || (s.object || s.array) && !s.scalar()
	}
	if s.array && !s.object && s.items != nil {
		s = s.items
	}
	return s.object && !s.array && !s.scalar()
}

// told is what the document says of a field or part: by its place where there are such, else by its name.
func (m *MediaType) told(p content.Part) (*field, *shape) {
	if m.positions != nil {
		return m.positions.at(p.At)
	}
	return m.fields[p.Name], m.shape.propertyOf(p.Name)
}

// Part judges the header of a multipart part by its encoding.
func (m *MediaType) Part(p content.Part) string {
	f, _ := m.told(p)
	if f == nil {
		f = &field{}
	}
	// A text without a type is what clients send of their own accord, whatever they were told.
	if (p.File || p.ContentType != "") && len(f.types) > 0 && !slices.ContainsFunc(f.types, func(r string) bool { return covers(r, p.ContentType) }) {
		return "a part of a content type that is not declared for it"
	}
	for _, h := range p.Header {
		if !slices.ContainsFunc(f.headers, func(s slot) bool { return strings.EqualFold(s.param.Name, h.Name) }) {
			return "a part with a header field that is not declared for it"
		}
	}
	for i := range f.headers {
		if detail := f.headers[i].judge(p.Header); detail != "" {
			return detail
		}
	}
	return ""
}

// covers reports whether a media range covers a type.
func covers(r, mediaType string) bool {
	kind, wild := strings.CutSuffix(r, "/*")
	return r == "*/*" || r == mediaType || wild && strings.HasPrefix(mediaType, kind+"/")
}

// judge holds the declared header field of a part against its schema.
func (s *slot) judge(header []content.Pair) string {
	i := slices.IndexFunc(header, func(p content.Pair) bool { return strings.EqualFold(p.Name, s.param.Name) })
	if i < 0 {
		if s.param.Required {
			return "a part without a header field that is required of it"
		}
		return ""
	}
	d := decoder{}
	r := d.single(s, header[i].Value)
	if r.detail != "" || s.param.Schema != nil && !s.param.Schema.Evaluate(&r.node, schema.Request).Valid() {
		return "a part with a header field that is not as declared"
	}
	return ""
}

// typeField types one field by its encoding and its schema.
func (m *MediaType) typeField(n *content.Node) {
	f, s := m.fields[n.Name], m.shape.member(n.Name)
	if s == nil {
		return
	}
	if f != nil && f.sep != 0 && n.Kind == content.String {
		m.split(n, f, s)
		return
	}
	if !m.embedded(n) {
		s.retype(n, false)
		return
	}
	// A JSON document types itself; but one document may be one element of a list that is sent as several parts.
	if n.Kind != content.Array && s.array && !s.object && !s.scalar() {
		child := *n
		child.Name = ""
		*n = content.Node{Kind: content.Array, Name: n.Name, NameStart: n.NameStart, Start: n.Start, End: n.End, Children: []content.Node{child}}
	}
}

// embedded reports whether n, a field or several of one name, was read as JSON.
func (m *MediaType) embedded(n *content.Node) bool {
	first := n
	if n.Kind == content.Array && n.File == nil && len(n.Children) > 0 {
		first = &n.Children[0]
	}
	return n.Kind != content.File && m.JSON(content.Part{Name: n.Name, ContentType: typeOf(first)})
}

// typeOf is the type that a part declares, or "".
func typeOf(n *content.Node) string {
	if n.File == nil {
		return ""
	}
	return n.File.ContentType
}

// split reads a text whose elements or members share it. What cannot be split stays text, which the schema refuses.
func (m *MediaType) split(n *content.Node, f *field, s *shape) {
	sl := slot{param: &Param{In: "query"}, shape: s, sep: f.sep}
	r := sl.text(n.Text, f.sep, f.sep, false)
	if r.detail != "" {
		return
	}
	n.Kind, n.Children = r.node.Kind, r.node.Children
	for i := range n.Children { // they share the field's span
		n.Children[i].NameStart, n.Children[i].Start, n.Children[i].End = n.Start, n.Start, n.End
	}
}
