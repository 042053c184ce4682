package inspect

import (
	"fmt"
	"net/netip"
	"strings"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"
)

// A host is the host of a URL in its one canonical spelling: an address, or a name in lower case and ASCII without a
// trailing dot.
type host struct {
	addr netip.Addr // invalid: it is a name
	name string
}

func (h host) String() string {
	if h.addr.IsValid() {
		return h.addr.String()
	}
	return h.name
}

// parseHost reads a host in the spelling that all parsers share. Addresses in octal, hexadecimal or with fewer than
// four parts, escapes, and characters that become digits or dots by IDNA are refused, whatever they stand for.
func parseHost(s string) (host, error) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		return parseIPv6(inner)
	}
	if strings.Trim(s, ".") == "" {
		return host{}, ambiguous("a URL without a host")
	}
	name, err := asciiName(s)
	if err != nil {
		return host{}, err
	}
	name = strings.TrimSuffix(name, ".")
	if err := checkLabels(name); err != nil {
		return host{}, err
	}
	if !endsInNumber(name) {
		return host{name: name}, nil
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return host{addr: addr}, nil
	}
	return host{}, ambiguous("a URL with an address that is not four decimal numbers")
}

func parseIPv6(s string) (host, error) {
	s, ok := strings.CutSuffix(s, "]")
	addr, err := netip.ParseAddr(s)
	if !ok || err != nil || !addr.Is6() || addr.Zone() != "" {
		return host{}, ambiguous("a URL with a malformed IPv6 address")
	}
	return host{addr: addr.Unmap()}, nil
}

// asciiName maps an international name to ASCII. A name in which only the mapping brings out an address or an ASCII
// name is a disguise: real international names keep at least one label in Punycode.
func asciiName(s string) (string, error) {
	lower := asciiLower(s)
	if isASCII(s) {
		return lower, nil
	}
	if strings.ContainsAny(s, "。．｡") {
		return "", ambiguous("a URL with a dot that is not ASCII")
	}
	name, err := idna.Lookup.ToASCII(lower)
	if err != nil {
		return "", ambiguous("a URL with a name that is not valid in IDNA")
	}
	for _, pair := range zip(strings.Split(lower, "."), strings.Split(name, ".")) {
		if !isASCII(pair[0]) && !strings.HasPrefix(pair[1], "xn--") {
			return "", ambiguous("a URL with look-alikes of ASCII characters in its host")
		}
	}
	return name, nil
}

// zip pairs labels; idna keeps their number, apart from separators that asciiName has refused.
func zip(a, b []string) [][2]string {
	out := make([][2]string, min(len(a), len(b)))
	for i := range out {
		out[i] = [2]string{a[i], b[i]}
	}
	return out
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

func checkLabels(name string) error {
	if len(name) > 253 {
		return ambiguous("a URL with an overlong host")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return ambiguous("a URL with an empty or overlong label in its host")
		}
		for i := range len(label) {
			if c := label[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return ambiguous("a URL with a host that is not spelled in letters, digits and hyphens")
			}
		}
		if strings.HasPrefix(label, "xn--") {
			if u, err := idna.Lookup.ToUnicode(label); err != nil || isASCII(u) {
				return ambiguous("a URL with malformed Punycode in its host")
			}
		}
	}
	return nil
}

// endsInNumber is WHATWG URL's "ends in a number": such hosts are addresses or invalid, never names.
func endsInNumber(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// public reports whether a host can be one on the public Internet, as far as its spelling tells.
func (h host) public() bool {
	if h.addr.IsValid() {
		return publicAddr(h.addr)
	}
	if !strings.Contains(h.name, ".") {
		return false // localhost, metadata, db: only a local resolver knows them
	}
	for _, zone := range privateZones {
		if h.name == zone || strings.HasSuffix(h.name, "."+zone) {
			return false
		}
	}
	return !embedsPrivate(h.name)
}

// tables are the special-purpose address registries of IANA, by a module that is generated from them. Azure's wire
// server has a public address by mistake of history.
var tables = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork(),
	ssrf.WithDeniedV4Prefixes(netip.MustParsePrefix("168.63.129.16/32")))

func publicAddr(a netip.Addr) bool { return tables.SafeAddr(a) == nil }

// privateZones are names that resolve inside of a network, or to any address that a caller spells into them.
var privateZones = []string{
	// RFC 6761, RFC 6762, RFC 8375, ICANN's reservation of .internal, and what private networks use
	"localhost", "local", "localdomain", "internal", "intranet", "corp", "home", "lan", "private", "home.arpa", "svc",
	"onion", "in-addr.arpa", "ip6.arpa",
	// metadata services that have names outside of the above
	"metadata.goog", "metadata.packet.net", "metadata.platformequinix.com", "metadata.tencentyun.com", "metadata.cloud.ibm.com",
	// wildcard zones that answer with the address in the name, with 127.0.0.1, or with a different address each time
	"nip.io", "sslip.io", "xip.io", "backname.io", "traefik.me", "local.gd", "ip6.name", "localtest.me", "lvh.me",
	"vcap.me", "fuf.me", "lacolhost.com", "localho.st", "yoogle.com", "127-0-0-1.org.uk", "rbndr.us", "1u.ms",
	"lock.cmpxchg8b.com", "rebind.network", "nip.network",
}

// embedsPrivate finds an IPv4 address that is not public in a name, with dots or hyphens, as zones like nip.io read it.
// Such a zone can have any name; what a name resolves to is known only to who looks it up (inspect.urls.resolve).
func embedsPrivate(name string) bool {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '-' })
	for i := 0; i+4 <= len(parts); i++ {
		a, err := netip.ParseAddr(strings.Join(parts[i:i+4], "."))
		if err == nil && !publicAddr(a) {
			return true
		}
	}
	return false
}

// A hostList is a list of hosts; "*.example.com" stands for all names below example.com.
type hostList []string

func newHostList(patterns []string) (hostList, error) {
	var l hostList
	for _, p := range patterns {
		name, below := strings.CutPrefix(p, "*.")
		if strings.Contains(name, ":") && !strings.HasPrefix(name, "[") {
			name = "[" + name + "]"
		}
		h, err := parseHost(name)
		if err != nil || below && h.addr.IsValid() {
			return nil, fmt.Errorf("%q is not a host, an address, or *. and a name", p)
		}
		if below {
			l = append(l, "*."+h.String())
		} else {
			l = append(l, h.String())
		}
	}
	return l, nil
}

func (l hostList) contains(h host) bool {
	s := h.String()
	for _, p := range l {
		if p == s || p[0] == '*' && strings.HasSuffix(s, p[1:]) && !h.addr.IsValid() {
			return true
		}
	}
	return false
}
