package openapi

import (
	"strings"

	"github.com/sallyport/sallyport/content"
)

// repeated reads an array of which each element is a pair of its own: ids=1&ids=2. A single pair may be a scalar
// where the schema allows that too.
func (d *decoder) repeated(slot int, s *slot, o occurrence) reading {
	if o.count > maxElements {
		return refuse(tooMany)
	}
	pairs := d.pairs(s)
	if o.count == 1 && s.shape.scalar() {
		if n := s.shape.node("", pairs[o.first].Value); s.shape.fits(n) {
			return reading{node: n}
		}
	}
	node := content.Node{Kind: content.Array, Children: make([]content.Node, 0, o.count)}
	for i := int(o.first); len(node.Children) < int(o.count) && i < len(pairs); i++ {
		if _, ok := d.belongs(slot, s, pairs[i].Name); ok {
			node.Children = append(node.Children, s.shape.items.node("", pairs[i].Value))
		}
	}
	return reading{node: node}
}

// spread reads an object of which each member is a pair of its own: R=100&G=200.
func (d *decoder) spread(slot int, s *slot, o occurrence) reading {
	if o.count > maxMembers+maxElements {
		return refuse(tooMany)
	}
	pairs := d.pairs(s)
	node := content.Node{Kind: content.Object, Children: make([]content.Node, 0, o.count)}
	for i, seen := int(o.first), 0; seen < int(o.count) && i < len(pairs); i++ {
		member, ok := d.belongs(slot, s, pairs[i].Name)
		if !ok {
			continue
		}
		if seen++; !member {
			if o.count > 1 {
				return refuse("must be given once")
			}
			return reading{node: s.shape.node("", pairs[i].Value)}
		}
		if detail := s.shape.put(&node, pairs[i].Name, pairs[i].Value); detail != "" {
			return refuse(detail)
		}
	}
	return reading{node: node}
}

// put adds a member to an object; a member that is an array takes one element more.
func (s *shape) put(node *content.Node, name, value string) string {
	m := s.member(name)
	if m == nil {
		m = anyText
	}
	known := node.Get(name)
	switch {
	case known == nil && len(node.Children) >= maxMembers:
		return tooMany
	case known == nil && m.array && !m.scalar():
		node.Children = append(node.Children, content.Node{Kind: content.Array, Name: name, Children: []content.Node{m.items.node("", value)}})
	case known == nil:
		node.Children = append(node.Children, s.child(name, value))
	case known.Kind == content.Array:
		if len(known.Children) >= maxElements {
			return tooMany
		}
		known.Children = append(known.Children, m.items.node("", value))
	default:
		return "has a member twice"
	}
	return ""
}

// brackets reads a deepObject: filter[name]=x&filter[tags][]=a. OpenAPI defines one level; deeper ones are read as
// everybody reads them. An index never allocates: elements must come in order.
func (d *decoder) brackets(slot int, s *slot, o occurrence) reading {
	if o.count > maxElements {
		return refuse(tooMany)
	}
	pairs := d.pairs(s)
	node := content.Node{Kind: content.Object}
	if s.shape.array && !s.shape.object {
		node.Kind = content.Array
	}
	for i, seen := int(o.first), 0; seen < int(o.count) && i < len(pairs); i++ {
		member, ok := d.belongs(slot, s, pairs[i].Name)
		if !ok {
			continue
		}
		seen++
		if !member {
			if o.count > 1 {
				return refuse("must be given once")
			}
			return s.plain(pairs[i].Value)
		}
		path := pairs[i].Name[len(s.param.Name):]
		if strings.Count(path, "[") > maxBrackets {
			return refuse("is nested too deeply")
		}
		if detail := s.shape.insert(&node, path, content.Node{Text: pairs[i].Value}); detail != "" {
			return refuse(detail)
		}
	}
	return reading{node: node}
}

// knows reports whether the first member of a path such as "[a][b]" is declared. What is malformed counts as known, so
// that it becomes an error of the parameter.
func (s *shape) knows(path string) bool {
	key, _, ok := strings.Cut(path[1:], "]")
	return !ok || key == "" || strings.IndexByte(key, '[') >= 0 || !s.object || s.array || s.member(key) != nil
}

// plain reads a deepObject parameter that is given without brackets, which only alternatives to an object can be.
func (s *slot) plain(value string) reading {
	if !s.shape.scalar() {
		return refuse("must be of the form name[member]=value")
	}
	return reading{node: s.shape.node("", value)}
}

const badBrackets = "must be of the form name[member]=value, with elements of arrays in order"

// insert puts the text of field, with its place in the body, at a path such as "[a][b]" below node, which the shape
// describes. What follows "[]" is refused: some readers begin a new element with each, others when a member repeats.
func (s *shape) insert(node *content.Node, path string, field content.Node) string {
	key, rest, ok := strings.Cut(path, "]")
	if !ok || len(key) == 0 || key[0] != '[' || strings.IndexByte(key[1:], '[') >= 0 {
		return badBrackets
	}
	key = key[1:]
	if key == "" && rest != "" {
		return badBrackets
	}
	var child *content.Node
	var below *shape
	if node.Kind == content.Array {
		if key != "" {
			if i, ok := index(key); !ok || (i != len(node.Children) && (i != len(node.Children)-1 || rest == "")) {
				return badBrackets
			} else if i < len(node.Children) {
				child = &node.Children[i]
			}
		}
		below = s.items
	} else {
		if key == "" {
			return badBrackets
		}
		child, below = node.Get(key), s.member(key)
	}
	if below == nil {
		below = anyText
	}
	return below.descend(node, child, key, rest, field)
}

// descend writes a value, or goes on below a child, which is made when it is not there yet.
func (s *shape) descend(node, child *content.Node, key, rest string, field content.Node) string {
	if child == nil && len(node.Children) >= maxMembers {
		return tooMany
	}
	name := key
	if node.Kind == content.Array {
		name = ""
	}
	if rest == "" && (!s.array || s.scalar()) {
		if child != nil {
			return "has a member twice"
		}
		n := s.leaf(name, field.Text)
		n.NameStart, n.Start, n.End = field.NameStart, field.Start, field.End
		node.Children = append(node.Children, n)
		return ""
	}
	if child == nil {
		kind := content.Object
		if s.array && (!s.object || rest == "" || strings.HasPrefix(rest, "[]")) {
			kind = content.Array
		}
		node.Children = append(node.Children, content.Node{Kind: kind, Name: name, NameStart: field.NameStart, Start: field.Start, End: field.End})
		child = &node.Children[len(node.Children)-1]
	}
	if child.Kind != content.Object && child.Kind != content.Array {
		return badBrackets
	}
	if rest == "" { // filter[tags]=a&filter[tags]=b
		return s.insert(child, "[]", field)
	}
	return s.insert(child, rest, field)
}

func (s *shape) leaf(name, value string) content.Node {
	if !s.scalar() {
		return anyText.node(name, value)
	}
	return s.node(name, value)
}
