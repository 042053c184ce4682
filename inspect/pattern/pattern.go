package pattern

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unsafe"
)

// A Pattern is a compiled expression. It is safe for concurrent use; matching allocates only while new states are found.
type Pattern struct {
	expr string
	*automaton
	captures func() *regexp.Regexp // compiled on first use
	reverse  func() *automaton     // likewise; nil: there is none
	whole    bool                  // any text matches, from its beginning to its end
	required []string
	prog     *syntax.Prog
}

// Compile compiles expr as package regexp would. In binary mode a character is a byte, and \xNN stands for it; else texts
// are UTF-8 and each byte that is not is one character U+FFFD.
func Compile(expr string, binary bool, b *Budget) (*Pattern, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("couldn't parse the expression: %w", err)
	}
	required := requiredOf(re, binary)
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, fmt.Errorf("couldn't compile the expression: %w", err)
	}
	p := &Pattern{expr: expr, automaton: newAutomaton([]*syntax.Prog{prog}, []int{0}, true, false, binary, b), prog: prog, required: required,
		whole: strings.TrimPrefix(expr, "(?sm)") == "^.*$" && strings.HasPrefix(expr, "(?s")}
	p.captures = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
	p.reverse = sync.OnceValue(func() *automaton { return backwards(expr, binary, b) })
	return p, nil
}

// String is the expression.
func (p *Pattern) String() string { return p.expr }

// Required lists literals of which every matching text contains at least one, after its ASCII letters were folded to
// lower case. It is nil where no such list is short.
func (p *Pattern) Required() []string { return p.required }

// Binary reports whether a character is a byte.
func (p *Pattern) Binary() bool { return p.binary }

// Caseless reports whether the ASCII letters of a text may be of either case.
func (p *Pattern) Caseless() bool {
	for c := 'A'; c <= 'Z'; c++ {
		if p.alpha.low[c] != p.alpha.low[c+'a'-'A'] {
			return false
		}
	}
	return true
}

// Match reports whether s contains a match.
func (p *Pattern) Match(s string) bool {
	at := p.cache.Load().start
	switch at {
	case matched: // by the empty text
		return true
	case dead:
		return false
	}
	for i := 0; i < len(s); {
		var class uint16
		if c := s[i]; c < asciiEnd || p.binary {
			class = p.alpha.low[c]
			i++
		} else {
			var size int
			class, size = p.alpha.wide(s[i:])
			i += size
		}
		next := at.next[class].Load()
		if next == nil {
			next = p.step(at, class)
		}
		switch next {
		case matched:
			return true
		case dead:
			return false
		}
		at = next
	}
	return len(p.endings(at)) > 0
}

// Find appends to dst the index pairs of the leftmost match and its groups, as [regexp.Regexp.FindStringSubmatchIndex]
// returns them. It returns nil where there is none.
func (p *Pattern) Find(dst []int, s string) []int {
	if !p.whole && !p.Match(s) {
		return nil
	}
	return p.Locate(dst, s)
}

// Locate is [Pattern.Find] for a text that is known to hold a match.
func (p *Pattern) Locate(dst []int, s string) []int {
	if p.whole {
		return append(dst, 0, len(s))
	}
	if len(s) >= shortText {
		if a := p.reverse(); a != nil {
			first := a.origin(s)
			// What stands before the match decides on it too. Where the rest begins assertions see the beginning of a text.
			rest := p.before(s, max(first, 0))
			if found := p.search(dst, s[rest:], rest); first >= 0 && len(found) > len(dst) && found[len(dst)] >= first {
				return found
			}
		}
	}
	return p.search(dst, s, 0)
}

// search asks package regexp; shift is what to add to the indices.
func (p *Pattern) search(dst []int, s string, shift int) []int {
	e, had := p.captures(), len(dst)
	switch {
	case p.binary:
		text, starts := latin1(s)
		dst = append(dst, e.FindStringSubmatchIndex(text)...)
		for i, at := range dst[had:] {
			if at >= 0 {
				dst[had+i] = starts[at]
			}
		}
	case e.NumSubexp() == 0:
		if found := e.FindString(s); found != "" { // which allocates nothing, and of an empty one does not tell where it lies
			from := int(uintptr(unsafe.Pointer(unsafe.StringData(found))) - uintptr(unsafe.Pointer(unsafe.StringData(s))))
			return append(dst, shift+from, shift+from+len(found))
		}
		fallthrough
	default:
		dst = append(dst, e.FindStringSubmatchIndex(s)...)
	}
	for i, at := range dst[had:] {
		if at >= 0 {
			dst[had+i] = at + shift
		}
	}
	return dst
}

// latin1 makes each byte the character of that number, and tells for each index of the text which byte it came from.
func latin1(s string) (string, []int) {
	text, starts := make([]byte, 0, len(s)+8), make([]int, 0, len(s)+8)
	for i := range len(s) {
		if s[i] >= asciiEnd {
			text, starts = append(text, 0xC0|s[i]>>6), append(starts, i)
			text, starts = append(text, 0x80|s[i]&0x3F), append(starts, i)
			continue
		}
		text, starts = append(text, s[i]), append(starts, i)
	}
	return string(text), append(starts, len(s))
}
