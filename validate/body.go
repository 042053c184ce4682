package validate

import (
	"context"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

// media judges what is announced of a body to come: what nobody would take is not read, and that is why it is refused,
// whatever attack rules would find in the head. What may turn out to be empty is judged once that is known.
func (v *validator) media(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	announced := e.Request.Header["Content-Type"]
	certain := e.Request.ContentLength > 0 && v.op.Body != nil
	if e.Request.ContentLength == 0 || len(announced) == 0 && !certain {
		return exchange.Pass, nil
	}
	m, err := content.ParseMedia(announced)
	switch {
	case err != nil && v.op.Body != nil:
		return exchange.Malformed(err).WithHeader("Accept", ranges(v.op.Body.Content)), nil
	case err != nil:
		return exchange.Malformed(err), nil
	case v.op.Undocumented:
		return exchange.Pass, nil
	case v.op.Body != nil && openapi.FindMedia(v.op.Body.Content, m.Type) == nil:
		return v.unlisted(m), nil
	case v.op.Body == nil && e.Request.ContentLength > 0 && !v.sayable():
		return v.unexpected(), nil
	}
	return exchange.Pass, nil
}

// unlisted is the refusal of a media type that the operation does not list.
func (v *validator) unlisted(m content.Media) exchange.Verdict {
	return exchange.Refuse(exchange.MediaUnsupported, "Content-Type: "+m.Type).
		WithHeader("Accept", ranges(v.op.Body.Content)).WithSetting("requestBody.content of " + v.op.Key)
}

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
		if v.saysNothing(e.Body) {
			return exchange.Pass, nil
		}
		return v.unexpected(), nil
	}
	if e.BodySpec == nil {
		return v.unlisted(e.Body.Media()), nil
	}
	if bad := wellFormed(e.Body, exchange.Pass); !bad.Passed() {
		return bad, nil
	}
	if wrong := misnamed(e.BodySpec, e.Body); wrong != nil {
		return exchange.Refuse(exchange.BodyInvalid, describe(wrong)).WithFields(wrong...).WithSetting("xml of the request schema of " + v.op.Key), nil
	}
	return v.fits(e), nil
}

func (v *validator) unexpected() exchange.Verdict {
	return exchange.Refuse(exchange.BodyUnexpected, "").WithSetting("requestBody of " + v.op.Key)
}

// saysNothing reports whether a body is {}. Many a client library sends that with every POST, and where no field is
// declared, none is sent.
func (v *validator) saysNothing(b *content.Body) bool {
	if !v.sayable() {
		return false
	}
	tree, err := b.Tree()
	return err == nil && tree != nil && b.Media().JSON() && tree.Kind == content.Object && len(tree.Children) == 0
}

// sayable reports whether {} may be sent where no body is declared. Other methods have no use for a body at all, and
// servers that leave it unread.
func (v *validator) sayable() bool {
	switch v.op.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return true
	}
	return false
}

// misnamed is the place of an XML body whose root element has not the name that its schema gives it.
func misnamed(m *openapi.MediaType, b *content.Body) []exchange.Field {
	tree, _ := b.Tree() // judged before
	if tree == nil || !b.Media().XML() {
		return nil
	}
	if detail := m.Misnamed(tree); detail != "" {
		return []exchange.Field{{Detail: detail}}
	}
	return nil
}

// fits judges a well-formed body by its schema and settles what becomes of undeclared fields.
func (v *validator) fits(e *exchange.Exchange) exchange.Verdict {
	r := e.JudgeBody()
	if r == nil {
		return exchange.Pass
	}
	back, undeclared, relaxed := sentBack(r), v.settings.Undeclared, "strip"
	if undeclared == "strip" && e.BodySpec.Events != nil {
		undeclared, relaxed = "reject", "log" // lines of an event cannot be taken out one by one
	}
	if !r.Valid() && (back == nil || undeclared != "log" && undeclared != "strip") {
		wrong := fields(r.Violations)
		setting := "the request schema of " + v.op.Key
		if back != nil {
			setting = v.at + ".undeclared: " + relaxed
		}
		return exchange.Refuse(exchange.BodyInvalid, describe(wrong)).WithFields(wrong...).WithSetting(setting)
	}
	superfluous := append(back, r.Undeclared...)
	if len(superfluous) == 0 {
		return exchange.Pass
	}
	switch undeclared {
	case "log":
		for i, m := range first(superfluous) {
			message := "field is not declared"
			if i < len(back) {
				message = "field is read-only"
			}
			e.Findings = append(e.Findings, exchange.Finding{Guard: "validate.body", Rule: "undeclared", Message: message, Field: "body" + m.Pointer, Severity: exchange.Low})
		}
		return exchange.Pass
	case "strip":
		for _, m := range superfluous {
			e.Body.Remove(m.Parent, m.Node)
		}
		return exchange.Pass
	}
	wrong := make([]exchange.Field, 0, maxNamed)
	for _, m := range first(r.Undeclared) {
		wrong = append(wrong, exchange.Field{Pointer: m.Pointer, Detail: "is not declared"})
	}
	return exchange.Refuse(exchange.UndeclaredField, describe(wrong)).WithFields(wrong...).WithSetting(v.at + ".undeclared: " + relaxed)
}

// sentBack lists the read-only members of a body in which nothing else is wrong: clients that change an object often send
// all of it back. It is nil where something else is wrong, or where the violations are too many to be all.
func sentBack(r *schema.Result) (list []schema.Member) {
	for _, w := range r.Violations {
		if w.Keyword != "readOnly" {
			return nil
		}
		list = append(list, schema.Member{Parent: w.Parent, Node: w.Node, Pointer: w.Pointer})
	}
	if len(list) >= schema.MaxViolations {
		return nil
	}
	return list
}

// wellFormed returns the refusal of a body that does not parse, or otherwise.
func wellFormed(b *content.Body, otherwise exchange.Verdict) exchange.Verdict {
	if _, err := b.Tree(); err != nil {
		return exchange.Malformed(err)
	}
	return otherwise
}

// maxNamed is how many places a refusal or the findings of one body name: a body of nothing but undeclared fields must
// not become an answer and a record of its own size.
const maxNamed = 20

func first[T any](list []T) []T { return list[:min(len(list), maxNamed)] }

func fields(list []schema.Violation) []exchange.Field {
	wrong := make([]exchange.Field, len(list))
	for i, x := range list {
		wrong[i] = exchange.Field{Pointer: x.Pointer, Detail: x.Detail}
	}
	return wrong
}

func ranges(list []openapi.MediaType) string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Range
	}
	return strings.Join(names, ", ")
}
