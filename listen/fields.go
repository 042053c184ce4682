package listen

import "strings"

// singular reports whether a field may occur once only. Names are canonical (textproto.CanonicalMIMEHeaderKey).
// Cookie is among them by RFC 6265 section 5.4; net/http has joined the crumbs of HTTP/2 already.
func singular(name string) bool {
	switch name {
	case "Authorization", "Proxy-Authorization", "Cookie", "Dpop", "Host", "Origin", "Referer", "User-Agent", "From", "Date",
		"Content-Type", "Content-Length", "Content-Encoding", "Content-Location", "Content-Range", "Content-Disposition",
		"Transfer-Encoding", "Expect", "Max-Forwards", "Range", "If-Range", "If-Modified-Since", "If-Unmodified-Since",
		"Idempotency-Key", "Upgrade", "Sec-Websocket-Key", "Sec-Websocket-Version",
		"Access-Control-Request-Method", "X-Api-Key":
		return true
	}
	return false
}

// textual reports singular fields in which browsers and libraries do send bytes beyond ASCII.
func textual(name string) bool {
	return name == "User-Agent" || name == "Referer" || name == "Cookie" || name == "Content-Disposition"
}

// endToEnd reports whether a field, besides the singular ones, has a meaning that must reach the upstream as judged.
func endToEnd(name string) bool {
	return strings.HasPrefix(name, "Content-") || strings.HasPrefix(name, "Accept") || strings.HasPrefix(name, "If-") ||
		strings.HasPrefix(name, "Sec-") || strings.HasPrefix(name, "Access-Control-") || name == "Signature" ||
		name == "Signature-Input" || name == "Cache-Control" || name == "Traceparent"
}

// forwarding reports whether a field belongs to the family by which proxies tell of the client.
func forwarding(name string) bool {
	return strings.HasPrefix(name, "X-Forwarded-") || name == "Forwarded" || name == "X-Real-Ip"
}

// overridesPath reports fields by which some frameworks replace the path that was judged.
func overridesPath(name string) bool {
	return name == "X-Original-Url" || name == "X-Rewrite-Url"
}

// overridesMethod reports fields by which some frameworks replace the method that was judged.
func overridesMethod(name string) bool {
	return name == "X-Http-Method-Override" || name == "X-Http-Method" || name == "X-Method-Override"
}

// meaningful reports whether servers act upon a field before the API behind them does. Names are canonical.
func meaningful(name string) bool {
	if name == "X-Api-Key" || name == "Idempotency-Key" {
		return false
	}
	return singular(name) || endToEnd(name) || forwarding(name) || overridesPath(name) || overridesMethod(name) || name == "Connection"
}

// plain reports whether a name has only letters, digits and "-".
func plain(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; !alnum(c) && c != '-' {
			return false
		}
	}
	return name != ""
}

func alnum(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}

// clean reports whether a value has no control characters but tab; with ascii, no bytes beyond ASCII either.
func clean(v string, ascii bool) bool {
	for i := 0; i < len(v); i++ {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f || ascii && c >= 0x80 {
			return false
		}
	}
	return true
}
