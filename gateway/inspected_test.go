package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// The rules are left out only where no setting, be it of the operation or of one guard, could want them.
func TestInspected(t *testing.T) {
	type modes = map[string]config.Mode
	for name, c := range map[string]struct {
		api  config.API
		own  modes
		mode config.Mode // of the operation
		want bool
	}{
		"nothing said":                  {want: true},
		"off for the API":               {api: config.API{Modes: modes{"inspect": config.Off}}},
		"everything off":                {api: config.API{Mode: config.Off}},
		"off but for one guard":         {api: config.API{Modes: modes{"inspect": config.Off, "inspect.body": config.Monitor}}, want: true},
		"off but for the operation":     {api: config.API{Modes: modes{"inspect": config.Off}}, mode: config.Enforce, want: true},
		"off but for one of its guards": {api: config.API{Mode: config.Off}, own: modes{"inspect.head": config.Enforce}, want: true},
		"off for the operation":         {own: modes{"inspect": config.Off}},
	} {
		b := builder{api: &c.api}
		if got := b.inspected(operation(c.own, c.mode)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

const confinedSpec = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  /orders:
    post:
      x-sallyport: { anonymous: true }
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              properties:
                id: { type: string, format: uuid }
                state: { enum: [open, paid] }
                lines: { type: array, items: { $ref: "#/components/schemas/Line" } }
                note: { type: string }
      responses: { "200": { description: made } }
components:
  schemas:
    Line: { type: object, properties: { sku: { type: string, pattern: "^[A-Z]{3}[0-9]{4}$" }, either: { anyOf: [ { const: a }, { type: string } ] } } }
`

// The schema spares a value the rules only where validation enforces it: where that is monitored or off, an attack in a
// confined field is found by the rules.
func TestConfinedOnlyWhereValidated(t *testing.T) {
	attacks := map[string]string{
		`{"id":%q}`: "validate.body", `{"state":%q}`: "validate.body", `{"lines":[{"sku":%q}]}`: "validate.body",
		`{"note":%q}`: "inspect.xss", `{"lines":[{"either":%q}]}`: "inspect.xss",
	}
	for modes, enforced := range map[string]bool{"": true, "    modes: { validate.body: monitor }\n": false, "    modes: { validate: off }\n": false} {
		g := serve(t, confinedSpec, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), modes)
		for body, code := range attacks {
			if !enforced {
				code = "inspect.xss"
			}
			resp, err := http.Post(g.url+"/orders", "application/json", strings.NewReader(fmt.Sprintf(body, "<script>alert(1)</script>")))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if r := <-g.records; r.Code != code {
				t.Errorf("%s with %q: %s, want %s", body, modes, r.Code, code)
			}
		}
		resp, err := http.Post(g.url+"/orders", "application/json", strings.NewReader(`{"id":"3f2504e0-4f89-41d3-9a0c-0305e82c3301","state":"paid","lines":[{"sku":"ABC1234"}],"note":"two, please"}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("an ordinary order with %q: %d", modes, resp.StatusCode)
		}
		<-g.records
	}
}
