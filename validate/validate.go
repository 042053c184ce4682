// Package validate judges whether a message is what the spec says, both ways: parameters, request body, response.
//
// It promises that whatever it passes fits the operation's schemas, that every refusal names the offending places by
// JSON Pointer or parameter name (never a value) and the setting that would relax it. It parses nothing itself: bodies
// and parameters arrive decoded on the exchange.
package validate

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

// Guards returns the guards of one operation: validate.params, validate.body, which judges the type of a body before it
// is read and the rest of it afterwards, and validate.response.
func Guards(api string, op *openapi.Operation, c config.Validate) []exchange.Guard {
	v := validator{op: op, settings: c, at: fmt.Sprintf("apis[%s].validate", api)}
	return []exchange.Guard{
		{Name: "validate.params", Phase: exchange.OnHead, Check: v.params},
		{Name: "validate.body", Phase: exchange.OnHead, Check: v.media},
		{Name: "validate.body", Phase: exchange.OnBody, Check: v.body},
		{Name: "validate.response", Phase: exchange.OnResponseBody, Check: v.response},
	}
}

type validator struct {
	op       *openapi.Operation
	settings config.Validate
	at       string // where the settings are, for Verdict.Setting
}

func (v *validator) params(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if !v.acceptable(e.Request.Header["Accept"]) {
		return exchange.Refuse(exchange.NotAcceptable, "Accept: "+strings.Join(e.Request.Header["Accept"], ", ")).
			WithSetting("responses.2XX.content of " + v.op.Key), nil
	}
	var wrong []exchange.Field
	for _, p := range e.Params.Errors {
		wrong = append(wrong, exchange.Field{Param: p.In + "." + p.Name, Detail: p.Detail})
	}
	for i := range e.Params.Values {
		wrong = append(wrong, judge(&e.Params.Values[i], v.settings.UndeclaredParams != "log")...)
	}
	undeclared := v.undeclared(e)
	if wrong = append(wrong, undeclared...); len(wrong) == 0 {
		return exchange.Pass, nil
	}
	setting := "the parameter's schema in " + v.op.Key
	if len(undeclared) > 0 {
		setting = v.at + ".undeclared_params: strip"
	}
	return exchange.Refuse(exchange.ParamsInvalid, describe(wrong)).WithFields(first(wrong)...).WithSetting(setting), nil
}

// undeclared settles what becomes of query parameters that the operation does not declare, and returns those to refuse.
func (v *validator) undeclared(e *exchange.Exchange) (wrong []exchange.Field) {
	switch v.settings.UndeclaredParams {
	case "strip":
		for _, name := range e.Params.Undeclared {
			e.Outgoing.DropQuery(name)
		}
	case "log":
		for _, name := range first(e.Params.Undeclared) {
			e.Findings = append(e.Findings, exchange.Finding{Guard: "validate.params", Rule: "undeclared", Message: "parameter is not declared", Field: "query." + name, Severity: exchange.Low})
		}
	default:
		for _, name := range e.Params.Undeclared {
			wrong = append(wrong, exchange.Field{Param: "query." + name, Detail: "is not declared"})
		}
	}
	return wrong
}

// judge says where a decoded parameter does not fit its schema. An empty value passes where the spec allows one.
func judge(p *openapi.Value, undeclared bool) []exchange.Field {
	if p.Param.Schema == nil || p.Node == nil || p.Param.AllowEmpty && empty(p) {
		return nil
	}
	r := p.Param.Schema.Evaluate(p.Node, schema.Request)
	if r == nil {
		return nil
	}
	var wrong []exchange.Field
	name := p.Param.In + "." + p.Param.Name
	for _, x := range r.Violations {
		wrong = append(wrong, exchange.Field{Param: name, Pointer: x.Pointer, Detail: x.Detail})
	}
	if undeclared {
		for _, m := range r.Undeclared {
			wrong = append(wrong, exchange.Field{Param: name, Pointer: m.Pointer, Detail: "is not declared"})
		}
	}
	return wrong
}

// empty reports whether a parameter stands there without a value. What came in several pairs has no single raw text, and
// is not empty.
func empty(p *openapi.Value) bool {
	switch p.Node.Kind {
	case content.Array:
		return p.Raw == "" && (len(p.Node.Children) == 0 || len(p.Node.Children) == 1 && p.Node.Children[0].Text == "")
	case content.Object:
		return p.Raw == "" && len(p.Node.Children) == 0
	}
	return p.Raw == "" && p.Node.Text == ""
}

// acceptable reports whether the client accepts one of the media types of the operation's successes. Only a client that
// excludes all of them is refused, and none that takes JSON: API clients send that with everything, and RFC 9110,
// section 12.5.1, lets a server disregard it.
func (v *validator) acceptable(accept []string) bool {
	if len(strings.Join(accept, "")) == 0 || accepts(accept, "application/json") {
		return true
	}
	offered := false
	for _, r := range v.op.Responses {
		if r.Status[0] != '2' {
			continue
		}
		if len(r.Content) == 0 {
			return true // a success without a body suits everybody
		}
		offered = true
		for i := range r.Content {
			if accepts(accept, r.Content[i].Range) {
				return true
			}
		}
	}
	return !offered
}

func accepts(accept []string, offer string) bool {
	for _, line := range accept {
		for entry := range strings.SplitSeq(line, ",") {
			want, params, _ := strings.Cut(entry, ";")
			if matches(strings.ToLower(strings.TrimSpace(want)), offer) && !zeroQuality(params) {
				return true
			}
		}
	}
	return false
}

func matches(want, offer string) bool {
	if want == "*/*" || want == offer || offer == "*/*" {
		return true
	}
	kind, sub, _ := strings.Cut(want, "/")
	offeredKind, offeredSub, _ := strings.Cut(offer, "/")
	// Whoever asks for application/vnd.x+json reads JSON (RFC 6839, section 3.1): vendors answer it with application/json.
	return kind == offeredKind && (sub == "*" || offeredSub == "*" || strings.HasSuffix(sub, "+"+offeredSub))
}

func zeroQuality(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		if q, ok := strings.CutPrefix(strings.TrimSpace(p), "q="); ok {
			return slices.Contains([]string{"0", "0.0", "0.00", "0.000"}, q)
		}
	}
	return false
}

// describe is the operator's one-line summary.
func describe(wrong []exchange.Field) string {
	f := wrong[0]
	place := f.Param
	if place == "" {
		place = "body" + f.Pointer
	}
	if more := len(wrong) - 1; more > 0 {
		return fmt.Sprintf("%s %s (and %d more)", place, f.Detail, more)
	}
	return place + " " + f.Detail
}
