// Package expr compiles and evaluates the expressions of the config and the spec: allow rules, owner bindings and the
// keys of limits. The language is CEL (https://cel.dev).
//
// An expression is parsed, type-checked and bounded when the config is loaded: at most [MaxSize] bytes of source, a
// result type that its place demands, an estimated cost of at most [CostLimit], constant patterns and networks, and only
// variables that exist where it is evaluated. Evaluation stops at CostLimit and returns an error, as it does for every
// value that is missing or of the wrong kind; whoever asks refuses then.
//
// The variables:
//
//	principal  subject, issuer, kind, client_id, tenant: string, "" for nobody; roles, scopes: list(string);
//	           claims: map(string, dyn), the verified claims; authenticated: bool
//	params     map(string, dyn): decoded path and query parameters by name, typed by their schemas; an optional one
//	           that is absent has no entry: has(params.limit). Where both have the name, it is the path's
//	client     addr: string, tls: bool; client.addr.inCIDR("10.0.0.0/8")
//	operation  id, method, path: string; tags: list(string)
//	now        timestamp: when the exchange began, so that a replay decides the same
//	body       dyn: the request body; null when there is none. Only where it is known
//	value      dyn: only in owner bindings, the bound value
//	response   dyn: only in owner bindings of responses, the whole answer
//
// Beyond the standard functions there are string.inCIDR(string) and string.lowerAscii(). Integers of a body are int, or
// uint above 2^63; larger ones are an error, never rounded.
//
// Compiled expressions are immutable and safe for concurrent use. An evaluation reads the Exchange and the trees of its
// bodies in place; nothing is decoded again or copied.
package expr

import (
	"fmt"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// MaxSize bounds the source of an expression, in bytes.
const MaxSize = 4 << 10

// CostLimit bounds one evaluation, in CEL's cost units; a step of a plain expression costs about one, so that the limit
// is in the order of a millisecond.
const CostLimit = 10_000

// Scope says where an expression stands, and so which variables it may use.
type Scope struct {
	// Operation whose parameters are known by name; nil for rules of a whole API, where any name may be asked for.
	Operation *openapi.Operation
	// Body: the expression is evaluated when the request body is known.
	Body bool
	// Response: the expression is evaluated when the body of the answer is known.
	Response bool
}

// Error is an expression that does not compile. Line and Column count from 1 in the expression, Column in characters.
type Error struct {
	Line, Column int
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d of the expression: %s", e.Line, e.Column, e.Message)
}

// A Rule is an expression whose result is a bool.
type Rule struct{ program }

// NewRule compiles a rule. The error is an [*Error].
func NewRule(src string, s Scope) (*Rule, error) {
	p, err := compile(src, s, false, isRule)
	if err != nil {
		return nil, err
	}
	return &Rule{*p}, nil
}

// Allows evaluates the rule.
func (r *Rule) Allows(e *exchange.Exchange) (bool, error) {
	out, err := r.eval(e, nil)
	return out == types.True, err
}

// A Key is an expression that names what is counted separately. Its result is a string, an integer or a bool.
type Key struct{ program }

// NewKey compiles a key. The error is an [*Error].
func NewKey(src string, s Scope) (*Key, error) {
	p, err := compile(src, s, false, isKey)
	if err != nil {
		return nil, err
	}
	return &Key{*p}, nil
}

// Of evaluates the key.
func (k *Key) Of(e *exchange.Exchange) (string, error) {
	if k.field != nil {
		return k.field(caller(e)), nil
	}
	out, err := k.eval(e, nil)
	if err != nil {
		return "", err
	}
	return keyText(out)
}

func keyText(v ref.Val) (string, error) {
	switch v := v.(type) {
	case types.String:
		return string(v), nil
	case types.Int, types.Uint, types.Bool:
		return fmt.Sprint(v.Value()), nil
	}
	return "", fmt.Errorf("the key is %s, not a string or an integer", v.Type().TypeName())
}

// An Owner is an expression that binds a value to the caller.
type Owner struct{ program }

// NewOwner compiles an owner binding: a string, a list of strings or a bool, over value and the variables of s. The
// error is an [*Error].
func NewOwner(src string, s Scope) (*Owner, error) {
	p, err := compile(src, s, true, isOwner)
	if err != nil {
		return nil, err
	}
	return &Owner{*p}, nil
}

// Owns reports whether the caller of e owns the value n.
//
// A bool result is the answer. A string must equal the text of n, a number its numeric value, a list must contain such
// an element; n is then a string or a number, or an array of which every element must be the caller's. An empty string
// owns nothing, so that nobody owns nothing. null and nil are never owned, but by an expression that says so itself.
func (o *Owner) Owns(e *exchange.Exchange, n *content.Node) (bool, error) {
	if o.field != nil {
		return ownsText(o.field(caller(e)), n), nil
	}
	if o.simple != nil && (n == nil || n.Kind != content.Number) {
		return o.simple(caller(e), n), nil
	}
	out, err := o.eval(e, n)
	if err != nil {
		return false, err
	}
	return owns(out, n)
}
