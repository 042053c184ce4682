package schema

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
)

// An overlay marks values by their path in the message, besides what the schema marks.
type overlay struct{ root *branch }

// A branch is one level of the paths.
type branch struct {
	members  map[string]*branch
	elements *branch // [*]
	note     *Annotations
}

// Overlay returns a schema that also marks the values at these paths: "email", "a.b", "items[*].note", "[*].id". What a
// property of props says replaces what x-sallyport says of the same value, setting by setting. The error names every
// path that no message can have.
func (s *Schema) Overlay(props map[string]config.Property) (*Schema, error) {
	paths := make([]string, 0, len(props))
	for path := range props {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	o := &overlay{root: &branch{}}
	var errs []error
	for _, path := range paths {
		if err := o.add(s.plan, path, props[path]); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &Schema{plan: s.plan, overlay: o}, nil
}

func (o *overlay) add(plan *node, path string, p config.Property) error {
	tokens, err := splitPath(path)
	if err != nil {
		return err
	}
	at, nodes := o.root, []*node{plan}
	for _, t := range tokens {
		nodes = descend(nodes, t)
		if len(nodes) == 0 {
			return fmt.Errorf("no part of the schema has %q", path)
		}
		at = at.next(t)
	}
	at.note = &Annotations{Property: p}
	for _, n := range nodes {
		n.possible(func(n *node) {
			if at.note.Format == "" {
				at.note.Format = n.format
			}
			at.note.ReadOnly, at.note.WriteOnly = at.note.ReadOnly || n.read, at.note.WriteOnly || n.write
		})
	}
	return nil
}

const anyElement = "[*]"

// splitPath splits "items[*].note" into items, [*], note. The empty path is the root.
func splitPath(path string) ([]string, error) {
	var tokens []string
	whole := path
	for path != "" {
		if rest, ok := strings.CutPrefix(path, anyElement); ok {
			tokens, path = append(tokens, anyElement), rest
		} else {
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			tokens, path = append(tokens, path[:end]), path[end:]
		}
		name, dotted := strings.CutPrefix(path, ".")
		if last := tokens[len(tokens)-1]; last == "" || dotted && (name == "" || name[0] == '[') || !dotted && path != "" && path[0] != '[' {
			return nil, fmt.Errorf("%q is not a path like email, address.city or items[*].note", whole)
		}
		path = name
	}
	return tokens, nil
}

// descend are the schemas that a child may meet.
func descend(nodes []*node, token string) (children []*node) {
	for _, n := range nodes {
		if token != anyElement {
			children = append(children, n.children(token)...)
			continue
		}
		n.possible(func(n *node) {
			if n.array == nil {
				return
			}
			children = append(children, n.array.prefix...)
			for _, s := range []*node{n.array.items, n.array.unevaluated} {
				if s != nil {
					children = append(children, s)
				}
			}
		})
	}
	return children
}

func (s *branch) next(token string) *branch {
	if token == anyElement {
		if s.elements == nil {
			s.elements = &branch{}
		}
		return s.elements
	}
	if s.members == nil {
		s.members = map[string]*branch{}
	}
	if s.members[token] == nil {
		s.members[token] = &branch{}
	}
	return s.members[token]
}

// mark adds the marks of the paths.
func (o *overlay) mark(root *content.Node, marks []Mark) []Mark {
	m := &overlayMarks{marks: marks}
	m.visit(o.root, Mark{Node: root})
	return m.marks
}

type overlayMarks struct{ marks []Mark }

func (m *overlayMarks) visit(s *branch, at Mark) {
	if s.note != nil {
		m.put(at, s.note)
	}
	for i := range at.Node.Children {
		c := &at.Node.Children[i]
		switch {
		case at.Node.Kind == content.Array && s.elements != nil:
			m.visit(s.elements, Mark{Parent: at.Node, Node: c, Pointer: at.Pointer + "/" + fmt.Sprint(i)})
		case at.Node.Kind == content.Object && s.members[c.Name] != nil:
			m.visit(s.members[c.Name], Mark{Parent: at.Node, Node: c, Pointer: at.Pointer + "/" + escapeToken(c.Name)})
		}
	}
}

// put adds a mark, or lays it over those that the schema made of the same value.
func (m *overlayMarks) put(at Mark, note *Annotations) {
	laid := false
	for i := range m.marks {
		if m.marks[i].Node == at.Node {
			m.marks[i].Property = merge(m.marks[i].Property, note)
			laid = true
		}
	}
	if !laid {
		at.Property = note
		m.marks = append(m.marks, at)
	}
}

// merge returns under with what over says.
func merge(under, over *Annotations) *Annotations {
	a := *under
	if over.Owner != "" {
		a.Owner = over.Owner
	}
	if over.Kind != "" {
		a.Kind = over.Kind
	}
	if over.VisibleTo != nil {
		a.VisibleTo = over.VisibleTo
	}
	if over.Mask != "" {
		a.Mask = over.Mask
	}
	return &a
}
