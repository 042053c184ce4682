package inspect

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

// maxLookups bounds the names that one request can have looked up.
const maxLookups = 16

// A urlGuard is the guard inspect.url of one operation.
type urlGuard struct {
	policy    *urlPolicy
	operation string
	excluded  []exclusion
	now       func() time.Time
}

// A urlScan is one run of the guard over one exchange.
type urlScan struct {
	*urlGuard
	ctx     context.Context
	e       *exchange.Exchange
	checked int
	verdict exchange.Verdict
}

// hasURL reports whether the spec, or what was said about it, calls a value a URL that the service fetches.
func hasURL(a *schema.Annotations) bool { return a.Format == "uri" || a.Kind == "url" }

// wantsParams reports whether a parameter of the operation can hold a URL.
func wantsParams(op *openapi.Operation) bool {
	for _, p := range op.Params {
		if hasURL(&p.Property) || p.Schema != nil && p.In != "path" {
			return true
		}
	}
	return false
}

// head judges the parameters.
func (g *urlGuard) head(ctx context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	s := &urlScan{urlGuard: g, ctx: ctx, e: e, verdict: exchange.Pass}
	for i := range e.Params.Values {
		s.param(&e.Params.Values[i])
	}
	return s.verdict, ctx.Err()
}

func (s *urlScan) param(v *openapi.Value) {
	if v.Node == nil {
		return
	}
	place := v.Param.In + "." + v.Param.Name
	if hasURL(&v.Param.Property) {
		s.each(v.Node, place, exchange.Field{Param: place})
		return
	}
	if v.Param.Schema == nil || v.Node.Kind != content.Array && v.Node.Kind != content.Object {
		return
	}
	for _, m := range marks(v.Param.Schema.Evaluate(v.Node, schema.Request)) {
		if hasURL(m.Property) {
			s.each(m.Node, place+notation(v.Node, m.Pointer), exchange.Field{Param: place})
		}
	}
}

// body judges what the body's schema marks as a URL.
func (g *urlGuard) body(ctx context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if e.Body == nil {
		return exchange.Pass, nil
	}
	s := &urlScan{urlGuard: g, ctx: ctx, e: e, verdict: exchange.Pass}
	tree, err := e.Body.Tree()
	if err != nil {
		return exchange.Malformed(err), nil // its URLs would be found by a service that reads it all the same
	}
	for _, m := range marks(e.JudgeBody()) {
		if hasURL(m.Property) {
			s.each(m.Node, "body"+notation(tree, m.Pointer), exchange.Field{Pointer: m.Pointer})
		}
	}
	return s.verdict, ctx.Err()
}

func marks(r *schema.Result) []schema.Mark {
	if r == nil {
		return nil
	}
	return r.Marked
}

// each judges a value, or the elements of a list of them. Whether a URL must be text is for validation to say.
func (s *urlScan) each(n *content.Node, place string, f exchange.Field) {
	switch n.Kind {
	case content.String:
		s.one(n.Text, place, f)
	case content.Array:
		for i := range n.Children {
			at := f
			if f.Pointer != "" {
				at.Pointer += "/" + strconv.Itoa(i)
			}
			s.each(&n.Children[i], fmt.Sprintf("%s[%d]", place, i), at)
		}
	}
}

func (s *urlScan) one(text, place string, f exchange.Field) {
	if s.checked++; s.policy.resolver != nil && s.checked > maxLookups {
		s.report("", &urlError{urlResolve, "more URLs than are looked up for one request"}, text, place, f)
		return
	}
	if h, err := s.policy.check(s.ctx, text); err != nil {
		s.report(h, err, text, place, f)
	}
}

// report notes a finding, and refuses for the first one.
func (s *urlScan) report(h string, err error, text, place string, f exchange.Field) {
	u := &urlError{urlAmbiguous, "a URL that cannot be judged"}
	errors.As(err, &u)
	if excluded(s.excluded, u.rule, nil, place, s.now()) {
		return
	}
	if len(s.e.Findings) < maxFindings {
		s.e.Findings = append(s.e.Findings, exchange.Finding{Guard: "inspect.url", Rule: u.rule, Message: u.detail,
			Field: place, Severity: exchange.High, Tags: urlTags, Match: mask(text)})
	}
	if s.verdict.Refused() {
		return
	}
	f.Detail = "must be a URL of a public address"
	s.verdict = exchange.Refuse(exchange.SSRF, fmt.Sprintf("%s holds %s", place, u.detail)).
		WithFields(f).WithSetting(s.setting(u.rule, h, place))
}

var urlTags = []string{"attack-ssrf"}

// setting is the narrowest setting that would let the URL pass.
func (s *urlScan) setting(rule, h, place string) string {
	switch {
	case rule == urlPrivate && h != "":
		return fmt.Sprintf("apis[].inspect.urls.allow: [%q]", h)
	case rule == urlHost && h != "":
		return fmt.Sprintf("apis[].inspect.urls.only: [%q]", h)
	}
	return setting([]exchange.Finding{{Rule: rule, Field: place}}, 0, s.operation)
}

// notation turns a JSON Pointer into our notation: /items/2/note into .items[2].note. The tree tells elements from
// members whose name is a number.
func notation(n *content.Node, pointer string) string {
	var b []byte
	for pointer != "" {
		var token string
		token, pointer, _ = strings.Cut(pointer[1:], "/")
		if pointer != "" {
			pointer = "/" + pointer
		}
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		if n != nil && n.Kind == content.Array {
			b = append(append(append(b, '['), token...), ']')
			n = element(n, token)
			continue
		}
		b = appendName(b, token)
		n = n.Get(token)
	}
	return string(b)
}

func element(n *content.Node, token string) *content.Node {
	if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(n.Children) {
		return &n.Children[i]
	}
	return nil
}
