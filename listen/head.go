package listen

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// head is what strict has to remember of a head while its lines come.
type head struct {
	method   []byte
	target   []byte // of a refused request line only
	hosted   bool   // there was a Host
	measured bool   // there was a Content-Length
	chunked  bool   // there was a Transfer-Encoding
	old      bool   // HTTP/1.0
	size     int    // bytes so far
	length   int64
	order    exchange.Order
	framing  []byte // the line of one of them: net/http gets it last, when nothing can be refused any more
}

func (h *head) reset() { *h = head{method: h.method[:0], framing: h.framing[:0]} }

// requestLine judges what follows the method (RFC 9112 section 3). The target of a line that is refused is remembered, and
// so is that of a client that forgot TLS.
func (h *head) requestLine(text []byte, plain bool) (*exchange.Reason, string) {
	target, version, _ := bytes.Cut(text, []byte(" "))
	reason, detail := exchange.BadTarget, badForm(h.method, target)
	if string(version) != "HTTP/1.1" && string(version) != "HTTP/1.0" {
		reason, detail = exchange.BadFraming, "the request line does not end with HTTP/1.1 or HTTP/1.0"
	}
	if detail != "" || plain {
		h.target = bytes.Clone(target)
	}
	h.old = string(version) == "HTTP/1.0"
	return reason, detail
}

// badForm says what is wrong with the form of a request target: what net/http would refuse itself, in a path an escape without two
// hexadecimal digits, and what it would resolve. It neither keeps nor changes its arguments, so that a string can be one without a copy.
func badForm(method, target []byte) string {
	if string(target) == "*" && string(method) == http.MethodOptions {
		return ""
	}
	if len(target) == 0 || target[0] != '/' {
		return "the request target is not in origin-form (RFC 9112 section 3.2.1)"
	}
	query := false
	for i, c := range target {
		query = query || c == '?'
		ok := c > ' ' && c != 0x7f
		if c == '%' && !query {
			_, ok = hexadecimal(target[i+1 : min(i+3, len(target))])
			ok = ok && i+3 <= len(target)
		}
		if !ok {
			return "the request target has a malformed escape, or a character that is not allowed"
		}
	}
	return ""
}

// field judges one field line (RFC 9112 section 5).
func (h *head) field(text []byte) (*exchange.Reason, string) {
	if text[0] == ' ' || text[0] == '\t' {
		return exchange.BadHeader, "a field is folded"
	}
	name, value, ok := cutField(text)
	if !ok {
		return exchange.BadHeader, "a header line is not a name, a colon and a value without control characters"
	}
	switch {
	case is(name, "Host"):
		if h.hosted {
			return exchange.BadHeader, "Host is repeated"
		}
		if !validHost(string(value)) {
			return exchange.BadHeader, "Host is not a host with an optional port"
		}
		h.hosted = true
	case is(name, "Content-Length"):
		if h.measured || h.chunked || !h.read(value) {
			return exchange.BadFraming, "Content-Length is repeated, beside Transfer-Encoding, or not a number"
		}
		h.measured = true
	case is(name, "Transfer-Encoding"):
		if h.measured || h.chunked || h.old || !is(value, "chunked") {
			return exchange.BadFraming, "Transfer-Encoding is repeated, beside Content-Length, on HTTP/1.0, or not exactly chunked"
		}
		h.chunked = true
	case is(name, "Trailer") && framed(value):
		return exchange.BadFraming, "Trailer announces a field of framing"
	case is(name, "Expect") && !is(value, "100-continue"):
		return exchange.BadHeader, "Expect is not 100-continue"
	}
	return nil, ""
}

// withLine is the order of the fields with that of one more line, of HTTP/1.
func withLine(o exchange.Order, text []byte) exchange.Order {
	name, _, _ := strings.Cut(string(text), ":")
	with := o.With(name)
	if with != o && name[0] >= 'a' && (is([]byte(name), "Host") || is([]byte(name), "User-Agent") || is([]byte(name), "Accept")) {
		with |= exchange.Small
	}
	return with
}

// framed reports whether a list names a field that says where a message ends, and so cannot come behind it.
func framed(names []byte) bool {
	for name := range bytes.SplitSeq(names, []byte(",")) {
		if name = bytes.Trim(name, " \t"); is(name, "Content-Length") || is(name, "Transfer-Encoding") || is(name, "Trailer") {
			return true
		}
	}
	return false
}

// read reads a length of up to 18 digits.
func (h *head) read(value []byte) bool {
	h.length = 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
		h.length = h.length*10 + int64(c-'0')
	}
	return 0 < len(value) && len(value) < 19
}

// withheld keeps the line that was just judged where it says how long the body is.
func (h *head) withheld(line []byte) bool {
	if len(h.framing) > 0 || !h.measured && !h.chunked {
		return false
	}
	h.framing = append(h.framing, line...)
	return true
}

// cutField cuts a field line into name and value.
func cutField(text []byte) (name, value []byte, ok bool) {
	name, value, ok = bytes.Cut(text, []byte(":"))
	if !ok || len(name) == 0 {
		return nil, nil, false
	}
	for _, c := range name {
		if !tchar(c) {
			return nil, nil, false
		}
	}
	value = bytes.Trim(value, " \t")
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return nil, nil, false
		}
	}
	return name, value, true
}

func is(name []byte, canonical string) bool { return bytes.EqualFold(name, []byte(canonical)) }

// tchar is a character of a token (RFC 9110 section 5.6.2).
func tchar(c byte) bool { return alnum(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 }
