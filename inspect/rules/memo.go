package rules

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// A memo remembers texts of which no test is a candidate. Names of members and fields, and what clients say of themselves,
// are few and come with every message; whatever else is looked for in them, the answer is the same. A slot holds the text
// that came last: a stranger can make us forget, which costs time, and nothing else.
type memo struct {
	slots [memoSlots]atomic.Pointer[string]
}

// A memo holds at most memoSlots texts of at most memoLength bytes.
const (
	memoSlots  = 1024
	memoLength = 96
)

var memoSeed = maphash.MakeSeed()

// slot is where a text may be remembered; nil: nowhere.
func (m *memo) slot(text string) *atomic.Pointer[string] {
	if m == nil || len(text) > memoLength {
		return nil
	}
	return &m.slots[maphash.String(memoSeed, text)%memoSlots]
}

func remembers(slot *atomic.Pointer[string], text string) bool {
	if slot == nil {
		return false
	}
	known := slot.Load()
	return known != nil && *known == text
}

func remember(slot *atomic.Pointer[string], text string) {
	if slot != nil {
		text = strings.Clone(text)
		slot.Store(&text)
	}
}
