package listen

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// from makes a request as it comes through a Server that trusts 10.0.0.0/8, 2001:db8:1::/48 and 192.0.2.9.
func from(t testing.TB, peer string, h http.Header) *http.Request {
	t.Helper()
	proxies, err := parseProxies("trusted_proxies", []string{"10.0.0.0/8", "2001:db8:1::/48", "192.0.2.9"})
	if err != nil {
		t.Fatal(err)
	}
	at := addressed{at: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(peer))}
	ctx := context.WithValue(context.Background(), peerKey{}, newPeer(at, &settings{proxies: proxies, hsts: hsts("")}))
	return (&http.Request{Header: h, Proto: "HTTP/1.1", RemoteAddr: peer}).WithContext(ctx)
}

// addressed is a connection of which nothing is asked but where it comes from.
type addressed struct {
	net.Conn
	at net.Addr
}

func (c addressed) RemoteAddr() net.Addr { return c.at }

func TestClient(t *testing.T) {
	xff := func(v ...string) http.Header { return http.Header{"X-Forwarded-For": v} }
	fwd := func(v ...string) http.Header { return http.Header{"Forwarded": v} }
	for name, c := range map[string]struct {
		peer string
		h    http.Header
		want string
	}{
		"no proxy":                    {"203.0.113.1:1", nil, "203.0.113.1"},
		"untrusted peer says xff":     {"203.0.113.1:1", xff("1.1.1.1"), "203.0.113.1"},
		"untrusted says forwarded":    {"203.0.113.1:1", fwd("for=1.1.1.1"), "203.0.113.1"},
		"untrusted says all":          {"203.0.113.1:1", http.Header{"X-Real-Ip": {"1.1.1.1"}, "True-Client-Ip": {"1.1.1.1"}}, "203.0.113.1"},
		"trusted says nothing":        {"10.0.0.1:1", nil, "10.0.0.1"},
		"trusted says one":            {"10.0.0.1:1", xff("203.0.113.7"), "203.0.113.7"},
		"mapped peer":                 {"[::ffff:10.0.0.1]:1", xff("203.0.113.7"), "203.0.113.7"},
		"single trusted address":      {"192.0.2.9:1", xff("203.0.113.7"), "203.0.113.7"},
		"neighbour of it":             {"192.0.2.8:1", xff("203.0.113.7"), "192.0.2.8"},
		"rightmost untrusted":         {"10.0.0.1:1", xff("1.1.1.1, 203.0.113.7, 10.2.2.2"), "203.0.113.7"},
		"several lines":               {"10.0.0.1:1", xff("1.1.1.1", "203.0.113.7", "10.2.2.2, 10.3.3.3"), "203.0.113.7"},
		"all trusted":                 {"10.0.0.1:1", xff("10.9.9.9, 10.2.2.2"), "10.9.9.9"},
		"with port":                   {"10.0.0.1:1", xff("203.0.113.7:4711"), "203.0.113.7"},
		"ipv6":                        {"[2001:db8:1::1]:1", xff("2001:db8:2::7"), "2001:db8:2::7"},
		"ipv6 brackets":               {"10.0.0.1:1", xff("[2001:db8:2::7]"), "2001:db8:2::7"},
		"ipv6 with port":              {"10.0.0.1:1", xff("[2001:db8:2::7]:99"), "2001:db8:2::7"},
		"mapped hop":                  {"10.0.0.1:1", xff("1.1.1.1, ::ffff:10.2.2.2"), "1.1.1.1"},
		"garbage stays with voucher":  {"10.0.0.1:1", xff("1.1.1.1, nonsense, 10.2.2.2"), "10.2.2.2"},
		"empty entry":                 {"10.0.0.1:1", xff("1.1.1.1, , 10.2.2.2"), "10.2.2.2"},
		"octal":                       {"10.0.0.1:1", xff("010.0.0.7"), "10.0.0.1"},
		"endless":                     {"10.0.0.1:1", xff("1.1.1.1" + strings.Repeat(", 10.0.0.2", 100)), "10.0.0.2"},
		"forwarded":                   {"10.0.0.1:1", fwd(`for=203.0.113.7;proto=https;by=10.0.0.1`), "203.0.113.7"},
		"forwarded quoted ipv6":       {"10.0.0.1:1", fwd(`For="[2001:db8:2::7]:4711"`), "2001:db8:2::7"},
		"forwarded chain":             {"10.0.0.1:1", fwd(`for=1.1.1.1, for=203.0.113.7`, `for=10.2.2.2`), "203.0.113.7"},
		"forwarded obfuscated":        {"10.0.0.1:1", fwd(`for=_hidden`), "10.0.0.1"},
		"forwarded twice for":         {"10.0.0.1:1", fwd(`for=1.1.1.1;for=203.0.113.7`), "10.0.0.1"},
		"forwarded comma in quotes":   {"10.0.0.1:1", fwd(`for="1.1.1.1,for=8.8.8.8"`), "10.0.0.1"},
		"both agree":                  {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"203.0.113.7"}, "Forwarded": {"for=203.0.113.7"}}, "203.0.113.7"},
		"both differ: nobody knows":   {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"203.0.113.7"}, "Forwarded": {"for=1.1.1.1"}}, "10.0.0.1"},
		"real-ip of a trusted is not": {"10.0.0.1:1", http.Header{"X-Real-Ip": {"1.1.1.1"}}, "10.0.0.1"},
	} {
		got := Client(from(t, c.peer, c.h))
		if got.Addr.String() != c.want {
			t.Errorf("%s: %s, want %s", name, got.Addr, c.want)
		}
		if peer := netip.MustParseAddrPort(c.peer).Addr().Unmap(); got.Peer != peer {
			t.Errorf("%s: peer %s", name, got.Peer)
		}
	}
}

func TestClientTLS(t *testing.T) {
	r := from(t, "203.0.113.1:1", http.Header{"X-Forwarded-Proto": {"https"}})
	if Client(r).TLS {
		t.Error("a stranger's X-Forwarded-Proto was believed")
	}
	r.TLS = &tls.ConnectionState{ServerName: "a.example"}
	if c := Client(r); !c.TLS || c.ServerName != "a.example" {
		t.Errorf("%+v", c)
	}
	for value, want := range map[string]bool{"https": true, "http": false, "https, http": false, "http, HTTPS": true} {
		if got := Client(from(t, "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {value}})).TLS; got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

// Without a Server in front (tests, replay) nobody is trusted.
func TestClientWithoutServer(t *testing.T) {
	r := &http.Request{RemoteAddr: "10.0.0.1:5", Header: http.Header{"X-Forwarded-For": {"1.1.1.1"}}}
	if c := Client(r); c.Addr.String() != "10.0.0.1" || c.Peer != c.Addr {
		t.Errorf("%+v", c)
	}
}

func TestParseProxies(t *testing.T) {
	for _, bad := range []string{"", "10.0.0.0/33", "example.com", "::ffff:10.0.0.0/104"} {
		if _, err := parseProxies("trusted_proxies", []string{bad}); err == nil || !strings.Contains(err.Error(), "trusted_proxies") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestClientAllocates(t *testing.T) {
	r := from(t, "203.0.113.1:1", http.Header{"X-Forwarded-For": {"1.1.1.1"}})
	if n := testing.AllocsPerRun(100, func() { Client(r) }); n != 0 {
		t.Errorf("%v allocations without a trusted proxy", n)
	}
}
