package inspect

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

const placesSpec = `
openapi: 3.1.0
info: { title: t, version: "1" }
paths:
  /fetch/{target}:
    post:
      parameters:
        - { name: target, in: path, required: true, schema: { type: string, format: uri } }
        - { name: q, in: query, schema: { type: string, format: uri } }
        - { name: ref, in: query, schema: { type: string, format: uri-reference } }
        - { name: intl, in: query, schema: { type: string, format: iri } }
        - { name: either, in: query, schema: { anyOf: [ { type: string, format: uri }, { type: integer } ] } }
        - { name: many, in: query, schema: { type: array, items: { type: string, format: uri } } }
        - { name: deep, in: query, style: deepObject, schema: { type: object, properties: { hook: { type: string, format: uri } } } }
        - { name: packed, in: query, content: { application/json: { schema: { type: object, properties: { hook: { type: string, format: uri } } } } } }
        - { name: X-Callback, in: header, schema: { type: string, format: uri } }
        - { name: home, in: cookie, schema: { type: string, format: uri } }
        - { name: note, in: query, schema: { type: string } }
      requestBody:
        content:
          application/json: { schema: { $ref: "#/components/schemas/Hook" } }
          application/x-www-form-urlencoded: { schema: { $ref: "#/components/schemas/Hook" } }
          multipart/form-data: { schema: { $ref: "#/components/schemas/Hook" } }
          application/xml: { schema: { $ref: "#/components/schemas/Hook" } }
      responses: { "204": { description: done } }
components:
  schemas:
    Hook:
      type: object
      properties:
        url: { type: string, format: uri }
        ref: { type: string, format: iri-reference }
        kind: { type: string, x-sallyport: { kind: url } }
        list: { type: array, items: { type: string, format: uri } }
        either: { oneOf: [ { type: string, format: uri }, { type: "null" } ] }
        map: { type: object, additionalProperties: { type: string, format: uri } }
        deep: { type: object, properties: { more: { type: array, items: { type: object, properties: { at: { type: string, format: iri } } } } } }
        note: { type: string }
`

// A urlPlace is one request in which %s stands for a URL, percent-encoded where it stands in a target or a form.
type urlPlace struct{ target, header, typ, body, field string }

var urlPlaces = []urlPlace{
	{target: "/fetch/%s", field: "path.target"},
	{target: "/fetch/x?q=%s", field: "query.q"}, {target: "/fetch/x?ref=%s", field: "query.ref"}, {target: "/fetch/x?intl=%s", field: "query.intl"},
	{target: "/fetch/x?either=%s", field: "query.either"}, {target: "/fetch/x?many=https://example.com/&many=%s", field: "query.many[1]"},
	{target: "/fetch/x?deep%%5Bhook%%5D=%s", field: "query.deep.hook"}, {target: "/fetch/x?packed=%%7B%%22hook%%22:%%22%s%%22%%7D", field: "query.packed.hook"},
	{header: "X-Callback: %s", field: "header.X-Callback"}, {header: "Cookie: a=b; home=%s", field: "cookie.home"},
	{typ: "application/json", body: `{"url":"%s"}`, field: "body.url"}, {typ: "application/json", body: `{"ref":"%s"}`, field: "body.ref"},
	{typ: "application/json", body: `{"kind":"%s"}`, field: "body.kind"}, {typ: "application/json", body: `{"list":["https://example.com/","%s"]}`, field: "body.list[1]"},
	{typ: "application/json", body: `{"either":"%s"}`, field: "body.either"}, {typ: "application/json", body: `{"map":{"a":"%s"}}`, field: "body.map.a"},
	{typ: "application/json", body: `{"deep":{"more":[{"at":"%s"}]}}`, field: "body.deep.more[0].at"},
	{typ: "application/x-www-form-urlencoded", body: "note=x&url=%s", field: "body.url"}, {typ: "application/x-www-form-urlencoded", body: "list=https://example.com/&list=%s", field: "body.list[1]"},
	{typ: "multipart/form-data; boundary=b", body: "--b\r\nContent-Disposition: form-data; name=\"url\"\r\n\r\n%s\r\n--b--\r\n", field: "body.url"},
	{typ: "application/xml", body: "<Hook><url>%s</url></Hook>", field: "body.url"}, {typ: "application/xml", body: "<Hook><list>https://example.com/</list><list>%s</list></Hook>", field: "body.list[1]"},
}

// read builds the exchange in which u stands at the place.
func (p urlPlace) read(t *testing.T, doc *openapi.Document, u string) *exchange.Exchange {
	t.Helper()
	escaped := strings.ReplaceAll(url.QueryEscape(u), "+", "%20")
	target, header, body := "/fetch/x", p.header, p.body
	if p.target != "" {
		target = fmt.Sprintf(p.target, escaped)
	}
	if header != "" {
		header = fmt.Sprintf(header, u) + "\r\n"
	}
	if strings.Contains(p.typ, "urlencoded") {
		body = fmt.Sprintf(body, escaped)
	} else if body != "" {
		body = fmt.Sprintf(body, u)
	}
	raw := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", target, header, p.typ, len(body), body)
	if p.target == "/fetch/%s" {
		raw = strings.Replace(raw, escaped, "x", 1) // a path cannot carry an encoded slash; the operation is asked as if it could
	}
	e, err := readExchange([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", p.field, err)
	}
	e.Operation = doc.Operations[0]
	args := []string{"https://example.com/"}
	if p.target == "/fetch/%s" {
		args[0] = u
	}
	e.Params = e.Operation.Decode(e.Target, args, e.Request.Header)
	if e.Body != nil {
		e.BodySpec = openapi.FindMedia(e.Operation.Body.Content, e.Body.Media().Type)
		tree, err := e.Body.Tree()
		if err != nil {
			t.Fatal(err)
		}
		e.BodySpec.Type(tree)
	}
	return e
}

// URLs are found in every place that a request can carry one, and only where the spec says so.
func TestURLPlaces(t *testing.T) {
	doc, problems := openapi.Parse("places.yaml", []byte(placesSpec), openapi.Options{})
	if doc == nil {
		t.Fatal(problems)
	}
	i, err := New(Options{Pool: &sharedPool})
	if err != nil {
		t.Fatal(err)
	}
	guards, err := i.Guards(config.Inspect{}, doc.Operations[0], false)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(e *exchange.Exchange) exchange.Verdict {
		for _, g := range guards {
			if g.Name != "inspect.url" {
				continue
			}
			if v, err := g.Check(t.Context(), e); err != nil || !v.Passed() {
				return v
			}
		}
		return exchange.Pass
	}
	for _, p := range urlPlaces {
		for _, u := range []string{"http://127.0.0.1/", "http://169.254.169.254/latest/", "http://0x7f.1/", "http://[::1]/", "gopher://example.com/", "http://localhost"} {
			e := p.read(t, doc, u)
			if v := ask(e); v.Reason != exchange.SSRF || len(e.Findings) != 1 || e.Findings[0].Field != p.field {
				t.Errorf("%s in %s: %+v %+v", u, p.field, v, e.Findings)
			}
		}
		if v := ask(p.read(t, doc, "https://example.com/hook")); !v.Passed() {
			t.Errorf("%s: %+v", p.field, v)
		}
	}
	for _, p := range []urlPlace{{target: "/fetch/x?note=%s"}, {typ: "application/json", body: `{"note":"%s"}`}} {
		if v := ask(p.read(t, doc, "http://127.0.0.1/")); !v.Passed() {
			t.Errorf("a note is no URL: %+v", v)
		}
	}
}
