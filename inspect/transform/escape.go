package transform

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

func htmlEntityDecode(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	return html.UnescapeString(s)
}

// controls are the letters that stand for control characters behind a backslash.
var controls = [256]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// jsDecode decodes the escapes of JavaScript: \uHHHH and \u{H…} to the low byte, \xHH, \OOO, \n and its like; any other
// character behind a backslash stands for itself.
func jsDecode(b []byte, s string) ([]byte, bool) {
	return rewrite(b, s, '\\', func(b []byte, s string) ([]byte, string) {
		if len(s) == 1 {
			return append(b, s...), ""
		}
		if code, n := braced(s); n > 0 {
			low := byte(code)
			if code >= 0xFF01 && code <= 0xFF5E {
				low += 0x20
			}
			return append(b, low), s[n:]
		}
		if s[1] == 'u' {
			if code, ok := hex(s, 2, 4); ok {
				return append(b, fullWidth(code)), s[6:]
			}
		}
		if s[1] == 'x' {
			if code, ok := hex(s, 2, 2); ok {
				return append(b, byte(code)), s[4:]
			}
		}
		if n := octals(s[1:]); n > 0 {
			if n == 3 && s[1] > '3' {
				n = 2
			}
			return append(b, octal(s[1:1+n])), s[1+n:]
		}
		if c := controls[s[1]]; c != 0 {
			return append(b, c), s[2:]
		}
		return append(b, s[1]), s[2:]
	})
}

// braced reads \u{H…} with one to six digits; n is its length, or 0.
func braced(s string) (code rune, n int) {
	if !strings.HasPrefix(s, `\u{`) {
		return 0, 0
	}
	digits := hexRun(s[3:], 6)
	if digits == 0 || len(s) <= 3+digits || s[3+digits] != '}' {
		return 0, 0
	}
	code, _ = hex(s, 3, digits)
	return code, digits + 4
}

// hexRun counts the hexadecimal digits at the beginning of s, up to limit.
func hexRun(s string, limit int) int {
	n := 0
	for n < len(s) && n < limit {
		if digits[s[n]] < 0 {
			break
		}
		n++
	}
	return n
}

// octals counts the octal digits at the beginning of s, up to three.
func octals(s string) int {
	n := 0
	for n < len(s) && n < 3 && '0' <= s[n] && s[n] <= '7' {
		n++
	}
	return n
}

func octal(s string) (c byte) {
	for i := range len(s) {
		c = c<<3 | (s[i] - '0')
	}
	return c
}

// escapeSeqDecode decodes the escapes of C: \n and its like, \xHH, \OOO; other backslashes disappear.
func escapeSeqDecode(b []byte, s string) ([]byte, bool) {
	return rewrite(b, s, '\\', func(b []byte, s string) ([]byte, string) {
		if len(s) == 1 {
			return append(b, s...), ""
		}
		if c := controls[s[1]]; c != 0 {
			return append(b, c), s[2:]
		}
		if s[1]|0x20 == 'x' {
			if code, ok := hex(s, 2, 2); ok {
				return append(b, byte(code)), s[4:]
			}
		}
		if n := octals(s[1:]); n > 0 {
			return append(b, octal(s[1:1+n])), s[1+n:]
		}
		return append(b, s[1]), s[2:]
	})
}

// cssDecode decodes the escapes of CSS (CSS Syntax 3, section 4.3.7): one to six digits and one white space.
func cssDecode(b []byte, s string) ([]byte, bool) {
	return rewrite(b, s, '\\', func(b []byte, s string) ([]byte, string) {
		if len(s) == 1 {
			return b, ""
		}
		n := hexRun(s[1:], 6)
		if n == 0 {
			if s[1] == '\n' {
				return b, s[2:]
			}
			return append(b, s[1]), s[2:]
		}
		code, _ := hex(s, 1, n)
		switch {
		case code == 0:
			code = utf8.RuneError
		case code >= 0xFF01 && code <= 0xFF5E:
			code -= 0xFEE0
		}
		s = s[1+n:]
		if s != "" && strings.IndexByte(" \f\n\t\r\v", s[0]) >= 0 {
			s = s[1:]
		}
		return utf8.AppendRune(b, code), s
	})
}
