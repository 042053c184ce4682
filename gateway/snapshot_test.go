package gateway

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

func TestRoute(t *testing.T) {
	base := func(paths ...string) (list [][]string) {
		for _, p := range paths {
			list = append(list, strings.FieldsFunc(p, func(r rune) bool { return r == '/' }))
		}
		return list
	}
	s := &Snapshot{apis: []*api{
		{name: "all", bases: base("/")},
		{name: "v2", bases: base("/v2", "/beta/v2")},
		{name: "shop", hosts: []string{"shop.example"}, bases: base("/")},
		{name: "shop admin", hosts: []string{"shop.example", "admin.example"}, bases: base("/admin")},
	}}
	for _, c := range []struct{ host, path, api, rest string }{
		{"any.example", "/orders", "all", "orders"},
		{"any.example", "/v2/orders", "v2", "orders"},
		{"any.example", "/beta/v2", "v2", ""},
		{"any.example", "/beta/v3", "all", "beta/v3"},
		{"any.example", "/v2orders", "all", "v2orders"},
		{"shop.example", "/orders", "shop", "orders"},
		{"SHOP.example:8443", "/orders", "shop", "orders"},
		{"shop.example", "/admin/users", "shop admin", "users"},
		{"shop.example", "/v2/orders", "v2", "orders"}, // a longer base path comes before a named host
		{"admin.example", "/orders", "all", "orders"},
		{"[::1]:80", "/orders", "all", "orders"},
		{"shop.example.", "/orders", "all", "orders"},
	} {
		found, rest, known := s.route(c.host, base(c.path)[0])
		if !known || found == nil || found.name != c.api || strings.Join(rest, "/") != c.rest {
			t.Errorf("%s%s: %+v, %v", c.host, c.path, found, rest)
		}
	}
}

// Where every API names its hosts, others are not served; a host that is served has paths that are not.
func TestRouteNowhere(t *testing.T) {
	s := &Snapshot{apis: []*api{{name: "shop", hosts: []string{"shop.example"}, bases: [][]string{{"v1"}}}}}
	if found, _, known := s.route("other.example", []string{"v1"}); found != nil || known {
		t.Errorf("%+v, %v", found, known)
	}
	if found, _, known := s.route("shop.example", []string{"v2"}); found != nil || !known {
		t.Errorf("%+v, %v", found, known)
	}
}

// The posture tells every operation with the guards that are asked, in their modes, and nothing that is off.
func TestPosture(t *testing.T) {
	spec := `
openapi: 3.1.0
info: { title: Shop, version: "1" }
security: [ { key: [] } ]
paths:
  /a: { get: { responses: { "200": { description: one } } } }
  /b: { get: { x-sallyport: { anonymous: true, modes: { inspect: off, validate: monitor } }, responses: { "200": { description: one } } } }
  /c: { get: { security: [ {}, { key: [] } ], responses: { "200": { description: one } } } }
components: { securitySchemes: { key: { type: apiKey, in: header, name: X-API-Key } } }
`
	g := newGate(t, spec, "http://127.0.0.1:1", "    security: { key: keys }\n    unknown: inspect\n    modes: { protect: monitor }\n", "identity: [ { name: keys, api_key: {} } ]")
	list := g.Posture()
	var operations []string
	for _, p := range list {
		operations = append(operations, p.Operation)
		if p.API != "shop" || p.Guards["limit.admit"] != config.Enforce || p.Guards["protect.headers"] != config.Monitor {
			t.Errorf("%+v", p)
		}
	}
	if want := []string{"GET /a", "GET /b", "GET /c", "undocumented"}; !slices.Equal(operations, want) {
		t.Fatalf("%q, want %q", operations, want)
	}
	a, b, c, unknown := list[0], list[1], list[2], list[3]
	if a.Anonymous || a.Guards["identity"] != config.Enforce || a.Guards["inspect.head"] != config.Enforce || a.Guards["validate.params"] != config.Enforce {
		t.Errorf("%+v", a)
	}
	if _, asked := b.Guards["inspect.head"]; asked || !b.Anonymous || b.Guards["validate.params"] != config.Monitor {
		t.Errorf("%+v", b)
	}
	if _, asked := unknown.Guards["policy.operation"]; !c.Anonymous || asked || unknown.Guards["identity"] != config.Enforce || unknown.Guards["inspect.head"] != config.Enforce {
		t.Errorf("%+v %+v", c, unknown)
	}
	if got := New(&Parts{}).Posture(); got != nil {
		t.Errorf("without a snapshot: %+v", got)
	}
}

// Requests in flight end on the snapshot that they began with; later ones are served by the new one.
func TestSwapWithRequestInFlight(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	g := serve(t, plainSpec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-answer
		orders(w, r)
	}), open)
	status := make(chan int)
	go func() { got, _ := g.post(t, `{"id":"a1"}`); status <- got }()
	<-asked
	next := newGate(t, strings.ReplaceAll(plainSpec, "/orders", "/other"), "http://127.0.0.1:1", open, "")
	g.Swap(next.current.Load())
	if got, _ := g.post(t, `{"id":"a1"}`); got != http.StatusNotFound {
		t.Errorf("the new snapshot answered %d", got)
	}
	close(answer)
	if got := <-status; got != http.StatusOK {
		t.Errorf("the request in flight ended with %d", got)
	}
	if !g.Ready() {
		t.Error("not ready")
	}
	if g.Drain(); g.Ready() {
		t.Error("ready while it drains")
	}
}
