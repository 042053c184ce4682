// Package expr compiles and evaluates the expressions of the config and the spec: allow rules, owner bindings and the
// keys of limits. The language is CEL (https://cel.dev).
//
// An expression is parsed, type-checked and bounded when the config is loaded: at most 4 KiB of source, a result type
// that its place demands, an estimated cost below [CostLimit], and only variables that exist in its phase. Evaluation
// stops at [CostLimit] and returns an error, as it does for every value that is missing or of the wrong kind; whoever
// asks refuses then.
//
// The variables are principal, params, client, operation and now everywhere; body where the request body is known;
// value in owner bindings; response in owner bindings of responses. See [Scope].
//
// Compiled expressions are immutable and safe for concurrent use. An evaluation reads the Exchange and the trees of its
// bodies in place; nothing is decoded again or copied.
package expr

import (
	"fmt"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// Scope says where an expression stands, and so which variables it may use.
type Scope struct {
	// Operation whose parameters are known by name; nil for rules of a whole API, where any name may be asked for.
	Operation *openapi.Operation
	// Body: the request body is known, at the latest.
	Body bool
	// Response: the answer's body is known.
	Response bool
}

// Error is an expression that does not compile. Line and Column count from 1 in the expression; Column in characters.
type Error struct {
	Line, Column int
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("expression, line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// A Rule is an expression whose result is a bool.
type Rule struct{ program }

// NewRule compiles a rule.
func NewRule(src string, s Scope) (*Rule, error) { panic("not built yet") }

// Allows evaluates the rule.
func (r *Rule) Allows(e *exchange.Exchange) (bool, error) { panic("not built yet") }

// An Owner is an expression that binds a value to the caller.
type Owner struct{ program }

// NewOwner compiles an owner binding. It may use the variable value.
func NewOwner(src string, s Scope) (*Owner, error) { panic("not built yet") }

// Owns reports whether the caller of e owns the value n.
func (o *Owner) Owns(e *exchange.Exchange, n *content.Node) (bool, error) { panic("not built yet") }

// A Key is an expression that names what is counted separately.
type Key struct{ program }

// NewKey compiles a key.
func NewKey(src string, s Scope) (*Key, error) { panic("not built yet") }

// Of evaluates the key.
func (k *Key) Of(e *exchange.Exchange) (string, error) { panic("not built yet") }

type program struct{ uses map[string]bool }

// UsesBody reports whether the expression reads the request body.
func (p *program) UsesBody() bool { return p.uses["body"] }

// UsesResponse reports whether the expression reads the answer.
func (p *program) UsesResponse() bool { return p.uses["response"] }

// UsesPrincipal reports whether the expression asks who calls.
func (p *program) UsesPrincipal() bool { return p.uses["principal"] }
