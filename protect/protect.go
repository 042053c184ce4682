// Package protect decides what leaves: it removes what the response schema does not declare or the caller may not see,
// masks values by their kind, replaces the bodies of failures, and sets the headers that browsers need.
//
// It never blocks a well-formed answer; a body that cannot be parsed as its declared type cannot be protected and is
// refused. Edits are spans of the judged bytes (see content.Body): nothing is re-encoded.
package protect

import (
	"context"
	"fmt"
	"net/http"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

// Guards returns the guards of one operation: protect.errors, protect.headers, protect.cors on the response head,
// protect.filter and protect.mask on its body.
func Guards(op *openapi.Operation, c config.Protect) ([]exchange.Guard, error) {
	detectors, err := newDetectors(c.Detect)
	if err != nil {
		return nil, err
	}
	cors := c.CORS
	if op.Ext.CORS != nil {
		cors = op.Ext.CORS
	}
	list := []exchange.Guard{
		{Name: "protect.headers", Phase: exchange.OnResponseHead, Check: newHeaders(op, c.Headers).check},
		{Name: "protect.cors", Phase: exchange.OnResponseHead, Check: NewCORS(cors, op).check},
		{Name: "protect.filter", Phase: exchange.OnResponseBody, Check: filter},
		{Name: "protect.mask", Phase: exchange.OnResponseBody, Check: (&masker{detectors: detectors}).check},
	}
	if c.Errors != "pass" {
		list = append([]exchange.Guard{{Name: "protect.errors", Phase: exchange.OnResponseHead, Check: replaceErrors}}, list...)
	}
	return list, nil
}

// replaceErrors turns every 5xx of the upstream into a problem with the same status: whatever such a body says was
// written for developers.
func replaceErrors(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if e.Response.Status < http.StatusInternalServerError {
		return exchange.Pass, nil
	}
	v := exchange.Refuse(exchange.UpstreamError, fmt.Sprintf("the upstream answered %d", e.Response.Status)).
		WithStatus(e.Response.Status).WithSetting("protect.errors: pass")
	if after := e.Response.Header.Get("Retry-After"); after != "" {
		v = v.WithHeader("Retry-After", after)
	}
	return v, nil
}

// filter removes undeclared members, and properties that the caller's roles may not see.
func filter(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if _, err := e.Response.Body.Tree(); err != nil {
		return exchange.Refuse(exchange.ResponseInvalid, "the answer cannot be filtered: "+err.Error()), nil
	}
	r := e.Response.Judge()
	if r == nil {
		return exchange.Pass, nil
	}
	for _, m := range r.Undeclared {
		e.Response.Body.Remove(m.Parent, m.Node)
		note(e, "undeclared", "property is not declared by the response schema and was removed", m.Pointer)
	}
	for i := range r.Marked {
		m := &r.Marked[i]
		if hidden(e.Principal, m) {
			e.Response.Body.Remove(m.Parent, m.Node)
			note(e, "visible_to", "property is not visible to the caller's roles and was removed", m.Pointer)
		}
	}
	return exchange.Pass, nil
}

func hidden(p *exchange.Principal, m *schema.Mark) bool {
	return m.Parent != nil && len(m.Property.VisibleTo) > 0 && !p.HasRole(m.Property.VisibleTo...)
}

// maxNotes bounds the findings that one answer can cause; the edits themselves are not bounded.
const maxNotes = 50

func note(e *exchange.Exchange, rule, message, pointer string) {
	if len(e.Findings) < maxNotes {
		e.Findings = append(e.Findings, exchange.Finding{Guard: "protect", Rule: rule, Message: message, Field: "response" + pointer, Severity: exchange.Medium})
	}
}

// isText reports whether a node carries text that can be masked.
func isText(n *content.Node) bool { return n.Kind == content.String || n.Kind == content.Number }
