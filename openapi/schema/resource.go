package schema

import (
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// A document is one file.
type document struct {
	uri     string
	root    any
	dialect Dialect
	roots   map[string]*resource // by pointer: the document itself and the schemas in it that have an $id
	indexed []string             // pointers below which identifiers have been gathered
	heirs   map[string][]string  // OpenAPI: component schemas by the pointer of one that their allOf refers to
}

// A resource is a schema with an absolute URI of its own, and what is below it up to the next resource.
type resource struct {
	uri        string
	doc        *document
	pointer    string // of its root in doc
	dialect    Dialect
	assertions bool              // the dialect's vocabulary has validation keywords
	formats    *bool             // whether the dialect's vocabulary asserts formats; nil: the compiler's setting
	anchors    map[string]string // pointer by name
	dynamic    map[string]*node  // $dynamicAnchor; filled when the resource is first compiled
	dynamicAt  map[string]string // pointer by $dynamicAnchor
	recursive  *node             // the root, where it has $recursiveAnchor: true
	touched    bool
}

// A place is a value in a document.
type place struct {
	doc     *document
	pointer string
	home    *resource
}

func (p place) String() string { return p.doc.uri + "#" + p.pointer }

func (p place) below(tokens ...string) place {
	for _, t := range tokens {
		p.pointer += "/" + escapeToken(t)
	}
	return p
}

// find returns the value at an RFC 6901 pointer.
func find(root any, pointer string) (any, bool) {
	if pointer == "" {
		return root, true
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = unescapeToken(token)
		switch v := root.(type) {
		case map[string]any:
			next, ok := v[token]
			if !ok {
				return nil, false
			}
			root = next
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			root = v[i]
		default:
			return nil, false
		}
	}
	return root, true
}

func escapeToken(t string) string {
	if strings.IndexByte(t, '~') < 0 && strings.IndexByte(t, '/') < 0 {
		return t
	}
	return strings.ReplaceAll(strings.ReplaceAll(t, "~", "~0"), "/", "~1")
}

func unescapeToken(t string) string {
	if strings.IndexByte(t, '~') < 0 {
		return t
	}
	return strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
}

// join resolves a reference against a base; the fragment comes back decoded and apart.
func join(base, ref string) (uri, fragment string, err error) {
	ref, fragment, _ = strings.Cut(ref, "#")
	if fragment, err = url.PathUnescape(fragment); err != nil {
		return "", "", err
	}
	if ref == "" {
		return base, fragment, nil
	}
	r, err := url.Parse(ref)
	if err != nil {
		return "", "", err
	}
	if r.IsAbs() {
		return ref, fragment, nil
	}
	b, err := url.Parse(base)
	if err != nil {
		return "", "", err
	}
	if !b.IsAbs() {
		return joinPath(base, r.Path), fragment, nil
	}
	return b.ResolveReference(r).String(), fragment, nil
}

// joinPath resolves a reference against a document that is known by a file name, which package url would make absolute.
func joinPath(base, ref string) string {
	if path.IsAbs(ref) {
		return path.Clean(ref)
	}
	return path.Join(path.Dir(base), ref)
}

// add makes a document known.
func (c *Compiler) add(uri string, root any) *document {
	uri, _, _ = strings.Cut(uri, "#")
	if doc := c.documents[uri]; doc != nil {
		return doc
	}
	doc := &document{uri: uri, root: root, dialect: c.dialect, roots: map[string]*resource{}}
	c.documents[uri] = doc
	m, _ := root.(map[string]any)
	if named, ok := m["jsonSchemaDialect"].(string); ok && c.dialect == OpenAPI31 {
		if d, known := dialectNamed(named); known {
			doc.dialect = d
		}
	}
	home := c.newResource(doc, "", uri, doc.dialect)
	_, isDescription := m["openapi"]
	if !isDescription {
		c.index(place{doc, "", home}, root)
		return doc
	}
	components, _ := m["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	for name, s := range schemas {
		c.index(place{doc, "", home}.below("components", "schemas", name), s)
	}
	doc.indexed = append(doc.indexed, "/components/schemas")
	return doc
}

func (c *Compiler) newResource(doc *document, pointer, uri string, d Dialect) *resource {
	r := &resource{uri: uri, doc: doc, pointer: pointer, dialect: d, assertions: true, anchors: map[string]string{}, dynamicAt: map[string]string{}}
	doc.roots[pointer] = r
	if c.resources[uri] == nil {
		c.resources[uri] = r
	}
	return r
}

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

// load finds a resource, asking the loader for its document where it is not known.
func (c *Compiler) load(uri string) (*resource, error) {
	if r := c.resources[uri]; r != nil {
		return r, nil
	}
	if c.loader == nil {
		return nil, fmt.Errorf("%q is not part of the document", uri)
	}
	root, err := c.loader(uri)
	if err != nil {
		return nil, err
	}
	doc := c.add(uri, root)
	return doc.roots[""], nil
}

// locate finds what uri, with a decoded fragment, refers to.
func (c *Compiler) locate(uri, fragment string) (place, any, error) {
	r, err := c.load(uri)
	if err != nil {
		return place{}, nil, err
	}
	pointer := r.pointer
	if fragment != "" {
		if fragment[0] == '/' {
			pointer += fragment
		} else if at, ok := r.anchors[fragment]; ok {
			pointer = at
		} else {
			return place{}, nil, fmt.Errorf("there is no anchor %q in %q", fragment, uri)
		}
	}
	v, ok := find(r.doc.root, pointer)
	if !ok {
		return place{}, nil, fmt.Errorf("there is nothing at %q in %q", fragment, uri)
	}
	p := place{r.doc, pointer, r.doc.homeOf(pointer)}
	if !r.doc.covers(pointer) {
		r.doc.indexed = append(r.doc.indexed, pointer)
		c.index(p, v)
		p.home = r.doc.homeOf(pointer)
	}
	return p, v, nil
}

// homeOf is the innermost resource around a pointer.
func (d *document) homeOf(pointer string) *resource {
	for len(d.roots) > 1 && pointer != "" {
		if r := d.roots[pointer]; r != nil {
			return r
		}
		pointer = pointer[:strings.LastIndexByte(pointer, '/')]
	}
	return d.roots[""]
}

// covers reports whether identifiers at a pointer have been gathered.
func (d *document) covers(pointer string) bool {
	if m, ok := d.root.(map[string]any); ok {
		if _, isDescription := m["openapi"]; !isDescription {
			return true
		}
	}
	if d.dialect == OpenAPI30 {
		return true
	}
	for _, i := range d.indexed {
		if pointer == i || strings.HasPrefix(pointer, i+"/") {
			return true
		}
	}
	return false
}
