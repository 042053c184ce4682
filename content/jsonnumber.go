package content

import (
	"math"
	"strconv"
)

const (
	maxDigits   = 400 // bytes of one number
	maxExponent = 400 // float64 ends at 1e308 and 5e-324; readers with big numbers must not be sent further
)

// number reads a number at pos. A number that float64 cannot hold is refused, because one reader makes infinity of
// it, another an error, and a third one spends a second on its digits.
func (p *jsonParser) number() bool {
	start := p.pos
	if p.next() == '-' {
		p.pos++
	}
	whole := p.pos
	switch c := p.next(); {
	case c == '0':
		p.pos++
	case c >= '1' && c <= '9':
		p.digits()
	case whole > start:
		return p.unexpected("a digit")
	default:
		return p.unexpected("a value")
	}
	magnitude := p.pos - whole
	if p.next() == '.' {
		p.pos++
		if p.digits() == 0 {
			return p.unexpected("a digit")
		}
	}
	if c := p.next(); c == 'e' || c == 'E' {
		exponent, ok := p.exponent()
		if !ok {
			return false
		}
		magnitude += exponent
	}
	return p.finite(start, magnitude)
}

// digits passes over digits and says how many.
func (p *jsonParser) digits() int {
	start := p.pos
	for c := p.next(); c >= '0' && c <= '9'; c = p.next() {
		p.pos++
	}
	return p.pos - start
}

// exponent reads the exponent whose letter is at pos.
func (p *jsonParser) exponent() (value int, ok bool) {
	p.pos++
	sign := 1
	switch p.next() {
	case '-':
		sign = -1
		p.pos++
	case '+':
		p.pos++
	}
	start := p.pos
	if p.digits() == 0 {
		return 0, p.unexpected("a digit")
	}
	for _, c := range p.data[start:p.pos] {
		value = min(value*10+int(c-'0'), maxExponent+1)
	}
	if value > maxExponent {
		return 0, p.fail(TooComplex, start, "an exponent that is larger than allowed")
	}
	return sign * value, true
}

// finite checks the number between start and pos, whose value is below 10^magnitude. What is not zero must not become
// zero in float64 either: it would be above a bound of zero here, and not there.
func (p *jsonParser) finite(start, magnitude int) bool {
	text := p.data[start:p.pos]
	if len(text) > maxDigits {
		return p.fail(TooComplex, start, "a number with more digits than allowed")
	}
	if magnitude <= 308 && len(text)-magnitude < 300 {
		return true
	}
	// ParseFloat reports an error for a number out of range only: the grammar was checked.
	f, err := strconv.ParseFloat(alias(text), 64)
	if err != nil || math.IsInf(f, 0) || f == 0 && !isZero(text) {
		return p.fail(Malformed, start, "a number out of range")
	}
	return true
}

// isZero reports whether a number has no digit but 0 before its exponent.
func isZero(text []byte) bool {
	for _, c := range text {
		switch {
		case c >= '1' && c <= '9':
			return false
		case c == 'e' || c == 'E':
			return true
		}
	}
	return true
}
