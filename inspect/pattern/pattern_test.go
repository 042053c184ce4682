package pattern

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// Expressions in which automata go wrong: assertions, repetition, folding, empty matches, bytes that are no UTF-8.
var tricky = []string{
	``, `a`, `(?sm)^.*$`, `^a`, `a$`, `^$`, `(?m)^a$`, `(?m)$`, `\ba\b`, `\Ba`, `a\b`, `\bé\b`, `(?i)k`, `(?i)straße`, `[^a]`, `[^\x{fffd}]`, `\x{fffd}`, `.`, `(?s).`,
	`a{3}`, `a{2,4}b`, `(?:ab){2,}`, `(a|b)*c`, `(?:a*)*b`, `\Aab\z`, `(?m)^b\z`, `a|^b|c$`, `(?:^|x)y(?:z|$)`, `\d+(?:\.\d+)?$`, `x*`, `(?i)[k-s]{2}`,
	`(?s)a.*b.*c`, `(?sm)^\s*<`, `[\s\S]{3}z`, `\b\w+\b=\b\w+\b`, `a\B\B`, `(?:\b|a)b`, `é`, `[à-ý]+`, `(?i)É`, `\pL\d`, `(?:a$|a\n)b`,
}

var pieces = []string{"a", "b", "c", "ab", "z", "x", "y", "k", "K", "\u212a", "s", "S", "ſ", "\n", " ", "=", "é", "É", "\xc3", "\xa9", "\xff", "�", "1", ".", "_", "ß", "<", "\x00", "aaa"}

func words(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(8) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

// Whatever package regexp says of a text, the automaton says too, also when it has to forget its states all the time.
func TestSameAsRegexp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, limit := range []int64{1 << 20, 0} {
		for _, expr := range tricky {
			p := compile(t, expr, false, NewBudget(limit))
			re := regexp.MustCompile(expr)
			for range 400 {
				check(t, p, re, words(r))
				check(t, p, re, words(r)+words(r)+words(r)+words(r)) // longer than shortText
			}
		}
	}
}

func compile(t testing.TB, expr string, binary bool, b *Budget) *Pattern {
	t.Helper()
	p, err := Compile(expr, binary, b)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return p
}

func check(t *testing.T, p *Pattern, re *regexp.Regexp, text string) {
	t.Helper()
	want := re.MatchString(text)
	if got := p.Match(text); got != want {
		t.Fatalf("%s on %q: %v, want %v", p, text, got, want)
	}
	if got, want := p.Find(nil, text), re.FindStringSubmatchIndex(text); !slices.Equal(got, want) {
		t.Fatalf("%s on %q: %v, want %v", p, text, got, want)
	}
	if want && p.Required() != nil && !scans(p.Required(), text) {
		t.Fatalf("%s matches %q without any of %q", p, text, p.Required())
	}
}

func scans(list []string, text string) bool {
	found := make([]uint64, 1)
	NewScanner([][]string{list}).Scan(text, found)
	return found[0] == 1
}

// In binary mode a byte is the character of its number.
func TestBinary(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, expr := range []string{`\xe9`, `[\x80-\xff]+a`, `\xc3\xa9`, `a.b`, `(?i)\xe9b`, `^\xbc[^>\xbe]*\xbe`, `é`} {
		p, re := compile(t, expr, true, NewBudget(1<<20)), regexp.MustCompile(expr)
		for range 500 {
			text := words(r)
			wide := make([]rune, len(text))
			for i := range len(text) {
				wide[i] = rune(text[i])
			}
			if got, want := p.Match(text), re.MatchString(string(wide)); got != want {
				t.Fatalf("%s on %q: %v, want %v", expr, text, got, want)
			}
			if p.Match(text) && p.Required() != nil && !scans(p.Required(), text) {
				t.Fatalf("%s matches %q without any of %q", expr, text, p.Required())
			}
			if at := p.Find(nil, text); at != nil && !p.Match(text[at[0]:at[1]]) && !strings.HasPrefix(expr, "^") {
				t.Fatalf("%s on %q: found at %v", expr, text, at)
			}
		}
	}
}

func TestRequired(t *testing.T) {
	for expr, want := range map[string][]string{
		`union\s+select`:           {"select"},
		`(?i)union.{1,9}all`:       {"union"},
		`(?:foo|bar)x?baz`:         {"barbaz", "barxbaz", "foobaz", "fooxbaz"},
		`[<>]script`:               {"<script", ">script"},
		`(?i)k`:                    {"k", "\u212a"},
		`a*`:                       nil,
		`.+`:                       nil,
		`(?:a|)b?`:                 nil,
		`x{2}`:                     {"xx"},
		`x{2,}`:                    {"x"},
		`(?:--|;)`:                 {"--", ";"},
		`\d`:                       {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
		`[a-z]+`:                   nil,
		`\x{fffd}x`:                nil,
		`(?:\bor\b|\band\b)\s*\d=`: {"0=", "1=", "2=", "3=", "4=", "5=", "6=", "7=", "8=", "9="},
	} {
		if got := compile(t, expr, false, NewBudget(1<<20)).Required(); !slices.Equal(got, want) {
			t.Errorf("%s requires %q, want %q", expr, got, want)
		}
	}
}

func TestScanner(t *testing.T) {
	lists := [][]string{{"he", "hers"}, {"she"}, {"his"}, {"x"}, {"\xff\xfe"}, {"é"}}
	s := NewScanner(lists)
	r := rand.New(rand.NewPCG(5, 6))
	parts := []string{"h", "e", "r", "s", "i", "H", "X", "\xff", "\xfe", "é", " ", "É", "\xc3"}
	for range 5000 {
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		found := []uint64{0}
		s.Scan(b.String(), found)
		for i, list := range lists {
			want := slices.ContainsFunc(list, func(l string) bool { return strings.Contains(lower(b.String()), l) })
			if got := found[0]>>i&1 == 1; got != want {
				t.Fatalf("%q in %q: %v, want %v", list, b.String(), got, want)
			}
		}
		start, end := s.First(b.String())
		if from, to := first(slices.Concat(lists...), lower(b.String())); start != from || end != to {
			t.Fatalf("the first in %q: %d to %d, want %d to %d", b.String(), start, end, from, to)
		}
	}
}

// first looks at every place for every literal: the earliest end, and of those the earliest beginning.
func first(literals []string, text string) (int, int) {
	for end := range len(text) + 1 {
		for start := range end {
			if slices.Contains(literals, text[start:end]) {
				return start, end
			}
		}
	}
	return -1, -1
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// crs are the expressions of the Core Rule Set.
func crs(t testing.TB) (list []string) {
	tree, err := seclang.Parse(coreruleset.FS, "@owasp_crs/*.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range tree {
		r, _ := d.(*seclang.Rule)
		for ; r != nil; r = r.Next {
			if r.Operator.Name == "rx" && !strings.Contains(r.Operator.Argument, "%{") {
				list = append(list, "(?sm)"+r.Operator.Argument)
			}
		}
	}
	return list
}

// Each expression of the Core Rule Set, on what is cut out of all of them: texts that nearly match.
func TestCoreRuleSet(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	exprs, r := crs(t), rand.New(rand.NewPCG(7, 8))
	if len(exprs) < 250 {
		t.Fatalf("%d expressions", len(exprs))
	}
	var soup []string
	for _, e := range exprs {
		soup = append(soup, regexp.MustCompile(`[\w.<>/'"=();&|$ -]{2,}`).FindAllString(e, 40)...)
	}
	b := NewBudget(8 << 20)
	without := 0
	for _, e := range exprs {
		p, re := compile(t, e, false, b), regexp.MustCompile(e)
		if p.Required() == nil {
			without++
		}
		for range 60 {
			var text strings.Builder
			for range 1 + r.IntN(6) {
				text.WriteString(soup[r.IntN(len(soup))])
			}
			check(t, p, re, text.String())
		}
	}
	t.Logf("%d expressions, %d without a literal, %d bytes of automata", len(exprs), without, b.Used())
}

func BenchmarkMatch(b *testing.B) {
	text := strings.Repeat("The quick brown fox, 42 years old, jumps over https://example.com/a?b=c&d='e' -- ", 13)
	patterns := make([]*Pattern, 0, 300)
	budget := NewBudget(32 << 20)
	for _, e := range crs(b) {
		patterns = append(patterns, compile(b, e, false, budget))
	}
	b.Run("each expression of the rule set on 1 KB", func(b *testing.B) {
		b.SetBytes(int64(len(text) * len(patterns)))
		b.ReportAllocs()
		for b.Loop() {
			for _, p := range patterns {
				p.Match(text)
			}
		}
	})
	var lists [][]string
	for _, p := range patterns {
		lists = append(lists, p.Required())
	}
	s := NewScanner(lists)
	found := make([]uint64, (len(lists)+63)/64)
	b.Run(fmt.Sprintf("the scanner of all, %d KB of tables", s.Size()>>10), func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			s.Scan(text, found)
		}
	})
}
