// Package schema compiles JSON Schema, in the dialects of OpenAPI 3.0, 3.1 and 3.2, into plans that judge a
// [content.Node] without decoding it again.
//
// Compilation resolves every reference and reports what it cannot judge ([Compiler.Unsupported]: such a keyword passes)
// and what is written wrongly ([Compiler.Problems]); evaluation only walks. A Schema is immutable and safe for
// concurrent use. The work of one evaluation has a bound that grows with the size of the message only: what would take
// more is a Violation. Patterns run in linear time, numbers are compared exactly.
package schema

import (
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
)

// Direction tells a request from a response: readOnly properties are refused in the one, writeOnly in the other.
type Direction uint8

// The directions.
const (
	Request Direction = iota
	Response
)

// A Result is everything that one evaluation learned.
type Result struct {
	// Violations are the places where the instance does not fit, at most 20. Undeclared members are not among them.
	Violations []Violation
	// Undeclared are the members of closed objects that no schema declares: an object schema that names properties
	// and is silent about others is closed, over the union of allOf, the matching branches of oneOf/anyOf, if/then/else
	// and $ref. additionalProperties: false written in the schema makes a Violation instead in a request, and an
	// Undeclared in a response.
	Undeclared []Member
	// Marked are the values whose property, in a schema that applies to them, carries annotations that matter to
	// guards (x-sallyport, formats of URLs, readOnly, writeOnly, format: password).
	Marked []Mark
}

// Valid reports whether there is no violation.
func (r *Result) Valid() bool { return r == nil || len(r.Violations) == 0 }

// A Violation is one place where the instance does not fit its schema. Detail names the expectation, never the value.
type Violation struct {
	Pointer      string        // RFC 6901
	Keyword      string        // "maxLength"
	Detail       string        // "must be at most 80 characters long"
	Parent, Node *content.Node // the member, where Keyword is readOnly
}

// A Member is a child of an object.
type Member struct {
	Parent, Node *content.Node
	Pointer      string // RFC 6901
}

// A Mark is a value and what its schema says about it.
type Mark struct {
	Parent, Node *content.Node // Parent is nil for the root; an Array or an Object otherwise
	Pointer      string        // RFC 6901
	Property     *Annotations
}

// Annotations are the parts of a property's schema that guards other than validation need.
type Annotations struct {
	config.Property        // x-sallyport, or the config's overlay
	Format          string // "uri", "email", "password" …
	ReadOnly        bool
	WriteOnly       bool
}

// Secret reports whether the value is said to be a password or a key: kind: secret, or format password.
func (a *Annotations) Secret() bool { return a.Kind == "secret" || a.Format == "password" }

// URL reports whether the value is said to be a URL: kind: url, or format uri, iri, uri-reference, iri-reference, or the
// unregistered url, which many documents write.
func (a *Annotations) URL() bool {
	return a.Kind == "url" || a.Format == "uri" || a.Format == "iri" || a.Format == "url" || a.Reference()
}

// Reference reports whether the value may be relative, by its format.
func (a *Annotations) Reference() bool {
	return a.Format == "uri-reference" || a.Format == "iri-reference"
}
