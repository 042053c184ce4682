package rules

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// rx compiles a regular expression as Coraza does: . matches line breaks and ^ $ match at them, unless the expression
// speaks of single bytes that are no UTF-8.
func (c *compiler) rx(at seclang.Pos, o *operator, expr string) error {
	binary := speaksOfBytes(expr)
	if !binary {
		expr = flags + expr
	}
	p, err := c.pattern(expr, binary)
	if err != nil {
		return problem(at, "@rx: %s", strings.Replace(err.Error(), flags, "", 1))
	}
	o.pattern, o.literals, o.captures, o.caseless = p, p.Required(), true, p.Caseless()
	o.holds = func(_ *run, v string) bool { return p.Match(v) } // what it captures: [run.locate]
	return nil
}

// flags are before every expression that is not of bytes.
const flags = "(?sm)"

// speaksOfBytes reports whether the \xNN of an expression, taken as bytes, leave something that is no UTF-8.
func speaksOfBytes(expr string) bool {
	b := make([]byte, 0, len(expr))
	for i := 0; i < len(expr); i++ {
		if code, size := byteEscape(expr[i:]); size > 0 {
			b = append(b, code)
			i += size - 1
			continue
		}
		b = append(b, expr[i])
	}
	return !utf8.Valid(b)
}

// byteEscape reads \xNN or \x{NN}.
func byteEscape(s string) (code byte, size int) {
	if !strings.HasPrefix(s, `\x`) || len(s) < 4 {
		return 0, 0
	}
	digits, size := s[2:4], 4
	if s[2] == '{' {
		end := strings.IndexByte(s, '}')
		if end != 5 {
			return 0, 0
		}
		digits, size = s[3:5], 6
	}
	n, err := strconv.ParseUint(digits, 16, 8)
	if err != nil {
		return 0, 0
	}
	return byte(n), size
}
