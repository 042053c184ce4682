package openapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

// load parses a document that must be free of errors.
func load(t testing.TB, text string) *Document {
	t.Helper()
	d, problems := Parse("test.yaml", []byte(text), Options{})
	if d == nil {
		t.Fatal(problems)
	}
	return d
}

// operation makes a document of one operation, GET on path, with parameters in YAML flow style.
func operation(t testing.TB, version, path string, params ...string) *Operation {
	t.Helper()
	text := "openapi: " + version + "\ninfo: { title: t, version: '1' }\npaths:\n  " + path + ":\n    get:\n      parameters:\n"
	for _, p := range params {
		text += "        - " + p + "\n"
	}
	return load(t, text+"      responses: { default: { description: d } }\n").Operations[0]
}

// show writes a node as JSON.
func show(n *content.Node) string {
	switch n.Kind {
	case content.Null:
		return "null"
	case content.String:
		b, _ := json.Marshal(n.Text)
		return string(b)
	case content.Array, content.Object:
		var parts []string
		for i := range n.Children {
			c := &n.Children[i]
			if n.Kind == content.Object {
				parts = append(parts, c.Name+":"+show(c))
			} else {
				parts = append(parts, show(c))
			}
		}
		if n.Kind == content.Object {
			return "{" + strings.Join(parts, ",") + "}"
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return n.Text
}

func showParams(p Params) string {
	var out []string
	for _, v := range p.Values {
		out = append(out, fmt.Sprintf("%s=%s", v.Param.Name, show(v.Node)))
	}
	for _, e := range p.Errors {
		out = append(out, fmt.Sprintf("!%s %s", e.Name, e.Detail))
	}
	for _, u := range p.Undeclared {
		out = append(out, "?"+u)
	}
	return strings.Join(out, " ")
}

// request is a target of a query, a header and the arguments of a path.
func query(raw string) content.Target {
	t := content.Target{RawQuery: raw}
	if raw == "" {
		return t
	}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		n, _ := url.QueryUnescape(name)
		v, _ := url.QueryUnescape(value)
		t.Query = append(t.Query, content.Pair{Name: n, Value: v})
	}
	return t
}

const (
	stringSchema = "{ type: string }"
	arraySchema  = "{ type: array, items: { type: string } }"
	objectSchema = "{ type: object, properties: { R: { type: integer }, G: { type: integer }, B: { type: integer } } }"
	arrayValue   = `color=["blue","black","brown"]`
	objectValue  = `color={R:100,G:200,B:150}`
)

// The style examples of OpenAPI 3.1.1, section 4.8.12.3.
func TestStyleExamples(t *testing.T) {
	tests := []struct {
		in, style string
		explode   bool
		schema    string
		input     string
		want      string
	}{
		{"path", "matrix", false, stringSchema, ";color", `color=""`},
		{"path", "matrix", false, stringSchema, ";color=blue", `color="blue"`},
		{"path", "matrix", false, arraySchema, ";color=blue,black,brown", arrayValue},
		{"path", "matrix", false, objectSchema, ";color=R,100,G,200,B,150", objectValue},
		{"path", "matrix", true, stringSchema, ";color=blue", `color="blue"`},
		{"path", "matrix", true, arraySchema, ";color=blue;color=black;color=brown", arrayValue},
		{"path", "matrix", true, objectSchema, ";R=100;G=200;B=150", objectValue},
		{"path", "label", false, stringSchema, ".", `color=""`},
		{"path", "label", false, stringSchema, ".blue", `color="blue"`},
		{"path", "label", false, arraySchema, ".blue,black,brown", arrayValue},
		{"path", "label", false, objectSchema, ".R,100,G,200,B,150", objectValue},
		{"path", "label", true, stringSchema, ".blue", `color="blue"`},
		{"path", "label", true, arraySchema, ".blue.black.brown", arrayValue},
		{"path", "label", true, objectSchema, ".R=100.G=200.B=150", objectValue},
		{"path", "simple", false, stringSchema, "blue", `color="blue"`},
		{"path", "simple", false, arraySchema, "blue,black,brown", arrayValue},
		{"path", "simple", false, objectSchema, "R,100,G,200,B,150", objectValue},
		{"path", "simple", true, arraySchema, "blue,black,brown", arrayValue},
		{"path", "simple", true, objectSchema, "R=100,G=200,B=150", objectValue},
		{"header", "simple", false, stringSchema, "blue", `color="blue"`},
		{"header", "simple", false, arraySchema, "blue,black,brown", arrayValue},
		{"header", "simple", false, objectSchema, "R,100,G,200,B,150", objectValue},
		{"header", "simple", true, objectSchema, "R=100,G=200,B=150", objectValue},
		{"query", "form", false, stringSchema, "color=", `color=""`},
		{"query", "form", false, stringSchema, "color=blue", `color="blue"`},
		{"query", "form", false, arraySchema, "color=blue,black,brown", arrayValue},
		{"query", "form", false, objectSchema, "color=R,100,G,200,B,150", objectValue},
		{"query", "form", true, stringSchema, "color=blue", `color="blue"`},
		{"query", "form", true, arraySchema, "color=blue&color=black&color=brown", arrayValue},
		{"query", "form", true, objectSchema, "R=100&G=200&B=150", objectValue},
		{"query", "spaceDelimited", false, arraySchema, "color=blue%20black%20brown", arrayValue},
		{"query", "spaceDelimited", false, objectSchema, "color=R%20100%20G%20200%20B%20150", objectValue},
		{"query", "spaceDelimited", true, arraySchema, "color=blue&color=black&color=brown", arrayValue},
		{"query", "pipeDelimited", false, arraySchema, "color=blue%7Cblack%7Cbrown", arrayValue},
		{"query", "pipeDelimited", false, objectSchema, "color=R%7C100%7CG%7C200%7CB%7C150", objectValue},
		{"query", "deepObject", true, objectSchema, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150", objectValue},
		{"cookie", "form", false, stringSchema, "color=blue", `color="blue"`},
		{"cookie", "form", false, arraySchema, "color=blue,black,brown", arrayValue},
		{"cookie", "form", false, objectSchema, "color=R,100,G,200,B,150", objectValue},
		{"cookie", "cookie", true, arraySchema, "color=blue; color=black; color=brown", arrayValue},
		{"cookie", "cookie", true, objectSchema, "R=100; G=200; B=150", objectValue},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %s explode=%v %s", tt.in, tt.style, tt.explode, tt.input), func(t *testing.T) {
			path := "/x"
			if tt.in == "path" {
				path = "/x/{color}"
			}
			op := operation(t, "3.2.0", path, fmt.Sprintf("{ name: color, in: %s, required: true, style: %s, explode: %v, schema: %s }", tt.in, tt.style, tt.explode, tt.schema))
			target, args, h := content.Target{}, []string(nil), http.Header{}
			switch tt.in {
			case "path":
				args = []string{tt.input}
			case "query":
				target = query(tt.input)
			case "header":
				h.Set("color", tt.input)
			case "cookie":
				h.Set("Cookie", tt.input)
			}
			if got := showParams(op.Decode(target, args, h)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTypesOfQueryValues(t *testing.T) {
	tests := []struct{ schema, query, want string }{
		{"{ type: string }", "q=42", `q="42"`},
		{"{ type: string }", "q=true", `q="true"`},
		{"{ type: integer }", "q=42", "q=42"},
		{"{ type: integer }", "q=-7", "q=-7"},
		{"{ type: integer }", "q=042", `q="042"`},
		{"{ type: integer }", "q=1.0", `q="1.0"`},
		{"{ type: integer }", "q=1e3", `q="1e3"`},
		{"{ type: integer }", "q=%2B5", `q="+5"`},
		{"{ type: integer }", "q=-", `q="-"`},
		{"{ type: integer }", "q=", `q=""`},
		{"{ type: integer }", "q=" + strings.Repeat("9", 41), `q="` + strings.Repeat("9", 41) + `"`},
		{"{ type: integer }", "q=%EF%BC%95", `q="５"`},
		{"{ type: number }", "q=1.50", "q=1.50"},
		{"{ type: number }", "q=1e3", "q=1e3"},
		{"{ type: number }", "q=1e-3", "q=1e-3"},
		{"{ type: number }", "q=1e9999", `q="1e9999"`},
		{"{ type: number }", "q=1.", `q="1."`},
		{"{ type: number }", "q=.5", `q=".5"`},
		{"{ type: number }", "q=0x1F", `q="0x1F"`},
		{"{ type: number }", "q=NaN", `q="NaN"`},
		{"{ type: boolean }", "q=true", "q=true"},
		{"{ type: boolean }", "q=True", `q="True"`},
		{"{ type: boolean }", "q=1", `q="1"`},
		{"{ type: [integer, 'null'] }", "q=null", `q="null"`},
		{"{ type: [string, integer] }", "q=42", "q=42"},
		{"{ type: [string, integer] }", "q=abc", `q="abc"`},
		{"{ anyOf: [ { type: integer, minimum: 1 }, { type: string, enum: [latest] } ] }", "q=7", "q=7"},
		{"{ anyOf: [ { type: integer, minimum: 1 }, { type: string, enum: [latest] } ] }", "q=latest", `q="latest"`},
		{"{ anyOf: [ { type: integer, maximum: 9 }, { type: string, pattern: '^[0-9]+$' } ] }", "q=77", `q="77"`},
		{"{}", "q=42", `q="42"`},
		{"{ enum: [1, 2] }", "q=1", "q=1"},
		{"{ enum: [true, x] }", "q=true", "q=true"},
		{"{ allOf: [ { type: integer } ] }", "q=1", "q=1"},
		{"{ oneOf: [ { type: string }, { type: array, items: { type: string } } ] }", "q=a", `q="a"`},
		{"{ oneOf: [ { type: string }, { type: array, items: { type: string } } ] }", "q=a&q=b", `q=["a","b"]`},
		{"{ type: array, items: { type: integer } }", "q=1&q=x&q=3", `q=[1,"x",3]`},
		{"{ type: array, items: { type: integer } }", "q=1,2", `q=["1,2"]`},
		{"{ type: array, items: { type: string } }", "q=", `q=[""]`},
	}
	for _, tt := range tests {
		op := operation(t, "3.1.0", "/x", "{ name: q, in: query, schema: "+tt.schema+" }")
		if got := showParams(op.Decode(query(tt.query), nil, nil)); got != tt.want {
			t.Errorf("%s ?%s: got %s, want %s", tt.schema, tt.query, got, tt.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	const filter = "{ name: f, in: query, style: deepObject, explode: true, schema: { type: object, properties: { a: { type: integer }, tags: { type: array, items: { type: string } }, sub: { type: object, properties: { x: { type: string } } } } } }"
	const created = "{ name: created, in: query, style: deepObject, explode: true, schema: { anyOf: [ { type: object, properties: { gte: { type: integer } } }, { type: integer } ] } }"
	const untyped = "{ name: f, in: query, style: deepObject, schema: { properties: { a: { type: integer } } } }"
	const page = "{ name: page, in: query, schema: { type: integer } }"
	const ids = "{ name: ids, in: query, explode: false, schema: { type: array, items: { type: integer } } }"
	const needed = "{ name: n, in: query, required: true, schema: { type: string } }"
	const doc = "{ name: d, in: query, content: { application/json: { schema: { type: object } } } }"
	const form = "{ name: d, in: query, content: { application/x-www-form-urlencoded: { schema: { type: object, properties: { a: { type: integer } } } } } }"
	tests := []struct{ name, param, query, want string }{
		{"repeated scalar", page, "page=1&page=2", "!page must be given once"},
		{"undeclared", page, "page=1&x=2&y=3", "page=1 ?x ?y"},
		{"case matters", page, "Page=1", "?Page"},
		{"brackets on a plain parameter", page, "page[]=1", "?page[]"},
		{"missing", needed, "", "!n is required"},
		{"list twice", ids, "ids=1&ids=2", "!ids must be given once"},
		{"list too long", ids, "ids=" + strings.Repeat("1,", 1000), "!ids has too many elements"},
		{"deep", filter, "f[a]=1&f[tags][]=x&f[tags][]=y&f[sub][x]=z", `f={a:1,tags:["x","y"],sub:{x:"z"}}`},
		{"deep by index", filter, "f[tags][0]=x&f[tags][1]=y", `f={tags:["x","y"]}`},
		{"deep repeated array", filter, "f[tags]=x&f[tags]=y", `f={tags:["x","y"]}`},
		{"deep index far away", filter, "f[tags][999999999]=x", "!f " + badBrackets},
		{"deep index out of order", filter, "f[tags][1]=x&f[tags][0]=y", "!f " + badBrackets},
		{"deep twice", filter, "f[a]=1&f[a]=2", "!f has a member twice"},
		{"deep scalar and object", filter, "f[a]=1&f[a][b]=2", "!f " + badBrackets},
		{"deep unknown member", filter, "f[zz]=1&f[a]=1", `f={a:1} ?f[zz]`},
		{"deep unbalanced", filter, "f[a=1", "!f " + badBrackets},
		{"deep nested open", filter, "f[a[b]]=1", "!f " + badBrackets},
		{"deep rest", filter, "f[a]b=1", "!f " + badBrackets},
		{"deep empty", filter, "f[]=1", "!f " + badBrackets},
		{"deep too deep", filter, "f" + strings.Repeat("[a]", 9) + "=1", "!f is nested too deeply"},
		{"deep plain", filter, "f=1", "!f must be of the form name[member]=value"},
		{"deep prototype", filter, "f[__proto__][x]=1", "?f[__proto__][x]"},
		{"deep alternatives", created, "created[gte]=5", "created={gte:5}"},
		{"deep alternatives, scalar", created, "created=5", "created=5"},
		{"deep alternatives, unknown", created, "created[x]=5", "?created[x]"},
		{"deep without a type", untyped, "f[a]=1", "f={a:1}"},
		{"json", doc, "d=%7B%22a%22%3A%5B1%5D%7D", "d={a:[1]}"},
		{"json broken", doc, "d={", "!d must be JSON without duplicate names, within bounds"},
		{"json duplicate", doc, `d={"a":1,"a":2}`, "!d must be JSON without duplicate names, within bounds"},
		{"json empty", doc, "d=", "!d must be JSON"},
		{"form", form, "d=a%3D1", "d={a:1}"},
		{"form twice", form, "d=a%3D1%26a%3D2", "!d has a member twice"},
		{"form bad escape", form, "d=a%3D%25zz", "!d has a bad percent-encoding"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			op := operation(t, "3.1.0", "/x", tt.param)
			if got := showParams(op.Decode(query(tt.query), nil, nil)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestDecodeTooManyMembers(t *testing.T) {
	op := operation(t, "3.1.0", "/x", "{ name: f, in: query, style: deepObject, schema: { type: object, additionalProperties: true } }")
	var q strings.Builder
	for i := range 300 {
		fmt.Fprintf(&q, "f[k%d]=1&", i)
	}
	if got := showParams(op.Decode(query(strings.TrimSuffix(q.String(), "&")), nil, nil)); got != "!f "+tooMany {
		t.Errorf("got %s", got)
	}
}

func TestOpenExplodedObject(t *testing.T) {
	op := operation(t, "3.1.0", "/x",
		"{ name: page, in: query, schema: { type: integer } }",
		"{ name: meta, in: query, schema: { type: object, additionalProperties: { type: integer } } }")
	if got := showParams(op.Decode(query("a=1&page=2&b=x"), nil, nil)); got != `page=2 meta={a:1,b:"x"}` {
		t.Errorf("got %s", got)
	}
}

func TestDecodeHeaders(t *testing.T) {
	op := operation(t, "3.1.0", "/x",
		"{ name: X-Tenant, in: header, required: true, schema: { type: integer } }",
		"{ name: x-tags, in: header, schema: { type: array, items: { type: string } } }",
		"{ name: X-Doc, in: header, content: { application/json: { schema: { type: object } } } }")
	tests := []struct {
		name string
		h    http.Header
		want string
	}{
		{"one", http.Header{"X-Tenant": {" 7 "}}, "X-Tenant=7"},
		{"missing", http.Header{}, "!X-Tenant is required"},
		{"twice", http.Header{"X-Tenant": {"7", "8"}}, "!X-Tenant must be given once"},
		{"array joined", http.Header{"X-Tenant": {"7"}, "X-Tags": {"a, b", "c"}}, `X-Tenant=7 x-tags=["a","b","c"]`},
		{"quoted comma", http.Header{"X-Tenant": {"7"}, "X-Tags": {`"a,b", c`}}, `X-Tenant=7 x-tags=["\"a,b\"","c"]`},
		{"open quote", http.Header{"X-Tenant": {"7"}, "X-Tags": {`"a,b`}}, `X-Tenant=7 !x-tags has a quoted string without end`},
		{"json", http.Header{"X-Tenant": {"7"}, "X-Doc": {`{"a":1}`}}, "X-Tenant=7 X-Doc={a:1}"},
		{"bytes", http.Header{"X-Tenant": {"\xff"}}, "!X-Tenant must be UTF-8"},
		{"undeclared are ignored", http.Header{"X-Tenant": {"7"}, "X-Other": {"x"}}, "X-Tenant=7"},
	}
	for _, tt := range tests {
		if got := showParams(op.Decode(content.Target{}, nil, tt.h)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestDecodeCookies(t *testing.T) {
	op := operation(t, "3.1.0", "/x", "{ name: lang, in: cookie, schema: { type: string } }")
	const bad = "! must be name=value pairs separated by \"; \", without quotes"
	tests := []struct {
		lines []string
		want  string
	}{
		{[]string{"lang=de"}, `lang="de"`},
		{[]string{"a=1; lang=de; b=x=y"}, `lang="de"`},
		{[]string{"a=1", "lang=de"}, `lang="de"`},
		{[]string{"lang=de; lang=en"}, "!lang must be given once"},
		{[]string{"LANG=de"}, ""},
		{[]string{`a="x; lang=evil"`}, bad},
		{[]string{"lang=d\x01e"}, bad},
		{[]string{"lang"}, bad},
		{[]string{"; lang=de"}, bad},
		{nil, ""},
	}
	for _, tt := range tests {
		if got := showParams(op.Decode(content.Target{}, nil, http.Header{"Cookie": tt.lines})); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.lines, got, tt.want)
		}
	}
}

func TestQueryString(t *testing.T) {
	asForm := operation(t, "3.2.0", "/x", "{ in: querystring, name: q, content: { application/x-www-form-urlencoded: { schema: { type: object, properties: { a: { type: integer }, t: { type: array, items: { type: string } } } } } } }")
	if got := showParams(asForm.Decode(query("a=1&t=x&t=y&z=2"), nil, nil)); got != `q={a:1,t:["x","y"],z:"2"}` {
		t.Errorf("form: %s", got)
	}
	asJSON := operation(t, "3.2.0", "/x", "{ in: querystring, name: q, content: { application/json: { schema: { type: object } } } }")
	if got := showParams(asJSON.Decode(query("%7B%22a%22%3A1%7D"), nil, nil)); got != `q={a:1}` {
		t.Errorf("json: %s", got)
	}
	if got := showParams(asJSON.Decode(query(`{"a":1}&b=2`), nil, nil)); got != `!q must be percent-encoded as a whole, = and & included` {
		t.Errorf("json: %s", got)
	}
}

func TestCredentialsCountAsDeclared(t *testing.T) {
	d := load(t, `
openapi: 3.1.0
info: { title: t, version: '1' }
components:
  securitySchemes:
    key: { type: apiKey, in: query, name: api_key }
paths:
  /x:
    get: { responses: { default: { description: d } } }
`)
	if got := showParams(d.Operations[0].Decode(query("api_key=s&other=1"), nil, nil)); got != "?other" {
		t.Errorf("got %s", got)
	}
}

func TestDecodeWithoutDocument(t *testing.T) {
	op := &Operation{Path: "/x/{id}", Params: []*Param{{Name: "id", In: "path", Style: "simple", Required: true}}}
	if got := showParams(op.Decode(query("a=1"), []string{"7"}, nil)); got != `id="7" ?a` {
		t.Errorf("got %s", got)
	}
	if got := showParams((&Operation{Undocumented: true}).Decode(query("a=1"), nil, nil)); got != "?a" {
		t.Errorf("got %s", got)
	}
}

func BenchmarkDecode(b *testing.B) {
	op := operation(b, "3.1.0", "/orders/{id}",
		"{ name: id, in: path, required: true, schema: { type: integer } }",
		"{ name: page, in: query, schema: { type: integer } }",
		"{ name: status, in: query, schema: { type: array, items: { type: string } } }",
		"{ name: expand, in: query, schema: { type: string } }",
		"{ name: X-Tenant, in: header, schema: { type: string } }")
	target := query("page=2&status=open&status=paid&expand=lines")
	h := http.Header{"X-Tenant": {"acme"}}
	args := []string{"8412"}
	b.ReportAllocs()
	for b.Loop() {
		if p := op.Decode(target, args, h); len(p.Values) != 5 {
			b.Fatal(showParams(p))
		}
	}
}
