package transform

import (
	"crypto/md5"  // #nosec G501 -- the rule language has it; nothing is secured by it
	"crypto/sha1" // #nosec G505 -- the same
	"encoding/base64"
	hexcode "encoding/hex"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func removeNulls(s string) string  { return strings.ReplaceAll(s, "\x00", "") }
func replaceNulls(s string) string { return strings.ReplaceAll(s, "\x00", " ") }
func length(s string) string       { return strconv.Itoa(len(s)) }
func hexEncode(s string) string    { return hexcode.EncodeToString([]byte(s)) }
func base64Encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

const asciiSpace = " \t\n\r\f\v"

func trim(s string) string      { return strings.Trim(s, asciiSpace) }
func trimLeft(s string) string  { return strings.TrimLeft(s, asciiSpace) }
func trimRight(s string) string { return strings.TrimRight(s, asciiSpace) }

func sha1Sum(s string) string {
	sum := sha1.Sum([]byte(s)) // #nosec G401 -- see the import
	return string(sum[:])
}

func md5Sum(s string) string {
	sum := md5.Sum([]byte(s)) // #nosec G401 -- see the import
	return string(sum[:])
}

// hexDecode leaves what is not hexadecimal as it is.
func hexDecode(s string) string {
	b, err := hexcode.DecodeString(s)
	if err != nil {
		return s
	}
	return string(b)
}

// base64Decode decodes up to the first character that does not belong there.
func base64Decode(s string) string { return fromBase64(s, false) }

// base64DecodeExt passes over such characters, and reads the alphabet for URLs too (RFC 4648, section 5).
func base64DecodeExt(s string) string { return fromBase64(s, true) }

func fromBase64(s string, lenient bool) string {
	b := make([]byte, 0, len(s))
	bits, n := 0, 0
	for i := range len(s) {
		c := s[i]
		if c == '\r' || c == '\n' || lenient && (c == '.' || unicode.IsSpace(rune(c))) {
			continue
		}
		v := sextet(c, lenient)
		if c == '=' || c == ' ' || v < 0 && !lenient {
			break
		}
		if v < 0 {
			continue
		}
		if bits, n = bits<<6|v, n+1; n == 4 {
			b = append(b, byte(bits>>16), byte(bits>>8), byte(bits))
			bits, n = 0, 0
		}
	}
	switch n {
	case 2:
		b = append(b, byte(bits>>4))
	case 3:
		b = append(b, byte(bits>>10), byte(bits>>2))
	}
	return string(b)
}

// sextet is the value of a character, or -1.
func sextet(c byte, lenient bool) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '+' || lenient && c == '-':
		return 62
	case c == '/' || lenient && c == '_':
		return 63
	}
	return -1
}

// removeWhitespace removes every white space of Unicode.
func removeWhitespace(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// compressWhitespace makes each run of white space one blank. A byte 0xA0 that is no UTF-8 counts as a space, as in
// Latin-1.
func compressWhitespace(s string) string {
	at := 0
	for at < len(s) && !(s[at] <= ' ' && isSpace(rune(s[at])) || s[at] >= utf8.RuneSelf) {
		at++
	}
	if at == len(s) {
		return s
	}
	b, within := append(make([]byte, 0, len(s)), s[:at]...), false
	for at < len(s) {
		r, size := utf8.DecodeRuneInString(s[at:])
		switch {
		case !isSpace(r) && s[at] != 0xA0:
			b, within = append(b, s[at:at+size]...), false
		case !within:
			b, within = append(b, ' '), true
		}
		at += size
	}
	return string(b)
}

func isSpace(r rune) bool {
	switch r {
	case '\t', '\n', '\v', '\f', '\r', ' ', 0x85, 0xA0:
		return true
	}
	return false
}

// normalizePath removes empty, . and .. steps, and keeps a slash at the end.
func normalizePath(s string) string {
	if s == "" {
		return s
	}
	clean := path.Clean(s)
	switch {
	case clean == ".":
		return ""
	case s[len(s)-1] == '/':
		return clean + "/"
	}
	return clean
}
