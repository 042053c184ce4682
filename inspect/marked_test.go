package inspect

import (
	"fmt"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// bodySpec is an operation whose body has a schema, with one that it may refer to.
const bodySpec = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/orders":{"post":{
"requestBody":{"content":{"application/json":{"schema":%s}}},"responses":{"204":{"description":"done"}}}}},
"components":{"schemas":{"Far":{"type":"object","properties":{"note":{"type":"string"},"next":{"$ref":"#/components/schemas/Far"},"there":%s}}}}}`

// guardsOf are the guards of an operation whose body has this schema, with what is said in Far.
func guardsOf(t testing.TB, schema, there string) (*openapi.Operation, []exchange.Guard) {
	t.Helper()
	doc, problems := openapi.Parse("body.json", fmt.Appendf(nil, bodySpec, schema, there), openapi.Options{})
	if doc == nil {
		t.Fatal(problems)
	}
	i, err := New(Options{Pool: &sharedPool})
	if err != nil {
		t.Fatal(err)
	}
	guards, err := i.Guards(config.Inspect{}, doc.Operations[0], false)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Operations[0], guards
}

// refusedBy is the guard that refuses a body, or "".
func refusedBy(t *testing.T, schema, there, body string) string {
	t.Helper()
	op, guards := guardsOf(t, schema, there)
	e, err := readExchange(post("application/json", body))
	if err != nil {
		t.Fatal(err)
	}
	e.Operation, e.BodySpec = op, &op.Body.Content[0]
	for _, g := range guards {
		if g.Phase != exchange.OnBody {
			continue
		}
		v, err := g.Check(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if !v.Passed() {
			return g.Name
		}
	}
	return ""
}

// On whatever way a schema comes to speak of a URL or a secret, bodies are judged by it; and a place of which no schema
// says so is neither looked up nor spared.
func TestMarkedFromAfar(t *testing.T) {
	for _, c := range []struct{ schema, body string }{
		{`{"$ref":"#/components/schemas/Far"}`, `{"there":%q}`},
		{`{"$ref":"#/components/schemas/Far"}`, `{"next":{"next":{"there":%q}}}`},
		{`{"type":"array","items":{"$ref":"#/components/schemas/Far"}}`, `[{},{"there":%q}]`},
		{`{"anyOf":[{"type":"integer"},{"allOf":[{"$ref":"#/components/schemas/Far"}]}]}`, `{"there":%q}`},
		{`{"oneOf":[{"$ref":"#/components/schemas/Far"},{"type":"null"}]}`, `{"there":%q}`},
		{`{"additionalProperties":{"$ref":"#/components/schemas/Far"}}`, `{"any":{"there":%q}}`},
		{`{"patternProperties":{"^x":{"additionalProperties":{"$ref":"#/components/schemas/Far/properties/there"}}}}`, `{"x1":{"any":%q}}`},
		{`{"if":{"required":["a"]},"then":{"properties":{"b":{"$ref":"#/components/schemas/Far"}}}}`, `{"a":1,"b":{"there":%q}}`},
		{`{"dependentSchemas":{"a":{"unevaluatedProperties":{"$ref":"#/components/schemas/Far"}}}}`, `{"a":{"there":%q}}`},
		{`{"$ref":"https://x.example/list","$defs":{"list":{"$id":"https://x.example/list","items":{"$dynamicRef":"#item"},"$defs":{"any":{"$dynamicAnchor":"item"}}},
		"item":{"$dynamicAnchor":"item","$ref":"#/components/schemas/Far"}}}`, `[{"there":%q}]`},
	} {
		const url, secret, plain = `{"type":"string","format":"uri"}`, `{"type":"string","format":"password"}`, `{"type":"string"}`
		if by := refusedBy(t, c.schema, url, fmt.Sprintf(c.body, "http://169.254.169.254/")); by != "inspect.url" {
			t.Errorf("%s: refused by %q", c.schema, by)
		}
		if by := refusedBy(t, c.schema, url, fmt.Sprintf(c.body, "https://example.com/")); by != "" {
			t.Errorf("%s: a public URL is refused by %s", c.schema, by)
		}
		if by := refusedBy(t, c.schema, secret, fmt.Sprintf(c.body, sqli)); by != "" {
			t.Errorf("%s: a secret is refused by %s", c.schema, by)
		}
		if by := refusedBy(t, c.schema, plain, fmt.Sprintf(c.body, sqli)); by != "inspect.body" {
			t.Errorf("%s: an attack is refused by %q", c.schema, by)
		}
	}
}
