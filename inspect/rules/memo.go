package rules

import (
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
)

// A memo remembers which tests are candidates for a text. Names of members and fields, words of an enumeration, paths,
// what clients say of themselves and what a catalogue says of its goods come again and again; whatever else is looked for in
// them, the answer is the same. A text is remembered when it comes for the second time: what never comes again costs next to
// nothing, and is not kept. A pair holds the two that came last: a stranger can make us forget, which costs time, and nothing else.
type memo struct {
	pairs [memoPairs][2]atomic.Pointer[memory]
	once  [memoOnce]atomic.Uint32 // part of the hash of a text that has come once
}

// A memory is a text and its candidates, nil for none, where a seeker looked for them.
type memory struct {
	seeker *seeker
	text   string
	marks  bitset
	places places
}

// A seeker is a lane or a shortcut: each looks for something else in a text.
type seeker struct {
	salt uint64 // so that its texts are remembered elsewhere than those of others
}

func newSeeker() *seeker { return &seeker{rand.Uint64()} }

// A memo holds at most 2*memoPairs texts of at most memoLength bytes: some 9 MB where all of them are as long as that. Of two texts
// that take turns in one place of once, neither would ever be remembered, so that it has many.
const (
	memoPairs  = 1 << 12
	memoOnce   = 1 << 15
	memoLength = 1024
)

var memoSeed = maphash.MakeSeed()

// An occurrence is a text in which a seeker is to look.
type occurrence struct {
	memo   *memo // that may know it; nil: none
	seeker *seeker
	text   string
	hash   uint64
}

func (m *memo) at(s *seeker, text string, private bool) occurrence {
	if private || len(text) > memoLength {
		return occurrence{seeker: s, text: text}
	}
	return occurrence{m, s, text, maphash.String(memoSeed, text) ^ s.salt}
}

func (o *occurrence) pair() int { return int(o.hash % memoPairs) }

// recall is what is remembered of a text, or nil.
func (o *occurrence) recall() *memory {
	if o.memo == nil {
		return nil
	}
	p := &o.memo.pairs[o.pair()]
	for i := range p {
		if known := p[i].Load(); known != nil && known.seeker == o.seeker && known.text == o.text {
			return known
		}
	}
	return nil
}

// remember puts a text that has come before in the place of the older of two.
func (o *occurrence) remember(marks bitset) {
	if o.memo == nil {
		return
	}
	if part := uint32(o.hash>>32) | 1; o.memo.once[o.hash%memoOnce].Swap(part) == part {
		p := &o.memo.pairs[o.pair()]
		p[1].Store(p[0].Swap(&memory{seeker: o.seeker, text: strings.Clone(o.text), marks: slices.Clone(marks)}))
	}
}
