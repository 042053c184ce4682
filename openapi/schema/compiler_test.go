package schema

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestReferencesThatLeadNowhere(t *testing.T) {
	root, err := decode([]byte(`{"openapi":"3.1.0","components":{"schemas":{
	 "Good":{"type":"string"},
	 "Broken":{"properties":{"x":{"$ref":"#/components/schemas/Gone"},"y":{"type":"string"}}},
	 "Above":{"items":{"$ref":"#/components/schemas/Broken"}},
	 "Remote":{"$ref":"other.json#/a"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	c := NewCompiler(OpenAPI31)
	c.AddResource("./dir/api.json", root)
	for name, broken := range map[string]bool{"Good": false, "Broken": true, "Above": true, "Remote": true} {
		s, err := c.Compile("dir/api.json#/components/schemas/" + name)
		var ref *RefError
		if errors.As(err, &ref) != broken {
			t.Errorf("%s: %v", name, err)
		}
		if s == nil {
			t.Errorf("%s: no schema", name)
		}
	}
	s, _ := c.Compile("dir/api.json#/components/schemas/Broken")
	if !s.Evaluate(tree(t, []byte(`{"y":"a"}`)), Request).Valid() || s.Evaluate(tree(t, []byte(`{"x":1}`)), Request).Valid() {
		t.Error("a broken reference must refuse where it is used, and only there")
	}
	for _, uri := range []string{"dir/api.json#/nowhere", "elsewhere.json", "dir/api.json#anchor", "dir/api.json#/%zz"} {
		if s, err := c.Compile(uri); err == nil || s != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func TestLoader(t *testing.T) {
	c := NewCompiler(OpenAPI30)
	asked := map[string]int{}
	c.SetLoader(func(uri string) (any, error) {
		asked[uri]++
		if uri == "dir/common/types.json" {
			return decode([]byte(`{"components":{"schemas":{"Id":{"type":"integer"},"Back":{"$ref":"../api.json#/components/schemas/Name"}}}}`))
		}
		return nil, fmt.Errorf("no %s", uri)
	})
	root, _ := decode([]byte(`{"openapi":"3.0.0","components":{"schemas":{"Name":{"type":"string"},
	 "Main":{"properties":{"id":{"$ref":"common/types.json#/components/schemas/Id"},"name":{"$ref":"./common/types.json#/components/schemas/Back"}}}}}}`))
	c.AddResource("dir/api.json", root)
	s, err := c.Compile("dir/api.json#/components/schemas/Main")
	if err != nil {
		t.Fatal(err)
	}
	if got := summary(s.Evaluate(tree(t, []byte(`{"id":"x","name":1}`)), Request)); got != "/id:type /name:type" {
		t.Error(got)
	}
	if asked["dir/common/types.json"] != 1 || len(asked) != 1 {
		t.Errorf("loaded %v", asked)
	}
}

func TestSharedByLocation(t *testing.T) {
	c := NewCompiler(OpenAPI30)
	root, _ := decode([]byte(`{"openapi":"3.0.0","components":{"schemas":{"A":{"properties":{"b":{"$ref":"#/components/schemas/B"}}},"B":{"properties":{"a":{"$ref":"#/components/schemas/A"}}},"C":{"$ref":"#/components/schemas/B"}}}}`))
	c.AddResource("x", root)
	a, _ := c.Compile("x#/components/schemas/A")
	b, _ := c.Compile("x#/components/schemas/C")
	if a.Property("b").plan != b.plan || a.Property("b").Property("a").plan != a.plan {
		t.Error("compiled twice")
	}
	if len(c.nodes) != 2 {
		t.Errorf("%d nodes", len(c.nodes))
	}
}

func TestReports(t *testing.T) {
	c, s := compileIn(t, OpenAPI31, `{"type":"object","properties":{
	 "back":{"type":"string","pattern":"(a)\\1"},
	 "file":{"type":"file"},
	 "old":{"required":true,"minLength":"3","maximum":"9","enum":"x","type":7,"pattern":5,"multipleOf":0,"allOf":{},"properties":[],"items":3},
	 "ext":{"x-sallyport":{"kind":"email","colour":"red"}},
	 "odd":{"x-sallyport":{"kind":"nonsense"}},
	 "disc":{"oneOf":[{"$ref":"#/properties/ext"}],"discriminator":{"mapping":{}}}}}`)
	var got []string
	for _, u := range c.Unsupported() {
		got = append(got, u.Pointer+" "+u.Keyword)
	}
	if want := []string{"file.json#/properties/back pattern", "file.json#/properties/file type"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	got = nil
	for _, p := range c.Problems() {
		got = append(got, strings.TrimPrefix(p.Pointer, "file.json#/properties/")+" "+p.Keyword)
	}
	want := []string{
		"disc discriminator", "ext x-sallyport", "odd x-sallyport", "old allOf", "old enum", "old items", "old maximum", "old minLength", "old multipleOf",
		"old pattern", "old properties", "old required", "old type",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	if r := s.Evaluate(tree(t, []byte(`{"back":"x"}`)), Request); !r.Valid() {
		t.Errorf("what cannot be judged passes with a report: %+v", r.Violations)
	}
}

func TestInfo(t *testing.T) {
	_, s := compileIn(t, OpenAPI31, `{"allOf":[{"$ref":"#/$defs/base"}],"type":"object","required":["b"],"properties":{
	 "b":{"type":["string","null"],"minLength":2,"maxLength":9,"pattern":"^a$","format":"uri","enum":["a"],"deprecated":true,"readOnly":true},
	 "n":{"type":"integer","minimum":1,"exclusiveMaximum":10},
	 "l":{"type":"array","items":{"type":"number"},"minItems":1,"maxItems":3,"uniqueItems":true},
	 "o":{"anyOf":[{"type":"string"},{"type":"integer"}]}},"additionalProperties":false,
	 "$defs":{"base":{"properties":{"a":{"$ref":"#/$defs/base"}},"required":["a"],"maxProperties":7}}}`)
	var names []string
	for _, p := range s.Properties() {
		names = append(names, fmt.Sprint(p.Name, p.Required))
	}
	if !reflect.DeepEqual(names, []string{"atrue", "btrue", "lfalse", "nfalse", "ofalse"}) {
		t.Error(names)
	}
	if !reflect.DeepEqual(s.Types(), []string{"object"}) || !reflect.DeepEqual(s.Property("o").Types(), []string{"string", "integer"}) {
		t.Error(s.Types(), s.Property("o").Types())
	}
	i := s.Info()
	if i.Additional != Closed || i.MaxProperties == nil || *i.MaxProperties != 7 {
		t.Errorf("%+v", i)
	}
	i = s.Property("b").Info()
	if *i.MinLength != 2 || *i.MaxLength != 9 || i.Pattern != "^a$" || i.Format != "uri" || len(i.Enum) != 1 || !i.Deprecated || !i.ReadOnly || len(i.Annotations) != 1 {
		t.Errorf("%+v", i)
	}
	if i = s.Property("n").Info(); i.Minimum != "1" || i.Maximum != "10" || i.MaxLength != nil {
		t.Errorf("%+v", i)
	}
	if i = s.Property("l").Info(); *i.MinItems != 1 || *i.MaxItems != 3 || !i.UniqueItems {
		t.Errorf("%+v", i)
	}
	if got := s.Property("l").Items().Types(); !reflect.DeepEqual(got, []string{"number"}) {
		t.Error(got)
	}
	if len(s.Property("o").Info().Alternatives) != 2 || s.Property("nothing") != nil || s.Items() != nil {
		t.Error("alternatives, or what is not there")
	}
}

func TestWalkEndsOnRecursion(t *testing.T) {
	_, s := compileIn(t, OpenAPI31, `{"properties":{"a":{"$ref":"#"},"b":{"items":{"not":{"$ref":"#/properties/b"}}},"c":{"patternProperties":{"x":{}},"propertyNames":{"maxLength":1}}}}`)
	var seen []string
	s.Walk(func(pointer string, s *Schema) bool {
		seen = append(seen, pointer)
		return true
	})
	if len(seen) != 6 || seen[0] != "file.json#" {
		t.Errorf("%q", seen)
	}
	seen = nil
	s.Walk(func(pointer string, s *Schema) bool { seen = append(seen, pointer); return false })
	if len(seen) != 1 {
		t.Errorf("%q", seen)
	}
}

// Bundlers follow a reference that stands in place of all properties.
func TestReferenceInPlaceOfProperties(t *testing.T) {
	_, s := compileIn(t, OpenAPI31, `{"type":"object","properties":{"$ref":"#/$defs/both"},"$defs":{"both":{"a":{"type":"integer"},"b":{"type":"string"}}}}`)
	if got := summary(s.Evaluate(tree(t, []byte(`{"a":"x","b":"y","c":1}`)), Request)); got != "/a:type -/c" {
		t.Error(got)
	}
	// A property that is called $ref is one, where it is a schema.
	_, s = compileIn(t, OpenAPI31, `{"type":"object","properties":{"$ref":{"type":"integer"}}}`)
	if got := summary(s.Evaluate(tree(t, []byte(`{"$ref":"x"}`)), Request)); got != "/$ref:type" {
		t.Error(got)
	}
	for name, text := range map[string]string{
		"nothing there": `{"properties":{"$ref":"#/$defs/gone"}}`, "no object": `{"properties":{"$ref":"#/$defs/list"},"$defs":{"list":[]}}`,
	} {
		c := NewCompiler(OpenAPI31)
		root, _ := decode([]byte(text))
		c.AddResource("file:///x.json", root)
		if s, err := c.Compile("file:///x.json#"); err == nil {
			t.Errorf("%s: compiled", name)
		} else if s != nil && s.Evaluate(tree(t, []byte(`{"a":1}`)), Request).Valid() {
			t.Errorf("%s: lets an object pass", name)
		}
	}
}

// Alternatives that are references to other files are found by mappings, which name the same files.
func TestDiscriminatorAcrossFiles(t *testing.T) {
	for _, dialect := range []Dialect{OpenAPI30, OpenAPI31} {
		c := NewCompiler(dialect)
		root, _ := decode([]byte(`{"oneOf":[{"$ref":"types.json#/a"},{"$ref":"b.json"}],"discriminator":{"propertyName":"t","mapping":{"A":"types.json#/a","B":"b.json"}}}`))
		types, _ := decode([]byte(`{"a":{"type":"object","properties":{"t":{"type":"string"},"x":{"type":"integer"}}}}`))
		other, _ := decode([]byte(`{"type":"object","properties":{"t":{"type":"string"},"x":{"type":"string"}}}`))
		c.AddResource("file:///d/root.json", root)
		c.AddResource("file:///d/types.json", types)
		c.AddResource("file:///d/b.json", other)
		s, err := c.Compile("file:///d/root.json#")
		if err != nil || len(c.Problems()) > 0 {
			t.Fatal(err, c.Problems())
		}
		for body, want := range map[string]string{`{"t":"A","x":1}`: "", `{"t":"A","x":"s"}`: "/x:type", `{"t":"B","x":"s"}`: "", `{"t":"B","x":1}`: "/x:type", `{"t":"C","x":1}`: "/t:discriminator"} {
			if got := summary(s.Evaluate(tree(t, []byte(body)), Request)); got != want {
				t.Errorf("%s: %q, want %q", body, got, want)
			}
		}
	}
}
