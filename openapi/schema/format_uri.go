package schema

import (
	"strings"
	"unicode/utf8"
)

// Character classes of RFC 3986, appendix A. A class says more than the RFC's production of the same name only by the
// percent sign, which is checked apart.
const (
	uriUnreserved = "-._~"
	uriSubDelims  = "!$&'()*+,;="
)

// isURI checks RFC 3986 (RFC 3987 where international), with a scheme where absolute.
func isURI(s string, international, absolute bool) bool {
	if scheme := schemeOf(s); scheme != "" {
		s = s[len(scheme)+1:]
	} else if absolute {
		return false
	} else if colon := strings.IndexByte(s, ':'); colon >= 0 && !strings.ContainsAny(s[:colon], "/?#") {
		return false // the first segment of a relative path has no colon
	}
	s, fragment, _ := strings.Cut(s, "#")
	s, query, _ := strings.Cut(s, "?")
	if !isChars(fragment, ":@/?", international, false) || !isChars(query, ":@/?", international, true) {
		return false
	}
	path := s
	if rest, ok := strings.CutPrefix(s, "//"); ok {
		slash := strings.IndexByte(rest, '/')
		if slash < 0 {
			slash = len(rest)
		}
		if !isAuthority(rest[:slash], international) {
			return false
		}
		path = rest[slash:]
	}
	return isChars(path, ":@/", international, false)
}

// schemeOf is the scheme, or "".
func schemeOf(s string) string {
	if s == "" || !isLetter(s[0]) {
		return ""
	}
	for i := range len(s) {
		c := s[i]
		if c == ':' {
			return s[:i]
		}
		if !isAlphanumeric(c) && c != '+' && c != '-' && c != '.' {
			return ""
		}
	}
	return ""
}

func isAuthority(s string, international bool) bool {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		if !isChars(s[:at], ":", international, false) {
			return false
		}
		s = s[at+1:]
	}
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		return end > 0 && isIPLiteral(s[1:end]) && isPort(s[end+1:])
	}
	host, port := s, ""
	if colon := strings.IndexByte(s, ':'); colon >= 0 {
		host, port = s[:colon], s[colon:]
	}
	return isChars(host, "", international, false) && isPort(port)
}

func isPort(s string) bool {
	for i := range len(s) {
		if i == 0 && s[0] != ':' || i > 0 && !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func isIPLiteral(s string) bool {
	if len(s) > 3 && s[0]|0x20 == 'v' {
		version, address, ok := strings.Cut(s[1:], ".")
		return ok && isHex(version) && isChars(address, ":", false, false) && address != "" && !strings.Contains(address, "%")
	}
	return isIPv6(s)
}

// isChars reports whether s has only unreserved characters, sub-delims, those of extra and whole percent-encodings.
func isChars(s, extra string, international, private bool) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case isAlphanumeric(c) || strings.IndexByte(uriUnreserved, c) >= 0 || strings.IndexByte(uriSubDelims, c) >= 0 || strings.IndexByte(extra, c) >= 0:
		case c == '%':
			if i+2 >= len(s) || !isHexDigit(s[i+1]) || !isHexDigit(s[i+2]) {
				return false
			}
			i += 2
		case c >= utf8.RuneSelf && international:
			r, width := utf8.DecodeRuneInString(s[i:])
			if !isUCS(r) && !(private && isPrivate(r)) {
				return false
			}
			i += width - 1
		default:
			return false
		}
	}
	return true
}

// isUCS is ucschar of RFC 3987.
func isUCS(r rune) bool {
	switch {
	case r >= 0xA0 && r <= 0xD7FF, r >= 0xF900 && r <= 0xFDCF, r >= 0xFDF0 && r <= 0xFFEF:
		return r != utf8.RuneError
	case r >= 0x10000 && r <= 0xEFFFD:
		return r&0xFFFF <= 0xFFFD
	}
	return false
}

// isPrivate is iprivate of RFC 3987.
func isPrivate(r rune) bool {
	return r >= 0xE000 && r <= 0xF8FF || r >= 0xF0000 && r&0xFFFF <= 0xFFFD
}

// isURITemplate checks RFC 6570.
func isURITemplate(s string) bool {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 || !isExpression(s[i+1:i+end]) {
				return false
			}
			i += end + 1
		case c == '%':
			if i+2 >= len(s) || !isHexDigit(s[i+1]) || !isHexDigit(s[i+2]) {
				return false
			}
			i += 3
		case c <= ' ' || c == 0x7F || strings.IndexByte("\"<>\\^`|}", c) >= 0:
			return false
		default:
			i++
		}
	}
	return true
}

func isExpression(s string) bool {
	if s != "" && strings.IndexByte("+#./;?&=,!@|", s[0]) >= 0 {
		s = s[1:]
	}
	for variable := range strings.SplitSeq(s, ",") {
		if !isVariable(variable) {
			return false
		}
	}
	return true
}

func isVariable(s string) bool {
	name, prefix, hasPrefix := strings.Cut(s, ":")
	if hasPrefix {
		if n, ok := digits(prefix); !ok || n == 0 || len(prefix) > 4 || prefix[0] == '0' {
			return false
		}
	} else {
		name = strings.TrimSuffix(name, "*")
	}
	if name == "" || name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, "..") {
		return false
	}
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case isAlphanumeric(c) || c == '_' || c == '.':
		case c == '%' && i+2 < len(name) && isHexDigit(name[i+1]) && isHexDigit(name[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}
