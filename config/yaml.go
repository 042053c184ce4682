package config

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxNesting bounds brackets within brackets, and dashes on one line. The parser's time grows with the square of both:
// two hundred thousand bytes would keep it busy for minutes. What is nested by indentation pays for itself in bytes.
const maxNesting = 500

// ParseYAML parses data into a tree; duplicate keys are for the reader of the tree to report. Its errors know their
// place (GetToken, GetMessage), as those of the library do.
func ParseYAML(data []byte) (*ast.File, error) {
	tokens := lexer.Tokenize(string(data))
	if deep := tooDeep(tokens); deep != nil {
		return nil, &nestingError{deep}
	}
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// tooDeep is the token that is one too many, or nil.
func tooDeep(tokens token.Tokens) *token.Token {
	brackets, dashes, line := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType:
			if t.Position.Line != line {
				dashes, line = 0, t.Position.Line
			}
			dashes++
		}
		if brackets > maxNesting || dashes > maxNesting {
			return t
		}
	}
	return nil
}

type nestingError struct{ at *token.Token }

func (e *nestingError) Error() string { return e.GetMessage() }

// GetToken is where the bound was passed.
func (e *nestingError) GetToken() *token.Token { return e.at }

// GetMessage is the error without its place.
func (e *nestingError) GetMessage() string {
	return fmt.Sprintf("nested deeper than %d", maxNesting)
}

// Begin is where a node begins. The token of a block mapping is its first colon, which is not what a reader looks for.
func Begin(n ast.Node) (line, column int) {
	for {
		switch m := n.(type) {
		case *ast.MappingValueNode:
			n = m.Key
			continue
		case *ast.MappingNode:
			if !m.IsFlowStyle && len(m.Values) > 0 {
				n = m.Values[0].Key
				continue
			}
		}
		if t := n.GetToken(); t != nil {
			return t.Position.Line, t.Position.Column
		}
		return 1, 1
	}
}
