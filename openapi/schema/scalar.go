package schema

import (
	"fmt"
	"unicode/utf8"

	"github.com/sallyport/sallyport/content"
)

// text applies the rules for strings. A file has only a size, in bytes.
func (e *evaluation) text(s *node, v value) bool {
	r, ok := s.text, true
	if r.minLength > 0 || r.maxLength >= 0 {
		ok = e.length(r, v)
	}
	if v.n.Kind == content.File || !ok {
		return ok // what is too long is not searched
	}
	if r.pattern != nil {
		if e.work -= r.pattern.cost(v.n.Text); e.work < 0 {
			e.exhausted = true
			return false
		}
	}
	if r.pattern != nil && !r.pattern.match(v.n.Text) {
		ok = e.loud() && e.fail(v, "pattern", "must match the pattern "+quote(r.pattern.written))
	}
	if r.format != nil && !r.format(v.n.Text) {
		ok = e.loud() && e.fail(v, "format", "must be a valid "+s.format)
	}
	return ok
}

// length counts characters (code points), and only where the number of bytes does not decide.
func (e *evaluation) length(r *textRules, v value) bool {
	unit, n := "character", len(v.n.Text)
	if v.n.Kind == content.File {
		unit = "byte"
	} else if n >= r.minLength && (r.maxLength < 0 || n <= r.maxLength) && n >= utf8.UTFMax*r.minLength {
		return true
	} else {
		n = utf8.RuneCountInString(v.n.Text)
	}
	if n < r.minLength {
		return e.loud() && e.fail(v, "minLength", "must be at least "+several(r.minLength, unit)+" long")
	}
	if r.maxLength >= 0 && n > r.maxLength {
		return e.loud() && e.fail(v, "maxLength", "must be at most "+several(r.maxLength, unit)+" long")
	}
	return true
}

// number applies the rules for numbers, exactly.
func (e *evaluation) number(s *node, v value) bool {
	r := s.number
	d, ok := parseDecimal(v.n.Text)
	if !ok {
		return e.loud() && e.fail(v, "type", "must be a number")
	}
	if r.minimum != nil {
		if c := d.compare(*r.minimum); c < 0 || c == 0 && r.exclusiveMinimum {
			ok = e.loud() && e.fail(v, boundKeyword("minimum", "exclusiveMinimum", r.exclusiveMinimum), boundDetail("at least", "greater than", r.exclusiveMinimum, r.written.minimum))
		}
	}
	if r.maximum != nil {
		if c := d.compare(*r.maximum); c > 0 || c == 0 && r.exclusiveMaximum {
			ok = e.loud() && e.fail(v, boundKeyword("maximum", "exclusiveMaximum", r.exclusiveMaximum), boundDetail("at most", "less than", r.exclusiveMaximum, r.written.maximum))
		}
	}
	if r.multipleOf != nil {
		yes, judged := d.isMultipleOf(*r.multipleOf)
		if !judged {
			ok = e.loud() && e.fail(v, "multipleOf", fmt.Sprintf("must not have more than %d digits", maxBigDigits))
		} else if !yes {
			ok = e.loud() && e.fail(v, "multipleOf", "must be a multiple of "+r.written.multipleOf)
		}
	}
	if r.format != nil && !r.format.check(d) {
		ok = e.loud() && e.fail(v, "format", "must be in the range of "+s.format)
	}
	return ok
}

func boundKeyword(inclusive, exclusive string, isExclusive bool) string {
	if isExclusive {
		return exclusive
	}
	return inclusive
}

func boundDetail(inclusive, exclusive string, isExclusive bool, limit string) string {
	return "must be " + boundKeyword(inclusive, exclusive, isExclusive) + " " + limit
}
