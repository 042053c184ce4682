package rules

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// A folder decides at build time what configuration alone decides: which rules of a paranoia level are on, which values
// thresholds and lists have. It walks through the rules as a message would, and knows the TX variables that are the same
// for every message.
type folder struct {
	known   map[string]string // TX by name
	varying map[string]bool   // TX that a message can change
	prefix  []string          // beginnings of names that a message completes
	pending map[string]bool   // markers to which a message may skip: what lies before them may not be reached
	skips   []*openSkip       // the same, by number of rules
	allowed bool              // a message may have been let pass before
}

// An openSkip is a condition whose skip has not passed over all its rules yet.
type openSkip struct {
	from *condition
	left int
}

// decide evaluates a rule whose conditions ask for known TX variables only.
func (f *folder) decide(r *seclang.Rule) (decided, holds bool, err error) {
	for ; r != nil; r = r.Next {
		decided, holds := f.condition(r)
		if !decided || !holds {
			return decided, false, nil
		}
	}
	return true, true, nil
}

func (f *folder) condition(r *seclang.Rule) (decided, holds bool) {
	if len(r.Targets) == 0 {
		return true, true
	}
	compare, ok := comparisons[r.Operator.Name]
	argument, constant := f.expand(r.Operator.Argument)
	if !ok || !constant || slices.ContainsFunc(r.Actions, func(a seclang.Action) bool { return a.Name == "t" && a.Value != "none" }) {
		return false, false
	}
	for _, t := range r.Targets {
		name := strings.ToLower(t.Key)
		if t.Variable != "TX" || t.Key == "" || t.Regexp || t.Negated || f.varies(name) {
			return false, false
		}
		value, set := f.known[name]
		if t.Count {
			if value = "0"; set {
				value = "1"
			}
			set = true
		}
		holds = holds || set && compare(value, argument) != r.Operator.Negated
	}
	return true, holds
}

func (f *folder) varies(name string) bool {
	return f.varying[name] || slices.ContainsFunc(f.prefix, func(p string) bool { return strings.HasPrefix(name, p) })
}

// expand replaces %{tx.name} of known variables. It fails where something else is asked for.
func (f *folder) expand(text string) (string, bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "%{")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, after, closed := strings.Cut(rest, "}")
		name, isTX := strings.CutPrefix(strings.ToLower(name), "tx.")
		if !closed || !isTX || f.varies(name) {
			return "", false
		}
		b.WriteString(f.known[name])
		text = after
	}
}

// foldable are the actions of a rule that may disappear once it is decided.
var foldable = map[string]bool{"id": true, "phase": true, "t": true, "pass": true, "nolog": true, "noauditlog": true, "log": true, "auditlog": true,
	"msg": true, "tag": true, "ver": true, "rev": true, "setvar": true, "skipAfter": true}

// apply takes the effects of a rule that holds for every message into what is known. It returns false, and changes
// nothing, where the rule has to stay in the program.
func (f *folder) apply(r *seclang.Rule) bool {
	if f.skipsOnly(r) {
		return true
	}
	if len(f.pending) > 0 || len(f.skips) > 0 || f.allowed {
		return false
	}
	after := maps.Clone(f.known)
	for at := r; at != nil; at = at.Next {
		for _, a := range at.Actions {
			if !foldable[a.Name] || a.Name == "setvar" && !f.assign(after, a.Value) {
				return false
			}
		}
	}
	f.known = after
	return true
}

// skipsOnly reports whether a rule does nothing but skip to the one marker to which a message may be on its way already: the
// rules between are passed over, whether it is reached or not.
func (f *folder) skipsOnly(r *seclang.Rule) bool {
	goal := r.Value("skipAfter")
	return r.Next == nil && len(f.pending) == 1 && f.pending[goal] && goal != "" && len(f.skips) == 0 && !f.allowed &&
		!slices.ContainsFunc(r.Actions, func(a seclang.Action) bool { return !foldable[a.Name] || a.Name == "setvar" })
}

func (f *folder) assign(known map[string]string, assignment string) bool {
	s := splitAssignment(assignment)
	value, constant := f.expand(s.value)
	if s.collection != "tx" || s.key == "" || strings.Contains(s.key, "%{") || !constant || f.varies(s.key) {
		return false
	}
	if s.remove {
		delete(known, s.key)
		return true
	}
	known[s.key] = computed(known[s.key], value)
	return true
}

// vary notes what a rule that stays may change, and where it may skip to.
func (f *folder) vary(r *seclang.Rule) {
	for _, a := range r.Actions {
		switch a.Name {
		case "setvar":
			s := splitAssignment(a.Value)
			if fixed, _, dynamic := strings.Cut(s.key, "%{"); dynamic {
				f.prefix = append(f.prefix, fixed)
			}
			f.varying[s.key] = true
		case "skipAfter", "allow":
			if f.pending == nil {
				f.pending = map[string]bool{}
			}
			goal := a.Value
			if a.Name == "allow" {
				goal, f.allowed = "", f.allowed || a.Value != "phase" // "" is reached at the end of the phase
			}
			f.pending[goal] = true
		}
	}
}

// reach notes that a marker, or the end of a phase, is reached.
func (f *folder) reach(marker string) {
	if delete(f.pending, marker); marker == "" {
		clear(f.pending)
	}
}

// An assignment is the value of setvar: tx.name=value, tx.name=+5, !tx.name.
type assignment struct {
	collection, key, value string
	remove                 bool
}

func splitAssignment(text string) assignment {
	name, value, _ := strings.Cut(text, "=")
	name, remove := strings.CutPrefix(strings.TrimSpace(name), "!")
	collection, key, _ := strings.Cut(name, ".")
	return assignment{strings.ToLower(collection), strings.ToLower(key), strings.TrimSpace(value), remove}
}

// computed is what a variable holds after an assignment: +N and -N count, where N is a number.
func computed(current, value string) string {
	if value == "" || value[0] != '+' && value[0] != '-' {
		return value
	}
	n, err := strconv.Atoi(value[1:])
	if err != nil && len(value) > 1 {
		return value
	}
	if value[0] == '-' {
		n = -n
	}
	return strconv.Itoa(number(current) + n)
}
