package identity

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/openapi"
)

// compile resolves the operation's security.
func (p *Providers) compile(op *openapi.Operation, schemes map[string]*openapi.SecurityScheme, security map[string]string) (*check, error) {
	b := builder{p: p, schemes: schemes, security: security, check: &check{}}
	requirements, err := b.requirements(op)
	if err != nil {
		return nil, err
	}
	for _, r := range requirements {
		b.add(r)
	}
	c := b.check
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	if len(c.alternatives) == 0 && !c.anonymous {
		return nil, fmt.Errorf("none of its security schemes (%v) is mapped to an identity in apis[].security", schemeNames(requirements))
	}
	if len(c.alternatives) == 0 && len(op.Security) > 0 && slices.ContainsFunc(op.Security, func(r openapi.Requirement) bool { return len(r.Schemes) > 0 }) {
		return nil, fmt.Errorf("its security schemes (%v) are not mapped to identities in apis[].security; only the anonymous alternative is left", schemeNames(requirements))
	}
	for i := range c.sources {
		for j := range c.sources[i].vouch {
			v := &c.sources[i].vouch[j]
			slices.Sort(v.satisfies)
			v.satisfies = p.engine.intern(v.satisfies)
		}
	}
	c.challenge = newChallenge(c, op, schemes)
	return c, nil
}

// requirements are the alternatives of the operation, without the empty one, which sets anonymous.
func (b *builder) requirements(op *openapi.Operation) ([]openapi.Requirement, error) {
	var list []openapi.Requirement
	anonymous := op.Undocumented || op.Declared && len(op.Security) == 0
	for _, r := range op.Security {
		if len(r.Schemes) == 0 {
			anonymous = true
			continue
		}
		list = append(list, r)
	}
	if a := op.Ext.Anonymous; a != nil {
		anonymous = *a
	} else if !op.Declared && !anonymous {
		return nil, errors.New("declares no security: add it to the spec, or say anonymous: true")
	}
	b.check.anonymous = anonymous
	if len(list) == 0 {
		// The operation names no scheme: whatever the API accepts elsewhere is a credential here too.
		for _, name := range slices.Sorted(maps.Keys(b.security)) {
			list = append(list, openapi.Requirement{Schemes: []openapi.SchemeRef{{Name: name}}})
		}
	}
	return list, nil
}

// builder gathers sources and alternatives of one operation.
type builder struct {
	p        *Providers
	schemes  map[string]*openapi.SecurityScheme
	security map[string]string
	check    *check
	errs     []error
}

// add enters one alternative, unless one of its schemes is not mapped.
func (b *builder) add(r openapi.Requirement) {
	for _, ref := range r.Schemes {
		if b.security[ref.Name] == "" {
			return
		}
	}
	var a alternative
	for _, ref := range r.Schemes {
		i, err := b.scheme(ref.Name)
		if err != nil {
			b.errs = append(b.errs, err)
			return
		}
		a.places |= 1 << i
		a.schemes = append(a.schemes, ref.Name)
	}
	b.check.alternatives = append(b.check.alternatives, a)
}

// scheme enters a scheme at its source and returns the index of the source.
func (b *builder) scheme(name string) (int, error) {
	s, known := b.schemes[name]
	if !known {
		return 0, fmt.Errorf("apis[].security: the spec has no security scheme %s", quote(name))
	}
	v, known := b.p.byName[b.security[name]]
	if !known {
		return 0, fmt.Errorf("apis[].security.%s: there is no identity %s", name, quote(b.security[name]))
	}
	where, param, kind := placeOf(s)
	switch {
	case kind == "":
		return 0, fmt.Errorf("security scheme %s: %s is not supported; switch it off with modes: { identity: off }, or leave it out of apis[].security", name, schemeKind(s))
	case kind != v.kind():
		return 0, fmt.Errorf("apis[].security.%s: a scheme of type %s needs an identity with %s, %s is another kind", name, s.Type, kind, v.name)
	}
	if where == inHeader && v.keys.header != "" && v.keys.header != param {
		return 0, fmt.Errorf("apis[].security.%s: the spec has the key in %s, identity %s in %s", name, param, v.name, v.keys.header)
	}
	b.check.query = b.check.query || where == inQuery && asciiLower(param) == "access_token"
	return b.source(where, param, v, name)
}

func (b *builder) source(where place, param string, v provider, scheme string) (int, error) {
	c := b.check
	i := slices.IndexFunc(c.sources, func(s source) bool { return s.place == where && s.name == param })
	if i < 0 {
		if i = len(c.sources); i == maxSources {
			return 0, fmt.Errorf("more than %d places for credentials", maxSources)
		}
		c.sources = append(c.sources, source{place: where, name: param})
		if where == inTLS {
			c.certificate = 1 << i
		}
	}
	s := &c.sources[i]
	j := slices.IndexFunc(s.vouch, func(o voucher) bool { return o.name == v.name })
	if j < 0 {
		if v.jwt != nil && slices.ContainsFunc(s.vouch, func(o voucher) bool { return o.jwt.issuer == v.jwt.issuer }) {
			return 0, fmt.Errorf("apis[].security.%s: two identities with issuer %s at one operation cannot be told apart", scheme, quote(v.jwt.issuer))
		}
		j = len(s.vouch)
		s.vouch = append(s.vouch, voucher{provider: v})
	}
	if !has(s.vouch[j].satisfies, scheme) {
		s.vouch[j].satisfies = append(s.vouch[j].satisfies, scheme)
	}
	return i, nil
}

func schemeKind(s *openapi.SecurityScheme) string {
	switch s.Type {
	case "http":
		return "http " + s.Scheme
	case "apiKey":
		return "apiKey in " + s.In
	}
	return s.Type
}

func schemeNames(list []openapi.Requirement) (names []string) {
	for _, r := range list {
		for _, s := range r.Schemes {
			if !has(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}
