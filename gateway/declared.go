package gateway

import (
	"fmt"
	"net/http"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/openapi"
)

// declare gathers what the spec and the identities name beyond what every API may be sent: methods, and header fields
// whose names have odd characters.
func (b *builder) declare(a *api) {
	for _, op := range b.doc.Operations {
		a.declared.Method(op.Method)
		a.matrix = a.matrix || op.Matrix()
		for _, p := range op.Params {
			if p.In == "header" {
				b.declareHeader(a, p.Name, p.At)
			}
		}
	}
	for _, s := range b.doc.Schemes {
		if s.Type == "apiKey" && s.In == "header" {
			b.declareHeader(a, s.Param, openapi.Position{})
		}
	}
	for _, id := range b.identities {
		if id.APIKey != nil && id.APIKey.Header != "" {
			b.declareHeader(a, id.APIKey.Header, openapi.Position{})
		}
	}
	if a.declared.AnyOdd() {
		a.odd = a.declared.Odd
	}
}

// declareHeader warns of a name that some servers take for a field of another meaning: it cannot be let in.
func (b *builder) declareHeader(a *api, name string, at openapi.Position) {
	canonical := http.CanonicalHeaderKey(name)
	if a.declared.Header(name) && !(a.declared.Odd(canonical) && forward.Reserved(canonical)) {
		return
	}
	p := config.Problem{File: at.File, Line: at.Line, Column: at.Column, Severity: config.Warning, Rule: "spec.reserved_header",
		Message: fmt.Sprintf("some servers read the header %s as a field that has a meaning of its own; it does not reach the service", name), Hint: "give it a name of its own"}
	if at.File == "" {
		p = b.src.Problem(b.at+".spec", p.Rule, p.Message, p.Hint)
		p.Severity = config.Warning
	}
	b.problems = append(b.problems, p)
}
