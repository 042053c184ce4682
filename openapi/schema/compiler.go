package schema

import (
	"fmt"
	"net/url"
	"sort"
	"strings"
)

// A Compiler turns the schemas of documents into plans. A schema that many refer to is compiled once and shared. A
// Compiler is not safe for concurrent use; the schemas that it returns are, once it has compiled all that it is asked to.
type Compiler struct {
	dialect   Dialect
	loader    func(uri string) (any, error)
	formats   bool
	documents map[string]*document
	resources map[string]*resource // by URI without fragment
	nodes     map[string]*node     // by location
	patterns  map[string]*pattern
	queue     []job
	broken    map[*node]error
	refused   map[[2]string]*Unsupported
	problems  map[[2]string]*Problem
}

// A job is a node that waits for its keywords.
type job struct {
	node   *node
	place  place
	schema map[string]any
}

// Unsupported is a keyword that cannot be judged and therefore passes.
type Unsupported struct {
	Pointer string // of the schema: document URI, "#", RFC 6901
	Keyword string
	Detail  string
}

// A Problem is a keyword that is written wrongly and therefore ignored.
type Problem struct {
	Pointer string // of the schema: document URI, "#", RFC 6901
	Keyword string
	Detail  string
}

// A RefError is a reference that leads nowhere.
type RefError struct {
	Pointer string // of the schema that refers: document URI, "#", RFC 6901
	Ref     string
	Err     error
}

func (e *RefError) Error() string {
	return fmt.Sprintf("%s: couldn't resolve %q: %v", e.Pointer, e.Ref, e.Err)
}

// Unwrap returns the cause.
func (e *RefError) Unwrap() error { return e.Err }

// NewCompiler makes a compiler for documents in dialect d.
func NewCompiler(d Dialect) *Compiler {
	return &Compiler{
		dialect: d, formats: true,
		documents: map[string]*document{}, resources: map[string]*resource{}, nodes: map[string]*node{},
		patterns: map[string]*pattern{}, broken: map[*node]error{},
		refused: map[[2]string]*Unsupported{}, problems: map[[2]string]*Problem{},
	}
}

// AddResource makes a whole document known under uri, an absolute URI or a file name (relative references in it are then
// file names too): decoded JSON, with json.Number for numbers. A document that is
// known already is not replaced. The compiler keeps doc and relies on nobody changing it.
func (c *Compiler) AddResource(uri string, doc any) { c.add(uri, doc) }

// SetLoader sets the function that finds documents which were not added. Without it they are errors.
func (c *Compiler) SetLoader(load func(uri string) (any, error)) { c.loader = load }

// AssertFormats says whether format is an assertion. Default true. It holds for what is compiled afterwards.
func (c *Compiler) AssertFormats(on bool) { c.formats = on }

// Compile compiles the schema at uri, which may end in a fragment with a JSON pointer or an anchor; in the fragment, %
// is written as %25 (RFC 6901, section 6).
//
// Where a schema that it leads to refers to something that is not there, the error is a [*RefError], and the Schema
// that comes with it is usable: it lets nothing pass at that place. Where uri itself leads nowhere, there is none.
func (c *Compiler) Compile(uri string) (*Schema, error) {
	base, fragment, _ := strings.Cut(uri, "#")
	fragment, err := url.PathUnescape(fragment)
	if err != nil {
		return nil, &RefError{Pointer: uri, Ref: uri, Err: err}
	}
	p, v, err := c.locate(clean(base), fragment)
	if err != nil {
		return nil, &RefError{Pointer: uri, Ref: uri, Err: err}
	}
	n := c.node(p, v)
	c.drain()
	return &Schema{plan: n}, c.sound(n)
}

// node returns the plan of the schema at p, which is complete after drain.
func (c *Compiler) node(p place, schema any) *node {
	for range 64 { // a chain of bare references is as good as its end
		target, v, ok := c.bareRef(p, schema)
		if !ok {
			break
		}
		p, schema = target, v
	}
	location := p.String()
	if n := c.nodes[location]; n != nil {
		return n
	}
	if r := p.doc.roots[p.pointer]; r != nil {
		p.home = r
	}
	n := &node{location: location, home: p.home}
	c.nodes[location] = n
	c.touch(p.home)
	switch s := schema.(type) {
	case bool:
		n.verdict = never
		if s {
			n.verdict = always
		}
	case map[string]any:
		if len(s) == 0 {
			n.verdict = always
			break
		}
		c.queue = append(c.queue, job{n, p, s})
	default:
		n.verdict = never
		c.broken[n] = fmt.Errorf("%s: a schema must be an object", location)
	}
	return n
}

// bareRef follows a schema that is nothing but a reference.
func (c *Compiler) bareRef(p place, schema any) (place, any, bool) {
	m, ok := schema.(map[string]any)
	if !ok || !onlyRefers(m, p.home.dialect) || p.doc.roots[p.pointer] != nil {
		return p, nil, false
	}
	target, v, err := c.resolve(p, m["$ref"].(string))
	// The way through another resource matters to dynamic references.
	return target, v, err == nil && target.home == p.home
}

// onlyRefers reports whether no keyword beside $ref counts. x-sallyport counts even where the dialect says that
// siblings are ignored: who writes it means it.
func onlyRefers(m map[string]any, d Dialect) bool {
	if _, ok := m["$ref"].(string); !ok {
		return false
	}
	if _, ok := m["x-sallyport"]; ok {
		return false
	}
	if d.refAlone() {
		return true
	}
	for k := range m {
		switch k {
		case "$ref", "description", "summary", "title", "example", "examples", "default", "$comment":
		default:
			return false
		}
	}
	return true
}

func (c *Compiler) resolve(p place, ref string) (place, any, error) {
	uri, fragment, err := join(p.home.uri, ref)
	if err != nil {
		return place{}, nil, err
	}
	return c.locate(uri, fragment)
}

// touch compiles what dynamic references may reach in a resource, because no static reference leads there.
func (c *Compiler) touch(r *resource) {
	if r.touched {
		return
	}
	r.touched = true
	for name, pointer := range r.dynamicAt {
		if v, ok := find(r.doc.root, pointer); ok {
			if r.dynamic == nil {
				r.dynamic = map[string]*node{}
			}
			r.dynamic[name] = c.node(place{r.doc, pointer, r}, v)
		}
	}
	if r.dialect != Draft2019 {
		return
	}
	if v, _ := find(r.doc.root, r.pointer); v != nil {
		if m, ok := v.(map[string]any); ok && m["$recursiveAnchor"] == true {
			r.recursive = c.node(place{r.doc, r.pointer, r}, v)
		}
	}
}

// drain compiles until nothing waits, then what needs the parts to be complete.
func (c *Compiler) drain() {
	var done []*node
	for len(c.queue) > 0 {
		last := len(c.queue) - 1
		j := c.queue[last]
		c.queue = c.queue[:last]
		c.fill(j)
		done = append(done, j.node)
	}
	for _, n := range done {
		n.settleAccess()
	}
}

// sound reports the first broken reference that n leads to.
func (c *Compiler) sound(n *node) error {
	if len(c.broken) == 0 {
		return nil
	}
	var found error
	walk(n, func(n *node) bool {
		if err := c.broken[n]; err != nil && found == nil {
			found = err
		}
		return found == nil
	})
	return found
}

// Unsupported lists the keywords that are not judged, by location.
func (c *Compiler) Unsupported() []*Unsupported {
	list := make([]*Unsupported, 0, len(c.refused))
	for _, u := range c.refused {
		list = append(list, u)
	}
	sort.Slice(list, func(i, j int) bool {
		if d := strings.Compare(list[i].Pointer, list[j].Pointer); d != 0 {
			return d < 0
		}
		return list[i].Keyword < list[j].Keyword
	})
	return list
}

// Problems lists the keywords whose value is malformed, x-sallyport with unknown keys among them, by location.
func (c *Compiler) Problems() []*Problem {
	list := make([]*Problem, 0, len(c.problems))
	for _, p := range c.problems {
		list = append(list, p)
	}
	sort.Slice(list, func(i, j int) bool {
		if d := strings.Compare(list[i].Pointer, list[j].Pointer); d != 0 {
			return d < 0
		}
		return list[i].Keyword < list[j].Keyword
	})
	return list
}

func (c *Compiler) unsupported(p place, keyword, detail string) {
	at := p.String()
	c.refused[[2]string{at, keyword}] = &Unsupported{at, keyword, detail}
}

func (c *Compiler) problem(p place, keyword, detail string) {
	at := p.String()
	c.problems[[2]string{at, keyword}] = &Problem{at, keyword, detail}
}
