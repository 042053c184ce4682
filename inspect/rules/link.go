package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// A linker brings directives together.
type linker struct {
	out    []seclang.Directive
	seen   map[int]*seclang.Rule
	denies [logging + 1]bool // by phase: rules that say nothing deny
	idle   []seclang.Directive
}

// link brings directives into the order of evaluation: phase by phase, in each phase as written, markers in all of them.
// Defaults apply to the rules behind them, changes and removals to those that stand before them. idle are changes and
// removals that have found no rule.
func link(list []seclang.Directive) (out, idle []seclang.Directive, mistakes []error) {
	l := &linker{seen: map[int]*seclang.Rule{}}
	for _, d := range list {
		if err := l.add(d); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	if err := l.goals(); err != nil {
		mistakes = append(mistakes, err)
	}
	return l.out, l.idle, mistakes
}

func (l *linker) add(d seclang.Directive) error {
	switch d := d.(type) {
	case *seclang.Rule:
		if before := l.seen[d.ID()]; before != nil {
			return problem(d.Pos, "rule %d is there already: %s:%d", d.ID(), before.File, before.Line)
		}
		phase, err := phaseOf(d.Actions, d.Pos)
		if err != nil {
			return err
		}
		l.seen[d.ID()] = d
		if l.denies[phase] && !slices.ContainsFunc(d.Actions, func(a seclang.Action) bool { return disruptive[a.Name] }) {
			d = with(d, seclang.Action{Pos: d.Pos, Name: "deny"})
		}
		l.out = append(l.out, d)
	case *seclang.Marker:
		l.out = append(l.out, d)
	case *seclang.Defaults:
		return l.defaults(d)
	case *seclang.Remove:
		before := len(l.out)
		l.out = slices.DeleteFunc(l.out, func(e seclang.Directive) bool {
			r, ok := e.(*seclang.Rule)
			return ok && selected(&d.Selection, r)
		})
		l.note(d, before != len(l.out))
	case *seclang.Update:
		found := false
		for i, e := range l.out {
			if r, ok := e.(*seclang.Rule); ok && selected(&d.Selection, r) {
				l.out[i], found = updated(r, d), true
			}
		}
		l.note(d, found)
	}
	return nil
}

func (l *linker) note(d seclang.Directive, found bool) {
	if !found {
		l.idle = append(l.idle, d)
	}
}

// defaults notes whether rules of a phase deny where they say nothing. Transformations and what describes a rule are
// nothing that all rules of a phase could share.
func (l *linker) defaults(d *seclang.Defaults) error {
	phase, err := phaseOf(d.Actions, d.Pos)
	if err != nil {
		return err
	}
	l.denies[phase] = false
	for _, a := range d.Actions {
		switch a.Name {
		case "deny", "drop":
			l.denies[phase] = true
		case "phase", "pass", "block", "log", "nolog", "auditlog", "noauditlog", "status", "capture":
		default:
			return problem(a.Pos, "%s is no default action", a.Name)
		}
	}
	return nil
}

// goals demands that every skipAfter has a marker behind it.
func (l *linker) goals() error {
	markers := map[string]bool{}
	for _, d := range slices.Backward(l.out) {
		switch d := d.(type) {
		case *seclang.Marker:
			markers[d.Name] = true
		case *seclang.Rule:
			for _, a := range d.Actions {
				if a.Name == "skipAfter" && !markers[a.Value] {
					return problem(a.Pos, "there is no SecMarker %q behind the rule", a.Value)
				}
			}
		}
	}
	return nil
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

// disruptive are the actions of which a rule has one.
var disruptive = map[string]bool{"deny": true, "drop": true, "block": true, "pass": true, "allow": true, "redirect": true, "proxy": true}

// many are the actions that a rule may have several of.
var many = map[string]bool{"t": true, "tag": true, "setvar": true, "ctl": true}

// updated is a copy of a rule with targets added or taken away, and actions replaced or added.
func updated(r *seclang.Rule, u *seclang.Update) *seclang.Rule {
	out := *r
	out.Targets = slices.Concat(r.Targets, u.Targets)
	return with(&out, u.Actions...)
}

// with is a copy of a rule with actions: those of which it can have one replace the one that it has.
func with(r *seclang.Rule, list ...seclang.Action) *seclang.Rule {
	out := *r
	out.Actions = slices.Clone(r.Actions)
	for _, a := range list {
		out.Actions = slices.DeleteFunc(out.Actions, func(b seclang.Action) bool {
			return b.Name == a.Name && !many[a.Name] || disruptive[a.Name] && disruptive[b.Name]
		})
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

// phaseOf is the phase that actions name, 2 where they name none.
func phaseOf(list []seclang.Action, at seclang.Pos) (int, error) {
	phase := ""
	for _, a := range list {
		if a.Name == "phase" {
			phase, at = strings.ToLower(a.Value), a.Pos
		}
	}
	switch phase {
	case "logging":
		phase = "5"
	case "", "request":
		return requestBody, nil
	case "response":
		return responseBody, nil
	}
	n, err := strconv.Atoi(phase)
	if n == logging {
		return 0, problem(at, "there is no phase of logging: what happened is in the record of the exchange")
	}
	if err != nil || n < requestHead || n > logging {
		return 0, problem(at, "there is no phase %q", phase)
	}
	return n, nil
}
