package rules

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport/sallyport/inspect/internal/sample"
)

// Every value is judged by the lanes and automata as by the expressions that it was made from, and by one other test of
// the rule set in turn, each evaluated plainly on its own. SALLYPORT_VALUES says how many values a long run makes, and
// SALLYPORT_SEED from which seed.
func TestValuesSameAsPlainEvaluation(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	p, tests, exprs := ruleSet(t)
	goal := longRun("SALLYPORT_VALUES", 20_000)
	maker, err := sample.New(uint64(longRun("SALLYPORT_SEED", 7)), exprs, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{t: t, p: p, r: &run{}, tests: tests, users: usersOf(tests, exprs)}
	told := time.Now()
	for c.values < goal && !t.Failed() {
		c.message(maker)
		if time.Since(told) > time.Minute {
			told = time.Now()
			t.Logf("%d values, %d evaluations, %d held", c.values, c.evaluated, c.held)
		}
	}
	t.Logf("%d values, %d evaluations, %d held", c.values, c.evaluated, c.held)
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

// A comparison holds runs against plain evaluation, value by value.
type comparison struct {
	t                       *testing.T
	p                       *Program
	r                       *run
	tests                   []*plain
	users                   [][]*plain
	values, evaluated, held int
}

// message runs the lanes over a message of 256 texts, each as a value and as a key of some collection.
func (c *comparison) message(maker *sample.Maker) {
	var fields []Field
	var from [][]int
	for i := range 256 {
		text := maker.Next()
		fields = append(fields, Field{Collection: Collection(c.values+i) % collections, Key: text, Text: text})
		from = append(from, slices.Clone(maker.From()))
	}
	c.r.ctx, c.r.done = c.t.Context(), 0
	for range 1 + c.values/256%4&2 { // every other message comes three times: then its texts are remembered
		c.r.begin(c.p, fields, nil)
		c.r.candidates()
		for i := range fields {
			fields[i].Clear = false
		}
	}
	for i := range fields {
		for _, expr := range from[i] {
			for _, one := range c.users[expr] {
				c.test(one, i)
			}
		}
		c.test(c.tests[c.values%len(c.tests)], i)
		c.values++
	}
	c.r.end()
}

func (c *comparison) test(one *plain, field int) {
	if one == nil {
		return
	}
	text := c.r.fields[field].Text
	want := one.of(text)
	if c.evaluated++; want {
		c.held++
	}
	agrees(c.t, c.p, c.r, one.test, text, want, field, field)
}

// longRun is what a variable of the environment says, or few.
func longRun(variable string, few int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return few
}
