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
var without = map[string]bool{"id": true, "phase": true, "t": true, "tag": true, "ver": true, "rev": true, "maturity": true, "accuracy": true, "status": true, "log": true, "nolog": true, "auditlog": true, "noauditlog": true,
	"pass": true, "block": true, "deny": true, "drop": true, "multiMatch": true}

// action compiles an action into l.
func (c *compiler) action(r *seclang.Rule, a seclang.Action, l *condition) error {
	var err error
	switch a.Name {
	case "capture":
		l.captures = true
	case "msg":
		l.message, err = compileMacro(a.Pos, a.Value)
	case "logdata":
		l.log, err = compileMacro(a.Pos, a.Value)
	case "setvar":
		err = c.setvar(a, l)
	case "ctl":
		err = c.control(a, l)
	case "severity":
		if !severities[strings.ToUpper(a.Value)] {
			return problem(a.Pos, "there is no severity %q", a.Value)
		}
	case "skipAfter":
		l.skip = a.Value
	case "skip":
		n, err := strconv.Atoi(a.Value)
		if err != nil || n < 1 {
			return problem(a.Pos, "skip takes a number of rules, not %q", a.Value)
		}
		l.skipN = n
	case "allow":
		if a.Value != "" && a.Value != "phase" && a.Value != "request" {
			return problem(a.Pos, "allow takes phase, request or nothing, not %q", a.Value)
		}
		l.allow, l.allowAll = true, a.Value != "phase"
	default:
		if !without[a.Name] {
			return problem(a.Pos, "the action %s is not supported", a.Name)
		}
	}
	return err
}

// severities are the words and numbers of the language.
var severities = map[string]bool{"EMERGENCY": true, "ALERT": true, "CRITICAL": true, "ERROR": true, "WARNING": true, "NOTICE": true, "INFO": true, "DEBUG": true,
	"0": true, "1": true, "2": true, "3": true, "4": true, "5": true, "6": true, "7": true}

// ofFirst are the actions that only the first rule of a chain can have.
var ofFirst = map[string]bool{"id": true, "phase": true, "severity": true, "tag": true, "skip": true, "skipAfter": true}

// laterLink demands that a link behind the first has no action that would be passed over.
func laterLink(r *seclang.Rule) error {
	for _, a := range r.Actions {
		if ofFirst[a.Name] || disruptive[a.Name] {
			return problem(a.Pos, "%s belongs to the first rule of the chain", a.Name)
		}
	}
	return nil
}

func (c *compiler) setvar(from seclang.Action, l *condition) (err error) {
	s := splitAssignment(from.Value)
	if s.collection != "tx" || s.key == "" {
		return problem(from.Pos, "setvar:%s: only variables of TX can be set", from.Value)
	}
	a := action{slot: -1, remove: s.remove}
	if a.key, err = compileMacro(from.Pos, s.key); err != nil {
		return err
	}
	if a.key.parts == nil {
		a.slot = c.slot(s.key)
	}
	if a.value, err = compileMacro(from.Pos, s.value); err != nil {
		return err
	}
	l.actions = append(l.actions, a)
	return nil
}

// elsewhere are controls of what our front does, whatever a rule says: bodies are parsed by their type, once.
var elsewhere = map[string]bool{"auditEngine": true, "auditLogParts": true, "debugLogLevel": true, "forceRequestBodyVariable": true,
	"forceResponseBodyVariable": true, "requestBodyAccess": true, "requestBodyLimit": true, "requestBodyProcessor": true, "responseBodyAccess": true,
	"responseBodyLimit": true, "responseBodyProcessor": true}

func (c *compiler) control(from seclang.Action, l *condition) error {
	kind, value, _ := strings.Cut(from.Value, "=")
	if elsewhere[kind] {
		return nil
	}
	k := &control{at: from.Pos, kind: kind, value: value}
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
		t, err := compileTarget(seclang.Target{Pos: from.Pos, Variable: strings.ToUpper(variable), Key: key, Regexp: isPattern})
		if err != nil {
			return err
		}
		k.value, k.target = selection, &t
	case !strings.HasPrefix(kind, "ruleRemove"):
		return problem(from.Pos, "the control %s=%s is not supported", kind, value)
	}
	l.actions = append(l.actions, action{control: k})
	return nil
}

// controls resolves which rules the controls of the program name, now that all are known.
func (c *compiler) controls() (err error) {
	c.program.eachLink(func(l *condition) {
		for i := range l.actions {
			if k := l.actions[i].control; err == nil && k != nil && !k.off {
				err = c.resolve(k)
			}
		}
	})
	return err
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
