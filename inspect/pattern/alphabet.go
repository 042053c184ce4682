package pattern

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

const asciiEnd = utf8.RuneSelf

// A kind is what assertions can tell about the character beside a position.
type kind uint8

const (
	other kind = iota
	word
	newline
	edge // no character: the beginning or the end of the text
)

// An alphabet sorts characters into classes: those of a class are alike to every instruction of a program.
type alphabet struct {
	low    [256]uint16 // class by byte: ASCII, or every byte in binary mode
	bounds []rune      // first characters of the intervals from asciiEnd on, ascending
	high   []uint16    // their classes
	broken uint16      // class of U+FFFD, which stands for bytes that are no UTF-8
	kinds  []kind      // by class
	takes  []set       // by class: the instructions that take its characters
}

// newAlphabet cuts the characters at every bound that an instruction knows, and merges what no instruction tells apart.
func newAlphabet(prog []syntax.Inst, binary bool) alphabet {
	bounds := boundsOf(prog)
	takes := takenBy(prog, bounds)
	var a alphabet
	classes := map[string]uint16{}
	for i, from := range bounds {
		class := a.classOf(kindOf(from), takes[i], classes)
		to := rune(unicode.MaxRune + 1)
		if i+1 < len(bounds) {
			to = bounds[i+1]
		}
		limit := rune(asciiEnd)
		if binary {
			limit = 256
		}
		for r := from; r < min(to, limit); r++ {
			a.low[r] = class
		}
		if to > asciiEnd {
			a.bounds, a.high = append(a.bounds, max(from, asciiEnd)), append(a.high, class)
		}
	}
	if !binary {
		a.broken = a.classAt(utf8.RuneError)
	}
	return a
}

// classOf finds the class of characters by their signature: what assertions see in them, and which instructions take them.
func (a *alphabet) classOf(k kind, takes set, classes map[string]uint16) uint16 {
	signature := make([]byte, 0, 1+8*len(takes))
	signature = append(signature, byte(k))
	for _, word := range takes {
		signature = binary.LittleEndian.AppendUint64(signature, word)
	}
	class, ok := classes[string(signature)]
	if !ok {
		class = uint16(len(a.kinds))
		classes[string(signature)] = class
		a.kinds, a.takes = append(a.kinds, k), append(a.takes, takes)
	}
	return class
}

// takenBy is, for the characters from each bound to the next, which instructions take them.
func takenBy(prog []syntax.Inst, bounds []rune) []set {
	takes := make([]set, len(bounds))
	for i := range takes {
		takes[i] = newSet(len(prog))
	}
	for pc := range prog {
		eachRange(&prog[pc], func(from, to rune) {
			at, _ := slices.BinarySearch(bounds, from) // each is a bound
			for ; at < len(bounds) && bounds[at] <= to; at++ {
				takes[at].add(uint32(pc))
			}
		})
	}
	return takes
}

// eachRange calls do with the first and the last of the characters that an instruction takes, range by range.
func eachRange(in *syntax.Inst, do func(from, to rune)) {
	switch {
	case !isRune(in.Op):
	case len(in.Rune) == 1 && syntax.Flags(in.Arg)&syntax.FoldCase != 0: // one character, in every case of it
		do(in.Rune[0], in.Rune[0])
		for r := unicode.SimpleFold(in.Rune[0]); r != in.Rune[0]; r = unicode.SimpleFold(r) {
			do(r, r)
		}
	case len(in.Rune) == 1:
		do(in.Rune[0], in.Rune[0])
	default:
		for j := 0; j+1 < len(in.Rune); j += 2 {
			do(in.Rune[j], in.Rune[j+1])
		}
	}
}

func boundsOf(prog []syntax.Inst) []rune {
	bounds := []rune{0, '\n', '\n' + 1, '0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1, asciiEnd}
	for i := range prog {
		eachRange(&prog[i], func(from, to rune) { bounds = append(bounds, from, to+1) })
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	for len(bounds) > 0 && bounds[len(bounds)-1] > unicode.MaxRune {
		bounds = bounds[:len(bounds)-1]
	}
	return bounds
}

func isRune(op syntax.InstOp) bool {
	return op == syntax.InstRune || op == syntax.InstRune1 || op == syntax.InstRuneAny || op == syntax.InstRuneAnyNotNL
}

func kindOf(r rune) kind {
	switch {
	case r == '\n':
		return newline
	case syntax.IsWordChar(r):
		return word
	}
	return other
}

// classAt is the class of a character outside of ASCII.
func (a *alphabet) classAt(r rune) uint16 {
	if len(a.high) == 1 {
		return a.high[0]
	}
	i, found := slices.BinarySearch(a.bounds, r)
	if !found {
		i--
	}
	return a.high[i]
}

// wide decodes the character at the beginning of s, which is not ASCII, and returns its class and size.
func (a *alphabet) wide(s string) (uint16, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError {
		return a.broken, size
	}
	return a.classAt(r), size
}
