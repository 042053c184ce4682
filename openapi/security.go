package openapi

import (
	"slices"
	"strings"
)

// schemes reads components.securitySchemes.
func (b *builder) schemes() {
	b.doc.Schemes = map[string]*SecurityScheme{}
	root := cursor{place{b.main, ""}, b.main.root}
	components, ok := b.object(root, "components")
	if !ok {
		return
	}
	all, ok := b.object(components, "securitySchemes")
	if !ok {
		return
	}
	for _, e := range all.members() {
		c, ok := b.follow(e)
		if !ok {
			continue
		}
		s := &SecurityScheme{Name: e.key(), Type: b.text(c, "type"), place: c.place}
		if b.scheme(c, s) {
			b.doc.Schemes[s.Name] = s
		}
	}
}

func (b *builder) scheme(c cursor, s *SecurityScheme) bool {
	switch s.Type {
	case "apiKey":
		s.In, s.Param = b.text(c, "in"), b.text(c, "name")
		if !slices.Contains([]string{"header", "query", "cookie"}, s.In) || s.Param == "" {
			b.fail(c.place, "spec.scheme", "{ type: apiKey, in: header, name: X-API-Key }", "the API key %s needs a name, and in: header, query or cookie", s.Name)
			return false
		}
	case "http":
		s.Scheme = strings.ToLower(b.text(c, "scheme"))
		if s.Scheme == "" {
			b.fail(c.place, "spec.scheme", "{ type: http, scheme: bearer }", "the scheme %s does not say which HTTP authentication it is", s.Name)
			return false
		}
	case "oauth2":
		s.scopes, s.flows = b.flows(c, s.Name)
	case "openIdConnect":
	case "mutualTLS":
		if b.minor == 0 {
			b.warn(c.place, "spec.version", "openapi: 3.1.0", "mutualTLS exists since OpenAPI 3.1")
		}
	default:
		b.fail(c.place, "spec.scheme", "apiKey, http, oauth2, openIdConnect and mutualTLS exist", "the scheme %s has the unknown type %q", s.Name, s.Type)
		return false
	}
	return true
}

// flows returns the scopes of an OAuth 2 scheme, and its flows.
func (b *builder) flows(c cursor, name string) (scopes, flows []string) {
	all, ok := b.object(c, "flows")
	if !ok {
		b.warn(c.place, "spec.scheme", "", "the OAuth 2 scheme %s has no flows, hence no scopes", name)
		return nil, nil
	}
	known := []string{"implicit", "password", "clientCredentials", "authorizationCode"}
	if b.minor >= 2 {
		known = append(known, "deviceAuthorization")
	}
	b.unknownKeys(all, "the flows of an OAuth 2 scheme", known...)
	for _, f := range all.members() {
		if strings.HasPrefix(f.key(), "x-") {
			continue
		}
		flows = append(flows, f.key())
		if list, ok := b.object(f, "scopes"); ok {
			for _, s := range list.members() {
				scopes = append(scopes, s.key())
			}
		}
	}
	return scopes, flows
}

// security resolves what an operation demands: its own list, else the document's.
func (b *builder) security(op *Operation, c cursor) {
	holder := c
	if !c.has("security") {
		holder = cursor{place{b.main, ""}, b.main.root}
	}
	field, ok := holder.get("security")
	if !ok {
		return
	}
	op.Declared = true
	if _, ok := field.v.([]any); !ok {
		b.fail(field.place, "spec.security", "security: [ { bearerAuth: [] } ]", "security must be a list of alternatives")
		return
	}
	op.Security = []Requirement{}
	for _, e := range field.elements() {
		if r, ok := b.requirement(e); ok {
			op.Security = append(op.Security, r)
		}
	}
}

// requirement reads one alternative. One that names an unknown scheme is an error, never a narrower or wider meaning.
func (b *builder) requirement(c cursor) (Requirement, bool) {
	if _, ok := c.v.(map[string]any); !ok {
		b.fail(c.place, "spec.security", "{ bearerAuth: [] }; all schemes of one entry are needed together", "each alternative must be an object of scheme names")
		return Requirement{}, false
	}
	var r Requirement
	for _, e := range c.members() {
		scheme := b.doc.Schemes[e.key()]
		if scheme == nil {
			scheme = b.schemeAt(e)
		}
		if scheme == nil {
			b.fail(e.place, "spec.unknown_scheme", b.schemeHint(e.key()), "there is no security scheme %s", e.key())
			continue
		}
		ref := SchemeRef{Name: e.key()}
		if e.v == nil {
			b.warn(e.place, "spec.empty", e.key()+": []", "the scopes of %s are missing; none are read", e.key())
		} else {
			ref.Scopes = b.texts(c, e.key())
		}
		if scheme.Type == "oauth2" {
			for _, s := range ref.Scopes {
				if !slices.Contains(scheme.scopes, s) {
					b.warn(e.place, "spec.unknown_scope", "list it under the scopes of a flow", "the scheme %s has no scope %s", e.key(), s)
				}
			}
		}
		r.Schemes = append(r.Schemes, ref)
	}
	return r, true
}

// schemeAt is the scheme that the name of a requirement leads to as a URI reference (OpenAPI 3.2, Security Requirement
// Object); nil where it leads to none. Names of components come before it.
func (b *builder) schemeAt(c cursor) *SecurityScheme {
	if b.minor < 2 || !strings.ContainsAny(c.key(), "/#.:") {
		return nil
	}
	at, err := b.library.find(c.src, c.key())
	if err != nil {
		return nil
	}
	if at, ok := b.follow(at); ok {
		s := &SecurityScheme{Name: c.key(), Type: b.text(at, "type"), place: at.place}
		if b.scheme(at, s) {
			b.doc.Schemes[s.Name] = s
			return s
		}
	}
	return nil
}

func (b *builder) schemeHint(name string) string {
	var names []string
	for n := range b.doc.Schemes {
		names = append(names, n)
	}
	if len(names) == 0 {
		return "declare it under components.securitySchemes"
	}
	return near(name, names)
}
