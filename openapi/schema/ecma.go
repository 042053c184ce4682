package schema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxRepeat is what RE2 takes in one repetition; longer ones are written as several.
const (
	maxRepeat   = 1000
	maxRepeats  = 32 * maxRepeat
	maxAtom     = 256
	maxLiterals = 64 << 10 // bytes of a pattern
)

var (
	errBackreference = errors.New("refers back to a group, which no linear-time engine can do")
	errLookaround    = errors.New("looks around in the middle of the pattern, which no linear-time engine can do")
)

// translator rewrites an ECMA-262 regular expression in the syntax of package regexp.
type translator struct {
	in  string
	at  int
	out strings.Builder
	// atom is where the last atom begins in out, -1 where there is none that could be repeated.
	atom    int
	groups  []int // where the open groups begin in out
	repeats int
	strict  bool // only what ECMA-262 defines
}

// translate returns the RE2 form of an ECMA-262 pattern.
func translate(ecma string) (string, error) { return (&translator{in: ecma, atom: -1}).run() }

func (t *translator) run() (string, error) {
	if len(t.in) > maxLiterals {
		return "", fmt.Errorf("is longer than %d bytes", maxLiterals)
	}
	for t.at < len(t.in) {
		if err := t.step(); err != nil {
			return "", err
		}
	}
	if len(t.groups) > 0 {
		return "", errors.New("has an open group")
	}
	return t.out.String(), nil
}

func (t *translator) step() error {
	switch c := t.in[t.at]; c {
	case '\\':
		t.atom = t.out.Len()
		return t.escape(false)
	case '[':
		t.atom = t.out.Len()
		return t.class()
	case '(':
		return t.open()
	case ')':
		if len(t.groups) == 0 {
			return errors.New("closes a group that is not open")
		}
		t.atom, t.groups = t.groups[len(t.groups)-1], t.groups[:len(t.groups)-1]
		t.copy(1)
	case '{':
		return t.brace()
	case '*', '+', '?':
		t.copy(1)
		t.lazy()
		t.atom = -1
	case '.':
		t.atom = t.out.Len()
		t.emit(`[^\n\r\x{2028}\x{2029}]`, 1)
	case '^', '|':
		t.atom = -1
		t.copy(1)
	case '$':
		t.atom = -1
		t.emit(`\z`, 1)
	case ']', '}':
		t.atom = t.out.Len()
		t.emit(`\`+string(c), 1)
	default:
		t.atom = t.out.Len()
		_, n := utf8.DecodeRuneInString(t.in[t.at:])
		t.copy(n)
	}
	return nil
}

func (t *translator) copy(n int)           { t.emit(t.in[t.at:t.at+n], n) }
func (t *translator) emit(s string, n int) { t.out.WriteString(s); t.at += n }

// lazy copies the ? of a lazy repetition, which changes no verdict.
func (t *translator) lazy() {
	if strings.HasPrefix(t.in[t.at:], "?") {
		t.copy(1)
	}
}

func (t *translator) open() error {
	rest := t.in[t.at:]
	t.groups = append(t.groups, t.out.Len())
	t.atom = -1
	switch {
	case strings.HasPrefix(rest, "(?:"):
		t.copy(3)
	case strings.HasPrefix(rest, "(?="), strings.HasPrefix(rest, "(?!"), strings.HasPrefix(rest, "(?<="), strings.HasPrefix(rest, "(?<!"):
		return errLookaround
	case strings.HasPrefix(rest, "(?<"):
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			return errors.New("has a group without a name")
		}
		t.emit("(?:", end+1)
	case t.strict && strings.HasPrefix(rest, "(?"):
		return fmt.Errorf("has an unknown group %.4q", rest)
	case strings.HasPrefix(rest, "(?P<"), strings.HasPrefix(rest, "(?i)"), strings.HasPrefix(rest, "(?i:"), strings.HasPrefix(rest, "(?s)"):
		// Not ECMA-262, but what authors write who test with another engine.
		if strings.HasPrefix(rest, "(?P") {
			t.copy(3)
			return nil
		}
		t.copy(3)
	case strings.HasPrefix(rest, "(?"):
		return fmt.Errorf("has an unknown group %.4q", rest)
	default:
		t.emit("(?:", 1)
	}
	return nil
}

// brace copies {n}, {n,} and {n,m}, split where RE2 has a limit; any other brace is a literal, as in browsers.
func (t *translator) brace() error {
	least, most, width := parseBraces(t.in[t.at:])
	if width == 0 {
		t.atom = t.out.Len()
		t.emit(`\{`, 1)
		return nil
	}
	if t.atom < 0 {
		return errors.New("repeats nothing")
	}
	if most >= 0 && most < least {
		return errors.New("repeats from more to less")
	}
	atom := t.out.String()[t.atom:]
	t.at += width
	if least <= maxRepeat && most <= maxRepeat {
		t.out.WriteString(t.in[t.at-width : t.at])
		t.lazy()
		t.atom = -1
		return nil
	}
	if t.repeats += max(least, most); t.repeats > maxRepeats || len(atom) > maxAtom {
		return fmt.Errorf("repeats too much more than %d times", maxRepeat)
	}
	t.split(atom, least, most)
	t.lazyAfterSplit()
	t.atom = -1
	return nil
}

// split writes atom{least,most} as several repetitions; the first atom is written already.
func (t *translator) split(atom string, least, most int) {
	optional := max(most-least, 0)
	first := true
	part := func(braces string) {
		if !first {
			t.out.WriteString(atom)
		}
		first = false
		t.out.WriteString(braces)
	}
	for ; least > 0; least -= min(least, maxRepeat) {
		part("{" + strconv.Itoa(min(least, maxRepeat)) + "}")
	}
	for ; optional > 0; optional -= min(optional, maxRepeat) {
		part("{0," + strconv.Itoa(min(optional, maxRepeat)) + "}")
	}
	if most < 0 {
		part("*")
	}
}

// lazyAfterSplit drops the ? of a lazy repetition.
func (t *translator) lazyAfterSplit() {
	if strings.HasPrefix(t.in[t.at:], "?") {
		t.at++
	}
}

// parseBraces reads {n}, {n,} or {n,m}; width is 0 for anything else, most is -1 for no limit.
func parseBraces(s string) (least, most, width int) {
	end := strings.IndexByte(s, '}')
	if end < 2 || end > 20 {
		return 0, 0, 0
	}
	low, high, comma := strings.Cut(s[1:end], ",")
	least, ok := count(low)
	if !ok {
		return 0, 0, 0
	}
	switch {
	case !comma:
		return least, least, end + 1
	case high == "":
		return least, -1, end + 1
	}
	if most, ok = count(high); !ok {
		return 0, 0, 0
	}
	return least, most, end + 1
}

func count(s string) (int, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
