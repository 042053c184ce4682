package validate

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// spec is one of all that the guards judge.
const spec = `
openapi: 3.1.0
info: { title: shop, version: "1" }
paths:
  /orders/{id}:
    get:
      parameters:
        - { name: id, in: path, required: true, schema: { type: string, pattern: "^[0-9]{1,6}$" } }
        - { name: limit, in: query, schema: { type: integer, minimum: 1, maximum: 100, default: 20 } }
        - { name: since, in: query, schema: { type: string, format: date } }
        - { name: sort, in: query, schema: { enum: [asc, desc] } }
        - { name: ids, in: query, schema: { type: array, maxItems: 3, items: { type: integer } } }
        - { name: csv, in: query, explode: false, schema: { type: array, items: { type: integer } } }
        - { name: pipes, in: query, style: pipeDelimited, schema: { type: array, items: { type: integer } } }
        - { name: flags, in: query, allowEmptyValue: true, schema: { type: array, items: { type: integer } } }
        - { name: verbose, in: query, allowEmptyValue: true, schema: { type: boolean } }
        - { name: filter, in: query, style: deepObject, schema: { type: object, properties: { status: { enum: [open, closed] }, min: { type: integer } } } }
        - { name: where, in: query, content: { application/json: { schema: { type: object, required: [a], properties: { a: { type: integer } } } } } }
        - { name: X-Tenant, in: header, schema: { type: string, minLength: 2 } }
        - { name: theme, in: cookie, schema: { enum: [dark, light] } }
      responses:
        "200": { description: one, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } }, text/csv: { schema: { type: string } } } }
        4XX: { description: failure, content: { application/problem+json: { schema: { type: object, required: [title], properties: { title: { type: string } } } } } }
  /orders:
    post:
      requestBody:
        required: true
        content:
          application/json: { schema: { $ref: "#/components/schemas/Order" } }
          application/x-www-form-urlencoded: { schema: { $ref: "#/components/schemas/Order" } }
          text/plain: {}
      responses:
        "201": { description: made, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
        "204": { description: nothing }
    get: { responses: { "200": { description: silent about bodies } } }
    put: { requestBody: { content: { application/json: { schema: true }, image/png: { schema: { type: string, format: binary, maxLength: 4 } }, application/thing: { schema: { type: object, required: [a] } } } }, responses: { default: { description: any, content: { application/json: { schema: { type: array } } } } } }
    delete: {}
    patch: {}
components:
  schemas:
    Order:
      type: object
      required: [item]
      properties:
        item: { type: string, maxLength: 40 }
        quantity: { type: integer, minimum: 1, default: 1 }
        mail: { type: string, format: email }
        id: { type: integer, readOnly: true }
        secret: { type: string, writeOnly: true }
        address: { type: object, properties: { zip: { type: string } } }
        strict: { type: object, additionalProperties: false, properties: { a: { type: integer } } }
        open: { type: object, additionalProperties: true, properties: { a: { type: integer } } }
`

func operations(t testing.TB) []*openapi.Operation {
	t.Helper()
	d, problems := openapi.Parse("openapi.yaml", []byte(spec), openapi.Options{})
	if d == nil {
		t.Fatal(problems)
	}
	return d.Operations
}

func operation(t testing.TB, key string) *openapi.Operation {
	t.Helper()
	for _, op := range operations(t) {
		if op.Key == key {
			return op
		}
	}
	t.Fatalf("there is no %s", key)
	return nil
}

// check is the guard of this name; of validate.body, the one that knows the body.
func check(t testing.TB, op *openapi.Operation, c config.Validate, name string) func(*exchange.Exchange) exchange.Verdict {
	t.Helper()
	phase := map[string]exchange.Phase{"validate.params": exchange.OnHead, "validate.body": exchange.OnBody, "validate.response": exchange.OnResponseBody}[name]
	return guard(t, op, c, name, phase)
}

func guard(t testing.TB, op *openapi.Operation, c config.Validate, name string, phase exchange.Phase) func(*exchange.Exchange) exchange.Verdict {
	t.Helper()
	for _, g := range Guards("shop", op, c) {
		if g.Name == name && g.Phase == phase {
			return func(e *exchange.Exchange) exchange.Verdict {
				v, err := g.Check(context.Background(), e)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
		}
	}
	t.Fatalf("there is no guard %s", name)
	return nil
}

// arrived is a request as the gateway reads it.
func arrived(t testing.TB, method, target string, header http.Header) *exchange.Exchange {
	t.Helper()
	read, err := content.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	m, err := openapi.NewMatcher(operations(t))
	if err != nil {
		t.Fatal(err)
	}
	match := m.Match(method, read.Segments)
	if match.Operation == nil {
		t.Fatalf("%s %s matches nothing", method, target)
	}
	e := &exchange.Exchange{Operation: match.Operation, Target: read, Request: &http.Request{Method: method, Header: header}}
	e.Params = match.Operation.Decode(read, match.Args, header)
	return e
}

func body(t testing.TB, media, text string) *content.Body {
	t.Helper()
	b, err := content.New([]byte(text), content.Header{ContentType: []string{media}}, content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sent is a request with a body.
func sent(t testing.TB, op *openapi.Operation, media, text string) *exchange.Exchange {
	t.Helper()
	e := &exchange.Exchange{Operation: op, Body: body(t, media, text), Request: &http.Request{Header: http.Header{}}}
	if op.Body != nil {
		e.BodySpec = openapi.FindMedia(op.Body.Content, e.Body.Media().Type)
	}
	if tree, err := e.Body.Tree(); err == nil && e.BodySpec != nil && !e.Body.Media().JSON() {
		e.BodySpec.Type(tree)
	}
	return e
}

// answered is an exchange with its answer.
func answered(t testing.TB, op *openapi.Operation, status int, media, text string) *exchange.Exchange {
	t.Helper()
	r := &exchange.Response{Status: status, Header: http.Header{"Content-Type": {media}}, Body: body(t, media, text), Spec: op.Response(status)}
	if r.Spec != nil {
		r.Media = openapi.FindMedia(r.Spec.Content, r.Body.Media().Type)
	}
	return &exchange.Exchange{Operation: op, Request: &http.Request{Header: http.Header{}}, Response: r}
}

// code is the refusal's, or "".
func code(v exchange.Verdict) string {
	if v.Passed() {
		return ""
	}
	return v.Reason.Code
}

// places are those of a refusal, in order.
func places(v exchange.Verdict) string {
	var list []string
	for _, f := range v.Fields {
		list = append(list, f.Param+f.Pointer)
	}
	return strings.Join(list, " ")
}

// complete demands what every refusal promises: a setting that relaxes it, and no value of the message anywhere.
func complete(t testing.TB, v exchange.Verdict, secret string) {
	t.Helper()
	if v.Passed() {
		return
	}
	if v.Setting == "" {
		t.Errorf("%s names no setting that relaxes it", v.Reason.Code)
	}
	if len(v.Fields) > maxNamed {
		t.Errorf("%d places", len(v.Fields))
	}
	for _, f := range v.Fields {
		if secret != "" && strings.Contains(f.Detail, secret) {
			t.Errorf("the value stands in %q", f.Detail)
		}
	}
}
