package rules

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// A memo remembers texts of which no test is a candidate. Names of members and fields, and what clients say of themselves,
// are few and come with every message; whatever else is looked for in them, the answer is the same. A pair holds the texts
// that came last: a stranger can make us forget, which costs time, and nothing else.
type memo struct {
	pairs [memoPairs][2]atomic.Pointer[string]
}

// A memo holds at most 2*memoPairs texts of at most memoLength bytes.
const (
	memoPairs  = 512
	memoLength = 96
)

var memoSeed = maphash.MakeSeed()

// pair is where a text may be remembered: one slot of the two. It is nil where the text cannot be.
func (m *memo) pair(text string) *[2]atomic.Pointer[string] {
	if m == nil || len(text) > memoLength {
		return nil
	}
	return &m.pairs[maphash.String(memoSeed, text)%memoPairs]
}

func remembers(pair *[2]atomic.Pointer[string], text string) bool {
	for i := range pair {
		if known := pair[i].Load(); known != nil && *known == text {
			return true
		}
	}
	return false
}

// remember puts a text in the place of the older one.
func remember(pair *[2]atomic.Pointer[string], text string) {
	kept := strings.Clone(text)
	pair[1].Store(pair[0].Swap(&kept))
}
