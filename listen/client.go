package listen

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// maxHops bounds how many entries of a forwarding header are looked at.
const maxHops = 32

type peerKey struct{}

// settings are what the connections of a listener have in common.
type settings struct {
	proxies []netip.Prefix
	hsts    string
	maxHead int
}

// hsts is what a listener's setting means.
func hsts(setting string) string {
	if setting == "off" {
		return ""
	}
	return or(setting, "max-age=63072000; includeSubDomains")
}

// peer is what is known of a connection. It is made once per connection and not changed.
type peer struct {
	addr    netip.Addr
	proxies []netip.Prefix // nil unless addr is one of them
	hsts    string
	hello
	held    *held // nil for QUIC
	maxHead int   // see [limits]
}

func newPeer(c net.Conn, set *settings) *peer {
	p := &peer{addr: addressOf(c), hsts: set.hsts, maxHead: set.maxHead}
	if contains(set.proxies, p.addr) {
		p.proxies = set.proxies
	}
	if h := heldBy(c); h != nil {
		p.hello, p.held = h.hello, h
	}
	return p
}

// addressOf is where a connection comes from; not valid for sockets without addresses.
func addressOf(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// Client tells who is at the other end of r: the address behind trusted proxies, and the facts of the transport.
// Header fields are believed only when the peer is a trusted proxy (SECURITY-LESSONS 12); Addr is then the rightmost
// hop that is not one. TLS is true where the client came by TLS, as far as a trusted proxy says so. Without a
// trusted proxy nothing is allocated. On a request that did not come through a [Server] nobody is trusted.
func Client(r *http.Request) exchange.Client {
	c := exchange.Client{Proto: r.Proto}
	if r.TLS != nil {
		c.TLS, c.ServerName = true, r.TLS.ServerName
	}
	p, ok := r.Context().Value(peerKey{}).(*peer)
	if !ok {
		if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			c.Peer = at.Addr().Unmap().WithZone("")
		}
		c.Addr = c.Peer
		return c
	}
	c.Peer, c.Addr = p.addr, p.addr
	if p.proxies != nil {
		c.Addr = p.origin(r.Header)
		if proto := r.Header["X-Forwarded-Proto"]; len(proto) == 1 && lastOf(proto[0]) == "https" {
			c.TLS = true
		}
	}
	if c.TLS {
		c.HSTS = p.hsts
	}
	c.JA4, c.Grease = p.ja4, p.grease
	if p.held != nil && p.proxies == nil {
		c.Order = exchange.Order(p.held.order.Load())
	}
	return c
}

// origin is the client that the trusted peer speaks for. When both families of fields are there and disagree, one of
// them was passed on from a stranger, and as nobody can say which, the peer itself is the client.
func (p *peer) origin(h http.Header) netip.Addr {
	xff, forwarded := h["X-Forwarded-For"], h["Forwarded"]
	switch {
	case len(xff) == 0 && len(forwarded) == 0:
		return p.addr
	case len(forwarded) == 0:
		return p.walk(xff, func(s string) string { return s })
	case len(xff) == 0:
		return p.walk(forwarded, forParam)
	}
	a, b := p.walk(xff, func(s string) string { return s }), p.walk(forwarded, forParam)
	if a != b {
		return p.addr
	}
	return a
}

// walk goes through the hops from the right, as long as they are trusted proxies. A hop that is no address ends the
// walk at the proxy that vouched for it.
func (p *peer) walk(lines []string, address func(string) string) netip.Addr {
	at, hops := p.addr, 0
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; rest != ""; hops++ {
			if hops == maxHops {
				return at
			}
			var hop string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, hop = rest[:comma], rest[comma+1:]
			} else {
				rest, hop = "", rest
			}
			addr, ok := parseHop(address(strings.Trim(hop, " \t")))
			if !ok {
				return at
			}
			if at = addr; !contains(p.proxies, addr) {
				return at
			}
		}
	}
	return at
}

// parseHop reads an address with or without port: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1]:80.
func parseHop(s string) (netip.Addr, bool) {
	if len(s) > 64 {
		return netip.Addr{}, false
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.Addr().Unmap().WithZone(""), true
	}
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		if addr, err := netip.ParseAddr(s[1 : len(s)-1]); err == nil && addr.Is6() {
			return addr.Unmap().WithZone(""), true
		}
	}
	return netip.Addr{}, false
}

// forParam returns the node of the one for= parameter of an element of Forwarded (RFC 7239 section 4), unquoted.
// A quoted comma or semicolon splits the element in two that do not parse, which is as well: no address has one.
func forParam(element string) string {
	found := ""
	for param := range strings.SplitSeq(element, ";") {
		name, value, ok := strings.Cut(strings.Trim(param, " \t"), "=")
		if !ok || !strings.EqualFold(name, "for") {
			continue
		}
		if found != "" {
			return ""
		}
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		found = value
	}
	return found
}

func lastOf(list string) string {
	return strings.ToLower(strings.Trim(list[strings.LastIndexByte(list, ',')+1:], " \t"))
}

// parseProxies reads CIDRs and single addresses.
func parseProxies(setting string, list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			addr, errAddr := netip.ParseAddr(s)
			if errAddr != nil {
				return nil, fmt.Errorf("%s: %q is neither a CIDR nor an address: %w", setting, s, err)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("%s: write %q as an IPv4 prefix", setting, s)
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
