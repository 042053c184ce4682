package openapi

import (
	"strings"
	"testing"
)

const printSpec = `openapi: 3.1.0
info: { title: shop, version: "1" }
paths:
  /orders:
    parameters: [ { name: page, in: query, schema: { type: integer } } ]
    post:
      summary: makes an order
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
      responses: { "200": { description: made } }
  /people:
    get:
      responses: { "200": { description: all, content: { application/json: { schema: { $ref: "#/components/schemas/Person" } } } } }
components:
  schemas:
    Order: { type: object, properties: { items: { type: array, items: { $ref: "#/components/schemas/Item" } } } }
    Item: { type: object, properties: { count: { type: integer }, of: { $ref: "#/components/schemas/Order" } } }
    Person: { type: object, discriminator: { propertyName: kind, mapping: { a: Adult } } }
    Adult: { type: object, properties: { name: { type: string } } }
`

func printsOf(t *testing.T, spec string, o Options) (orders, people string) {
	t.Helper()
	d, problems := Parse("spec.yaml", []byte(spec), o)
	if d == nil {
		t.Fatal(problems)
	}
	return operationNamed(d, "POST /orders").Print, operationNamed(d, "GET /people").Print
}

// A print changes with all that counts for its operation, through references and circles, and with nothing else.
func TestPrints(t *testing.T) {
	orders, people := printsOf(t, printSpec, Options{})
	if orders == "" || orders == people {
		t.Fatalf("%q %q", orders, people)
	}
	for _, c := range []struct {
		old, new       string
		orders, people bool // changes
	}{
		{"makes an order", "makes one", false, false},
		{"title: shop", "title: store", false, false},
		{"count: { type: integer }", "count: { type: integer, maximum: 9 }", true, false},
		{"name: page, in: query, schema: { type: integer }", "name: page, in: query, schema: { type: string }", true, false},
		{"name: { type: string }", "name: { type: string, maxLength: 9 }", false, true},
		{"paths:", "security: [ {} ]\npaths:", false, false},
		{"components:", "servers: [ { url: /v1 } ]\ncomponents:", true, true},
		{"    Adult: {", "    Other: { type: object }\n    Adult: {", false, false},
	} {
		changed := strings.Replace(printSpec, c.old, c.new, 1)
		if changed == printSpec {
			t.Fatal(c.old)
		}
		o, p := printsOf(t, changed, Options{})
		if (o != orders) != c.orders || (p != people) != c.people {
			t.Errorf("%s: orders changes %v, people %v", c.new, o != orders, p != people)
		}
	}
}

// Where JSON Schema's own words move references, the whole description is the print.
func TestPrintsOfOddReferences(t *testing.T) {
	odd := strings.Replace(printSpec, "Adult: {", "Adult: { $id: https://example.com/adult,", 1)
	orders, people := printsOf(t, odd, Options{})
	o, p := printsOf(t, strings.Replace(odd, "count: { type: integer }", "count: { type: number }", 1), Options{})
	if o == orders || p == people {
		t.Error("a change elsewhere may count")
	}
}
