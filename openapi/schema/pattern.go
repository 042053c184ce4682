package schema

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// A pattern is a compiled regular expression. It runs in time linear in the text.
type pattern struct {
	written string
	re2     string         // what is left of it without lookaheads, in the syntax of package regexp
	shape   *shape         // a sequence of character classes, where the pattern is no more than that
	full    *regexp.Regexp // otherwise
	look    []lookahead    // what else must, or must not, match from the start
	size    int            // instructions of the machine
}

type lookahead struct {
	full   *regexp.Regexp
	refuse bool
}

// compilePattern compiles ECMA-262 syntax. Lookaheads at the very beginning ("^(?=.*[0-9])(?!admin).{8,}$") are turned
// into patterns of their own, because the text fits the whole exactly when it fits each part.
func compilePattern(ecma string) (*pattern, error) {
	p := &pattern{written: ecma}
	rest := ecma
	if strings.HasPrefix(ecma, "^(?=") || strings.HasPrefix(ecma, "^(?!") {
		var err error
		if rest, err = p.lookaheads(ecma[1:]); err != nil {
			return nil, err
		}
	}
	re2, err := translate(rest)
	if err != nil {
		return nil, err
	}
	p.re2 = re2
	tree, err := syntax.Parse(re2, syntax.Perl)
	if err != nil {
		return nil, explain(err)
	}
	if len(p.look) == 0 {
		if p.shape = newShape(tree); p.shape != nil {
			return p, nil
		}
	}
	if p.full, err = regexp.Compile(re2); err != nil {
		return nil, explain(err)
	}
	p.size += instructions(re2)
	return p, nil
}

// instructions is the size of the machine for a pattern that compiles.
func instructions(re2 string) int {
	tree, err := syntax.Parse(re2, syntax.Perl)
	if err != nil {
		return 0
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return 0
	}
	return len(program.Inst)
}

// cost is what a match takes of the work of an evaluation: linear in the text, but a machine of a thousand repetitions
// is in a thousand states at once.
func (p *pattern) cost(text string) int { return len(text) * p.size >> 6 }

func (p *pattern) lookaheads(s string) (rest string, err error) {
	for strings.HasPrefix(s, "(?=") || strings.HasPrefix(s, "(?!") {
		end := closing(s)
		if end < 0 {
			return "", errors.New("has an open group")
		}
		if end+1 < len(s) && strings.IndexByte("*+?{", s[end+1]) >= 0 {
			return "", errLookaround
		}
		re2, err := translate(s[3:end])
		if err != nil {
			return "", err
		}
		full, err := regexp.Compile("^(?:" + re2 + ")")
		if err != nil {
			return "", explain(err)
		}
		p.size += instructions(re2)
		p.look = append(p.look, lookahead{full, s[2] == '!'})
		s = s[end+1:]
	}
	if alternates(s) {
		return "", errLookaround // the lookaheads belong to the first alternative only
	}
	return "^" + s, nil
}

// closing is the index of the parenthesis that closes the one at s[0], or -1.
func closing(s string) int {
	depth, class := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// alternates reports whether s has a | outside of groups.
func alternates(s string) bool {
	depth, class := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			return true
		}
	}
	return false
}

func explain(err error) error {
	var e *syntax.Error
	if errors.As(err, &e) {
		return errors.New("is not a regular expression that can be run: " + e.Code.String())
	}
	return err
}

// match reports whether the pattern matches anywhere in text.
func (p *pattern) match(text string) bool {
	if p.shape != nil {
		return p.shape.match(text)
	}
	for _, l := range p.look {
		if l.full.MatchString(text) == l.refuse {
			return false
		}
	}
	return p.full.MatchString(text)
}
