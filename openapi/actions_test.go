package openapi

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/sallyport/sallyport/config"
)

const laid = `openapi: 3.1.0
info: { title: t, version: "1" }
tags: [ { name: a }, { name: b }, { name: c } ]
paths:
  /orders: &shared
    get:
      tags: [ a, b ]
      responses: { default: { description: d } }
  /copies: *shared
`

// What the Overlay Specification says of each action, and what aliases, nested targets and lists make of it.
func TestActions(t *testing.T) {
	for _, c := range []struct{ actions, at, want string }{
		{`{ target: $.info, update: { title: u, x-a: { b: 1 } } }`, "/info", `{"title":"u","version":"1","x-a":{"b":"1"}}`},
		{`{ target: "$.info.title", update: u }`, "/info/title", `"u"`},
		{`{ target: $.tags, update: { name: d } }`, "/tags", `[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}]`},
		{`{ target: $, update: { tags: [ { name: d }, { name: e } ] } }`, "/tags/4", `{"name":"e"}`},
		{`{ target: "$.tags[?@.name == 'b']", remove: true }`, "/tags", `[{"name":"a"},{"name":"c"}]`},
		{`{ target: "$.tags[2,0]", remove: true, update: { name: x } }`, "/tags", `[{"name":"b"}]`},
		{`{ target: "$..description", remove: true }`, "/paths/~1orders/get/responses", `{"default":{}}`},
		{`{ target: "$.paths['/orders'].get", update: { tags: [ c ] } }`, "/paths/~1orders/get/tags", `["a","b","c"]`},
		{`{ target: "$.paths['/orders'].get", update: { tags: [ c ] } }`, "/paths/~1copies/get/tags", `["a","b"]`},
		{`{ target: "$.paths.*.get", update: { deprecated: true } }`, "/paths/~1copies/get/deprecated", `true`},
		{`{ target: "$.paths['/orders']", update: { post: {} } }, { target: "$.paths['/orders'].post", copy: "$.paths['/orders'].get" }`, "/paths/~1orders/post/tags", `["a","b"]`},
		{`{ target: $.nothing, update: { a: 1 } }`, "/info", `{"title":"t","version":"1"}`},
	} {
		b := acted(t, c.actions)
		got, _ := b.main.lookup(c.at)
		text, err := json.Marshal(got, json.Deterministic(true))
		if err != nil || string(text) != c.want || b.settle().Failed() {
			t.Errorf("%s: %s at %s, want %s; %v", c.actions, text, c.at, c.want, b.settle())
		}
	}
}

func TestActionsRefused(t *testing.T) {
	for actions, want := range map[string]string{
		`{ target: "$.paths[", update: {} }`:                                        "1:32: error: target must be a JSONPath",
		`{ update: {} }`:                                                            "1:30: error: target must be a JSONPath",
		`{ target: $.info, updates: {} }`:                                           "did you mean update?",
		`{ target: $.info, update: 1 }`:                                             "only an object can be merged",
		`{ target: $.info }`:                                                        "the action changes nothing",
		`{ target: $.info, copy: $.tags.* }`:                                        "copy must select one value, not 3",
		`{ target: $.paths./no, update: { x-sallyport: { roles: [a] } } }`:          "target must be a JSONPath",
		`{ target: "$.paths['/no'].get", update: { x-sallyport: { roles: [a] } } }`: "error: $.paths['/no'].get selects nothing",
		`{ target: "$.paths['/no'].get", update: { summary: a } }`:                  "warning: $.paths['/no'].get selects nothing",
		``: "the overlay has no actions",
	} {
		if got := acted(t, actions).settle().Error(); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", actions, got, want)
		}
	}
}

func acted(t *testing.T, actions string) *builder {
	t.Helper()
	main, problems := parseSource(fileURI("spec.yaml"), "spec.yaml", []byte(laid))
	if main == nil {
		t.Fatal(problems)
	}
	b := &builder{main: main}
	main.own()
	b.act(overlayFile(t, "overlay: 1.1.0, actions: [ "+actions+" ]"))
	return b
}

func overlayFile(t *testing.T, members string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "overlay.yaml")
	if err := os.WriteFile(file, []byte("{ "+members+" }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// What an overlay wrote is reported in the overlay's file; what moved because something before it was removed, where it
// stands in the spec.
func TestActionPlaces(t *testing.T) {
	const spec = `openapi: 3.1.0
info: { title: t, version: "1" }
servers:
  - url: https://one.example/v1
  - url: https://two.example/v2
  - url: nonsense{
paths:
  /a: { get: { operationId: a, responses: { default: { description: d } } } }
`
	file := overlayFile(t, `overlay: 1.0.0,
  actions: [ { target: "$.servers[0]", remove: true },
    { target: $.servers, update: { url: "also{" } },
    { target: "$.servers[0]", remove: true },
    { target: "$.paths['/a'].get", update: { x-sallyport: { rolls: [a] } } } ]`)
	_, problems := Parse("spec.yaml", []byte(spec), Options{Overlays: []string{file}})
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprint(filepath.Base(p.File), ":", p.Line, " ", p.Rule))
	}
	if want := []string{"overlay.yaml:3 spec.servers", "overlay.yaml:5 config.unknown_key", "spec.yaml:6 spec.servers"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q\n%v", got, want, problems)
	}
}

// An x-sallyport that an overlay adds to, and one that stands behind an alias, are read as they are in the end.
func TestExtensionInParts(t *testing.T) {
	spec := strings.Replace(laid, "tags: [ a, b ]", "x-sallyport: { roles: [a], cost: 2 }", 1)
	file := overlayFile(t, `overlay: 1.0.0, actions: [ { target: "$.paths['/orders'].get['x-sallyport']", update: { roles: [b], max_body: 1KiB } } ]`)
	d, problems := Parse("spec.yaml", []byte(spec), Options{Overlays: []string{file}})
	if d == nil {
		t.Fatal(problems)
	}
	if x := operationNamed(d, "GET /orders").Ext; !reflect.DeepEqual(x.Roles, []string{"a", "b"}) || x.MaxBody != 1024 || x.Cost != 2 {
		t.Errorf("%+v", x)
	}
	if x := operationNamed(d, "GET /copies").Ext; !reflect.DeepEqual(x.Roles, []string{"a"}) || x.Cost != 2 {
		t.Errorf("%+v", x)
	}
	_, problems = Parse("spec.yaml", []byte(strings.Replace(spec, "cost", "coast", 1)), Options{})
	if got := problems.Error(); !strings.Contains(got, "spec.yaml:7:34: error: coast is not a key of x-sallyport here") || !strings.Contains(got, "spec.yaml:9:3: error: coast") {
		t.Error(got)
	}
}

// An overlay says what x-sallyport in the spec would say; the config wins over both.
func TestOverlayDocument(t *testing.T) {
	file := overlayFile(t, `overlay: 1.0.0, info: { title: o, version: "1" }, extends: spec.yaml, actions: [ { target: "$.paths['/orders'].get", update: { x-sallyport: { roles: [a], max_body: 1KiB } } } ]`)
	d, problems := Parse(filepath.Join(filepath.Dir(file), "spec.yaml"), []byte(laid), Options{Overlays: []string{file},
		Overlay: map[string]config.Operation{"GET /orders": {Roles: []string{"b"}}}})
	if d == nil || len(problems) > 0 {
		t.Fatal(problems)
	}
	if op := operationNamed(d, "GET /orders"); !reflect.DeepEqual(op.Ext.Roles, []string{"b"}) || op.Ext.MaxBody != 1024 {
		t.Errorf("%+v", op.Ext)
	}
	if op := operationNamed(d, "GET /copies"); op.Ext.Roles != nil {
		t.Errorf("an alias took over what was meant for another: %+v", op.Ext)
	}
}

func operationNamed(d *Document, key string) *Operation {
	for _, op := range d.Operations {
		if op.Key == key {
			return op
		}
	}
	return nil
}
