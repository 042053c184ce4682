package openapi

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

// What the schemas of JSON Lines mean: of a list by OpenAPI 3.2; before, of what can be told.
func TestSequences(t *testing.T) {
	const item = "{ type: object, properties: { id: { type: integer } } }"
	for _, c := range []struct{ version, media, good, bad, warning string }{
		{"3.2.0", "itemSchema: " + item, "{\"id\":1}\n{\"id\":2}", "{\"id\":1}\n{\"id\":\"2\"}", ""},
		{"3.2.0", "{ itemSchema: " + item + ", schema: { maxItems: 1 } }", `{"id":1}`, "{\"id\":1}\n{\"id\":2}", ""},
		{"3.2.0", "schema: { type: array, items: { type: integer } }", "1\n2", "1\n{}", ""},
		{"3.2.0", "schema: { type: object }", "", "{}", ""},
		{"3.1.0", "schema: " + item, `{"id":1}`, `{"id":"1"}`, ""},
		{"3.0.3", "schema: { type: array, items: { type: integer } }", "1\n2", "1\n{}", ""},
		{"3.1.0", "schema: { type: string }", "{}", "", "schema is not enforced"},
		{"3.1.0", "itemSchema: " + item, `{"id":"1"}`, "", "itemSchema exists since OpenAPI 3.2"},
	} {
		m := sequential(t, c.version, c.media, c.warning, nil)
		if c.good != "" && !fitsLines(t, m, c.good).Valid() {
			t.Errorf("%s %s: refuses %q", c.version, c.media, c.good)
		}
		if c.bad != "" && fitsLines(t, m, c.bad).Valid() {
			t.Errorf("%s %s: takes %q", c.version, c.media, c.bad)
		}
	}
}

// The config reaches into the texts as into the elements of a list.
func TestSequenceOverlay(t *testing.T) {
	ext := map[string]config.Operation{"POST /lines": {Properties: map[string]config.Property{"body[*].id": {Kind: "ssn"}}}}
	m := sequential(t, "3.2.0", "itemSchema: { type: object, properties: { id: { type: string } } }", "", ext)
	marked := fitsLines(t, m, "{\"id\":\"1\"}\n{\"id\":\"2\"}").Marked
	if len(marked) != 2 || marked[1].Pointer != "/1/id" || marked[1].Property.Kind != "ssn" {
		t.Errorf("%+v", marked)
	}
}

func sequential(t *testing.T, version, media, warning string, ext map[string]config.Operation) *MediaType {
	t.Helper()
	spec := "openapi: " + version + `
info: { title: t, version: "1" }
paths:
  /lines:
    post:
      requestBody: { content: { application/x-ndjson: ` + braced(media) + ` } }
      responses: { "204": { description: taken } }
`
	d, problems := Parse("lines.yaml", []byte(spec), Options{Overlay: ext})
	if d == nil {
		t.Fatal(problems)
	}
	if got := problems.Error(); warning != "" && !strings.Contains(got, warning) || warning == "" && len(problems) > 0 {
		t.Errorf("%s %s: %s", version, media, got)
	}
	return &d.Operations[0].Body.Content[0]
}

func braced(media string) string {
	if strings.HasPrefix(media, "{") {
		return media
	}
	return "{ " + media + " }"
}

func fitsLines(t *testing.T, m *MediaType, body string) *schema.Result {
	t.Helper()
	tree, err := content.Parse([]byte(body), content.Media{Type: "application/x-ndjson"}, content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Schema == nil {
		return nil
	}
	return m.Schema.Evaluate(tree, schema.Request)
}
