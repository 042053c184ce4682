package content

import (
	"unicode/utf16"
	"unicode/utf8"
)

// plain marks the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// string reads a string whose opening quote is at pos. The result aliases the input unless something is escaped.
func (p *jsonParser) string() (string, bool) {
	start := p.pos + 1
	end, ok := p.raw(start)
	if !ok {
		return "", false
	}
	if p.data[end] == '"' {
		p.pos = end + 1
		return alias(p.data[start:end]), true
	}
	return p.escaped(start, end)
}

// raw returns the first closing quote or backslash at or after i.
func (p *jsonParser) raw(i int) (int, bool) {
	data := p.data
	for i < len(data) {
		c := data[i]
		if plain[c] {
			i++
			continue
		}
		if c == '"' || c == '\\' {
			return i, true
		}
		if c < utf8.RuneSelf {
			return i, p.fail(Malformed, i, "a control character in a string")
		}
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i, p.fail(Ambiguous, i, "invalid UTF-8")
		}
		i += n
	}
	return i, p.fail(Malformed, i, "the JSON text ends early")
}

// escaped decodes a string whose first backslash is at i. Decoding never makes text longer, so room for the rest of
// the raw string is room for the decoded one; its end is found first, because memory is taken for no more than that.
func (p *jsonParser) escaped(start, i int) (string, bool) {
	end := i
	for p.data[end] == '\\' {
		next, ok := p.raw(min(end+2, len(p.data)))
		if !ok {
			return "", false
		}
		end = next
	}
	out := append(p.space(end-start), p.data[start:i]...)
	for i < end {
		c := p.data[i]
		if c != '\\' {
			out = append(out, c)
			i++
			continue
		}
		r, n, ok := p.escape(i)
		if !ok {
			return "", false
		}
		out = utf8.AppendRune(out, r)
		i += n
	}
	p.pos = end + 1
	return p.keep(out), true
}

// escape decodes the escape sequence at i and returns how many bytes it takes. Every sequence is followed by at least
// the closing quote.
func (p *jsonParser) escape(i int) (rune, int, bool) {
	switch c := p.data[i+1]; c {
	case '"', '\\', '/':
		return rune(c), 2, true
	case 'b':
		return '\b', 2, true
	case 'f':
		return '\f', 2, true
	case 'n':
		return '\n', 2, true
	case 'r':
		return '\r', 2, true
	case 't':
		return '\t', 2, true
	case 'u':
		return p.unicode(i)
	}
	return 0, 0, p.fail(Malformed, i, "an unknown escape sequence")
}

func (p *jsonParser) unicode(i int) (rune, int, bool) {
	r, ok := hex4(p.data[i+2:])
	if !ok {
		return 0, 0, p.fail(Malformed, i, "a bad \\u escape")
	}
	if !utf16.IsSurrogate(r) {
		return r, 6, true
	}
	if rest := p.data[i+6:]; len(rest) > 2 && rest[0] == '\\' && rest[1] == 'u' {
		if low, ok := hex4(rest[2:]); ok {
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				return full, 12, true
			}
		}
	}
	return 0, 0, p.fail(Ambiguous, i, "a lone surrogate")
}

// hex4 decodes four hexadecimal digits.
func hex4(data []byte) (r rune, ok bool) {
	if len(data) < 4 {
		return 0, false
	}
	for _, c := range data[:4] {
		d := unhex[c]
		if d < 0 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// unhex holds the value of a hexadecimal digit, -1 for every other byte.
var unhex = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = int8(c - '0')
	}
	for c := 'a'; c <= 'f'; c++ {
		t[c] = int8(c - 'a' + 10)
		t[c-'a'+'A'] = t[c]
	}
	return t
}()
