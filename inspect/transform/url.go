package transform

import (
	_ "embed"
	"strconv"
	"strings"
	"unicode/utf8"
)

// urlDecode decodes %HH and +; what is no escape stays.
func urlDecode(b []byte, s string) ([]byte, bool) { return decodeURL(b, s, false) }

// urlDecodeUni decodes %uHHHH of IIS too: to the ASCII character that fits best, else to the low byte.
func urlDecodeUni(b []byte, s string) ([]byte, bool) { return decodeURL(b, s, true) }

func decodeURL(b []byte, s string, wide bool) ([]byte, bool) {
	at := escapes.first(s)
	if at < 0 {
		return b, false
	}
	b = append(b, s[:at]...)
	for i := at; i < len(s); {
		c, size := s[i], 1
		switch {
		case c == '+':
			c = ' '
		case c != '%':
		case wide && i+1 < len(s) && s[i+1]|0x20 == 'u':
			if code, ok := hex(s, i+2, 4); ok {
				c, size = bestFit(code), 6
			}
		default:
			if code, ok := hex(s, i+1, 2); ok {
				c, size = byte(code), 3
			}
		}
		b = append(b, c)
		i += size
	}
	return b, true
}

// rewrite replaces what begins with a mark by what decode appends; decode gets the text from the mark on and returns
// what is left of it.
func rewrite(b []byte, s string, mark byte, decode func([]byte, string) ([]byte, string)) ([]byte, bool) {
	at := strings.IndexByte(s, mark)
	if at < 0 {
		return b, false
	}
	for at >= 0 {
		b, s = decode(append(b, s[:at]...), s[at:])
		if at = 0; s == "" || s[0] != mark { // seldom alone
			at = strings.IndexByte(s, mark)
		}
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
	escapes  = BytesOf("%+")
	comments = BytesOf("/*<-#")
)

// hex reads n hexadecimal digits from i on.
func hex(s string, i, n int) (code rune, ok bool) {
	if i+n > len(s) {
		return 0, false
	}
	for ; n > 0; i, n = i+1, n-1 {
		d := digits[s[i]]
		if d < 0 {
			return 0, false
		}
		code = code<<4 | rune(d)
	}
	return code, true
}

// digits are the values of hexadecimal digits, and -1.
var digits = func() (values [256]int8) {
	for c := range values {
		values[c] = -1
	}
	for i, c := range []byte("0123456789abcdef") {
		values[c], values[strings.ToUpper(string(c))[0]] = int8(i), int8(i)
	}
	return values
}()

//go:embed bestfit.txt
var bestFitText string

// bestFits is code page 20127 as ModSecurity's unicode.mapping has it, by the high byte and the low byte; what is not in
// it, by fullWidth.
var bestFits = func() (pages [256][256]byte) {
	for code := range rune(1 << 16) {
		pages[code>>8][code&0xFF] = fullWidth(code)
	}
	for line := range strings.Lines(bestFitText) {
		fields := strings.Fields(line)
		if fields[0] == "#" {
			continue
		}
		first, _ := hex(fields[0], 0, 4)
		for i, f := range fields[1:] {
			fit, _ := hex(f, 0, 2)
			code := first + rune(i)
			pages[code>>8][code&0xFF] = byte(fit)
		}
	}
	return pages
}()

// bestFit takes a code of four digits.
func bestFit(code rune) byte { return bestFits[code>>8&0xFF][code&0xFF] }

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
func utf8toUnicode(b []byte, s string) ([]byte, bool) {
	const small = "0123456789abcdef"
	at := wide.first(s)
	if at < 0 {
		return b, false
	}
	b = append(b, s[:at]...)
	for _, r := range s[at:] {
		switch {
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case r <= 0xFFFF:
			b = append(b, '%', 'u', small[r>>12], small[r>>8&15], small[r>>4&15], small[r&15])
		default:
			b = strconv.AppendInt(append(b, '%', 'u'), int64(r), 16)
		}
	}
	return b, true
}
