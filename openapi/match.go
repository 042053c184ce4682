package openapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A Matcher finds the operation of a request. Cost grows with the length of the path, not with the number of
// operations. It is immutable and safe for concurrent use.
//
// The path decides first and the method second: where /users/me declares GET only, DELETE /users/me is refused even
// if /users/{id} has DELETE, because the document does not say that "me" is such an id. HEAD finds the operation of GET.
type Matcher struct{ root node }

// A node is what follows a prefix of segments.
type node struct {
	literal map[string]*node
	partial []branch // "{name}.json": more fixed characters first
	any     *node    // "{name}"
	ops     []*Operation
	allow   []string // methods that find an operation, sorted
}

type branch struct {
	segment segment
	next    *node
}

// A Match is what a Matcher says about a request.
type Match struct {
	// Operation is nil when the path is unknown, or known with other methods only.
	Operation *Operation
	// Args are the values of the template's parameters, in template order, percent-decoded.
	Args []string
	// Allow lists the methods of the path, sorted, when only the method is wrong. It is shared: do not change it.
	Allow []string
}

// NewMatcher builds a matcher. It fails when a template cannot be read, or two operations would match the same requests.
func NewMatcher(ops []*Operation) (*Matcher, error) {
	m := &Matcher{}
	for _, op := range ops {
		segments, err := op.template()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op.Key, err)
		}
		leaf := &m.root
		for _, s := range segments {
			leaf = leaf.grow(s)
		}
		if i := slices.IndexFunc(leaf.ops, func(o *Operation) bool { return o.Method == op.Method }); i >= 0 {
			return nil, fmt.Errorf("%s and %s match the same requests", leaf.ops[i].Key, op.Key)
		}
		leaf.declare(op)
	}
	return m, nil
}

// template is the parsed path; operations that were not loaded from a document parse it here.
func (o *Operation) template() ([]segment, error) {
	if o.segments != nil {
		return o.segments, nil
	}
	if !strings.HasPrefix(o.Path, "/") {
		return nil, fmt.Errorf("%q is not a path", o.Path)
	}
	return parseTemplate(o.Path)
}

func (n *node) grow(s segment) *node {
	switch {
	case s.literal():
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		if n.literal[s.parts[0]] == nil {
			n.literal[s.parts[0]] = &node{}
		}
		return n.literal[s.parts[0]]
	case s.whole():
		if n.any == nil {
			n.any = &node{}
		}
		return n.any
	}
	for _, b := range n.partial {
		if slices.Equal(b.segment.parts, s.parts) {
			return b.next
		}
	}
	b := branch{s, &node{}}
	n.partial = append(n.partial, b)
	slices.SortStableFunc(n.partial, func(x, y branch) int { return y.segment.weight() - x.segment.weight() })
	return b.next
}

// declare adds an operation, and what its path allows by it.
func (n *node) declare(op *Operation) {
	n.ops = append(n.ops, op)
	n.allow = append(n.allow, op.Method)
	if n.operation(http.MethodHead) != nil {
		n.allow = append(n.allow, http.MethodHead)
	}
	slices.Sort(n.allow)
	n.allow = slices.Compact(n.allow)
}

// operation is the one for a method, or nil. HEAD is GET without content (RFC 9110, section 9.3.2), so it is the
// operation of GET where the path declares no HEAD; not where GET streams, since such an answer has no end to wait for.
func (n *node) operation(method string) *Operation {
	var get *Operation
	for _, op := range n.ops {
		if op.Method == method {
			return op
		}
		if op.Method == http.MethodGet && op.Ext.Streaming == "" {
			get = op
		}
	}
	if method == http.MethodHead {
		return get
	}
	return nil
}

// Match finds the operation for a method and the decoded segments of a canonical path, without the base path.
// Comparison is case-sensitive. A concrete segment is preferred to a templated one, from the left.
func (m *Matcher) Match(method string, segments []string) Match {
	var buffer [16]string
	leaf, args := m.root.find(segments, buffer[:0])
	if leaf == nil {
		return Match{}
	}
	if op := leaf.operation(method); op != nil {
		return Match{Operation: op, Args: slices.Clone(args)}
	}
	return Match{Allow: leaf.allow}
}

// find walks down with backtracking. Each node of the trie is visited at most once, because the trie is a tree.
func (n *node) find(segments, args []string) (*node, []string) {
	if len(segments) == 0 {
		if len(n.ops) == 0 {
			return nil, nil
		}
		return n, args
	}
	first, rest := segments[0], segments[1:]
	if next := n.literal[first]; next != nil {
		if leaf, out := next.find(rest, args); leaf != nil {
			return leaf, out
		}
	}
	for i := range n.partial {
		if out, ok := n.partial[i].segment.match(first, args); ok {
			if leaf, out := n.partial[i].next.find(rest, out); leaf != nil {
				return leaf, out
			}
		}
	}
	if n.any != nil && first != "" {
		return n.any.find(rest, append(args, first))
	}
	return nil, nil
}
