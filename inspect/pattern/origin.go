package pattern

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// origin.go finds where the first match of a text begins, by an automaton that reads it from its end: package regexp takes
// many nanoseconds for each place where a match could begin and does not.

// shortText is how long a text must be that reading it backwards pays.
const shortText = 16

// backwards is the automaton of an expression that is read from its end.
func backwards(expr string, binary bool, b *Budget) *automaton {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		panic(err) // it has been compiled
	}
	prog, err := syntax.Compile(reversed(re).Simplify())
	if err != nil {
		return nil // reversing makes nothing longer
	}
	return newAutomaton([]*syntax.Prog{prog}, []int{0}, false, false, binary, b)
}

// reversed is the expression of all texts that re matches, each from its end to its beginning.
func reversed(re *syntax.Regexp) *syntax.Regexp {
	out := *re
	switch re.Op {
	case syntax.OpBeginLine:
		out.Op = syntax.OpEndLine
	case syntax.OpEndLine:
		out.Op = syntax.OpBeginLine
	case syntax.OpBeginText:
		out.Op = syntax.OpEndText
	case syntax.OpEndText:
		out.Op = syntax.OpBeginText
	case syntax.OpLiteral:
		out.Rune = slices.Clone(re.Rune)
		slices.Reverse(out.Rune)
	}
	out.Sub = make([]*syntax.Regexp, len(re.Sub))
	for i, sub := range re.Sub {
		out.Sub[i] = reversed(sub)
	}
	if re.Op == syntax.OpConcat {
		slices.Reverse(out.Sub)
	}
	return &out
}

// origin is where the first match of a text begins, or one character before that: an assertion at its beginning holds or
// not when the character before it is known. It is -1 where there is no match.
func (a *automaton) origin(s string) int {
	at, from := a.cache.Load().start, -1
	for i := len(s); ; {
		if len(at.accepts) > 0 {
			from = i
		}
		if i == 0 {
			break
		}
		class, size := a.classBefore(s, i)
		i -= size
		next := at.next[class].Load()
		if next == nil {
			next = a.step(at, class)
		}
		if at = next; at == dead {
			return from
		}
	}
	if len(a.endings(at)) > 0 {
		return 0
	}
	return from
}

// classBefore is the class and the size of the character that ends at i.
func (a *automaton) classBefore(s string, i int) (uint16, int) {
	if c := s[i-1]; c < asciiEnd || a.binary {
		return a.alpha.low[c], 1
	}
	_, size := utf8.DecodeLastRuneInString(s[:i])
	class, _ := a.alpha.wide(s[i-size : i])
	return class, size
}

// before is where the character before i begins; 0 at the beginning.
func (p *Pattern) before(s string, i int) int {
	if i == 0 {
		return 0
	}
	_, size := p.classBefore(s, i)
	return i - size
}
