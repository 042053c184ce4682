package content

import "strings"

// cutToken splits s after its leading token (RFC 9110, section 5.6.2).
func cutToken(s string) (token, rest string) {
	i := 0
	for i < len(s) && (isAlnum(s[i]) || strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) >= 0) {
		i++
	}
	return s[:i], s[i:]
}

// cutParameter splits s after its leading parameter: a token, "=", and a token or quoted string. The name is returned
// in lower case, the value unquoted.
func cutParameter(s string) (name, value, rest string, ok bool) {
	name, rest = cutToken(s)
	if name == "" || !strings.HasPrefix(rest, "=") {
		return "", "", s, false
	}
	rest = rest[1:]
	if strings.HasPrefix(rest, `"`) {
		value, rest, ok = cutQuoted(rest)
	} else {
		value, rest = cutToken(rest)
		ok = value != ""
	}
	return strings.ToLower(name), value, rest, ok
}

// cutQuoted splits s after its leading quoted string (RFC 9110, section 5.6.4) and decodes it.
func cutQuoted(s string) (value, rest string, ok bool) {
	var out []byte
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			return string(out), s[i+1:], true
		case c == '\\':
			i++
			if i == len(s) || !isText(s[i]) {
				return "", s, false
			}
			out = append(out, s[i])
		case isText(c):
			out = append(out, c)
		default:
			return "", s, false
		}
	}
	return "", s, false
}

// isText reports whether c may stand in a header value: HTAB, SP, VCHAR or obs-text.
func isText(c byte) bool { return c == '\t' || c >= ' ' && c != 0x7f }

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// trimLeft removes optional white space (RFC 9110, section 5.6.3).
func trimLeft(s string) string { return strings.TrimLeft(s, " \t") }

// trim removes optional white space from both ends.
func trim(s string) string { return strings.Trim(s, " \t") }
