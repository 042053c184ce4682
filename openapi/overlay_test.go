package openapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

const mixed = `
openapi: 3.1.0
info: { title: t, version: "1" }
paths:
  /a:
    put:
      requestBody:
        content:
          application/json: { schema: { type: object, properties: { owner: { type: string }, note: { type: string } } } }
          application/x-www-form-urlencoded: { schema: { type: object, properties: { note: { type: string } } } }
          text/plain: {}
      responses:
        "200": { description: d, content: { application/json: { schema: { type: array, items: { type: object, properties: { id: { type: string } } } } } } }
        "202": { description: d, content: { application/json: { schema: { type: object, properties: { job: { type: string } } } } } }
        "204": { description: d }
  /b: { put: { requestBody: { content: { text/plain: {} } }, responses: { "204": { description: d } } } }
`

func marked(t *testing.T, s *schema.Schema, body string, dir schema.Direction) []string {
	t.Helper()
	n, err := content.ParseJSON([]byte(body), content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range s.Evaluate(n, dir).Marked {
		out = append(out, m.Pointer+" "+m.Property.Kind+m.Property.Owner)
	}
	return out
}

// A path has to be in one of the schemas, not in all.
func TestOverlayOneOfMany(t *testing.T) {
	for _, element := range []string{"response[*].id", "response.[*].id"} {
		d, problems := Parse("m.yaml", []byte(mixed), Options{Overlay: map[string]config.Operation{"PUT /a": {Properties: map[string]config.Property{
			"body.owner": {Owner: "principal.subject"}, "body.note": {Kind: "email"}, element: {Kind: "id"}, "response.job": {Kind: "id"},
		}}}})
		if d == nil {
			t.Fatal(problems)
		}
		put := d.Operations[0]
		json, form := FindMedia(put.Body.Content, "application/json"), FindMedia(put.Body.Content, "application/x-www-form-urlencoded")
		for _, c := range []struct {
			s    *schema.Schema
			body string
			dir  schema.Direction
			want []string
		}{
			{json.Schema, `{"owner":"o","note":"n"}`, schema.Request, []string{"/owner principal.subject", "/note email"}},
			{form.Schema, `{"note":"n"}`, schema.Request, []string{"/note email"}},
			{put.Response(200).Content[0].Schema, `[{"id":"1"}]`, schema.Response, []string{"/0/id id"}},
			{put.Response(202).Content[0].Schema, `{"job":"1"}`, schema.Response, []string{"/job id"}},
		} {
			if got := marked(t, c.s, c.body, c.dir); !slices.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", c.body, got, c.want)
			}
		}
	}
}

func TestOverlayNowhere(t *testing.T) {
	for path, want := range map[string]string{
		"body.ownr": `"ownr"`, "body.owner.x": `"owner.x"`, "response[*].job": `"[*].job"`, "response.id": `"id"`, "response[0].id": "is not a path", "[*].id": "does not begin with",
		"responses.id": "does not begin with", "response[*]id": "is not a path",
	} {
		d, problems := Parse("m.yaml", []byte(mixed), Options{Overlay: map[string]config.Operation{"PUT /a": {Properties: map[string]config.Property{path: {Kind: "id"}, "body.note": {Kind: "id"}}}}})
		if d != nil || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v", path, problems)
		}
	}
	for _, path := range []string{"body.x", "response.x"} {
		d, problems := Parse("m.yaml", []byte(mixed), Options{Overlay: map[string]config.Operation{"PUT /b": {Properties: map[string]config.Property{path: {Kind: "id"}}}}})
		if d != nil || !strings.Contains(problems.Error(), "with a schema") {
			t.Errorf("%s where nothing has a schema: %v", path, problems)
		}
	}
}
