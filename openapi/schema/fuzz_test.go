package schema

import (
	"testing"

	"github.com/sallyport/sallyport/config"
)

// FuzzEvaluate: no schema and no instance makes the compiler or the evaluator panic or run away, and what was said of
// an instance is said again.
func FuzzEvaluate(f *testing.F) {
	for _, s := range []string{
		pets, heirs, overlaid, nearAndFar,
		`{"allOf":[{"$ref":"#"}],"$dynamicRef":"#a","$dynamicAnchor":"a","unevaluatedItems":{"$recursiveRef":"#"}}`,
		`{"properties":{"a":{"readOnly":true,"x-sallyport":{"kind":"pan"}}},"patternProperties":{"^x":false},"required":["a",1],"dependentSchemas":{"a":{}},"dependencies":{"b":["c"],"d":true}}`,
		`{"$id":"http://a/b","$defs":{"c":{"$id":"d","$anchor":"e"}},"$ref":"d#e","contains":{"minimum":1e400},"minContains":0}`,
		`{"type":["string","null",3],"enum":[null,{"a":[1]}],"const":-0.0,"multipleOf":0.01,"pattern":"^(?=a)b{2000}","format":"idn-hostname"}`,
	} {
		f.Add(s, `{"kind":"Cat","a":[1,{"b":null}],"xyz":"a@b"}`)
	}
	f.Fuzz(func(t *testing.T, schema, instance string) {
		if len(schema) > 4096 || len(instance) > 4096 {
			return
		}
		root, err := decode([]byte(schema))
		if err != nil {
			return
		}
		if _, err := decode([]byte(instance)); err != nil {
			return
		}
		n := tree(t, []byte(instance))
		for _, d := range []Dialect{Draft4, Draft7, Draft2019, OpenAPI30, OpenAPI31} {
			c := NewCompiler(d)
			c.AddResource("file.json", root)
			for _, at := range []string{"file.json", "file.json#/components/schemas/Main", "file.json#/items"} {
				s, _ := c.Compile(at)
				if s == nil {
					continue
				}
				judgeTwice(t, s, n)
			}
			c.Unsupported()
			c.Problems()
		}
	})
}

func judgeTwice(t *testing.T, s *Schema, n *nodeT) {
	t.Helper()
	for _, d := range []Direction{Request, Response} {
		first, again := s.Evaluate(n, d), s.Evaluate(n, d)
		if summary(first) != summary(again) {
			t.Fatalf("%q, then %q", summary(first), summary(again))
		}
		if len(first.Violations) > MaxViolations {
			t.Fatalf("%d violations", len(first.Violations))
		}
		foreseen(t, s, first)
	}
	s.Info()
	s.Types()
	s.Properties()
	s.Items()
	s.Walk(func(string, *Schema) bool { return true })
	if o, err := s.Overlay(map[string]config.Property{"a[*].b": {Kind: "id"}}); err == nil {
		foreseen(t, o, o.Evaluate(n, Request))
	}
}

// foreseen demands that whatever was marked had to be expected.
func foreseen(t *testing.T, s *Schema, r *Result) {
	t.Helper()
	for _, m := range r.Marked {
		if !s.MayMark(func(a *Annotations) bool { return a.Kind == m.Property.Kind }) || !s.MayMark(func(a *Annotations) bool { return a.Format == m.Property.Format }) {
			t.Fatalf("nothing leads to the mark at %q: %+v", m.Pointer, *m.Property)
		}
	}
}

// FuzzFormat: no text makes a format panic.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{"2026-05-04T10:20:60Z", "P1Y2M3DT4H5M6S", `"a b"@[IPv6:::1]`, "xn--11b2ezcw70k.example", "http://u:p@[v1.a]:80/%41?q#f", "{+a:3,b*}", "1/a~0", `^[\w-]$`, "1.2.3.4", "::ffff:1.2.3.4", "YWI=", "-1.5e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, check := range textFormats {
			check(s)
		}
	})
}
