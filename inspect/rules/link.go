package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// link brings directives into the order of evaluation: phase by phase, in each phase as written, markers in all of them.
// Changes and removals apply to the rules that stand before them.
func link(list []seclang.Directive) ([]seclang.Directive, error) {
	var out []seclang.Directive
	seen := map[int]*seclang.Rule{}
	for _, d := range list {
		switch d := d.(type) {
		case *seclang.Rule:
			if before := seen[d.ID()]; before != nil {
				return nil, problem(d.Pos, "rule %d is there already: %s:%d", d.ID(), before.File, before.Line)
			}
			seen[d.ID()] = d
			out = append(out, d)
		case *seclang.Marker:
			out = append(out, d)
		case *seclang.Remove:
			out = slices.DeleteFunc(out, func(e seclang.Directive) bool {
				r, ok := e.(*seclang.Rule)
				return ok && selected(&d.Selection, r)
			})
		case *seclang.Update:
			for i, e := range out {
				if r, ok := e.(*seclang.Rule); ok && selected(&d.Selection, r) {
					out[i] = updated(r, d)
				}
			}
		}
	}
	return out, nil
}

func selected(s *seclang.Selection, r *seclang.Rule) bool {
	switch {
	case s.Tag != "":
		return slices.ContainsFunc(r.Actions, func(a seclang.Action) bool { return a.Name == "tag" && matches(s.Tag, a.Value) })
	case s.Msg != "":
		return matches(s.Msg, r.Value("msg"))
	}
	return slices.ContainsFunc(s.IDs, func(ids [2]int) bool { return ids[0] <= r.ID() && r.ID() <= ids[1] })
}

func matches(expr, text string) bool {
	ok, err := regexp.MatchString(expr, text)
	return ok && err == nil // the parser has compiled it
}

// updated is a copy of a rule with targets added or taken away, and actions replaced by name.
func updated(r *seclang.Rule, u *seclang.Update) *seclang.Rule {
	out := *r
	out.Targets = slices.Concat(r.Targets, u.Targets)
	for _, a := range u.Actions {
		out.Actions = slices.DeleteFunc(slices.Clone(out.Actions), func(b seclang.Action) bool { return b.Name == a.Name })
		out.Actions = append(out.Actions, a)
	}
	return &out
}

// phases of the rule language.
const (
	requestHead = 1 + iota
	requestBody
	responseHead
	responseBody
	logging
)

// phaseOf is the phase of a rule, 2 where it says nothing.
func phaseOf(r *seclang.Rule) (int, error) {
	switch v := strings.ToLower(r.Value("phase")); v {
	case "", "request":
		return requestBody, nil
	case "response":
		return responseBody, nil
	case "logging":
		return logging, nil
	default:
		n, err := strconv.Atoi(v)
		if err != nil || n < requestHead || n > logging {
			return 0, problem(r.Pos, "there is no phase %q", v)
		}
		return n, nil
	}
}
