package bot

import "github.com/sallyport/sallyport/exchange"

// A claim is what is demanded of who says that it is a browser, by version where that matters: since when browsers of its kind send
// Sec-Fetch-Mode (Fetch Metadata Request Headers, W3C) and Sec-CH-UA (User-Agent Client Hints, WICG), to secure origins, and
// which version is so old that no honest one is left that keeps itself up to date.
type claim struct {
	metadata, hints, fresh int
	grease                 bool // its handshake has some
	suites                 int  // at most
}

// of is the claim of a kind; false for what claims nothing.
func of(k kind) (c claim, ok bool) {
	switch k {
	case chromium:
		return claim{metadata: 80, hints: 90, fresh: 100, grease: true, suites: 20}, true
	case firefox:
		return claim{metadata: 90, fresh: 100, suites: 20}, true
	case webkit:
		return claim{metadata: 17, fresh: 0, grease: true, suites: 30}, true
	}
	return claim{}, false
}

// contradicted are marks for what does not fit to what a client says that it is.
func contradicted(a agent, f *Features) (m Mark) {
	c, ok := of(a.kind)
	if !ok && a.kind != strange {
		return 0
	}
	if f.Names&AcceptLanguage == 0 {
		m |= NoLanguage
	}
	if f.Names&AcceptEncoding == 0 {
		m |= NoEncoding
	}
	if f.JA4 != "" && f.Names&Upgrade == 0 && !c.greets(f) {
		m |= WrongHandshake
	}
	if !ok {
		return m
	}
	if a.version < c.fresh {
		m |= Stale
	}
	if f.TLS && f.Names&Upgrade == 0 {
		if f.Names&FetchMetadata == 0 && c.metadata <= a.version {
			m |= NoMetadata
		}
		if f.Names&(ClientHints|Preflight) == 0 && 0 < c.hints && c.hints <= a.version {
			m |= NoHints
		}
	}
	if f.Order != 0 && !ordered(a.kind, f.Order) {
		m |= WrongOrder
	}
	return m
}

// greets reports whether the handshake can be that of such a browser. JA4 begins with the transport, the highest version, whether a
// name was asked for, how many suites and extensions there are, and the protocol that is liked best: "t13d1516h2".
func (c claim) greets(f *Features) bool {
	if len(f.JA4) < 10 {
		return false
	}
	suites := int(f.JA4[4]-'0')*10 + int(f.JA4[5]-'0')
	likes := f.JA4[8:10]
	return f.JA4[1:3] == "13" && (likes == "h2" || likes == "h3") && f.HTTP2 && (f.Grease || !c.grease) && (c.suites == 0 || suites <= c.suites)
}

// The fields whose order is looked at.
var (
	scheme, path, authority = exchange.NumberOf(":scheme"), exchange.NumberOf(":path"), exchange.NumberOf(":authority")
	userAgent, accept       = exchange.NumberOf("user-agent"), exchange.NumberOf("accept")
	language, encoding      = exchange.NumberOf("accept-language"), exchange.NumberOf("accept-encoding")
)

// ordered reports whether fields come in the order in which such a browser sends them. Only what was seen of real ones is demanded:
// Chromium says in which encodings before in which languages, and sends :method, :authority, :scheme, :path; Firefox has languages
// first, and :method, :path, :authority, :scheme.
func ordered(k kind, o exchange.Order) bool {
	if o&exchange.Small != 0 {
		return false
	}
	switch k {
	case chromium:
		return !o.Before(language, encoding) && !o.Before(encoding, userAgent) && !o.Before(scheme, authority) && !o.Before(path, scheme)
	case firefox:
		return !o.Before(encoding, language) && !o.Before(accept, userAgent) && !o.Before(authority, path) && !o.Before(scheme, authority)
	}
	return true
}
