package validate

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

const catalogue = `
openapi: 3.1.0
info: { title: bench, version: "1" }
paths:
  /orders:
    post:
      requestBody: { required: true, content: { application/json: { schema: &order { type: object, required: [items], properties: { customer: { type: string, format: uuid }, note: { type: string, maxLength: 200 },
        items: { type: array, maxItems: 50, items: { type: object, required: [sku, quantity], properties: { sku: { type: string, pattern: "^[A-Z]{3}-[0-9]{4}$" }, quantity: { type: integer, minimum: 1, maximum: 999 }, price: { type: number, minimum: 0 }, name: { type: string, maxLength: 80 } } } } } } } } }
      responses: { "201": { description: made, content: { application/json: { schema: *order } } } }
`

// order is a body of 1 KB.
func order() []byte {
	item := `{"sku":"ABC-1234","quantity":3,"price":19.95,"name":"a thing of some length, as things have"}`
	return []byte(`{"customer":"0190a6b0-7c1e-7b6a-9c55-2f5d7b8a9c01","note":"leave it at the door","items":[` + strings.Repeat(item+",", 9) + item + `]}`)
}

// BenchmarkGuards judges a message of 1 KB. "parsed" has the tree already, as it is where several guards share it.
func BenchmarkGuards(b *testing.B) {
	d, problems := openapi.Parse("bench.yaml", []byte(catalogue), openapi.Options{})
	if d == nil {
		b.Fatal(problems)
	}
	op := d.Operations[0]
	data, header := order(), content.Header{ContentType: []string{"application/json"}}
	read := func() *content.Body {
		body, err := content.New(data, header, content.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		return body
	}
	request := &http.Request{Header: http.Header{"Accept": {"application/json"}}}
	judge := func(name string, e func() *exchange.Exchange) func(*testing.B) {
		guard := check(b, op, config.Validate{}, name)
		return func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if v := guard(e()); !v.Passed() {
					b.Fatal(v.Detail)
				}
			}
		}
	}
	parsed := read()
	if _, err := parsed.Tree(); err != nil {
		b.Fatal(err)
	}
	spec, answer := &op.Body.Content[0], op.Response(201)
	b.Run("params", judge("validate.params", func() *exchange.Exchange { return &exchange.Exchange{Operation: op, Request: request} }))
	b.Run("body", judge("validate.body", func() *exchange.Exchange {
		return &exchange.Exchange{Operation: op, Request: request, Body: read(), BodySpec: spec}
	}))
	b.Run("body, parsed", judge("validate.body", func() *exchange.Exchange {
		return &exchange.Exchange{Operation: op, Request: request, Body: parsed, BodySpec: spec}
	}))
	b.Run("response", judge("validate.response", func() *exchange.Exchange {
		return &exchange.Exchange{Operation: op, Request: request, Response: &exchange.Response{Status: 201, Body: read(), Spec: answer, Media: &answer.Content[0]}}
	}))
}
