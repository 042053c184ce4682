package expr

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
)

// program is what all kinds of expressions share.
type program struct {
	src  string
	prg  cel.Program
	uses map[string]bool
	// field is set when the expression is nothing but a field of the principal; prg is not asked then.
	field func(*exchange.Principal) string
	// simple is set when the expression is one that [anyOf] decides. Numbers are left to CEL: they can be out of range.
	simple test
}

// String returns the source.
func (p *program) String() string { return p.src }

// UsesBody reports whether the expression reads the request body.
func (p *program) UsesBody() bool { return p.uses["body"] }

// UsesResponse reports whether the expression reads the answer.
func (p *program) UsesResponse() bool { return p.uses["response"] }

// UsesPrincipal reports whether the expression asks who calls.
func (p *program) UsesPrincipal() bool { return p.uses["principal"] }

func (p *program) eval(e *exchange.Exchange, value *content.Node) (ref.Val, error) {
	v := pool.Get().(*vars)
	v.e, v.value = e, value
	out, _, err := p.prg.Eval(v)
	*v = vars{}
	pool.Put(v)
	if err != nil {
		return nil, fmt.Errorf("couldn't evaluate %q: %w", p.src, err)
	}
	return out, nil
}

// compile does everything that can fail. want judges the type of the result; it returns what was expected instead.
func compile(src string, s Scope, value bool, want func(*cel.Type) string) (*program, error) {
	if strings.TrimSpace(src) == "" {
		return nil, &Error{1, 1, "the expression is empty"}
	}
	if len(src) > MaxSize {
		return nil, &Error{1, 1, fmt.Sprintf("the expression is longer than %d bytes", MaxSize)}
	}
	env, err := environment(s, value)
	if err != nil {
		return nil, fmt.Errorf("couldn't make the environment of expressions: %w", err)
	}
	checked, issues := env.Compile(src)
	if err := mistakes(issues); err != nil {
		return nil, err
	}
	if expected := want(checked.OutputType()); expected != "" {
		return nil, &Error{1, 1, fmt.Sprintf("the result is %s, expected %s", checked.OutputType(), expected)}
	}
	c := checker{scope: s, ast: checked.NativeRep(), uses: map[string]bool{}}
	ast.PostOrderVisit(c.ast.Expr(), ast.NewExprVisitor(c.visit))
	if c.err != nil {
		return nil, c.err
	}
	if err := affordable(env, checked); err != nil {
		return nil, err
	}
	prg, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(CostLimit))
	if err != nil {
		return nil, &Error{1, 1, err.Error()}
	}
	return &program{src: src, prg: prg, uses: c.uses, field: plainField(c.ast.Expr()), simple: anyOf(c.ast.Expr())}, nil
}

// maxMistakes bounds what is reported of one expression.
const maxMistakes = 5

// mistakes is an [*Error] at the first mistake, which names the others too. Of a syntax error the first is the one to mend.
func mistakes(issues *cel.Issues) error {
	if issues == nil || len(issues.Errors()) == 0 {
		return nil
	}
	var all *Error
	for _, e := range issues.Errors()[:min(len(issues.Errors()), maxMistakes)] {
		message, _, syntax := strings.Cut(strings.TrimSuffix(e.Message, " (in container '')"), " expecting ") // a list of all tokens
		line, column := max(e.Location.Line(), 1), max(e.Location.Column()+1, 1)
		if all == nil {
			all = &Error{line, column, message}
		} else {
			all.Message += fmt.Sprintf("; line %d, column %d: %s", line, column, message)
		}
		if syntax || strings.HasPrefix(message, "Syntax error") {
			break
		}
	}
	return all
}

func isRule(t *cel.Type) string {
	if t.IsExactType(cel.BoolType) {
		return ""
	}
	return "bool"
}

func isKey(t *cel.Type) string {
	switch t.Kind() {
	case types.StringKind, types.IntKind, types.UintKind, types.BoolKind, types.DynKind:
		return ""
	}
	return "a string or an integer"
}

func isOwner(t *cel.Type) string {
	switch t.Kind() {
	case types.StringKind, types.BoolKind, types.DynKind:
		return ""
	case types.ListKind:
		if k := t.Parameters()[0].Kind(); k == types.StringKind || k == types.DynKind {
			return ""
		}
	}
	return "a string, a list of strings or a bool"
}

// checker looks for what the type checker cannot know.
type checker struct {
	scope Scope
	ast   *ast.AST
	uses  map[string]bool
	err   error
}

func (c *checker) fail(e ast.Expr, format string, args ...any) {
	if c.err == nil {
		at := c.ast.SourceInfo().GetStartLocation(e.ID())
		c.err = &Error{max(at.Line(), 1), max(at.Column()+1, 1), fmt.Sprintf(format, args...)}
	}
}

func (c *checker) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind:
		c.uses[e.AsIdent()] = true
	case ast.SelectKind:
		c.param(e, e.AsSelect().Operand(), e.AsSelect().FieldName())
	case ast.CallKind:
		c.call(e)
	}
}

func (c *checker) call(e ast.Expr) {
	call := e.AsCall()
	switch call.FunctionName() {
	case operators.Index:
		if name, ok := literal(call.Args()[1]); ok {
			c.param(e, call.Args()[0], name)
		}
	case operators.In:
		if name, ok := literal(call.Args()[0]); ok {
			c.param(e, call.Args()[1], name)
		}
	case "matches":
		if _, ok := literal(call.Args()[len(call.Args())-1]); !ok {
			c.fail(e, "the pattern of matches must be a constant")
		}
	case "inCIDR":
		network, ok := literal(call.Args()[0])
		if !ok {
			c.fail(e, "the network of inCIDR must be a constant")
		} else if _, err := netip.ParsePrefix(network); err != nil {
			c.fail(call.Args()[0], "%q is not a network like 10.0.0.0/8", network)
		}
	}
}

// param refuses names that the operation does not declare: misspelt, they would be an error at every request.
func (c *checker) param(e, of ast.Expr, name string) {
	if c.scope.Operation == nil || of.Kind() != ast.IdentKind || of.AsIdent() != "params" {
		return
	}
	for _, p := range c.scope.Operation.Params {
		if p.Name == name && (p.In == "path" || p.In == "query") {
			return
		}
	}
	c.fail(e, "the operation has no path or query parameter %q", name)
}

func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// affordable refuses an expression whose cost for messages of ordinary size could exceed CostLimit. Whatever a real
// message makes it cost, evaluation stops there.
func affordable(env *cel.Env, checked *cel.Ast) error {
	estimate, err := env.EstimateCost(checked, ordinary{})
	if err != nil {
		return fmt.Errorf("couldn't estimate the cost: %w", errors.Unwrap(err))
	}
	if estimate.Max > CostLimit {
		return &Error{1, 1, fmt.Sprintf("the expression may cost %d, at most %d is allowed; avoid loops in loops", estimate.Max, CostLimit)}
	}
	return nil
}

// ordinary assumes at most 32 elements of a list and 128 characters of a string, where nothing is known.
type ordinary struct{}

func (ordinary) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

func (ordinary) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	if n.ComputedSize() != nil {
		return nil
	}
	most := uint64(128)
	switch n.Type().Kind() {
	case types.ListKind, types.MapKind, types.DynKind:
		most = 32
	}
	s := cost.RangedSizeEstimate(0, most)
	return &s
}
