package inspect

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// whatwgHost is a reading of our own of the host that a browser finds in a URL (WHATWG URL, special schemes): it
// repairs what it can, as browsers do. It is no second opinion on names: IDNA maps only digits and dots here.
func whatwgHost(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "", "\\", "/").Replace(s)
	_, rest, ok := strings.Cut(s, ":")
	if !ok || strings.ContainsAny(s[:len(s)-len(rest)], "/?#") {
		return ""
	}
	rest = strings.TrimLeft(rest, "/")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
		rest = rest[:i]
	}
	if name, err := url.PathUnescape(rest); err == nil {
		rest = name
	}
	return strings.ToLower(strings.Map(narrow, rest))
}

// narrow maps what IDNA takes for digits and dots, and drops what it ignores.
func narrow(r rune) rune {
	switch {
	case '０' <= r && r <= '９':
		return '0' + r - '０'
	case '①' <= r && r <= '⑨':
		return '1' + r - '①'
	case r == '⓪':
		return '0'
	case r == '。' || r == '．' || r == '｡':
		return '.'
	case r == '\u00ad' || r == '\u200b' || r == '\ufeff':
		return -1
	}
	return r
}

// numericAddr reads an IPv4 address as inet_aton and WHATWG do: one to four parts, each decimal, octal or hexadecimal,
// of which the last fills the rest.
func numericAddr(host string) (netip.Addr, bool) {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var n uint64
	for i, p := range parts {
		base := 10
		switch {
		case strings.HasPrefix(p, "0x"):
			p, base = p[2:], 16
		case len(p) > 1 && p[0] == '0':
			p, base = p[1:], 8
		}
		if p == "" && base == 16 {
			p = "0"
		}
		v, err := strconv.ParseUint(p, base, 32)
		last := i == len(parts)-1
		if err != nil || !last && v > 255 || last && v >= 1<<(8*(5-len(parts))) {
			return netip.Addr{}, false
		}
		if last {
			n = n<<(8*(5-len(parts))) | v
		} else {
			n = n<<8 | v
		}
	}
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), true
}

// inside says of an address, by the RFCs' lists and not by the product's tables, that it is not public.
func inside(a netip.Addr) bool {
	if a = a.Unmap(); a.Is4() {
		return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.As4()[0] == 0 || a.As4()[0] >= 240 ||
			netip.MustParsePrefix("100.64.0.0/10").Contains(a)
	}
	b := a.As16()
	four := func(at int) bool { return inside(netip.AddrFrom4([4]byte(b[at : at+4]))) }
	switch {
	case netip.MustParsePrefix("::/96").Contains(a), netip.MustParsePrefix("64:ff9b::/96").Contains(a):
		return four(12)
	case netip.MustParsePrefix("2002::/16").Contains(a):
		return four(2)
	}
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified()
}

// points reports whether a host, read in one way, is an inside one.
func points(host string) bool {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, _, _ = strings.Cut(strings.TrimSuffix(inner, "]"), "%")
		a, err := netip.ParseAddr(inner)
		return err == nil && inside(a)
	}
	if name := strings.TrimSuffix(host, "."); name == "localhost" || strings.HasSuffix(name, ".localhost") || name == "metadata.google.internal" {
		return true
	}
	a, ok := numericAddr(host)
	return ok && inside(a)
}

// FuzzURLReadings: what a browser's reading, or that of net/url, takes for an inside address is refused.
func FuzzURLReadings(f *testing.F) {
	for _, list := range refusedURLs {
		for _, s := range list {
			f.Add(s)
		}
	}
	for _, s := range plainURLs {
		f.Add(s)
	}
	for _, s := range spellings("127.0.0.1") {
		f.Add("http://" + s + "/")
		f.Add("//" + s)
	}
	p := policy(f, config.URLs{}, nil)
	base := &url.URL{Scheme: "https", Host: "service.example", Path: "/a/b"}
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := base.Parse(s); err == nil && points(strings.ToLower(u.Hostname())) {
			if _, err := p.checkReference(t.Context(), s); err == nil {
				t.Fatalf("the reference %q passes, and leads to %q", s, u.Host)
			}
		}
		readings := []string{whatwgHost(s)}
		if u, err := url.Parse(s); err == nil {
			readings = append(readings, strings.ToLower(u.Hostname()), "["+u.Hostname()+"]")
		}
		for _, host := range readings {
			if !points(host) {
				continue
			}
			if _, err := p.check(t.Context(), s); err == nil {
				t.Fatalf("%q passes, and can be read as %q", s, host)
			}
		}
	})
}

// The readings know the spellings that they are there for; a blind oracle would agree with everything.
func TestReadingsAreNotBlind(t *testing.T) {
	for _, s := range []string{"http://0x7f.1/", "http://017700000001", "http://2130706433/", "http://127.1/", "http:\\\\10.0.0.1\\", "ht\ntp://a@127.0.0.1:80/x", "http:/127.0.0.1", "http://[::ffff:7f00:1]/", "http://[fe80::1%25eth0]/",
		"http://%31%32%37.0.0.1/", "http://１２７。０．０｡1/", "http://①②⑦.⓪.⓪.①", "http://[64:ff9b::a00:1]/", "http://[2002:7f00:1::]/", "http://LOCALHOST./", "http://a.localhost#x", "http://0/", "http://0x/", "http://169.254.43518/"} {
		if !points(whatwgHost(s)) {
			t.Errorf("%q is read as %q", s, whatwgHost(s))
		}
	}
	for _, s := range plainURLs {
		if points(whatwgHost(s)) {
			t.Errorf("%q is read as %q", s, whatwgHost(s))
		}
	}
}
