package telemetry

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sallyport/sallyport/exchange"
)

// AppendLine appends the access log's line for r. Whatever a stranger can put into a field stays inside its JSON
// string: what is not printable (control characters, also C1, separators of lines, marks of direction, characters of no
// width) and bytes that are not UTF-8 are escaped, so that one exchange is one line for every reader, terminals included.
func AppendLine(b []byte, r *exchange.Record) []byte {
	b = append(b, `{"time":"`...)
	b = r.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, '"')
	b = text(b, "id", r.ID)
	b = text(b, "api", r.API)
	b = text(b, "operation", r.Operation)
	b = text(b, "method", r.Method)
	b = text(b, "host", r.Host)
	b = text(b, "path", r.Path)
	b = text(b, "query", r.Query)
	b = text(b, "proto", r.Proto)
	b = number(b, "status", int64(r.Status))
	b = append(b, `,"took_ms":`...)
	b = strconv.AppendFloat(b, float64(r.Took.Microseconds())/1000, 'f', 3, 64)
	b = text(b, "client", r.Client)
	b = text(b, "peer", r.Peer)
	b = text(b, "user_agent", r.UserAgent)
	b = text(b, "ja4", r.JA4)
	if r.Bot != nil {
		b = text(b, "rating", string(r.Bot.Rating))
		b = text(b, "agent", r.Bot.Name)
	}
	if p := r.Principal; p != nil {
		b = text(b, "subject", p.Subject)
		b = text(b, "issuer", p.Issuer)
		b = text(b, "tenant", p.Tenant)
	}
	if r.Refused {
		b = append(b, `,"refused":true`...)
		b = text(b, "guard", r.Guard)
		b = text(b, "code", r.Code)
		b = text(b, "owasp", r.OWASP)
		b = text(b, "detail", r.Detail)
	}
	b = would(b, r.Steps)
	b = findings(b, r.Findings)
	if u := r.Upstream; u != nil {
		b = text(b, "upstream", u.Target)
		b = number(b, "upstream_status", int64(u.Status))
		b = append(b, `,"upstream_ms":`...)
		b = strconv.AppendFloat(b, float64(u.Took.Microseconds())/1000, 'f', 3, 64)
		if u.Attempts > 1 {
			b = number(b, "attempts", int64(u.Attempts))
		}
	}
	b = number(b, "bytes_in", r.BytesIn)
	b = number(b, "bytes_out", r.BytesOut)
	b = text(b, "trace_id", r.Trace)
	return append(b, "}\n"...)
}

// would lists what guards in monitor mode would have refused.
func would(b []byte, steps []exchange.RecordStep) []byte {
	first := true
	for i := range steps {
		if steps[i].Code == "" || steps[i].Mode != "monitor" {
			continue
		}
		if first {
			b = append(b, `,"would_refuse":[`...)
		} else {
			b = append(b, ',')
		}
		first = false
		b = quote(b, steps[i].Code)
	}
	if !first {
		b = append(b, ']')
	}
	return b
}

// maxListed findings stand in a line; how many there are is said where there are more.
const maxListed = 20

// findings lists rule and field; the rest is in the record for explain.
func findings(b []byte, list []exchange.Finding) []byte {
	if len(list) == 0 {
		return b
	}
	if len(list) > maxListed {
		b = number(b, "findings_total", int64(len(list)))
		list = list[:maxListed]
	}
	b = append(b, `,"findings":[`...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"rule":`...)
		b = quote(b, list[i].Rule)
		b = text(b, "field", list[i].Field)
		b = append(b, '}')
	}
	return append(b, ']')
}

func text(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return quote(b, value)
}

func number(b []byte, name string, value int64) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return strconv.AppendInt(b, value, 10)
}

const hexDigits = "0123456789abcdef"

func quote(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if strconv.IsPrint(r) && (r != utf8.RuneError || size > 1) && r >= utf8.RuneSelf {
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		b = escape(b, r)
		i += size
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func escape(b []byte, r rune) []byte {
	if r == '"' || r == '\\' {
		return append(b, '\\', byte(r))
	}
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return escape(escape(b, high), low)
	}
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
