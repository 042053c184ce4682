// Package list knows the lists of addresses that operators keep, or get from others: who is refused, who is let in, who is watched.
//
// A file has one entry a line: an address, a CIDR, AS64496 for an autonomous system or country:KP, then # or ; and the reason,
// which may end with "until 2027-01-01". Systems and countries are looked up in databases of MaxMind's format while the lists are
// read, and never later: a [Set] is one table of disjoint ranges, whatever they came from.
package list

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"time"

	"github.com/sallyport/sallyport/config"
)

// An Entry is one line of a list. It is immutable.
type Entry struct {
	List   string            // name of the list in the config
	Action config.ListAction //
	Text   string            // as it stands in the file: "192.0.2.0/24", "AS64496"
	Reason string            // the list's name where the file has none
	Until  time.Time         // from when it does not hold any more; zero: never
}

// A Set is all lists together. It is immutable and safe for concurrent use; nil is the empty Set.
type Set struct {
	sum       [sha256.Size]byte // of lists and files
	entries   []Entry
	spans     []span
	four, six table
}

// Len is how many entries there are.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.entries)
}

// Sum is the same for Sets that were made of the same: "" of nothing.
func (s *Set) Sum() string {
	if s == nil {
		return ""
	}
	return hex.EncodeToString(s.sum[:])
}

// Find is the entry that decides about an address: of those that hold now one that allows, else one that denies, else one that
// watches; of equals the narrowest. It is nil where no list has the address. The clock is looked at only for entries that end.
func (s *Set) Find(a netip.Addr, now func() time.Time) *Entry {
	if s == nil {
		return nil
	}
	var found *Entry
	for at := s.at(a); at.entry >= 0; at = s.outside(at) {
		e := &s.entries[at.entry]
		if (found == nil || rank(e.Action) < rank(found.Action)) && (e.Until.IsZero() || now().Before(e.Until)) {
			found = e
		}
	}
	return found
}

// On reports whether an address is in an entry of one of the lists that holds now, whatever others say of it.
func (s *Set) On(a netip.Addr, lists []string, now func() time.Time) bool {
	if s == nil {
		return false
	}
	for at := s.at(a); at.entry >= 0; at = s.outside(at) {
		if e := &s.entries[at.entry]; slices.Contains(lists, e.List) && (e.Until.IsZero() || now().Before(e.Until)) {
			return true
		}
	}
	return false
}

// rank is what counts first of what is said of one address.
func rank(a config.ListAction) int {
	switch a {
	case config.ListAllow:
		return 0
	case config.ListDeny:
		return 1
	}
	return 2
}

// at is the narrowest span with the address.
func (s *Set) at(a netip.Addr) span {
	a = a.Unmap()
	switch {
	case a.Is4():
		return s.four.find(key(a))
	case a.Is6():
		return s.six.find(key(a))
	}
	return none
}

// outside is the span around one.
func (s *Set) outside(at span) span {
	if at.wider < 0 {
		return none
	}
	return s.spans[at.wider]
}

// place is a prefix that an entry covers.
type place struct {
	prefix netip.Prefix
	entry  int32
}

// newSet makes the table. Prefixes contain each other or have nothing in common, so those that contain the present one are a stack.
func newSet(entries []Entry, places []place) *Set {
	s := &Set{entries: entries}
	slices.SortStableFunc(places, func(x, y place) int {
		return cmp.Or(x.prefix.Addr().Compare(y.prefix.Addr()), cmp.Compare(x.prefix.Bits(), y.prefix.Bits()))
	})
	var open []place
	var ids []int32 // of open
	leave := func() {
		last, outer := len(open)-1, int32(-1)
		if last > 0 {
			outer = ids[last-1]
		}
		if next := after(open[last].prefix); next.IsValid() {
			s.begin(next, outer)
		}
		open, ids = open[:last], ids[:last]
	}
	for _, p := range places {
		for len(open) > 0 && !open[len(open)-1].prefix.Contains(p.prefix.Addr()) {
			leave()
		}
		wider := int32(-1)
		if len(ids) > 0 {
			wider = ids[len(ids)-1]
		}
		id := int32(len(s.spans))
		s.spans = append(s.spans, span{p.entry, wider})
		s.begin(p.prefix.Addr(), id)
		open, ids = append(open, p), append(ids, id)
	}
	for len(open) > 0 {
		leave()
	}
	return s
}

// begin lets a range begin that has the span, -1 for none.
func (s *Set) begin(a netip.Addr, id int32) {
	at, t := none, &s.four
	if id >= 0 {
		at = s.spans[id]
	}
	if a.Is6() {
		t = &s.six
	}
	hi, lo := key(a)
	t.put(hi, lo, at)
}

// after is the first address behind a prefix; not valid where there is none.
func after(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last.Next()
}
