package expr

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
)

// Two shapes make up most of what people write, and a list of objects asks for them once per object. They are decided
// without CEL, and decide the same; a test compares both.

// plainField recognises an expression that only selects a string field of the principal.
func plainField(e ast.Expr) func(*exchange.Principal) string {
	if name, ok := principalField(e); ok {
		return plain[name]
	}
	return nil
}

// principalField returns the name in principal.name.
func principalField(e ast.Expr) (string, bool) {
	if e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() {
		return "", false
	}
	return e.AsSelect().FieldName(), isIdent(e.AsSelect().Operand(), "principal")
}

func isIdent(e ast.Expr, name string) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == name }

// A test is one term of an owner binding.
type test func(*exchange.Principal, *content.Node) bool

// anyOf recognises terms joined by ||, each "the value is that field of the principal" or "the principal has that role":
//
//	value == principal.subject || "admin" in principal.roles
func anyOf(e ast.Expr) test {
	if e.Kind() != ast.CallKind {
		return nil
	}
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case operators.LogicalOr:
		terms := make([]test, len(args))
		for i, a := range args {
			if terms[i] = anyOf(a); terms[i] == nil {
				return nil
			}
		}
		return func(p *exchange.Principal, n *content.Node) bool {
			for _, t := range terms {
				if t(p, n) {
					return true
				}
			}
			return false
		}
	case operators.Equals:
		if isIdent(args[0], "value") {
			return equals(args[1])
		}
		if isIdent(args[1], "value") {
			return equals(args[0])
		}
	case operators.In:
		return holds(args[0], args[1])
	}
	return nil
}

func equals(e ast.Expr) test {
	get := plainField(e)
	if get == nil {
		return nil
	}
	return func(p *exchange.Principal, n *content.Node) bool {
		return n != nil && n.Kind == content.String && n.Text == get(p)
	}
}

func holds(word, list ast.Expr) test {
	want, ok := literal(word)
	name, is := principalField(list)
	if !ok || !is {
		return nil
	}
	switch name {
	case "roles":
		return func(p *exchange.Principal, _ *content.Node) bool { return slices.Contains(p.Roles, want) }
	case "scopes":
		return func(p *exchange.Principal, _ *content.Node) bool { return slices.Contains(p.Scopes, want) }
	}
	return nil
}
