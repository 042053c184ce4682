package schema

import (
	"maps"
	"slices"
	"sort"
	"strings"
)

// A discriminator leads from the value of a property to the one schema that applies: a branch of oneOf or anyOf, or,
// where there are none, a component whose allOf refers to the schema that has the discriminator.
type discriminator struct {
	property string
	target   map[string]*node
	others   []*node // branches without a name, which are tried where no name fits
	def      *node   // 3.2: defaultMapping
	declared *objectRules
	heirs    bool
	values   []string // for messages
}

const componentSchemas = "/components/schemas/"

// discriminator compiles the keyword of the same name. What it names but the alternatives do not list is a problem,
// because no instance could satisfy both.
func (b *builder) discriminator() {
	v, present := b.m["discriminator"]
	if !present || !b.d.openAPI() {
		return
	}
	m, _ := v.(map[string]any)
	property, _ := m["propertyName"].(string)
	if property == "" {
		b.malformed("discriminator", "an object with propertyName")
		return
	}
	d := &discriminator{property: property, target: map[string]*node{}}
	d.declared = &objectRules{members: []memberRule{{name: property}}}
	branches := b.branches(d)
	mapping, _ := m["mapping"].(map[string]any)
	for _, value := range slices.Sorted(maps.Keys(mapping)) {
		if n := b.mapped(value, mapping[value], branches, d.heirs); n != nil {
			d.target[value] = n
		}
	}
	if def, ok := m["defaultMapping"]; ok {
		d.def = b.mapped("defaultMapping", def, branches, d.heirs)
	}
	if len(d.target) == 0 {
		return
	}
	d.unnamed(append(append([]*node(nil), b.n.oneOf...), b.n.anyOf...))
	for value := range d.target {
		d.values = append(d.values, value)
	}
	sort.Strings(d.values)
	b.n.discriminator = d
}

// branches gives the alternatives their implicit names and returns them, by themselves and by the schemas that they
// refer to: a reference to another file has a plan of its own.
func (b *builder) branches(d *discriminator) map[*node]*node {
	set := map[*node]*node{}
	for keyword, nodes := range map[string][]*node{"oneOf": b.n.oneOf, "anyOf": b.n.anyOf} {
		list, _ := b.m[keyword].([]any)
		for i, n := range nodes {
			set[n] = n
			m, _ := list[i].(map[string]any)
			if ref, ok := m["$ref"].(string); ok {
				if p, v, err := b.c.resolve(b.at, ref); err == nil {
					set[b.c.node(p, v)] = n
				}
				d.target[unescapeToken(ref[strings.LastIndexAny(ref, "/#")+1:])] = n
			}
		}
	}
	if len(set) == 0 {
		d.heirs = true
		for _, name := range b.at.doc.heirsOf(b.at.pointer) {
			d.target[name] = b.component(name)
			d.target[name].heir = true
		}
		if own, ok := strings.CutPrefix(b.at.pointer, componentSchemas); ok && len(d.target) > 0 {
			d.target[unescapeToken(own)] = b.n
		}
	}
	return set
}

// mapped resolves one value of mapping: a name of a component, or a reference.
func (b *builder) mapped(value string, to any, branches map[*node]*node, heirs bool) *node {
	ref, ok := to.(string)
	if !ok {
		b.malformed("discriminator", "an object whose mapping has strings")
		return nil
	}
	n := b.component(ref)
	if n == nil {
		p, v, err := b.c.resolve(b.at, ref)
		if err != nil {
			b.c.problem(b.at, "discriminator", "maps "+quote(value)+" to "+quote(ref)+", which is not there")
			return nil
		}
		n = b.c.node(p, v)
	}
	if heirs {
		n.heir = true
		return n
	}
	if branches[n] == nil {
		b.c.problem(b.at, "discriminator", "maps "+quote(value)+" to "+quote(ref)+", which is none of the alternatives")
	}
	return branches[n]
}

// component is the component schema of that name, or nil.
func (b *builder) component(name string) *node {
	if strings.ContainsAny(name, "#") {
		return nil
	}
	p := place{b.at.doc, "", b.at.doc.roots[""]}.below("components", "schemas", name)
	v, ok := find(p.doc.root, p.pointer)
	if !ok {
		return nil
	}
	return b.c.node(p, v)
}

// unnamed keeps the branches that no value leads to.
func (d *discriminator) unnamed(branches []*node) {
	named := map[*node]bool{}
	for _, n := range d.target {
		named[n] = true
	}
	for _, n := range branches {
		if !named[n] {
			d.others = append(d.others, n)
		}
	}
}

// heirsOf are the names of the component schemas that inherit, by allOf, from the one at pointer.
func (d *document) heirsOf(pointer string) []string {
	if d.heirs == nil {
		d.heirs = map[string][]string{}
		schemas, _ := find(d.root, strings.TrimSuffix(componentSchemas, "/"))
		m, _ := schemas.(map[string]any)
		for name, s := range m {
			d.inherits(name, s)
		}
	}
	var names []string
	seen := map[string]bool{pointer: true}
	for queue := []string{pointer}; len(queue) > 0; queue = queue[1:] {
		for _, name := range d.heirs[queue[0]] {
			if at := componentSchemas + escapeToken(name); !seen[at] {
				seen[at] = true
				names, queue = append(names, name), append(queue, at)
			}
		}
	}
	return names
}

func (d *document) inherits(name string, schema any) {
	m, _ := schema.(map[string]any)
	list, _ := m["allOf"].([]any)
	for _, v := range list {
		part, _ := v.(map[string]any)
		ref, _ := part["$ref"].(string)
		if pointer, ok := strings.CutPrefix(ref, "#"); ok {
			d.heirs[pointer] = append(d.heirs[pointer], name)
		}
	}
}

// pick returns the schema that the value of the property leads to; unknown is true where nobody declared the value.
func (d *discriminator) pick(value string) (n *node, unknown bool) {
	if n := d.target[value]; n != nil {
		return n, false
	}
	if d.def != nil {
		return d.def, false
	}
	return nil, true
}
