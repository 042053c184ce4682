package rules

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/inspect/seclang"
	"github.com/sallyport/sallyport/inspect/transform"
)

// byteRange holds where a byte lies outside of the ranges: 9,10,32-126.
func (o *operator) byteRange(at seclang.Pos, argument string) error {
	var outside transform.Bytes
	for i := range outside {
		outside[i] = ^uint64(0)
	}
	for field := range strings.SplitSeq(argument, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(field), "-")
		if !isRange {
			to = from
		}
		a, err1 := strconv.ParseUint(from, 10, 8)
		b, err2 := strconv.ParseUint(to, 10, 8)
		if err1 != nil || err2 != nil {
			return problem(at, "@validateByteRange: %q is neither a byte nor a range", field)
		}
		for c := a; c <= b; c++ {
			outside[c>>6] &^= 1 << (c & 63)
		}
	}
	o.needs = &outside
	o.holds = func(_ *run, v string) bool {
		for i := range len(v) {
			if outside.Has(v[i]) {
				return true
			}
		}
		return false
	}
	return nil
}

func brokenEscape(s string) bool {
	for i := strings.IndexByte(s, '%'); i >= 0; i = strings.IndexByte(s, '%') {
		if len(s) < i+3 || !isHex(s[i+1]) || !isHex(s[i+2]) {
			return true
		}
		s = s[i+3:]
	}
	return false
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func (o *operator) ipMatch(at seclang.Pos, argument string) error {
	var list []netip.Prefix
	for field := range strings.SplitSeq(argument, ",") {
		field = strings.TrimSpace(field)
		prefix, err := netip.ParsePrefix(field)
		if err != nil {
			address, err := netip.ParseAddr(field)
			if err != nil {
				return problem(at, "@ipMatch: %q is no address and no range", field)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		list = append(list, prefix)
	}
	o.holds = func(_ *run, v string) bool {
		address, err := netip.ParseAddr(v)
		if err != nil {
			return false
		}
		for _, p := range list {
			if p.Contains(address.Unmap()) {
				return true
			}
		}
		return false
	}
	return nil
}
