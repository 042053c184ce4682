package protect

import (
	"fmt"
	"strings"
)

// A detector finds one kind of sensitive value in text. Each validates what it finds, so that an order number is not
// taken for a card number.
type detector struct {
	kind string
	mask string
	// next returns the span of the first value at or after from, or -1.
	next func(text string, from int) (start, end int)
}

var known = []detector{
	{"pan", "last4", nextPAN},
	{"iban", "last4", nextIBAN},
	{"ssn", "last4", nextSSN},
	{"secret", "full", nextSecret},
	{"password_hash", "full", nextPasswordHash},
	{"email", "partial", nextEmail},
	{"phone", "partial", nextPhone},
}

// defaultDetect are the kinds that have no business in a string that the spec does not declare as one.
var defaultDetect = []string{"pan", "iban", "ssn", "secret", "password_hash"}

type detectors struct{ list []detector }

func newDetectors(kinds []string) (detectors, error) {
	if kinds == nil {
		kinds = defaultDetect
	}
	var d detectors
	for _, k := range kinds {
		found := false
		for _, n := range known {
			if n.kind == k {
				d.list, found = append(d.list, n), true
			}
		}
		if !found {
			return d, fmt.Errorf("protect.detect: there is no detector for %q", k)
		}
	}
	return d, nil
}

// minCandidate is the length of the shortest value that any detector can find.
const minCandidate = 7

// candidate reports quickly that a text cannot hold any value: most strings of an API end here.
func (d detectors) candidate(text string) bool {
	if len(text) < minCandidate {
		return false
	}
	for i := range len(text) {
		if c := text[i]; c >= '0' && c <= '9' || c == '@' || c == '-' || c == '_' || c == '$' {
			return true
		}
	}
	return false
}

// mask replaces every value that a detector finds, and returns the first kind found, or "".
func (d detectors) mask(text string) (string, string) {
	if !d.candidate(text) {
		return text, ""
	}
	kind := ""
	for i := range d.list {
		det := &d.list[i]
		var out strings.Builder
		done := 0
		for {
			start, end := det.next(text, done)
			if start < 0 {
				break
			}
			out.WriteString(text[done:start])
			out.WriteString(Mask(det.mask, det.kind, text[start:end]))
			done = end
			if kind == "" {
				kind = det.kind
			}
		}
		if done > 0 {
			out.WriteString(text[done:])
			text = out.String()
		}
	}
	return text, kind
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func word(c byte) bool {
	return digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// bounded reports whether text[start:end] stands alone.
func bounded(text string, start, end int) bool {
	return (start == 0 || !word(text[start-1])) && (end == len(text) || !word(text[end]))
}

// digitsAt reads digits with single separators (space or hyphen) between them, at most max digits.
func digitsAt(text string, start, max int) (digits []byte, end int) {
	var buf [24]byte
	digits = buf[:0]
	end = start
	for i := start; i < len(text) && len(digits) < max; i++ {
		switch c := text[i]; {
		case digit(c):
			digits = append(digits, c)
			end = i + 1
		case (c == ' ' || c == '-') && i > start && digit(text[i-1]):
		default:
			return digits, end
		}
	}
	return digits, end
}

// nextPAN finds payment card numbers: an issuer range that is in use, its length, and Luhn's check digit (ISO/IEC 7812-1).
func nextPAN(text string, from int) (int, int) {
	for i := from; i < len(text); i++ {
		if !digit(text[i]) || i > 0 && (word(text[i-1]) || text[i-1] == '.' || text[i-1] == '-') {
			continue
		}
		digits, end := digitsAt(text, i, 20)
		if cardRange(digits) && luhn(digits) && bounded(text, i, end) {
			return i, end
		}
		for i+1 < len(text) && digit(text[i+1]) { // a longer run has no card number inside
			i++
		}
	}
	return -1, -1
}

func cardRange(d []byte) bool {
	n := len(d)
	if n < 13 || n > 19 {
		return false
	}
	prefix := int(d[0]-'0')*1000 + int(d[1]-'0')*100 + int(d[2]-'0')*10 + int(d[3]-'0')
	switch {
	case d[0] == '4':
		return n == 13 || n == 16 || n == 19
	case prefix >= 5100 && prefix <= 5599, prefix >= 2221 && prefix <= 2720:
		return n == 16
	case prefix/100 == 34, prefix/100 == 37:
		return n == 15
	case prefix == 6011, prefix/100 == 65, prefix/10 >= 644 && prefix/10 <= 649:
		return n == 16 || n == 19
	case prefix >= 3528 && prefix <= 3589:
		return n == 16
	case prefix/10 >= 300 && prefix/10 <= 305, prefix/100 == 36, prefix/100 == 38:
		return n == 14
	}
	return false
}

func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		v := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// nextSSN finds US social security numbers in their written form; area, group and serial are checked.
func nextSSN(text string, from int) (int, int) {
	for i := from; i+11 <= len(text); i++ {
		s := text[i : i+11]
		if s[3] == '-' && s[6] == '-' && allDigits(s[:3]) && allDigits(s[4:6]) && allDigits(s[7:]) && bounded(text, i, i+11) &&
			(i == 0 || text[i-1] != '-') && (i+11 == len(text) || text[i+11] != '-') &&
			s[:3] != "000" && s[:3] != "666" && s[0] != '9' && s[4:6] != "00" && s[7:] != "0000" {
			return i, i + 11
		}
	}
	return -1, -1
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !digit(s[i]) {
			return false
		}
	}
	return true
}
