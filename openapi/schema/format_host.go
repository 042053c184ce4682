package schema

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// isIPv4 checks RFC 2673, section 3.2: four decimal numbers without leading zeros.
func isIPv4(s string) bool {
	for part := range 4 {
		i := 0
		for i < len(s) && i < 4 && isDigit(s[i]) {
			i++
		}
		n, ok := digits(s[:i])
		if !ok || i > 3 || n > 255 || i > 1 && s[0] == '0' {
			return false
		}
		s = s[i:]
		if part < 3 {
			if s == "" || s[0] != '.' {
				return false
			}
			s = s[1:]
		}
	}
	return s == ""
}

// isIPv6 checks RFC 4291, section 2.2; a zone is not part of an address.
func isIPv6(s string) bool {
	if len(s) > 45 || strings.IndexByte(s, ':') < 0 || strings.IndexByte(s, '%') >= 0 {
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

// isHostname checks RFC 1123, section 2.1; labels in punycode must decode to something that RFC 5890 allows.
func isHostname(s string) bool { return labelled(s, isLabel) }

// isOldHostname is what hostname means up to draft 6: RFC 1123 alone.
func isOldHostname(s string) bool { return labelled(s, isOldLabel) }

func labelled(s string, check func(string) bool) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !check(label) {
			return false
		}
	}
	return true
}

func isOldLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if !isAlphanumeric(label[i]) && label[i] != '-' {
			return false
		}
	}
	return true
}

func isLabel(label string) bool {
	if !isOldLabel(label) {
		return false
	}
	if len(label) < 4 || label[2:4] != "--" {
		return true
	}
	return strings.EqualFold(label[:2], "xn") && isPunycode(label)
}

func isPunycode(label string) bool {
	decoded, err := registration.ToUnicode(strings.ToLower(label))
	return err == nil && isULabel(decoded)
}

// registration is IDNA2008 as registries apply it (RFC 5891, section 4).
var registration = idna.New(idna.ValidateForRegistration(), idna.BidiRule(), idna.StrictDomainName(true))

// isIDNHostname checks RFC 5890 with the contextual rules of RFC 5892, appendix A.
func isIDNHostname(s string) bool {
	if isHostname(s) {
		return true
	}
	if len(s) > utf8.UTFMax*253 {
		return false
	}
	s = strings.NewReplacer("\u3002", ".", "\uFF0E", ".", "\uFF61", ".").Replace(s)
	ascii, err := registration.ToASCII(s)
	if err != nil || ascii == "" || len(ascii) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || !isULabel(label) {
			return false
		}
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

// isULabel applies the rules of RFC 5892 that package idna leaves to its callers.
func isULabel(label string) bool {
	runes := []rune(label)
	if len(runes) == 0 || len(runes) > 3 && runes[2] == '-' && runes[3] == '-' && !strings.EqualFold(string(runes[:2]), "xn") {
		return false
	}
	if unicode.Is(unicode.M, runes[0]) {
		return false
	}
	for i, r := range runes {
		if !allowedIn(runes, i, r) {
			return false
		}
	}
	return !mixesDigits(runes)
}

// allowedIn is RFC 5892: the general categories of section 2.1, the exceptions of 2.6 and appendix A.3 to A.7. Package
// idna has looked at the rest.
func allowedIn(runes []rune, i int, r rune) bool {
	switch r {
	case 0x00B7: // middle dot: between two l
		return i > 0 && i+1 < len(runes) && runes[i-1] == 'l' && runes[i+1] == 'l'
	case 0x0375: // Greek keraia: before Greek
		return i+1 < len(runes) && unicode.Is(unicode.Greek, runes[i+1])
	case 0x05F3, 0x05F4: // Hebrew geresh: after Hebrew
		return i > 0 && unicode.Is(unicode.Hebrew, runes[i-1])
	case 0x30FB: // Katakana middle dot: with Hiragana, Katakana or Han
		for _, o := range runes {
			if o != r && unicode.In(o, unicode.Hiragana, unicode.Katakana, unicode.Han) {
				return true
			}
		}
		return false
	case '-', 0x200C, 0x200D, 0x06FD, 0x06FE, 0x0F0B, 0x3007:
		return true
	case 0x0640, 0x07FA, 0x302E, 0x302F, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303B:
		return false
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd)
}

// mixesDigits is appendix A.8 and A.9: Arabic-Indic digits and extended ones do not go together.
func mixesDigits(runes []rune) bool {
	var plain, extended bool
	for _, r := range runes {
		plain = plain || r >= 0x0660 && r <= 0x0669
		extended = extended || r >= 0x06F0 && r <= 0x06F9
	}
	return plain && extended
}

// isEmail checks RFC 5321, section 4.1.2, Mailbox.
func isEmail(s string) bool { return isMailbox(s, false) }

// isIDNEmail checks RFC 6531, Mailbox.
func isIDNEmail(s string) bool { return isMailbox(s, true) }

func isMailbox(s string, international bool) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if !isLocalPart(local, international) {
		return false
	}
	if strings.HasPrefix(domain, "[") && strings.HasSuffix(domain, "]") {
		literal := domain[1 : len(domain)-1]
		if len(literal) > 5 && strings.EqualFold(literal[:5], "IPv6:") {
			return isIPv6(literal[5:])
		}
		return isIPv4(literal)
	}
	if international {
		return isIDNHostname(norm.NFC.String(domain)) // RFC 6531 demands no normal form
	}
	return isHostname(domain)
}

func isLocalPart(s string, international bool) bool {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		return isQuoted(s[1:len(s)-1], international)
	}
	dot := true // where a dot may not be
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if dot {
				return false
			}
			dot = true
			continue
		case isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0:
		case c >= utf8.RuneSelf && international:
		default:
			return false
		}
		dot = false
	}
	return !dot
}

func isQuoted(s string, international bool) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			if i++; i == len(s) || s[i] < ' ' || s[i] > '~' {
				return false
			}
		case c == '"' || c < ' ' || c == 0x7F || c >= utf8.RuneSelf && !international:
			return false
		}
	}
	return true
}
