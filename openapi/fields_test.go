package openapi

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

const fieldSpec = `
openapi: 3.1.0
info: { title: t, version: "1" }
paths:
  /a:
    post:
      requestBody:
        content:
          multipart/form-data: &form
            schema: &schema
              type: object
              properties:
                title: { type: string }
                n: { type: integer }
                tags: { type: array, maxItems: 3, items: { type: string } }
                ids: { type: array, items: { type: integer } }
                files: { type: array, items: { type: string, contentMediaType: application/octet-stream } }
                photo: { type: string, contentMediaType: image/png }
                meta: { type: object, properties: { k: { type: integer }, s: { type: string } } }
                rows: { type: array, items: { type: object, properties: { r: { type: integer } } } }
                doc: {}
                piped: { type: array, items: { type: integer } }
                deep: { type: object, properties: { a: { type: integer }, b: { type: array, items: { type: string } }, c: { type: object, properties: { d: { type: boolean } } } } }
                list: { type: array, items: { type: string } }
                flat: { type: object, properties: { r: { type: integer }, g: { type: integer } } }
            encoding:
              photo: { contentType: "image/png, image/*", headers: { X-Rotate: { required: true, schema: { type: integer, maximum: 359 } }, Content-Type: {} } }
              doc: { contentType: application/json }
              piped: { style: pipeDelimited }
              deep: { style: deepObject }
              list: { style: deepObject }
              flat: { style: form, explode: false }
          application/x-www-form-urlencoded: *form
`

// formBody reads a body as the gateway does.
func formBody(t *testing.T, contentType, body string) (*MediaType, *content.Body, error) {
	t.Helper()
	d, problems := Parse("f.yaml", []byte(fieldSpec), Options{})
	if d == nil {
		t.Fatal(problems)
	}
	b, err := content.New([]byte(body), content.Header{ContentType: []string{contentType}}, content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	m := FindMedia(d.Operations[0].Body.Content, b.Media().Type)
	b.Expect(m)
	tree, err := b.Tree()
	if err == nil {
		m.Type(tree)
	}
	return m, b, err
}

// reading is what a body is read as, with why the schema refuses it, or why it cannot be read.
func formReading(t *testing.T, contentType, body string) string {
	m, b, err := formBody(t, contentType, body)
	var e *content.Error
	if errors.As(err, &e) {
		return "refused: " + e.Detail
	}
	tree, _ := b.Tree()
	out := spell(tree)
	r := m.Schema.Evaluate(tree, schema.Request)
	for _, v := range r.Violations {
		out += " !" + v.Pointer
	}
	for _, u := range r.Undeclared {
		out += " ?" + u.Pointer
	}
	return out
}

func parts(list ...string) string {
	return "--X\r\n" + strings.Join(list, "\r\n--X\r\n") + "\r\n--X--\r\n"
}

func part(name, value string, more ...string) string {
	head := `Content-Disposition: form-data; name="` + name + `"`
	for _, m := range more {
		if strings.HasPrefix(m, ";") {
			head += m
		} else {
			head += "\r\n" + m
		}
	}
	return head + "\r\n\r\n" + value
}

func TestMultipartFields(t *testing.T) {
	file, json, png := `; filename="a.bin"`, "Content-Type: application/json", "Content-Type: image/png"
	for _, c := range []struct{ body, want string }{
		{parts(part("tags", "a"), part("title", "t"), part("tags", "b")), "{tags:[text a text b] title:text t}"},
		{parts(part("tags", "a")), "{tags:[text a]}"},
		{parts(part("tags", "a"), part("tags", "b"), part("tags", "c"), part("tags", "d")), "{tags:[text a text b text c text d]} !/tags"},
		{parts(part("ids", "1"), part("ids", "x")), "{ids:[1 text x]} !/ids/1"},
		{parts(part("files", "a", file), part("files", "b", file)), "{files:[a b]}"},
		{parts(part("title", "a"), part("title", "b")), "refused: a part name that occurs twice"},
		{parts(part("other", "a"), part("other", "b")), "refused: a part name that occurs twice"},
		{parts(part("tags", "a"), part("Tags", "b")), "refused: names that differ in case only"},
		{parts(part("meta", `{"k":1,"s":"5"}`, json)), "{meta:{k:1 s:text 5}}"},
		{parts(part("meta", ` {"k":"1"} `)), "{meta:{k:text 1}} !/meta/k"}, // JSON says itself what is a number
		{parts(part("meta", `{"k":1,"x":2}`)), "{meta:{k:1 x:2}} ?/meta/x"},
		{parts(part("meta", `{"k":1,"k":2}`)), "refused: a name that occurs twice or differs in case only"},
		{parts(part("meta", `{"k":1} x`)), "refused: data after the JSON value"},
		{parts(part("meta", ``)), "refused: the JSON text ends early"},
		{parts(part("meta", `{"k":1}`, "Content-Type: text/plain")), `{meta:text {"k":1}} !/meta`},
		{parts(part("rows", `{"r":1}`), part("rows", `{"r":"2"}`)), "{rows:[{r:1} {r:text 2}]} !/rows/1/r"},
		{parts(part("rows", `{"r":1}`)), "{rows:[{r:1}]}"},
		{parts(part("rows", `[{"r":1}]`)), "{rows:[{r:1}]}"},
		{parts(part("doc", `[1,"2"]`, json)), "{doc:[1 text 2]}"},
		{parts(part("doc", `[1,]`)), "refused: a value expected"},
		{parts(part("title", `{"k":1,"k":2}`, json)), `{title:text {"k":1,"k":2}}`},
		{parts(part("photo", "x", file, png, "X-Rotate: 90")), "{photo:x}"},
		{parts(part("photo", "x", file, "Content-Type: image/gif", "x-rotate: 90")), "{photo:x}"},
		{parts(part("photo", "x", file, png)), "refused: a part without a header field that is required of it"},
		{parts(part("photo", "x", file, png, "X-Rotate: 400")), "refused: a part with a header field that is not as declared"},
		{parts(part("photo", "x", file, png, "X-Rotate: 1", "X-ROTATE: 2")), "refused: a part with a repeated header field"},
		{parts(part("photo", "x", file, png, "X-Rotate: 1", "X-Other: 2")), "refused: a part with a header field that is not declared for it"},
		{parts(part("photo", "x", file, png, "X-Rotate: 1", "Content-Encoding: gzip")), "refused: a header field that a part must not have"},
		{parts(part("photo", "x", file, "Content-Type: text/html", "X-Rotate: 1")), "refused: a part of a content type that is not declared for it"},
		{parts(part("photo", "x", file, "X-Rotate: 1")), "refused: a part of a content type that is not declared for it"},
		{parts(part("title", "x", "X-Rotate: 1")), "refused: a part with a header field that is not declared for it"},
		{parts(part("piped", "1|2")), "{piped:[1 2]}"},
		{parts(part("deep[a]", "1"), part("deep[b][]", "x")), "{deep:{a:1 b:[text x]}}"},
	} {
		if got := formReading(t, "multipart/form-data; boundary=X", c.body); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.body, got, c.want)
		}
	}
}

func TestFormFields(t *testing.T) {
	for body, want := range map[string]string{
		"tags=a&tags=b&n=5":                      "{tags:[text a text b] n:5}",
		"tags=a":                                 "{tags:[text a]}",
		"title=a&title=b":                        "{title:[text a text b]} !/title",
		"meta=%7B%22k%22%3A1%7D":                 "{meta:{k:1}}",
		"meta=%7B%22k%22%3A%221%22%7D":           "{meta:{k:text 1}} !/meta/k",
		"meta=%7B%22k%22%3A1%2C%22k%22%3A2%7D":   "refused: a name that occurs twice or differs in case only",
		"meta=x":                                 "refused: a value expected",
		"meta[k]=1":                              "{meta[k]:text 1} ?/meta[k]",
		"deep[a]=1&deep[b][]=x&deep[b][]=y&n=1":  "{n:1 deep:{a:1 b:[text x text y]}}",
		"deep[c][d]=true&title=x&deep%5Ba%5D=2":  "{title:text x deep:{c:{d:true} a:2}}",
		"deep[b][0]=x&deep[b][1]=y":              "{deep:{b:[text x text y]}}",
		"deep[b]=x&deep[b]=y":                    "{deep:{b:[text x text y]}}",
		"deep[a]=1&deep[x]=2":                    "{deep:{a:1 x:text 2}} ?/deep/x",
		"deep[a]=1&deep[a]=2":                    "{deep[a]:[text 1 text 2]} ?/deep[a]",
		"deep[a]=1&deep[A]=2":                    "refused: names that differ in case only",
		"deep[a]=1&deep=2":                       "refused: a name with and without brackets",
		"deep[a=1":                               "{deep[a:text 1} ?/deep[a",
		"deep[b][1]=x":                           "{deep[b][1]:text x} ?/deep[b][1]",
		"deep[b][][x]=1&deep[b][][y]=2":          "{deep[b][][x]:text 1 deep[b][][y]:text 2} ?/deep[b][][x] ?/deep[b][][y]",
		"deep[b][999999999]=x":                   "{deep[b][999999999]:text x} ?/deep[b][999999999]",
		"deep" + strings.Repeat("[a]", 9) + "=1": "{deep" + strings.Repeat("[a]", 9) + ":text 1} ?/deep" + strings.Repeat("[a]", 9),
		"list[]=a&list[]=b":                      "{list:[text a text b]}",
		"list[0]=a&list[1]=b":                    "{list:[text a text b]}",
		"piped=1|2":                              "{piped:[1 2]}",
		"piped=1|x":                              "{piped:[1 text x]} !/piped/1",
		"flat=r,1,g,2":                           "{flat:{r:1 g:2}}",
		"flat=r,1,r,2":                           "{flat:text r,1,r,2} !/flat",
	} {
		if got := formReading(t, "application/x-www-form-urlencoded", body); got != want {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
}

// What is removed from a restructured body takes its bytes along, and leaves the others as they came.
func TestFieldsRemoved(t *testing.T) {
	form, multi := "application/x-www-form-urlencoded", "multipart/form-data; boundary=X"
	for _, c := range []struct{ contentType, body, want string }{
		{form, "deep[a]=1&deep[x]=2&title=t", "deep[a]=1&title=t"},
		{form, "deep[c][d]=true&deep[c][y]=1&deep[c][z]=1", "deep[c][d]=true"},
		{form, "x=1&deep[a]=1", "deep[a]=1"},
		{form, "title=t&meta=%7B%22k%22%3A1%2C%22x%22%3A2%7D", "title=t"}, // the document has no bytes of its own: all of it goes
		{multi, parts(part("meta", `{"k":1,"x":2,"s":"v"}`), part("title", "t")), parts(part("meta", `{"k":1,"s":"v"}`), part("title", "t"))},
		{multi, parts(part("rows", `[{"r":1,"x":1},{"y":2}]`), part("z", "t")), parts(part("rows", `[{"r":1},{}]`))},
		{multi, parts(part("rows", `{"r":1,"x":1}`), part("rows", `{"r":2}`)), parts(part("rows", `{"r":1}`), part("rows", `{"r":2}`))},
	} {
		m, b, err := formBody(t, c.contentType, c.body)
		if err != nil {
			t.Fatal(err)
		}
		tree, _ := b.Tree()
		for _, u := range m.Schema.Evaluate(tree, schema.Request).Undeclared {
			b.Remove(u.Parent, u.Node)
		}
		if got := string(b.Result()); got != c.want {
			t.Errorf("%q:\n got %q\nwant %q", c.body, got, c.want)
		}
	}
}

// A body beside the limits stays beside them, however it is cut into fields.
func TestFieldsBounded(t *testing.T) {
	d, _ := Parse("f.yaml", []byte(fieldSpec), Options{})
	m := FindMedia(d.Operations[0].Body.Content, "multipart/form-data")
	rows := make([]string, 40)
	for i := range rows {
		rows[i] = part("rows", "["+strings.Repeat("1,", 50)+"1]")
	}
	b, err := content.New([]byte(parts(rows...)), content.Header{ContentType: []string{"multipart/form-data; boundary=X"}}, content.Limits{Nodes: 1000})
	if err != nil {
		t.Fatal(err)
	}
	b.Expect(m)
	var e *content.Error
	if _, err := b.Tree(); !errors.As(err, &e) || e.Code != content.TooComplex {
		t.Errorf("2,000 values of 1,000 allowed: %v", err)
	}
}

// FuzzFields demands of every form and multipart body that is read: no field is lost, each node keeps its place in the
// body, and a body without its undeclared fields is read again as what remained.
func FuzzFields(f *testing.F) {
	for _, body := range []string{"deep[a]=1&deep[b][]=x&n=1", "meta=%7B%22k%22%3A1%2C%22x%22%3A2%7D&tags=a&tags=b", "deep[c][d]=true&deep[x]=1", "flat=r,1,g,2&list[0]=a",
		parts(part("meta", `{"k":1,"x":2}`), part("tags", "a"), part("tags", "b")), parts(part("rows", `[{"r":1,"x":1},{"y":2}]`), part("deep[a]", "1"))} {
		f.Add(strings.HasPrefix(body, "--X"), body)
	}
	d, problems := Parse("f.yaml", []byte(fieldSpec), Options{})
	if d == nil {
		f.Fatal(problems)
	}
	read := func(contentType, body string) (*MediaType, *content.Body, *content.Node) {
		b, err := content.New([]byte(body), content.Header{ContentType: []string{contentType}}, content.Limits{})
		if err != nil {
			return nil, nil, nil
		}
		m := FindMedia(d.Operations[0].Body.Content, b.Media().Type)
		b.Expect(m)
		tree, err := b.Tree()
		if err != nil || tree == nil {
			return nil, nil, nil
		}
		m.Type(tree)
		return m, b, tree
	}
	f.Fuzz(func(t *testing.T, multi bool, body string) {
		contentType := "application/x-www-form-urlencoded"
		if multi {
			contentType = "multipart/form-data; boundary=X"
		}
		m, b, tree := read(contentType, body)
		if tree == nil {
			return
		}
		r := m.Schema.Evaluate(tree, schema.Request)
		if !r.Valid() || len(r.Undeclared) == 0 {
			return
		}
		for _, u := range r.Undeclared {
			b.Remove(u.Parent, u.Node)
		}
		m, _, tree = read(contentType, string(b.Result()))
		if tree == nil {
			return // a form whose fields are all gone is empty
		}
		if again := m.Schema.Evaluate(tree, schema.Request); len(again.Undeclared) > 0 {
			t.Fatalf("%q became %q, in which %s is undeclared", body, b.Result(), again.Undeclared[0].Pointer)
		}
	})
}
