package expr

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
)

func node(t testing.TB, text string) *content.Node {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	n := build("", v)
	return &n
}

// build makes a tree from decoded JSON, so that these tests depend on no parser.
func build(name string, v any) content.Node {
	n := content.Node{Name: name}
	switch v := v.(type) {
	case nil:
		n.Kind = content.Null
	case bool:
		n.Kind, n.Text = content.Bool, map[bool]string{true: "true", false: "false"}[v]
	case json.Number:
		n.Kind, n.Text = content.Number, v.String()
	case string:
		n.Kind, n.Text = content.String, v
	case []any:
		n.Kind = content.Array
		for _, c := range v {
			n.Children = append(n.Children, build("", c))
		}
	case map[string]any:
		n.Kind = content.Object
		for k, c := range v {
			n.Children = append(n.Children, build(k, c))
		}
	}
	return n
}

func TestOwns(t *testing.T) {
	e := alice()
	e.Principal.Claims["number"], e.Principal.Claims["big"] = 42.0, 9007199254740993.0
	e.Principal.Claims["ids"] = []any{json.Number("7"), "x"}
	for _, c := range []struct {
		src, value string
		want       bool
	}{
		{`principal.subject`, `"alice"`, true},
		{`principal.subject`, `"Alice"`, false},
		{`principal.subject`, `"mallory"`, false},
		{`principal.subject`, `null`, false},
		{`principal.subject`, `{"id":"alice"}`, false},
		{`principal.subject`, `["alice","alice"]`, true},
		{`principal.subject`, `["alice","mallory"]`, false},
		{`principal.subject`, `[["alice"]]`, false},
		{`principal.subject`, `[]`, true},
		{`"" + principal.subject`, `["alice","mallory"]`, false},
		{`"" + principal.subject`, `[["alice"]]`, false},
		{`"" + principal.subject`, `{"a":"alice"}`, false},
		{`"42"`, `42`, true},
		{`"42"`, `42.0`, false},
		{`principal.claims.number`, `42`, true},
		{`principal.claims.number`, `42.0`, true},
		{`principal.claims.number`, `"42"`, false},
		{`principal.claims.big`, `9007199254740992`, false},
		{`principal.claims.id`, `9007199254740993`, true},
		{`principal.claims.id`, `9007199254740992`, false},
		{`principal.claims.accounts`, `"a-2"`, true},
		{`principal.claims.accounts`, `"a-3"`, false},
		{`principal.claims.accounts`, `["a-1","a-2"]`, true},
		{`principal.claims.accounts`, `["a-1","a-3"]`, false},
		{`principal.claims.ids`, `7`, true},
		{`principal.claims.ids`, `"x"`, true},
		{`principal.claims.ids`, `8`, false},
		{`principal.roles`, `"beta"`, true},
		{`principal.scopes.map(s, s + "!")`, `"orders:read!"`, true},
		{`value == principal.subject || "admin" in principal.roles`, `"alice"`, true},
		{`value == principal.subject || "admin" in principal.roles`, `"bob"`, false},
		{`value == null || value == principal.subject`, `null`, true},
		{`value.all(v, v == principal.subject)`, `["alice"]`, true},
		{`value.owner.id == principal.subject`, `{"owner":{"id":"alice"}}`, true},
		{`value == {"a": [1, 2.5, true, null]}`, `{"a":[1,2.5,true,null]}`, true},
		{`{"a": 1} == value`, `{"a":2}`, false},
		{`value.size() == 2 && "a" in value && value.exists(k, k == "b")`, `{"a":1,"b":2}`, true},
		{`value > 9223372036854775807`, `18446744073709551615`, true},
		{`""`, `""`, false},
		{`true`, `null`, true},
		{`false`, `"alice"`, false},
	} {
		o, err := NewOwner(c.src, Scope{})
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if got, err := o.Owns(e, node(t, c.value)); err != nil || got != c.want {
			t.Errorf("%s owns %s: %v, %v; want %v", c.src, c.value, got, err, c.want)
		}
	}
}

func TestOwnsFailsClosed(t *testing.T) {
	e := alice()
	for src, value := range map[string]string{
		`principal.claims.missing`:           `"alice"`,
		`principal.claims.org`:               `"sales"`,
		`principal.claims.none`:              `null`,
		`value < 10`:                         `99999999999999999999999`,
		`value > 1.0`:                        `1e999`,
		`value.owner == "x"`:                 `"alice"`,
		`[value].all(v, v.owner == "alice")`: `{"x":1}`,
	} {
		o, err := NewOwner(src, Scope{})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := o.Owns(e, node(t, value)); err == nil || got {
			t.Errorf("%s owns %s: %v, %v; want an error", src, value, got, err)
		}
	}
	for _, src := range []string{`42`, `{"a": "b"}`, `[1]`, `principal`, `now`} {
		if _, err := NewOwner(src, Scope{}); err == nil {
			t.Errorf("%s compiled as an owner", src)
		}
	}
}

// Nobody owns nothing, not even what belongs to nobody.
func TestNobodyOwnsNothing(t *testing.T) {
	e := alice()
	e.Principal = nil
	for _, src := range []string{`principal.subject`, `principal.tenant`, `"" + principal.subject`, `principal.roles`} {
		o, err := NewOwner(src, Scope{})
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{`""`, `null`, `"alice"`, `[""]`} {
			if got, err := o.Owns(e, node(t, value)); got || err != nil {
				t.Errorf("nobody owns %s by %s: %v, %v", value, src, got, err)
			}
		}
	}
}

func TestBodyAndResponse(t *testing.T) {
	e := alice()
	r, err := NewRule(`body == null`, Scope{Body: true})
	if err != nil || !r.UsesBody() || r.UsesResponse() || r.UsesPrincipal() {
		t.Fatalf("%v, uses %v", err, r.uses)
	}
	if ok, err := r.Allows(e); !ok || err != nil {
		t.Errorf("no body: %v, %v", ok, err)
	}
	o, err := NewOwner(`principal.subject == "x" || response == null`, Scope{Response: true})
	if err != nil || !o.UsesResponse() || !o.UsesPrincipal() {
		t.Fatalf("%v, uses %v", err, o.uses)
	}
	for _, e := range []*exchange.Exchange{e, {Response: &exchange.Response{}}} {
		if ok, err := o.Owns(e, nil); !ok || err != nil {
			t.Errorf("no response: %v, %v", ok, err)
		}
	}
}

func TestKeys(t *testing.T) {
	e := alice()
	for src, want := range map[string]string{
		`principal.subject`:                          "alice",
		`principal.tenant + "/" + principal.subject`: "acme/alice",
		`params.limit`:                               "20",
		`size(principal.roles)`:                      "2",
		`client.tls`:                                 "true",
		`principal.claims.plan`:                      "pro",
	} {
		k, err := NewKey(src, Scope{Operation: e.Operation})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := k.Of(e); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", src, got, err, want)
		}
	}
	for _, src := range []string{`principal.claims.age`, `principal.claims.none`, `params.from`, `principal.claims.org`} {
		k, err := NewKey(src, Scope{Operation: e.Operation})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := k.Of(e); err == nil {
			t.Errorf("%s: %q, want an error", src, got)
		}
	}
	if _, err := NewKey(`principal.roles`, Scope{}); err == nil {
		t.Error("a list compiled as a key")
	}
}

// An evaluation stops at the limit, whatever the message holds.
func TestCostLimit(t *testing.T) {
	big := &content.Node{Kind: content.Array, Children: make([]content.Node, 100_000)}
	for i := range big.Children {
		big.Children[i] = text1("x")
	}
	o, err := NewOwner(`value.all(v, v == "x")`, Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := o.Owns(alice(), big); ok || err == nil || !strings.Contains(err.Error(), "cost limit") {
		t.Errorf("%v, %v; want the cost limit", ok, err)
	}
}

// The fast paths and CEL must agree on every caller and every value.
func TestFastPathAgrees(t *testing.T) {
	type pair struct {
		fast, slow *Owner
		fkey, skey *Key
	}
	var pairs []pair
	for name := range plain {
		src := "principal." + name
		fast, err1 := NewOwner(src, Scope{})
		slow, err2 := NewOwner(src, Scope{})
		fkey, err3 := NewKey(src, Scope{})
		skey, err4 := NewKey(src, Scope{})
		if err1 != nil || err2 != nil || err3 != nil || err4 != nil || fast.field == nil || fkey.field == nil {
			t.Fatalf("%s has no fast path: %v %v %v %v", src, err1, err2, err3, err4)
		}
		slow.field, skey.field = nil, nil
		pairs = append(pairs, pair{fast, slow, fkey, skey})
	}
	for _, src := range []string{
		`value == principal.subject`,
		`principal.tenant == value`,
		`"a" in principal.roles`,
		`value == principal.subject || "A" in principal.roles || "0" in principal.scopes`,
		`(value == principal.client_id || "ä" in principal.roles) || (principal.issuer == value || value == principal.kind)`,
	} {
		fast, err1 := NewOwner(src, Scope{})
		slow, err2 := NewOwner(src, Scope{})
		if err1 != nil || err2 != nil || fast.simple == nil {
			t.Fatalf("%s has no fast path: %v %v", src, err1, err2)
		}
		slow.simple = nil
		pairs = append(pairs, pair{fast: fast, slow: slow})
	}
	for _, src := range []string{`value != principal.subject`, `value == principal.subject && "a" in principal.roles`, `!("a" in principal.roles)`,
		`value in principal.roles`, `principal.claims.a == value`, `value == "a"`, `value.a == principal.subject`, `has(principal.subject)`} {
		if o, err := NewOwner(src, Scope{}); err != nil || o.simple != nil || o.field != nil {
			t.Errorf("%s: %v, or has a fast path", src, err)
		}
	}
	word := rapid.SampledFrom([]string{"", "a", "A", "0", "42", "42.0", "true", "ä", "null"})
	leaf := rapid.Custom(func(t *rapid.T) content.Node {
		kind := rapid.SampledFrom([]content.Kind{content.Null, content.Bool, content.Number, content.String, content.File, content.Object}).Draw(t, "kind")
		n := content.Node{Kind: kind, Text: word.Draw(t, "text")}
		if kind == content.Object {
			n = content.Node{Kind: kind, Children: []content.Node{{Kind: content.String, Name: "a", Text: "a"}}}
		}
		return n
	})
	values := rapid.Custom(func(t *rapid.T) *content.Node {
		n := leaf.Draw(t, "leaf")
		for range rapid.IntRange(0, 2).Draw(t, "depth") {
			n = content.Node{Kind: content.Array, Children: append(rapid.SliceOfN(leaf, 0, 2).Draw(t, "others"), n)}
		}
		if rapid.IntRange(0, 20).Draw(t, "nil") == 0 {
			return nil
		}
		return &n
	})
	rapid.Check(t, func(t *rapid.T) {
		e := &exchange.Exchange{}
		if rapid.Bool().Draw(t, "somebody") {
			e.Principal = &exchange.Principal{Subject: word.Draw(t, "sub"), Issuer: word.Draw(t, "iss"),
				Kind: word.Draw(t, "kind"), ClientID: word.Draw(t, "client"), Tenant: word.Draw(t, "tenant"),
				Roles: rapid.SliceOfN(word, 0, 2).Draw(t, "roles"), Scopes: rapid.SliceOfN(word, 0, 2).Draw(t, "scopes")}
		}
		n := values.Draw(t, "value")
		for _, p := range pairs {
			a, errA := p.fast.Owns(e, n)
			b, errB := p.slow.Owns(e, n)
			if a != b || (errA == nil) != (errB == nil) {
				t.Fatalf("%s of %+v: fast %v %v, slow %v %v", p.fast, n, a, errA, b, errB)
			}
			if p.fkey == nil {
				continue
			}
			k, errK := p.fkey.Of(e)
			l, errL := p.skey.Of(e)
			if k != l || errK != nil || errL != nil {
				t.Fatalf("%s: fast %q %v, slow %q %v", p.fkey, k, errK, l, errL)
			}
		}
	})
}
