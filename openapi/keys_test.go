package openapi

import (
	"strings"
	"testing"
)

// A key with a typing error says nothing, and that is told at its place.
func TestUnknownKeys(t *testing.T) {
	doc := `openapi: 3.1.0
info: { title: x, version: "1" }
servres: []
x-own: 1
paths:
  /a:
    gett: {}
    x-own: 1
    get:
      operationID: a
      requestBody: { content: { text/plain: { schma: {} } }, requird: true }
      responses: { "200": { description: x, content: { application/json: { schema: { anything: 1 }, examlpe: 1 } }, frobnicate: 1 } }
`
	_, problems := Parse("a.yaml", []byte(doc), Options{})
	var got []string
	for _, p := range problems {
		if p.Rule == "spec.unknown_key" {
			got = append(got, p.Message+" "+p.Hint)
		}
	}
	want := []string{
		"servres is not a key of the document; it has no effect did you mean servers?",
		"gett is not a key of a path item; it has no effect did you mean get?",
		"operationID is not a key of an operation; it has no effect did you mean operationId?",
		"schma is not a key of a media type; it has no effect did you mean schema?",
		"requird is not a key of a request body; it has no effect did you mean required?",
		"examlpe is not a key of a media type; it has no effect did you mean example?",
		"frobnicate is not a key of a response; it has no effect ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
