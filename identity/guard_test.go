package identity

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
	"github.com/sallyport/sallyport/openapi"
)

// world has two issuers and two lists of API keys, as an API with everything would.
type world struct {
	p              *Providers
	corp, partner  *testkit.Issuer
	key, otherKey  string
	schemes        map[string]*openapi.SecurityScheme
	security       map[string]string
	corpT, partnT  string // tokens
	strangerIssuer string // a token of neither
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{corp: testkit.NewIssuer(t), partner: testkit.NewIssuer(t)}
	w.partner.Name = "https://partner.test/"
	w.key, _ = newKey()
	w.otherKey, _ = newKey()
	partner := corp(w.partner, fileSet(t, w.partner.Set()))
	partner.Name = "partner"
	w.p = mustNew(t, corp(w.corp, fileSet(t, w.corp.Set())), partner,
		config.Identity{Name: "keys", APIKey: &config.APIKey{Keys: []config.Key{{ID: "acme", Hash: must(HashKey(w.key)), Subject: "acme-corp", Roles: []string{"partner"}, Scopes: []string{"bulk"}}}}},
		config.Identity{Name: "others", APIKey: &config.APIKey{Header: "X-Other", Keys: []config.Key{{ID: "other", Hash: must(HashKey(w.otherKey))}}}},
	)
	w.schemes = map[string]*openapi.SecurityScheme{
		"bearer": bearerScheme, "key": keyScheme,
		"oauth":     {Name: "oauth", Type: "oauth2"},
		"oidc":      {Name: "oidc", Type: "openIdConnect"},
		"swagger":   {Name: "swagger", Type: "apiKey", In: "header", Param: "authorization"},
		"query":     {Name: "query", Type: "apiKey", In: "query", Param: "api_key"},
		"cookie":    {Name: "cookie", Type: "apiKey", In: "cookie", Param: "sid"},
		"otherKey":  {Name: "otherKey", Type: "apiKey", In: "header", Param: "X-Other"},
		"basic":     {Name: "basic", Type: "http", Scheme: "basic"},
		"mtls":      {Name: "mtls", Type: "mutualTLS"},
		"queryAuth": {Name: "queryAuth", Type: "apiKey", In: "query", Param: "access_token"},
	}
	w.security = map[string]string{"bearer": "corp", "oauth": "partner", "oidc": "corp", "swagger": "corp", "key": "keys",
		"query": "keys", "cookie": "keys", "otherKey": "others", "queryAuth": "keys"}
	w.corpT = w.corp.Token(t, w.corp.Claims())
	w.partnT = w.partner.Token(t, w.partner.Claims("sub", "p1", "client_id", nil, "exp", nil, "exp", w.partner.Claims()["exp"]))
	k := testkit.NewKey(t, "k1", "ES256")
	w.strangerIssuer = k.Sign(t, nil, w.corp.Claims("iss", "https://evil.test/"))
	return w
}

func (w *world) guard(t testing.TB, op *openapi.Operation) exchange.Guard {
	t.Helper()
	g, err := w.p.Guard(op, w.schemes, w.security)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// with adds credentials to an exchange by scheme name.
func (w *world) with(names ...string) *exchange.Exchange {
	e := ask()
	for _, n := range names {
		switch n {
		case "bearer":
			e.Request.Header.Add("Authorization", "Bearer "+w.corpT)
		case "partner":
			e.Request.Header.Add("Authorization", "bearer "+w.partnT)
		case "stranger":
			e.Request.Header.Add("Authorization", "Bearer "+w.strangerIssuer)
		case "basic":
			e.Request.Header.Add("Authorization", "Basic dTpw")
		case "key":
			e.Request.Header.Add("X-API-Key", w.key)
		case "badKey":
			e.Request.Header.Add("X-API-Key", w.key[:len(w.key)-1]+"_")
		case "emptyKey":
			e.Request.Header.Add("X-API-Key", "")
		case "otherKey":
			e.Request.Header.Add("X-Other", w.otherKey)
		case "query":
			e.Target.Query = append(e.Target.Query, content.Pair{Name: "api_key", Value: w.key})
		case "cookie":
			e.Request.Header.Add("Cookie", "a=b; sid="+w.key)
		case "tokenInQuery":
			e.Target.Query = append(e.Target.Query, content.Pair{Name: "Access_Token", Value: w.corpT})
		default:
			panic(n)
		}
	}
	return e
}

const (
	missing   = "identity.missing"
	ambiguous = "identity.ambiguous"
	badKeyRef = "identity.key_invalid"
)

func TestAlternatives(t *testing.T) {
	w := newWorld(t)
	anonymous := func(op *openapi.Operation, yes bool) *openapi.Operation { op.Ext.Anonymous = &yes; return op }
	bearer, key, none := []string{"bearer"}, []string{"key"}, []string{}
	for _, c := range []struct {
		name string
		op   *openapi.Operation
		with []string
		want string
		who  string // subject and what is satisfied
	}{
		{"token", operation(bearer), []string{"bearer"}, "", "u1 bearer"},
		{"nothing", operation(bearer), nil, missing, ""},
		{"key instead of token", operation(bearer), []string{"key"}, missing, ""},
		{"key beside a token, not asked for", operation(bearer), []string{"bearer", "key"}, "", "u1 bearer"},
		{"basic instead of token", operation(bearer), []string{"basic"}, missing, ""},
		{"two Authorization fields", operation(bearer), []string{"bearer", "bearer"}, ambiguous, ""},
		{"token in the query", operation(bearer), []string{"bearer", "tokenInQuery"}, ambiguous, ""},
		{"token in the query only", operation(bearer), []string{"tokenInQuery"}, ambiguous, ""},
		{"token of another issuer", operation(bearer), []string{"partner"}, badKeyOrIss, ""},

		{"either: token", operation(bearer, key), []string{"bearer"}, "", "u1 bearer"},
		{"either: key", operation(bearer, key), []string{"key"}, "", "acme-corp key"},
		{"either: both", operation(bearer, key), []string{"bearer", "key"}, ambiguous, ""},
		{"either: bad key", operation(bearer, key), []string{"badKey"}, badKeyRef, ""},
		{"either: two keys", operation(bearer, key), []string{"key", "key"}, ambiguous, ""},
		{"either: empty key", operation(bearer, key), []string{"emptyKey"}, badKeyRef, ""},

		{"both: both", operation([]string{"bearer", "key"}), []string{"bearer", "key"}, "", "u1 bearer key"},
		{"both: token only", operation([]string{"bearer", "key"}), []string{"bearer"}, missing, ""},
		{"both: key only", operation([]string{"bearer", "key"}), []string{"key"}, missing, ""},
		{"both: bad key", operation([]string{"bearer", "key"}), []string{"bearer", "badKey"}, badKeyRef, ""},
		{"both or partner: partner with key", operation([]string{"bearer", "key"}, []string{"oauth"}), []string{"partner", "key"}, badIss, ""},
		{"both or partner: partner", operation([]string{"bearer", "key"}, []string{"oauth"}), []string{"partner"}, "", "p1 oauth"},
		{"both or partner: corp alone", operation([]string{"bearer", "key"}, []string{"oauth"}), []string{"bearer"}, badIss, ""},

		{"two issuers: first", operation(bearer, []string{"oauth"}), []string{"bearer"}, "", "u1 bearer"},
		{"two issuers: second", operation(bearer, []string{"oauth"}), []string{"partner"}, "", "p1 oauth"},
		{"two issuers: neither", operation(bearer, []string{"oauth"}), []string{"stranger"}, badIss, ""},
		{"two names of one identity", operation(bearer, []string{"oidc"}), []string{"bearer"}, "", "u1 bearer oidc"},
		{"a scheme of Swagger 2", operation([]string{"swagger"}), []string{"bearer"}, "", "u1 swagger"},
		{"two lists of keys", operation(key, []string{"otherKey"}), []string{"otherKey"}, "", "other otherKey"},

		{"query", operation([]string{"query"}), []string{"query"}, "", "acme-corp query"},
		{"query, not declared", operation(key), []string{"query"}, missing, ""},
		{"query twice", operation([]string{"query"}), []string{"query", "query"}, ambiguous, ""},
		{"cookie", operation([]string{"cookie"}), []string{"cookie"}, "", "acme-corp cookie"},
		{"cookie twice", operation([]string{"cookie"}), []string{"cookie", "cookie"}, ambiguous, ""},
		{"cookie, not declared", operation(key), []string{"cookie"}, missing, ""},

		{"optional: nothing", operation(bearer, none), nil, "", ""},
		{"optional: token", operation(bearer, none), []string{"bearer"}, "", "u1 bearer"},
		{"optional: bad token", operation(bearer, none), []string{"stranger"}, badKeyOrIss, ""},
		{"optional: basic", operation(bearer, none), []string{"basic"}, missing, ""},
		{"security is empty: nothing", operation(), nil, "", ""},
		{"security is empty: token", operation(), []string{"bearer"}, "", "u1 bearer oidc swagger"},
		{"security is empty: bad key", operation(), []string{"badKey"}, badKeyRef, ""},
		{"security is empty: token and key", operation(), []string{"bearer", "key"}, ambiguous, ""},
		{"anonymous: true", anonymous(operation(bearer), true), nil, "", ""},
		{"anonymous: true, bad token", anonymous(operation(bearer), true), []string{"stranger"}, badKeyOrIss, ""},
		{"anonymous: false over an empty security", anonymous(operation(), false), nil, missing, ""},
		{"anonymous: false over an empty security, key", anonymous(operation(), false), []string{"otherKey"}, "", "other otherKey"},
		{"anonymous: false over an empty alternative", anonymous(operation(bearer, none), false), nil, missing, ""},
		{"not in the spec: nothing", &openapi.Operation{Key: "x", Undocumented: true}, nil, "", ""},
		{"not in the spec: token", &openapi.Operation{Key: "x", Undocumented: true}, []string{"partner"}, "", "p1 oauth"},
		{"not in the spec: bad token", &openapi.Operation{Key: "x", Undocumented: true}, []string{"stranger"}, badIss, ""},
	} {
		g := w.guard(t, c.op)
		e := w.with(c.with...)
		v := verdict(t, g, e)
		if got := code(v); got != c.want && !(c.want == badKeyOrIss && (got == badIss || got == badKey || got == badSig)) {
			t.Errorf("%s: %q, want %q: %s", c.name, got, c.want, v.Detail)
			continue
		}
		if who := whoIs(e.Principal); who != c.who {
			t.Errorf("%s: principal %q, want %q", c.name, who, c.who)
		}
		// Every 401 challenges, and a detail never holds a credential.
		if v.Refused() {
			if v.Reason.Status == http.StatusUnauthorized && !slices.ContainsFunc(v.Header, func(f exchange.HeaderField) bool { return f.Name == "WWW-Authenticate" }) {
				t.Errorf("%s: no challenge", c.name)
			}
			for _, secret := range []string{w.key[16:40], w.corpT[60:80], "dTpw"} {
				if strings.Contains(v.Detail, secret) {
					t.Errorf("%s: the detail has the credential: %s", c.name, v.Detail)
				}
			}
		}
	}
}

// badKeyOrIss is any refusal of a token that another issuer signed.
const badKeyOrIss = "another issuer"

func whoIs(p *exchange.Principal) string {
	if p == nil {
		return ""
	}
	return p.Subject + " " + strings.Join(p.Satisfies, " ")
}

// Two credentials make one principal: the person, with the rights of the person only.
func TestMergedPrincipal(t *testing.T) {
	w := newWorld(t)
	e := w.with("key", "partner")
	if v := verdict(t, w.guard(t, operation([]string{"key", "oauth"})), e); !v.Passed() {
		t.Fatal(code(v), v.Detail)
	}
	p := e.Principal
	if p.Subject != "p1" || p.Issuer != "partner" || p.Kind != "jwt" || p.ClientID != "acme" || p.HasRole("partner") || p.HasScope("bulk") || !p.HasRole("customer") || p.Expires.IsZero() {
		t.Errorf("%+v", p)
	}
}

func TestPrincipalOfToken(t *testing.T) {
	w := newWorld(t)
	e := w.with("bearer")
	verdict(t, w.guard(t, operation([]string{"bearer"})), e)
	p := e.Principal
	if p == nil || p.Subject != "u1" || p.Issuer != "corp" || p.ClientID != "app" || p.Tenant != "t1" || !p.HasRole("customer") ||
		!p.HasScope("orders:write") || p.Claims["jti"] != "t1" || p.Expires.IsZero() {
		t.Errorf("%+v", p)
	}
	if _, whole := p.Claims["exp"].(int64); !whole {
		t.Errorf("exp is a %T", p.Claims["exp"])
	}
}

func TestClaimPaths(t *testing.T) {
	i := testkit.NewIssuer(t)
	c := corp(i, fileSet(t, i.Set()))
	c.JWT.Roles, c.JWT.Tenant, c.JWT.Scopes = "claims.realm_access.roles", "claims.https://shop.test/tenant", "claims.scp"
	g := bearerGuard(t, mustNew(t, c))
	e := withToken(i.Token(t, i.Claims("realm_access", map[string]any{"roles": []string{"a", "b"}}, "https://shop.test/tenant", "t9", "scp", "x y", "roles", []string{"wrong"})))
	if v := verdict(t, g, e); !v.Passed() {
		t.Fatal(code(v), v.Detail)
	}
	if p := e.Principal; !slices.Equal(p.Roles, []string{"a", "b"}) || p.Tenant != "t9" || !slices.Equal(p.Scopes, []string{"x", "y"}) {
		t.Errorf("%+v", p)
	}
}

func TestChallenges(t *testing.T) {
	w := newWorld(t)
	scoped := operation([]string{"bearer"})
	scoped.Security[0].Schemes[0].Scopes = []string{"orders:read", `bad"scope`}
	for _, c := range []struct {
		name string
		op   *openapi.Operation
		e    *exchange.Exchange
		want []string
	}{
		{"missing", operation([]string{"bearer"}), ask(), []string{`Bearer realm="shop"`}},
		{"missing, with scope", scoped, ask(), []string{`Bearer realm="shop", scope="orders:read"`}},
		{"expired", scoped, withToken(w.corp.Token(t, w.corp.Claims("exp", 1))), []string{`Bearer realm="shop", error="invalid_token", error_description="The token has expired", scope="orders:read"`}},
		{"ambiguous", operation([]string{"bearer"}), w.with("bearer", "bearer"), []string{`Bearer realm="shop", error="invalid_request", error_description="More than one credential of the same kind"`}},
		{"key", operation([]string{"key"}), ask(), []string{`ApiKey realm="shop", in="header", name="X-Api-Key"`}},
		{"token or key", operation([]string{"bearer"}, []string{"query"}), ask(), []string{`Bearer realm="shop"`, `ApiKey realm="shop", in="query", name="api_key"`}},
	} {
		var got []string
		for _, f := range verdict(t, w.guard(t, c.op), c.e).Header {
			got = append(got, f.Value)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// A refusal names the setting that would change it.
func TestSettings(t *testing.T) {
	w := newWorld(t)
	g := w.guard(t, operation([]string{"oauth"}))
	for setting, pairs := range map[string][]any{
		"identity[1].jwt.audience": {"aud", "x"},
		"identity[1].jwt.issuer":   {"iss", "x"},
		"identity[1].jwt.leeway":   {"exp", 1},
		"identity[1].jwt.roles":    {"roles", 1},
	} {
		if v := verdict(t, g, withToken(w.partner.Token(t, w.partner.Claims(pairs...)))); v.Setting != setting || v.Detail == "" {
			t.Errorf("%q, want %q: %s", v.Setting, setting, v.Detail)
		}
	}
	if v := verdict(t, w.guard(t, operation([]string{"key"})), w.with("badKey")); v.Setting != "identity[2].api_key.keys" {
		t.Errorf("%q", v.Setting)
	}
}

func TestGuardErrors(t *testing.T) {
	w := newWorld(t)
	without := func(names ...string) map[string]string {
		m := maps.Clone(w.security)
		for _, n := range names {
			delete(m, n)
		}
		return m
	}
	with := func(name, identity string) map[string]string {
		m := maps.Clone(w.security)
		m[name] = identity
		return m
	}
	undeclared := operation()
	undeclared.Declared = false
	for _, c := range []struct {
		name     string
		op       *openapi.Operation
		security map[string]string
		want     string // "" for none
	}{
		{"basic", operation([]string{"basic"}), with("basic", "corp"), "http basic is not supported"},
		{"mutual TLS", operation([]string{"mtls"}), with("mtls", "corp"), "needs an identity with mtls"},
		{"basic, not mapped, beside bearer", operation([]string{"basic"}, []string{"bearer"}), w.security, ""},
		{"nothing mapped", operation([]string{"bearer"}), without("bearer"), "none of its security schemes"},
		{"only the anonymous alternative is mapped", operation([]string{"bearer"}, nil), without("bearer"), "only the anonymous alternative"},
		{"no such identity", operation([]string{"bearer"}), with("bearer", "nobody"), "there is no identity"},
		{"no such scheme", operation(), with("ghost", "corp"), "no security scheme"},
		{"key for a token scheme", operation([]string{"bearer"}), with("bearer", "keys"), "another kind"},
		{"token for a key scheme", operation([]string{"key"}), with("key", "corp"), "another kind"},
		{"header that contradicts the config", operation([]string{"key"}), with("key", "others"), "X-Other"},
		{"no security declared", undeclared, w.security, "declares no security"},
	} {
		_, err := w.p.Guard(c.op, w.schemes, c.security)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "GET /x")):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// Servers trim the space before "=": both are sessions to them.
func TestCookieNames(t *testing.T) {
	for line, want := range map[string]string{"sid=a; other=b": "a", "other=b": "", "sid=a; sid =b": ambiguous, "sid\t=b;sid=a": ambiguous, "xsid=a": ""} {
		value, _, f := cookie([]string{line}, "sid")
		if f != nil {
			value = f.reason.Code
		}
		if value != want {
			t.Errorf("%q: %q, want %q", line, value, want)
		}
	}
}
