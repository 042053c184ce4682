package transform

import (
	"crypto/md5"  // #nosec G501 -- the rule language has it; nothing is secured by it
	"crypto/sha1" // #nosec G505 -- the same
	"encoding/base64"
	hexcode "encoding/hex"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func removeNulls(b []byte, s string) ([]byte, bool) {
	return rewrite(b, s, 0, func(b []byte, s string) ([]byte, string) { return b, s[1:] })
}

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
func base64Decode(b []byte, s string) ([]byte, bool) { return fromBase64(b, s, false) }

// base64DecodeExt passes over such characters, and reads the alphabet for URLs too (RFC 4648, section 5).
func base64DecodeExt(b []byte, s string) ([]byte, bool) { return fromBase64(b, s, true) }

func fromBase64(b []byte, s string, lenient bool) ([]byte, bool) {
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
	return b, true
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
func removeWhitespace(b []byte, s string) ([]byte, bool) {
	at := firstWide(s)
	if at == len(s) {
		return b, false
	}
	b = append(b, s[:at]...)
	for i := at; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c > ' ' || !isSpace(rune(c)) {
				b = append(b, c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError:
			b = append(b, noCharacter...)
		case !unicode.IsSpace(r):
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return b, true
}

// firstWide is the index of the first white space of ASCII or byte that is not ASCII, or the length.
func firstWide(s string) int {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c <= ' ' && isSpace(rune(c)) {
			return i
		}
	}
	return len(s)
}

// compressWhitespace makes each run of white space one blank. A byte 0xA0 that is no UTF-8 counts as a space, as in
// Latin-1.
func compressWhitespace(b []byte, s string) ([]byte, bool) {
	at := firstWide(s)
	if at == len(s) {
		return b, false
	}
	b, within := append(b, s[:at]...), false
	for at < len(s) {
		if c := s[at]; c > ' ' && c < utf8.RuneSelf {
			b, within = append(b, c), false
			at++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[at:])
		switch {
		case !isSpace(r) && s[at] != 0xA0:
			b, within = append(b, s[at:at+size]...), false
		case !within:
			b, within = append(b, ' '), true
		}
		at += size
	}
	return b, true
}

func isSpace(r rune) bool {
	switch r {
	case '\t', '\n', '\v', '\f', '\r', ' ', 0x85, 0xA0:
		return true
	}
	return false
}

// lowercase is [strings.ToLower].
func lowercase(b []byte, s string) ([]byte, bool) {
	start, b := len(b), slices.Grow(b, len(s))
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			b = append(b, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch small := toLower(r); {
		case r == utf8.RuneError:
			b = append(b, noCharacter...)
		case small == r:
			b = append(b, s[i:i+size]...)
		default:
			b = utf8.AppendRune(b, small)
		}
		i += size
	}
	return b, string(b[start:]) != s
}

// toLower is [unicode.ToLower], which searches, with a table of the characters of two bytes.
func toLower(r rune) rune {
	if int(r) < len(smalls) {
		return smalls[r]
	}
	return unicode.ToLower(r)
}

var smalls = func() (table [0x800]rune) {
	for r := range table {
		table[r] = unicode.ToLower(rune(r))
	}
	return table
}()

// noCharacter is U+FFFD, which stands for a byte that is no UTF-8.
const noCharacter = string(utf8.RuneError)

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
