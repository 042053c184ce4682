package schema

import "github.com/sallyport/sallyport/content"

// A Schema is a compiled schema.
type Schema struct{}

// Evaluate judges n.
func (s *Schema) Evaluate(n *content.Node, d Direction) *Result { panic("not built yet") }
