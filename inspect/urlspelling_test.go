package inspect

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// insideAddrs are addresses that no request should make a service call: loopback, private, link-local, shared, metadata.
var insideAddrs = []string{"127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "10.96.0.1", "172.16.0.1", "172.17.0.1", "192.168.1.1", "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"}

// spellings are the ways in which parsers, resolvers and inet_aton let an IPv4 address be written.
func spellings(s string) []string {
	a := netip.MustParseAddr(s).As4()
	n := uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
	hi, lo := n>>16, n&0xffff
	list := []string{
		s, s + ".", // plain, rooted
		fmt.Sprintf("%d", n), fmt.Sprintf("%d.", n), fmt.Sprintf("0x%x", n), fmt.Sprintf("0X%X", n), fmt.Sprintf("0x%08x", n), fmt.Sprintf("0x00000000%x", n), fmt.Sprintf("0%o", n), fmt.Sprintf("000%o", n),
		fmt.Sprintf("0x%x.0x%x.0x%x.0x%x", a[0], a[1], a[2], a[3]), fmt.Sprintf("0%o.0%o.0%o.0%o", a[0], a[1], a[2], a[3]), fmt.Sprintf("0%o.%d.0x%x.%d", a[0], a[1], a[2], a[3]), fmt.Sprintf("%d.%d.%d.0x%x", a[0], a[1], a[2], a[3]),
		fmt.Sprintf("%03d.%03d.%03d.%03d", a[0], a[1], a[2], a[3]), fmt.Sprintf("000%o.000%o.%d.%d", a[0], a[1], a[2], a[3]), // padded
		fmt.Sprintf("%d.%d", a[0], n&0xffffff), fmt.Sprintf("0x%x.%d", a[0], n&0xffffff), fmt.Sprintf("%d.0x%x", a[0], n&0xffffff), fmt.Sprintf("%d.%d.%d", a[0], a[1], lo), fmt.Sprintf("0%o.%d.0x%x", a[0], a[1], lo), // short
		fmt.Sprintf("%d.%d.%d.%d", int(a[0])+256, int(a[1])+256, int(a[2])+256, int(a[3])+256), fmt.Sprintf("%d", uint64(n)+1<<32), // overflowing
		strings.NewReplacer(".", "%2e").Replace(s), fmt.Sprintf("%%%02x%s", s[0], s[1:]), fmt.Sprintf("%%25%02x%s", s[0], s[1:]), s + "%00", s + "%2f.example.com", s + "%23.example.com", // escaped
		strings.ReplaceAll(s, ".", "。"), strings.ReplaceAll(s, ".", "．"), strings.ReplaceAll(s, ".", "｡"), fullWidth(s), circled(s), // IDNA
		s + "\\.example.com", "example.com\\@" + s, "example.com@" + s, "@" + s, "a:b@" + s, "example.com#@" + s, "example.com?@" + s, "example.com:80@" + s, s + "\t", "\t" + s, s + "\n.example.com", s + " ", "\u200b" + s, s + "\u00ad", // parser differences
		s + ".nip.io", "x." + s + ".sslip.io", strings.ReplaceAll(s, ".", "-") + ".nip.io", s + ".wildcard.example", "8.8.8.8." + s + ".wildcard.example", "a-" + strings.ReplaceAll(s, ".", "-") + "-b.wildcard.example", // names
	}
	for _, v6 := range []string{
		"::ffff:%x:%x", "::FFFF:%X:%X", "0:0:0:0:0:ffff:%x:%x", "::ffff:0:%x:%x", "::%x:%x", "64:ff9b::%x:%x", "64:ff9b:1::%x:%x", "2002:%x:%x::", "2002:%x:%x::1", "2001:0:%x:%x::", "2001::%x:%x", "fe80::5efe:%x:%x", "100::%x:%x",
	} {
		list = append(list, "["+fmt.Sprintf(v6, hi, lo)+"]")
	}
	inverted := ^n // Teredo hides the client's address so
	return append(list, "[::ffff:"+s+"]", "[::"+s+"]", "[64:ff9b::"+s+"]", "[::ffff:0:"+s+"]", "[::ffff:"+s+"%25eth0]", "[::ffff:"+s+"%lo]", "["+s+"]",
		fmt.Sprintf("[2001:0:4136:e378:8000:63bf:%x:%x]", inverted>>16, inverted&0xffff))
}

func fullWidth(s string) string { return shift(s, '０') }

func circled(s string) string { // zero stands apart
	return strings.ReplaceAll(shift(strings.ReplaceAll(s, "0", "⓪"), '①'-1), "⑩", "⓪")
}

func shift(s string, zero rune) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return zero + r - '0'
		}
		return r
	}, s)
}

// Whatever the spelling, an inside address is refused: with or without a port, in any case of the scheme.
func TestURLSpellings(t *testing.T) {
	p := policy(t, config.URLs{}, nil)
	n := 0
	for _, a := range insideAddrs {
		for _, s := range spellings(a) {
			for _, form := range []string{"http://%s/", "https://%s:8443/x?y=z#f", "HTTP://%s"} {
				n++
				if _, err := p.check(t.Context(), fmt.Sprintf(form, s)); err == nil {
					t.Errorf("%q passes", fmt.Sprintf(form, s))
				}
			}
			for _, form := range []string{"//%s/", "http:%s", "http:/%s", "http:///%s", `\\%s\x`, `/\%s/`, `http:\\%s`} {
				n++
				if _, err := p.checkReference(t.Context(), fmt.Sprintf(form, s)); err == nil {
					t.Errorf("the reference %q passes", fmt.Sprintf(form, s))
				}
			}
		}
	}
	t.Logf("%d URLs of %d addresses", n, len(insideAddrs))
}

// A relative reference stays with the service; one that names a host is judged like a whole URL.
func TestURLReferences(t *testing.T) {
	p := policy(t, config.URLs{}, nil)
	for raw, pass := range map[string]bool{
		"": true, "/": true, "/a/b?c=d#e": true, "a/b": true, "./a": true, "../a": true, "?x=http://127.0.0.1/": true, "#x": true, "/a:b": true, "a/b:c": true, "/@user": true, "/a//b": true, "?@": true, "/ü": true, "image.png": true,
		"https://example.com/": true, "//example.com/x": true, "//EXAMPLE.com:443": true,
		"//127.0.0.1/": false, "//localhost": false, "///127.0.0.1/": false, "////x": false, "http:x": false, "file:///etc/passwd": false, "gopher://x.example/": false, "1a:b": false, "://x.example": false,
		"@127.0.0.1/": false, "a@b/c": false, ":80/": false, "//a@example.com/": false, "/\\127.0.0.1": false, "\\\\x": false, "/a b": false, "\thttp://127.0.0.1/": false, "/a\n": false, "javascript:alert(1)": false, "data:,x": false,
	} {
		if _, err := p.checkReference(t.Context(), raw); (err == nil) != pass {
			t.Errorf("%q: %v, want pass %v", raw, err, pass)
		}
	}
}
