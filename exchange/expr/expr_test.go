package expr

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// alice asks for GET /shops/{shop}/orders?limit=20&tag=a&tag=b.
func alice() *exchange.Exchange {
	op := &openapi.Operation{
		Key: "GET /shops/{shop}/orders", ID: "listOrders", Method: "GET", Path: "/shops/{shop}/orders", Tags: []string{"orders"},
		Params: []*openapi.Param{{Name: "shop", In: "path"}, {Name: "limit", In: "query"}, {Name: "tag", In: "query"},
			{Name: "from", In: "query"}, {Name: "X-Trace", In: "header"}},
	}
	number := &content.Node{Kind: content.Number, Text: "20"}
	tags := &content.Node{Kind: content.Array, Children: []content.Node{text1("a"), text1("b")}}
	shop := text1("berlin")
	return &exchange.Exchange{
		Start:     time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Client:    exchange.Client{Addr: netip.MustParseAddr("::ffff:10.1.2.3"), TLS: true},
		Operation: op,
		Params: openapi.Params{Values: []openapi.Value{{Param: op.Params[0], Node: &shop},
			{Param: op.Params[1], Node: number}, {Param: op.Params[2], Node: tags}}},
		Principal: &exchange.Principal{
			Subject: "alice", Issuer: "corp", Kind: "jwt", ClientID: "app", Tenant: "acme",
			Roles: []string{"customer", "beta"}, Scopes: []string{"orders:read"},
			Claims: map[string]any{"plan": "pro", "age": 41.0, "id": json.Number("9007199254740993"),
				"accounts": []any{"a-1", "a-2"}, "org": map[string]any{"unit": "sales"}, "none": nil},
		},
	}
}

func text1(s string) content.Node { return content.Node{Kind: content.String, Text: s} }

func TestRules(t *testing.T) {
	e := alice()
	s := Scope{Operation: e.Operation}
	for src, want := range map[string]bool{
		`true`:                                                      true,
		`principal.subject == "alice"`:                              true,
		`principal.tenant != "acme"`:                                false,
		`principal.authenticated`:                                   true,
		`"beta" in principal.roles`:                                 true,
		`"admin" in principal.roles`:                                false,
		`principal.scopes.exists(s, s.startsWith("orders"))`:        true,
		`principal.claims.plan == "pro"`:                            true,
		`principal.claims["plan"] == "pro"`:                         true,
		`principal.claims.org.unit == "sales"`:                      true,
		`principal.claims.age > 18`:                                 true,
		`principal.claims.id == 9007199254740993`:                   true,
		`principal.claims.id == 9007199254740992`:                   false,
		`principal.claims.none == null`:                             true,
		`has(principal.claims.missing)`:                             false,
		`has(principal.tenant)`:                                     true,
		`"a-2" in principal.claims.accounts`:                        true,
		`principal.claims.accounts.all(a, a.matches("^a-[0-9]$"))`:  true,
		`params.shop == "berlin"`:                                   true,
		`params.limit <= 20 && params["limit"] == 20`:               true,
		`params.tag == ["a", "b"]`:                                  true,
		`["a", "b"] == params.tag`:                                  true,
		`params.tag + ["c"] == ["a", "b", "c"]`:                     true,
		`size(params) == 3 && params.size() == 3`:                   true,
		`has(params.from)`:                                          false,
		`"from" in params || "limit" in params`:                     true,
		`params.all(k, k in ["shop", "limit", "tag"])`:              true,
		`client.addr == "10.1.2.3" && client.tls`:                   true,
		`client.addr.inCIDR("10.0.0.0/8")`:                          true,
		`client.addr.inCIDR("192.168.0.0/16")`:                      false,
		`client.addr.inCIDR("fe80::/10")`:                           false,
		`operation.id == "listOrders" && operation.method == "GET"`: true,
		`"orders" in operation.tags`:                                true,
		`operation.path.contains("{shop}")`:                         true,
		`now < timestamp("2027-01-01T00:00:00Z")`:                   true,
		`now.getHours() == 5`:                                       true,
		`"ÄBC".lowerAscii() == "Äbc"`:                               true,
		`principal == principal`:                                    true,
		`dyn(principal) == null`:                                    false,
	} {
		r, err := NewRule(src, s)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		got, err := r.Allows(e)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", src, got, err, want)
		}
	}
}

func TestNobody(t *testing.T) {
	e := alice()
	e.Principal = nil
	for src, want := range map[string]bool{
		`principal.authenticated`:           false,
		`principal.subject == ""`:           true,
		`has(principal.subject)`:            false,
		`size(principal.roles) == 0`:        true,
		`"admin" in principal.roles`:        false,
		`has(principal.claims.plan)`:        false,
		`principal.scopes.all(s, s == "x")`: true,
	} {
		r, err := NewRule(src, Scope{})
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		if got, err := r.Allows(e); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", src, got, err, want)
		}
	}
}

// Whatever is missing or of the wrong kind is an error, and errors never allow.
func TestRulesFailClosed(t *testing.T) {
	e := alice()
	for _, src := range []string{
		`params.from == "x"`,
		`principal.claims.missing == "x"`,
		`principal.claims.plan > 3`,
		`principal.claims.plan.deeper == "x"`,
		`params.tag[7] == "a"`,
		`params.limit / 0 == 1`,
		`int(params.shop) == 1`,
		`params.shop.inCIDR("10.0.0.0/8")`,
	} {
		r, err := NewRule(src, Scope{Operation: e.Operation})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := r.Allows(e); err == nil || got {
			t.Errorf("%s: %v, %v; want an error", src, got, err)
		}
	}
}

func TestRefusedAtLoad(t *testing.T) {
	e := alice()
	s := Scope{Operation: e.Operation}
	rule := func(src string) error { _, err := NewRule(src, s); return err }
	for _, c := range []struct {
		name, src    string
		line, column int
		message      string
	}{
		{"empty", " ", 1, 1, "empty"},
		{"too long", `"` + strings.Repeat("x", MaxSize) + `" == ""`, 1, 1, "longer"},
		{"syntax", `principal.subject ==`, 1, 21, "Syntax"},
		{"second line", "true &&\n  nobody", 2, 3, "nobody"},
		{"two mistakes", `nobody == "a" || principal.subjct == "b"`, 1, 1, "column 27: undefined field"},
		{"no list of tokens", `principal.subject ==`, 1, 21, "'<EOF>'"},
		{"unknown field", `principal.subjct == "a"`, 1, 10, "subjct"},
		{"kind", `principal.subject == 3`, 1, 19, "no matching overload"},
		{"result", `principal.subject`, 1, 1, "expected bool"},
		{"dyn result", `params.limit`, 1, 1, "expected bool"},
		{"body not here", `body.x == 1`, 1, 1, "body"},
		{"response not here", `response.x == 1`, 1, 1, "response"},
		{"value not here", `value == "a"`, 1, 1, "value"},
		{"parameter", `true && params.shpo == "x"`, 1, 15, "shpo"},
		{"parameter by index", `params["X-Trace"] == "x"`, 1, 7, "X-Trace"},
		{"parameter by has", `has(params.frm)`, 1, 4, "frm"},
		{"pattern", `"a".matches(principal.subject)`, 1, 12, "constant"},
		{"broken pattern", `"a".matches("(")`, 1, 13, "matches"},
		{"huge pattern", `"a".matches("((a{100}){100}){10}")`, 1, 13, "matches"},
		{"network", `client.addr.inCIDR("10.0.0.0")`, 1, 20, "not a network"},
		{"network from outside", `client.addr.inCIDR(params.shop)`, 1, 19, "constant"},
		{"loops", `[1].all(a, [1].all(b, [1].all(c, a + b + c > 0)))`, 1, 1, "nesting"},
		{"cost", `params.tag.all(a, params.tag.all(b, params.tag.exists(c, c == a + b) || (params.shop + a + b).contains(a)))`, 1, 1, ""},
		{"cost of many", strings.Repeat(`params.tag.all(a, params.tag.all(b, a == b)) && `, 20) + "true", 1, 1, "cost"},
		{"deep", strings.Repeat("(", 500) + "true" + strings.Repeat(")", 500), 1, 1, ""},
		{"construction", `principal{subject: "root"}.subject == "root" && principl{} == 1`, 1, 1, ""},
	} {
		err := rule(c.src)
		var at *Error
		if !errors.As(err, &at) {
			t.Errorf("%s: %v, want an Error", c.name, err)
			continue
		}
		if at.Line != c.line && c.message != "" || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v, want line %d and %q", c.name, err, c.line, c.message)
		}
		if c.message != "" && c.message != "nesting" && at.Column != c.column {
			t.Errorf("%s: %v, want column %d", c.name, err, c.column)
		}
	}
}
