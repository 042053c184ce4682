package listen

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

func newStrict() *strict { return &strict{max: 1 << 10} }

// pieces feeds a message in pieces of n bytes.
func pieces(message string, n int) (out string, s *strict) {
	s = newStrict()
	var got []byte
	for in := []byte(message); len(in) > 0; {
		m := min(n, len(in))
		got, in = s.feed(got, in[:m]), in[m:]
	}
	return string(got), s
}

// What strict lets pass is what came, but that the line of the framing comes last, or it ends where it is refused.
func TestStrict(t *testing.T) {
	end := "Connection: close\r\n\r\n"
	for name, c := range map[string]struct{ in, out, detail string }{
		"a request":      {"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", ""},
		"framing last":   {"PUT / HTTP/1.1\r\nContent-Length: 1\r\nHost: h\r\n\r\nxGET", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nxGET", ""},
		"chunks":         {"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"b\"\r\nx\r\n0\r\nX: y\r\n\r\nGET", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"b\"\r\nx\r\n0\r\nX: y\r\n\r\nGET", ""},
		"a wrong chunk":  {"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\nx", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + wrong, ""},
		"LF":             {"GET /a HTTP/1.1\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: refused.invalid\r\n" + end, "a line is not ended by CRLF"},
		"not a method":   {"\r\nGET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: refused.invalid\r\n" + end, "the request line does not begin with a method and a space"},
		"half a method":  {"GE\x00T / HTTP/1.1\r\n\r\n", "GE / HTTP/1.1\r\nHost: refused.invalid\r\n" + end, "the request line does not begin with a method and a space"},
		"after a Host":   {"GET /a HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", "GET /a HTTP/1.1\r\nHost: h\r\n" + end, "a field is folded"},
		"after a length": {"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX\r\n\r\n", "PUT /a HTTP/1.1\r\nHost: h\r\n" + end, "a header line is not a name, a colon and a value without control characters"},
		"the second":     {"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET b HTTP/1.1\r\n", "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: refused.invalid\r\n" + end, "the request target is not in origin-form (RFC 9112 section 3.2.1)"},
		"a long target":  {"GET /" + strings.Repeat("a", 2000), "GET / HTTP/1.1\r\nHost: refused.invalid\r\n" + end, tooLarge},
		"a long field":   {"GET /a HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("a", 2000), "GET /a HTTP/1.1\r\nHost: h\r\n" + end, tooLarge},
		"many fields":    {"GET /a HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: y\r\n", 200), "GET /a HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: y\r\n", 166) + end, tooLarge},
		"many trailers":  {"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: y\r\n", 200), "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: y\r\n", 170) + wrong, ""},
		"a long trailer": {"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + strings.Repeat("y", 2000), "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + wrong, ""},
	} {
		for n := 1; n <= len(c.in); n++ {
			out, s := pieces(c.in, n)
			detail := ""
			if broken := s.broken.Load(); broken != nil {
				detail = broken.detail
				if want := int64(strings.Count(c.in, "/a HTTP/1.1\r\nHost: h\r\n\r\n")) + 1; broken.request != want {
					t.Errorf("%s: request %d, want %d", name, broken.request, want)
				}
			}
			if out != c.out || detail != c.detail {
				t.Errorf("%s in pieces of %d: %q, %q", name, n, out, detail)
			}
		}
	}
}

// However a message is cut, the same passes; and net/http finds no fault with a head that did.
func FuzzStrict(f *testing.F) {
	for _, seed := range []string{
		"GET /a?b HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\nGET / HTTP/1.0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhiPOST / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\n\r\n2;a\r\nhi\r\n0\r\nX: y\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, message []byte, n uint8) {
		whole, _ := pieces(string(message), max(1, len(message)))
		cut, _ := pieces(string(message), int(n)+1)
		if whole != cut {
			t.Errorf("%q at once, %q in pieces of %d", whole, cut, n+1)
		}
		source := strings.NewReader(whole)
		for r := bufio.NewReader(source); ; {
			_, _ = r.Peek(1)
			if rest := whole[len(whole)-source.Len()-r.Buffered():]; !strings.Contains(rest, "\r\n\r\n") {
				return // no whole head is left
			}
			request, err := http.ReadRequest(r)
			if err != nil {
				t.Fatalf("net/http says %v of %q", err, whole)
			}
			if _, err := io.Copy(io.Discard, request.Body); err != nil {
				return
			}
		}
	})
}

func BenchmarkStrict(b *testing.B) {
	head := []byte("GET /orders/4711?expand=lines HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: application/json\r\nAccept-Language: en\r\n" +
		"Authorization: Bearer " + strings.Repeat("abcdefgh", 60) + "\r\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n")
	s, out := newStrict(), make([]byte, 0, 4096)
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	for b.Loop() {
		out = s.feed(out[:0], head)
	}
}
