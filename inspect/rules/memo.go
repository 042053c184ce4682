package rules

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
)

// A memo remembers which tests are candidates for a text. Names of members and fields, and what clients say of themselves,
// are few and come with every message; whatever else is looked for in them, the answer is the same. A pair holds the texts
// that came last: a stranger can make us forget, which costs time, and nothing else.
type memo struct {
	pairs [memoPairs]pair
}

// A pair is where a text may be remembered: one slot of the two.
type pair [2]atomic.Pointer[memory]

// A memory is a text and its candidates; nil: none.
type memory struct {
	text  string
	marks bitset
}

// A memo holds at most 2*memoPairs texts of at most memoLength bytes.
const (
	memoPairs  = 512
	memoLength = 96
)

var memoSeed = maphash.MakeSeed()

// pair is nil where the text cannot be remembered.
func (m *memo) pair(text string) *pair {
	if m == nil || len(text) > memoLength {
		return nil
	}
	return &m.pairs[maphash.String(memoSeed, text)%memoPairs]
}

// recall is what is remembered of a text, or nil.
func (p *pair) recall(text string) *memory {
	if p == nil {
		return nil
	}
	for i := range p {
		if known := p[i].Load(); known != nil && known.text == text {
			return known
		}
	}
	return nil
}

// remember puts a text in the place of the older one.
func (p *pair) remember(text string, marks bitset) {
	p[1].Store(p[0].Swap(&memory{strings.Clone(text), slices.Clone(marks)}))
}
