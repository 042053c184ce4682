package openapi

import (
	"reflect"
	"testing"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

const xmlSpec = `
openapi: 3.2.0
info: { title: t, version: "1" }
components:
  schemas:
    Tag: { type: object, properties: { id: { type: integer, xml: { attribute: true, name: "t:no" } }, label: { type: string, xml: { nodeType: text } } }, xml: { name: tag } }
    Category: { type: object, properties: { name: { type: string } }, xml: { name: kind } }
paths:
  /pets:
    post:
      requestBody:
        content:
          application/xml:
            schema:
              type: object
              xml: { name: pet }
              required: [ id ]
              properties:
                id: { type: integer, xml: { attribute: true } }
                petName: { type: string, maxLength: 10, xml: { name: name } }
                category: { $ref: "#/components/schemas/Category" }
                photoUrls: { type: array, maxItems: 2, xml: { wrapped: true }, items: { type: string, xml: { name: url } } }
                aliens: { type: array, xml: { name: aliens, wrapped: true }, items: { type: integer } }
                tags: { type: array, items: { $ref: "#/components/schemas/Tag" } }
                boxes: { type: array, xml: { nodeType: element, name: shelf }, items: { type: object, properties: { w: { type: integer } } } }
                empty: { type: object, properties: { a: { type: string } } }
                cat: { oneOf: [ { type: object, required: [purr], properties: { purr: { type: boolean, xml: { name: Purr } } } }, { type: object, required: [bark], properties: { bark: { type: integer } } } ] }
      responses: { "204": { description: done } }
`

// Elements and attributes are the properties that the xml of their schemas makes them, and nothing else is.
func TestXMLNames(t *testing.T) {
	for _, c := range []struct {
		body       string
		wrong      string   // keyword of the first violation
		undeclared []string // pointers
	}{
		{`<pet id="1"/>`, "", nil},
		{`<pet id="1"><name>x</name></pet>`, "", nil},
		{`<pet id="x"/>`, "type", nil},
		{`<pet/>`, "required", nil},
		{`<pet><id>1</id></pet>`, "required", []string{"/<id>"}},
		{`<pet id="1"><petName>x</petName></pet>`, "", []string{"/<petName>"}},
		{`<pet id="1"><name>longer than ten</name></pet>`, "maxLength", nil},
		{`<pet id="1"><petName>longer than ten</petName><name>x</name></pet>`, "", []string{"/<petName>"}},
		{`<pet id="1"><id>2</id></pet>`, "", []string{"/<id>"}},
		{`<pet id="1"><kind><name>x</name></kind></pet>`, "", nil},
		{`<pet id="1"><kind><nome>x</nome></kind></pet>`, "", []string{"/category/nome"}},
		{`<pet id="1"><photoUrls><url>a</url><url>b</url></photoUrls></pet>`, "", nil},
		{`<pet id="1"><photoUrls><url>a</url></photoUrls><aliens><aliens>1</aliens></aliens></pet>`, "", nil},
		{`<pet id="1"><photoUrls/></pet>`, "", nil},
		{`<pet id="1"><photoUrls><url>a</url><url>b</url><url>c</url></photoUrls></pet>`, "maxItems", nil},
		{`<pet id="1"><photoUrls>a</photoUrls></pet>`, "type", nil},
		{`<pet id="1"><photoUrls><photoUrls>a</photoUrls></photoUrls></pet>`, "type", nil},
		{`<pet id="1"><photoUrls><url>a</url><x/></photoUrls></pet>`, "type", nil},
		{`<pet id="1"><url>a</url></pet>`, "", []string{"/url"}},
		{`<pet id="1"><tag no="1">x</tag></pet>`, "", nil},
		{`<pet id="1"><tag no="1">x</tag><tag no="2">y</tag></pet>`, "", nil},
		{`<pet id="1"><tag no="x">x</tag><tag no="2" color="red">y</tag></pet>`, "type", []string{"/tags/1/@color"}},
		{`<pet id="1"><tags><tag no="1">x</tag></tags></pet>`, "", []string{"/<tags>"}},
		{`<pet id="1"><shelf><shelf><w>1</w></shelf><shelf><w>2</w></shelf></shelf></pet>`, "", nil},
		{`<pet id="1"><empty/></pet>`, "", nil},
		{`<pet id="1"><cat><Purr>true</Purr></cat></pet>`, "", nil},
		{`<pet id="1"><cat><bark>1</bark></cat></pet>`, "", nil},
		{`<pet id="1"><cat><purr>true</purr></cat></pet>`, "required", nil},
	} {
		_, r := xmlBody(t, c.body)
		wrong, undeclared := "", []string(nil)
		if len(r.Violations) > 0 {
			wrong = r.Violations[0].Keyword
		}
		for _, m := range r.Undeclared {
			undeclared = append(undeclared, m.Pointer)
		}
		if wrong != c.wrong || wrong == "" && !reflect.DeepEqual(undeclared, c.undeclared) {
			t.Errorf("%s: %+v %q", c.body, r.Violations, undeclared)
		}
	}
}

const namespaceSpec = `
openapi: 3.1.0
info: { title: t, version: "1" }
paths:
  /pets:
    post:
      requestBody:
        content:
          application/xml:
            schema:
              type: object
              xml: { name: pet, namespace: urn:pets, prefix: p }
              properties:
                id: { type: integer, xml: { attribute: true, namespace: urn:ids } }
                name: { type: string }
                owner: { type: object, xml: { namespace: urn:people }, properties: { name: { type: string }, mail: { type: string, xml: { namespace: urn:mail, name: address } } } }
                tag: { type: array, items: { type: string, xml: { namespace: urn:tags } } }
                photos: { type: array, xml: { wrapped: true }, items: { type: string, xml: { name: url, namespace: urn:urls } } }
      responses: { "204": { description: done } }
`

// Elements and attributes are in the namespaces that the document declares; below one that is declared, others are in that
// or in none. Prefixes are the writer's choice.
func TestXMLNamespaces(t *testing.T) {
	for body, want := range map[string]string{
		`<p:pet xmlns:p="urn:pets"/>`:                                                 "",
		`<pet xmlns="urn:pets"><name>x</name></pet>`:                                  "",
		`<q:pet xmlns:q="urn:pets" xmlns:i="urn:ids" i:id="1"><name>x</name></q:pet>`: "",
		`<q:pet xmlns:q="urn:pets"><q:name>x</q:name></q:pet>`:                        "",
		`<pet/>`:                         "must be in the namespace urn:pets",
		`<pet xmlns="urn:Pets"/>`:        "must be in the namespace urn:pets",
		`<p:pat xmlns:p="urn:pets"/>`:    "must be the element pet",
		`<pet xmlns="urn:pets" id="1"/>`: "/<@id>",
		`<pet xmlns="urn:pets" xmlns:i="urn:pets" i:id="1"/>`:                                                                                    "/<@id>",
		`<pet xmlns="urn:pets"><name xmlns="urn:other">x</name></pet>`:                                                                           "/<name>",
		`<pet xmlns="urn:pets"><owner xmlns="urn:people"><name>x</name></owner></pet>`:                                                           "",
		`<pet xmlns="urn:pets"><owner><name>x</name></owner></pet>`:                                                                              "/<owner>",
		`<pet xmlns="urn:pets"><owner xmlns="urn:people"><name xmlns="urn:pets">x</name></owner></pet>`:                                          "/owner/<name>",
		`<pet xmlns="urn:pets"><o:owner xmlns:o="urn:people"><name xmlns="">x</name><a:address xmlns:a="urn:mail">y</a:address></o:owner></pet>`: "",
		`<pet xmlns="urn:pets"><o:owner xmlns:o="urn:people"><o:address>y</o:address></o:owner></pet>`:                                           "/owner/<address>",
		`<pet xmlns="urn:pets"><t:tag xmlns:t="urn:tags">a</t:tag><t:tag xmlns:t="urn:tags">b</t:tag></pet>`:                                     "",
		`<pet xmlns="urn:pets"><t:tag xmlns:t="urn:tags">a</t:tag><t:tag xmlns:t="urn:togs">b</t:tag></pet>`:                                     "/<tag>",
		`<pet xmlns="urn:pets"><photos><u:url xmlns:u="urn:urls">a</u:url></photos></pet>`:                                                       "",
		`<pet xmlns="urn:pets"><photos><url>a</url></photos></pet>`:                                                                              "!/photos",
	} {
		d, problems := Parse("x.yaml", []byte(namespaceSpec), Options{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		n, err := content.Parse([]byte(body), content.Media{Type: "application/xml"}, content.Limits{})
		if err != nil {
			t.Fatal(body, err)
		}
		m := &d.Operations[0].Body.Content[0]
		m.Type(n)
		got := m.Misnamed(n)
		r := m.Schema.Evaluate(n, schema.Request)
		for _, v := range r.Violations {
			got += "!" + v.Pointer
		}
		for _, u := range r.Undeclared {
			got += u.Pointer
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func xmlBody(t *testing.T, body string) (*content.Body, *schema.Result) {
	t.Helper()
	d, problems := Parse("x.yaml", []byte(xmlSpec), Options{})
	if d == nil || len(problems) > 0 {
		t.Fatal(problems)
	}
	b, err := content.New([]byte(body), content.Header{ContentType: []string{"application/xml"}}, content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := b.Tree()
	if err != nil {
		t.Fatal(err)
	}
	m := &d.Operations[0].Body.Content[0]
	m.Type(tree)
	return b, m.Schema.Evaluate(tree, schema.Request)
}

// What is taken out of a document is what the names meant, with the element around a list.
func TestXMLEdits(t *testing.T) {
	b, _ := xmlBody(t, `<pet id="1"><name>x</name><photoUrls><url>a</url><url>b</url></photoUrls><aliens/><tag no="1">x</tag><tag no="2">y</tag></pet>`)
	tree, err := b.Tree()
	if err != nil {
		t.Fatal(err)
	}
	photos := tree.Get("photoUrls")
	b.Remove(photos, &photos.Children[0])
	b.Splice(tree.Get("petName"), []byte("y"))
	if got, want := string(b.Result()), `<pet id="1"><name>y</name><photoUrls><url>b</url></photoUrls><aliens/><tag no="1">x</tag><tag no="2">y</tag></pet>`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, name := range []string{"photoUrls", "aliens", "tags", "id"} {
		b.Remove(tree, tree.Get(name))
	}
	if got, want := string(b.Result()), `<pet ><name>y</name></pet>`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
