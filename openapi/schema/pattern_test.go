package schema

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern string
		yes, no []string
	}{
		{`^[A-Z]{3}-[0-9]{4}$`, []string{"ABC-1234"}, []string{"ABC-123", "ABC-12345", "abc-1234", "xABC-1234", "ABC-1234\n"}},
		{`^[^@ ]+@[^@ ]+$`, []string{"a@b", "ä@ö"}, []string{"a@", "@b", "a@b@c", "a b@c"}},
		{`^.{2,3}$`, []string{"äö", "abc"}, []string{"a", "abcd", "a\nb", "a\u2028b"}},
		{`^a*$`, []string{"", "aaa"}, []string{"b", "ab"}},
		{`^a{0,2500}b$`, []string{"b", strings.Repeat("a", 2500) + "b"}, []string{strings.Repeat("a", 2501) + "b"}},
		{`^(?:ab){2,1500}$`, []string{"abab"}, []string{"ab", "aba"}},
		{`^foo`, []string{"foobar"}, []string{"barfoo"}},
		{`foo`, []string{"barfoo"}, []string{"bar"}},
		{`^(a|b)$`, []string{"a"}, []string{"c"}},
		{`^\d+\/\w+$`, []string{"1/a"}, []string{"1/", "\u0661/a"}},
		{`^\s$`, []string{" ", "\v", "\u00a0", "\ufeff", "\u2003"}, []string{"a"}},
		{`^[\s]$`, []string{"\u00a0"}, []string{"a"}},
		{`^\S$`, []string{"a"}, []string{"\u00a0"}},
		{`^[^\S]$`, []string{"\u00a0"}, []string{"a"}},
		{`^\cA$`, []string{"\x01"}, []string{"A"}},
		{`^\u0041\u{1F600}\uD83D\uDE00$`, []string{"A😀😀"}, []string{"A"}},
		{`^\x41\0$`, []string{"A\x00"}, []string{"A0"}},
		{`^[^]$`, []string{"a", "\n"}, []string{"", "ab"}},
		{`^[]$`, nil, []string{"", "a"}},
		{`^[\w.-]+$`, []string{"a.b-c"}, []string{"a b"}},
		{`^[\w-.]+$`, []string{"a.b-c"}, []string{"a b"}},
		{`^[a\-z]+$`, []string{"a-z"}, []string{"b"}},
		{`^[\b]$`, []string{"\b"}, []string{"b"}},
		{`^a{,2}$`, []string{"a{,2}"}, []string{"aa"}},
		{`^\p{L}+$`, []string{"äb"}, []string{"1"}},
		{`^\p{Script=Greek}$`, []string{"α"}, []string{"a"}},
		{`^\p{Letter}$`, []string{"α"}, []string{"1"}},
		{`^(?<year>[0-9]{4})$`, []string{"2026"}, []string{"26"}},
		{`\Aabc\Z`, []string{"abc"}, []string{"abcd", "abc\n"}},
		{`^(?!admin)[a-z]+$`, []string{"bob"}, []string{"admin", "administrator"}},
		{`^(?=.*[0-9])(?=.*[A-Z]).{4,}$`, []string{"abC1"}, []string{"abc1", "ABCD", "A1"}},
		{`^(?!(a|b)$)[a-c]$`, []string{"c"}, []string{"a", "b"}},
		{`^[a-z]+?$`, []string{"abc"}, []string{"1"}},
		{`^a{1500,1600}?$`, []string{strings.Repeat("a", 1550)}, []string{"a"}},
	} {
		p, err := compilePattern(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		for _, s := range c.yes {
			if !p.match(s) {
				t.Errorf("%s does not match %.20q", c.pattern, s)
			}
		}
		for _, s := range c.no {
			if p.match(s) {
				t.Errorf("%s matches %.20q", c.pattern, s)
			}
		}
	}
}

func TestPatternsThatCannotRun(t *testing.T) {
	for pattern, want := range map[string]error{
		`(a)\1`:                            errBackreference,
		`(?<n>a)\k<n>`:                     errBackreference,
		`a(?=b)`:                           errLookaround,
		`(?<=a)b`:                          errLookaround,
		`^(?=a)b|c`:                        errLookaround,
		`^(?=a)*b`:                         errLookaround,
		`(a`:                               nil,
		`a)`:                               nil,
		`[a`:                               nil,
		`*`:                                nil,
		`a{3,1}`:                           nil,
		`[z-a]`:                            nil,
		`\p{Nonsense}`:                     nil,
		`^(?=a`:                            nil,
		`a\`:                               nil,
		`^(a{0,99999})`:                    nil,
		`(((a{900}){900}){900})`:           nil,
		strings.Repeat("a", maxLiterals+1): nil,
	} {
		_, err := compilePattern(pattern)
		if err == nil {
			t.Errorf("%.40s compiles", pattern)
		} else if want != nil && !errors.Is(err, want) {
			t.Errorf("%.40s: %v", pattern, err)
		}
	}
}

// TestShapes: which patterns need no machine, and which only look like it.
func TestShapes(t *testing.T) {
	for pattern, want := range map[string]bool{
		`^[A-Z]{3}-[0-9]{4}$`: true, `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`: true,
		`^[^@ ]+@[^@ ]+$`: true, `^ord-[0-9]{6}$`: true, `^[a-z]*[0-9]+x?$`: true, `^[a-z]`: true, `^.{0,5000}$`: true,
		`^[a-z]+[a-f]$`: false, `^a?a$`: true, `[a-z]$`: false, `^(ab)+$`: false, `^(?i)a$`: false, `^[ä]$`: false, `^a*b*a$`: false, `a|b`: false,
	} {
		p, err := compilePattern(pattern)
		if err != nil {
			t.Fatal(pattern, err)
		}
		if got := p.shape != nil; got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}

// FuzzPattern: translation neither panics nor produces what package regexp refuses after it was accepted; a shape
// agrees with the machine.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{`^[A-Z]{3}-[0-9]{4}$`, `^a{0,2000}b?$`, `^[\w-.]+@$`, `\u{1F600}\cA\p{L}`, `^(?=.*[0-9])(?!x).{8,}$`, `^[^]*$`, `[]-a]`, `(?<a>x)`} {
		f.Add(s, "ABC-1234")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 200 {
			return
		}
		p, err := compilePattern(pattern)
		isRegex(pattern)
		if err != nil {
			return
		}
		got := p.match(text)
		if p.shape == nil {
			return
		}
		re2, err := translate(pattern)
		if err != nil {
			t.Fatal(err)
		}
		full, err := regexp.Compile(re2)
		if err != nil {
			return // more repetitions than the machine can hold: only the shape can do it
		}
		if want := full.MatchString(text); got != want {
			t.Fatalf("%q on %q: %v, want %v", pattern, text, got, want)
		}
	})
}
