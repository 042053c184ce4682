package oidc

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/sallyport/sallyport/admin/people"
)

// Prefix keeps the names of people of the provider apart from those of users.
const Prefix = "oidc:"

// person reads the claims of a token that has been verified.
func (p *Provider) person(id *oidc.IDToken) (people.Person, error) {
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return people.Person{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	claim := p.c.Name
	if claim == "" {
		claim = "email"
	}
	name, _ := claims[claim].(string)
	if claim == "email" && claims["email_verified"] != true {
		return people.Person{}, fmt.Errorf("%w: the address is not verified", ErrRefused)
	}
	if name == "" || len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return people.Person{}, fmt.Errorf("%w: the claim %s is no name", ErrRefused, claim)
	}
	who := people.Person{Name: Prefix + strings.ToLower(name)}
	for _, value := range values(claims, p.c.Claim) {
		if role := people.Role(p.c.Roles[value]); !who.Role.At(role) && role.At(people.Viewer) {
			who.Role = role
		}
	}
	if who.Role == "" {
		return who, fmt.Errorf("%w: no value of the claim has a role", ErrRefused)
	}
	return who, nil
}

// values are the texts at a path of claims.
func values(claims map[string]any, path string) (list []string) {
	if path == "" {
		path = "roles"
	}
	at, flat := claims[path]
	if !flat {
		at = claims
		for name := range strings.SplitSeq(path, ".") {
			object, _ := at.(map[string]any)
			at = object[name]
		}
	}
	switch v := at.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				list = append(list, s)
			}
		}
	}
	return list
}
