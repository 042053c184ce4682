package encode

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// cef writes ArcSight's Common Event Format, version 0: a header of seven fields between bars, and pairs. Keys are those of CEF's
// dictionary; what has none is in the custom strings, whose labels say what they are.
func cef(b []byte, i Item) []byte {
	if i.Event != nil {
		return cefOfEvent(b, i.Event)
	}
	r := i.Record
	class, name := r.Code, "Exchange"
	if reason := exchange.Lookup(r.Code); reason != nil {
		name = reason.Title
	} else if f := worst(r.Findings); f != nil {
		class, name = f.Rule, f.Message
	}
	if class == "" {
		class = "exchange"
	}
	b = cefHead(b, class, name, number(Severity(r)))
	p := cefPairs{b: b}
	p.number("rt", r.Time.UnixMilli())
	p.text("externalId", r.ID)
	p.text("act", outcome(r))
	p.text("app", r.Proto)
	p.text("requestMethod", r.Method)
	p.text("dhost", r.Host)
	p.text("request", strings.TrimSuffix(r.Path+"?"+r.Query, "?"))
	p.text("requestClientApplication", r.UserAgent)
	p.client(r.Client)
	if r.Principal != nil {
		p.text("suid", r.Principal.Subject)
	}
	p.text("outcome", strconv.Itoa(r.Status))
	p.number("in", r.BytesIn)
	p.number("out", r.BytesOut)
	p.text("reason", r.Code)
	p.text("msg", r.Detail)
	p.custom(1, "api", r.API)
	p.custom(2, "operation", r.Operation)
	p.custom(3, "guard", r.Guard)
	if f := worst(r.Findings); f != nil {
		p.custom(4, "rule", f.Rule)
		p.custom(5, "field", f.Field)
	}
	p.custom(6, "owasp", r.OWASP)
	return p.b
}

func outcome(r *exchange.Record) string {
	if r.Refused {
		return "refused"
	}
	return "passed"
}

func cefOfEvent(b []byte, e *exchange.Event) []byte {
	p := cefPairs{b: cefHead(b, e.Kind, e.Kind, number(e.Severity))}
	p.number("rt", e.Time.UnixMilli())
	p.text("externalId", e.ID)
	p.text("suser", e.Actor)
	p.text("duid", e.Subject)
	p.text("msg", e.Detail)
	p.custom(1, "object", e.Object)
	return p.b
}

func cefHead(b []byte, class, name string, severity int) []byte {
	b = append(b, "CEF:0|Sallyport|Sallyport|1|"...)
	b = append(cefEscape(b, class, `\|`), '|')
	b = append(cefEscape(b, name, `\|`), '|')
	return append(strconv.AppendInt(b, int64(severity), 10), '|')
}

// cefPairs are separated by spaces.
type cefPairs struct {
	b     []byte
	begun bool
}

func (p *cefPairs) key(name string) {
	if p.begun {
		p.b = append(p.b, ' ')
	}
	p.begun = true
	p.b = append(append(p.b, name...), '=')
}

func (p *cefPairs) text(name, value string) {
	if value != "" {
		p.key(name)
		p.b = cefEscape(p.b, value, `\=`)
	}
}

func (p *cefPairs) number(name string, value int64) {
	p.key(name)
	p.b = strconv.AppendInt(p.b, value, 10)
}

func (p *cefPairs) custom(n int, label, value string) {
	if value != "" {
		name := "cs" + strconv.Itoa(n)
		p.text(name+"Label", label)
		p.text(name, value)
	}
}

// client is src for IPv4, a custom address for IPv6, and a host where it is a pseudonym.
func (p *cefPairs) client(address string) {
	switch a, err := netip.ParseAddr(address); {
	case err != nil:
		p.text("shost", address)
	case a.Is4():
		p.text("src", address)
	default:
		p.text("c6a2Label", "Source IPv6 Address")
		p.text("c6a2", address)
	}
}

// cefEscape puts a backslash before the special bytes, and spaces in place of what would end the line.
func cefEscape(b []byte, s, special string) []byte {
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r < 0x20 || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029:
			r = ' '
		case r < 0x7f && strings.IndexByte(special, byte(r)) >= 0:
			b = append(b, '\\')
		}
		b = append(b, string(r)...)
	}
	return b
}
