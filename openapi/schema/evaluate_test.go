package schema

import (
	"fmt"
	"strings"
	"testing"
)

func compileIn(t testing.TB, d Dialect, schema string) (*Compiler, *Schema) {
	t.Helper()
	root, err := decode([]byte(schema))
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	c := NewCompiler(d)
	c.AddResource("file.json", root)
	at := "file.json"
	if m, ok := root.(map[string]any); ok && m["components"] != nil {
		at += "#/components/schemas/Main"
	}
	s, err := c.Compile(at)
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	return c, s
}

// summary writes a Result on one line: violations as pointer:keyword, undeclared members as -pointer, marks as @pointer.
func summary(r *Result) string {
	var parts []string
	for _, v := range r.Violations {
		parts = append(parts, v.Pointer+":"+v.Keyword)
	}
	for _, m := range r.Undeclared {
		if m.Parent.Get(m.Node.Name) != m.Node {
			parts = append(parts, "not a member of")
		}
		parts = append(parts, "-"+m.Pointer)
	}
	for _, m := range r.Marked {
		parts = append(parts, "@"+m.Pointer)
	}
	return strings.Join(parts, " ")
}

type judged struct {
	schema, instance string
	request          string
	response         string
}

func runTable(t *testing.T, d Dialect, cases []judged) {
	t.Helper()
	for _, c := range cases {
		_, s := compileIn(t, d, c.schema)
		n := tree(t, []byte(c.instance))
		if got := summary(s.Evaluate(n, Request)); got != c.request {
			t.Errorf("request %s\n by %s\n is %q, want %q", c.instance, c.schema, got, c.request)
		}
		if got := summary(s.Evaluate(n, Response)); got != c.response {
			t.Errorf("response %s\n by %s\n is %q, want %q", c.instance, c.schema, got, c.response)
		}
	}
}

func same(schema, instance, both string) judged {
	return judged{schema, instance, both, both}
}

func TestClosed(t *testing.T) {
	runTable(t, OpenAPI31, []judged{
		same(`{"properties":{"a":{}}}`, `{"a":1,"b":2}`, "-/b"),
		same(`{"type":"object"}`, `{"a":1}`, ""),
		same(`{"properties":{}}`, `{"a":1}`, ""),
		same(`{"required":["a"]}`, `{"a":1,"b":2}`, ""),
		same(`{"properties":{"a":{}},"required":["b"]}`, `{"a":1,"b":2,"c":3}`, "-/c"),
		same(`{"properties":{"a":{}},"additionalProperties":true}`, `{"a":1,"b":2}`, ""),
		same(`{"properties":{"a":{}},"additionalProperties":{}}`, `{"a":1,"b":2}`, ""),
		same(`{"properties":{"a":{}},"additionalProperties":{"type":"string"}}`, `{"a":1,"b":2}`, "/b:type"),
		same(`{"properties":{"a":{}},"unevaluatedProperties":true}`, `{"a":1,"b":2}`, ""),
		same(`{"properties":{"a":{}},"unevaluatedProperties":{"type":"number"}}`, `{"a":1,"b":2}`, ""),
		same(`{"properties":{"a":{}},"patternProperties":{"^x-":{}}}`, `{"a":1,"x-b":2,"y":3}`, "-/y"),
		same(`{"patternProperties":{"^x-":{}}}`, `{"y":3}`, ""),
		// The union over what applies in place.
		same(`{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}`, `{"a":1,"b":2}`, ""),
		same(`{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}`, `{"a":1,"b":2,"c":3}`, "-/c"),
		same(`{"allOf":[{"properties":{"a":{}}},{"additionalProperties":true}]}`, `{"c":3}`, ""),
		same(`{"$ref":"#/$defs/x","properties":{"a":{}},"$defs":{"x":{"properties":{"b":{}}}}}`, `{"a":1,"b":2,"c":3}`, "-/c"),
		same(`{"properties":{"a":{}},"dependentSchemas":{"a":{"properties":{"b":{}}}}}`, `{"a":1,"b":2}`, ""),
		same(`{"properties":{"a":{}},"dependentSchemas":{"a":{"properties":{"b":{}}}}}`, `{"b":2}`, "-/b"),
		same(`{"if":{"required":["a"]},"then":{"properties":{"a":{}}},"else":{"properties":{"b":{}}}}`, `{"a":1,"b":2}`, "-/b"),
		// if names, but does not close.
		same(`{"if":{"properties":{"k":{"const":1}}}}`, `{"k":1,"b":2}`, ""),
		same(`{"if":{"properties":{"k":{"const":1}},"required":["k"]},"then":{"properties":{"b":{}}}}`, `{"k":1,"b":2,"c":3}`, "-/c"),
		// Branches that fail declare nothing.
		same(`{"properties":{"k":{}},"anyOf":[{"required":["a"],"properties":{"a":{}}},{"required":["b"],"properties":{"b":{}}}]}`, `{"k":1,"a":1,"b":1}`, ""),
		same(`{"oneOf":[{"required":["a"],"properties":{"a":{"type":"string"},"x":{}}},{"required":["b"],"properties":{"b":{}}}]}`, `{"a":1,"b":1,"x":2}`, "-/a -/x"),
		same(`{"properties":{"a":{}},"not":{"properties":{"b":{"type":"string"}},"required":["b"]}}`, `{"a":1,"b":1}`, "-/b"),
		same(`{"contains":{"properties":{"a":{}},"required":["a"]}}`, `[{"a":1,"b":2}]`, ""),
		// The union also over schemas that meet in a child from different parents.
		same(`{"allOf":[{"properties":{"o":{"properties":{"a":{}}}}},{"properties":{"o":{"properties":{"b":{}}}}}]}`, `{"o":{"a":1,"b":2,"c":3}}`, "-/o/c"),
		same(`{"items":{"properties":{"a":{}}}}`, `[{"a":1},{"b":2},{"a/~":3}]`, "-/1/b -/2/a~1~0"),
	})
}

// What is written as false refuses requests and strips responses.
func TestClosedInWords(t *testing.T) {
	runTable(t, OpenAPI31, []judged{
		{`{"properties":{"a":{}},"additionalProperties":false}`, `{"a":1,"b":2}`, "/b:additionalProperties", "-/b"},
		{`{"additionalProperties":false}`, `{"b":2}`, "/b:additionalProperties", "-/b"},
		{`{"properties":{"a":{}},"unevaluatedProperties":false}`, `{"a":1,"b":2}`, "/b:unevaluatedProperties", "-/b"},
		{`{"allOf":[{"properties":{"a":{}}},{"properties":{"c":{}}}],"unevaluatedProperties":false}`, `{"a":1,"b":2,"c":3}`, "/b:unevaluatedProperties", "-/b"},
		{`{"allOf":[{"additionalProperties":true}],"unevaluatedProperties":false}`, `{"b":2}`, "", ""},
		// In a response false wins against what opens, and a member that any schema names stays.
		{`{"allOf":[{"additionalProperties":true},{"properties":{"a":{}},"additionalProperties":false}]}`, `{"a":1,"b":2}`, "/b:additionalProperties", "-/b"},
		{`{"allOf":[{"properties":{"a":{}},"additionalProperties":false},{"properties":{"b":{}}}]}`, `{"a":1,"b":2}`, "/b:additionalProperties", ""},
		// Alternatives are told apart by it, and chosen by the least loss where none fits.
		{`{"oneOf":[{"properties":{"a":{}},"additionalProperties":false},{"properties":{"a":{},"b":{}},"required":["b"],"additionalProperties":false}]}`, `{"a":1,"b":2}`, "", ""},
		{`{"oneOf":[{"properties":{"a":{}},"additionalProperties":false},{"properties":{"a":{},"b":{}},"required":["b"],"additionalProperties":false}]}`, `{"a":1,"b":2,"c":3}`, "/c:additionalProperties", "-/c"},
		{`{"not":{"additionalProperties":false}}`, `{"b":2}`, "", ""},
		{`{"properties":{"o":{"anyOf":[{"properties":{"a":{}},"additionalProperties":false},{"type":"null"}]}}}`, `{"o":{"a":1,"b":2}}`, "/o/b:additionalProperties", "-/o/b"},
	})
}

func TestDirection(t *testing.T) {
	both := `{"properties":{"id":{"readOnly":true},"secret":{"writeOnly":true},"n":{}},"required":["id","secret","n"]}`
	runTable(t, OpenAPI31, []judged{
		{both, `{"n":1}`, "/secret:required", "/id:required"},
		{both, `{"id":1,"secret":2,"n":3}`, "/id:readOnly @/secret", "-/secret @/id"},
		{both, `{"secret":2}`, "/n:required @/secret", "/id:required /n:required -/secret"},
		// By reference, through allOf and alternatives.
		{`{"properties":{"id":{"$ref":"#/$defs/id"}},"required":["id"],"$defs":{"id":{"readOnly":true}}}`, `{}`, "", "/id:required"},
		{`{"properties":{"id":{"allOf":[{"type":"string"},{"readOnly":true}]}},"required":["id"]}`, `{}`, "", "/id:required"},
		{`{"properties":{"id":{"anyOf":[{"type":"string","readOnly":true},{"type":"null"}]}},"required":["id"]}`, `{"id":"x"}`, "/id:readOnly", "@/id"},
		// required and readOnly in different parts.
		{`{"allOf":[{"required":["id"]},{"properties":{"id":{"readOnly":true}}}]}`, `{}`, "", "/id:required"},
		// What is stripped is not judged.
		{`{"properties":{"secret":{"writeOnly":true,"type":"string"}}}`, `{"secret":1}`, "/secret:type @/secret", "-/secret"},
		// A branch that fails because of the direction declares nothing.
		{`{"anyOf":[{"properties":{"id":{"readOnly":true}}},{"properties":{"id":{}}}]}`, `{"id":1}`, "", "@/id"},
	})
}

func TestMarks(t *testing.T) {
	runTable(t, OpenAPI31, []judged{
		same(`{"properties":{"e":{"x-sallyport":{"kind":"email"}}}}`, `{"e":"x"}`, "@/e"),
		same(`{"x-sallyport":{"kind":"email"}}`, `"x"`, "@"),
		same(`{"items":{"properties":{"u":{"format":"uri"}}}}`, `[{"u":"http://a"},{"u":"http://b"}]`, "@/0/u @/1/u"),
		same(`{"properties":{"p":{"format":"password"}}}`, `{"p":"x"}`, "@/p"),
		same(`{"properties":{"p":{"format":"email"}}}`, `{"p":"a@b.example"}`, ""),
		same(`{"items":{"x-sallyport":{"kind":"pan"}}}`, `["1","2"]`, "@/0 @/1"),
		same(`{"additionalProperties":{"x-sallyport":{"kind":"pan"}}}`, `{"a":"1"}`, "@/a"),
		// Only schemas that apply.
		same(`{"properties":{"a":{"anyOf":[{"type":"number","x-sallyport":{"kind":"pan"}},{"type":"string"}]}}}`, `{"a":"x"}`, ""),
		same(`{"properties":{"a":{"anyOf":[{"type":"string","x-sallyport":{"kind":"pan"}},{"type":"number"}]}}}`, `{"a":"x"}`, "@/a"),
		same(`{"not":{"type":"object","properties":{"a":{"x-sallyport":{"kind":"pan"},"type":"number"}},"required":["a"]}}`, `{"a":"x"}`, ""),
		// The same annotation by two ways is one mark.
		same(`{"allOf":[{"$ref":"#/$defs/x"},{"$ref":"#/$defs/x"}],"$defs":{"x":{"properties":{"a":{"x-sallyport":{"kind":"pan"}}}}}}`, `{"a":"x"}`, "@/a"),
		same(`{"properties":{"n":{"type":["string","null"],"format":"uri"}}}`, `{"n":null}`, "@/n"),
	})
}

// TestExtensionBesideRef: OpenAPI 3.0 ignores what stands beside $ref, but an annotation of ours is not lost.
func TestExtensionBesideRef(t *testing.T) {
	runTable(t, OpenAPI30, []judged{
		same(`{"properties":{"a":{"$ref":"#/definitions/s","x-sallyport":{"kind":"pan"},"maxLength":1}},"definitions":{"s":{"type":"string"}}}`, `{"a":"xyz"}`, "@/a"),
		same(`{"properties":{"a":{"$ref":"#/definitions/s","x-sallyport":{"kind":"pan"}}},"definitions":{"s":{"type":"string"}}}`, `{"a":1}`, "/a:type @/a"),
	})
}

func TestOpenAPI30(t *testing.T) {
	runTable(t, OpenAPI30, []judged{
		same(`{"type":"string","nullable":true}`, `null`, ""),
		same(`{"type":"string"}`, `null`, ":type"),
		same(`{"type":"string","nullable":true,"enum":["a"]}`, `null`, ""),
		same(`{"nullable":true,"allOf":[{"type":"object"}]}`, `null`, ""),
		same(`{"nullable":true,"anyOf":[{"type":"string"},{"type":"object"}]}`, `null`, ""),
		same(`{"nullable":false,"type":"string"}`, `null`, ":type"),
		same(`{"minimum":1,"exclusiveMinimum":true}`, `1`, ":exclusiveMinimum"),
		same(`{"minimum":1,"exclusiveMinimum":false}`, `1`, ""),
		same(`{"maximum":1,"exclusiveMaximum":true}`, `1`, ":exclusiveMaximum"),
		same(`{"type":"integer"}`, `1.0`, ""),
		same(`{"type":"integer"}`, `1.5`, ":type"),
		same(`{"type":"integer","format":"int32"}`, `2147483648`, ":format"),
		same(`{"type":"integer","format":"int64"}`, `9223372036854775807`, ""),
		same(`{"type":"integer","format":"int64"}`, `9223372036854775808`, ":format"),
		same(`{"type":"number","format":"float"}`, `1e39`, ":format"),
		same(`{"type":"number","format":"double"}`, `1e309`, ":format"),
		same(`{"type":"string","format":"byte"}`, `"YWI="`, ""),
		same(`{"type":"string","format":"byte"}`, `"YW=I"`, ":format"),
		same(`{"type":"string","format":"binary"}`, `"\u0001"`, ""),
		same(`{"$ref":"#/definitions/s","maxLength":1,"definitions":{"s":{"type":"string"}}}`, `"ab"`, ""),
		same(`{"example":1,"externalDocs":{},"xml":{},"type":"string"}`, `"ab"`, ""),
	})
	runTable(t, OpenAPI31, []judged{
		same(`{"type":["string","null"]}`, `null`, ""),
		same(`{"type":"string","nullable":true}`, `null`, ":type"),
		same(`{"exclusiveMinimum":1}`, `1`, ":exclusiveMinimum"),
		same(`{"$ref":"#/$defs/s","maxLength":1,"$defs":{"s":{"type":"string"}}}`, `"ab"`, ":maxLength"),
	})
}

const pets = `{"openapi":"3.1.0","components":{"schemas":{
 "Main":{"oneOf":[{"$ref":"#/components/schemas/Cat"},{"$ref":"#/components/schemas/Dog"}],"discriminator":{"propertyName":"kind","mapping":{"hound":"#/components/schemas/Dog","kitty":"Cat"}}},
 "Cat":{"type":"object","required":["kind"],"properties":{"lives":{"type":"integer"}}},
 "Dog":{"type":"object","required":["kind"],"properties":{"kind":{"type":"string"},"pack":{"type":"integer"}}}}}}`

const heirs = `{"openapi":"3.0.3","components":{"schemas":{
 "Main":{"$ref":"#/components/schemas/Pet"},
 "Pet":{"type":"object","required":["kind"],"properties":{"kind":{"type":"string"},"name":{"type":"string"}},"discriminator":{"propertyName":"kind","mapping":{"kitty":"#/components/schemas/Cat"}}},
 "Cat":{"allOf":[{"$ref":"#/components/schemas/Pet"},{"type":"object","properties":{"lives":{"type":"integer"}},"required":["lives"]}]},
 "Persian":{"allOf":[{"$ref":"#/components/schemas/Cat"},{"type":"object","properties":{"coat":{"type":"string"}}}]}}}}`

func TestDiscriminator(t *testing.T) {
	runTable(t, OpenAPI31, []judged{
		same(pets, `{"kind":"Cat","lives":9}`, ""),
		same(pets, `{"kind":"kitty","lives":9}`, ""),
		same(pets, `{"kind":"kitty","pack":9}`, "-/pack"),
		same(pets, `{"kind":"hound","pack":"x"}`, "/pack:type"),
		same(pets, `{"kind":"wolf"}`, "/kind:discriminator"),
		same(pets, `"x"`, ":type"),
		same(strings.Replace(pets, `"mapping"`, `"defaultMapping":"Dog","mapping"`, 1), `{"kind":"wolf","pack":"x"}`, "/pack:type"),
	})
	runTable(t, OpenAPI30, []judged{
		same(heirs, `{"kind":"Pet","name":"x"}`, ""),
		same(heirs, `{"kind":"Cat","lives":9,"name":"x"}`, ""),
		same(heirs, `{"kind":"kitty","lives":"x"}`, "/lives:type"),
		same(heirs, `{"kind":"Persian","lives":9,"coat":"long"}`, ""),
		same(heirs, `{"kind":"Persian","lives":9,"tail":"long"}`, "-/tail"),
		same(heirs, `{"kind":"Persian","coat":"long"}`, "/lives:required"),
		same(heirs, `{"kind":"Dog"}`, "/kind:discriminator"),
		// Entered by the heir itself.
		same(strings.Replace(heirs, `"Main":{"$ref":"#/components/schemas/Pet"}`, `"Main":{"$ref":"#/components/schemas/Cat"}`, 1), `{"kind":"Cat","lives":"x"}`, "/lives:type"),
	})
}

// TestDiscriminatorCost: a discriminator costs one branch, whatever the number of branches.
func TestDiscriminatorCost(t *testing.T) {
	var refs, defs []string
	for i := range 500 {
		refs = append(refs, fmt.Sprintf(`{"$ref":"#/components/schemas/T%d"}`, i))
		defs = append(defs, fmt.Sprintf(`"T%d":{"properties":{"kind":{},"v":{"type":"integer"}}}`, i))
	}
	_, s := compileIn(t, OpenAPI30, fmt.Sprintf(`{"openapi":"3.0.0","components":{"schemas":{"Main":{"oneOf":[%s],"discriminator":{"propertyName":"kind"}},%s}}}`, strings.Join(refs, ","), strings.Join(defs, ",")))
	n := tree(t, []byte(`{"kind":"T499","v":1}`))
	var e evaluation
	e.begin(n, Request, s.plan)
	before := e.work
	if !e.apply(s.plan, e.enter(-1, 0, n, s.plan)) {
		t.Fatal("refused")
	}
	if used := before - e.work; used > 10 {
		t.Errorf("%d visits", used)
	}
}

func TestClosestBranch(t *testing.T) {
	tagged := `{"oneOf":[{"type":"object","required":["t","a"],"properties":{"t":{"const":"a"},"a":{"type":"integer"}}},{"type":"object","required":["t","b"],"properties":{"t":{"const":"b"},"b":{"type":"integer"}}}]}`
	runTable(t, OpenAPI31, []judged{
		same(tagged, `{"t":"b","b":"x"}`, "/b:type"),
		same(tagged, `{"t":"a","b":1}`, "/a:required"),
		same(tagged, `"x"`, ":type"),
		same(`{"anyOf":[{"type":"string"},{"type":"object","properties":{"a":{"type":"integer"}}}]}`, `{"a":"x","b":1}`, "/a:type"),
		same(`{"oneOf":[{"minimum":1},{"minimum":2}]}`, `3`, ":oneOf"),
		same(`{"oneOf":[false,false]}`, `3`, ":oneOf"),
	})
}

func TestViolationsAreBoundedAndReadable(t *testing.T) {
	_, s := compileIn(t, OpenAPI31, `{"items":{"type":"integer"}}`)
	r := s.Evaluate(tree(t, []byte("["+strings.Repeat(`"x",`, 99)+`"x"]`)), Request)
	if len(r.Violations) != MaxViolations {
		t.Errorf("%d violations", len(r.Violations))
	}
	for schema, want := range map[string]string{
		`{"enum":["a","b",1]}`:                           `must be one of "a", "b", 1`,
		`{"const":"a"}`:                                  `must be "a"`,
		`{"type":["integer","null"]}`:                    `must be an integer or null`,
		`{"type":["string","array","object"]}`:           `must be a string, an array or an object`,
		`{"maxLength":1,"type":"string"}`:                `must be at most 1 character long`,
		`{"minLength":99}`:                               `must be at least 99 characters long`,
		`{"pattern":"^[0-9]{4}$"}`:                       `must match the pattern "^[0-9]{4}$"`,
		`{"format":"date-time"}`:                         `must be a valid date-time`,
		`{"not":{}}`:                                     `has a form that is excluded`,
		`false`:                                          `is not allowed`,
		`{"anyOf":[{"type":"integer"},{"type":"null"}]}`: `must be an integer or null`,
	} {
		_, s := compileIn(t, OpenAPI31, schema)
		r := s.Evaluate(tree(t, []byte(`"hush hush"`)), Request)
		if len(r.Violations) != 1 {
			if schema == `{"type":["string","array","object"]}` {
				r = s.Evaluate(tree(t, []byte(`1`)), Request)
			}
			if len(r.Violations) != 1 {
				t.Errorf("%s: %+v", schema, r.Violations)
				continue
			}
		}
		if got := r.Violations[0].Detail; got != want || strings.Contains(got, "hush") {
			t.Errorf("%s: %q, want %q", schema, got, want)
		}
	}
}

func TestNilAndFile(t *testing.T) {
	_, s := compileIn(t, OpenAPI31, `{"type":"string","maxLength":2}`)
	if s.Evaluate(nil, Request).Valid() {
		t.Error("nothing is valid")
	}
	if got := summary(s.Evaluate(&nodeT{Kind: kindFile, Text: "abc"}, Request)); got != ":maxLength" {
		t.Error(got)
	}
	if got := summary(s.Evaluate(&nodeT{Kind: kindFile, Text: "é"}, Request)); got != "" {
		t.Error(got)
	}
	if s.Evaluate(&nodeT{}, Request).Valid() {
		t.Error("a node of no kind is valid")
	}
}
