package rules

import (
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// comparisons take a macro as their argument.
var comparisons = map[string]func(value, argument string) bool{
	"streq":      func(v, a string) bool { return v == a },
	"contains":   strings.Contains,
	"beginsWith": strings.HasPrefix,
	"endsWith":   strings.HasSuffix,
	"within":     func(v, a string) bool { return strings.Contains(a, v) },
	"eq":         func(v, a string) bool { return number(v) == number(a) },
	"ge":         func(v, a string) bool { return number(v) >= number(a) },
	"gt":         func(v, a string) bool { return number(v) > number(a) },
	"le":         func(v, a string) bool { return number(v) <= number(a) },
	"lt":         func(v, a string) bool { return number(v) < number(a) },
}

var numeric = map[string]bool{"eq": true, "ge": true, "gt": true, "le": true, "lt": true}

// containing are the comparisons that hold only for values with the argument in them.
var containing = map[string]bool{"streq": true, "contains": true, "beginsWith": true, "endsWith": true}

// lower folds ASCII letters alone, as scanners do.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// number is 0 for what is no number, as in the language: digits, with a sign perhaps.
func number(s string) int {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || len(digits) == 0 {
		return 0
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0 // asking strconv would make an error for each of many words
		}
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func (o *operator) compare(at seclang.Pos, from seclang.Operator) error {
	compare, ok := comparisons[from.Name]
	if !ok {
		return problem(at, "the operator @%s is not supported", from.Name)
	}
	m, err := compileMacro(at, from.Argument)
	if err != nil {
		return err
	}
	o.macro, o.ofMacro = m, true
	if m.parts == nil && m.text != "" && containing[from.Name] {
		o.literals = []string{lower(m.text)}
	}
	o.holds = func(r *run, v string) bool {
		from := len(r.arena)
		holds := compare(v, o.macro.expand(r))
		r.arena = r.arena[:from] // the argument is not asked for again
		return holds
	}
	return nil
}
