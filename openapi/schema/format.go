package schema

import (
	"errors"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// textFormats are the formats of strings that are asserted: those of JSON Schema, and of the OpenAPI format registry
// where the check is cheap. A format that is not here is an annotation.
var textFormats = map[string]func(string) bool{
	"date-time":             isDateTime,
	"date":                  isDate,
	"time":                  isTime,
	"duration":              isDuration,
	"email":                 isEmail,
	"idn-email":             isIDNEmail,
	"hostname":              isHostname,
	"idn-hostname":          isIDNHostname,
	"ipv4":                  isIPv4,
	"ipv6":                  isIPv6,
	"uri":                   func(s string) bool { return isURI(s, false, true) },
	"uri-reference":         func(s string) bool { return isURI(s, false, false) },
	"iri":                   func(s string) bool { return isURI(s, true, true) },
	"iri-reference":         func(s string) bool { return isURI(s, true, false) },
	"uri-template":          isURITemplate,
	"uuid":                  isUUID,
	"json-pointer":          isPointer,
	"relative-json-pointer": isRelativePointer,
	"regex":                 isRegex,
	"byte":                  isBase64,
	"base64url":             isBase64URL,
	"char":                  func(s string) bool { return utf8.RuneCountInString(s) == 1 },
	"decimal":               isDecimalText,
	"int64":                 isInt64Text,
	"uint64":                isUint64Text,
}

// A numberFormat bounds numbers. Integers also have no fraction.
type numberFormat struct {
	integer   bool
	low, high decimal
}

// numberFormats are the formats of numbers that are asserted.
var numberFormats = map[string]*numberFormat{
	"int8":       integers("-128", "127"),
	"int16":      integers("-32768", "32767"),
	"int32":      integers("-2147483648", "2147483647"),
	"int64":      integers("-9223372036854775808", "9223372036854775807"),
	"uint8":      integers("0", "255"),
	"uint16":     integers("0", "65535"),
	"uint32":     integers("0", "4294967295"),
	"uint64":     integers("0", "18446744073709551615"),
	"double-int": integers("-9007199254740991", "9007199254740991"),
	"float":      reals("3.4028235677973366e38"),
	"double":     reals("1.7976931348623158e308"),
}

func integers(low, high string) *numberFormat {
	f := &numberFormat{integer: true}
	f.low, _ = parseDecimal(low)
	f.high, _ = parseDecimal(high)
	return f
}

func reals(limit string) *numberFormat {
	f := &numberFormat{}
	f.low, _ = parseDecimal("-" + limit)
	f.high, _ = parseDecimal(limit)
	return f
}

func (f *numberFormat) check(d decimal) bool {
	return (!f.integer || d.isInteger()) && f.low.compare(d) <= 0 && d.compare(f.high) <= 0
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !isHexDigit(s[i]) {
				return false
			}
		}
	}
	return true
}

func isHexDigit(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isPointer checks RFC 6901, section 3.
func isPointer(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != '/' {
		return false
	}
	for i := range len(s) {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return false
		}
	}
	return true
}

func isRelativePointer(s string) bool {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	if i == 0 || i > 1 && s[0] == '0' {
		return false
	}
	return s[i:] == "#" || isPointer(s[i:])
}

// isRegex checks ECMA-262 syntax; what is valid there but cannot be run here is valid.
func isRegex(s string) bool {
	re2, err := (&translator{in: s, atom: -1, strict: true}).run()
	if errors.Is(err, errLookaround) || errors.Is(err, errBackreference) {
		return true
	}
	if err != nil {
		return false
	}
	_, err = syntax.Parse(re2, syntax.Perl)
	return err == nil
}

// isBase64 checks RFC 4648, section 4, with its padding.
func isBase64(s string) bool {
	body := strings.TrimRight(s, "=")
	if len(s)%4 != 0 || len(s)-len(body) > 2 {
		return false
	}
	for i := range len(body) {
		if c := body[i]; !isAlphanumeric(c) && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// isBase64URL checks RFC 4648, section 5; the padding may be left out.
func isBase64URL(s string) bool {
	body := strings.TrimRight(s, "=")
	if len(body) != len(s) && (len(s)%4 != 0 || len(s)-len(body) > 2) || len(body)%4 == 1 {
		return false
	}
	for i := range len(body) {
		if c := body[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool { return isDigit(c) || isLetter(c) }

func isDecimalText(s string) bool {
	_, ok := parseDecimal(s)
	return ok && !strings.ContainsAny(s, "eE")
}

func isInt64Text(s string) bool  { return isIntegerText(s, numberFormats["int64"]) }
func isUint64Text(s string) bool { return isIntegerText(s, numberFormats["uint64"]) }

func isIntegerText(s string, f *numberFormat) bool {
	d, ok := parseDecimal(s)
	return ok && isInteger(s, true) && f.check(d)
}
