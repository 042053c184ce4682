package inspect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

const keyedSpec = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"k":[]}],"paths":{"/reset/{token}":{"post":{
"parameters":[{"name":"token","in":"path","required":true,"schema":{"type":"string","format":"password"}},{"name":"pin","in":"query","schema":{"type":"string"},"x-sallyport":{"kind":"secret"}},
 {"name":"q","in":"query","schema":{"type":"string"}}],
"requestBody":{"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"password":{"type":"string","format":"password"},"note":{"type":"string"}}}}}},
"responses":{"204":{"description":"done"}}}}},
"components":{"securitySchemes":{"k":{"type":"apiKey","in":"query","name":"api_key"}}}}`

// No text with a secret in it is handed to the engine as one to remember, wherever it stands; the others are.
func TestSecretsAreNotToBeRemembered(t *testing.T) {
	doc, problems := openapi.Parse("keyed.json", []byte(keyedSpec), openapi.Options{})
	if doc == nil {
		t.Fatal(problems)
	}
	const head = "POST /reset/%s HTTP/1.1\r\nHost: h\r\nUser-Agent: plain\r\n%sContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
	for name, c := range map[string]struct{ target, fields, body string }{
		"a key in the query":          {"plain?q=plain&api_key=hush", "", "note=plain"},
		"a secret in the query":       {"plain?pin=hush", "", "note=plain"},
		"a secret in the path":        {"hush?q=plain", "", "note=plain"},
		"credentials":                 {"plain", "Authorization: Bearer hush\r\n", "note=plain"},
		"a key in a field of its own": {"plain", "X-Partner: hush\r\n", "note=plain"},
		"a cookie":                    {"plain", "Cookie: session=hush; theme=plain\r\n", "note=plain"},
		"a password":                  {"plain", "", "note=plain&password=hush"},
	} {
		raw := fmt.Sprintf(head, c.target, c.fields, len(c.body), c.body)
		e, err := readExchange([]byte(raw))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		remembered := handed(t, doc.Operations[0], e)
		if hidden := strings.Contains(strings.Join(remembered, "\n"), "hush"); hidden {
			t.Errorf("%s is among %q", name, remembered)
		}
		if len(remembered) < 4 {
			t.Errorf("%s: nothing but %q is to be remembered", name, remembered)
		}
	}
}

// handed are the texts of an exchange that the engine may remember, with passwords judged as everything else.
func handed(t *testing.T, op *openapi.Operation, e *exchange.Exchange) (texts []string) {
	t.Helper()
	e.Operation, e.BodySpec = op, openapi.FindMedia(op.Body.Content, e.Body.Media().Type)
	e.Params = op.Decode(e.Target, e.Target.Segments[1:], e.Request.Header)
	tree, err := e.Body.Tree()
	if err != nil {
		t.Fatal(err)
	}
	e.BodySpec.Type(tree)
	m := borrow(Body)
	defer release(m)
	m.readHead(e)
	m.open = true
	if err := m.readBody(e.Body, secrets(marks(e.JudgeBody())), nil); err != nil {
		t.Fatal(err)
	}
	s := &scratch{}
	s.readRequest(m)
	for i := range s.fields {
		if !s.fields[i].Private {
			texts = append(texts, strings.Clone(s.fields[i].Text))
		}
	}
	return texts
}
