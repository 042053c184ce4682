package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// Operation builds the guard "policy.operation" (OnHead): somebody with a credential that the spec asks for, with its
// scopes, with one of the roles, for whom the allow rule is true.
//
// An operation is anonymous when it says so (anonymous: true), or when the spec says so in words: an empty list of
// security, or an empty alternative. One that says nothing cannot be built, unless identity is off.
func Operation(op *openapi.Operation, o Options) (exchange.Guard, error) {
	r, err := newRule(op, o)
	c, other := newCaller(op, o)
	if err = errors.Join(err, other); err != nil {
		return exchange.Guard{}, err
	}
	if r != nil && r.UsesBody() {
		r = nil // judged by policy.object, when the body is known
	}
	check := func(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
		if v := c.judge(e.Principal); !v.Passed() {
			return v, nil
		}
		if r != nil {
			return r.judge(e), nil
		}
		return exchange.Pass, nil
	}
	return exchange.Guard{Name: "policy.operation", Phase: exchange.OnHead, Check: check}, nil
}

// caller is what an operation demands of whoever calls it. Verdicts are made ahead.
type caller struct {
	open         bool // anybody: nothing is demanded
	alternatives []alternative
	scopes       []string // x-sallyport.scopes: all are needed, whatever the alternative
	roles        []string // one is needed

	missing, noScope, noRole exchange.Verdict
}

// An alternative of security: every scheme, with its scopes.
type alternative struct {
	schemes []string
	scopes  []string // that the credential must carry
	named   []string // of schemes without scopes of their own: names that must be a scope or a role (OpenAPI 3.1, 4.8.30)
	noScope exchange.Verdict
}

func newCaller(op *openapi.Operation, o Options) (*caller, error) {
	x := &op.Ext
	if o.IdentityOff {
		return &caller{open: true}, nil
	}
	anonymous := x.Anonymous != nil && *x.Anonymous
	restricted := len(x.Roles) > 0 || len(x.Scopes) > 0
	if anonymous && restricted {
		return nil, fmt.Errorf("%s: an anonymous operation has no roles or scopes", o.setting(op, "anonymous"))
	}
	if anonymous || op.Undocumented {
		return &caller{open: true}, nil
	}
	if !op.Declared {
		return nil, errors.New("no security is declared: declare security in the spec, or say anonymous: true in x-sallyport or in " +
			o.setting(op, "anonymous"))
	}
	c := &caller{scopes: x.Scopes, roles: x.Roles}
	demanded := restricted || x.Anonymous != nil // anonymous: false
	if len(op.Security) == 0 || slices.ContainsFunc(op.Security, func(r openapi.Requirement) bool { return len(r.Schemes) == 0 }) {
		c.open = !demanded
		c.alternatives = []alternative{{}}
	} else {
		for _, r := range op.Security {
			c.alternatives = append(c.alternatives, newAlternative(r, op, o))
		}
	}
	c.verdicts(op, o)
	return c, nil
}

func newAlternative(r openapi.Requirement, op *openapi.Operation, o Options) alternative {
	var a alternative
	for _, s := range r.Schemes {
		a.schemes = append(a.schemes, s.Name)
		switch {
		case len(op.Ext.Scopes) > 0: // said instead of the spec's
		case scoped(o.Schemes[s.Name]):
			a.scopes = append(a.scopes, s.Scopes...)
		default:
			a.named = append(a.named, s.Scopes...)
		}
	}
	a.noScope = scopeVerdict(append(slices.Clone(a.scopes), a.named...), "security", op, o)
	return a
}

// scoped reports whether the names beside a scheme in security are scopes: those of OAuth, and of a bearer token.
func scoped(s *openapi.SecurityScheme) bool {
	return s == nil || s.Type == "oauth2" || s.Type == "openIdConnect" || s.Type == "http" && s.Scheme == "bearer"
}

// scopeVerdict is the answer of RFC 6750, section 3.1, to a token that does not reach far enough.
func scopeVerdict(scopes []string, of string, op *openapi.Operation, o Options) exchange.Verdict {
	setting := o.setting(op, "scopes")
	return exchange.Refuse(exchange.ScopeMissing, fmt.Sprintf("the credential lacks one of the scopes %q of %s", scopes, of)).
		WithSetting(setting).
		WithHeader("WWW-Authenticate", o.challenge()+`, error="insufficient_scope", scope="`+scopeList(scopes)+`"`)
}

// scopeList joins scopes for a quoted string; what no scope may contain (RFC 6749, section 3.3) is left out.
func scopeList(scopes []string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, strings.Join(scopes, " "))
}

func (c *caller) verdicts(op *openapi.Operation, o Options) {
	c.missing = exchange.Refuse(exchange.CredentialsMissing, "no alternative of the operation's security is satisfied").
		WithSetting(o.setting(op, "anonymous")).WithHeader("WWW-Authenticate", o.challenge())
	c.noScope = scopeVerdict(c.scopes, "x-sallyport", op, o)
	c.noRole = exchange.Refuse(exchange.RoleMissing, fmt.Sprintf("needs one of the roles %q", c.roles)).WithSetting(o.setting(op, "roles"))
}

// judge is the heart of the matter. Identity has refused the anonymous before; this does not rely on it.
func (c *caller) judge(p *exchange.Principal) exchange.Verdict {
	if c.open {
		return exchange.Pass
	}
	if p == nil {
		return c.missing
	}
	v := c.missing
	for i := range c.alternatives {
		if v = better(v, c.alternatives[i].judge(p, c.missing)); v.Passed() {
			break
		}
	}
	if !v.Passed() {
		return v
	}
	if !all(p.HasScope, c.scopes) {
		return c.noScope
	}
	if len(c.roles) > 0 && !p.HasRole(c.roles...) {
		return c.noRole
	}
	return exchange.Pass
}

// better prefers Pass, then the refusal that came closest: a scope that is missing tells more than a credential.
func better(a, b exchange.Verdict) exchange.Verdict {
	if b.Passed() || a.Reason == exchange.CredentialsMissing {
		return b
	}
	return a
}

func (a *alternative) judge(p *exchange.Principal, missing exchange.Verdict) exchange.Verdict {
	for _, s := range a.schemes {
		if !slices.Contains(p.Satisfies, s) {
			return missing
		}
	}
	if !all(p.HasScope, a.scopes) || !all(func(name string) bool { return p.HasScope(name) || p.HasRole(name) }, a.named) {
		return a.noScope
	}
	return exchange.Pass
}

func all(has func(string) bool, names []string) bool {
	for _, n := range names {
		if !has(n) {
			return false
		}
	}
	return true
}
