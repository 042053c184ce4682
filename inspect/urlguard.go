package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// A urlGuard is the guard inspect.url of one operation. URLs are found by what the spec, or what was said about it,
// calls a URL.
type urlGuard struct {
	policy    *urlPolicy
	operation string
	inner     map[*openapi.Param]bool // parameters whose schema is to be asked about their parts
	flat      bool                    // no parameter can hold a URL
	bodies    unmarked
	excluded  []exclusion
	now       func() time.Time
}

// newURLGuard makes the guard of an operation with what its judge knows.
func newURLGuard(p *urlPolicy, op *openapi.Operation, j *judge) *urlGuard {
	g := &urlGuard{policy: p, operation: op.Key, inner: map[*openapi.Param]bool{}, flat: true, bodies: j.bodies, excluded: j.excluded, now: j.now}
	for _, param := range op.Params {
		if param.Property.URL() {
			g.flat = false
		} else if param.Schema != nil && composed(param.Schema) {
			g.inner[param], g.flat = true, false
		}
	}
	return g
}

// composed reports whether a schema can say more of a value, or of its parts, than its own annotations do.
func composed(s *schema.Schema) bool {
	types := s.Types()
	return len(types) == 0 || slices.Contains(types, "array") || slices.Contains(types, "object") || len(s.Info().Alternatives) > 0
}

// A urlScan is one run of the guard over one exchange.
type urlScan struct {
	*urlGuard
	ctx     context.Context
	e       *exchange.Exchange
	checked int
	verdict exchange.Verdict
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
	if v.Param.Property.URL() {
		s.each(v.Node, v.Param.Property.Reference(), place, exchange.Field{Param: place})
		return
	}
	if !s.inner[v.Param] {
		return
	}
	for _, m := range marks(v.Param.Schema.Evaluate(v.Node, schema.Request)) {
		if m.Property.URL() {
			s.each(m.Node, m.Property.Reference(), place+notation(v.Node, m.Pointer), exchange.Field{Param: place})
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
	for _, m := range g.bodies.marks(e) {
		if m.Property.URL() {
			s.each(m.Node, m.Property.Reference(), "body"+notation(tree, m.Pointer), exchange.Field{Pointer: m.Pointer})
		}
	}
	return s.verdict, ctx.Err()
}

// each judges a value, or the elements of a list of them. Whether a URL must be text is for validation to say.
func (s *urlScan) each(n *content.Node, relative bool, place string, f exchange.Field) {
	switch n.Kind {
	case content.String:
		s.one(n.Text, relative, place, f)
	case content.Array:
		for i := range n.Children {
			at := f
			if f.Pointer != "" {
				at.Pointer += "/" + strconv.Itoa(i)
			}
			s.each(&n.Children[i], relative, fmt.Sprintf("%s[%d]", place, i), at)
		}
	}
}

func (s *urlScan) one(text string, relative bool, place string, f exchange.Field) {
	if s.checked++; s.policy.resolver != nil && s.checked > maxLookups {
		s.report("", &urlError{urlResolve, "more URLs than are looked up for one request"}, text, place, f)
		return
	}
	judge := s.policy.check
	if relative {
		judge = s.policy.checkReference
	}
	if h, err := judge(s.ctx, text); err != nil {
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
