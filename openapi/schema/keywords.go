package schema

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
)

// A builder fills one node from the keywords of one schema.
type builder struct {
	c      *Compiler
	n      *node
	at     place
	m      map[string]any
	d      Dialect
	draft  int
	number numberRules
	text   textRules
	array  arrayRules
	object objectRules
}

// fill compiles the keywords of one schema. References are resolved, subschemas are put in the queue.
func (c *Compiler) fill(j job) {
	d := j.place.home.dialect
	b := &builder{c: c, n: j.node, at: j.place, m: j.schema, d: d, draft: d.draft()}
	b.note()
	if _, isRef := j.schema["$ref"].(string); isRef && d.refAlone() {
		b.reference()
		b.detach()
		return
	}
	b.reference()
	b.inPlace()
	b.arrays()
	b.objects()
	if j.place.home.assertions {
		b.assertions()
	} else {
		b.object.seal()
	}
	b.format()
	b.discriminator()
	b.detach()
}

// detach copies the rules that the node uses out of the builder, which is larger than most nodes need.
func (b *builder) detach() {
	n := b.n
	n.combines = n.combine()
	if n.number != nil {
		r := b.number
		n.number = &r
	}
	if n.text != nil {
		r := b.text
		n.text = &r
	}
	if n.array != nil {
		r := b.array
		n.array = &r
	}
	if n.object != nil {
		r := b.object
		n.object = &r
	}
}

func (b *builder) reference() {
	if ref, ok := b.m["$ref"].(string); ok {
		b.n.ref, _, _ = b.target(ref)
	}
	if ref, ok := b.m["$recursiveRef"].(string); ok && b.d == Draft2019 {
		n, p, v := b.target(ref)
		m, _ := v.(map[string]any)
		if n != nil && p.pointer == p.home.pointer && m["$recursiveAnchor"] == true {
			b.n.dynamic = &dynamicRef{fallback: n}
		} else if b.n.ref = n; n == nil {
			return
		}
	}
	if ref, ok := b.m["$dynamicRef"].(string); ok && b.draft == 2020 {
		b.dynamicReference(ref)
	}
}

// dynamicReference is a plain reference unless it leads, by name, to a $dynamicAnchor.
func (b *builder) dynamicReference(ref string) {
	n, p, _ := b.target(ref)
	if n == nil {
		return
	}
	_, fragment, _ := join(p.home.uri, ref)
	d := &dynamicRef{fallback: n}
	if at, ok := p.home.dynamicAt[fragment]; ok && at == p.pointer && fragment != "" {
		d.anchor = fragment
		b.n.dynamic = d
		return
	}
	if b.n.ref == nil {
		b.n.ref = n
		return
	}
	b.n.allOf = append(b.n.allOf, n)
}

func (b *builder) target(ref string) (*node, place, any) {
	p, v, err := b.c.resolve(b.at, ref)
	if err != nil {
		b.n.verdict = never
		b.c.broken[b.n] = &RefError{Pointer: b.at.String(), Ref: ref, Err: err}
		return nil, p, nil
	}
	return b.c.node(p, v), p, v
}

func (b *builder) inPlace() {
	n := b.n
	n.allOf = append(n.allOf, b.list("allOf")...)
	n.anyOf, n.oneOf, n.not = b.list("anyOf"), b.list("oneOf"), b.one("not")
	if b.draft >= 7 {
		if n.test = b.one("if"); n.test != nil {
			n.then, n.other = b.one("then"), b.one("else")
		}
	}
	if of, _ := b.m["contentMediaType"].(string); b.draft >= 2019 && (content.Media{Type: strings.ToLower(of)}).JSON() {
		n.document = b.one("contentSchema")
	}
}

func (b *builder) arrays() {
	a := &b.array
	a.minItems, a.maxItems, a.maxContains, a.minContains = -1, -1, -1, 1
	if b.draft >= 2020 {
		a.prefix = b.list("prefixItems")
		a.items = b.one("items")
	} else if _, several := b.m["items"].([]any); several {
		a.prefix = b.list("items")
		a.items = b.one("additionalItems")
	} else {
		a.items = b.one("items")
	}
	if b.draft >= 6 {
		a.contains = b.one("contains")
	}
	if b.draft >= 2019 {
		a.unevaluated = b.one("unevaluatedItems")
		a.containsEvaluates = b.draft >= 2020
	}
	if a.prefix != nil || a.items != nil || a.contains != nil || a.unevaluated != nil {
		b.n.array = a
	}
}

func (b *builder) objects() {
	o := &b.object
	o.minimum, o.maximum = -1, -1
	b.properties()
	_, names := b.members("patternProperties")
	for _, name := range names {
		if p := b.pattern("patternProperties", name); p != nil {
			o.patterns = append(o.patterns, patternRule{p, b.sub("patternProperties", name)})
		}
	}
	o.additional = b.one("additionalProperties")
	if b.draft >= 6 {
		o.names = b.one("propertyNames")
	}
	if b.draft >= 2019 {
		o.unevaluated = b.one("unevaluatedProperties")
		_, names = b.members("dependentSchemas")
		for _, name := range names {
			o.conditions = append(o.conditions, condition{name, b.sub("dependentSchemas", name)})
		}
	}
	m, names := b.members("dependencies")
	for _, name := range names {
		if _, isNames := m[name].([]any); !isNames {
			o.conditions = append(o.conditions, condition{name, b.sub("dependencies", name)})
		}
	}
	if o.named || o.patterns != nil || o.additional != nil || o.names != nil || o.unevaluated != nil || o.conditions != nil {
		b.n.object = o
	}
}

// properties compiles the members of an object. A reference in place of all of them is none by JSON Schema, but bundlers
// follow it, and documents that were never bundled rely on that.
func (b *builder) properties() {
	m, names := b.members("properties")
	at := b.at.below("properties")
	if ref, only := m["$ref"].(string); only && len(m) == 1 {
		p, v, err := b.c.resolve(b.at, ref)
		if m, only = v.(map[string]any); !only && err == nil {
			err = errors.New("there is no object of schemas")
		}
		if err != nil {
			b.n.verdict = never
			b.c.broken[b.n] = &RefError{Pointer: at.String(), Ref: ref, Err: err}
			return
		}
		at, names = p, slices.Sorted(maps.Keys(m))
	}
	for _, name := range names {
		b.object.members = append(b.object.members, memberRule{name: name, schema: b.c.node(at.below(name), m[name])})
	}
	b.object.named = len(names) > 0
}

// annotations of x-sallyport, readOnly, writeOnly and of the formats that guards look for.
func (b *builder) note() {
	a := Annotations{}
	if ext, ok := b.m["x-sallyport"]; ok {
		if err := config.DecodeValue(ext, &a.Property); err != nil {
			b.c.problem(b.at, "x-sallyport", err.Error())
		}
	}
	siblings := true
	if _, isRef := b.m["$ref"].(string); isRef && b.d.refAlone() {
		siblings = false
	}
	if siblings {
		b.n.read, b.n.write, b.n.old = b.flag("readOnly"), b.flag("writeOnly"), b.flag("deprecated")
		b.n.format, _ = b.m["format"].(string)
		b.xml()
	}
	a.ReadOnly, a.WriteOnly, a.Format = b.n.read, b.n.write, b.n.format
	_, extended := b.m["x-sallyport"]
	if extended || a.ReadOnly || a.WriteOnly || a.URL() || a.Format == "password" {
		b.n.note = &a
	}
}

// pattern compiles a regular expression; nil where it cannot be run, which is reported.
func (b *builder) pattern(keyword, written string) *pattern {
	if p, ok := b.c.patterns[written]; ok && p != nil {
		return p
	}
	p, err := compilePattern(written)
	if err != nil {
		b.c.unsupported(b.at, keyword, fmt.Sprintf("the pattern %q %v", written, err))
		return nil
	}
	b.c.patterns[written] = p
	return p
}
