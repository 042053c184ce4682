package openapi

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/content"
)

// gather makes objects of fields in brackets, where the encoding of the property says deepObject. Where some of a
// property's fields cannot be read as one object, all stay as they are: undeclared.
func (m *MediaType) gather(root *content.Node) {
	for _, name := range m.deep {
		s := m.shape.propertyOf(name)
		node := content.Node{Kind: content.Object, Name: name}
		if s.array && !s.object {
			node.Kind = content.Array
		}
		if ok := collect(root, &node, s); !ok || len(node.Children) == 0 {
			continue
		}
		first := node.Children[0]
		node.NameStart, node.Start, node.End = first.NameStart, first.Start, first.End
		root.Children = slices.DeleteFunc(slices.Clone(root.Children), func(n content.Node) bool { return inBrackets(n.Name, name) })
		root.Children = append(root.Children, node)
	}
}

func inBrackets(field, name string) bool {
	rest, ok := strings.CutPrefix(field, name)
	return ok && strings.HasPrefix(rest, "[")
}

// collect puts every field of an object in brackets below node; false where one cannot be read. That there is no field
// of the name without brackets, content has seen to.
func collect(root, node *content.Node, s *shape) bool {
	n := 0
	for i := range root.Children {
		c := &root.Children[i]
		if !inBrackets(c.Name, node.Name) {
			continue
		}
		fields := []content.Node{*c}
		if c.Kind == content.Array {
			fields = c.Children
		}
		path := c.Name[len(node.Name):]
		for _, f := range fields {
			if n++; n > maxElements || f.Kind != content.String || strings.Count(path, "[") > maxBrackets || s.insert(node, path, f) != "" {
				return false
			}
		}
	}
	return true
}
