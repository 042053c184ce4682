package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// An action changes a run when its condition holds for a value: a variable is set, or rules are taken away.
type action struct {
	slot    int   // of the variable; -1: key tells its name
	key     macro // lower case
	value   macro
	remove  bool
	control *control
}

// A control takes rules, or targets of rules, away from the rest of a run.
type control struct {
	covers map[int]bool // ids of the rules
	target *target      // nil: the whole rule
	off    bool         // ruleEngine=Off: all rules
	at     seclang.Pos
	kind   string
	value  string
}

// without are the actions that mean nothing here: what happens to a message is decided on the other side of the seam, by
// score, and logs are written from records.
var without = map[string]bool{"id": true, "phase": true, "t": true, "tag": true, "severity": true, "msg": true, "logdata": true, "ver": true,
	"rev": true, "maturity": true, "accuracy": true, "status": true, "log": true, "nolog": true, "auditlog": true, "noauditlog": true,
	"pass": true, "block": true, "deny": true, "drop": true, "multiMatch": true}

// action compiles an action into l.
func (c *compiler) action(r *seclang.Rule, a seclang.Action, l *condition) error {
	switch a.Name {
	case "capture":
		l.captures = true
	case "setvar":
		return c.setvar(r, a.Value, l)
	case "ctl":
		return c.control(r, a.Value, l)
	case "skipAfter":
		l.skip = a.Value
	case "skip":
		n, err := strconv.Atoi(a.Value)
		if err != nil || n < 1 {
			return problem(r.Pos, "skip takes a number of rules, not %q", a.Value)
		}
		l.skipN = n
	case "allow":
		l.allow = true
	default:
		if !without[a.Name] {
			return problem(r.Pos, "the action %s is not supported", a.Name)
		}
	}
	return nil
}

func (c *compiler) setvar(r *seclang.Rule, text string, l *condition) (err error) {
	s := splitAssignment(text)
	if s.collection != "tx" || s.key == "" {
		return problem(r.Pos, "setvar:%s: only variables of TX can be set", text)
	}
	a := action{slot: -1, remove: s.remove}
	if a.key, err = compileMacro(r.Pos, s.key); err != nil {
		return err
	}
	if a.key.parts == nil {
		a.slot = c.slot(s.key)
	}
	if a.value, err = compileMacro(r.Pos, s.value); err != nil {
		return err
	}
	l.actions = append(l.actions, a)
	return nil
}

// elsewhere are controls of what our front does, whatever a rule says: bodies are parsed by their type, once.
var elsewhere = map[string]bool{"auditEngine": true, "auditLogParts": true, "debugLogLevel": true, "forceRequestBodyVariable": true,
	"forceResponseBodyVariable": true, "requestBodyAccess": true, "requestBodyLimit": true, "requestBodyProcessor": true, "responseBodyAccess": true,
	"responseBodyLimit": true, "responseBodyProcessor": true}

func (c *compiler) control(r *seclang.Rule, text string, l *condition) error {
	kind, value, _ := strings.Cut(text, "=")
	if elsewhere[kind] {
		return nil
	}
	k := &control{at: r.Pos, kind: kind, value: value}
	switch {
	case kind == "ruleEngine" && strings.EqualFold(value, "Off"):
		k.off = true
	case strings.HasPrefix(kind, "ruleRemoveTarget"):
		selection, text, _ := strings.Cut(value, ";")
		variable, key, _ := strings.Cut(text, ":")
		expr, isPattern := strings.CutPrefix(key, "/")
		if isPattern = isPattern && strings.HasSuffix(expr, "/"); isPattern {
			key = strings.TrimSuffix(expr, "/")
		}
		t, err := compileTarget(r.Pos, seclang.Target{Variable: strings.ToUpper(variable), Key: key, Regexp: isPattern})
		if err != nil {
			return err
		}
		k.value, k.target = selection, &t
	case !strings.HasPrefix(kind, "ruleRemove"):
		return problem(r.Pos, "the control %s=%s is not supported", kind, value)
	}
	l.actions = append(l.actions, action{control: k})
	return nil
}

// controls resolves which rules the controls of the program name, now that all are known.
func (c *compiler) controls() error {
	for _, list := range c.program.phases {
		for _, first := range list {
			for l := first; l != nil; l = l.next {
				for i := range l.actions {
					if k := l.actions[i].control; k != nil && !k.off {
						if err := c.resolve(k); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	return nil
}

func (c *compiler) resolve(k *control) error {
	k.covers = map[int]bool{}
	from, to, err := k.ids()
	if err != nil {
		return err
	}
	for _, r := range c.all {
		covered := false
		switch {
		case strings.HasSuffix(k.kind, "ByTag"):
			covered = slices.ContainsFunc(r.Actions, func(a seclang.Action) bool { return a.Name == "tag" && a.Value == k.value })
		case strings.HasSuffix(k.kind, "ByMsg"):
			covered = r.Value("msg") == k.value
		default:
			covered = from <= r.ID() && r.ID() <= to
		}
		if covered {
			k.covers[r.ID()] = true
		}
	}
	return nil
}

func (k *control) ids() (from, to int, err error) {
	if !strings.HasSuffix(k.kind, "ById") {
		return 0, 0, nil
	}
	first, last, isRange := strings.Cut(k.value, "-")
	if !isRange {
		last = first
	}
	from, err1 := strconv.Atoi(strings.TrimSpace(first))
	to, err2 := strconv.Atoi(strings.TrimSpace(last))
	if err1 != nil || err2 != nil {
		return 0, 0, problem(k.at, "%s names %q, which is neither an id nor a range", k.kind, k.value)
	}
	return from, to, nil
}
