package dashboard

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/openapi"
)

const described = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  "/orders/{id}":
    get:
      parameters:
        - { name: id, in: path, required: true, schema: { type: string, pattern: "^[a-z]+$", maxLength: 8 }, x-sallyport: { kind: id, owner: principal.subject } }
        - { name: limit, in: query, schema: { type: integer, minimum: 1, maximum: 100 } }
      requestBody:
        required: true
        content:
          application/json:
            schema: { $ref: "#/components/schemas/Order" }
          application/octet-stream: {}
      responses:
        "200": { description: ok, headers: { ETag: { schema: { type: string } } }, content: { application/json: { schema: { type: array, minItems: 1, maxItems: 1, items: { $ref: "#/components/schemas/Order" } } } } }
        "204": { description: none }
components:
  schemas:
    Order:
      type: object
      required: [state]
      additionalProperties: false
      properties:
        state: { enum: [open, "<b>paid</b>"] }
        mail: { type: [string, "null"], format: email, readOnly: true, x-sallyport: { kind: email, visible_to: [clerk], mask: partial } }
        total: { oneOf: [ { type: number, minimum: 0 }, { type: string, minLength: 2 } ] }
        parts: { type: array, uniqueItems: true, items: { $ref: "#/components/schemas/Order" } }
`

func TestWhatTheSpecSaysOfAnOperation(t *testing.T) {
	doc, problems := openapi.Parse("openapi.yaml", []byte(described), openapi.Options{})
	if doc == nil {
		t.Fatal(problems)
	}
	var got strings.Builder
	for _, part := range specOf(doc.Operations[0]) {
		got.WriteString(part.Title + " | " + part.Note + "\n")
		for _, f := range part.Fields {
			required := map[bool]string{true: " required"}[f.Required]
			got.WriteString(strings.TrimRight(strings.Repeat("  ", f.Depth)+"  "+f.Name+" ("+f.Type+")"+required+" "+strings.Join(f.Rules, "; ")+" "+strings.Join(f.Marks, "; "), " ") + "\n")
		}
	}
	const want = `Parameters | 
  id (string) required at most 8 characters; matches ^[a-z]+$ in path; kind id; owner principal.subject
  limit (integer) from 1 to 100 in query
Body, application/json | required
   (object) no other members
    mail (string or null, email)  read only; kind email; visible to clerk; mask partial
    parts (array) no element twice
      [] (object) no other members; as above, again
    state (any) required one of "open", "<b>paid</b>"
    total (string or number)
      or 1 (number) from 0
      or 2 (string) at least 2 characters
Body, application/octet-stream | required
Answer 200, application/json | 
   (array) 1 element
    [] (object) no other members
      mail (string or null, email)  read only; kind email; visible to clerk; mask partial
      parts (array) no element twice
        [] (object) no other members; as above, again
      state (any) required one of "open", "<b>paid</b>"
      total (string or number)
        or 1 (number) from 0
        or 2 (string) at least 2 characters
Answer 200, header | 
  ETag (string)  in header
Answer 204 | without a body
`
	if got.String() != want {
		t.Errorf("got:\n%s", got.String())
	}
	o := options(keep(t))
	o.Documents = func() map[string]*openapi.Document { return map[string]*openapi.Document{"shop": doc} }
	const target = "/operation?api=shop&operation=GET+%2Forders%2F%7Bid%7D"
	body := page(t, o, target)
	onlyOurs(t, "spec", body)
	for _, want := range []string{"Body, application/json", "at most 8 characters", "The spec says nothing of its form", "visible to clerk"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if rows := ask(o, RoleViewer, target+"&format=csv&table=spec").Body.String(); !strings.Contains(rows, `"Body, application/json",/parts/[],object,false,"no other members; as above, again",`) {
		t.Error(rows)
	}
}
