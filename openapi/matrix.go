package openapi

import (
	"slices"
	"strings"
)

// Matrix reports whether the operation has path parameters of style matrix, the only ones whose values hold a ";".
func (o *Operation) Matrix() bool { return slices.ContainsFunc(o.Params, (*Param).matrix) }

func (p *Param) matrix() bool { return p.In == "path" && p.Style == "matrix" && p.Media == "" }

// Semicolons counts the ";" that matrix parameters write in args, the values of the template's parameters. It is -1
// where one of them is not at the beginning of ";name" or ";name=value" with the name of the parameter, or of a member
// of an exploded object. The caller refuses a path that has more of them: servers that drop what follows a ";" would
// read another path than the one that was matched.
func (o *Operation) Semicolons(args []string) int {
	if o.plan == nil {
		return 0 // not from a document
	}
	n := 0
	for i, slot := range o.plan.path {
		if i >= len(args) || !strings.Contains(args[i], ";") {
			continue
		}
		if slot == skip || !o.plan.slots[slot].param.matrix() || !o.plan.slots[slot].writes(args[i]) {
			return -1
		}
		n += strings.Count(args[i], ";")
	}
	return n
}

// writes reports whether text has the form that the parameter's style gives it.
func (s *slot) writes(text string) bool {
	rest, ok := strings.CutPrefix(text, ";")
	if !ok {
		return false
	}
	parts := 0
	for part := range strings.SplitSeq(rest, ";") {
		name, _, _ := strings.Cut(part, "=")
		if member := s.param.Explode && s.shape.object && s.shape.props[name] != nil; !member && name != s.param.Name {
			return false
		}
		parts++
	}
	return parts == 1 || s.param.Explode
}
