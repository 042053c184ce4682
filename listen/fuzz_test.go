package listen

import (
	"bufio"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// Whatever a trusted proxy passes on, the result is an address, and one that stands in the field or the peer's own.
func FuzzClient(f *testing.F) {
	for _, s := range []string{"1.1.1.1", "1.1.1.1, 10.0.0.2", "[2001:db8::1]:1", `for="[2001:db8::1]:1";proto=https, for=_x`, ",,,", "for=;for=", "::ffff:1.2.3.4%eth0"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, xff, forwarded string) {
		r := from(t, "10.0.0.1:1", http.Header{"X-Forwarded-For": {xff}, "Forwarded": {forwarded}})
		if got := Client(r).Addr; !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Fatalf("%q %q: %v", xff, forwarded, got)
		}
	})
}

// A request that passes has only fields that every reader understands in one way.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /a?b HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n\r\n",
		"GET http://a/ HTTP/1.0\r\nConnection: x_y, te, authorization\r\nX_Y: 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			t.Skip()
		}
		r.Header.Del("Host")
		if !Check(r, nil).Passed() {
			return
		}
		if r.RequestURI != "*" && r.RequestURI[0] != '/' {
			t.Fatalf("target %q", r.RequestURI)
		}
		for name, values := range r.Header {
			if strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || singular(name) && len(values) != 1 {
				t.Fatalf("%q: %q", name, values)
			}
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"a", "a:80", "[::1]:80", "[::1", "1.2.3.4", "a_b.c", "a:", "[1.2.3.4]", "..", "[]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !validHost(host) {
			return
		}
		if strings.ContainsAny(host, "/\\@?#% \t\r\n\x00,\"") {
			t.Fatalf("%q", host)
		}
		if strings.HasPrefix(host, "[") {
			if _, err := netip.ParseAddr(host[1:strings.IndexByte(host, ']')]); err != nil {
				t.Fatalf("%q: %v", host, err)
			}
		}
	})
}
