package openapi

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/openapi/schema"
)

// builder turns the values of a description into a Document. It goes on after a problem, so that all are reported.
type builder struct {
	findings
	options  Options
	library  *library
	compiler *schema.Compiler
	main     *source
	layers   []*source // overlays
	minor    int       // of the version: 0, 1 or 2
	doc      *Document
	orders   map[*Operation]*order
}

// order is what sorts operations as the document has them.
type order struct {
	path, operation Position
	item            cursor // path item
}

// object returns a member that must be an object; a problem is reported when it is something else.
func (b *builder) object(c cursor, key string) (cursor, bool) {
	m, ok := c.get(key)
	if !ok {
		return m, false
	}
	fields, ok := m.v.(map[string]any)
	if !ok {
		b.fail(m.place, "spec.type", "", "%s must be an object", key)
		return m, false
	}
	if _, ref := fields["$ref"].(string); ref && len(fields) == 1 {
		// OpenAPI allows no reference here, but bundlers follow it, and documents that were never bundled rely on them.
		b.warn(m.place, "spec.ref_place", "bundle the document, or refer from each of its entries", "%s cannot be a reference by OpenAPI; it is followed", key)
		return b.follow(m)
	}
	return m, true
}

// list returns the elements of a member that must be an array.
func (b *builder) list(c cursor, key string) []cursor {
	m, ok := c.get(key)
	if !ok {
		return nil
	}
	if _, ok := m.v.([]any); !ok {
		b.fail(m.place, "spec.type", "", "%s must be a list", key)
	}
	return m.elements()
}

func (b *builder) text(c cursor, key string) string {
	m, ok := c.get(key)
	if !ok {
		return ""
	}
	s, ok := m.v.(string)
	if !ok {
		b.fail(m.place, "spec.type", "put it between quotes", "%s must be text", key)
	}
	return s
}

// label is text that is only shown: a number or true, which YAML makes of text without quotes, does no harm there.
func (b *builder) label(c cursor, key string) string {
	m, _ := c.get(key)
	switch v := m.v.(type) {
	case nil, string, map[string]any, []any:
		return b.text(c, key)
	default:
		b.warn(m.place, "spec.type", "put it between quotes", "%s should be text", key)
		return fmt.Sprint(v)
	}
}

func (b *builder) flag(c cursor, key string, def bool) bool {
	m, ok := c.get(key)
	if !ok {
		return def
	}
	v, ok := m.v.(bool)
	if !ok {
		b.fail(m.place, "spec.type", "", "%s must be true or false", key)
		return def
	}
	return v
}

func (b *builder) texts(c cursor, key string) []string {
	var out []string
	for _, e := range b.list(c, key) {
		s, ok := e.v.(string)
		if !ok {
			b.fail(e.place, "spec.type", "put it between quotes", "%s must be a list of texts", key)
			continue
		}
		out = append(out, s)
	}
	return out
}

// follow returns the value that c stands for, through any number of references. It is false when a reference leads
// nowhere, in a circle or to something that is no object; that has then been reported.
func (b *builder) follow(c cursor) (cursor, bool) {
	start := c.place
	var seen map[place]bool
	for {
		if c.v == nil {
			b.warn(c.place, "spec.empty", "", "there is nothing here; it is read as an empty object")
			return cursor{c.place, map[string]any{}}, true
		}
		m, ok := c.v.(map[string]any)
		if !ok {
			b.fail(c.place, "spec.type", "", "an object is expected here")
			return c, false
		}
		ref, ok := m["$ref"].(string)
		if !ok {
			return c, true
		}
		at := c.below("$ref")
		if seen[c.place] {
			b.fail(start.below("$ref"), "spec.ref_cycle", "", "the reference %s leads back to itself", ref)
			return c, false
		}
		if seen == nil {
			seen = map[place]bool{}
		}
		seen[c.place] = true
		next, err := b.library.find(c.src, ref)
		if err != nil {
			b.fail(at, "spec.ref", refHint(err), "cannot follow the reference %s: %s", ref, err)
			return c, false
		}
		c = next
	}
}

// compile compiles the schema that stands at c.
func (b *builder) compile(c cursor) *schema.Schema {
	switch c.v.(type) {
	case map[string]any, bool:
	default:
		b.fail(c.place, "spec.schema", "", "a schema must be an object")
		return nil
	}
	s, err := b.compiler.Compile(c.src.uri + "#" + strings.ReplaceAll(c.ptr, "%", "%25"))
	var dangling *schema.RefError
	if errors.As(err, &dangling) {
		at := b.locator(dangling.Pointer)
		cause := dangling.Err
		if _, err := b.library.find(at.src, dangling.Ref); err != nil {
			cause = err // says the same without the file's whole path
		}
		b.fail(at.below("$ref"), "spec.ref", refHint(cause), "cannot follow the reference %s: %s", dangling.Ref, cause)
		return nil
	}
	if err != nil {
		b.fail(c.place, "spec.schema", "", "the schema cannot be compiled: %s", err)
		return nil
	}
	return s
}

// schemaProblems reports what the compiler could not judge, and what is written wrongly.
func (b *builder) schemaProblems() {
	for _, u := range b.compiler.Unsupported() {
		b.warn(b.locator(u.Pointer).below(u.Keyword), "spec.unsupported", "values pass this keyword unchecked", "%s is not enforced: %s", u.Keyword, u.Detail)
	}
	for _, p := range b.compiler.Problems() {
		severity := config.Warning
		if p.Keyword == "x-sallyport" {
			severity = config.Error // a protection that was asked for and would silently be missing
		}
		b.add(b.locator(p.Pointer).below(p.Keyword), severity, "spec.keyword", "the keyword has no effect as it is", "%s is not usable: %s", p.Keyword, inExtension(p.Detail))
	}
}

// locator turns an absolute location of the compiler into a place.
func (b *builder) locator(location string) place {
	uri, ptr, _ := strings.Cut(location, "#")
	if src := b.library.sources[uri]; src != nil {
		return place{src, ptr}
	}
	return place{b.main, ""}
}
