package pattern

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// Bounds of what is collected: longer lists and literals tell little more.
const (
	maxLiterals = 64 // alternatives
	maxExact    = 24 // texts that a part of an expression may stand for
	maxLength   = 24 // bytes
	maxClass    = 16 // characters of a class that is spelled out
)

// A finder looks for literals in the tree of an expression.
type finder struct {
	binary bool // a character is a byte
}

// A need is what is known of the texts that an expression matches, folded to lower case.
type need struct {
	exact []string // all the texts, where they are few; nil: unknown
	any   []string // every text contains one of these; nil: unknown
}

// requiredOf is the list for a whole expression.
func requiredOf(re *syntax.Regexp, binary bool) []string {
	n := (&finder{binary}).need(re)
	list := better(asLiterals(n.exact), n.any)
	if list == nil {
		return nil
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (f *finder) need(re *syntax.Regexp) need {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return need{exact: []string{""}}
	case syntax.OpLiteral:
		return f.literal(re)
	case syntax.OpCharClass:
		return f.class(re)
	case syntax.OpCapture:
		return f.need(re.Sub[0])
	case syntax.OpQuest:
		if n := f.need(re.Sub[0]); n.exact != nil && len(n.exact) < maxExact {
			return need{exact: append(slices.Clone(n.exact), "")}
		}
	case syntax.OpPlus:
		return once(f.need(re.Sub[0]))
	case syntax.OpRepeat:
		if re.Min > 0 {
			return f.repeated(re)
		}
	case syntax.OpConcat:
		return f.concat(re.Sub)
	case syntax.OpAlternate:
		return f.alternate(re.Sub)
	}
	return need{}
}

// repeated is x{min,max}: x at least once, and exactly so often where that is fixed.
func (f *finder) repeated(re *syntax.Regexp) need {
	if re.Min == re.Max && re.Min <= maxLength {
		subs := make([]*syntax.Regexp, re.Min)
		for i := range subs {
			subs[i] = re.Sub[0]
		}
		return f.concat(subs)
	}
	return once(f.need(re.Sub[0]))
}

// once keeps what is required, and forgets that it is all.
func once(n need) need { return need{any: better(asLiterals(n.exact), n.any)} }

// literal folds ASCII letters. Where case is ignored, a letter with a relative outside of ASCII (K and the Kelvin sign, s
// and ſ) stands for either.
func (f *finder) literal(re *syntax.Regexp) need {
	texts := []string{""}
	for _, r := range re.Rune {
		if r == unicode.ReplacementChar {
			return need{} // stands for every byte that is no UTF-8
		}
		options := []string{f.fold(r)}
		if re.Flags&syntax.FoldCase != 0 {
			options = options[:0]
			for c, first := r, true; first || c != r; c, first = unicode.SimpleFold(c), false {
				options = append(options, f.fold(c))
			}
			slices.Sort(options)
			options = slices.Compact(options)
		}
		if texts = cross(texts, options); texts == nil {
			return f.part(re)
		}
	}
	return need{exact: texts}
}

// part is for a long literal: a piece of it is required.
func (f *finder) part(re *syntax.Regexp) need {
	var any []string
	half := len(re.Rune) / 2
	for _, runes := range [][]rune{re.Rune[:half], re.Rune[half:]} {
		if len(runes) > 0 && len(runes) < len(re.Rune) {
			n := f.literal(&syntax.Regexp{Op: syntax.OpLiteral, Flags: re.Flags, Rune: runes})
			any = better(any, better(asLiterals(n.exact), n.any))
		}
	}
	return need{any: any}
}

// fold spells a character as the scanner will see it.
func (f *finder) fold(r rune) string {
	switch {
	case 'A' <= r && r <= 'Z':
		r += 'a' - 'A'
	case f.binary && r >= asciiEnd && r < 256:
		return string([]byte{byte(r)})
	}
	return string(r)
}

func (f *finder) class(re *syntax.Regexp) need {
	var texts []string
	for i := 0; i+1 < len(re.Rune); i += 2 {
		if re.Rune[i+1]-re.Rune[i] >= 2*maxClass {
			return need{}
		}
		for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
			if r == unicode.ReplacementChar {
				return need{} // stands for every byte that is no UTF-8
			}
			texts = append(texts, f.fold(r))
		}
	}
	slices.Sort(texts)
	if texts = slices.Compact(texts); len(texts) == 0 || len(texts) > maxClass {
		return need{}
	}
	return need{exact: texts}
}

// concat multiplies the texts of neighbours while they are few, and keeps the best list it has seen.
func (f *finder) concat(subs []*syntax.Regexp) need {
	run, all := []string{""}, true
	var best []string
	for _, sub := range subs {
		n := f.need(sub)
		if product := cross(run, n.exact); product != nil {
			run = product
			continue
		}
		best, all = better(best, asLiterals(run)), false
		best = better(best, n.any)
		run = []string{""}
		if n.exact != nil {
			run = n.exact
		}
	}
	if all {
		return need{exact: run}
	}
	return need{any: better(best, asLiterals(run))}
}

func (f *finder) alternate(subs []*syntax.Regexp) need {
	exact, any, known := []string{}, []string{}, true
	for _, sub := range subs {
		n := f.need(sub)
		if known = known && n.exact != nil; known {
			exact = append(exact, n.exact...)
		}
		list := better(asLiterals(n.exact), n.any)
		if list == nil {
			any = nil
		} else if any != nil {
			any = append(any, list...)
		}
	}
	if known && len(exact) <= maxExact {
		return need{exact: exact}
	}
	if any == nil || len(any) > 4*maxLiterals {
		return need{}
	}
	return need{any: any}
}

func cross(a, b []string) []string {
	if b == nil || len(a)*len(b) > maxExact {
		return nil
	}
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			if len(x)+len(y) > maxLength {
				return nil
			}
			out = append(out, x+y)
		}
	}
	return out
}

// asLiterals turns exact texts into a list of literals, unless one of them is empty.
func asLiterals(exact []string) []string {
	if len(exact) == 0 || slices.Contains(exact, "") {
		return nil
	}
	return slices.Clone(exact)
}

// better chooses the list that fewer ordinary texts satisfy: by the shortest literal, then by the rarest, then the
// shorter list.
func better(a, b []string) []string {
	if a == nil || b != nil && weight(b) > weight(a) {
		return b
	}
	return a
}

// Common reports whether ordinary texts are likely to hold one of the literals, so that they tell little: letters, digits
// and the signs of prose alone, and few of them. No list is the most common.
func Common(literals []string) bool { return literals == nil || weight(literals) < 6*16 }

// Weak reports whether ordinary texts often hold one of the literals: a sign, or a short word.
func Weak(literals []string) bool { return literals == nil || weight(literals) < 12*16 }

// weight estimates how rare the most common literal of a list is in ordinary texts.
func weight(list []string) int {
	least := 1 << 20
	for _, s := range list {
		w := 0
		for _, r := range s {
			w += rarity(r)
		}
		least = min(least, w)
	}
	return least*16 - min(len(list), 255)/16
}

func rarity(r rune) int {
	switch {
	case strings.ContainsRune("etaoinsr ", r):
		return 2
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9', strings.ContainsRune("-_.,:/", r):
		return 3
	}
	return 6
}
