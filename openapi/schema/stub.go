package schema

import (
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
)

// A Schema is a compiled schema.
type Schema struct{}

// Evaluate judges n. The Result is never nil; one without anything to report is shared and must not be changed.
func (s *Schema) Evaluate(n *content.Node, d Direction) *Result { panic("not built yet") }

// Overlay returns a schema that also marks the values at the given paths ("email", "items[*].note", "a.b").
func (s *Schema) Overlay(props map[string]config.Property) (*Schema, error) { panic("not built yet") }

// Location is where the schema stands: document URI, "#", RFC 6901.
func (s *Schema) Location() string { panic("not built yet") }

// Types are the types that the schema lets through at its top, references and allOf followed; nil means any.
func (s *Schema) Types() []string { panic("not built yet") }

// Properties are the named properties, references and allOf followed.
func (s *Schema) Properties() []PropertyInfo { panic("not built yet") }

// Property is the schema of a named property, references, allOf and alternatives followed, or nil.
func (s *Schema) Property(name string) *Schema { panic("not built yet") }

// Items is the schema of an array's elements, or nil.
func (s *Schema) Items() *Schema { panic("not built yet") }

// Info is what the schema's own keywords and those of its references say.
func (s *Schema) Info() Info { panic("not built yet") }

// Walk visits the schema and everything below it, each once, with its location, until visit returns false for a
// branch.
func (s *Schema) Walk(visit func(pointer string, s *Schema) bool) { panic("not built yet") }

// PropertyInfo is one named property of an object schema.
type PropertyInfo struct {
	Name     string
	Schema   *Schema
	Required bool
}

// Openness says what an object schema does with members that it does not name.
type Openness uint8

// The degrees of openness.
const (
	Silent Openness = iota // says nothing
	Open                   // additionalProperties: true or a schema, unevaluatedProperties likewise
	Closed                 // additionalProperties: false or unevaluatedProperties: false
)

// Info is what a schema says about itself. A nil pointer means that the keyword is absent.
type Info struct {
	Format                       string
	Pattern                      string
	Enum                         []any // const is an enum of one
	MinLength, MaxLength         *int
	MinItems, MaxItems           *int
	MinProperties, MaxProperties *int
	Minimum, Maximum             string // literals, inclusive or not; "" where absent
	Additional                   Openness
	AdditionalSchema             *Schema // nil unless additionalProperties is a schema
	ReadOnly, WriteOnly          bool
	Deprecated                   bool
	UniqueItems                  bool
	Annotations                  *Annotations // nil when there are none
	Alternatives                 int          // branches of oneOf and anyOf
}
