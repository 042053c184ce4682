package validate

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

func (v *validator) body(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if v.op.Undocumented {
		return wellFormed(e.Body, exchange.Pass), nil
	}
	if len(e.Body.Bytes()) == 0 {
		if v.op.Body != nil && v.op.Body.Required {
			return exchange.Refuse(exchange.BodyMissing, "").WithSetting("requestBody.required of " + v.op.Key), nil
		}
		return exchange.Pass, nil
	}
	if v.op.Body == nil {
		return exchange.Refuse(exchange.BodyUnexpected, "").WithSetting("requestBody of " + v.op.Key), nil
	}
	if e.BodySpec == nil {
		return exchange.Refuse(exchange.MediaUnsupported, "Content-Type: "+e.Body.Media().Type).
			WithHeader("Accept", ranges(v.op.Body.Content)).WithSetting("requestBody.content of " + v.op.Key), nil
	}
	if bad := wellFormed(e.Body, exchange.Pass); !bad.Passed() {
		return bad, nil
	}
	return v.fits(e), nil
}

// fits judges a well-formed body by its schema and settles what becomes of undeclared fields.
func (v *validator) fits(e *exchange.Exchange) exchange.Verdict {
	r := e.JudgeBody()
	if r == nil {
		return exchange.Pass
	}
	if !r.Valid() {
		wrong := fields(r.Violations)
		return exchange.Refuse(exchange.BodyInvalid, describe(wrong)).WithFields(wrong...).
			WithSetting("the request schema of " + v.op.Key)
	}
	if len(r.Undeclared) == 0 {
		return exchange.Pass
	}
	switch v.settings.Undeclared {
	case "log":
		for _, m := range r.Undeclared {
			e.Findings = append(e.Findings, exchange.Finding{Guard: "validate.body", Rule: "undeclared", Message: "field is not declared", Field: "body" + m.Pointer, Severity: exchange.Low})
		}
		return exchange.Pass
	case "strip":
		for _, m := range r.Undeclared {
			e.Body.Remove(m.Parent, m.Node)
		}
		return exchange.Pass
	}
	wrong := make([]exchange.Field, len(r.Undeclared))
	for i, m := range r.Undeclared {
		wrong[i] = exchange.Field{Pointer: m.Pointer, Detail: "is not declared"}
	}
	return exchange.Refuse(exchange.UndeclaredField, describe(wrong)).WithFields(wrong...).WithSetting(v.at + ".undeclared: strip")
}

func (v *validator) response(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	r := e.Response
	if v.op.Undocumented || r.Status == http.StatusNotModified {
		return exchange.Pass, nil
	}
	if r.Spec == nil {
		if v.settings.UndeclaredStatus == "refuse" {
			return exchange.Refuse(exchange.ResponseInvalid, fmt.Sprintf("status %d is not declared", r.Status)).WithSetting(v.at + ".undeclared_status: allow"), nil
		}
		return exchange.Pass, nil
	}
	if len(r.Body.Bytes()) == 0 || len(r.Spec.Content) == 0 {
		return exchange.Pass, nil
	}
	if r.Media == nil {
		return exchange.Refuse(exchange.ResponseInvalid, "Content-Type "+r.Body.Media().Type+" is not declared").WithSetting("responses." + r.Spec.Status + ".content of " + v.op.Key), nil
	}
	if _, err := r.Body.Tree(); err != nil {
		return exchange.Refuse(exchange.ResponseInvalid, err.Error()), nil
	}
	result := r.Judge()
	if result.Valid() {
		return exchange.Pass, nil
	}
	wrong := fields(result.Violations)
	// The client learns only that the service failed: where its answer is wrong would describe its internals.
	return exchange.Refuse(exchange.ResponseInvalid, details(wrong)).WithSetting("modes: { validate.response: monitor }"), nil
}

// wellFormed returns the refusal of a body that does not parse, or otherwise.
func wellFormed(b *content.Body, otherwise exchange.Verdict) exchange.Verdict {
	if _, err := b.Tree(); err != nil {
		return exchange.Malformed(err)
	}
	return otherwise
}

func fields(list []schema.Violation) []exchange.Field {
	wrong := make([]exchange.Field, len(list))
	for i, x := range list {
		wrong[i] = exchange.Field{Pointer: x.Pointer, Detail: x.Detail}
	}
	return wrong
}

func details(wrong []exchange.Field) string {
	lines := make([]string, len(wrong))
	for i, f := range wrong {
		lines[i] = "response" + f.Pointer + " " + f.Detail
	}
	return strings.Join(lines, "; ")
}

func ranges(list []openapi.MediaType) string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Range
	}
	return strings.Join(names, ", ")
}
