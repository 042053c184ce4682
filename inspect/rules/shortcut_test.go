package rules

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"testing"
)

// languages that schemas confine texts to, and whether no expression is left that may match them as they are. The integers
// of two kinds of overflow are looked for by a rule; SQL by libinjection.
var languages = map[string]bool{
	`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`: true,
	`^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`: true,
	`^[A-Z]{3}-[0-9]{4}$`:                    false, // AND-1234
	`^ord-[0-9]{6}$`:                         true,
	`^[0-9]{13}$`:                            true,
	`^[A-Z]{2}$`:                             true,
	`^[a-z]{1,12}$`:                          false,
	`^[^@ ]+@[^@ ]+$`:                        false,
	`^.{0,3}$`:                               false,
	`^[0-9A-Z -]{3,10}$`:                     false,
	`^(?:cat|ls) /etc/passwd$`:               false,
	`^(?:<script>|on[a-z]{4}=)alert\(1\)$`:   false,
	`^1' or '1'='1$`:                         true,
	`[0-9]+`:                                 false,
	`^[A-Za-z0-9+/]{4,64}={0,2}$`:            false,
	`^-?[0-9]+$`:                             false,
	`^(?:\.\./){1,4}[a-z]{3}$`:               false,
	`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`:         false,
	`^\{\{[0-9]\*[0-9]\}\}$`:                 true,
	`^%[0-9a-f]{2}$`:                         true,
	`^(?:sleep|benchmark)\([0-9]{1,9}\)$`:    false,
	`^\+[0-9]{7,15}$`:                        true,
	`^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$`:        true,
	`^v[0-9]+\.[0-9]+\.[0-9]+(?:-rc[0-9])?$`: true,
}

// For every text of a language a shortcut leaves all the tests that hold.
func TestShortcuts(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	p := compileParanoia(t, 4)
	random := rand.New(rand.NewPCG(1, 2))
	for expr := range languages {
		tree, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		re := regexp.MustCompile(expr)
		for _, c := range []Collection{ArgsPost, RequestHeaders} {
			short := p.ShortcutOf(c, nil, []string{expr})
			for range 100 {
				text := generate(random, tree.Simplify())
				if !re.MatchString(text) {
					t.Fatalf("%q is none of %s", text, expr)
				}
				whole, left := candidatesOf(t, p, Field{Collection: c, Text: text}), candidatesOf(t, p, Field{Collection: c, Text: text, Short: short})
				for i, one := range p.tests {
					if bitset(whole).has(i) && !bitset(left).has(i) && holds(t, one, text) {
						t.Fatalf("%s in %v: test %d holds for %q and is left out", expr, c, i, text)
					}
				}
			}
		}
	}
}

// What APIs confine most is confined for the rules of paranoia 1 as well: the tests of the text itself disappear.
func TestShortcutsOfCommonFormats(t *testing.T) {
	p := compileParanoia(t, 1)
	for expr, spared := range languages {
		short := p.ShortcutOf(ArgsPost, nil, []string{expr})
		got := short != nil && (short.plan == nil || short.plan.tests.size()+short.plan.shared.size() == 0)
		if got != spared {
			t.Errorf("%s: spared %v, want %v", expr, got, spared)
		}
	}
	if s := p.ShortcutOf(ArgsPost, []string{"EUR", "USD", "accepted", "shipped"}, nil); !s.Nothing() {
		t.Error("words of an enumeration are inspected")
	}
	if s := p.ShortcutOf(ArgsPost, []string{"EUR", "<script>alert(1)</script>"}, nil); s != nil {
		t.Error("an enumeration with an attack in it is not inspected")
	}
}

func candidatesOf(t *testing.T, p *Program, f Field) []uint64 {
	r := &run{ctx: t.Context()}
	r.begin(p, []Field{f}, nil)
	r.candidates()
	return slices.Clone(r.marks(0))
}

func holds(t *testing.T, one *test, text string) bool {
	r := &run{ctx: t.Context()}
	if one.steps == nil {
		return one.op.evaluate(r, one.chain.Apply(text))
	}
	found := one.op.evaluate(r, text)
	for i := range one.steps {
		text = one.steps[i].Apply(text)
		found = found || one.op.evaluate(r, text)
	}
	return found
}

// generate makes a text that an expression matches as a whole, for the operations that the tests use.
func generate(random *rand.Rand, re *syntax.Regexp) string {
	out := ""
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		i := 2 * random.IntN(len(re.Rune)/2)
		from, to := re.Rune[i], min(re.Rune[i+1], 0x17F)
		return string(from + rune(random.IntN(int(max(to-from, 0))+1)))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return string(rune(' ' + random.IntN(200)))
	case syntax.OpCapture:
		return generate(random, re.Sub[0])
	case syntax.OpConcat:
		for _, s := range re.Sub {
			out += generate(random, s)
		}
	case syntax.OpAlternate:
		return generate(random, re.Sub[random.IntN(len(re.Sub))])
	case syntax.OpQuest:
		if random.IntN(2) == 0 {
			return generate(random, re.Sub[0])
		}
	case syntax.OpStar, syntax.OpPlus:
		for n := random.IntN(6) + int(re.Op-syntax.OpStar); n > 0; n-- {
			out += generate(random, re.Sub[0])
		}
	}
	return out
}
