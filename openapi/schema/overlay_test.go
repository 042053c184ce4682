package schema

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

const overlaid = `{"type":"object","properties":{
 "email":{"type":"string","format":"email","x-sallyport":{"kind":"email","mask":"partial"}},
 "a":{"oneOf":[{"type":"object","properties":{"b":{"type":"string"}}},{"type":"null"}]},
 "items":{"type":"array","items":{"$ref":"#/$defs/line"}},
 "map":{"type":"object","additionalProperties":{"type":"object","properties":{"x":{}}}}},
 "$defs":{"line":{"properties":{"note":{"type":"string"},"self":{"$ref":"#/$defs/line"}}}}}`

func TestOverlay(t *testing.T) {
	_, s := compileIn(t, OpenAPI31, overlaid)
	o, err := s.Overlay(map[string]config.Property{
		"email": {Mask: "full", VisibleTo: []string{"admin"}}, "a.b": {Kind: "ssn"}, "items[*].note": {Kind: "address"},
		"items[*].self.note": {Kind: "name"}, "map.k.x": {Kind: "id"},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := tree(t, []byte(`{"email":"a@b.example","a":{"b":"x"},"items":[{"note":"y"},{"note":"z","self":{"note":"w"}}],"map":{"k":{"x":1}}}`))
	if got := summary(o.Evaluate(n, Request)); got != "@/email @/a/b @/items/0/note @/items/1/note @/items/1/self/note @/map/k/x" {
		t.Error(got)
	}
	mark := o.Evaluate(n, Request).Marked[0]
	if p := mark.Property; p.Kind != "email" || p.Mask != "full" || len(p.VisibleTo) != 1 || p.Format != "email" || mark.Parent != n {
		t.Errorf("%+v", p)
	}
	if got := summary(s.Evaluate(n, Request)); got != "@/email" {
		t.Errorf("the plan was changed: %s", got)
	}
	if p := s.Evaluate(n, Request).Marked[0].Property; p.Mask != "partial" {
		t.Errorf("the plan was changed: %+v", p)
	}
	if r := o.Evaluate(tree(t, []byte(`{}`)), Request); r != spotless {
		t.Errorf("%+v", r)
	}
}

func TestOverlayOfArrayAndRoot(t *testing.T) {
	_, s := compileIn(t, OpenAPI31, `{"items":{"properties":{"id":{}}}}`)
	o, err := s.Overlay(map[string]config.Property{"[*].id": {Kind: "id"}, "": {Kind: "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := summary(o.Evaluate(tree(t, []byte(`[{"id":1},{"id":2}]`)), Request)); got != "@ @/0/id @/1/id" {
		t.Error(got)
	}
}

func TestOverlayRefusesPathsThatCannotBe(t *testing.T) {
	_, s := compileIn(t, OpenAPI31, overlaid)
	for _, path := range []string{"e_mail", "a.c", "items.note", "items[*].notes", "email[*]", ".", "a.", "a..b", "items[0].note", "items[*]note", "a.[*]", "items[*]."} {
		if _, err := s.Overlay(map[string]config.Property{path: {Kind: "id"}}); err == nil {
			t.Errorf("%q is taken", path)
		}
	}
	_, err := s.Overlay(map[string]config.Property{"x": {}, "y": {}, "email": {}})
	if err == nil || !strings.Contains(err.Error(), `"x"`) || !strings.Contains(err.Error(), `"y"`) {
		t.Errorf("not all problems at once: %v", err)
	}
}

// Every format that says "a URL" marks its values for the check of server-side URLs.
func TestURLFormatsAreMarked(t *testing.T) {
	for _, dialect := range []Dialect{OpenAPI30, OpenAPI31} {
		for format, want := range map[string]bool{"uri": true, "iri": true, "uri-reference": true, "iri-reference": true, "url": true, "uri-template": false, "hostname": false} {
			_, s := compileIn(t, dialect, `{"type":"object","properties":{"link":{"type":"string","format":"`+format+`"}}}`)
			marks := s.Evaluate(tree(t, []byte(`{"link":"/a"}`)), Request).Marked
			if got := len(marks) == 1 && marks[0].Property.URL(); got != want {
				t.Errorf("%s: %+v", format, marks)
			}
		}
	}
}
