// Package policy decides whether a caller may: deny by default, the spec's security alternatives and scopes, roles,
// CEL rules, and the ownership of single objects on the way in and on the way out.
//
// Two families of guards: "policy.operation" asks whether the caller may call the operation at all, "policy.object"
// whether the objects that the request names, and those that the answer carries, are the caller's. Everything is
// compiled when the snapshot is built; the guards only read the Exchange. The one thing that they change is the body of
// the answer, from which objects of others are removed.
//
// What cannot be judged is refused: a binding whose body has no schema or does not parse, an expression that fails.
package policy

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/expr"
	"github.com/sallyport/sallyport/openapi"
)

// Options are what the guards of an operation must know of its API.
type Options struct {
	// API is the name in the config; it stands in settings and in the realm of challenges.
	API string
	// Schemes are the security schemes of the document.
	Schemes map[string]*openapi.SecurityScheme
	// IdentityOff: the operator has switched identity off in words, there are no principals. Nothing that asks for a
	// principal is judged then: security, roles, scopes, and the rules and owner bindings that use principal.
	IdentityOff bool
}

// setting names a key of the operation in the config, which wins over the spec's x-sallyport.
func (o Options) setting(op *openapi.Operation, key string) string {
	return fmt.Sprintf("apis[%s].operations[%q].%s", o.API, op.Key, key)
}

// challenge is the value of WWW-Authenticate (RFC 6750, section 3) without an error.
func (o Options) challenge() string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(o.API)
	return `Bearer realm="` + quoted + `"`
}

// A rule is an allow expression with the verdict for its being false.
type rule struct {
	*expr.Rule
	denied exchange.Verdict
}

// newRule compiles the operation's allow rule; nil when there is none, or none that can be judged.
func newRule(op *openapi.Operation, o Options) (*rule, error) {
	if op.Ext.Allow == "" {
		return nil, nil
	}
	r, err := expr.NewRule(op.Ext.Allow, expr.Scope{Operation: op, Body: true})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.setting(op, "allow"), err)
	}
	if o.IdentityOff && r.UsesPrincipal() {
		return nil, nil
	}
	return &rule{r, exchange.Refuse(exchange.RuleDenied, "the allow rule is false").WithSetting(o.setting(op, "allow"))}, nil
}

// judge answers Pass only for a rule that is true. One that fails, mostly for a value that is missing, is not.
func (r *rule) judge(e *exchange.Exchange) exchange.Verdict {
	ok, err := r.Allows(e)
	if err != nil {
		v := r.denied
		v.Detail = err.Error()
		return v
	}
	if !ok {
		return r.denied
	}
	return exchange.Pass
}

// readsBody reports whether the gateway judges request bodies of the operation.
func readsBody(op *openapi.Operation) bool {
	return op.Ext.Streaming == "" || op.Ext.Streaming == "sse"
}

// readsAnswer reports whether the gateway judges answers of the operation: all, or those that are not the stream.
func readsAnswer(op *openapi.Operation) bool {
	return op.Ext.Streaming != "body" && op.Ext.Streaming != "grpc"
}

func succeeded(status int) bool {
	return status >= http.StatusOK && status < http.StatusMultipleChoices
}
