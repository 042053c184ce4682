package schema

import (
	"strings"
	"sync"
	"testing"
)

// TestExplosions: what would take exponential time ends in a violation.
func TestExplosions(t *testing.T) {
	nested := `{"type":"integer"}`
	for range 40 {
		nested = `{"anyOf":[{"not":{"not":{"items":` + nested + `}}},{"items":` + nested[:0] + `{"$ref":"#"}}]}`
		if len(nested) > 1<<20 {
			break
		}
	}
	deep := strings.Repeat("[", 60) + strings.Repeat("]", 60)
	for name, c := range map[string]struct{ schema, instance string }{
		"alternatives of itself below":    {`{"anyOf":[{"items":{"$ref":"#"},"maxItems":1},{"items":{"$ref":"#"},"minItems":0},{"items":{"$ref":"#"}}],"maxLength":0}`, strings.Replace(deep, "[]", `["x"]`, 1)},
		"itself in place":                 {`{"allOf":[{"$ref":"#"}]}`, `1`},
		"itself in place, twice":          {`{"allOf":[{"$ref":"#"},{"$ref":"#"}]}`, `1`},
		"itself in place, by alternative": {`{"oneOf":[{"$ref":"#"},{"$ref":"#"},{"type":"string"}]}`, `1`},
		"itself in place, by negation":    {`{"not":{"$ref":"#"}}`, `1`},
		"two of each other":               {`{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b","type":"string"},"b":{"$ref":"#/$defs/a","type":"string"}}}`, `"x"`},
		"bare references in a ring":       {`{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`, `"x"`},
		"nested negation":                 {nested, deep},
	} {
		_, s := compileIn(t, OpenAPI31, c.schema)
		r := s.Evaluate(tree(t, []byte(c.instance)), Request)
		if r.Valid() || r.Violations[len(r.Violations)-1].Keyword != "complexity" {
			t.Errorf("%s: %+v", name, r.Violations)
		}
	}
}

// TestHeavyPatterns: a pattern of many states on a long text is not run to its end.
func TestHeavyPatterns(t *testing.T) {
	_, s := compileIn(t, OpenAPI31, `{"pattern":"^(a|bc){900}$"}`)
	long := tree(t, []byte(`"`+strings.Repeat("ab", 500_000)+`"`))
	if got := summary(s.Evaluate(long, Request)); got != ":complexity" {
		t.Error(got)
	}
	_, s = compileIn(t, OpenAPI31, `{"pattern":"^(a|bc){900}$","maxLength":900}`)
	if got := summary(s.Evaluate(long, Request)); got != ":maxLength" {
		t.Error(got)
	}
	_, s = compileIn(t, OpenAPI31, `{"pattern":"^.{0,32000}$"}`)
	if got := summary(s.Evaluate(long, Request)); got != ":pattern" {
		t.Error(got)
	}
}

// TestLargeInstances: what is merely large is judged.
func TestLargeInstances(t *testing.T) {
	many := tree(t, []byte("["+strings.Repeat(`{"a":1},`, 99_999)+`{"a":1}]`))
	_, s := compileIn(t, OpenAPI31, `{"items":{"properties":{"a":{"type":"integer"}}}}`)
	if r := s.Evaluate(many, Request); r != spotless {
		t.Errorf("%+v", r.Violations)
	}
	_, s = compileIn(t, OpenAPI31, `{"uniqueItems":true}`)
	if got := summary(s.Evaluate(many, Request)); got != ":uniqueItems" {
		t.Error(got)
	}
	_, s = compileIn(t, OpenAPI31, `{"maxItems":10,"items":{"type":"string"}}`)
	if got := summary(s.Evaluate(many, Request)); got != ":maxItems" {
		t.Error(got)
	}
}

func TestUniqueItems(t *testing.T) {
	for instance, want := range map[string]bool{
		`[1,1.0]`: false, `[1,true]`: true, `[0,false]`: true, `[[1],[true]]`: true, `[{"a":1,"b":2},{"b":2,"a":1}]`: false,
		`[{"a":1},{"b":1}]`: true, `["1",1]`: true, `[1,2,3,4,5,6,7,8,9,1e0]`: false, `[1,2,3,4,5,6,7,8,9,10]`: true,
		`[[1,2],[2,1]]`: true, `[{"a":{"b":1}},{"a":{"b":1.0}}]`: false, `[null,"null"]`: true, `[-0,0]`: false,
	} {
		if got := distinct(tree(t, []byte(instance)).Children); got != want {
			t.Errorf("%s: %v", instance, got)
		}
	}
}

// TestManyRequired: more required members than a word has bits.
func TestManyRequired(t *testing.T) {
	var names, members []string
	for i := range 100 {
		name := `"n` + string(rune('a'+i/26)) + string(rune('a'+i%26)) + `"`
		names, members = append(names, name), append(members, name+":1")
	}
	_, s := compileIn(t, OpenAPI31, `{"required":[`+strings.Join(names, ",")+`]}`)
	if r := s.Evaluate(tree(t, []byte("{"+strings.Join(members, ",")+"}")), Request); !r.Valid() {
		t.Errorf("%+v", r.Violations)
	}
	for _, drop := range []int{0, 63, 64, 99} {
		some := append(append([]string(nil), members[:drop]...), members[drop+1:]...)
		r := s.Evaluate(tree(t, []byte("{"+strings.Join(some, ",")+"}")), Request)
		if len(r.Violations) != 1 || r.Violations[0].Keyword != "required" || r.Violations[0].Pointer != "/"+strings.Trim(names[drop], `"`) {
			t.Errorf("without %s: %+v", names[drop], r.Violations)
		}
	}
}

// TestReuse: an evaluation leaves nothing behind for the next.
func TestReuse(t *testing.T) {
	_, bad := compileIn(t, OpenAPI31, `{"properties":{"a":{"type":"string","x-sallyport":{"kind":"pan"}}},"unevaluatedProperties":false}`)
	_, good := compileIn(t, OpenAPI31, `{"type":"object"}`)
	n := tree(t, []byte(`{"a":[{"b":1}],"c":2}`))
	for range 100 {
		if bad.Evaluate(n, Request).Valid() {
			t.Fatal("passed")
		}
		if r := good.Evaluate(n, Request); r != spotless {
			t.Fatalf("%+v", r)
		}
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	_, s := compileIn(t, OpenAPI31, pets)
	n := tree(t, []byte(`{"kind":"hound","pack":"x","more":1}`))
	want := summary(s.Evaluate(n, Request))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if got := summary(s.Evaluate(n, Request)); got != want {
					t.Errorf("%q, want %q", got, want)
				}
			}
		})
	}
	group.Wait()
}

func TestNoAllocations(t *testing.T) {
	for name, c := range map[string]struct{ schema, instance string }{
		"object": {`{"type":"object","required":["a"],"properties":{"a":{"type":"integer","minimum":1},"b":{"type":"string","pattern":"^[a-z]{2}$"},"c":{"format":"date-time"}},"additionalProperties":false}`, `{"a":1,"b":"xy","c":"2026-05-04T10:20:30Z"}`},
		"oneOf":  {`{"oneOf":[{"type":"object","properties":{"a":{"const":1}}},{"type":"null"}]}`, `{"a":1}`},
		"items":  {`{"items":{"$ref":"#/$defs/x"},"uniqueItems":true,"$defs":{"x":{"enum":["a","b","c"]}}}`, `["a","b"]`},
		"closed": {`{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}],"unevaluatedProperties":false}`, `{"a":1,"b":2}`},
	} {
		_, s := compileIn(t, OpenAPI31, c.schema)
		n := tree(t, []byte(c.instance))
		if r := s.Evaluate(n, Request); r != spotless {
			t.Errorf("%s: %+v", name, r)
		}
		var e evaluation // not from the pool, which the race detector empties at random
		if got := testing.AllocsPerRun(100, func() {
			e.begin(n, Request, s.plan)
			e.apply(s.plan, e.enter(-1, 0, n, s.plan))
			e.result(n, nil)
		}); got > 0.5 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}
