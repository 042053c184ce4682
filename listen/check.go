package listen

import (
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// maxFields bounds the number of header field lines of a request.
const maxFields = 100

// Check judges what net/http has let pass and says Pass, or refuses with BadMethod, BadTarget, BadHeader, HeadTooLarge, BadFraming
// or BadUpgrade. The gateway closes the connection after a refusal. declared is what all APIs declare together; see
// [Declared.Narrow] for what follows once the API is known. Nil declares nothing.
//
// Check also removes header fields on which nobody may rely, so that guards judge what the upstream will see: names
// with other characters than letters, digits and "-" that nobody declares (upstreams fold "X_User_Id" and "X-User-Id"
// into one; nginx drops them too), path overrides (X-Original-Url …), an empty User-Agent, which net/http's
// transport would not send, offers to upgrade to anything but WebSocket, and what Connection names. It is therefore
// called once, before anybody else looks at r.
//
// What net/http would have resolved without a trace (Content-Length beside chunked, lines ended by LF, folded fields …) does
// not come here as such, nor do malformed header blocks of HTTP/2: see strict and blocks, whose refusal Check repeats. Absolute-form is refused, as it names a second host.
func Check(r *http.Request, declared *Declared) exchange.Verdict {
	if broken, ok := r.Context().Value(refusalKey{}).(*refusal); ok {
		return broken.verdict()
	}
	if oversize(r) {
		return (&refusal{reason: exchange.HeadTooLarge, detail: tooLarge}).verdict()
	}
	if !declared.method(r.Method) {
		return exchange.Refuse(exchange.BadMethod, "method "+clip(r.Method))
	}
	if detail := badTarget(r); detail != "" {
		return exchange.Refuse(exchange.BadTarget, detail)
	}
	if !validHost(r.Host) {
		return exchange.Refuse(exchange.BadHeader, "Host is not a host with an optional port")
	}
	if detail := badFraming(r); detail != "" {
		return exchange.Refuse(exchange.BadFraming, detail)
	}
	if detail := badFields(r, declared); detail != "" {
		return exchange.Refuse(exchange.BadHeader, detail)
	}
	if detail := badUpgrade(r); detail != "" {
		return exchange.Refuse(exchange.BadUpgrade, detail)
	}
	return exchange.Pass
}

// oversize measures the header of HTTP/3 as RFC 9114, section 4.2.2, does; those of HTTP/1 and HTTP/2 were measured as they came.
func oversize(r *http.Request) bool {
	p, ok := r.Context().Value(peerKey{}).(*peer)
	if !ok || r.ProtoMajor != 3 {
		return false
	}
	const overhead = 32
	size := len(r.Method) + len(r.Host) + len(r.RequestURI) + 3*overhead
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v) + overhead
		}
	}
	return size > p.maxHead
}

// knownMethod is the list of methods with a field of their own in OpenAPI 3.2, but TRACE.
func knownMethod(m string) bool {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY":
		return true
	}
	return false
}

// badTarget refuses every form but origin-form, and "*" but with OPTIONS. Absolute-form would have to name the same
// host as the Host field, which net/http no longer has; no client sends it to a server that is not its proxy.
func badTarget(r *http.Request) string {
	switch t := r.RequestURI; {
	case t == "*" && r.Method == http.MethodOptions:
		return ""
	case t == "" || t[0] != '/':
		return "the request target is not in origin-form (RFC 9112 section 3.2.1)"
	}
	return ""
}

// badFraming refuses what is left to see of dubious framing once net/http has read the head.
func badFraming(r *http.Request) string {
	if r.ProtoMajor == 1 && r.ProtoMinor > 1 {
		return "HTTP version is neither 1.0 nor 1.1" // net/http serves 1.2 and later as 1.1
	}
	if len(r.TransferEncoding) > 1 || len(r.TransferEncoding) == 1 && r.TransferEncoding[0] != "chunked" {
		return "Transfer-Encoding is not exactly chunked"
	}
	if r.Header["Transfer-Encoding"] != nil {
		return "Transfer-Encoding was not understood"
	}
	if length := r.Header["Content-Length"]; r.ProtoMajor == 2 && length != nil && length[0] != strconv.FormatInt(r.ContentLength, 10) {
		return "Content-Length does not tell the length of the body" // net/http takes it for 0, with or without a body
	}
	for name := range r.Trailer {
		if singular(name) || endToEnd(name) || !plain(name) {
			return "trailer field " + clip(name) + " is not allowed"
		}
	}
	return ""
}

// badFields goes through the header once.
func badFields(r *http.Request, declared *Declared) string {
	lines := 0
	for name, values := range r.Header {
		if lines += len(values); lines > maxFields {
			return "more than 100 header fields"
		}
		if !plain(name) && !declared.Odd(name) || overridesPath(name) {
			delete(r.Header, name)
			continue
		}
		if name == "User-Agent" && len(values) == 1 && values[0] == "" {
			delete(r.Header, name)
			continue
		}
		if detail := badField(name, values); detail != "" {
			return detail
		}
	}
	if hosts := r.Header["Host"]; hosts != nil { // HTTP/2 only: net/http removes it from HTTP/1
		if hosts[0] != r.Host {
			return "Host and :authority differ"
		}
		delete(r.Header, "Host")
	}
	return dropNamed(r.Header)
}

func badField(name string, values []string) string {
	one := singular(name)
	if one && len(values) > 1 {
		return name + " is repeated"
	}
	for _, v := range values {
		if !clean(v, one && !textual(name)) {
			return name + " has characters that are not allowed"
		}
	}
	switch {
	case name == "Expect" && !strings.EqualFold(values[0], "100-continue"):
		return "Expect is not 100-continue"
	case overridesMethod(name):
		return name + " would change the method after it was judged"
	}
	return ""
}

// dropNamed removes the fields that Connection names (RFC 9110 section 7.6.1) and refuses it when it names fields
// that carry meaning from end to end: nobody honest does, and the upstream would see another request than the one
// judged. The forwarding family is left alone: it is rebuilt later, and a token must not hide a trusted proxy's word.
func dropNamed(h http.Header) string {
	for _, line := range h["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			token = strings.Trim(token, " \t")
			if token == "" || strings.EqualFold(token, "keep-alive") || strings.EqualFold(token, "close") {
				continue
			}
			name := textproto.CanonicalMIMEHeaderKey(token)
			switch {
			case name == "Upgrade" || name == "Te" || name == "Connection" || forwarding(name):
			case singular(name) || endToEnd(name):
				return "Connection names " + clip(name)
			default:
				delete(h, name)
			}
		}
	}
	return ""
}

// badUpgrade lets only the handshake of RFC 6455 pass; whether the operation takes one is for the gateway to say. Offers
// of other protocols are removed, as a server may (RFC 9110 section 7.8): on plain HTTP, Java's own client and curl
// --http2 offer h2c with every request, and other libraries TLS. The upstream sees none of them, so no tunnel begins.
func badUpgrade(r *http.Request) string {
	values := r.Header["Upgrade"]
	if values == nil {
		return ""
	}
	if !slices.ContainsFunc(values, mentionsWebSocket) {
		delete(r.Header, "Upgrade")
		delete(r.Header, "Http2-Settings")
		return ""
	}
	switch {
	case len(values) != 1 || !strings.EqualFold(values[0], "websocket"):
		return "Upgrade is not websocket"
	case r.Method != http.MethodGet || r.ProtoMajor != 1 || r.ProtoMinor != 1:
		return "Upgrade on other than GET with HTTP/1.1"
	case r.ContentLength != 0:
		return "Upgrade with a body"
	case !hasToken(r.Header["Connection"], "upgrade"):
		return "Upgrade without Connection: upgrade"
	}
	return ""
}

func mentionsWebSocket(line string) bool {
	return strings.Contains(strings.ToLower(line), "websocket")
}

func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(t, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// validHost accepts a name of letters, digits, "-", "_" and ".", an IPv4 address, or an IPv6 address in brackets,
// with an optional port of digits. Empty is not valid, whatever the version of HTTP.
func validHost(host string) bool {
	name := host
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return false
		}
		addr, err := netip.ParseAddr(strings.Clone(host[1:end])) // a copy, so that host need not be on the heap
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return false
		}
		return validPort(host[end+1:])
	}
	if colon := strings.IndexByte(host, ':'); colon >= 0 {
		if !validPort(host[colon:]) {
			return false
		}
		name = host[:colon]
	}
	if name == "" || len(name) > 253 || name[0] == '.' || strings.Contains(name, "..") {
		return false
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; !alnum(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// validPort accepts nothing, or a colon with 1 to 5 digits.
func validPort(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != ':' || len(s) < 2 || len(s) > 6 {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// clip makes a stranger's token fit for a log line.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
