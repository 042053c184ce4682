package openapi

import (
	"testing"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

// A form has only texts; the schema says what they are.
func TestFormsAreTypedByTheirSchema(t *testing.T) {
	doc, problems := Parse("form.yaml", []byte(`
openapi: 3.1.0
info: { title: t, version: "1" }
security: []
paths:
  /f:
    post:
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              properties: { n: { type: integer }, ok: { type: boolean }, s: { type: string }, list: { type: array, items: { type: integer } } }
      responses: { "204": { description: done } }
`), Options{})
	if doc == nil {
		t.Fatal(problems)
	}
	mt := &doc.Operations[0].Body.Content[0]
	for body, valid := range map[string]bool{
		"n=5&ok=true&s=7&list=1": true, "list=1&list=2": true, "n=x": false, "ok=1": false, "list=x": false, "s=5": true, "n=1.0": false,
	} {
		b, err := content.New([]byte(body), content.Header{ContentType: []string{"application/x-www-form-urlencoded"}}, content.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		tree, err := b.Tree()
		if err != nil {
			t.Fatal(err)
		}
		mt.Type(tree)
		if r := mt.Schema.Evaluate(tree, schema.Request); r.Valid() != valid || len(r.Undeclared) > 0 {
			t.Errorf("%s: %+v", body, r)
		}
	}
}
