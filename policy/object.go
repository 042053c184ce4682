package policy

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/expr"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

// Object builds the guards "policy.object": none to three.
//
//   - OnHead: the owner bindings of parameters, and of what stands inside of them. Where answers are judged, conditions
//     that would be answered without a body are not passed on.
//   - OnBody: those of the request body, and an allow rule that reads the body.
//   - OnResponseBody: those of answers. An object of somebody else is removed from the list or object that
//     it stands in; where it is the answer itself, the exchange is refused as if there were no such object.
//
// A value that is absent passes, unless the schema requires it: then it is nobody's, as null is.
func Object(op *openapi.Operation, o Options) ([]exchange.Guard, error) {
	head, err1 := newParameters(op, o)
	body, err2 := newRequest(op, o)
	answer, err3 := newAnswer(op, o)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	var guards []exchange.Guard
	add := func(p exchange.Phase, check func(context.Context, *exchange.Exchange) (exchange.Verdict, error)) {
		guards = append(guards, exchange.Guard{Name: "policy.object", Phase: p, Check: check})
	}
	if len(head) > 0 || answer != nil {
		add(exchange.OnHead, func(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
			if answer != nil {
				unconditional(e)
			}
			return head.judge(e), nil
		})
	}
	if body != nil {
		add(exchange.OnBody, body.check)
	}
	if answer != nil {
		add(exchange.OnResponseBody, answer.check)
	}
	return guards, nil
}

// refusal is the answer to an object of somebody else: that there is none.
func refusal(op *openapi.Operation, o Options, path string) exchange.Verdict {
	return exchange.Refuse(exchange.NotOwner, path+" is not the caller's").WithSetting(o.setting(op, fmt.Sprintf("owner[%q]", path)))
}

// because explains a refusal that is due to what could not be judged.
func because(v exchange.Verdict, cause string) exchange.Verdict {
	v.Detail = cause
	return v
}

// parameters are the bound parameters of an operation.
type parameters []parameter

type parameter struct {
	param  *openapi.Param
	owner  *expr.Owner // of the whole value; nil: none
	inside *bindings   // of members and elements; nil: none
	denied exchange.Verdict
}

func newParameters(op *openapi.Operation, o Options) (parameters, error) {
	var list parameters
	var errs []error
	for _, p := range op.Params {
		path := p.In + "." + p.Name
		owner, err1 := newValueOwner(op, o, p.Property.Owner, path)
		inside, err2 := newInside(op, o, p)
		if errs = append(errs, err1, err2); owner != nil || inside != nil {
			list = append(list, parameter{p, owner, inside, refusal(op, o, path)})
		}
	}
	return list, errors.Join(errs...)
}

// newValueOwner compiles the binding of a whole parameter; nil when there is none to judge.
func newValueOwner(op *openapi.Operation, o Options, src, path string) (*expr.Owner, error) {
	if src == "" {
		return nil, nil
	}
	owner, err := expr.NewOwner(src, expr.Scope{Operation: op})
	if err != nil {
		return nil, fmt.Errorf("owner of %s: %w", path, err)
	}
	if o.IdentityOff && owner.UsesPrincipal() {
		return nil, nil
	}
	return owner, nil
}

// newInside compiles the bindings of the members and elements of a parameter, as in filter[customer]=4711; nil when
// there are none. That of the whole value is another matter: openapi has lifted it out of the schema.
func newInside(op *openapi.Operation, o Options, p *openapi.Param) (*bindings, error) {
	if p.Schema == nil {
		return nil, nil
	}
	c := newCompiler(op, o, expr.Scope{})
	c.schema(p.Schema, p.In+"."+p.Name)
	return c.done()
}

func (list parameters) judge(e *exchange.Exchange) exchange.Verdict {
	for i := range list {
		if v := list[i].judge(e); !v.Passed() {
			return v
		}
	}
	return exchange.Pass
}

func (p *parameter) judge(e *exchange.Exchange) exchange.Verdict {
	// A parameter that could not be decoded may still mean something to the service.
	for _, broken := range e.Params.Errors {
		if broken.In == p.param.In && broken.Name == p.param.Name {
			return because(p.denied, "the bound parameter could not be decoded: "+broken.Detail)
		}
	}
	v := e.Params.Get(p.param.In, p.param.Name)
	if v == nil {
		return exchange.Pass
	}
	if p.owner != nil {
		if owned, err := p.owner.Owns(e, v.Node); err != nil {
			return because(p.denied, err.Error())
		} else if !owned {
			return p.denied
		}
	}
	return p.within(e, v.Node)
}

// within judges what stands inside of a value.
func (p *parameter) within(e *exchange.Exchange, n *content.Node) exchange.Verdict {
	if p.inside == nil || n == nil || n.Kind != content.Object && n.Kind != content.Array {
		return exchange.Pass
	}
	verdict := exchange.Pass
	p.inside.each(e, n, p.param.Schema.Evaluate(n, schema.Request), func(b bound) bool {
		if b.parent == nil || b.owned && b.err == nil {
			return true
		}
		verdict = p.denied
		verdict.Detail = p.param.In + "." + p.param.Name + path(b.pointer) + " is not the caller's"
		if b.err != nil {
			verdict.Detail = b.err.Error()
		}
		return false
	})
	return verdict
}

// request judges a request body.
type request struct {
	rule     *rule     // nil: none that reads the body
	bindings *bindings // nil: none
	op       *openapi.Operation
	o        Options
}

func newRequest(op *openapi.Operation, o Options) (*request, error) {
	r, err := newRule(op, o)
	if err != nil {
		r = nil // reported by policy.operation
	}
	if r != nil && !r.UsesBody() {
		r = nil
	}
	c := newCompiler(op, o, expr.Scope{Body: true})
	if op.Body != nil {
		c.content(op.Body.Content, "body")
	}
	b, err := c.done()
	if err != nil {
		return nil, err
	}
	if r == nil && b == nil {
		return nil, nil
	}
	if !readsBody(op) {
		return nil, fmt.Errorf("%s: rules and owner bindings of the request body cannot be judged in a stream", o.setting(op, "streaming"))
	}
	return &request{r, b, op, o}, nil
}

func (r *request) check(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if r.rule != nil {
		if v := r.rule.judge(e); !v.Passed() {
			return v, nil
		}
	}
	if r.bindings == nil || len(e.Body.Bytes()) == 0 || !r.bindings.concern(e.BodySpec) {
		return exchange.Pass, nil
	}
	tree, result := judged(e.Body, e.JudgeBody)
	if result == nil {
		return because(refusal(r.op, r.o, "body"), "the body has bound properties and cannot be judged: no tree, or no schema for its media type"), nil
	}
	verdict := exchange.Pass
	r.bindings.each(e, tree, result, func(b bound) bool {
		if b.owned && b.err == nil {
			return true
		}
		verdict = refusal(r.op, r.o, "body"+path(b.pointer)).WithFields(exchange.Field{Pointer: b.pointer, Detail: "must be your own"})
		if b.err != nil {
			verdict.Detail = b.err.Error()
		}
		return false
	})
	return verdict, nil
}

// judged returns the tree of a body and what its schema said about it; nil when one of them is missing.
func judged(b *content.Body, judge func() *schema.Result) (*content.Node, *schema.Result) {
	tree, err := b.Tree()
	if err != nil || tree == nil {
		return nil, nil
	}
	return tree, judge()
}
