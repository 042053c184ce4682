package openapi

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

// FuzzMatch holds the matcher against its definition: an operation that is found has a template that its arguments
// fill to exactly the path.
func FuzzMatch(f *testing.F) {
	keys := []string{
		"GET /", "GET /a", "GET /a/{x}", "GET /a/{x}/b", "GET /a/b/{y}", "GET /f/{n}.json", "GET /f/{n}", "GET /f/{n}.{ext}",
		"GET /c/{base}...{head}", "GET /v{v}/{a}/{b}/{c}", "GET /v1/{a}/x/{c}", "GET /t/",
	}
	m, err := NewMatcher(ops(keys...))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"/", "/a", "/a/b/c", "/f/x.json", "/f/.json", "/c/a...b", "/c/a....b", "/v1/1/x/3", "/t/", "//", "/a//b", "/{x}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/") {
			return
		}
		got := m.Match("GET", segments(path))
		if got.Operation == nil {
			return
		}
		parts, _ := got.Operation.template()
		filled, args := "", got.Args
		for _, s := range parts {
			filled += "/" + s.parts[0]
			for i := range s.names {
				if args[0] == "" {
					t.Fatalf("%s: empty argument", got.Operation.Key)
				}
				filled += args[0] + s.parts[i+1]
				args = args[1:]
			}
		}
		if len(args) != 0 || (filled != path && path != "/") {
			t.Fatalf("%q matched %s with %q", path, got.Operation.Key, got.Args)
		}
	})
}

// FuzzDecode demands that every parameter is either a value or an error, within bounds, whatever is sent.
func FuzzDecode(f *testing.F) {
	op := operation(f, "3.1.0", "/x/{id}/{m}/{l}",
		"{ name: id, in: path, required: true, schema: { type: integer } }",
		"{ name: m, in: path, required: true, style: matrix, explode: true, schema: { type: array, items: { type: string } } }",
		"{ name: l, in: path, required: true, style: label, schema: { type: object, properties: { a: { type: string } } } }",
		"{ name: q, in: query, schema: { anyOf: [ { type: integer }, { type: string }, { type: array, items: { type: boolean } } ] } }",
		"{ name: f, in: query, style: deepObject, schema: { type: object, additionalProperties: { type: object, additionalProperties: true } } }",
		"{ name: o, in: query, schema: { type: object, properties: { r: { type: number }, s: { type: array, items: { type: string } } } } }",
		"{ name: p, in: query, style: pipeDelimited, explode: false, schema: { type: array, items: { type: number } } }",
		"{ name: d, in: query, content: { application/json: { schema: { type: object } } } }",
		"{ name: w, in: query, content: { application/x-www-form-urlencoded: { schema: { type: object, additionalProperties: true } } } }",
		"{ name: X-H, in: header, schema: { type: array, items: { type: string } } }",
		"{ name: c, in: cookie, explode: false, schema: { type: object, additionalProperties: { type: integer } } }")
	f.Add("1", ";m=a;m=b", ".a,1", "q=1&q=2&f[a][b]=1&r=2&s=x&p=1|2&d={}&w=a%3D1", `a, "b,c"`, "c=a,1; d=2")
	f.Add("", ";", ".", "f[999999999]=1&f[]=2&f[a]=1&f[a][b]=2&q", "\"", "c=\"")
	f.Add("x", "m", "l", "f[a[b]]=1&f]=2&d=[&o=1", "\xff", ";;")
	f.Fuzz(func(t *testing.T, id, m, l, raw, header, cookie string) {
		values, err := url.ParseQuery(raw)
		target := content.Target{RawQuery: raw}
		if err == nil {
			for name, list := range values {
				for _, v := range list {
					target.Query = append(target.Query, content.Pair{Name: name, Value: v})
				}
			}
		}
		p := op.Decode(target, []string{id, m, l}, http.Header{"X-H": {header}, "Cookie": {cookie}})
		if len(p.Values) > len(op.Params) || len(p.Values)+len(p.Errors) < 3 {
			t.Fatalf("%d values, %d errors", len(p.Values), len(p.Errors))
		}
		seen := map[*Param]bool{}
		for _, v := range p.Values {
			if seen[v.Param] || v.Node == nil || v.Node.Kind == 0 {
				t.Fatalf("%s: %+v", v.Param.Name, v)
			}
			seen[v.Param] = true
			bounds(t, v.Node, 0)
		}
	})
}

func bounds(t *testing.T, n *content.Node, depth int) {
	if len(n.Children) > maxElements || depth > maxBrackets+limits.Depth {
		t.Fatal("a value beyond the bounds")
	}
	names := map[string]bool{}
	for i := range n.Children {
		c := &n.Children[i]
		if n.Kind == content.Object {
			if names[c.Name] {
				t.Fatalf("the member %q is there twice", c.Name)
			}
			names[c.Name] = true
		}
		bounds(t, c, depth+1)
	}
}

// FuzzParse demands that no description panics, and that a document comes exactly when there is no error.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		shop, "openapi: 3.2.0\npaths: {}", `{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/paths/~1a"}}}`, "swagger: '2.0'", "a: &a [*a]", "- 1", "",
		"openapi: 3.1.0\nsecurity: [{a: []}]\npaths: {/a: {get: {parameters: [{name: x, in: query, schema: {type: array}}]}}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, problems := Parse("fuzz.yaml", data, Options{})
		if (d == nil) != problems.Failed() {
			t.Fatalf("document %v, problems %v", d != nil, problems)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Rule == "" || p.Message == "" {
				t.Fatalf("incomplete: %+v", p)
			}
		}
		if drafted, same := draft("fuzz.yaml", data, Options{}); drafted != nil {
			if len(same) != len(problems) {
				t.Fatalf("%d problems, of the draft %d", len(problems), len(same))
			}
			drafted.Lint()
			_, _ = NewMatcher(drafted.Operations)
		}
		if d != nil {
			d.Lint()
			if _, err := NewMatcher(d.Operations); err != nil {
				t.Fatal(err)
			}
		}
	})
}
