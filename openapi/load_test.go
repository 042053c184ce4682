package openapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

const shop = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  /orders/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: integer } }
    get:
      x-sallyport:
        roles: [user]
        cost: 2
        modes: { validate: monitor }
      parameters:
        - { name: X-Tenant, in: header, schema: { type: string } }
      responses:
        "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
    put:
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
      responses:
        "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
components:
  schemas:
    Order: { type: object, properties: { id: { type: integer }, customer: { type: string }, items: { type: array, items: { type: object, properties: { note: { type: string } } } } } }
`

func TestOverlay(t *testing.T) {
	yes := true
	d, problems := Parse("shop.yaml", []byte(shop), Options{Overlay: map[string]config.Operation{
		"GET /orders/{id}": {
			Anonymous: &yes, Roles: []string{"admin"}, Modes: map[string]config.Mode{"inspect": config.Off},
			Owner:      map[string]string{"path.id": "principal.subject", "response.customer": "principal.tenant"},
			Properties: map[string]config.Property{"header.x-tenant": {Kind: "id"}, "path.id": {Kind: "id"}},
		},
		"PUT /orders/{id}": {Properties: map[string]config.Property{"body.items[*].note": {Kind: "email"}}},
	}})
	if d == nil {
		t.Fatal(problems)
	}
	get, put := d.Operations[0], d.Operations[1]
	if x := get.Ext; !*x.Anonymous || !slices.Equal(x.Roles, []string{"admin"}) || x.Cost != 2 || len(x.Modes) != 2 {
		t.Errorf("operation: %+v", x)
	}
	if p := get.Params[0].Property; p.Owner != "principal.subject" || p.Kind != "id" {
		t.Errorf("path.id: %+v", p)
	}
	if p := get.Params[1].Property; p.Kind != "id" {
		t.Errorf("header.x-tenant: %+v", p)
	}
	if p := put.Params[0].Property; p.Owner != "" {
		t.Errorf("the shared parameter of another operation was changed: %+v", p)
	}
	marks := func(s *schema.Schema, body string, dir schema.Direction) (out []string) {
		n, err := content.ParseJSON([]byte(body), content.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range s.Evaluate(n, dir).Marked {
			out = append(out, m.Pointer+" "+m.Property.Kind+m.Property.Owner)
		}
		return out
	}
	if got := marks(get.Response(200).Content[0].Schema, `{"id":1,"customer":"c"}`, schema.Response); !slices.Equal(got, []string{"/customer principal.tenant"}) {
		t.Errorf("response: %q", got)
	}
	if got := marks(put.Body.Content[0].Schema, `{"items":[{"note":"n"}]}`, schema.Request); !slices.Equal(got, []string{"/items/0/note email"}) {
		t.Errorf("body: %q", got)
	}
}

func TestOverlayProblems(t *testing.T) {
	tests := []struct {
		key  string
		x    config.Operation
		want string
	}{
		{"GET /order/{id}", config.Operation{}, "did you mean GET /orders/{id}?"},
		{"get /orders/{id}", config.Operation{}, "did you mean GET /orders/{id}?"},
		{"GET /orders/{id}", config.Operation{Owner: map[string]string{"path.ident": "x"}}, "no parameter path.ident"},
		{"GET /orders/{id}", config.Operation{Owner: map[string]string{"body.x": "x"}}, "no request body"},
		{"GET /orders/{id}", config.Operation{Owner: map[string]string{"response.custommer": "x"}}, `"custommer"`},
		{"GET /orders/{id}", config.Operation{Owner: map[string]string{"id": "x"}}, "does not begin with path"},
	}
	for _, tt := range tests {
		d, problems := Parse("shop.yaml", []byte(shop), Options{Overlay: map[string]config.Operation{tt.key: tt.x}})
		if d != nil || !strings.Contains(problems.Error(), tt.want) {
			t.Errorf("%s %v: got %v", tt.key, tt.x, problems)
		}
		for _, p := range problems {
			if !strings.HasPrefix(p.Rule, "config.") {
				t.Errorf("rule %s", p.Rule)
			}
		}
	}
}

func TestRemoteReferences(t *testing.T) {
	const spec = `
openapi: 3.1.0
info: { title: t, version: "1" }
paths:
  /a:
    get:
      parameters: [ { $ref: "https://specs.example.com/common.yaml#/page" } ]
      responses: { "200": { description: d, content: { application/json: { schema: { $ref: "https://specs.example.com/schemas.json#/Order" } } } } }
`
	fetched := map[string]int{}
	fetch := func(url string) ([]byte, error) {
		fetched[url]++
		switch url {
		case "https://specs.example.com/common.yaml":
			return []byte("page: { name: page, in: query, schema: { $ref: 'schemas.json#/Page' } }"), nil
		case "https://specs.example.com/schemas.json":
			return []byte(`{"Page": {"type": "integer"}, "Order": {"type": "object"}}`), nil
		}
		return nil, errors.New("not found")
	}
	d, problems := Parse("spec.yaml", []byte(spec), Options{RemoteRefs: true, Fetch: fetch})
	if d == nil {
		t.Fatal(problems)
	}
	if !slices.Equal(d.Operations[0].Params[0].Schema.Types(), []string{"integer"}) {
		t.Error("the reference was not followed")
	}
	for url, n := range fetched {
		if n != 1 {
			t.Errorf("%s was fetched %d times", url, n)
		}
	}
	for _, o := range []Options{{Fetch: fetch}, {RemoteRefs: true}, {RemoteRefs: true, Fetch: func(string) ([]byte, error) { return nil, errors.New("offline") }}} {
		if d, problems := Parse("spec.yaml", []byte(spec), o); d != nil || !strings.Contains(problems.Error(), "spec.ref") {
			t.Errorf("got %v", problems)
		}
	}
}

func TestBasePaths(t *testing.T) {
	tests := []struct {
		servers string
		want    []string
	}{
		{"", []string{""}},
		{"servers: []", []string{""}},
		{"servers: [ { url: / } ]", []string{""}},
		{"servers: [ { url: 'https://a.example/v1/' }, { url: 'http://b.example/v1' }, { url: 'https://c.example' } ]", []string{"/v1", ""}},
		{"servers: [ { url: '/api' } ]", []string{"/api"}},
		{"servers: [ { url: 'api/v2' } ]", []string{"/api/v2"}},
		{"servers: [ { url: '//host.example/x' } ]", []string{"/x"}},
		{"servers: [ { url: 'https://{r}.a.example:{port}/{v}', variables: { r: { default: eu }, port: { default: '443' }, v: { default: a, enum: [a, b] } } } ]", []string{"/a", "/b"}},
		{"servers: [ { url: 'https://a.example/{undeclared}' } ]", []string{""}},
	}
	for _, tt := range tests {
		d := load(t, "openapi: 3.1.0\ninfo: { title: t, version: '1' }\n"+tt.servers+"\npaths: {}\n")
		if !slices.Equal(d.BasePaths, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.servers, d.BasePaths, tt.want)
		}
	}
}

func TestResponseAndMedia(t *testing.T) {
	op := &Operation{Responses: []*Response{{Status: "default"}, {Status: "2XX"}, {Status: "201"}, {Status: "404"}}}
	for status, want := range map[int]string{200: "2XX", 201: "201", 299: "2XX", 404: "404", 403: "default", 500: "default"} {
		if got := op.Response(status); got == nil || got.Status != want {
			t.Errorf("%d: got %v, want %s", status, got, want)
		}
	}
	if (&Operation{}).Response(200) != nil || op.Response(0) != nil || op.Response(1000) != nil || (*Operation)(nil).Response(200) != nil {
		t.Error("a response from nothing")
	}
	types := []MediaType{{Range: "*/*"}, {Range: "application/*"}, {Range: "application/json"}, {Range: "text/plain"}}
	for media, want := range map[string]string{"application/json": "application/json", "application/xml": "application/*", "text/plain": "text/plain", "text/html": "*/*", "app/json": "*/*"} {
		if got := FindMedia(types, media); got == nil || got.Range != want {
			t.Errorf("%s: got %v, want %s", media, got, want)
		}
	}
	if FindMedia(types[1:], "text/html") != nil || FindMedia(nil, "a/b") != nil || FindMedia(types[1:2], "applications/x") != nil {
		t.Error("a media type from nothing")
	}
}

// A loaded document does not change: everything may be asked from many goroutines. The race detector judges.
func TestConcurrentUse(t *testing.T) {
	d := load(t, shop)
	m, err := NewMatcher(d.Operations)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	for range 4 {
		go func() {
			defer func() { done <- true }()
			for range 20 {
				match := m.Match("GET", []string{"orders", "7"})
				match.Operation.Decode(content.Target{}, match.Args, http.Header{"X-Tenant": {"a"}})
				d.Lint()
			}
		}()
	}
	for range 4 {
		<-done
	}
}

func TestLoadWithoutFile(t *testing.T) {
	d, problems := Load("testdata/none.yaml", Options{})
	if d != nil || len(problems) != 1 || problems[0].Rule != "spec.unreadable" {
		t.Errorf("got %v", problems)
	}
}

// Hostile descriptions: each must end in a problem, quickly.
func TestHostileDocuments(t *testing.T) {
	head := "openapi: 3.1.0\ninfo: { title: t, version: '1' }\npaths:\n"
	for name, doc := range map[string]string{
		"aliases":     head + "  /a: { get: { responses: {} } }\nx:\n" + indent(bomb()),
		"deep":        head + "  /a: " + strings.Repeat("{ a: ", 600) + strings.Repeat("}", 600),
		"file scheme": head + "  /a: { $ref: 'gopher://x/y' }\n",
		"no such":     head + "  /a: { $ref: '/nonexistent/secret.yaml' }\n",
		"binary":      "\x00\x01\x02",
		"cycle":       head + "  /a: { $ref: '#/paths/~1a' }\n",
	} {
		if d, problems := Parse("x.yaml", []byte(doc), Options{}); d != nil || !problems.Failed() {
			t.Errorf("%s: loaded", name)
		}
	}
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
}
