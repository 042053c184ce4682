package rules

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/libinjection-go"

	"github.com/sallyport/sallyport/inspect/internal/sample"
	"github.com/sallyport/sallyport/inspect/pattern"
	"github.com/sallyport/sallyport/inspect/seclang"
)

// plain evaluates a test's operator without literals, automata and filters.
type plain struct {
	test  *test
	expr  string // the operator's argument
	holds func(string) bool
}

func (p *plain) of(text string) bool {
	if p.test.steps == nil {
		return p.holds(p.test.chain.Apply(text)) != p.test.op.negated
	}
	found := p.holds(text)
	for i := range p.test.steps {
		text = p.test.steps[i].Apply(text)
		found = found || p.holds(text)
	}
	return found
}

// plainOperator returns nil for operators that have no filter.
func plainOperator(t testing.TB, o seclang.Operator) func(string) bool {
	switch o.Name {
	case "rx":
		if speaksOfBytes(o.Argument) {
			re := regexp.MustCompile(o.Argument)
			return func(s string) bool {
				runes := make([]rune, len(s))
				for i := range len(s) {
					runes[i] = rune(s[i])
				}
				return re.MatchString(string(runes))
			}
		}
		return regexp.MustCompile("(?sm)" + o.Argument).MatchString
	case "pm", "pmFromFile":
		phrases := strings.Fields(o.Argument)
		if o.Name == "pmFromFile" {
			phrases = nil
			data, err := fs.ReadFile(coreruleset.FS, "@owasp_crs/"+o.Argument)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(data)) {
				if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
					phrases = append(phrases, line)
				}
			}
		}
		for i := range phrases {
			phrases[i] = strings.ToLower(phrases[i])
		}
		return func(s string) bool {
			s = asciiLower(s)
			for _, p := range phrases {
				if strings.Contains(s, p) {
					return true
				}
			}
			return false
		}
	case "detectSQLi":
		return func(s string) bool { found, _ := libinjection.IsSQLi(s); return found }
	case "detectXSS":
		return libinjection.IsXSS
	}
	return nil
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// compileParanoia compiles the request side of the Core Rule Set.
func compileParanoia(t *testing.T, level int) *Program {
	list, err := seclang.ParseText("set-up", fmt.Sprintf(`SecAction "id:1,phase:1,pass,setvar:tx.crs_setup_version=4250,setvar:tx.blocking_paranoia_level=%d,setvar:tx.detection_paranoia_level=%d"`, level, level))
	if err != nil {
		t.Fatal(err)
	}
	more, err := seclang.Parse(coreruleset.FS, "@owasp_crs/REQUEST-9[0-4][0-4]-*.conf")
	if err != nil {
		t.Fatal(err)
	}
	data, err := fs.Sub(coreruleset.FS, "@owasp_crs")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(append(list, more...), Options{Data: data, Proven: proven, Budget: pattern.NewBudget(64 << 20)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ruleSet compiles the whole Core Rule Set, and returns its tests evaluated plainly, with their expressions.
func ruleSet(t testing.TB) (*Program, []*plain, []string) {
	list, err := seclang.ParseText("set-up", `SecAction "id:1,phase:1,pass,setvar:tx.crs_setup_version=4250,setvar:tx.blocking_paranoia_level=4,setvar:tx.detection_paranoia_level=4"`)
	if err != nil {
		t.Fatal(err)
	}
	more, err := seclang.Parse(coreruleset.FS, "@owasp_crs/RE*-9[0-5]*.conf", "@owasp_crs/REQUEST-9[0-4][0-4]-*.conf")
	if err != nil {
		t.Fatal(err)
	}
	seen, byID := map[int]bool{}, map[int]*seclang.Rule{}
	for _, d := range more {
		if r, ok := d.(*seclang.Rule); ok {
			if seen[r.ID()] {
				continue
			}
			seen[r.ID()], byID[r.ID()] = true, r
		}
		list = append(list, d)
	}
	data, err := fs.Sub(coreruleset.FS, "@owasp_crs")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(list, Options{Data: data, Proven: proven, Budget: pattern.NewBudget(256 << 20), Shared: pattern.NewBudget(64 << 20)})
	if err != nil {
		t.Fatal(err)
	}
	tests, exprs := make([]*plain, len(p.tests)), []string{}
	for _, conditions := range p.phases {
		for _, first := range conditions {
			if first.marker != "" {
				continue
			}
			for c, r := first, byID[first.rule.ID]; c != nil && r != nil; c, r = c.next, r.Next {
				if c.test == nil || tests[c.test.number] != nil {
					continue
				}
				if holds := plainOperator(t, r.Operator); holds != nil {
					tests[c.test.number] = &plain{c.test, r.Operator.Argument, holds}
				}
				if r.Operator.Name == "rx" {
					exprs = append(exprs, r.Operator.Argument)
				}
			}
		}
	}
	return p, tests, exprs
}

// Candidates and automata decide as each expression alone does: every test of the rule set that is told by its operator,
// on texts made from the rules. SALLYPORT_EVALUATIONS says how many evaluations a long run makes.
func TestSameAsPlainEvaluation(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	p, tests, exprs := ruleSet(t)
	goal := longRun("SALLYPORT_EVALUATIONS", 60_000)
	maker, err := sample.New(uint64(longRun("SALLYPORT_SEED", 1)), exprs, nil)
	if err != nil {
		t.Fatal(err)
	}
	evaluated, held, texts, told := 0, 0, 0, time.Now()
	r := &run{}
	for ; evaluated < goal; texts++ {
		text := maker.Next()
		fields := everywhere(text)
		r.ctx, r.done = t.Context(), 0
		r.begin(p, fields, nil)
		r.candidates()
		for _, one := range tests {
			if one == nil {
				continue
			}
			want := one.of(text)
			if evaluated++; want {
				held++
			}
			agrees(t, p, r, one.test, text, want, 0, len(r.fields)-1)
		}
		r.end()
		if time.Since(told) > 20*time.Second {
			told = time.Now()
			t.Logf("%d evaluations of %d texts, %d held", evaluated, texts, held)
		}
		if t.Failed() && texts > 20_000 {
			break
		}
	}
	t.Logf("%d evaluations of %d texts, %d held", evaluated, texts, held)
}

// everywhere is the text as a value, then as a key, of every collection.
func everywhere(text string) []Field {
	var out []Field
	for c := range collections {
		out = append(out, Field{Collection: c, Key: text, Text: text})
	}
	return out
}

// agrees holds a run against what a test says plainly of a text: as an operator, and among the candidates of the fields
// from first to last, which hold the text.
func agrees(t *testing.T, p *Program, r *run, one *test, text string, want bool, first, last int) {
	t.Helper()
	// As the run does it: the transformed text, or each of the steps.
	got := false
	if one.steps == nil {
		got = one.op.evaluate(r, one.chain.Apply(text))
	} else {
		value := text
		got = one.op.evaluate(r, value)
		for i := range one.steps {
			value = one.steps[i].Apply(value)
			got = got || one.op.evaluate(r, value)
		}
	}
	if got != want {
		t.Errorf("test %d (%s) on %q: %v, plainly %v", one.number, one.chain.Name(), text, got, want)
	}
	if !want || !one.selective() {
		return
	}
	for i := first; i <= last; i++ {
		c := r.fields[i].Collection
		for _, name := range []bool{false, true} {
			lane := &p.lanes.text[c]
			if name {
				lane = &p.lanes.name[c]
			}
			if lane.tests == nil || !lane.tests.has(one.number) {
				continue
			}
			if !bitset(r.marks(slot(i, name))).has(one.number) {
				t.Errorf("test %d (%s) is no candidate for %q in collection %d (names: %v)", one.number, one.chain.Name(), text, c, name)
				return
			}
		}
	}
}

// proven is for the Core Rule Set: some of its rules that are always off would not compile.
func proven(string) bool { return true }
