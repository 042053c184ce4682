package gateway

import (
	"bytes"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/explain"
	"github.com/sallyport/sallyport/internal/testkit"
)

// neverAllowed are the cases of [monitorCases], and of the test, for which no lines allow the exchange.
var neverAllowed = []string{"bad token", "no role", "semicolon"}

// TestLinesThatAllowAnExchange takes what a record of a refusal says would allow it, pastes it into the config, and sends
// the same again: it must pass the guard, and, with what the next refusal says, at last all of them.
func TestLinesThatAllowAnExchange(t *testing.T) {
	issuer := testkit.NewIssuer(t)
	identities := `identity: [ { name: corp, jwt: { issuer: "https://issuer.test/", jwks: "file:` + writeFile(t, "jwks.json", string(issuer.Set())) + `", audience: [shop], algorithms: [ES256] } } ]`
	upstream := h2cServer(t, http.HandlerFunc(monitored))
	token := func(roles ...string) http.Header {
		return http.Header{"Authorization": {"Bearer " + issuer.Token(t, issuer.Claims("sub", "a1", "roles", roles))}}
	}
	type sent struct {
		name, line  string
		header      http.Header
		body, scene string
	}
	cases := []sent{
		{"nobody", "GET /orders/a1", http.Header{}, "", ""},
		{"role", "GET /orders/a1", token("clerk"), "", ""},
		{"no role", "GET /orders/a1", token(), "", ""},
		{"foreign", "GET /orders/b2", token("admin"), "", ""},
		{"unknown", "GET /nothing", token("admin"), "", ""},
		{"method", "DELETE /orders", token("admin"), "", ""},
		{"status", "GET /orders/a1", token("admin"), "", "teapot"},
		{"semicolon", "GET /orders;a=b/a1", token("admin"), "", ""},
	}
	for _, c := range monitorCases[3:] {
		h := c.header.Clone()
		if h == nil {
			h = http.Header{}
		}
		if len(h["Authorization"]) == 0 {
			h["Authorization"] = token("admin")["Authorization"]
		}
		if c.name != "role" {
			cases = append(cases, sent{c.name, c.line, h, c.body, c.scene})
		}
	}
	codes := map[string]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := newGate(t, monitorSpec, upstream, allowAPI, identities).open(t)
			before := ""
			for range 8 {
				send(t, g.url, c.line, c.header, c.body, c.scene)
				r := g.record(t)
				if !r.Refused {
					if slices.Contains(neverAllowed, c.name) {
						t.Error("it passes")
					}
					return
				}
				codes[r.Code] = true
				cause := explain.Causes(r)[0]
				if cause.Code+cause.Guard == before {
					t.Fatalf("%s refuses still: %s", cause.Guard, cause.Allow.Lines)
				}
				before = cause.Code + cause.Guard
				if cause.Allow.Why == "" {
					t.Errorf("%s: nothing is said about it", cause.Code)
				}
				if cause.Allow.Lines == "" {
					if !slices.Contains(neverAllowed, c.name) {
						t.Errorf("%s: no lines: %s", cause.Code, cause.Allow.Why)
					}
					return
				}
				g.paste(t, cause.Allow.Lines)
			}
			t.Error("it is refused again and again")
		})
	}
	if len(codes) < 20 {
		t.Errorf("only %q were met", slices.Sorted(maps.Keys(codes)))
	}
}

const allowAPI = `    mode: enforce
    security: { bearer: corp }
    refusals: { limit: 10000, per: 1h }
    max_body: 1KiB
    protect: { cors: { origins: ["https://app.example"] } }
    inspect: { paranoia: 2 }
    operations:
      "GET /orders/{id}": { owner: { path.id: principal.subject }, roles: [admin] }
`

// paste merges lines into the config, and takes it into use.
func (g *gate) paste(t *testing.T, lines string) {
	t.Helper()
	text, err := os.ReadFile("sallyport.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var old, more any
	if err := yaml.Unmarshal(text, &old); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(lines), &more); err != nil {
		t.Fatalf("%v\n%s", err, lines)
	}
	text, err = yaml.Marshal(merged(old, more))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("sallyport.yaml", text, 0o600); err != nil {
		t.Fatal(err)
	}
	c, src, problems := config.Load("sallyport.yaml")
	if c == nil || problems.Failed() {
		t.Fatalf("%v\n%s", problems, lines)
	}
	snapshot, problems := Build(c, src, g.parts)
	if snapshot == nil {
		t.Fatalf("%v\n%s", problems, lines)
	}
	g.Swap(snapshot)
}

// merged is what somebody means who pastes lines at their place: mappings by their keys, entries of a list by name.
func merged(old, more any) any {
	switch more := more.(type) {
	case map[string]any:
		into, ok := old.(map[string]any)
		if !ok {
			return more
		}
		for k, v := range more {
			into[k] = merged(into[k], v)
		}
		return into
	case []any:
		into, _ := old.([]any)
		for _, v := range more {
			named := func(o any) bool {
				a, isMap := o.(map[string]any)
				b, both := v.(map[string]any)
				return isMap && both && a["name"] != nil && a["name"] == b["name"]
			}
			if i := slices.IndexFunc(into, named); i >= 0 {
				into[i] = merged(into[i], v)
			} else if !slices.ContainsFunc(into, func(o any) bool { x, _ := yaml.Marshal(o); y, _ := yaml.Marshal(v); return bytes.Equal(x, y) }) {
				into = append(into, v)
			}
		}
		return into
	}
	return more
}

// Each reason has lines, or a word about why there are none.
func TestEveryReasonSaysWhatAllowsIt(t *testing.T) {
	for _, reason := range exchange.Catalogue() {
		r := &exchange.Record{Refused: true, Code: reason.Code, Guard: strings.Replace(reason.Code, "content.", "content/", 1), API: "shop", Operation: "GET /orders/{id}"}
		if a := explain.Causes(r)[0].Allow; a.Why == "" {
			t.Errorf("%s: %+v", reason.Code, a)
		}
	}
}
