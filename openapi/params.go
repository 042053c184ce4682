package openapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/config"
)

// styles lists the styles that each place allows; the first is the default.
var styles = map[string][]string{
	"path":   {"simple", "label", "matrix"},
	"query":  {"form", "spaceDelimited", "pipeDelimited", "deepObject"},
	"header": {"simple"},
	"cookie": {"form", "cookie"},
}

// paramList reads the parameters field of a path item or an operation.
func (b *builder) paramList(c cursor) []*Param {
	var list []*Param
	for _, e := range b.list(c, "parameters") {
		e, ok := b.follow(e)
		if !ok {
			continue
		}
		p := b.param(e)
		if p == nil {
			continue
		}
		if slices.ContainsFunc(list, p.same) {
			b.fail(e.place, "spec.duplicate_param", "", "the %s parameter %s is declared twice", p.In, p.Name)
			continue
		}
		list = append(list, p)
	}
	return list
}

// same reports whether two declarations are of one parameter. Header names have no case.
func (p *Param) same(q *Param) bool {
	return p.In == q.In && (p.Name == q.Name || (p.In == "header" && strings.EqualFold(p.Name, q.Name)))
}

// param reads one parameter; nil when it is unusable (reported) or has no effect.
func (b *builder) param(c cursor) *Param {
	p := &Param{Name: b.text(c, "name"), In: b.text(c, "in"), place: c.place}
	if p.Name == "" && p.In != "querystring" {
		b.fail(c.place, "spec.param", "", "the parameter has no name")
		return nil
	}
	if p.In == "querystring" && b.minor < 2 {
		b.fail(c.place, "spec.version", "openapi: 3.2.0", "in: querystring exists since OpenAPI 3.2")
		return nil
	}
	if styles[p.In] == nil && p.In != "querystring" {
		b.fail(c.place, "spec.param", "", "the parameter %s is in %q; path, query, header, cookie and querystring exist", p.Name, p.In)
		return nil
	}
	if p.In == "header" && slices.Contains([]string{"Accept", "Content-Type", "Authorization"}, http.CanonicalHeaderKey(p.Name)) {
		b.note(c.place, "spec.ignored_header", "use content, and security", "OpenAPI gives a header parameter called %s no effect", p.Name)
		return nil
	}
	if p.In == "header" && !isToken(p.Name) {
		b.fail(c.place, "spec.param", "", "%q cannot be the name of a header", p.Name)
		return nil
	}
	b.paramDetails(c, p)
	return p
}

func (b *builder) paramDetails(c cursor, p *Param) {
	p.Required = b.flag(c, "required", false) || p.In == "path"
	if p.In == "path" && !b.flag(c, "required", false) {
		b.note(c.place, "spec.param", "required: true", "the path parameter %s must say required: true; it is treated so", p.Name)
	}
	p.AllowReserved = b.flag(c, "allowReserved", false)
	p.AllowEmpty = b.flag(c, "allowEmptyValue", false) && p.In == "query"
	b.want(c.place, &p.At)
	b.paramValue(c, p)
	b.paramStyle(c, p)
	var x config.Property
	if b.extension(c, &x) {
		overlayInto(&p.Property.Property, x)
	}
}

func (b *builder) paramStyle(c cursor, p *Param) {
	if p.In == "querystring" {
		return
	}
	known := styles[p.In]
	p.Style = known[0]
	switch s := b.text(c, "style"); {
	case s == "":
	case slices.Contains(known, s) && (s != "cookie" || b.minor >= 2):
		p.Style = s
	case p.plainText(s):
		b.warn(c.below("style"), "spec.style", p.Style, "the style %s cannot be used in %s; the value is read as it stands", s, p.In)
	default:
		b.fail(c.below("style"), "spec.style", "", "the style %s cannot be used in %s", s, p.In)
	}
	if p.Style == "matrix" {
		b.note(c.place, "spec.matrix", "style: simple", "the values of %s begin with a semicolon; a server that drops what follows one reads another path", p.Name)
	}
	p.Explode = b.flag(c, "explode", p.Style == "form" || p.Style == "cookie")
}

// plainText reports whether the style makes no difference: one text that is a single value.
func (p *Param) plainText(style string) bool {
	if p.Schema == nil || (style != "simple" && style != "form") {
		return false
	}
	types := p.Schema.Types()
	return len(types) > 0 && !slices.Contains(types, "array") && !slices.Contains(types, "object")
}

// paramValue reads what a parameter (or header) holds: a schema, or content with one media type.
func (b *builder) paramValue(c cursor, p *Param) {
	s, hasSchema := c.get("schema")
	content, hasContent := b.object(c, "content")
	switch {
	case hasSchema && hasContent:
		b.fail(c.place, "spec.param", "keep one", "%s has both schema and content", p.Name)
	case hasSchema && p.In == "querystring":
		b.fail(c.place, "spec.param", "content: { application/x-www-form-urlencoded: … }", "a querystring parameter has content, not schema")
	case hasSchema:
		p.Schema = b.compile(s)
	case hasContent:
		b.paramContent(c, content, p)
	default:
		b.warn(c.place, "spec.no_schema", "add a schema, such as { type: string, maxLength: 64 }", "%s has neither schema nor content: any value passes", orName(p))
	}
	if p.Schema == nil {
		return
	}
	for _, a := range p.Schema.Info().Annotations {
		overlayInto(&p.Property.Property, a.Property)
		p.Property.Format = cmp.Or(p.Property.Format, a.Format)
		p.Property.ReadOnly, p.Property.WriteOnly = p.Property.ReadOnly || a.ReadOnly, p.Property.WriteOnly || a.WriteOnly
	}
}

func orName(p *Param) string {
	if p.Name == "" {
		return "the query string"
	}
	return p.Name
}

func (b *builder) paramContent(c, content cursor, p *Param) {
	media := content.members()
	if len(media) != 1 {
		b.fail(c.place, "spec.param", "", "the content of %s must have exactly one media type", orName(p))
		return
	}
	entry, ok := b.follow(media[0])
	if !ok {
		return
	}
	p.Media = mediaRange(media[0].key())
	if s, ok := entry.get("schema"); ok {
		p.Schema = b.compile(s)
	}
	if !decodableMedia(p.Media) {
		b.warn(content.place, "spec.unsupported", "application/json and application/x-www-form-urlencoded are decoded", "%s is not decoded: its values are judged as text", p.Media)
	}
}

// params merges the shared parameters of a path with those of an operation, which win, and holds them against the
// template.
func (b *builder) params(op *Operation, c cursor, shared []*Param) {
	own := b.paramList(c)
	for _, p := range shared {
		if !slices.ContainsFunc(own, p.same) {
			op.Params = append(op.Params, b.copied(p))
		}
	}
	op.Params = append(op.Params, own...)
	names := templateNames(op.segments)
	op.Params = slices.DeleteFunc(op.Params, func(p *Param) bool {
		stray := p.In == "path" && !slices.Contains(names, p.Name)
		if stray && !slices.Contains(shared, p) {
			b.warn(p.place, "spec.path_param", "", "the path %s has no {%s}; the parameter has no effect", op.Path, p.Name)
		}
		return stray
	})
	for _, name := range names {
		if !slices.ContainsFunc(op.Params, func(p *Param) bool { return p.In == "path" && p.Name == name }) {
			b.warn(c.place, "spec.path_param", "declare it with a type and bounds", "{%s} of %s is not declared: any value passes", name, op.Path)
			p := &Param{Name: name, In: "path", Required: true, Style: "simple", place: c.place}
			b.want(c.place, &p.At)
			op.Params = append(op.Params, p)
		}
	}
	b.queryString(op, c)
}

// copied gives an operation its own copy of a shared parameter, because overlays are per operation.
func (b *builder) copied(p *Param) *Param {
	q := *p
	b.want(q.place, &q.At)
	return &q
}

func (b *builder) queryString(op *Operation, c cursor) {
	whole, single := 0, 0
	for _, p := range op.Params {
		switch p.In {
		case "querystring":
			whole++
		case "query":
			single++
		}
	}
	if whole > 1 || (whole == 1 && single > 0) {
		b.fail(c.place, "spec.param", "", "a querystring parameter cannot stand beside query parameters or another one")
	}
}

func templateNames(segments []segment) []string {
	var names []string
	for _, s := range segments {
		names = append(names, s.names...)
	}
	return names
}

// isToken is the token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r > 0x7e || r <= ' ' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// header reads one entry of a response's headers.
func (b *builder) header(c cursor) *Param {
	name := c.key()
	c, ok := b.follow(c)
	if !ok {
		return nil
	}
	p := &Param{Name: name, In: "header", Style: "simple", Required: b.flag(c, "required", false), Explode: b.flag(c, "explode", false), place: c.place}
	b.want(c.place, &p.At)
	if c.has("schema") || c.has("content") {
		b.paramValue(c, p)
	}
	return p
}
