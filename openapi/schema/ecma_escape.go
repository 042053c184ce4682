package schema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The white space of ECMA-262 (\s), in RE2 class syntax without the brackets.
const ecmaSpace = `\t\n\v\f\r \x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}`

// The complement of ecmaSpace, for \S within a class.
const ecmaNotSpace = `\x{00}-\x{08}\x{0E}-\x{1F}!-\x{9F}\x{A1}-\x{167F}\x{1681}-\x{1FFF}\x{200B}-\x{2027}\x{202A}-\x{202E}\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{FEFE}\x{FF00}-\x{10FFFF}`

func (t *translator) class() error {
	rest := t.in[t.at:]
	switch {
	case strings.HasPrefix(rest, "[^]"):
		t.emit(`[\x{00}-\x{10FFFF}]`, 3)
		return nil
	case strings.HasPrefix(rest, "[]"):
		t.emit(`[^\x{00}-\x{10FFFF}]`, 2)
		return nil
	}
	t.copy(1)
	if strings.HasPrefix(t.in[t.at:], "^") {
		t.copy(1)
	}
	for t.at < len(t.in) {
		switch c := t.in[t.at]; c {
		case ']':
			t.copy(1)
			return nil
		case '[':
			t.emit(`\[`, 1)
		case '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		case '-':
			t.dash()
		default:
			_, n := utf8.DecodeRuneInString(t.in[t.at:])
			t.copy(n)
		}
	}
	return errors.New("has an open class")
}

// dash copies a - within a class, escaped where it cannot be a range: first, last, or beside a class like \w.
func (t *translator) dash() {
	before, after := t.in[:t.at], t.in[t.at+1:]
	literal := strings.HasSuffix(before, "[") || strings.HasSuffix(before, "[^") || strings.HasPrefix(after, "]") ||
		endsInClass(before) || len(after) > 1 && after[0] == '\\' && strings.IndexByte("dDwWsSpP", after[1]) >= 0
	if literal {
		t.emit(`\-`, 1)
		return
	}
	t.copy(1)
}

func endsInClass(s string) bool {
	return len(s) > 1 && s[len(s)-2] == '\\' && strings.IndexByte("dDwWsS", s[len(s)-1]) >= 0 && !strings.HasSuffix(s[:len(s)-1], `\\`)
}

// escape translates what follows a backslash.
func (t *translator) escape(inClass bool) error {
	if t.at+1 >= len(t.in) {
		return errors.New("ends in a backslash")
	}
	switch c := t.in[t.at+1]; c {
	case 's', 'S':
		t.space(c == 'S', inClass)
	case 'd', 'D', 'w', 'W', 't', 'r', 'n', 'f', 'v':
		t.copy(2)
	case 'u':
		return t.unicode()
	case 'p', 'P':
		return t.property()
	case 'x', 'c', '0':
		t.code(c)
	case 'b', 'B', 'A', 'Z', 'z':
		return t.assertion(c, inClass)
	default:
		return t.other(c, inClass)
	}
	return nil
}

// code translates \xHH, \cX and \0.
func (t *translator) code(c byte) {
	rest := t.in[t.at+2:]
	switch {
	case c == 'x' && len(rest) >= 2 && isHex(rest[:2]):
		t.emit(`\x{`+rest[:2]+`}`, 4)
	case c == 'c' && rest != "" && isLetter(rest[0]):
		t.emit(fmt.Sprintf(`\x{%02x}`, rest[0]&0x1f), 3)
	case c == '0' && (rest == "" || !isDigit(rest[0])):
		t.emit(`\x{00}`, 2)
	default:
		t.identity()
	}
}

// assertion translates what matches between characters. \Z, \z and \A are letters in ECMA-262; whoever writes them
// means the end and the beginning of the text.
func (t *translator) assertion(c byte, inClass bool) error {
	switch {
	case c == 'b' && inClass:
		t.emit(`\x{08}`, 2)
		return nil
	case c == 'b', c == 'B':
		t.copy(2)
	case t.strict || inClass:
		return t.other(c, inClass)
	case c == 'A':
		t.emit(`\A`, 2)
	default:
		t.emit(`\z`, 2)
	}
	t.atom = -1
	return nil
}

func (t *translator) other(c byte, inClass bool) error {
	switch {
	case isDigit(c) && !inClass, c == 'k' && strings.HasPrefix(t.in[t.at+2:], "<"):
		return errBackreference
	case t.strict && isLetter(c):
		return fmt.Errorf("has an unknown escape \\%c", c)
	}
	t.identity()
	return nil
}

// space translates \s and \S.
func (t *translator) space(not, inClass bool) {
	switch {
	case not && inClass:
		t.emit(ecmaNotSpace, 2)
	case not:
		t.emit(`[^`+ecmaSpace+`]`, 2)
	case inClass:
		t.emit(ecmaSpace, 2)
	default:
		t.emit(`[`+ecmaSpace+`]`, 2)
	}
}

// identity is an escaped character that stands for itself.
func (t *translator) identity() {
	r, n := utf8.DecodeRuneInString(t.in[t.at+1:])
	t.emit(fmt.Sprintf(`\x{%x}`, r), 1+n)
}

// unicode translates \uXXXX, surrogate pairs of them, and \u{X}.
func (t *translator) unicode() error {
	rest := t.in[t.at+2:]
	if strings.HasPrefix(rest, "{") {
		end := strings.IndexByte(rest, '}')
		if end < 2 || end > 7 || !isHex(rest[1:end]) {
			return errors.New(`has a broken \u{}`)
		}
		t.emit(`\x{`+rest[1:end]+`}`, end+3)
		return nil
	}
	if len(rest) < 4 || !isHex(rest[:4]) {
		t.emit("u", 2)
		return nil
	}
	high, _ := strconv.ParseUint(rest[:4], 16, 32)
	if high >= 0xD800 && high < 0xDC00 && len(rest) >= 10 && rest[4:6] == `\u` && isHex(rest[6:10]) {
		low, _ := strconv.ParseUint(rest[6:10], 16, 32)
		if low >= 0xDC00 && low < 0xE000 {
			t.emit(fmt.Sprintf(`\x{%x}`, (high-0xD800)<<10+(low-0xDC00)+0x10000), 12)
			return nil
		}
	}
	t.emit(`\x{`+rest[:4]+`}`, 6)
	return nil
}

// property translates \p{…}: names with Script= or General_Category= in front are known to RE2 without.
func (t *translator) property() error {
	rest := t.in[t.at+2:]
	if !strings.HasPrefix(rest, "{") {
		if rest != "" && isLetter(rest[0]) {
			t.copy(3)
			return nil
		}
		return errors.New(`has a broken \p`)
	}
	end := strings.IndexByte(rest, '}')
	if end < 2 {
		return errors.New(`has a broken \p{}`)
	}
	name := rest[1:end]
	for _, prefix := range []string{"Script=", "sc=", "Script_Extensions=", "scx=", "General_Category=", "gc="} {
		name = strings.TrimPrefix(name, prefix)
	}
	t.emit(t.in[t.at:t.at+2]+"{"+name+"}", 2+end+1)
	return nil
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; (c < '0' || c > '9') && (c < 'a' || c > 'f') || s[i] < '0' {
			return false
		}
	}
	return s != ""
}

func isLetter(c byte) bool { c |= 0x20; return c >= 'a' && c <= 'z' }
