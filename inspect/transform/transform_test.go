package transform

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/corazawaf/coraza/v3"
)

func apply(f function, s string) string {
	if b, changed := f(nil, s); changed {
		return string(b)
	}
	return s
}

// The inputs of Coraza's tables, which are those of ModSecurity with additions.
func TestTables(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/corazawaf/coraza/v3").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "internal/transformations/testdata/*.json"))
	cases := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var list []struct{ Name, Input string }
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			f, ok := table[c.Name]
			if !ok {
				continue // of ModSecurity only; Coraza does not have them either
			}
			cases++
			if got, want := apply(f.apply, c.Input), oracle(t, c.Name)(c.Input); got != want {
				t.Errorf("%s %q: %q, want %q", c.Name, c.Input, got, want)
			}
		}
	}
	if cases < 200 {
		t.Errorf("only %d cases", cases)
	}
}

// An oracle applies a transformation as Coraza does.
func oracle(t testing.TB, name string) func(string) string {
	waf, err := coraza.NewWAF(coraza.NewWAFConfig().WithDirectives(
		fmt.Sprintf(`SecRule ARGS_GET:x "@unconditionalMatch" "id:1,phase:1,pass,log,t:none,t:%s"`, name)))
	if err != nil {
		t.Fatal(name, err)
	}
	return func(s string) string {
		tx := waf.NewTransaction()
		defer tx.Close()
		tx.AddGetRequestArgument("x", s)
		tx.ProcessRequestHeaders()
		return tx.MatchedRules()[0].MatchedDatas()[0].Value()
	}
}

var pieces = []string{"a", "B", "z", "0", "9", "7", "%", "%4", "%41", "%u0041", "%uff1c", "%u00e9", "%U2019", "%u", "%zz", "+", " ", "\t", "\n", "\v", "\x00", "\u00a0", "\u0085", "\xa0",
	"\x85", "\xff", "\xc3", "é", "日", "😀", "\u212a", "İ", "/", "//", "./", "../", "/..", "\\", `\\`, "/*", "*/", "<!--", "-->", "--", "#", "&", "&lt;", "&#60", "&#x3c;", "&amp;lt", "&nbsp;", "\\x41",
	`\u0041`, `\u{41}`, `\u{0ff1c}`, `\u{110000}`, `\uff1c`, `\101`, `\777`, `\8`, `\n`, `\0`, `\0a `, `\ff1c`, `\d800`, "\\\n", `\"`, "'", `"`, "^", ",", ";", "(", ":", "::$DATA", ".", "..", ". ", "c:", "=", "-", "_", "YWJj", "QQ==", "61", "-->x", "x*/"}

func text(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(9) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

// Each function does to any text what Coraza does to it, and nothing where it says so.
func TestSameAsCoraza(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	r := rand.New(rand.NewPCG(1, 2))
	for name, f := range table {
		want := oracle(t, name)
		chain, err := NewChain("none", name)
		if err != nil {
			t.Fatal(err)
		}
		for range 3000 {
			s := text(r)
			if got, want := apply(f.apply, s), want(s); got != want {
				t.Fatalf("%s %q: %q, want %q", name, s, got, want)
			}
			var buffer Buffer
			if got := chain.ApplyIn(&buffer, s); got != want(s) {
				t.Fatalf("%s in a buffer %q: %q", name, s, got)
			}
			set, f := BytesOf(s), f
			if !f.Changes(&set, s) && !sameButCase(f, s, want(s)) {
				t.Fatalf("%s changes %q to %q", name, s, want(s))
			}
			if marks := f.Marks(); marks != nil && !slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(s, m) }) && !sameButCase(f, s, want(s)) {
				t.Fatalf("%s changes %q to %q, which holds none of %q", name, s, want(s), marks)
			}
			if !f.Adds() && ascii(want(s)) > ascii(s) {
				t.Fatalf("%s adds to %q: %q", name, s, want(s))
			}
			if out, changed := f.Apply([]byte("x"), s); changed != (want(s) != s) || changed && string(out) != "x"+want(s) {
				t.Fatalf("%s %q: %q, %v", name, s, out, changed)
			}
		}
	}
}

func ascii(s string) (n int) {
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			n++
		}
	}
	return n
}

func sameButCase(f *Function, s, out string) bool {
	return out == s || f.Folds() && len(s) == len(out) && strings.EqualFold(s, out)
}

func TestChain(t *testing.T) {
	c, err := NewChain("urlDecodeUni", "none", "lowercase", "removeWhitespace")
	if err != nil || c.Name() != "lowercase,removeWhitespace" || c.Apply("%41 B") != "%41b" {
		t.Errorf("%q %v", c.Name(), err)
	}
	if _, err := NewChain("parityOdd7bit"); err == nil {
		t.Error("what is not supported is accepted")
	}
	plain, buffer := BytesOf("order-4711_x"), Buffer{}
	for name, f := range table {
		if c, _ := NewChain(name); !f.Changes(&plain, "order-4711_x") && name != "uppercase" {
			if n := testing.AllocsPerRun(10, func() { c.ApplyIn(&buffer, "order-4711_x") }); n > 0 {
				t.Errorf("%s allocates %v times for nothing", name, n)
			}
		}
	}
}

// Any text: the same as Coraza, no panic, and a bound on growth.
func FuzzTransform(f *testing.F) {
	names, oracles := make([]string, 0, len(table)), map[string]func(string) string{}
	for name := range table {
		names, oracles[name] = append(names, name), oracle(f, name)
	}
	for _, p := range pieces {
		f.Add(p + pieces[len(p)] + p)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range names {
			got, want := apply(table[name].apply, s), oracles[name](s)
			if got != want {
				t.Fatalf("%s %q: %q, want %q", name, s, got, want)
			}
			if len(got) > 6*len(s)+40 {
				t.Errorf("%s makes %d bytes of %d", name, len(got), len(s))
			}
		}
	})
}

func BenchmarkChain(b *testing.B) {
	c, err := NewChain("utf8toUnicode", "urlDecodeUni", "htmlEntityDecode", "jsDecode", "cssDecode", "removeNulls")
	if err != nil {
		b.Fatal(err)
	}
	for name, s := range map[string]string{"plain": strings.Repeat("order 4711, two pieces. ", 40), "escaped": strings.Repeat("%3cscript&gt; \\u0041 é ", 40)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for b.Loop() {
				c.Apply(s)
			}
		})
	}
}
