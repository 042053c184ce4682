package report

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/openapi"
)

// Every clause is answered by controls that exist, and every control answers something.
func TestFrameworks(t *testing.T) {
	list, err := Frameworks()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, c := range controls {
		if ids[c.id] {
			t.Errorf("%s is there twice", c.id)
		}
		ids[c.id] = true
	}
	used := map[string]bool{}
	for _, f := range list {
		if f.Title == "" || !strings.HasPrefix(f.Source, "https://") || len(f.Clauses) == 0 {
			t.Errorf("%+v", f)
		}
		seen := map[string]bool{}
		for _, c := range f.Clauses {
			if seen[c.ID] || c.Title == "" || len(c.Controls) == 0 {
				t.Errorf("%s: %+v", f.ID, c)
			}
			seen[c.ID] = true
			for _, id := range c.Controls {
				if used[id] = true; !ids[id] {
					t.Errorf("%s %s: there is no control %q", f.ID, c.ID, id)
				}
			}
		}
	}
	for id := range ids {
		if !used[id] {
			t.Errorf("no clause is answered by %s", id)
		}
	}
}

// The tests that a control names are there.
func TestControlsNameTests(t *testing.T) {
	found := map[string]bool{}
	name := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			data, _ := os.ReadFile(path)
			for _, m := range name.FindAllSubmatch(data, -1) {
				found[string(m[1])] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range controls {
		if len(c.tests) == 0 {
			t.Errorf("%s names no test", c.id)
		}
		for _, test := range c.tests {
			if !found[test] {
				t.Errorf("%s: there is no %s", c.id, test)
			}
		}
	}
}

const spec = `openapi: 3.1.0
info: { title: Clinic, version: "2" }
security: [ { bearer: [] } ]
paths:
  /patients/{id}:
    get:
      x-sallyport: { roles: [nurse] }
      parameters: [ { name: id, in: path, required: true, schema: { type: string }, x-sallyport: { owner: principal.subject } } ]
      responses: { "200": { description: one, content: { application/json: { schema: { $ref: "#/components/schemas/Patient" } } } } }
  /rooms/{id}:
    get: { parameters: [ { name: id, in: path, required: true, schema: { type: string } } ], responses: { "200": { description: one } } }
components:
  securitySchemes: { bearer: { type: http, scheme: bearer } }
  schemas:
    Patient: { type: object, properties: { mail: { type: string, x-sallyport: { kind: email, mask: partial } }, illness: { type: array, items: { type: string, x-sallyport: { kind: health, visible_to: [doctor] } } }, room: { type: string } } }
`

func facts(t *testing.T) *Facts {
	t.Helper()
	doc, problems := openapi.Parse("spec.yaml", []byte(spec), openapi.Options{})
	if doc == nil {
		t.Fatal(problems)
	}
	on := map[string]config.Mode{"identity": "enforce", "policy.operation": "enforce", "validate.response": "enforce", "validate.body": "enforce", "inspect.head": "enforce"}
	off := map[string]config.Mode{"identity": "enforce", "policy.operation": "monitor"}
	return &Facts{Now: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC), Since: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Version: "1", Basis: "abc",
		Config:    &config.Config{Listen: []config.Listener{{Address: "0.0.0.0:80", Insecure: true}}, APIs: []config.API{{Name: "clinic", Spec: "spec.yaml", Upstream: config.Upstream{Targets: []string{"http://10.0.0.1"}}}}},
		Posture:   []gateway.Posture{{API: "clinic", Operation: "GET /patients/{id}", Guards: on}, {API: "clinic", Operation: "GET /rooms/{id}", Guards: off}},
		Documents: map[string]*openapi.Document{"clinic": doc}, Traffic: &Traffic{Exchanges: 7, Refused: 2, ByOWASP: map[string]int64{"API1": 2}},
		Callers: func(_, operation string) []Caller {
			return []Caller{{"corp: <nurse>", 5}}
		}}
}

// What is on is met, what only some operations have is partly met with the gaps named, what is absent is missing.
func TestStates(t *testing.T) {
	r, err := New(facts(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]Status{"deny-by-default": Met, "authentication": Met, "function-authorization": Partly, "object-authorization": Partly,
		"rate-limits": Missing, "tls": Partly, "upstream-tls": Partly, "audit-log": Missing, "ssrf": Apart, "attack-inspection": Partly, "masking": Missing, "records": Met} {
		i := slices.IndexFunc(r.Controls, func(c Control) bool { return c.ID == id })
		if c := r.Controls[i]; c.Status != want || want != Met && want != Apart && len(c.Gaps) == 0 {
			t.Errorf("%s: %+v, want %s", id, c, want)
		}
	}
	if _, err := New(facts(t), []string{"nonsense"}); err == nil || !strings.Contains(err.Error(), "gdpr") {
		t.Error(err)
	}
	if r, _ := New(facts(t), []string{"gdpr"}); len(r.Frameworks) != 1 {
		t.Error("other frameworks are there too")
	}
}

// The record of processing has what answers tell of persons, and who may have it.
func TestProcessing(t *testing.T) {
	r, err := New(facts(t), nil)
	if err != nil || len(r.Processing) != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	p := r.Processing[0]
	if p.Operation != "GET /patients/{id}" || p.Access != "roles nurse; owners of the object" || len(p.Callers) != 1 || len(p.Kinds) != 2 ||
		p.Kinds[0].Kind != "email" || p.Kinds[0].Fields[0] != "mail" || p.Kinds[0].Masked != "partial" || p.Kinds[1].Kind != "health" || p.Kinds[1].VisibleTo[0] != "doctor" {
		t.Errorf("%+v", p)
	}
}

// The page stands alone, has every clause, and shows what strangers named as text.
func TestPage(t *testing.T) {
	r, err := New(facts(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, f := range r.Frameworks {
		if !strings.Contains(page, f.Title) {
			t.Errorf("%s is not on the page", f.Title)
		}
	}
	for _, bad := range []string{"<script", "<nurse>", "http://", "src=", "@import", "ZgotmplZ"} {
		if i := strings.Index(page, bad); i >= 0 && !strings.Contains(page[i:min(len(page), i+40)], "http://10.0.0.1") {
			t.Errorf("the page has %s: %.80s", bad, page[i:])
		}
	}
}
