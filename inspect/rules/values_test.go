package rules

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport/sallyport/inspect/internal/sample"
)

// Every value is judged by the lanes and automata as by the expressions that it was made from, and by one other test of
// the rule set in turn, each evaluated plainly on its own. SALLYPORT_VALUES says how many values a long run makes, and
// SALLYPORT_SEED from which seed.
func TestValuesSameAsPlainEvaluation(t *testing.T) {
	p, tests, exprs := ruleSet(t)
	goal := longRun("SALLYPORT_VALUES", 20_000)
	maker, err := sample.New(uint64(longRun("SALLYPORT_SEED", 7)), exprs, nil)
	if err != nil {
		t.Fatal(err)
	}
	users, told := usersOf(tests, exprs), time.Now()
	c := &comparison{t: t, p: p, r: &run{}}
	for turn := range goal {
		text := maker.Next()
		c.value(text, Collection(turn)%collections)
		for _, from := range maker.From() {
			for _, one := range users[from] {
				c.test(one, text)
			}
		}
		c.test(tests[turn%len(tests)], text)
		c.r.end()
		if t.Failed() {
			break
		}
		if time.Since(told) > time.Minute {
			told = time.Now()
			t.Logf("%d values, %d evaluations, %d held", turn, c.evaluated, c.held)
		}
	}
	t.Logf("%d values, %d evaluations, %d held", goal, c.evaluated, c.held)
}

// usersOf lists, for each expression, the tests that are made from it.
func usersOf(tests []*plain, exprs []string) [][]*plain {
	byExpr := map[string][]*plain{}
	for _, one := range tests {
		if one != nil {
			byExpr[one.expr] = append(byExpr[one.expr], one)
		}
	}
	out := make([][]*plain, len(exprs))
	for i, e := range exprs {
		out[i] = byExpr[e]
	}
	return out
}

// A comparison holds a run against plain evaluation, value by value.
type comparison struct {
	t               *testing.T
	p               *Program
	r               *run
	evaluated, held int
}

// value runs the lanes over a text, as a value and as a key of a collection.
func (c *comparison) value(text string, in Collection) {
	c.r.ctx, c.r.done = c.t.Context(), 0
	c.r.begin(c.p, []Field{{in, text, text}}, nil)
	c.r.candidates()
}

func (c *comparison) test(one *plain, text string) {
	if one == nil {
		return
	}
	want := one.of(text)
	if c.evaluated++; want {
		c.held++
	}
	agrees(c.t, c.p, c.r, one.test, text, want)
}

// longRun is what a variable of the environment says, or few.
func longRun(variable string, few int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return few
}
