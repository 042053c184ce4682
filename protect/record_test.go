package protect

import (
	"strings"
	"testing"
)

func TestConceal(t *testing.T) {
	const jwt = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLyIsInN1YiI6ImFsaWNlIn0.MEUCIQDx8T2u0b1p6xkXq0l3v0x9s6a7s8d9f0g1h2j3k4l5Zw"
	for name, c := range map[string]struct{ text, secret string }{
		"card":                {"/cards/4111111111111111/limits", "4111111111111111"},
		"card in groups":      {"/cards/4111-1111-1111-1111", "4111-1111"},
		"card, encoded space": {"/cards/4111%201111%201111%201111", "1111%201111%201111"},
		"card, encoded digit": {"/cards/%34111111111111111", "111111111111111"},
		"IBAN":                {"/accounts/DE89370400440532013000", "370400440532"},
		"token":               {"/reset/" + jwt, "MEUCIQDx8"},
		"token as a name":     {jwt + "=", "eyJpc3Mi"},
		"AWS key":             {"/keys/AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"},
		"e-mail":              {"/users/alice@example.com/orders", "alice@"},
		"e-mail, encoded":     {"/users/alice%40example.com", "alice"},
		"password in a URL":   {"fetch https://bob:hunter2secret@example.com/", "hunter2secret"},
	} {
		if got := Conceal(c.text); strings.Contains(got, c.secret) || got == c.text {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, text := range []string{"", "/v1/orders/4711", "/orders/4111111111111112", "/items/0190a6b0-7c1e-7b6a-9c55-2f5d7b8a9c01", "/a%20b/%C3%A4", "GET /orders/{id}", "/x%zz", "limit=20&q=***"} {
		if got := Conceal(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func BenchmarkConceal(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Conceal("/v1/orders/4711/items/0190a6b0-7c1e-7b6a-9c55-2f5d7b8a9c01")
	}
}
