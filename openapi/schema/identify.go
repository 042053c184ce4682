package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// index gathers the identifiers below a schema, only where a schema can be: $id in an enum is a value.
func (c *Compiler) index(p place, schema any) {
	m, ok := schema.(map[string]any)
	if !ok || p.home.dialect == OpenAPI30 {
		return
	}
	p = c.identify(p, m)
	for _, k := range subschemas.single {
		if v, ok := m[k].(map[string]any); ok {
			c.index(p.below(k), v)
		}
	}
	for _, k := range subschemas.list {
		if list, ok := m[k].([]any); ok {
			for i, v := range list {
				c.index(p.below(k, strconv.Itoa(i)), v)
			}
		}
	}
	for _, k := range subschemas.named {
		if named, ok := m[k].(map[string]any); ok {
			for name, v := range named {
				c.index(p.below(k, name), v)
			}
		}
	}
}

// identify reads $id, $anchor and their like of one schema; the place comes back in the resource that it belongs to.
func (c *Compiler) identify(p place, m map[string]any) place {
	d := p.home.dialect
	written, isRoot := m["$schema"].(string)
	if isRoot {
		d = c.dialectAt(p, written, d)
	}
	_, isRef := m["$ref"].(string)
	id, _ := m[d.idKeyword()].(string)
	if isRef && d.refAlone() {
		id = ""
	}
	if id != "" && !strings.HasPrefix(id, "#") {
		if uri, fragment, err := join(p.home.uri, id); err == nil {
			outer := p.home
			p.home = c.newResource(p.doc, p.pointer, uri, d)
			if outer.pointer == p.pointer && c.resources[outer.uri] == outer {
				c.resources[outer.uri] = p.home // found at one URI, named by another
			}
			id = "#" + fragment
		}
	}
	if isRoot && p.pointer == p.home.pointer {
		p.home.dialect = d
		c.vocabularies(p.home, written)
	}
	if d.draft() < 2019 && len(id) > 1 && !strings.HasPrefix(id, "#/") {
		p.home.anchors[id[1:]] = p.pointer
	}
	if d.draft() >= 2019 {
		if a, ok := m["$anchor"].(string); ok {
			p.home.anchors[a] = p.pointer
		}
	}
	if d.draft() >= 2020 {
		if a, ok := m["$dynamicAnchor"].(string); ok {
			p.home.anchors[a], p.home.dynamicAt[a] = p.pointer, p.pointer
		}
	}
	return p
}

// dialectAt is the dialect that $schema names; one made from another is followed to it.
func (c *Compiler) dialectAt(p place, written string, def Dialect) Dialect {
	if p.doc.dialect == OpenAPI30 {
		return OpenAPI30
	}
	for range 8 {
		d, ok := dialectNamed(written)
		if ok {
			return d
		}
		m, err := c.metaschema(written)
		if err != nil {
			c.unsupported(p, "$schema", fmt.Sprintf("names a dialect that is not known: %v", err))
			return def
		}
		next, _ := m["$schema"].(string)
		if next == written {
			return def
		}
		written = next
	}
	return def
}

func (c *Compiler) metaschema(uri string) (map[string]any, error) {
	uri, _, _ = strings.Cut(uri, "#")
	res, err := c.load(uri)
	if err != nil {
		return nil, err
	}
	v, _ := find(res.doc.root, res.pointer)
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is not a schema", uri)
	}
	return m, nil
}

// vocabularies reads $vocabulary of a dialect that is not one of the well-known.
func (c *Compiler) vocabularies(r *resource, written string) {
	if _, known := dialectNamed(written); known {
		return
	}
	m, err := c.metaschema(written)
	if err != nil {
		return
	}
	v, ok := m["$vocabulary"].(map[string]any)
	if !ok {
		return
	}
	r.assertions = false
	for name := range v {
		r.assertions = r.assertions || strings.HasSuffix(name, "/vocab/validation")
		if strings.HasSuffix(name, "/vocab/format-assertion") {
			on := true
			r.formats = &on
		}
	}
}
