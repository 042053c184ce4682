package forward

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport/sallyport/config"
)

var clientHeader = http.Header{
	"Accept": {"application/json"}, "Accept-Encoding": {"gzip, br"}, "User-Agent": {"shop-app/4.2 (linux)"}, "Connection": {"keep-alive"},
	"Authorization": {"Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl"},
	"Traceparent":   {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "X-Request-Id": {"8d3f"}, "Content-Type": {"application/json"},
}

// The whole way to a loopback upstream and back; the upstream's own work is in the time, and in the allocations.
func BenchmarkRoundTrip(b *testing.B) {
	answer := make([]byte, 1024)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Write(answer)
	}))
	defer srv.Close()
	for name, out := range map[string]*Request{
		"GET":  {Method: "GET", Path: "/orders/1", RawQuery: "limit=10", Host: "api.example", Header: clientHeader, Inspected: true},
		"POST": {Method: "POST", Path: "/orders", Host: "api.example", Header: clientHeader, Body: answer, Inspected: true},
	} {
		b.Run(name, func(b *testing.B) {
			u := startUpstream(b, config.Upstream{}, srv.URL)
			b.ReportAllocs()
			for b.Loop() {
				resp, err := u.RoundTrip(context.Background(), stranger(), out)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
}

// What the package itself does for one request, without connections: the header that is sent and its bytes, and the head of the answer.
func BenchmarkOwn(b *testing.B) {
	u := startUpstream(b, config.Upstream{}, "http://192.0.2.1", "http://192.0.2.2")
	answer := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\nDate: Tue, 24 Nov 2026 00:00:00 GMT\r\n\r\n"
	out := &Request{Method: "POST", Path: "/orders", Host: "api.example", Header: clientHeader, Body: make([]byte, 1024), Inspected: true}
	cn := new(conn)
	b.ReportAllocs()
	for b.Loop() {
		head, err := cn.appendHead(cn.scratch[:0], out, outgoing(stranger(), out), out.Host)
		if err != nil {
			b.Fatal(err)
		}
		cn.keepScratch(head)
		t, trial := u.claim(nil)
		c := new(call)
		if err := parseHead(answer, &c.response); err != nil {
			b.Fatal(err)
		}
		if failed := check(&c.response, t, nil); failed != nil {
			b.Fatal(failed)
		}
		t.settle(good, trial, t.breaker.until)
		u.release(t)
	}
}
