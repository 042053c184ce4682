package openapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

const matrixSpec = `
openapi: 3.1.0
info: { title: t, version: "1" }
paths:
  /users/{id}: { get: { parameters: [ { name: id, in: path, required: true, style: matrix, schema: { type: integer } } ] } }
  /users/me: { get: {} }
  /lists/{ids}/x: { get: { parameters: [ { name: ids, in: path, required: true, style: matrix, explode: true, schema: { type: array, items: { type: integer } } } ] } }
  /map{at}: { get: { parameters: [ { name: at, in: path, required: true, style: matrix, explode: true, schema: { type: object, properties: { lat: { type: number }, long: { type: number } } } } ] } }
  /plain/{p}/{q}: { get: { parameters: [ { name: p, in: path, required: true, schema: { type: string } }, { name: q, in: path, required: true, style: matrix, schema: { type: string } } ] } }
  /dots/{d}: { get: { parameters: [ { name: d, in: path, required: true, style: label, explode: true, schema: { type: array, items: { type: string } } } ] } }
`

// Each ";" of a path is one that the matched operation declares, or the path is refused.
func TestSemicolons(t *testing.T) {
	d, problems := Parse("m.yaml", []byte(matrixSpec), Options{})
	if d == nil {
		t.Fatal(problems)
	}
	m, err := NewMatcher(d.Operations)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/users/;id=5":           "[5]",
		"/users/;id":             "[text ]", // an empty value, which the schema refuses
		"/lists/;ids=1;ids=2/x":  "[[1 2]]",
		"/lists/;ids=1/x":        "[[1]]",
		"/map;lat=1.5;long=2":    "[{lat:1.5 long:2}]",
		"/plain/a/;q=b":          "[text a text b]",
		"/dots/.a.b":             "[[text a text b]]",
		"/users/;id=5;id=6":      "refused", // not exploded
		"/users/;admin=1":        "refused",
		"/users/me;id=5":         "refused", // a server that drops ";id=5" reads /users/me
		"/users/5;id=5":          "refused",
		"/users/me;":             "refused",
		"/users/;":               "refused",
		"/users;x=1/;id=5":       "refused", // not within a parameter
		"/lists/;ids=1;x=2/x":    "refused",
		"/map;lat=1;other=2":     "refused",
		"/plain/a;b/;q=b":        "refused",
		"/plain/;p=a/;q=b":       "refused",
		"/dots/.a;b":             "refused",
		"/users/;id=5/../;id=6":  "refused",
		"/users/;id=5%3Bid=6":    "refused",
		"/unknown/;id=5":         "refused",
		"/users/;id=1;id=2;id=3": "refused",
	} {
		if got := semicolonReading(m, path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// semicolonReading is what the operation of a path reads, or "refused", as the gateway settles it.
func semicolonReading(m *Matcher, path string) string {
	target, _, err := content.ParseTargetMatrix(path)
	if err != nil {
		return "refused"
	}
	match := m.Match("GET", target.Segments)
	if match.Operation == nil || match.Operation.Semicolons(match.Args) != target.Semicolons {
		return "refused"
	}
	params := match.Operation.Decode(target, match.Args, http.Header{})
	var out []string
	for _, v := range params.Values {
		out = append(out, spell(v.Node))
	}
	for _, e := range params.Errors {
		out = append(out, e.Detail)
	}
	return fmt.Sprint(out)
}

func spell(n *content.Node) string {
	var out []string
	for i := range n.Children {
		name := n.Children[i].Name
		if name != "" {
			name += ":"
		}
		out = append(out, name+spell(&n.Children[i]))
	}
	switch n.Kind {
	case content.Array:
		return "[" + strings.Join(out, " ") + "]"
	case content.Object:
		return "{" + strings.Join(out, " ") + "}"
	case content.String:
		return "text " + n.Text
	}
	return n.Text
}
