package policy

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/expr"
	"github.com/sallyport/sallyport/openapi"
)

// answer judges the bodies of answers, above all of successful ones.
type answer struct {
	bindings *bindings
	op       *openapi.Operation
	o        Options
	unjudged exchange.Verdict
}

func newAnswer(op *openapi.Operation, o Options) (*answer, error) {
	c := newCompiler(op, o, expr.Scope{Body: true, Response: true})
	for _, r := range op.Responses {
		c.content(r.Content, "response")
	}
	b, err := c.done()
	if b == nil || err != nil {
		return nil, err
	}
	if !readsAnswer(op) {
		return nil, fmt.Errorf("%s: owner bindings of the answer cannot be judged in a stream", o.setting(op, "streaming"))
	}
	unjudged := because(refusal(op, o, "response"), "answers of this operation have bound properties, and this one cannot be judged: no tree, or no schema for its status and media type")
	return &answer{b, op, o, unjudged}, nil
}

func (a *answer) check(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if e.Response == nil || len(e.Response.Body.Bytes()) == 0 || !a.bindings.concern(e.Response.Media) {
		return exchange.Pass, nil
	}
	tree, result := judged(e.Response.Body, e.Response.Judge)
	switch {
	case result != nil:
	case succeeded(e.Response.Status):
		return a.unjudged, nil
	default: // an error that the spec does not describe
		return exchange.Pass, nil
	}
	verdict := exchange.Pass
	var gone map[*content.Node]bool
	a.bindings.each(e, tree, result, func(b bound) bool {
		if b.owned && b.err == nil {
			return true
		}
		parent, foreign := object(tree, b)
		if parent == nil {
			verdict = refusal(a.op, a.o, "response"+path(b.pointer))
			if b.err != nil {
				verdict.Detail = b.err.Error()
			}
			return false
		}
		if !gone[foreign] {
			if gone == nil {
				gone = map[*content.Node]bool{}
			}
			gone[foreign] = true
			e.Response.Body.Remove(parent, foreign)
		}
		return true
	})
	return verdict, nil
}

// conditions are the fields by which a client asks for nothing but the news that its copy is still good (RFC 9110,
// section 13.1). The answer to them is a status without a body: there is nothing to judge in it, and it tells that
// there is such an object.
var conditions = []string{"If-None-Match", "If-Modified-Since"}

// unconditional keeps them from the service, so that it answers with what can be judged.
func unconditional(e *exchange.Exchange) {
	for _, name := range conditions {
		if e.Request != nil && e.Request.Header[name] != nil {
			e.Outgoing.Delete(name)
		}
	}
}

// object returns the object that a bound value stands for, and what it stands in: the object that has the property, or
// the element itself where the values of a list are bound. parent is nil when it is the whole answer.
func object(root *content.Node, b bound) (parent, foreign *content.Node) {
	if b.parent == nil || b.parent.Kind == content.Array {
		return b.parent, b.node
	}
	return container(root, b.pointer), b.parent
}

// container returns what the parent of the value at the pointer stands in: its grandparent. nil for two levels or less.
func container(root *content.Node, pointer string) *content.Node {
	tokens := strings.Split(pointer, "/") // "", then one for each level
	if len(tokens) < 3 {
		return nil
	}
	return descend(root, tokens[1:len(tokens)-2])
}

// descend follows the tokens of a pointer; nil where they lead to nothing.
func descend(n *content.Node, tokens []string) *content.Node {
	for _, t := range tokens {
		if n = child(n, t); n == nil {
			return nil
		}
	}
	return n
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")
var escape = strings.NewReplacer("~", "~0", "/", "~1")

// child finds the child that a token of a pointer names.
func child(n *content.Node, token string) *content.Node {
	if n.Kind == content.Object {
		return n.Get(unescape.Replace(token))
	}
	if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(n.Children) {
		return &n.Children[i]
	}
	return nil
}

// token names the i-th child in a pointer.
func token(n *content.Node, i int) string {
	if n.Kind == content.Object {
		return escape.Replace(n.Children[i].Name)
	}
	return strconv.Itoa(i)
}

// path writes a pointer as the config names properties: /items/3/owner is .items[*].owner.
func path(pointer string) string {
	if pointer == "" {
		return ""
	}
	var b strings.Builder
	for _, t := range strings.Split(pointer[1:], "/") {
		if _, err := strconv.Atoi(t); err == nil {
			b.WriteString("[*]")
			continue
		}
		b.WriteByte('.')
		b.WriteString(unescape.Replace(t))
	}
	return b.String()
}
