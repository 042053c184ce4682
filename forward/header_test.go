package forward

import (
	"net/http"
	"net/netip"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/exchange"
)

func stranger() *exchange.Exchange {
	return &exchange.Exchange{Client: exchange.Client{Addr: netip.MustParseAddr("203.0.113.7"), Peer: netip.MustParseAddr("10.0.0.1"), TLS: true}}
}

// SECURITY-LESSONS 10, 11, 12: whatever the client sets, the upstream sees our word only.
func TestOutgoing(t *testing.T) {
	family := []string{
		"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Uri", "X-Forwarded-Server",
		"X-Forwarded-Ssl", "X-Forwarded", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Client-Ip", "X-Client-Ip", "X-Original-Url", "X-Rewrite-Url", "X-Host", "X-Original-Host",
	}
	hop := []string{"Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings", "Content-Length", "Host", "Expect", "X-Named"}
	posing := []string{"Remote-User", "X-Remote-User", "X-Auth-Request-Email", "X-Consumer-Username", "X-Ms-Client-Principal", "X-Ms-Client-Principal-Name", "X-Goog-Authenticated-User-Email", "Ssl-Client-Cert"}
	aliases := []string{"Remote_user", "X_Forwarded_For", "X.User.Id", "X_User_Id", "X-User_id", "X!user"}
	in := http.Header{
		"Connection": {"x-named, x-forwarded-for", "X-User-Id , authorization,content-type"}, "X-User-Id": {"forged"},
		"Authorization": {"Bearer a"}, "Content-Type": {"text/plain"}, "Accept": {"a/b", "c/d"}, "Range": {"bytes=0-1"}, "Accept-Encoding": {"gzip"}, "Accept-Charset": {"utf-7"}, "If-Range": {"x"},
	}
	for _, name := range slices.Concat(family, hop, posing, aliases) {
		in[name] = []string{"evil", "evil"}
	}
	before := in.Clone()
	e := stranger()
	e.Outgoing.Delete("X-User-Id")
	e.Outgoing.Set("X-User-Id", "alice")
	e.Outgoing.Add("Accept", "e/f")
	identify := func(h http.Header) { // sees nothing that the client said of the family, and comes before the edits
		if h["X_user_id"] != nil || h["X_User_Id"] != nil || h.Get("X-Forwarded-For") != "203.0.113.7" {
			t.Error("identified too early")
		}
		h.Set("X-Tenant", "acme")
	}
	got := outgoing(e, &Request{Identify: identify, Header: in, Host: "api.example:8443", Inspected: true, Method: "DELETE"})
	want := http.Header{
		"X-User-Id": {"alice"}, "X-Tenant": {"acme"}, "Authorization": {"Bearer a"}, "Content-Type": {"text/plain"}, "Accept": {"a/b", "c/d", "e/f"}, "Accept-Encoding": {"identity"},
		"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"api.example:8443"},
		"Forwarded": {`for=203.0.113.7;host="api.example:8443";proto=https`},
	}
	for name, values := range got {
		if !slices.Equal(want[name], values) {
			t.Errorf("%s: %q, want %q", name, values, want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d fields, want %d: %v", len(got), len(want), got)
	}
	for name, values := range before {
		if !slices.Equal(in[name], values) {
			t.Errorf("the client's %s was changed to %q", name, in[name])
		}
	}
}

func TestOutgoingStream(t *testing.T) {
	in := http.Header{"Te": {"trailers"}, "Range": {"bytes=0-1"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"app/1"}}
	got := outgoing(stranger(), &Request{Header: in, Host: "a", Stream: http.NoBody})
	for name, want := range map[string]string{"Te": "trailers", "Range": "bytes=0-1", "Accept-Encoding": "gzip", "User-Agent": "app/1"} {
		if got.Get(name) != want {
			t.Errorf("%s: %q", name, got[name])
		}
	}
}

func TestHeadersIPv6(t *testing.T) {
	h := http.Header{}
	Headers(h, exchange.Client{Addr: netip.MustParseAddr("2001:db8::7")}, "[::1]:80")
	if h.Get("X-Forwarded-For") != "2001:db8::7" || h.Get("Forwarded") != `for="[2001:db8::7]";host="[::1]:80";proto=http` {
		t.Error(h)
	}
	Headers(h, exchange.Client{Addr: netip.MustParseAddr("::1")}, `a";for=1.1.1.1`)
	if h["Forwarded"] != nil || h["X-Forwarded-Host"] != nil {
		t.Error(h)
	}
}

// A declared name with odd characters passes; a spelling of a field that is never the client's does not, declared or not.
func TestOutgoingDeclared(t *testing.T) {
	in := http.Header{"Api_key": {"k"}, "X.request.id": {"1"}, "User_id": {"evil"}, "X_forwarded_for": {"evil"}, "X.real.ip": {"evil"},
		"Transfer_encoding": {"evil"}, "X_Forwarded-Host": {"evil"}, "Content_length": {"1"}, "Via": {"v"}}
	declared := func(name string) bool { return name != "User_id" }
	got := outgoing(stranger(), &Request{Header: in, Host: "a", Declared: declared})
	for name := range in {
		if want := name == "Api_key" || name == "X.request.id" || name == "Via"; (got[name] != nil) != want {
			t.Errorf("%s: %q", name, got[name])
		}
	}
}
