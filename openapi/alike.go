package openapi

import (
	"fmt"
	"slices"
	"strings"
)

// Alike finds paths that are another spelling of a declared one for servers that pay no heed to case, to a slash at the
// end, or to dots and spaces there: most frameworks ignore one or the other. A gateway that lets pass what the document
// does not know must not take such a path for something new. It is immutable and safe for concurrent use.
type Alike struct{ root node }

// NewAlike builds it for the paths of these operations. It fails when a template cannot be read.
func NewAlike(ops []*Operation) (*Alike, error) {
	a := &Alike{}
	for _, op := range ops {
		segments, err := op.template()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op.Key, err)
		}
		leaf := &a.root
		for _, s := range slashed(segments) {
			parts := slices.Clone(s.parts)
			for i := range parts {
				parts[i] = strings.ToLower(parts[i])
			}
			leaf = leaf.grow(segment{parts, s.names})
		}
		leaf.ops = append(leaf.ops, op)
	}
	return a, nil
}

// slashed takes off the empty segment behind a slash at the end.
func slashed(segments []segment) []segment {
	if n := len(segments); n > 0 && segments[n-1].literal() && segments[n-1].parts[0] == "" {
		return segments[:n-1]
	}
	return segments
}

// Match reports whether the decoded segments of a canonical path, without the base path, spell a declared path.
func (a *Alike) Match(segments []string) bool {
	folded := make([]string, len(segments))
	for i, s := range segments {
		folded[i] = strings.ToLower(strings.TrimRight(s, ". "))
	}
	if n := len(folded); n > 0 && folded[n-1] == "" {
		folded = folded[:n-1]
	}
	leaf, _ := a.root.find(folded, nil)
	return leaf != nil
}
