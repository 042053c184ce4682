package pattern

import (
	"slices"
	"sync/atomic"
)

// Beginnings tell which of some patterns may match a text by how matches begin: a pattern is told when some place of the
// text goes on like one of its matches for as long as we look. A pattern that is not told does not match. It is safe for
// concurrent use; looking allocates only while new states are found.
//
// Joined in one automaton that looks for matches wherever they begin, as a [Set] does, patterns lead from each text into
// states that no text has been in before: what one is in the middle of says nothing about the others. Here each
// place is looked at on its own and for a few characters, so that the states are few and most places are done with after two.
type Beginnings struct {
	*automaton
	// Pairs of bytes with which no match begins, behind a character of a word and behind others: found out as they come.
	none [2][1 << (16 - 6)]atomic.Uint64
}

// horizon is how many characters of a match are looked at.
const horizon = 8

// NewBeginnings joins patterns, all of which are binary or none; numbers says how each is called.
func NewBeginnings(patterns []*Pattern, numbers []int, b *Budget) *Beginnings {
	return &Beginnings{automaton: join(patterns, numbers, true, b)}
}

// A pair is where two characters lead from a place.
type pair struct {
	accepts []uint32         // those that have matched behind the first
	to      *state           // behind both
	open    [4]atomic.Uint64 // the classes that may follow, as far as is known
}

// Look sets in found the bit of each pattern that may match s; found must have room for all. It may lead into so many new
// states as left says, which it counts down; when none are left it gives up and returns false. Then found is incomplete.
func (b *Beginnings) Look(s string, found []uint64, left *int) bool {
	c, before := b.cache.Load(), edge
	for i := 0; i < len(s); {
		if before <= word && i+1 < len(s) && b.passes(before, s[i], s[i+1]) {
			before = kindOfByte[s[i]]
			i++
			continue
		}
		class, size := b.classOf(s[i:])
		nothing, ok := b.look(c, before, class, s[i+size:], found, left)
		if !ok {
			return false
		}
		if nothing && (b.binary || s[i] < asciiEnd && s[i+1] < asciiEnd) {
			at := uint(s[i])<<8 | uint(s[i+1])
			b.none[before][at>>6].Or(1 << (at & 63))
		}
		before = b.alpha.kinds[class]
		i += size
	}
	return b.follow(c.starts[before], "", horizon, found, left)
}

// passes reports whether it is known that no match begins with two bytes.
func (b *Beginnings) passes(before kind, first, second byte) bool {
	at := uint(first)<<8 | uint(second)
	return b.none[before][at>>6].Load()>>(at&63)&1 != 0
}

func (b *Beginnings) classOf(s string) (class uint16, size int) {
	if c := s[0]; c < asciiEnd || b.binary {
		return b.alpha.low[c], 1
	}
	return b.alpha.wide(s)
}

// look looks at one place, where a character and a rest are. It reports whether nothing begins with that character and the next.
func (b *Beginnings) look(c *cache, before kind, class uint16, rest string, found []uint64, left *int) (nothing, ok bool) {
	if before > word || rest == "" {
		note(c.starts[before].accepts, found)
		at, ok := b.after(c.starts[before], class, left)
		return false, ok && b.follow(at, rest, horizon-1, found, left)
	}
	next, size := b.classOf(rest)
	at := &c.pairs[before][int(class)*len(b.alpha.kinds)+int(next)]
	p := at.Load()
	if p == nil {
		first, ok := b.after(c.starts[before], class, left)
		if !ok {
			return false, false
		}
		second, ok := b.after(first, next, left)
		if !ok {
			return false, false
		}
		p = &pair{accepts: slices.Concat(first.accepts, c.starts[before].accepts), to: second}
		for i := range p.open {
			p.open[i].Store(^uint64(0))
		}
		at.Store(p)
	}
	if len(p.accepts) > 0 {
		note(p.accepts, found)
	}
	if p.to == dead {
		return len(p.accepts) == 0, true
	}
	if rest = rest[size:]; rest == "" {
		return false, b.follow(p.to, rest, horizon-2, found, left)
	}
	third, size := b.classOf(rest)
	if third < 256 && p.open[third>>6].Load()>>(third&63)&1 == 0 {
		return false, true
	}
	to, ok := b.after(p.to, third, left)
	if ok && to == dead && third < 256 && len(p.to.accepts) == 0 {
		p.open[third>>6].And(^uint64(1 << (third & 63)))
	}
	note(p.to.accepts, found)
	return false, ok && b.follow(to, rest[size:], horizon-3, found, left)
}

// after is the state behind a character; ok is false where it would be one too many.
func (b *Beginnings) after(at *state, class uint16, left *int) (next *state, ok bool) {
	if at == dead {
		return dead, true
	}
	if next = at.next[class].Load(); next == nil {
		if *left == 0 {
			return nil, false
		}
		*left--
		next = b.step(at, class)
	}
	return next, true
}

// follow goes on from a state for some characters, as long as a pattern can match.
func (b *Beginnings) follow(at *state, s string, far int, found []uint64, left *int) bool {
	for ; at != dead; far-- {
		note(at.accepts, found)
		if s == "" {
			note(b.endings(at), found)
			return true
		}
		if far == 0 {
			note(at.alive, found)
			return true
		}
		class, size := b.classOf(s)
		var ok bool
		if at, ok = b.after(at, class, left); !ok {
			return false
		}
		s = s[size:]
	}
	return true
}

// kindOfByte is what stands before a place behind a byte.
var kindOfByte = func() (kinds [256]kind) {
	for c := range kinds {
		if c < asciiEnd {
			kinds[c] = kindOf(rune(c))
		}
	}
	return kinds
}()

// ordinary is a text as people write it, with what is in it besides words.
const ordinary = `Please deliver to 14 Lange Voorhout, Den Haag (2nd floor), before 2026-05-04; if nobody is in, call +31 20 555 0134
or write to maria.jansen@example.com. It's the "blue" one: 4 x 79.95 = 319.80, free of charge, isn't it? See
https://www.example.com/orders?id=42&lang=en#top for more. The quick brown fox jumps over the lazy dog.`

// Telling reports whether the beginnings of the pattern's matches tell something: in ordinary text they are few, and soon told
// from others.
func (p *Pattern) Telling() bool {
	b := NewBeginnings([]*Pattern{p}, []int{0}, NewBudget(1<<20))
	before, steps := edge, 0
	for i := range len(ordinary) {
		at := b.cache.Load().starts[before]
		for n := 0; n < horizon && i+n < len(ordinary) && at != dead; n++ {
			steps += min(n, 1) // the first is free
			left := 1
			at, _ = b.after(at, b.alpha.low[ordinary[i+n]], &left)
		}
		before = kindOfByte[ordinary[i]]
	}
	return steps < len(ordinary)/2
}
