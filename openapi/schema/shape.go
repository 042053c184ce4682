package schema

import (
	"regexp/syntax"
	"unicode/utf8"
)

// A shape is a pattern that begins with ^ and is a sequence of repeated character classes in which the next character
// always decides: "^[A-Z]{3}-[0-9]{4}$", "^[^@ ]+@[^@ ]+$", a UUID. It is matched in one pass without a machine.
type shape struct {
	steps []step
	open  bool // no $ at the end
}

// A step is one class, least to most times; most is -1 for no limit.
type step struct {
	ascii       [2]uint64
	high        bool // every character from U+0080 on
	oneLine     bool // but not U+2028 and U+2029, which are line ends to ECMA-262
	least, most int
}

const maxSteps = 128

func (s *step) has(c byte) bool { return s.ascii[c>>6]&(1<<(c&63)) != 0 }

// newShape returns nil where the tree is more than a shape.
func newShape(tree *syntax.Regexp) *shape {
	parts := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpConcat {
		parts = tree.Sub
	}
	if len(parts) < 2 || parts[0].Op != syntax.OpBeginText {
		return nil
	}
	s := &shape{open: true}
	parts = parts[1:]
	if last := len(parts) - 1; parts[last].Op == syntax.OpEndText {
		parts, s.open = parts[:last], false
	}
	for _, p := range parts {
		if !s.add(p) || len(s.steps) > maxSteps {
			return nil
		}
	}
	if !s.decisive() {
		return nil
	}
	return s
}

func (s *shape) add(p *syntax.Regexp) bool {
	switch p.Op {
	case syntax.OpLiteral:
		if p.Flags&syntax.FoldCase != 0 {
			return false
		}
		for _, r := range p.Rune {
			if r >= utf8.RuneSelf {
				return false
			}
			s.push(classOf(r, r), 1, 1)
		}
		return true
	case syntax.OpConcat:
		for _, sub := range p.Sub {
			if !s.add(sub) {
				return false
			}
		}
		return true
	case syntax.OpStar:
		return s.repeat(p.Sub[0], 0, -1)
	case syntax.OpPlus:
		return s.repeat(p.Sub[0], 1, -1)
	case syntax.OpQuest:
		return s.repeat(p.Sub[0], 0, 1)
	case syntax.OpRepeat:
		return s.repeat(p.Sub[0], p.Min, p.Max)
	}
	return s.repeat(p, 1, 1)
}

func (s *shape) repeat(p *syntax.Regexp, least, most int) bool {
	var class step
	switch p.Op {
	case syntax.OpLiteral:
		if len(p.Rune) != 1 || p.Flags&syntax.FoldCase != 0 || p.Rune[0] >= utf8.RuneSelf {
			return false
		}
		class = classOf(p.Rune[0], p.Rune[0])
	case syntax.OpCharClass:
		if len(p.Rune) == 0 || !class.fill(p.Rune) {
			return false
		}
	case syntax.OpAnyChar:
		class.fill([]rune{0, utf8.MaxRune})
	default:
		return false
	}
	s.push(class, least, most)
	return true
}

func classOf(low, high rune) (c step) {
	c.fill([]rune{low, high})
	return c
}

// fill sets the class from pairs of runes; false where it has some but not all characters beyond ASCII.
func (s *step) fill(pairs []rune) bool {
	for i := 0; i < len(pairs); i += 2 {
		low, high := pairs[i], pairs[i+1]
		for r := low; r <= high && r < utf8.RuneSelf; r++ {
			s.ascii[r>>6] |= 1 << (r & 63)
		}
		if high < utf8.RuneSelf {
			continue
		}
		s.high = true
		if low <= utf8.RuneSelf && high == utf8.MaxRune {
			return true
		}
		s.oneLine = true
		last := i+4 == len(pairs) && pairs[i+2] == lineEnd+2 && pairs[i+3] == utf8.MaxRune
		return last && low <= utf8.RuneSelf && high == lineEnd-1
	}
	return true
}

// lineEnd is LINE SEPARATOR; PARAGRAPH SEPARATOR comes after it.
const lineEnd = 0x2028

// push adds a step; one of the same class is merged, which is what makes split repetitions whole again.
func (s *shape) push(c step, least, most int) {
	if n := len(s.steps); n > 0 {
		if last := &s.steps[n-1]; last.ascii == c.ascii && last.high == c.high && last.oneLine == c.oneLine {
			last.least += least
			if last.most < 0 || most < 0 {
				last.most = -1
			} else {
				last.most += most
			}
			return
		}
	}
	c.least, c.most = least, most
	s.steps = append(s.steps, c)
}

// decisive reports whether taking as much as possible is always right: a step of variable length must have nothing in
// common with what may follow it.
func (s *shape) decisive() bool {
	for i := range s.steps {
		if s.steps[i].least == s.steps[i].most {
			continue
		}
		for j := i + 1; j < len(s.steps); j++ {
			if s.steps[i].meets(&s.steps[j]) {
				return false
			}
			if s.steps[j].least > 0 {
				break
			}
		}
	}
	return true
}

func (s *step) meets(o *step) bool {
	return s.ascii[0]&o.ascii[0] != 0 || s.ascii[1]&o.ascii[1] != 0 || s.high && o.high
}

func (s *shape) match(text string) bool {
	for i := range s.steps {
		n := 0
		st := &s.steps[i]
		for text != "" && n != st.most {
			if c := text[0]; c < utf8.RuneSelf {
				if !st.has(c) {
					break
				}
				text = text[1:]
			} else {
				if !st.high {
					break
				}
				r, width := utf8.DecodeRuneInString(text)
				if st.oneLine && (r == lineEnd || r == lineEnd+1) {
					break
				}
				text = text[width:]
			}
			n++
		}
		if n < st.least {
			return false
		}
	}
	return s.open || text == ""
}
