package transform

import (
	_ "embed"
	"strconv"
	"strings"
	"unicode/utf8"
)

// urlDecode decodes %HH and +; what is no escape stays.
func urlDecode(b []byte, s string) ([]byte, bool) {
	return rewrite(b, s, &escapes, func(b []byte, s string) ([]byte, string) {
		if c, ok := percent(s); ok {
			return append(b, c), s[3:]
		}
		return append(b, plus(s[0])), s[1:]
	})
}

// urlDecodeUni decodes %uHHHH of IIS too: to the ASCII character that fits best, else to the low byte.
func urlDecodeUni(b []byte, s string) ([]byte, bool) {
	return rewrite(b, s, &escapes, func(b []byte, s string) ([]byte, string) {
		if len(s) > 1 && s[0] == '%' && s[1]|0x20 == 'u' {
			if code, ok := hex(s, 2, 4); ok {
				return append(b, bestFit(code)), s[6:]
			}
			return append(b, s[:2]...), s[2:]
		}
		if c, ok := percent(s); ok {
			return append(b, c), s[3:]
		}
		return append(b, plus(s[0])), s[1:]
	})
}

// rewrite replaces what begins with one of the marks by what decode appends; decode gets the text from the mark on and
// returns what is left of it.
func rewrite(b []byte, s string, marks *Bytes, decode func([]byte, string) ([]byte, string)) ([]byte, bool) {
	at := marks.first(s)
	if at < 0 {
		return b, false
	}
	for at >= 0 {
		b, s = decode(append(b, s[:at]...), s[at:])
		at = marks.first(s)
	}
	return append(b, s...), true
}

// first is the index of the first byte of s that is in the set, or -1.
func (b *Bytes) first(s string) int {
	for i := range len(s) {
		if b.Has(s[i]) {
			return i
		}
	}
	return -1
}

// The marks of functions that rewrite.
var (
	escapes   = BytesOf("%+")
	backslash = BytesOf(`\`)
	nulByte   = BytesOf("\x00")
	comments  = BytesOf("/*<-#")
)

func plus(c byte) byte {
	if c == '+' {
		return ' '
	}
	return c
}

// percent decodes %HH at the beginning of s.
func percent(s string) (byte, bool) {
	if s[0] != '%' {
		return 0, false
	}
	code, ok := hex(s, 1, 2)
	return byte(code), ok
}

// hex reads n hexadecimal digits from i on.
func hex(s string, i, n int) (code rune, ok bool) {
	if i+n > len(s) {
		return 0, false
	}
	for _, c := range []byte(s[i : i+n]) {
		d, ok := digit(c)
		if !ok {
			return 0, false
		}
		code = code<<4 | d
	}
	return code, true
}

func digit(c byte) (rune, bool) {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0'), true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10, true
	}
	return 0, false
}

//go:embed bestfit.txt
var bestFitText string

// bestFits is code page 20127 as ModSecurity's unicode.mapping has it.
var bestFits = func() map[rune]byte {
	m := map[rune]byte{}
	for line := range strings.Lines(bestFitText) {
		fields := strings.Fields(line)
		if fields[0] == "#" {
			continue
		}
		first, _ := hex(fields[0], 0, 4)
		for i, f := range fields[1:] {
			b, _ := hex(f, 0, 2)
			m[first+rune(i)] = byte(b)
		}
	}
	return m
}()

func bestFit(code rune) byte {
	if b, ok := bestFits[code]; ok {
		return b
	}
	return fullWidth(code)
}

// fullWidth takes the low byte; the full-width forms U+FF01 to U+FF5E are ASCII with an offset.
func fullWidth(code rune) byte {
	low := byte(code)
	if code>>8 == 0xFF && low > 0 && low < 0x5F {
		low += 0x20
	}
	return low
}

func urlEncode(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			b.WriteByte('+')
		case c == '*', '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'z':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// utf8toUnicode spells characters outside of ASCII as %uHHHH.
func utf8toUnicode(s string) string {
	at := strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
	if at < 0 {
		return s
	}
	b := append(make([]byte, 0, 2*len(s)), s[:at]...)
	for _, r := range s[at:] {
		if r < utf8.RuneSelf {
			b = append(b, byte(r))
			continue
		}
		b = append(b, '%', 'u')
		for limit := rune(0x1000); limit > r; limit >>= 4 {
			b = append(b, '0')
		}
		b = strconv.AppendInt(b, int64(r), 16)
	}
	return string(b)
}
