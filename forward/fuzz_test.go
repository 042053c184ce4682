package forward

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/exchange"
)

// Whatever passes valid is written as one request line, byte for byte.
func FuzzTarget(f *testing.F) {
	for _, s := range [][2]string{
		{"/", ""}, {"/a/b%2Fc", "q=%zz"}, {"//a", ""}, {"/a b", ""}, {"/a", "b c"}, {"/%", "%"}, {"/a;b", "a;b"}, {"/a?b", ""}, {"/a#b", ""},
		{"/a\r\nX: y", ""}, {"/:@!$&'()*+,=~", "?/"}, {"/\x80", ""}, {"/http://x/", ""}, {"*", ""}, {"/a", "x#y"}, {"/\\", `"<>^|`},
	} {
		f.Add(s[0], s[1])
	}
	at := &target{scheme: "http", host: "h"}
	f.Fuzz(func(t *testing.T, path, query string) {
		out := &Request{Method: "GET", Path: path, RawQuery: query, Host: "h"}
		if out.valid() != nil {
			return
		}
		var wire bytes.Buffer
		if err := new(call).newRequest(context.Background(), at, out, http.Header{}, "h").Write(&wire); err != nil {
			t.Fatalf("%q %q: %v", path, query, err)
		}
		ours, err := new(conn).appendHead(nil, out, http.Header{}, "h")
		if err != nil {
			t.Fatalf("%q %q: %v", path, query, err)
		}
		want := path
		if query != "" {
			want += "?" + query
		}
		for _, head := range []string{string(ours), wire.String()} { // HTTP/2 takes its path from the latter
			if line, _, _ := strings.Cut(head, "\r\n"); line != "GET "+want+" HTTP/1.1" {
				t.Fatalf("%q %q went out as %q", path, query, line)
			}
		}
	})
}

// No answer that passes has a header that could be read in two ways.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "Content-Type", "a/b", "c/d")
	f.Add(200, "X-A", "a\x00b", "")
	f.Add(101, "Upgrade", "websocket", "")
	f.Add(999, "Connection", "X-A", "close")
	f.Fuzz(func(t *testing.T, status int, name, a, b string) {
		resp := &http.Response{StatusCode: status, Header: http.Header{http.CanonicalHeaderKey(name): {a, b}}}
		if check(resp, &target{}, nil) != nil {
			return
		}
		if status < 200 || status > 599 {
			t.Fatal(status)
		}
		for name, values := range resp.Header {
			if decisive(name) && len(values) > 1 || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
				t.Fatalf("%q: %q", name, values)
			}
		}
	})
}

// A handshake that passes is one that RFC 6455 allows.
func FuzzHandshake(f *testing.F) {
	f.Add("upgrade", "websocket", "dGhlIHNhbXBsZSBub25jZQ==", "13", "https://h")
	f.Add("keep-alive, Upgrade", "WebSocket", "x", "8", "null")
	f.Fuzz(func(t *testing.T, connection, upgrade, key, version, origin string) {
		r := &http.Request{Method: "GET", ProtoMajor: 1, ProtoMinor: 1, Host: "h", Header: http.Header{
			"Connection": {connection}, "Upgrade": {upgrade}, "Sec-Websocket-Key": {key}, "Sec-Websocket-Version": {version}, "Origin": {origin},
		}}
		v := CheckUpgrade(r, nil)
		if v.Passed() && (!strings.EqualFold(upgrade, "websocket") || version != "13" || len(key) < 22 || !strings.HasSuffix(strings.ToLower(origin), "//h")) {
			t.Fatalf("%q %q %q %q %q", connection, upgrade, key, version, origin)
		}
		if !v.Passed() && v.Reason != exchange.BadUpgrade && v.Reason != exchange.CORSRefused {
			t.Fatalf("%+v", v)
		}
	})
}
