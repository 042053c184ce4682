package listen

import (
	"net/http"
	"net/url"
	"testing"
)

func BenchmarkClient(b *testing.B) {
	for name, peer := range map[string]string{"direct": "203.0.113.1:1", "proxied": "10.0.0.1:1"} {
		r := from(b, peer, http.Header{"X-Forwarded-For": {"203.0.113.7, 10.1.1.1"}})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Client(r)
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	r := &http.Request{
		Method: "GET", RequestURI: "/orders/1?limit=10", URL: &url.URL{Path: "/orders/1"}, Host: "api.example.com:8443", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Accept": {"application/json"}, "Accept-Encoding": {"gzip, br"}, "User-Agent": {"shop-app/4.2 (linux)"}, "Connection": {"keep-alive"},
			"Authorization": {"Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl"},
			"Traceparent":   {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "X-Request-Id": {"8d3f"},
		},
	}
	b.ReportAllocs()
	for b.Loop() {
		if v := Check(r, nil); !v.Passed() {
			b.Fatal(v.Detail)
		}
	}
}
