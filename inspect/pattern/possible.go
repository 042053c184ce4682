package pattern

import "regexp/syntax"

// Possible reports whether a text that has no bytes but those of a set may match. False is certain.
func (p *Pattern) Possible(has func(byte) bool) bool {
	wide := false
	for c := asciiEnd; c < 256; c++ {
		wide = wide || has(byte(c))
	}
	takes := func(in *syntax.Inst) bool {
		for c := range rune(256) {
			if (c < asciiEnd || p.binary) && has(byte(c)) && in.MatchRune(c) {
				return true
			}
		}
		return wide && !p.binary
	}
	seen := make([]bool, len(p.prog.Inst))
	for open := []uint32{uint32(p.prog.Start)}; len(open) > 0; {
		pc := open[len(open)-1]
		if open = open[:len(open)-1]; seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &p.prog.Inst[pc]; in.Op {
		case syntax.InstMatch:
			return true
		case syntax.InstAlt, syntax.InstAltMatch:
			open = append(open, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
			open = append(open, in.Out)
		case syntax.InstFail:
		default:
			if takes(in) {
				open = append(open, in.Out)
			}
		}
	}
	return false
}

// endless is a length without a bound.
const endless = 1 << 30

// longest is how many characters a text has at most that an expression matches from its beginning to its end, and endless
// where it may match a part of a text.
func longest(expr string) int {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil || re.Op != syntax.OpConcat || len(re.Sub) < 2 || re.Sub[0].Op != syntax.OpBeginText || re.Sub[len(re.Sub)-1].Op != syntax.OpEndText {
		return endless
	}
	return characters(re)
}

// characters is how many characters a match has at most.
func characters(re *syntax.Regexp) int {
	sum, most := 0, 0
	for _, s := range re.Sub {
		n := characters(s)
		sum, most = min(sum+n, endless), max(most, n)
	}
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpStar, syntax.OpPlus:
		return endless
	case syntax.OpRepeat:
		if re.Max < 0 {
			return endless
		}
		return min(most*re.Max, endless)
	case syntax.OpAlternate:
		return most
	}
	return sum
}
