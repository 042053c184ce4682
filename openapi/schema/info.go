package schema

import "sort"

// Location is where the schema stands: document URI, "#", RFC 6901.
func (s *Schema) Location() string { return s.plan.location }

// PropertyInfo is one named property of an object schema.
type PropertyInfo struct {
	Name     string
	Schema   *Schema
	Required bool
}

// Openness says what an object schema does with members that it does not name.
type Openness uint8

// The degrees of openness.
const (
	Silent Openness = iota // says nothing
	Open                   // additionalProperties: true or a schema, unevaluatedProperties likewise
	Closed                 // additionalProperties: false or unevaluatedProperties: false
)

// Info is what a schema says about itself, references followed and allOf taken together. Numbers are nil, strings are
// empty where the keyword is absent.
type Info struct {
	Format                       string
	Pattern                      string
	Enum                         []any // const is an enum of one
	MinLength, MaxLength         *int
	MinItems, MaxItems           *int
	MinProperties, MaxProperties *int
	Minimum, Maximum             string // literals, inclusive or not
	UniqueItems                  bool
	Additional                   Openness
	AdditionalSchema             *Schema // nil unless additionalProperties is a schema with keywords
	ReadOnly, WriteOnly          bool
	Deprecated                   bool
	Nullable                     bool           // OpenAPI 3.0
	Annotations                  []*Annotations // those with x-sallyport, formats of URLs or password, readOnly, writeOnly
	Alternatives                 []*Schema      // branches of oneOf and anyOf
	XML                          XML
}

func wrap(n *node) *Schema {
	if n == nil {
		return nil
	}
	return &Schema{plan: n}
}

// Types are the types that the schema lets through, references and allOf followed, alternatives taken together; nil
// means any.
func (s *Schema) Types() []string {
	return s.plan.allowed(map[*node]bool{}).names()
}

// allowed is 0 where nothing is said.
func (s *node) allowed(seen map[*node]bool) types {
	if s == nil || seen[s] {
		return 0
	}
	seen[s] = true
	defer delete(seen, s)
	t := s.types
	narrow := func(o types) {
		if t == 0 {
			t = o
		} else if o != 0 {
			t = meet(t, o)
		}
	}
	narrow(s.ref.allowed(seen))
	for _, n := range s.allOf {
		narrow(n.allowed(seen))
	}
	for _, branches := range [][]*node{s.anyOf, s.oneOf} {
		var union types
		for _, n := range branches {
			o := n.allowed(seen)
			if o == 0 {
				union = 0
				break
			}
			union |= o
		}
		narrow(union)
	}
	if s.nullable && t != 0 {
		t |= typeNull
	}
	return t
}

func meet(a, b types) types {
	t := a & b
	if a&typeNumber != 0 && b&typeInteger != 0 || b&typeNumber != 0 && a&typeInteger != 0 {
		t |= typeInteger
	}
	return t
}

// Properties are the named properties, references and allOf followed, sorted by name.
func (s *Schema) Properties() []PropertyInfo {
	var list []PropertyInfo
	at := map[string]int{}
	must := map[string]bool{}
	s.plan.parts(func(n *node) {
		if n.object == nil {
			return
		}
		for _, m := range n.object.members {
			must[m.name] = must[m.name] || m.must
			if _, known := at[m.name]; !known && m.schema != nil {
				at[m.name] = len(list)
				list = append(list, PropertyInfo{Name: m.name, Schema: wrap(m.schema)})
			}
		}
	})
	for i := range list {
		list[i].Required = must[list[i].Name]
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

// Property is the schema of a member called name, wherever it is declared among the schemas that may apply, or nil.
func (s *Schema) Property(name string) *Schema {
	return wrap(first(s.plan.children(name)))
}

// Items is the schema of an array's elements (those after prefixItems), or nil.
func (s *Schema) Items() *Schema {
	var found *node
	s.plan.possible(func(n *node) {
		if found == nil && n.array != nil {
			found = n.array.items
		}
	})
	return wrap(found)
}

// Prefix are the schemas of an array's first elements (prefixItems).
func (s *Schema) Prefix() (list []*Schema) {
	s.plan.possible(func(n *node) {
		if list == nil && n.array != nil {
			for _, p := range n.array.prefix {
				list = append(list, wrap(p))
			}
		}
	})
	return list
}

func first(nodes []*node) *node {
	if len(nodes) == 0 {
		return nil
	}
	return nodes[0]
}

// children are the schemas that a member called name may meet: those of properties and patternProperties, or, where
// nobody names it, those of additionalProperties.
func (s *node) children(name string) (nodes []*node) {
	var rest []*node
	s.possible(func(n *node) {
		if n.object == nil {
			return
		}
		hint := 0
		if m := n.object.find(name, &hint); m != nil && m.schema != nil {
			nodes = append(nodes, m.schema)
		}
		for _, p := range n.object.patterns {
			if p.pattern.match(name) {
				nodes = append(nodes, p.schema)
			}
		}
		for _, other := range []*node{n.object.additional, n.object.unevaluated} {
			if other != nil && other.verdict != never {
				rest = append(rest, other)
			}
		}
	})
	if nodes == nil {
		return rest
	}
	return nodes
}

// Info gathers what the schema, its references and its allOf say.
func (s *Schema) Info() Info {
	var i Info
	s.plan.parts(func(n *node) { i.add(n) })
	return i
}

func (i *Info) add(n *node) {
	if i.Format == "" {
		i.Format = n.format
	}
	i.ReadOnly, i.WriteOnly, i.Deprecated = i.ReadOnly || n.read, i.WriteOnly || n.write, i.Deprecated || n.old
	i.Nullable = i.Nullable || n.nullable
	for _, set := range []*valueSet{n.enum, n.constant} {
		if set != nil && i.Enum == nil {
			i.Enum = set.written
		}
	}
	if n.xml != nil && i.XML == (XML{}) {
		i.XML = *n.xml
	}
	if n.note != nil {
		i.Annotations = append(i.Annotations, n.note)
	}
	for _, b := range append(append([]*node(nil), n.oneOf...), n.anyOf...) {
		i.Alternatives = append(i.Alternatives, wrap(b))
	}
	i.addRules(n)
}

func (i *Info) addRules(n *node) {
	if r := n.text; r != nil {
		least(&i.MinLength, r.minLength)
		least(&i.MaxLength, r.maxLength)
		if r.pattern != nil && i.Pattern == "" {
			i.Pattern = r.pattern.written
		}
	}
	if r := n.number; r != nil {
		if i.Minimum == "" {
			i.Minimum = r.written.minimum
		}
		if i.Maximum == "" {
			i.Maximum = r.written.maximum
		}
	}
	if r := n.array; r != nil {
		least(&i.MinItems, r.minItems)
		least(&i.MaxItems, r.maxItems)
		i.UniqueItems = i.UniqueItems || r.unique
	}
	if r := n.object; r != nil {
		least(&i.MinProperties, r.minimum)
		least(&i.MaxProperties, r.maximum)
		i.addOpenness(r.additional)
		i.addOpenness(r.unevaluated)
	}
}

func (i *Info) addOpenness(n *node) {
	switch {
	case n == nil:
	case n.verdict == never:
		i.Additional = Closed
	case i.Additional != Closed:
		i.Additional = Open
		if n.verdict == judge {
			i.AdditionalSchema = wrap(n)
		}
	}
}

// least sets a bound that is not set yet, or is looser.
func least(to **int, n int) {
	if n >= 0 && (*to == nil || n < **to) {
		*to = &n
	}
}
