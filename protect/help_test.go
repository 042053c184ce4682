package protect

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// operation compiles GET / whose 200 has the schema, a JSON text, for all media types that tests use. components may be
// empty.
func operation(t testing.TB, schema, components string) *openapi.Operation {
	t.Helper()
	if components == "" {
		components = "{}"
	}
	var media []string
	for _, m := range []string{"application/json", "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded"} {
		media = append(media, `"`+m+`":{"schema":`+schema+`}`)
	}
	spec := `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"components":{"schemas":` + components + `},"paths":{"/":{"get":{"security":[],
		"responses":{"200":{"description":"d","content":{` + strings.Join(media, ",") + `}}}}}}}`
	doc, problems := openapi.Parse("t.json", []byte(spec), openapi.Options{})
	if doc == nil {
		t.Fatalf("the spec does not compile: %v", problems)
	}
	return doc.Operations[0]
}

// answered is an exchange whose upstream has answered 200 with a body.
func answered(t testing.TB, op *openapi.Operation, mediaType, body string) *exchange.Exchange {
	t.Helper()
	b, err := content.New([]byte(body), content.Header{ContentType: []string{mediaType}}, content.Limits{Bytes: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	e := &exchange.Exchange{Operation: op, Request: httptest.NewRequest(http.MethodGet, "/", nil)}
	e.Response = &exchange.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {mediaType}}, Body: b}
	if op != nil && len(op.Responses) > 0 {
		e.Response.Spec = op.Response(http.StatusOK)
		e.Response.Media = openapi.FindMedia(e.Response.Spec.Content, b.Media().Type)
	}
	return e
}

// protected asks all guards and returns the exchange, as it is after them.
func protected(t testing.TB, c config.Protect, e *exchange.Exchange) *exchange.Exchange {
	t.Helper()
	op := e.Operation
	if op == nil {
		op = &openapi.Operation{Method: http.MethodGet}
	}
	guards, err := Guards(op, c, []string{"X-Request-Id"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range guards {
		v, err := g.Check(context.Background(), e)
		if err != nil {
			t.Fatalf("%s: %v", g.Name, err)
		}
		if !v.Passed() {
			e.Verdict = v
			return e
		}
	}
	e.Verdict = exchange.Pass
	return e
}

// left is what leaves of a body of an operation with the schema, for a caller with the roles.
func left(t testing.TB, schema, mediaType, body string, roles ...string) string {
	t.Helper()
	e := answered(t, operation(t, schema, ""), mediaType, body)
	if roles != nil {
		e.Principal = &exchange.Principal{Subject: "s", Roles: roles}
	}
	if protected(t, config.Protect{}, e); !e.Verdict.Passed() {
		t.Fatalf("refused: %s", e.Verdict.Detail)
	}
	out := string(e.Response.Body.Result())
	if mediaType == "application/json" && !json.Valid([]byte(out)) {
		t.Errorf("no JSON any more: %s", out)
	}
	return out
}

func header(e *exchange.Exchange) http.Header {
	h := e.Response.Header.Clone()
	e.Reply.Apply(h)
	return h
}

const anything = `{}`

const jsonType = "application/json"
