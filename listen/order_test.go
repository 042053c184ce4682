package listen

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sallyport/sallyport/config"
)

// The order of the first request of a connection stays that of the connection, whatever follows.
func TestOrderOfFields(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "[%s]", Client(r).Order) })
	s := start(t, config.Listener{}, h)
	got := raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\nX-Own: 1\r\nAccept: */*\r\nUser-Agent: me\r\n\r\nGET / HTTP/1.1\r\nUser-Agent: me\r\nHost: a\r\nConnection: close\r\n\r\n")
	if n := strings.Count(got, "[host accept user-agent]"); n != 2 {
		t.Errorf("%d times in %s", n, got)
	}
	if got := raw(t, s, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nuser-agent: me\r\n\r\n"); !strings.Contains(got, "[host connection user-agent (small letters)]") {
		t.Error(got)
	}
	proxied := start(t, config.Listener{TrustedProxies: []string{"127.0.0.0/8"}}, h)
	if got := raw(t, proxied, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.Contains(got, "[]") {
		t.Errorf("a proxy's: %s", got)
	}
}

func TestOrderOfHTTP2(t *testing.T) {
	orders := make(chan string, 2)
	s := secure(t, config.Limits{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { orders <- Client(r).Order.String() }))
	c := dialH2(t, s)
	for i, extra := range [][]hpack.HeaderField{{{Name: "accept-language", Value: "en"}, {Name: "accept", Value: "*/*"}}, {{Name: "cookie", Value: "a=b"}}} {
		if err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: block("/", extra...), EndHeaders: true, EndStream: true}); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-orders:
			if got != ":method :scheme :authority :path accept-language accept" {
				t.Error(got)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("no request")
		}
	}
}

func TestGreaseIsNoticed(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, Client(r).Grease) })
	files := writeCert(t, t.TempDir(), 1)
	s := start(t, config.Listener{TLS: &files}, h)
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer tr.CloseIdleConnections()
	if got := fetch(t, tr, "https://"+s.Addr().String()); got != "false" {
		t.Errorf("Go's handshake has GREASE: %s", got)
	}
	for _, hello := range []tls.ClientHelloInfo{{CipherSuites: []uint16{0x1a1a, 0x1301}}, {Extensions: []uint16{0, 0xfafa}}} {
		if !newHello(&hello, 't').grease {
			t.Errorf("no GREASE in %+v", hello)
		}
	}
}
