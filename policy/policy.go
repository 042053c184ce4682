// Package policy decides whether a caller may: deny by default, the spec's security alternatives and scopes, roles,
// CEL rules, and the ownership of single objects on the way in and on the way out.
//
// Everything is compiled when the snapshot is built. The guards only read the Exchange; the one thing that they change
// is the answer's body, from which objects of others are removed.
package policy

import (
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// Options are what the guards of an operation must know of its API.
type Options struct {
	// API is the name in the config; it stands in settings and in the realm of challenges.
	API string
	// Schemes are the security schemes of the document.
	Schemes map[string]*openapi.SecurityScheme
	// IdentityOff: the operator has switched identity off in words, there are no principals. Nothing that asks for a
	// principal is judged then: security, roles, scopes, rules and owner bindings that use principal.
	IdentityOff bool
}

// Operation builds the guard "policy.operation" (OnHead).
func Operation(op *openapi.Operation, o Options) (exchange.Guard, error) { panic("not built yet") }

// Object builds the guards "policy.object": none to three, one for each of OnHead, OnBody and OnResponseBody.
func Object(op *openapi.Operation, o Options) ([]exchange.Guard, error) { panic("not built yet") }
