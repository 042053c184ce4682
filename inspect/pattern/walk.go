package pattern

import (
	"encoding/binary"
	"math/bits"
	"regexp/syntax"
)

// set is a set of instructions.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) has(pc uint32) bool { return s[pc>>6]>>(pc&63)&1 != 0 }
func (s set) add(pc uint32)      { s[pc>>6] |= 1 << (pc & 63) }

func (s set) empty() bool {
	for _, word := range s {
		if word != 0 {
			return false
		}
	}
	return true
}

// list is what is in the set, ascending.
func (s set) list() []uint32 {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	out := make([]uint32, 0, n)
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			out = append(out, uint32(i<<6+bits.TrailingZeros64(word)))
		}
	}
	return out
}

// A walk follows the instructions that take no character.
type walk struct {
	a       *automaton
	seen    set
	kept    set // characters, and assertions that have to know what follows
	accepts []uint32
	waiting bool // an assertion among kept waits for what follows
	known   bool // what follows is known: after
	after   kind
}

func newWalk(a *automaton) *walk {
	return &walk{a: a, seen: newSet(len(a.insts)), kept: newSet(len(a.insts))}
}

// goOn makes w a walk that has come as far as another.
func (w *walk) goOn(from *walk) {
	copy(w.seen, from.seen)
	copy(w.kept, from.kept)
	w.accepts, w.waiting = append(w.accepts[:0], from.accepts...), from.waiting
}

// resolve follows the assertions of a state that hold before a character of the given kind, from nothing.
func (w *walk) resolve(from *state, after kind) {
	clear(w.seen)
	clear(w.kept)
	w.accepts, w.waiting, w.known, w.after = w.accepts[:0], false, true, after
	for _, pc := range from.insts {
		w.enter(pc, from.before)
	}
}

// found reports whether a match is under way, or found.
func (w *walk) found() bool { return len(w.accepts) > 0 || !w.kept.empty() }

// appendKey spells what a walk has reached.
func (w *walk) appendKey(key []byte) []byte {
	key = binary.LittleEndian.AppendUint32(key, uint32(len(w.accepts)))
	for _, n := range w.accepts {
		key = binary.LittleEndian.AppendUint32(key, n)
	}
	for i, word := range w.kept {
		if word != 0 {
			key = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint16(key, uint16(i)), word)
		}
	}
	return key
}

// enter adds what is reachable from pc without a character, at a place behind a character of kind before. An assertion
// about what follows is kept, unless that is known.
func (w *walk) enter(pc uint32, before kind) {
	if w.seen.has(pc) {
		return
	}
	w.seen.add(pc)
	in := &w.a.insts[pc]
	switch in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		w.enter(in.Out, before)
		w.enter(in.Arg, before)
	case syntax.InstCapture, syntax.InstNop:
		w.enter(in.Out, before)
	case syntax.InstMatch:
		w.accepts = append(w.accepts, w.a.numbers[pc])
	case syntax.InstEmptyWidth:
		switch holds(syntax.EmptyOp(in.Arg), before, w.after, w.known) {
		case yes:
			w.enter(in.Out, before)
		case unknown:
			w.kept.add(pc)
			w.waiting = true
		}
	case syntax.InstFail:
	default:
		w.kept.add(pc)
	}
}

type answer uint8

const (
	no answer = iota
	yes
	unknown
)

// holds decides an assertion between two characters.
func holds(op syntax.EmptyOp, before, after kind, known bool) answer {
	if op&syntax.EmptyBeginText != 0 && before != edge || op&syntax.EmptyBeginLine != 0 && before != edge && before != newline {
		return no
	}
	const ahead = syntax.EmptyEndText | syntax.EmptyEndLine | syntax.EmptyWordBoundary | syntax.EmptyNoWordBoundary
	switch {
	case op&ahead == 0:
		return yes
	case !known:
		return unknown
	case op&syntax.EmptyEndText != 0 && after != edge, op&syntax.EmptyEndLine != 0 && after != edge && after != newline,
		op&syntax.EmptyWordBoundary != 0 && (before == word) == (after == word),
		op&syntax.EmptyNoWordBoundary != 0 && (before == word) != (after == word):
		return no
	}
	return yes
}
