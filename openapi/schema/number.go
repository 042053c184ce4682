package schema

import (
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// A decimal is the exact value of a JSON number: mantissa × 10^exponent. It is normalised, so that two decimals of one
// value are equal as structs; that is why there is no float64 here, in which 9007199254740993 and ...992 are one.
type decimal struct {
	negative bool
	mantissa uint64 // without trailing zeros; 0 when digits is used
	exponent int64  // saturates at ±maxExponent
	digits   string // instead of mantissa where there are more than 18 significant digits
}

const (
	fastDigits  = 18      // decimal digits that always fit a uint64
	maxExponent = 1 << 40 // far beyond what any reader distinguishes
	// maxBigDigits bounds the one operation that is not linear in the length of a literal, division.
	maxBigDigits = 2048
)

var powersOfTen = func() (p [fastDigits + 2]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// parseDecimal reads a JSON number (RFC 8259, section 6). ok is false for anything else.
func parseDecimal(literal string) (d decimal, ok bool) {
	s := literal
	if strings.HasPrefix(s, "-") {
		d.negative, s = true, s[1:]
	}
	long, fraction, inFraction, i := false, int64(0), false, 0
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && !inFraction && i > 0 {
			inFraction = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		if inFraction {
			fraction++
		}
		if d.mantissa >= powersOfTen[fastDigits-1] {
			long = true
		} else if !long {
			d.mantissa = d.mantissa*10 + uint64(c-'0')
		}
	}
	if i == 0 || s[i-1] == '.' {
		return decimal{}, false
	}
	exponent, ok := parseExponent(s[i:])
	if !ok {
		return decimal{}, false
	}
	d.exponent = exponent - fraction
	if long {
		d.setDigits(strings.Replace(s[:i], ".", "", 1))
		return d, true
	}
	return d.normal(), true
}

func parseExponent(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	if s[0] != 'e' && s[0] != 'E' || len(s) == 1 {
		return 0, false
	}
	negative, s := s[1] == '-', s[1:]
	if s[0] == '+' || s[0] == '-' {
		s = s[1:]
	}
	if s == "" {
		return 0, false
	}
	var e int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		e = min(e*10+int64(s[i]-'0'), maxExponent)
	}
	if negative {
		e = -e
	}
	return e, true
}

func (d *decimal) setDigits(digits string) {
	digits = strings.TrimLeft(digits, "0")
	trimmed := strings.TrimRight(digits, "0")
	d.exponent += int64(len(digits) - len(trimmed))
	d.mantissa = 0
	if len(trimmed) <= fastDigits {
		d.mantissa, _ = strconv.ParseUint(trimmed, 10, 64)
		return
	}
	d.digits = trimmed
}

func (d decimal) normal() decimal {
	if d.mantissa == 0 {
		return decimal{}
	}
	for d.mantissa%10 == 0 {
		d.mantissa /= 10
		d.exponent++
	}
	return d
}

func (d decimal) isZero() bool    { return d.mantissa == 0 && d.digits == "" }
func (d decimal) isInteger() bool { return d.exponent >= 0 }

// length is the number of significant digits.
func (d decimal) length() int {
	if d.digits != "" {
		return len(d.digits)
	}
	n := 0
	for n < len(powersOfTen) && d.mantissa >= powersOfTen[n] {
		n++
	}
	return n
}

func (d decimal) text() string {
	if d.digits != "" {
		return d.digits
	}
	return strconv.FormatUint(d.mantissa, 10)
}

// compare is negative, zero or positive as d is less than, equal to or greater than o.
func (d decimal) compare(o decimal) int {
	if d == o {
		return 0
	}
	switch {
	case d.negative != o.negative:
		if d.negative {
			return -1
		}
		return 1
	case d.negative:
		return -d.compareMagnitude(o)
	}
	return d.compareMagnitude(o)
}

func (d decimal) compareMagnitude(o decimal) int {
	if d.isZero() || o.isZero() {
		return truth(!d.isZero()) - truth(!o.isZero())
	}
	if d.exponent == o.exponent && d.digits == "" && o.digits == "" {
		return truth(d.mantissa > o.mantissa) - truth(d.mantissa < o.mantissa)
	}
	dl, ol := d.length(), o.length()
	if a, b := d.exponent+int64(dl), o.exponent+int64(ol); a != b {
		return truth(a > b) - truth(a < b)
	}
	if d.digits != "" || o.digits != "" {
		return strings.Compare(d.text(), o.text())
	}
	a, b := d.mantissa, o.mantissa
	if dl < ol {
		a *= powersOfTen[ol-dl]
	} else {
		b *= powersOfTen[dl-ol]
	}
	return truth(a > b) - truth(a < b)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isMultipleOf reports whether d/o is an integer; o is not zero. judged is false where a literal is so long that
// nobody can mean it.
func (d decimal) isMultipleOf(o decimal) (yes, judged bool) {
	if d.isZero() {
		return true, true
	}
	shift := d.exponent - o.exponent
	if shift < 0 {
		// d has no factor 10 left, so that no power of ten can divide it.
		return false, true
	}
	if d.digits == "" && o.digits == "" && shift <= fastDigits {
		high, low := bits.Mul64(d.mantissa, powersOfTen[shift])
		return bits.Rem64(high, low, o.mantissa) == 0, true
	}
	if d.length() > maxBigDigits || o.length() > maxBigDigits {
		return false, false
	}
	a, _ := new(big.Int).SetString(d.text(), 10)
	b, _ := new(big.Int).SetString(o.text(), 10)
	// Modular, so that 1e308 (or 1e999999999) costs no number of that size.
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(shift), b)
	return a.Mul(a, power).Mod(a, b).Sign() == 0, true
}
