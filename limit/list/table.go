package list

import (
	"encoding/binary"
	"net/netip"
)

// A span is an entry in one place of the table, inside of a wider one: indices, -1 for none.
type span struct{ entry, wider int32 }

var none = span{-1, -1}

// A table knows in which range a key is: each begins where the one before it ends. Above the keys is a list of every sixteenth of
// them, above that one of every sixteenth of those, and so on: a lookup reads two lines of the processor's cache of each.
type table struct {
	hi, lo []uint64   // where ranges begin, sorted; of IPv4 addresses lo is nothing
	of     []span     // of each
	above  [][]uint64 // every sixteenth of hi, and so on
}

const block = 16

func key(a netip.Addr) (hi, lo uint64) {
	if a.Is4() {
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:])), 0
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// put adds a range behind all others, or in place of the last one, where that has nothing in it.
func (t *table) put(hi, lo uint64, at span) {
	last := len(t.hi) - 1
	if last >= 0 && t.hi[last] == hi && t.lo[last] == lo {
		t.of[last] = at
		return
	}
	for level, n := 0, len(t.hi); n%block == 0 && n > 0; level, n = level+1, n/block {
		if level == len(t.above) {
			t.above = append(t.above, []uint64{t.hi[0]})
		}
		t.above[level] = append(t.above[level], hi)
	}
	t.hi, t.lo, t.of = append(t.hi, hi), append(t.lo, lo), append(t.of, at)
}

// find is what the range with the key has.
func (t *table) find(hi, lo uint64) span {
	i := 0
	for level := len(t.above) - 1; level >= 0; level-- {
		i = within(t.above[level], i, hi)
	}
	i = within(t.hi, i, hi)
	if i < len(t.hi) && t.hi[i] == hi { // of ranges in one /64, that of the other half
		j := len(t.hi)
		if hi+1 != 0 {
			j = i + below(t.hi[i:], hi+1)
		}
		if lo+1 == 0 {
			i = j
		} else {
			i += below(t.lo[i:j], lo+1)
		}
	}
	if i == 0 {
		return none
	}
	return t.of[i-1]
}

// within is how many keys of a list are less than k, where n of the list above are.
func within(keys []uint64, n int, k uint64) int {
	start := max(n-1, 0) * block
	return start + below(keys[start:min(max(n, 1)*block, len(keys))], k)
}

// below is how many keys are less than k.
func below(keys []uint64, k uint64) int {
	low, high := 0, len(keys)
	for low < high {
		if mid := int(uint(low+high) >> 1); keys[mid] < k {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}
