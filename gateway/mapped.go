package gateway

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/openapi"
)

// schemes are those of an API without a spec: each identity takes its credentials where it has them by its own settings.
func (b *builder) schemes() map[string]*openapi.SecurityScheme {
	schemes := map[string]*openapi.SecurityScheme{}
	for name, of := range b.api.Security {
		for _, id := range b.identities {
			switch {
			case id.Name != of:
			case id.APIKey != nil:
				schemes[name] = &openapi.SecurityScheme{Name: name, Type: "apiKey", In: "header", Param: cmp.Or(id.APIKey.Header, identity.KeyHeader)}
			default:
				schemes[name] = &openapi.SecurityScheme{Name: name, Type: "http", Scheme: "bearer"}
			}
		}
	}
	return schemes
}

// securityMapped demands that some alternative of an operation's security has an identity for all of its schemes, unless
// identity is off for it. The others are never accepted.
func (b *builder) securityMapped() {
	unmapped := func(s openapi.SchemeRef) bool { return b.api.Security[s.Name] == "" }
	missing := map[string]config.Severity{}
	for _, op := range b.doc.Operations {
		if b.mode(op, "identity") == config.Off {
			continue
		}
		severity := config.Warning // somebody can call it by another alternative
		if !slices.ContainsFunc(op.Security, func(r openapi.Requirement) bool { return !slices.ContainsFunc(r.Schemes, unmapped) }) {
			severity = config.Error
		}
		for _, alternative := range op.Security {
			for _, s := range alternative.Schemes {
				if unmapped(s) && missing[s.Name] != config.Error {
					missing[s.Name] = severity
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		b.problems = append(b.problems, b.unmapped(name, missing[name]))
	}
}

func (b *builder) unmapped(scheme string, severity config.Severity) config.Problem {
	message := fmt.Sprintf("the spec's security scheme %s has no identity", scheme)
	if severity == config.Warning {
		message += ": nobody gets in by it"
	}
	p := b.src.Problem(b.at, "identity.unmapped", message, fmt.Sprintf("security: { %s: <name under identity> }, or modes: { identity: off } to serve everybody", scheme))
	p.Severity = severity
	return p
}
