package schema

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
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

// mark lays the paths over the marks that the schema made: the same value gets one annotation that says both.
func (o *overlay) mark(root *content.Node, marks []Mark) []Mark {
	laid := o.root.visit(Mark{Node: root}, nil)
	if len(laid) == 0 || len(marks) == 0 {
		return append(marks, laid...)
	}
	notes := make(map[*content.Node]*Annotations, len(laid))
	for i := range laid {
		notes[laid[i].Node] = laid[i].Property
	}
	met := map[*content.Node]bool{}
	for i := range marks {
		if note := notes[marks[i].Node]; note != nil {
			marks[i].Property, met[marks[i].Node] = merge(marks[i].Property, note), true
		}
	}
	for i := range laid {
		if !met[laid[i].Node] {
			marks = append(marks, laid[i])
		}
	}
	return marks
}

// visit appends a mark for every value that a path leads to.
func (s *branch) visit(at Mark, marks []Mark) []Mark {
	if s.note != nil {
		at.Property = s.note
		marks = append(marks, at)
	}
	for i := range at.Node.Children {
		c := &at.Node.Children[i]
		next, token := s.elements, ""
		if at.Node.Kind == content.Object {
			next, token = s.members[c.Name], c.Name
		} else if next != nil {
			token = strconv.Itoa(i)
		}
		if next != nil {
			marks = next.visit(Mark{Parent: at.Node, Node: c, Pointer: at.Pointer + "/" + escapeToken(token)}, marks)
		}
	}
	return marks
}

// any reports whether what holds of a note here or below.
func (s *branch) any(what func(*Annotations) bool) bool {
	if s == nil {
		return false
	}
	if s.note != nil && what(s.note) || s.elements.any(what) {
		return true
	}
	for _, m := range s.members {
		if m.any(what) {
			return true
		}
	}
	return false
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
