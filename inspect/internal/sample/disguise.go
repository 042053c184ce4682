package sample

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

// mutate breaks a text in one place.
func (m *Maker) mutate(s string) string {
	if s == "" {
		return pick(m, pieces)
	}
	i := m.rand.IntN(len(s))
	switch m.rand.IntN(9) {
	case 0:
		return s[:i] + s[i+1:]
	case 1:
		return s[:i] + string([]byte{byte(m.rand.IntN(256))}) + s[i+1:]
	case 2:
		return s[:i] + pick(m, pieces) + s[i:]
	case 3:
		return s[:i]
	case 4:
		return s[i:]
	case 5:
		return s[:i] + string([]byte{s[i] ^ 0x20}) + s[i+1:]
	case 6:
		return s[:i] + string([]byte{s[i], s[i]}) + s[i+1:]
	case 7:
		return s + s[i:]
	}
	return s[:i] + pick(m, []string{" ", "\t", "\n", "\v", "\f", "\r", "\x85", "\xa0", "\u00a0", "\u3000"}) + s[i:]
}

// disguise writes some of the characters of a text in another way, as one of the transformations would read them.
func (m *Maker) disguise(s string) string {
	switch m.rand.IntN(18) {
	case 0:
		return base64.StdEncoding.EncodeToString([]byte(s))
	case 1:
		return base64.RawStdEncoding.EncodeToString([]byte(s)) + pick(m, []string{"", "=", ".", "\n"})
	case 2:
		return strings.ToUpper(s)
	case 3:
		return strings.ReplaceAll(s, " ", pick(m, []string{"/**/", "+", "  ", "\t", "%20", "\n", "/*x*/", "\u00a0", "\xa0"}))
	case 4:
		return strings.ReplaceAll(s, "/", pick(m, []string{"\\", "//", "/./", "/x/../", "%2f", "%u2215"}))
	}
	way := ways[m.rand.IntN(len(ways))]
	often := 1 + m.rand.IntN(6)
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if m.one(often) {
			way(m, &b, r, s[i:i+size])
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// each writes every byte of the spelling by the same format.
func each(formats ...string) func(*Maker, *strings.Builder, rune, string) {
	return func(m *Maker, b *strings.Builder, _ rune, s string) {
		for i := range len(s) {
			fmt.Fprintf(b, pick(m, formats), s[i])
		}
	}
}

// character writes the character by one of the formats.
func character(formats ...string) func(*Maker, *strings.Builder, rune, string) {
	return func(m *Maker, b *strings.Builder, r rune, _ string) { fmt.Fprintf(b, pick(m, formats), r) }
}

var ways = []func(*Maker, *strings.Builder, rune, string){
	each("%%%02x", "%%%02X", "%%25%02x", "%%%x"),
	character("%%u%04x", "%%u%04X", "%%U%04x", "%%u00%02x"),
	func(_ *Maker, b *strings.Builder, r rune, s string) { // full width
		if r > 0x20 && r < 0x7f {
			fmt.Fprintf(b, "%%uff%02x", r-0x20)
			return
		}
		b.WriteString(s)
	},
	func(_ *Maker, b *strings.Builder, r rune, s string) {
		if r > 0x20 && r < 0x7f {
			b.WriteRune(r + 0xfee0)
			return
		}
		b.WriteString(s)
	},
	character("&#%d;", "&#%d", "&#x%x;", "&#x%x", "&#X%X;", "&#00%d;"),
	func(_ *Maker, b *strings.Builder, r rune, s string) {
		if name := map[rune]string{'<': "&lt;", '>': "&gt;", '"': "&quot;", '&': "&amp;", '\'': "&apos;", ':': "&colon;", '(': "&lpar;", '\t': "&Tab;", '\u00a0': "&nbsp;"}[r]; name != "" {
			s = name
		}
		b.WriteString(s)
	},
	each("\\x%02x", "\\x%02X", "\\%o", "\\%03o", "\\%x", "\\%06x", "\\%x "),
	character("\\u%04x", "\\u%04X", "\\x{%x}", "\\U%04x"),
	func(m *Maker, b *strings.Builder, _ rune, s string) { // what comments, shells and white space hide
		b.WriteString(pick(m, []string{"/**/", "/*a*/", "<!--", "-->", "\\", "^", "\"", "'", "''", "\"\"", "\x00", " ", "$@", "#", "--", "\\\n"}) + s)
	},
	func(_ *Maker, b *strings.Builder, _ rune, s string) {
		switch s {
		case "k", "K":
			s = "K"
		case "s", "S":
			s = "ſ"
		case "i":
			s = "İ"
		}
		b.WriteString(s)
	},
	each("%02x", "0x%02x", "%c"),
	func(m *Maker, b *strings.Builder, _ rune, s string) {
		b.WriteString(s + pick(m, []string{"\xff", "\xc3", "\x80", "é", "\u200b", "\x01"}))
	},
}
