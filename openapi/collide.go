package openapi

import "slices"

// collisions reports templates that match the same paths.
func (b *builder) collisions() {
	bySize := map[int][]*Operation{}
	for _, op := range b.doc.Operations {
		bySize[len(op.segments)] = append(bySize[len(op.segments)], op)
	}
	for _, ops := range bySize {
		var firsts []*Operation // one for each template
		for _, op := range ops {
			b.collide(op, firsts)
			if len(firsts) == 0 || firsts[len(firsts)-1].Path != op.Path {
				firsts = append(firsts, op)
			}
		}
	}
}

func (b *builder) collide(op *Operation, others []*Operation) {
	for _, o := range others {
		if o.Path == op.Path {
			continue
		}
		switch relate(o.segments, op.segments) {
		case identical:
			if o.Method == op.Method {
				b.fail(op.place, "spec.ambiguous_path", "remove one of them", "%s and %s are the same path", op.Key, o.Key)
			} else {
				b.warn(op.place, "spec.ambiguous_path", "give the parameters the same names", "%s and %s are one path with different parameter names", op.Path, o.Path)
			}
		case crossing:
			b.warn(op.place, "spec.ambiguous_path", "the one whose first differing part is fixed wins here; make sure the service agrees", "%s and %s match some paths both", op.Path, o.Path)
		}
	}
}

type relation uint8

const (
	disjoint  relation = iota
	ordered            // some paths match both, and one is more concrete throughout
	identical          // all paths match both or neither
	crossing           // some paths match both, and neither is more concrete
)

// relate compares two templates of the same length.
func relate(a, b []segment) relation {
	var left, right bool // a, or b, is more concrete somewhere
	for i := range a {
		x, y := a[i], b[i]
		if !x.overlaps(y) {
			return disjoint
		}
		switch {
		case slices.Equal(x.parts, y.parts):
		case x.literal() || (y.whole() && !x.whole()):
			left = true
		case y.literal() || (x.whole() && !y.whole()):
			right = true
		default:
			left, right = true, true
		}
	}
	switch {
	case left && right:
		return crossing
	case left || right:
		return ordered
	}
	return identical
}
