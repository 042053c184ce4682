package protect

import (
	"context"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi/schema"
)

// filter removes undeclared members, and properties that the caller's roles may not see.
func filter(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if _, err := e.Response.Body.Tree(); err != nil {
		return exchange.Refuse(exchange.ResponseInvalid, "the answer cannot be filtered: "+err.Error()), nil
	}
	r := e.Response.Judge()
	if r == nil {
		return exchange.Pass, nil
	}
	if v := unjudged(r); v.Refused() {
		return v, nil
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

// unjudged refuses an answer that took too much work to judge to its end: nobody knows what the rest of it is.
func unjudged(r *schema.Result) exchange.Verdict {
	for i := range r.Violations {
		if r.Violations[i].Keyword == "complexity" {
			return exchange.Refuse(exchange.ResponseInvalid, "the answer "+r.Violations[i].Detail+", and so cannot be protected")
		}
	}
	return exchange.Pass
}

func hidden(p *exchange.Principal, m *schema.Mark) bool {
	return m.Parent != nil && len(m.Property.VisibleTo) > 0 && !p.HasRole(m.Property.VisibleTo...)
}

// maxNotes bounds the findings of one exchange; the edits themselves are not bounded.
const maxNotes = 50

// inRecords masks names of members in findings: a map by card number must not fill the log with card numbers.
var inRecords, _ = newDetectors(nil) // the default kinds are known

func note(e *exchange.Exchange, rule, message, pointer string) {
	if len(e.Findings) < maxNotes {
		pointer, _ = inRecords.mask(pointer)
		e.Findings = append(e.Findings, exchange.Finding{Guard: "protect", Rule: rule, Message: message, Field: "response" + pointer, Severity: exchange.Medium})
	}
}

// isText reports whether a node carries text that can be masked.
func isText(n *content.Node) bool { return n.Kind == content.String || n.Kind == content.Number }
