package protect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

// A filter removes undeclared members, and properties that the caller's roles may not see.
type filter struct {
	op *openapi.Operation
	// hides: answers have properties that are not for everybody. A success of a media type or status that the spec does
	// not declare has them too, somewhere: with Accept, the client chooses among all that the service can write.
	hides bool
}

func newFilter(op *openapi.Operation) *filter { return &filter{op, hides(op)} }

// hides reports whether some property of the answers is hidden or masked as the spec or the config says.
func hides(op *openapi.Operation) bool {
	found := false
	for path, p := range op.Ext.Properties {
		found = found || strings.HasPrefix(path, "response") && covered(p)
	}
	for _, r := range op.Responses {
		for i := range r.Content {
			if r.Content[i].Schema == nil {
				continue
			}
			r.Content[i].Schema.Walk(func(_ string, at *schema.Schema) bool {
				found = found || slices.ContainsFunc(at.Info().Annotations, func(a *schema.Annotations) bool { return covered(a.Property) })
				return !found
			})
		}
	}
	return found
}

func covered(p config.Property) bool {
	return len(p.VisibleTo) > 0 || p.Mask != "" && p.Mask != "none" || p.Mask == "" && defaultMasks[p.Kind] != ""
}

// blind is the verdict for an answer that no schema describes.
func (f *filter) blind(r *exchange.Response) exchange.Verdict {
	if !f.hides || r.Media != nil || len(r.Body.Bytes()) == 0 || r.Status < 200 || r.Status > 299 {
		return exchange.Pass
	}
	return exchange.Refuse(exchange.ResponseInvalid, "answers of this operation have properties that are hidden or masked, and the spec does not declare this one's status and media type").
		WithSetting(fmt.Sprintf("responses.%d.content of %s", r.Status, f.op.Key))
}

func (f *filter) check(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if _, err := e.Response.Body.Tree(); err != nil {
		return exchange.Refuse(exchange.ResponseInvalid, "the answer cannot be filtered: "+err.Error()), nil
	}
	r := e.Response.Judge()
	if r == nil {
		return f.blind(e.Response), nil
	}
	if v := unjudged(r); v.Refused() {
		return v, nil
	}
	for _, m := range r.Undeclared {
		e.Response.Body.Remove(m.Parent, m.Node)
		note(e, "undeclared", m.Pointer, "property is not declared by the response schema and was removed")
	}
	for i := range r.Marked {
		m := &r.Marked[i]
		if hidden(e.Principal, m) {
			if m.Parent == nil { // there is nothing to take it out of
				return exchange.Refuse(exchange.RoleMissing, "the whole answer is visible to "+strings.Join(m.Property.VisibleTo, ", ")+" only").
					WithSetting("visible_to of the schema of " + f.op.Key), nil
			}
			e.Response.Body.Remove(m.Parent, m.Node)
			note(e, "visible_to", m.Pointer, "property is not visible to the caller's roles and was removed")
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
	return len(m.Property.VisibleTo) > 0 && !p.HasRole(m.Property.VisibleTo...)
}

// maxNotes bounds the findings of one exchange; the edits themselves are not bounded.
const maxNotes = 50

// inRecords masks names of members in findings: a map by card number must not fill the log with card numbers.
var inRecords, _ = newDetectors(nil) // the default kinds are known

// note adds a finding; its message is put together only where there is room for one more.
func note(e *exchange.Exchange, rule, pointer string, message ...string) {
	if len(e.Findings) < maxNotes {
		pointer, _ = inRecords.mask(pointer)
		e.Findings = append(e.Findings, exchange.Finding{Guard: "protect", Rule: rule, Message: strings.Join(message, ""), Field: "response" + pointer, Severity: exchange.Medium})
	}
}

// isText reports whether a node carries text that can be masked.
func isText(n *content.Node) bool { return n.Kind == content.String || n.Kind == content.Number }
