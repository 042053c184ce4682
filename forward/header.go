package forward

import (
	"net/http"
	"net/textproto"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// Headers removes every field by which a client could pose as a proxy, and sets those that the upstream may believe:
// X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host and Forwarded (RFC 7239), all from c. There is one hop in
// them, the client: what proxies before us said has been judged already and is not passed on (SECURITY-LESSONS 12).
func Headers(h http.Header, c exchange.Client, host string) {
	for name := range h {
		if forwarded(name) {
			delete(h, name)
		}
	}
	setForwarded(h, c, host)
}

// setForwarded sets the fields on a header that has none of the family.
func setForwarded(h http.Header, c exchange.Client, host string) {
	addr, proto := c.Addr.String(), "http"
	if c.TLS {
		proto = "https"
	}
	node := addr
	if c.Addr.Is6() {
		node = `"[` + addr + `]"`
	}
	values := [...]string{addr, proto, host, "for=" + node + `;host="` + host + `";proto=` + proto}
	h["X-Forwarded-For"] = values[0:1:1]
	h["X-Forwarded-Proto"] = values[1:2:2]
	if safeHost(host) {
		h["X-Forwarded-Host"] = values[2:3:3]
		h["Forwarded"] = values[3:4:4]
	}
}

// safeHost keeps a Host that was not checked by listen out of the quoted string of Forwarded.
func safeHost(host string) bool {
	return host != "" && visible(host, '"') && !strings.ContainsRune(host, '\\')
}

// forwarded reports whether a field belongs to the family by which proxies tell of the client or of the request as
// they got it. Names are canonical.
func forwarded(name string) bool {
	switch name {
	case "Forwarded", "X-Real-Ip", "X-Client-Ip", "Client-Ip", "True-Client-Ip", "X-Cluster-Client-Ip", "Cf-Connecting-Ip",
		"Cf-Connecting-Ipv6", "Fastly-Client-Ip", "X-Remote-Ip", "X-Remote-Addr", "X-Proxyuser-Ip", "X-Envoy-External-Address",
		"X-Original-Forwarded-For", "X-Original-Host", "X-Host", "X-Http-Host-Override", "X-Original-Url", "X-Rewrite-Url",
		"X-Azure-Clientip", "X-Appengine-User-Ip", "X-Arr-Log-Id", "X-Scheme", "X-Url-Scheme", "Front-End-Https":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded") || strings.HasPrefix(name, "X-Forward-")
}

// vouches reports whether a field is one by which well-known proxies tell a service in clear who asks. A service that
// stood behind one of them before believes it still, from whoever sends it; here only the managed headers of identity
// tell that. Fields that carry a signature of their own (Cf-Access-Jwt-Assertion) are for the service to verify.
func vouches(name string) bool {
	switch name {
	case "Remote-User", "X-Remote-User", "X-Remote-Group", "X-Webauth-User", "X-Ms-Client-Principal", "X-Amzn-Oidc-Identity",
		"Cf-Access-Authenticated-User-Email", "X-Client-Cert", "X-Client-Dn":
		return true
	}
	for _, prefix := range vouching {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// vouching are the prefixes of such fields.
var vouching = []string{"X-Auth-Request-", "X-Authenticated-", "X-Consumer-", "X-Credential-", "X-Ms-Client-Principal-",
	"X-Goog-Authenticated-User-", "X-Ssl-Client-", "Ssl-Client-", "X-Amzn-Mtls-", "Tailscale-User-"}

// hopByHop reports fields that belong to one connection (RFC 9110 section 7.6.1), and those that net/http writes
// itself from what the request really is.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Http2-Settings", "Content-Length", "Host", "Expect", "Max-Forwards":
		return true
	}
	return false
}

// Reserved reports whether a header field, by canonical name, never passes from the client: it belongs to the forwarding
// family or to one connection, or is how another proxy would tell who asks. Spellings that servers take for such a field ("X_Forwarded_For") are reserved too.
func Reserved(name string) bool {
	if !plain(name) {
		name = http.CanonicalHeaderKey(strings.Map(dashed, name))
	}
	return forwarded(name) || hopByHop(name) || vouches(name)
}

// dashed is what servers that fold names make of a character.
func dashed(r rune) rune {
	if r < 0x80 && plain(string(r)) {
		return r
	}
	return '-'
}

// reshapes reports fields with which a client could make the answer unreadable for whoever judges it
// (SECURITY-LESSONS 23).
func reshapes(name string) bool {
	switch name {
	case "Range", "If-Range", "Accept-Charset", "Accept-Encoding", "A-Im":
		return true
	}
	return false
}

// dropNamed removes what lines of Connection name, but for fields that are essential to what the message means:
// those a stranger must not be able to switch off.
func dropNamed(h http.Header, lines []string) {
	for _, line := range lines {
		if line == "keep-alive" {
			continue // by far the most common; a field of that name does not pass anyway
		}
		for token := range strings.SplitSeq(line, ",") {
			name := textproto.CanonicalMIMEHeaderKey(strings.Trim(token, " \t"))
			switch {
			case name == "Authorization", name == "Cookie", strings.HasPrefix(name, "Content-"):
			default:
				delete(h, name)
			}
		}
	}
}

// plain reports whether a name has only letters, digits and "-": upstreams read "_" and "." as "-" in names.
func plain(name string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return name != ""
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
