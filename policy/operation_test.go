package policy

import (
	"context"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

var schemes = map[string]*openapi.SecurityScheme{
	"bearer": {Name: "bearer", Type: "http", Scheme: "bearer"},
	"oauth":  {Name: "oauth", Type: "oauth2"},
	"key":    {Name: "key", Type: "apiKey", In: "header", Param: "X-API-Key"},
}

// alternatives writes security as "bearer:read+key | oauth"; "" is the empty alternative.
func alternatives(s string) []openapi.Requirement {
	var out []openapi.Requirement
	for _, alt := range strings.Split(s, "|") {
		var r openapi.Requirement
		for _, ref := range strings.FieldsFunc(alt, func(c rune) bool { return c == '+' || c == ' ' }) {
			name, scopes, _ := strings.Cut(ref, ":")
			r.Schemes = append(r.Schemes, openapi.SchemeRef{Name: name, Scopes: strings.FieldsFunc(scopes, func(c rune) bool { return c == ',' })})
		}
		out = append(out, r)
	}
	return out
}

func operation(security string, x config.Operation) *openapi.Operation {
	return &openapi.Operation{Key: "GET /admin/users", ID: "listUsers", Method: "GET", Path: "/admin/users",
		Security: alternatives(security), Declared: true, Ext: x}
}

func who(satisfies, scopes, roles string) *exchange.Principal {
	return &exchange.Principal{Subject: "alice", Satisfies: strings.Fields(satisfies), Scopes: strings.Fields(scopes), Roles: strings.Fields(roles)}
}

func TestOperation(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name     string
		security string
		ext      config.Operation
		who      *exchange.Principal
		want     string // reason; "" is Pass
	}{
		{"nobody", "bearer", config.Operation{}, nil, "identity.missing"},
		{"somebody", "bearer", config.Operation{}, who("bearer", "", ""), ""},
		{"another scheme", "bearer", config.Operation{}, who("key", "", ""), "identity.missing"},
		{"one of two", "bearer+key", config.Operation{}, who("bearer", "", ""), "identity.missing"},
		{"both", "bearer+key", config.Operation{}, who("key bearer", "", ""), ""},
		{"either, the first", "bearer|key", config.Operation{}, who("bearer", "", ""), ""},
		{"either, the second", "bearer|key", config.Operation{}, who("key", "", ""), ""},
		{"scope", "bearer:read", config.Operation{}, who("bearer", "read write", ""), ""},
		{"no scope", "bearer:read", config.Operation{}, who("bearer", "write", ""), "policy.scope"},
		{"one of two scopes", "oauth:read,write", config.Operation{}, who("oauth", "write", ""), "policy.scope"},
		{"scopes of the other alternative", "oauth:read|bearer:write", config.Operation{}, who("oauth bearer", "write", ""), ""},
		{"scopes of an alternative that is not satisfied", "oauth:read|bearer:write", config.Operation{}, who("oauth", "write", ""), "policy.scope"},
		{"the scope tells more than the scheme", "bearer:read|key", config.Operation{}, who("bearer", "", ""), "policy.scope"},
		{"a role is no scope", "bearer:read", config.Operation{}, who("bearer", "", "read"), "policy.scope"},
		{"names beside an API key are roles", "key:partner", config.Operation{}, who("key", "", "partner"), ""},
		{"or scopes", "key:partner", config.Operation{}, who("key", "partner", ""), ""},
		{"which are needed", "key:partner", config.Operation{}, who("key", "", ""), "policy.scope"},
		{"own scopes instead", "bearer:read", config.Operation{Scopes: []string{"admin"}}, who("bearer", "admin", ""), ""},
		{"own scopes are needed", "bearer:read", config.Operation{Scopes: []string{"admin"}}, who("bearer", "read", ""), "policy.scope"},
		{"all of them", "bearer", config.Operation{Scopes: []string{"a", "b"}}, who("bearer", "a", ""), "policy.scope"},
		{"role", "bearer", config.Operation{Roles: []string{"admin", "support"}}, who("bearer", "", "support"), ""},
		{"no role", "bearer", config.Operation{Roles: []string{"admin"}}, who("bearer", "admin", "Admin"), "policy.role"},
		{"anonymous", "bearer", config.Operation{Anonymous: &yes}, nil, ""},
		{"anonymous in the spec", "", config.Operation{}, nil, ""},
		{"anonymous as an alternative", "bearer|", config.Operation{}, nil, ""},
		{"anonymous as an alternative, with a credential", "bearer|", config.Operation{}, who("key", "", ""), ""},
		{"not anonymous after all", "bearer|", config.Operation{Anonymous: &no}, nil, "identity.missing"},
		{"anonymous in the spec, but for a role", "bearer|", config.Operation{Roles: []string{"admin"}}, nil, "identity.missing"},
		{"anonymous in the spec, without the role", "bearer|", config.Operation{Roles: []string{"admin"}}, who("bearer", "", ""), "policy.role"},
		{"rule", "bearer", config.Operation{Allow: `principal.subject == "alice"`}, who("bearer", "", ""), ""},
		{"rule denies", "bearer", config.Operation{Allow: `principal.tenant == "acme"`}, who("bearer", "", ""), "policy.rule"},
		{"rule fails", "bearer", config.Operation{Allow: `principal.claims.plan == "pro"`}, who("bearer", "", ""), "policy.rule"},
		{"rule for nobody", "", config.Operation{Anonymous: &yes, Allow: `principal.authenticated`}, nil, "policy.rule"},
		{"rule over the body waits", "bearer", config.Operation{Allow: `body.x == 1`}, who("bearer", "", ""), ""},
	} {
		g, err := Operation(operation(c.security, c.ext), Options{API: "shop", Schemes: schemes})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if g.Name != "policy.operation" || g.Phase != exchange.OnHead {
			t.Errorf("%s: %q in phase %d", c.name, g.Name, g.Phase)
		}
		expect(t, c.name, g, &exchange.Exchange{Principal: c.who}, c.want)
	}
}

func expect(t *testing.T, name string, g exchange.Guard, e *exchange.Exchange, want string) exchange.Verdict {
	t.Helper()
	v, err := g.Check(context.Background(), e)
	got := ""
	if v.Refused() {
		got = v.Reason.Code
	}
	if err != nil || got != want || !v.Passed() && !v.Refused() {
		t.Errorf("%s: %q (%s), %v; want %q", name, got, v.Detail, err, want)
	}
	if v.Refused() && !strings.HasPrefix(v.Setting, "apis[shop].operations[") {
		t.Errorf("%s: setting %q", name, v.Setting)
	}
	return v
}

func TestInsufficientScope(t *testing.T) {
	op := operation("bearer:read:all,write", config.Operation{})
	g, err := Operation(op, Options{API: `sh"op`, Schemes: schemes})
	if err != nil {
		t.Fatal(err)
	}
	v, _ := g.Check(context.Background(), &exchange.Exchange{Principal: who("bearer", "", "")})
	want := exchange.HeaderField{Name: "WWW-Authenticate", Value: `Bearer realm="sh\"op", error="insufficient_scope", scope="read:all write"`}
	if len(v.Header) != 1 || v.Header[0] != want {
		t.Errorf("%v", v.Header)
	}
}

func TestOperationCannotBeBuilt(t *testing.T) {
	yes := true
	undeclared := operation("", config.Operation{})
	undeclared.Declared, undeclared.Security = false, nil
	roles := operation("", config.Operation{Roles: []string{"admin"}})
	roles.Declared, roles.Security = false, nil
	o := Options{API: "shop", Schemes: schemes}
	for name, op := range map[string]*openapi.Operation{
		"no security":            undeclared,
		"roles without security": roles,
		"anonymous with roles":   operation("bearer", config.Operation{Anonymous: &yes, Roles: []string{"admin"}}),
		"anonymous with scopes":  operation("bearer", config.Operation{Anonymous: &yes, Scopes: []string{"admin"}}),
		"broken rule":            operation("bearer", config.Operation{Allow: `principal.subjct == "x"`}),
		"rule over the answer":   operation("bearer", config.Operation{Allow: `response.x == 1`}),
	} {
		if _, err := Operation(op, o); err == nil {
			t.Errorf("%s: was built", name)
		}
	}
	o.IdentityOff = true
	for _, op := range []*openapi.Operation{undeclared, roles, operation("bearer", config.Operation{Allow: `principal.authenticated`})} {
		g, err := Operation(op, o)
		if err != nil {
			t.Fatalf("identity off: %v", err)
		}
		expect(t, "identity off", g, &exchange.Exchange{}, "")
	}
	g, err := Operation(operation("bearer", config.Operation{Allow: `client.tls`}), o)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "identity off, rule about the client", g, &exchange.Exchange{}, "policy.rule")
}

func BenchmarkOperation(b *testing.B) {
	for name, x := range map[string]config.Operation{
		"roles": {Roles: []string{"admin", "support"}},
		"rule":  {Allow: `principal.tenant == "acme" || "support" in principal.roles`},
	} {
		b.Run(name, func(b *testing.B) {
			g, err := Operation(operation("bearer:read", x), Options{API: "shop", Schemes: schemes})
			if err != nil {
				b.Fatal(err)
			}
			e := &exchange.Exchange{Principal: who("bearer", "read", "support")}
			b.ReportAllocs()
			for b.Loop() {
				if v, err := g.Check(context.Background(), e); err != nil || !v.Passed() {
					b.Fatal(v.Detail, err)
				}
			}
		})
	}
}
