package content

import "strings"

// Media is a parsed Content-Type (RFC 9110, section 8.3).
type Media struct {
	Type     string // lower case, without parameters; "" when the message declares none
	Boundary string // of a multipart type (RFC 2046, section 5.1.1)
	Charset  string // "utf-8", "us-ascii", or "" when not declared
}

// ParseMedia reads all values of Content-Type. There has to be exactly one, by the grammar of RFC 9110, without a
// repeated or extended (RFC 2231) parameter, and its charset has to be UTF-8 or ASCII: an [*Error] with
// [UnsupportedMedia] says what does not hold.
func ParseMedia(values []string) (Media, error) {
	if len(values) != 1 {
		return Media{}, media("exactly one content type expected")
	}
	typ, rest := cutToken(values[0])
	if !strings.HasPrefix(rest, "/") {
		return Media{}, media("a content type that is not type/subtype")
	}
	sub, rest := cutToken(rest[1:])
	if typ == "" || sub == "" {
		return Media{}, media("a content type that is not type/subtype")
	}
	m := Media{Type: strings.ToLower(values[0][:len(typ)+1+len(sub)])}
	if err := m.parameters(rest); err != nil {
		return Media{}, err
	}
	if m.parts() && m.Boundary == "" {
		return Media{}, media("a multipart type without a boundary")
	}
	return m, nil
}

func media(detail string) error { return nowhere(UnsupportedMedia, detail, nil) }

// maxParameters bounds the parameters of one Content-Type; real ones have at most three.
const maxParameters = 16

// parameters reads *( OWS ";" OWS [ parameter ] ).
func (m *Media) parameters(rest string) error {
	var seen []string
	for rest = trimLeft(rest); rest != ""; rest = trimLeft(rest) {
		if rest[0] != ';' {
			return media("a content type with a malformed parameter")
		}
		rest = trimLeft(rest[1:])
		if rest == "" || rest[0] == ';' {
			continue
		}
		name, value, after, ok := cutParameter(rest)
		if !ok {
			return media("a content type with a malformed parameter")
		}
		rest = after
		for _, s := range seen {
			if s == name {
				return media("a content type with a repeated parameter")
			}
		}
		if seen = append(seen, name); len(seen) > maxParameters {
			return media("a content type with too many parameters")
		}
		if err := m.parameter(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (m *Media) parameter(name, value string) error {
	switch {
	case strings.Contains(name, "*"):
		return media("a content type with an extended parameter")
	case name == "charset":
		m.Charset = strings.ToLower(value)
		if m.Charset == "utf8" { // not the name of RFC 3629, but everybody reads it so
			m.Charset = "utf-8"
		}
		if m.Charset != "utf-8" && m.Charset != "us-ascii" {
			return media("a charset other than utf-8")
		}
	case name == "boundary" && m.parts():
		if !validBoundary(value) {
			return media("a malformed boundary")
		}
		m.Boundary = value
	}
	return nil
}

// validBoundary checks RFC 2046, section 5.1.1: 1 to 70 characters, no space at the end.
func validBoundary(s string) bool {
	if len(s) == 0 || len(s) > 70 || s[len(s)-1] == ' ' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !isAlnum(s[i]) && strings.IndexByte("'()+_,-./:=? ", s[i]) < 0 {
			return false
		}
	}
	return true
}

// JSON reports whether values are written as JSON: the type is application/json, text/json, has the suffix +json
// (RFC 6839), or is a [Media.Sequence].
func (m Media) JSON() bool {
	return m.Type == "application/json" || m.Type == "text/json" || strings.HasSuffix(m.Type, "+json") || m.Sequence()
}

// XML reports whether the type is application/xml, text/xml or has the suffix +xml (RFC 7303).
func (m Media) XML() bool {
	return m.Type == "application/xml" || m.Type == "text/xml" || strings.HasSuffix(m.Type, "+xml")
}

// Form reports whether the type is application/x-www-form-urlencoded.
func (m Media) Form() bool { return m.Type == "application/x-www-form-urlencoded" }

// Multipart reports whether the type is multipart/form-data (RFC 7578). Other multipart types are octets, unless the
// operation says what their parts are.
func (m Media) Multipart() bool { return m.Type == "multipart/form-data" }

// parts reports whether the type is any of multipart (RFC 2046, section 5.1).
func (m Media) parts() bool { return strings.HasPrefix(m.Type, "multipart/") }

// Text reports whether the type is some text/* that is neither JSON nor XML.
func (m Media) Text() bool {
	return strings.HasPrefix(m.Type, "text/") && !m.JSON() && !m.XML()
}
