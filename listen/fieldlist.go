package listen

import (
	"net/http"
	"strings"

	"golang.org/x/net/http2/hpack"

	"github.com/sallyport/sallyport/exchange"
)

// fieldList judges what a header block of HTTP/2 says (RFC 9113 sections 8.2 and 8.3), field by field and then as a whole. It
// refuses all that net/http would refuse without us, so that net/http has nothing to refuse; the rest is for [Check], which
// knows what is declared.
type fieldList struct {
	max  int
	size int // as RFC 9113 section 6.5.2 counts it

	method, scheme, authority, path string
	host                            string
	hosted, te, regular             bool
	seen                            [4]bool // pseudo-fields
	order                           exchange.Order

	reason *exchange.Reason // of the first thing that is wrong
	detail string
}

func (l *fieldList) blame(reason *exchange.Reason, detail string) {
	if l.reason == nil {
		l.reason, l.detail = reason, detail
	}
}

// add judges one field. Beyond the size nothing is looked at: the list is refused whatever it says.
func (l *fieldList) add(f hpack.HeaderField) {
	if l.size += int(f.Size()); l.size > l.max {
		return
	}
	if !clean(f.Value, false) || strings.Trim(f.Value, " \t") != f.Value {
		l.blame(exchange.BadHeader, clip(f.Name)+" has control characters, or blanks around it")
	}
	l.order = l.order.With(f.Name)
	if strings.HasPrefix(f.Name, ":") {
		l.pseudo(f)
		return
	}
	l.regular = true
	if !lowerToken(f.Name) {
		l.blame(exchange.BadHeader, "a field name is not a token in lower case")
	}
	switch f.Name {
	case "connection", "proxy-connection", "keep-alive", "upgrade":
		l.blame(exchange.BadHeader, f.Name+" has no place in HTTP/2")
	case "transfer-encoding":
		l.blame(exchange.BadFraming, "Transfer-Encoding has no place in HTTP/2")
	case "te":
		if f.Value != "trailers" || l.te {
			l.blame(exchange.BadHeader, "TE is repeated, or not trailers")
		}
		l.te = true
	case "host":
		if l.hosted {
			l.blame(exchange.BadHeader, "Host is repeated")
		}
		l.host, l.hosted = f.Value, true
	}
}

func (l *fieldList) pseudo(f hpack.HeaderField) {
	values := [...]*string{&l.method, &l.scheme, &l.authority, &l.path}
	for i, name := range [...]string{":method", ":scheme", ":authority", ":path"} {
		if f.Name != name {
			continue
		}
		switch {
		case l.seen[i]:
			l.blame(exchange.BadHeader, name+" is repeated")
		case l.regular:
			l.blame(exchange.BadHeader, name+" comes after a field")
		}
		*values[i], l.seen[i] = f.Value, true
		return
	}
	l.blame(exchange.BadHeader, "a pseudo-field that no request has")
}

// whole judges the list when all of it is there. On a connection with TLS nobody may claim to have come without: what is
// known of the handshake would be forgotten with it.
func (l *fieldList) whole(secure bool) {
	switch {
	case l.method == http.MethodConnect:
		l.blame(exchange.BadMethod, "method CONNECT")
	case l.method == "" || l.path == "" || l.scheme == "":
		l.blame(exchange.BadHeader, ":method, :scheme or :path is missing")
	case l.scheme != "https" && (l.scheme != "http" || secure):
		l.blame(exchange.BadHeader, ":scheme is not that of the connection")
	case l.hosted && l.authority != "" && l.host != l.authority:
		l.blame(exchange.BadHeader, "Host and :authority differ")
	}
	if host := or(l.authority, l.host); host != "" && !validHost(host) {
		l.blame(exchange.BadHeader, "the host is not a name or address with an optional port")
	}
	if detail := badForm([]byte(l.method), []byte(l.path)); detail != "" {
		l.blame(exchange.BadTarget, detail)
	}
}

// lowerToken reports whether a name is as HTTP/2 wants it.
func lowerToken(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; !tchar(c) || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return name != ""
}
