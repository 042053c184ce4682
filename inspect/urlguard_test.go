package inspect

import (
	"context"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

const hooksSpec = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/hooks":{"post":{
"parameters":[{"name":"back","in":"query","schema":{"type":"string","format":"uri"}},
 {"name":"more","in":"query","schema":{"type":"array","items":{"type":"string","format":"uri"}}},
 {"name":"to","in":"query","schema":{"type":"string"},"x-sallyport":{"kind":"url"}}],
"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{
 "url":{"type":"string","format":"uri"},"name":{"type":"string"},
 "list":{"type":"array","items":{"type":"object","properties":{"target":{"type":"string","x-sallyport":{"kind":"url"}}}}}}}}}},
"responses":{"204":{"description":"done"}}}}}}`

// hooks is the operation of hooksSpec.
func hooks(t *testing.T) *openapi.Operation {
	t.Helper()
	doc, problems := openapi.Parse("hooks.json", []byte(hooksSpec), openapi.Options{})
	if doc == nil {
		t.Fatal(problems)
	}
	return doc.Operations[0]
}

// The guard finds URLs by what the spec says of them, wherever they stand, and no others.
func TestURLGuard(t *testing.T) {
	op := hooks(t)
	i, err := New(Options{Pool: &sharedPool})
	if err != nil {
		t.Fatal(err)
	}
	guards, err := i.Guards(config.Inspect{}, op, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ query, body, field, pointer string }{
		{"", `{"url":"https://example.com/","name":"http://127.0.0.1/"}`, "", ""},
		{"", `{"url":"http://127.0.0.1/"}`, "body.url", "/url"},
		{"", `{"url":"http://0x7f.1/"}`, "body.url", "/url"},
		{"", `{"list":[{"target":"https://example.com"},{"target":"http://metadata.google.internal/"}]}`, "body.list[1].target", "/list/1/target"},
		{"?back=http://10.0.0.1/", `{}`, "query.back", ""},
		{"?to=gopher://example.com/", `{}`, "query.to", ""},
		{"?more=https://example.com/&more=http://[::1]/", `{}`, "query.more[1]", ""},
		{"?back=https://example.com/&to=https://example.com/", `{}`, "", ""},
	} {
		raw := strings.Replace(string(post("application/json", c.body)), "/orders", "/hooks"+c.query, 1)
		e, err := readExchange([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		e.Operation, e.BodySpec = op, &op.Body.Content[0]
		e.Params = op.Decode(e.Target, nil, e.Request.Header)
		verdict := exchange.Pass
		for _, g := range guards {
			if g.Name != "inspect.url" || verdict.Refused() {
				continue
			}
			if verdict, err = g.Check(context.Background(), e); err != nil {
				t.Fatal(err)
			}
		}
		if c.field == "" {
			if !verdict.Passed() || len(e.Findings) > 0 {
				t.Errorf("%s %s: %+v", c.query, c.body, e.Findings)
			}
			continue
		}
		if verdict.Passed() || verdict.Reason != exchange.SSRF || verdict.Setting == "" || len(e.Findings) != 1 || e.Findings[0].Field != c.field {
			t.Errorf("%s %s: %+v, findings %+v", c.query, c.body, verdict, e.Findings)
		} else if verdict.Fields[0].Pointer != c.pointer {
			t.Errorf("%s: pointer %q", c.body, verdict.Fields[0].Pointer)
		}
	}
}
