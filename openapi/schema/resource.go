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
	if err != nil || !b.IsAbs() {
		return joinPath(base, r.Path), fragment, nil
	}
	return b.ResolveReference(r).String(), fragment, nil
}

// clean is the one spelling of a file name by which a document is known; URIs are left alone.
func clean(uri string) string {
	if u, err := url.Parse(uri); uri == "" || err == nil && u.IsAbs() {
		return uri
	}
	return path.Clean(uri)
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
	uri = clean(uri)
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
