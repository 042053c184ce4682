package rules

import (
	"strings"

	"github.com/sallyport/sallyport/inspect/pattern"
	"github.com/sallyport/sallyport/inspect/seclang"
	"github.com/sallyport/sallyport/inspect/transform"
)

// rule compiles one rule with its chain, unless it is decided. goal is the marker to which folding skips.
func (c *compiler) rule(r *seclang.Rule, phase int) (goal string, kept bool, err error) {
	switch decided, holds, err := c.fold.decide(r); {
	case err != nil:
		return "", false, err
	case decided && !holds:
		return "", false, nil
	case decided && c.fold.apply(r):
		return r.Value("skipAfter"), false, nil
	}
	first := &condition{rule: &Rule{ID: r.ID(), Phase: phase, Severity: strings.ToUpper(r.Value("severity")), File: r.File, Line: r.Line}}
	for _, a := range r.Actions {
		switch a.Name {
		case "tag":
			first.rule.Tags = append(first.rule.Tags, a.Value)
		case "deny", "drop", "block":
			first.rule.Denies = true
		}
	}
	if err := c.links(r, first, phase); err != nil || first.barren() {
		return "", false, err
	}
	c.program.rules = append(c.program.rules, first.rule)
	c.program.phases[phase] = append(c.program.phases[phase], first)
	if first.skipN > 0 {
		c.fold.skips = append(c.fold.skips, &openSkip{first, first.skipN})
	}
	c.all = append(c.all, r)
	return "", true, nil
}

// links compiles a rule and those that are chained to it.
func (c *compiler) links(r *seclang.Rule, l *condition, phase int) error {
	for {
		if err := c.fill(r, l, phase); err != nil {
			return err
		}
		c.fold.vary(r)
		if r = r.Next; r == nil {
			return nil
		}
		if err := laterLink(r); err != nil {
			return err
		}
		l.next = &condition{rule: l.rule}
		l = l.next
	}
}

// verify looks for mistakes in a rule that is left out: whoever raises the paranoia level, or sets another switch, should
// not be the first to see them.
func (c *compiler) verify(r *seclang.Rule, phase int) error {
	if c.options.Proven != nil && c.options.Proven(r.File) {
		return nil
	}
	aside := newCompiler(Options{Data: c.options.Data, Budget: pattern.NewBudget(0)})
	first := &condition{}
	if err := aside.links(r, first, phase); err != nil {
		return err
	}
	for l := first; l != nil; l = l.next {
		for i := range l.actions {
			if k := l.actions[i].control; k != nil {
				if _, _, err := k.ids(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// fill compiles one link: its targets, transformation, operator and actions.
func (c *compiler) fill(r *seclang.Rule, l *condition, phase int) (err error) {
	if len(r.Targets) > 0 {
		if l.targets, err = compileTargets(r.Targets); err != nil {
			return err
		}
		if err := visible(r.Targets, phase); err != nil {
			return err
		}
		if l.test, err = c.test(r); err != nil {
			return err
		}
	}
	for _, a := range r.Actions {
		if err := c.action(r, a, l); err != nil {
			return err
		}
	}
	return nil
}

// test finds or makes the test of a condition. Operators with a macro are not shared: they depend on the run anyway.
func (c *compiler) test(r *seclang.Rule) (*test, error) {
	var names []string
	multi := false
	for _, a := range r.Actions {
		switch a.Name {
		case "t":
			if _, err := transform.NewChain(a.Value); err != nil {
				return nil, problem(a.Pos, "%v", err)
			}
			if names = append(names, a.Value); a.Value == "none" {
				names = nil
			}
		case "multiMatch":
			multi = true
		}
	}
	t := &test{}
	t.chain, _ = transform.NewChain(names...) // each of them has been checked
	if multi {
		for i := range names {
			step, _ := transform.NewChain(names[i])
			t.steps = append(t.steps, step)
		}
	}
	operator := r.Operator
	if argument, constant := c.fold.expand(operator.Argument); constant && comparisons[operator.Name] != nil && checkArgument(operator, argument) == nil {
		operator.Argument = argument // no message changes it
	}
	key := strings.Join([]string{strings.Join(names, ","), operator.Name, operator.Argument}, "\x00")
	if multi {
		key = "multi\x00" + key
	}
	if r.Operator.Negated {
		key = "not\x00" + key
	}
	if known := c.tests[key]; known != nil {
		return known, nil
	}
	var err error
	if t.op, err = c.compileOperator(operator); err != nil {
		return nil, err
	}
	t.number = len(c.program.tests)
	t.told = t.op.pattern != nil && t.exact() && pattern.Weak(t.op.literals) && t.op.pattern.Telling()
	t.shared = t.told && pattern.Common(t.op.literals)
	c.program.tests, c.tests[key] = append(c.program.tests, t), t
	return t, nil
}

// pattern shares automata between rules.
func (c *compiler) pattern(expr string, binary bool) (*pattern.Pattern, error) {
	key := expr
	if binary {
		key = "binary\x00" + expr
	}
	if p := c.patterns[key]; p != nil {
		return p, nil
	}
	p, err := pattern.Compile(expr, binary, c.options.Budget)
	if err == nil {
		c.patterns[key] = p
	}
	return p, err
}
