package openapi

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

const positionSpec = `
openapi: 3.2.0
info: { title: t, version: "1" }
components:
  schemas:
    Row: { type: object, properties: { r: { type: integer } } }
paths:
  /a:
    post:
      requestBody:
        content:
          multipart/mixed:
            schema:
              type: array
              minItems: 2
              maxItems: 4
              prefixItems: [ { $ref: "#/components/schemas/Row" }, { type: integer } ]
              items: { type: string, maxLength: 3 }
            prefixEncoding:
              - {}
              - { headers: { X-Unit: { required: true, schema: { enum: [cm] } }, Content-ID: { schema: { type: string } } } }
            itemEncoding: { contentType: "image/*, text/plain" }
          multipart/related: { itemSchema: { $ref: "#/components/schemas/Row" }, schema: { maxItems: 2 } }
          multipart/form-data: { itemSchema: { $ref: "#/components/schemas/Row" }, itemEncoding: { contentType: application/json } }
          multipart/digest: {}
`

func readParts(t *testing.T, d *Document, kind, body string) (*MediaType, *content.Body, error) {
	t.Helper()
	b, err := content.New([]byte(body), content.Header{ContentType: []string{"multipart/" + kind + "; boundary=X"}}, content.Limits{})
	if err != nil {
		return nil, nil, err
	}
	m := FindMedia(d.Operations[0].Body.Content, b.Media().Type)
	b.Expect(m)
	tree, err := b.Tree()
	if err == nil {
		m.Type(tree)
	}
	return m, b, err
}

func TestParts(t *testing.T) {
	d, problems := Parse("p.yaml", []byte(positionSpec), Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	const json, text, png, unit = "Content-Type: application/json", "Content-Type: text/plain", "Content-Type: image/png", "X-Unit: cm"
	row, five := json+"\r\n\r\n{\"r\":1}", unit+"\r\n\r\n5"
	for _, c := range []struct{ kind, body, want string }{
		{"mixed", parts(row, five), "[{r:1} 5]"},
		{"mixed", parts(row, five, text+"\r\n\r\nabc", png+"\r\n\r\n\xff\x00"), "[{r:1} 5 text abc \xff\x00]"},
		{"mixed", parts("\r\n{\"r\":1}", "Content-ID: <a@b>\r\n"+five), "[{r:1} 5]"}, // an object is JSON, unless it says otherwise
		{"mixed", parts(row, json+"\r\n"+unit+"\r\n\r\n\"5\""), `[{r:1} text 5] !/1`},
		{"mixed", parts(row), "[{r:1}] !"},
		{"mixed", parts(row, five, "\r\na", "\r\na", "\r\na"), "[{r:1} 5 text a text a text a] !"},
		{"mixed", parts(row, unit+"\r\n\r\nx"), "[{r:1} text x] !/1"},
		{"mixed", parts(row, five, "\r\nlong"), "[{r:1} 5 text long] !/2"},
		{"mixed", parts(json+"\r\n\r\n{\"r\":\"1\"}", five), "[{r:text 1} 5] !/0/r"},
		{"mixed", parts(json+"\r\n\r\n{\"x\":1}", five), "[{x:1} 5] ?/0/x"},
		{"mixed", parts(json+"\r\n\r\n{\"r\":1,\"R\":1}", five), "refused: a name that occurs twice or differs in case only"},
		{"mixed", parts(text+"\r\n\r\n{\"r\":1}", five), `[text {"r":1} 5] !/0`},
		{"mixed", parts(row, "\r\n5"), "refused: a part without a header field that is required of it"},
		{"mixed", parts(row, "X-Unit: km\r\n\r\n5"), "refused: a part with a header field that is not as declared"},
		{"mixed", parts("X-Unit: cm\r\n"+row, five), "refused: a part with a header field that is not declared for it"},
		{"mixed", parts(row, five, json+"\r\n\r\n1"), "refused: a part of a content type that is not declared for it"},
		{"mixed", parts(row, five, "Content-Type: multipart/mixed; boundary=Y\r\n\r\n--Y--"), "refused: a part that is multipart itself"},
		{"mixed", parts(row, five, "Content-Transfer-Encoding: base64\r\n\r\nYQ=="), "refused: a part with a transfer encoding"},
		{"mixed", parts(row, five, "Content-Location: x\r\n\r\na"), "refused: a header field that a part must not have"},
		{"mixed", "preamble\r\n" + parts(row, five), "refused: the multipart body does not begin with its delimiter"},
		{"mixed", parts(row, five) + "epilogue", "refused: data after the closing delimiter"},
		{"mixed", parts("Content-Disposition: attachment; filename=\"../a\"\r\n\r\n{}", five), "refused: a file name with a path or an encoded separator"},
		{"related", parts(row, row), "[{r:1} {r:1}]"},
		{"related", parts(row, json+"\r\n\r\n{\"r\":\"1\"}", row), "[{r:1} {r:text 1} {r:1}] !/1/r !"},
		{"form-data", parts(part("a", `{"r":1}`), part("a", `{"r":2,"x":1}`)), "[{r:1} {r:2 x:1}] ?/1/x"},
		{"form-data", parts(row), "refused: a part without Content-Disposition: form-data"},
		{"form-data", parts("Content-Disposition: inline; name=a\r\n" + row), "refused: a part without Content-Disposition: form-data"},
		{"form-data", parts(part("a", "{}", text)), "refused: a part of a content type that is not declared for it"},
	} {
		if got := partsReading(t, d, c.kind, c.body); got != c.want {
			t.Errorf("%s %q:\n got %s\nwant %s", c.kind, c.body, got, c.want)
		}
	}
	if _, b, err := readParts(t, d, "digest", "anything"); err != nil || b.Bytes() == nil {
		t.Errorf("parts of which nothing is said: %v", err)
	}
}

func partsReading(t *testing.T, d *Document, kind, body string) string {
	m, b, err := readParts(t, d, kind, body)
	if e, ok := err.(*content.Error); ok {
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

// What is undeclared in the JSON of a part is taken out of it, as from a body of JSON.
func TestPartsAreEdited(t *testing.T) {
	d, _ := Parse("p.yaml", []byte(positionSpec), Options{})
	m, b, err := readParts(t, d, "related", parts("\r\n{\"r\":1,\"x\":2}", "\r\n{\"x\":1}"))
	if err != nil {
		t.Fatal(err)
	}
	tree, _ := b.Tree()
	for _, u := range m.Schema.Evaluate(tree, schema.Response).Undeclared {
		b.Remove(u.Parent, u.Node)
	}
	if want := parts("\r\n{\"r\":1}", "\r\n{}"); string(b.Result()) != want {
		t.Errorf("%q, want %q", b.Result(), want)
	}
	b.Remove(tree, &tree.Children[0])
	if want := parts("\r\n{}"); string(b.Result()) != want {
		t.Errorf("%q, want %q", b.Result(), want)
	}
}

func TestPartsAreWarnedOf(t *testing.T) {
	for spec, want := range map[string]string{
		`openapi: 3.1.0` + "\n" + `multipart/form-data: { schema: { type: array }, itemEncoding: {} }`:                          "prefixEncoding and itemEncoding exist since",
		`openapi: 3.2.0` + "\n" + `application/json: { schema: { type: array }, itemEncoding: {} }`:                             "have no effect on application/json",
		`openapi: 3.2.0` + "\n" + `multipart/form-data: { schema: { type: array }, encoding: { a: {} }, prefixEncoding: [{}] }`: "by name or by place, not both",
		`openapi: 3.2.0` + "\n" + `multipart/form-data: { schema: { type: object, properties: { a: {} } }, itemEncoding: {} }`:  "not that of a list",
		`openapi: 3.2.0` + "\n" + `multipart/mixed: { schema: { type: object, properties: { a: {} } } }`:                        "the schema is not enforced",
		`openapi: 3.1.0` + "\n" + `multipart/mixed: { schema: { type: array } }`:                                                "the schema is not enforced",
	} {
		version, media, _ := strings.Cut(spec, "\n")
		_, problems := Parse("p.yaml", []byte(version+"\ninfo: { title: t, version: \"1\" }\npaths: { /a: { post: { requestBody: { content: { "+media+" } }, responses: { \"204\": { description: none } } } } }"), Options{})
		if len(problems) != 1 || !strings.Contains(problems[0].Message, want) {
			t.Errorf("%s: %v, want %q", spec, problems, want)
		}
	}
}

// FuzzParts demands of every list of parts that is read: each node keeps its place in the body, and with any part taken out
// the others are read again as they were.
func FuzzParts(f *testing.F) {
	for _, body := range []string{parts("Content-Type: application/json\r\n\r\n{\"r\":1}", "X-Unit: cm\r\n\r\n5", "\r\na"), parts(part("a", `{"r":1}`)), "--X--", parts("\r\n")} {
		f.Add("mixed", body)
		f.Add("related", body)
		f.Add("form-data", body)
	}
	d, problems := Parse("p.yaml", []byte(positionSpec), Options{})
	if d == nil {
		f.Fatal(problems)
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		if kind != "mixed" && kind != "related" {
			kind = "form-data"
		}
		m, b, err := readParts(t, d, kind, body)
		if err != nil {
			return
		}
		tree, _ := b.Tree()
		if tree == nil {
			return
		}
		m.Schema.Evaluate(tree, schema.Request)
		last := uint32(0)
		for i := range tree.Children {
			n := &tree.Children[i]
			if n.NameStart < last || n.Start < n.NameStart || n.End < n.Start || int(n.End) > len(body) {
				t.Fatalf("part %d from %d, %d to %d behind %d", i, n.NameStart, n.Start, n.End, last)
			}
			last = n.End
		}
		if kind != "related" || len(tree.Children) < 2 { // where the place of a part means nothing
			return
		}
		b.Remove(tree, &tree.Children[0])
		_, rest, err := readParts(t, d, kind, string(b.Result()))
		if err != nil {
			t.Fatalf("%q without its first part: %q: %v", body, b.Result(), err)
		}
		left, _ := rest.Tree()
		if got, want := spell(left), spell(&content.Node{Kind: content.Array, Children: tree.Children[1:]}); got != want {
			t.Fatalf("%s is left, want %s", got, want)
		}
	})
}
