package policy

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

const spec = `
openapi: 3.1.0
info: { title: shop, version: "1" }
security: [ bearer: [] ]
paths:
  /customers/{id}/orders:
    get:
      parameters:
        - { name: id, in: path, required: true, schema: { type: string }, x-sallyport: { owner: principal.subject } }
        - { name: also, in: query, schema: { type: array, items: { type: string } }, x-sallyport: { owner: principal.subject } }
        - { name: tenant, in: query, schema: { type: string } }
        - name: filter
          in: query
          style: deepObject
          explode: true
          schema:
            type: object
            properties:
              customer: { type: string, x-sallyport: { owner: principal.subject } }
              status: { type: string }
              any: { type: array, items: { type: string, x-sallyport: { owner: principal.subject } } }
      responses:
        "200":
          description: all
          content:
            application/json:
              schema: { type: array, items: { $ref: "#/components/schemas/Order" } }
            application/pdf: {}
        default:
          description: error
          content:
            application/json:
              schema: { type: object, properties: { title: { type: string } } }
  /orders/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
      responses:
        "200":
          description: one
          content:
            application/json:
              schema:
                type: object
                properties:
                  customer: { type: string, x-sallyport: { owner: 'value == principal.subject || "admin" in principal.roles' } }
                  total: { type: number }
                  next: { $ref: "#/components/schemas/Order" }
                  related: { type: array, items: { $ref: "#/components/schemas/Order" } }
                  sharedWith: { type: array, items: { type: string, x-sallyport: { owner: principal.subject } } }
        "203": { description: other, content: { application/json: { schema: { $ref: "#/components/schemas/Whole" } } } }
        "207": { description: many, content: { application/json: { schema: { properties: { list: { type: array, items: { $ref: "#/components/schemas/Whole" } } } } } } }
        "409": { description: conflict, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
  /orders:
    post:
      requestBody:
        content:
          application/json: { schema: { $ref: "#/components/schemas/Order" } }
          application/x-www-form-urlencoded: { schema: { $ref: "#/components/schemas/Order" } }
          text/csv: { schema: { type: string } }
      responses: { "201": { description: made } }
  /pay:
    post:
      requestBody:
        content:
          application/json:
            schema:
              oneOf:
                - { type: object, required: [card, from], properties: { card: { type: string }, from: { type: string, x-sallyport: { owner: principal.subject } } } }
                - { type: object, required: [iban, from], properties: { iban: { type: string }, from: { type: string, x-sallyport: { owner: principal.subject } } } }
      responses:
        "200":
          description: paid
          content:
            application/json:
              schema:
                type: array
                items:
                  oneOf:
                    - { type: object, required: [card], properties: { card: { type: string }, from: { type: string, x-sallyport: { owner: principal.subject } } } }
                    - { type: object, required: [iban], properties: { iban: { type: string }, from: { type: string, x-sallyport: { owner: principal.subject } } } }
components:
  securitySchemes: { bearer: { type: http, scheme: bearer } }
  schemas:
    Whole:
      required: [customer]
      allOf: [ { $ref: "#/components/schemas/Order" } ]
    Order:
      type: object
      properties:
        customer: { type: [string, "null"], x-sallyport: { owner: principal.subject } }
        total: { type: number }
`

func load(t testing.TB, overlay map[string]config.Operation) map[string]*openapi.Operation {
	t.Helper()
	d, problems := openapi.Parse("openapi.yaml", []byte(spec), openapi.Options{Overlay: overlay})
	if d == nil {
		t.Fatal(problems)
	}
	ops := map[string]*openapi.Operation{}
	for _, op := range d.Operations {
		ops[op.Key] = op
	}
	return ops
}

func guards(t testing.TB, op *openapi.Operation, o Options) map[exchange.Phase]exchange.Guard {
	t.Helper()
	o.API = "shop"
	list, err := Object(op, o)
	if err != nil {
		t.Fatal(err)
	}
	byPhase := map[exchange.Phase]exchange.Guard{}
	for _, g := range list {
		if _, twice := byPhase[g.Phase]; twice || g.Name != "policy.object" {
			t.Fatalf("guard %q twice in phase %d", g.Name, g.Phase)
		}
		byPhase[g.Phase] = g
	}
	return byPhase
}

func alice(op *openapi.Operation) *exchange.Exchange {
	return &exchange.Exchange{Operation: op, Principal: &exchange.Principal{Subject: "alice", Tenant: "acme"}}
}

func body(t testing.TB, media, text string) *content.Body {
	t.Helper()
	b, err := content.New([]byte(text), content.Header{ContentType: []string{media}}, content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParameters(t *testing.T) {
	op := load(t, map[string]config.Operation{"GET /customers/{id}/orders": {Owner: map[string]string{"query.tenant": "principal.tenant"}}})["GET /customers/{id}/orders"]
	g := guards(t, op, Options{})[exchange.OnHead]
	for target, want := range map[string]string{
		"/customers/alice/orders":                      "",
		"/customers/bob/orders":                        "policy.not_owner",
		"/customers/Alice/orders":                      "policy.not_owner",
		"/customers/alice/orders?also=alice":           "",
		"/customers/alice/orders?also=alice&also=bob":  "policy.not_owner",
		"/customers/alice/orders?tenant=acme":          "",
		"/customers/alice/orders?tenant=other":         "policy.not_owner",
		"/customers/alice/orders?tenant=":              "policy.not_owner",
		"/customers/alice/orders?tenant=acme&tenant=x": "policy.not_owner", // not decodable: judged all the same

		"/customers/alice/orders?filter[customer]=alice&filter[status]=open": "",
		"/customers/alice/orders?filter[status]=open":                        "",
		"/customers/alice/orders?filter[customer]=bob":                       "policy.not_owner",
		"/customers/alice/orders?filter%5Bcustomer%5D=bob":                   "policy.not_owner",
		"/customers/alice/orders?filter[any][]=alice&filter[any][]=alice":    "",
		"/customers/alice/orders?filter[any][]=alice&filter[any][]=bob":      "policy.not_owner",
	} {
		parsed, err := content.ParseTarget(target)
		if err != nil {
			t.Fatal(err)
		}
		e := alice(op)
		e.Params = op.Decode(parsed, parsed.Segments[1:2], http.Header{})
		v := expect(t, target, g, e, want)
		if v.Refused() && (v.Reason.Status != 404 || len(v.Fields) > 0) {
			t.Errorf("%s: the client learns %d %v", target, v.Reason.Status, v.Fields)
		}
		e.Principal = nil
		expect(t, target+" by nobody", g, e, "policy.not_owner")
	}
}

func TestRequestBody(t *testing.T) {
	ops := load(t, nil)
	for _, c := range []struct{ op, media, body, want string }{
		{"POST /orders", "application/json", `{"customer":"alice","total":3}`, ""},
		{"POST /orders", "application/json", `{"customer":"bob"}`, "policy.not_owner"},
		{"POST /orders", "application/json", `{"customer":null}`, "policy.not_owner"},
		{"POST /orders", "application/json", `{"customer":["alice"]}`, ""},
		{"POST /orders", "application/json", `{"customer":{"id":"alice"}}`, "policy.not_owner"},
		{"POST /orders", "application/json", `{"total":3}`, ""},
		{"POST /orders", "application/json", `{"total":`, "policy.not_owner"},
		{"POST /orders", "application/json", ``, ""},
		{"POST /orders", "application/x-www-form-urlencoded", `customer=bob`, "policy.not_owner"},
		{"POST /orders", "application/x-www-form-urlencoded", `customer=alice&customer=bob`, "policy.not_owner"},
		{"POST /orders", "application/x-www-form-urlencoded", `customer=alice`, ""},
		{"POST /orders", "text/csv", `customer,bob`, ""},
		{"POST /orders", "application/octet-stream", `{"customer":"bob"}`, "policy.not_owner"},
		{"POST /orders", "application/vnd.shop+json", `{"customer":"bob"}`, "policy.not_owner"},
		{"POST /pay", "application/json", `{"card":"1","from":"alice"}`, ""},
		{"POST /pay", "application/json", `{"card":"1","from":"bob"}`, "policy.not_owner"},
		{"POST /pay", "application/json", `{"card":1,"from":"bob"}`, "policy.not_owner"}, // fits no alternative
		{"POST /pay", "application/json", `{"x":[{"from":"bob"}]}`, "policy.not_owner"},
		{"POST /pay", "application/json", `{"card":1,"from":"alice"}`, ""}, // for validation to refuse
	} {
		op := ops[c.op]
		e := alice(op)
		e.Body = body(t, c.media, c.body)
		e.BodySpec = openapi.FindMedia(op.Body.Content, e.Body.Media().Type)
		expect(t, c.op+" "+c.media+" "+c.body, guards(t, op, Options{})[exchange.OnBody], e, c.want)
	}
}

func TestRuleOverBody(t *testing.T) {
	op := load(t, map[string]config.Operation{"POST /orders": {Allow: `body.total <= 100 || "admin" in principal.roles`}})["POST /orders"]
	g := guards(t, op, Options{})[exchange.OnBody]
	for text, want := range map[string]string{
		`{"total":100}`:    "",
		`{"total":100.5}`:  "policy.rule",
		`{"total":"1"}`:    "policy.rule",
		`{}`:               "policy.rule",
		``:                 "policy.rule",
		`{"total":1e9999}`: "policy.rule",
	} {
		e := alice(op)
		e.Body = body(t, "application/json", text)
		e.BodySpec = openapi.FindMedia(op.Body.Content, "application/json")
		expect(t, text, g, e, want)
	}
}

func respond(t testing.TB, e *exchange.Exchange, status int, media, text string) {
	t.Helper()
	e.Response = &exchange.Response{Status: status, Header: http.Header{}, Spec: e.Operation.Response(status), Body: body(t, media, text)}
	if e.Response.Spec != nil {
		e.Response.Media = openapi.FindMedia(e.Response.Spec.Content, e.Response.Body.Media().Type)
	}
}

func TestAnswer(t *testing.T) {
	ops := load(t, nil)
	for _, c := range []struct {
		op, media string
		status    int
		body      string
		want      string // reason
		left      string // body after removals; "" is unchanged
	}{
		{"GET /orders/{id}", "application/json", 200, `{"customer":"alice","total":1}`, "", ""},
		{"GET /orders/{id}", "application/json", 200, `{"customer":"bob","total":1}`, "policy.not_owner", ""},
		{"GET /orders/{id}", "application/json", 200, `{"customer":null}`, "policy.not_owner", ""},
		{"GET /orders/{id}", "application/json", 200, `{"total":1}`, "", ""},
		{"GET /orders/{id}", "application/json", 200, ``, "", ""},
		{"GET /orders/{id}", "application/json", 404, `{"customer":"bob"}`, "", ""},
		{"GET /orders/{id}", "application/json", 409, `{"customer":"alice"}`, "", ""},
		{"GET /orders/{id}", "application/json", 409, `{"customer":"bob"}`, "policy.not_owner", ""},
		{"GET /orders/{id}", "text/html", 409, `<p>`, "", ""},
		{"GET /orders/{id}", "application/json", 203, `{"total":1}`, "policy.not_owner", ""},
		{"GET /orders/{id}", "application/json", 203, `[]`, "", ""},
		{"GET /orders/{id}", "application/json", 203, `{"list":[{"total":1},{"customer":"alice"},{"customer":"bob"}]}`, "policy.not_owner", ""},
		{"GET /orders/{id}", "application/json", 207, `{"list":[{"total":1},{"customer":"alice"},{"customer":"bob"}]}`, "", `{"list":[{"customer":"alice"}]}`},
		{"GET /orders/{id}", "text/plain", 200, `customer bob`, "policy.not_owner", ""},
		{"GET /orders/{id}", "application/json", 202, `{"customer":"bob"}`, "policy.not_owner", ""},
		{"GET /orders/{id}", "application/json", 200, `{"customer":"alice","next":{"customer":"bob"},"total":1}`, "", `{"customer":"alice","total":1}`},
		{"GET /orders/{id}", "application/json", 200, `{"customer":"alice","related":[{"customer":"bob"},{"customer":"alice"},{"customer":"eve"}]}`, "", `{"customer":"alice","related":[{"customer":"alice"}]}`},
		{"GET /orders/{id}", "application/json", 200, `{"sharedWith":["eve","alice"],"customer":"alice"}`, "", `{"sharedWith":["alice"],"customer":"alice"}`},
		{"GET /customers/{id}/orders", "application/json", 200, `[{"customer":"alice"},{"customer":"bob"}]`, "", `[{"customer":"alice"}]`},
		{"GET /customers/{id}/orders", "application/json", 200, `[{"customer":"bob"},{"customer":null}]`, "", `[]`},
		{"GET /customers/{id}/orders", "application/json", 200, `[]`, "", ""},
		{"GET /customers/{id}/orders", "application/pdf", 200, `%PDF`, "", ""},
		{"GET /customers/{id}/orders", "application/json", 500, `[{"customer":"bob"}]`, "", ""},
		{"POST /pay", "application/json", 200, `[{"card":"1","from":"alice"},{"iban":"2","from":"bob"}]`, "", `[{"card":"1","from":"alice"}]`},
		{"POST /pay", "application/json", 200, `[{"card":"1","from":"alice"},{"iban":2,"from":"bob"}]`, "", `[{"card":"1","from":"alice"}]`},
		{"POST /pay", "application/json", 200, `{"x":{"from":"bob"}}`, "", `{}`},
	} {
		name := c.op + " " + c.body
		e := alice(ops[c.op])
		respond(t, e, c.status, c.media, c.body)
		v := expect(t, name, guards(t, e.Operation, Options{})[exchange.OnResponseBody], e, c.want)
		if v.Refused() {
			continue
		}
		want := c.left
		if want == "" {
			want = c.body
		}
		if got := string(e.Response.Body.Result()); got != want {
			t.Errorf("%s: left %s, want %s", name, got, want)
		}
	}
}

// What a service answers to a condition has no body to judge, so it is not asked.
func TestConditionsAreNotPassedOn(t *testing.T) {
	for key, want := range map[string]string{"GET /orders/{id}": "", "POST /orders": "*"} {
		e := alice(load(t, nil)[key])
		e.Request = &http.Request{Header: http.Header{"If-None-Match": {"*"}, "If-Modified-Since": {"*"}, "If-Match": {"*"}}}
		g, judged := guards(t, e.Operation, Options{})[exchange.OnHead]
		if judged {
			expect(t, key, g, e, "")
		}
		h := e.Request.Header.Clone()
		e.Outgoing.Apply(h)
		if h.Get("If-None-Match") != want || h.Get("If-Modified-Since") != want || h.Get("If-Match") != "*" {
			t.Errorf("%s: the service gets %v", key, h)
		}
	}
}

func TestAdminSeesAll(t *testing.T) {
	e := alice(load(t, nil)["GET /orders/{id}"])
	e.Principal.Roles = []string{"admin"}
	respond(t, e, 200, "application/json", `{"customer":"bob"}`)
	expect(t, "admin", guards(t, e.Operation, Options{})[exchange.OnResponseBody], e, "")
}

// What the config binds is judged without a word in the spec.
func TestOwnerInConfig(t *testing.T) {
	ops := load(t, map[string]config.Operation{"GET /customers/{id}/orders": {Properties: map[string]config.Property{"response.[*].total": {Owner: `value < 10.0`}}}})
	e := alice(ops["GET /customers/{id}/orders"])
	respond(t, e, 200, "application/json", `[{"total":5},{"total":50}]`)
	expect(t, "config", guards(t, e.Operation, Options{})[exchange.OnResponseBody], e, "")
	if got := string(e.Response.Body.Result()); got != `[{"total":5}]` {
		t.Errorf("left %s", got)
	}
}

func TestSettingNamesThePath(t *testing.T) {
	e := alice(load(t, nil)["GET /orders/{id}"])
	respond(t, e, 200, "application/json", `{"customer":"bob"}`)
	v := expect(t, "one", guards(t, e.Operation, Options{})[exchange.OnResponseBody], e, "policy.not_owner")
	if want := `apis[shop].operations["GET /orders/{id}"].owner["response.customer"]`; v.Setting != want {
		t.Errorf("setting %s, want %s", v.Setting, want)
	}
}

func TestIdentityOffJudgesNoOwner(t *testing.T) {
	for key, op := range load(t, nil) {
		if g := guards(t, op, Options{IdentityOff: true}); len(g) != 0 {
			t.Errorf("%s: %d guards", key, len(g))
		}
	}
}

func TestObjectCannotBeBuilt(t *testing.T) {
	for name, x := range map[string]config.Operation{
		"unknown field": {Owner: map[string]string{"body.from": "principal.subjct"}},
		"wrong result":  {Owner: map[string]string{"body.from": "42"}},
		"streamed body": {Streaming: "body"},
		"grpc":          {Streaming: "grpc", Allow: "body.x == 1"},
	} {
		if _, err := Object(load(t, map[string]config.Operation{"POST /pay": x})["POST /pay"], Options{API: "shop"}); err == nil {
			t.Errorf("%s: was built", name)
		}
	}
	op := load(t, map[string]config.Operation{"GET /orders/{id}": {Streaming: "body"}})["GET /orders/{id}"]
	if _, err := Object(op, Options{API: "shop"}); err == nil {
		t.Error("a streamed answer with bindings was built")
	}
}

func BenchmarkAnswer(b *testing.B) {
	op := load(b, nil)["GET /customers/{id}/orders"]
	g := guards(b, op, Options{})[exchange.OnResponseBody]
	e := alice(op)
	respond(b, e, 200, "application/json", "["+strings.Repeat(`{"customer":"alice","total":1},`, 49)+`{"customer":"alice"}]`)
	e.Response.Judge()
	b.ReportAllocs()
	for b.Loop() {
		if v, err := g.Check(context.Background(), e); err != nil || !v.Passed() {
			b.Fatal(v.Detail, err)
		}
	}
}
