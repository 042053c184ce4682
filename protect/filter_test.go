package protect

import (
	"fmt"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

func TestStripsUndeclared(t *testing.T) {
	const (
		a = `{"type":"object","properties":{"a":{"type":"string"}}}`
		b = `{"type":"object","properties":{"b":{"type":"integer"}}}`
	)
	for _, c := range []struct{ name, schema, body, want string }{
		{"silent is closed", a, `{"a":"x", "hash":"y" ,"z":{"q":[1]}}`, `{"a":"x"}`},
		{"first and last", a, "{\n  \"y\": 1,\n  \"a\": \"x\",\n  \"z\": 2\n}", "{\n  \"a\": \"x\"\n}"},
		{"all", a, `{ "y":1 , "z":2 }`, `{  }`},
		{"false is closed", `{"type":"object","additionalProperties":false,"properties":{"a":{}}}`, `{"a":1,"z":2}`, `{"a":1}`},
		{"true is open", `{"type":"object","additionalProperties":true,"properties":{"a":{}}}`, `{"a":1,"z":2}`, `{"a":1,"z":2}`},
		{"a schema is open", `{"type":"object","additionalProperties":{"type":"integer"},"properties":{"a":{}}}`, `{"a":1,"z":2}`, `{"a":1,"z":2}`},
		{"of a closed schema", `{"type":"object","additionalProperties":` + a + `}`, `{"k":{"a":"x","z":2}}`, `{"k":{"a":"x"}}`},
		{"no properties is open", `{"type":"object"}`, `{"z":2}`, `{"z":2}`},
		{"no schema is open", `{}`, `{"z":{"q":1}}`, `{"z":{"q":1}}`},
		{"pattern", `{"type":"object","properties":{"a":{}},"patternProperties":{"^x-":{}}}`, `{"a":1,"x-b":2,"y-b":3}`, `{"a":1,"x-b":2}`},
		{"nested", `{"type":"object","properties":{"o":` + a + `}}`, `{"o":{"a":"x","z":1},"y":2}`, `{"o":{"a":"x"}}`},
		{"array", `{"type":"array","items":` + a + `}`, `[{"a":"x","z":1},{"z":1},{"a":"y"}]`, `[{"a":"x"},{},{"a":"y"}]`},
		{"allOf", `{"allOf":[` + a + `,` + b + `]}`, `{"a":"x","b":1,"z":1}`, `{"a":"x","b":1}`},
		{"allOf beside properties", `{"allOf":[` + a + `],"properties":{"c":{}}}`, `{"a":"x","c":1,"z":1}`, `{"a":"x","c":1}`},
		{"anyOf", `{"anyOf":[` + a + `,` + b + `]}`, `{"a":"x","b":1,"z":1}`, `{"a":"x","b":1}`},
		{"oneOf", `{"oneOf":[{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}},{"type":"object","required":["b"],"properties":{"b":{"type":"integer"}}}]}`,
			`{"b":1,"z":1}`, `{"b":1}`},
		{"unevaluated false", `{"allOf":[` + a + `],"unevaluatedProperties":false}`, `{"a":"x","z":1}`, `{"a":"x"}`},
		{"write only", `{"type":"object","properties":{"a":{},"password":{"type":"string","writeOnly":true}}}`, `{"a":1,"password":"x"}`, `{"a":1}`},
		{"escaped name", a, `{"\u0061":"x","\u007a":1}`, `{"\u0061":"x"}`},
		{"form", a, `z=1&a=x&y=2`, `a=x`},
	} {
		t.Run(c.name, func(t *testing.T) {
			mediaType := jsonType
			if c.name == "form" {
				mediaType = "application/x-www-form-urlencoded"
			}
			if got := left(t, c.schema, mediaType, c.body); got != c.want {
				t.Errorf("of   %s\ngot  %s\nwant %s", c.body, got, c.want)
			}
		})
	}
}

func TestStripsByDiscriminator(t *testing.T) {
	op := operation(t, `{"$ref":"#/components/schemas/Pet"}`, `{
		"Pet":{"oneOf":[{"$ref":"#/components/schemas/Cat"},{"$ref":"#/components/schemas/Dog"}],"discriminator":{"propertyName":"kind","mapping":{"cat":"#/components/schemas/Cat","dog":"#/components/schemas/Dog"}}},
		"Cat":{"type":"object","properties":{"kind":{"type":"string"},"lives":{"type":"integer"}}},
		"Dog":{"type":"object","properties":{"kind":{"type":"string"},"tricks":{"type":"string","x-sallyport":{"visible_to":["trainer"]}}}}}`)
	for body, want := range map[string]string{
		`{"kind":"cat","lives":9,"tricks":"sit"}`: `{"kind":"cat","lives":9}`,
		`{"kind":"dog","lives":9,"tricks":"sit"}`: `{"kind":"dog"}`,
		`{"kind":"fox","tricks":"sit"}`:           `{"kind":"fox"}`, // which schema was meant, nobody can say
	} {
		e := protected(t, config.Protect{}, answered(t, op, jsonType, body))
		if got := string(e.Response.Body.Result()); got != want {
			t.Errorf("of %s: %s, want %s", body, got, want)
		}
	}
}

func TestVisibleTo(t *testing.T) {
	const schema = `{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},
		"margin":{"type":"integer","x-sallyport":{"visible_to":["staff","admin"]}},
		"cost":{"type":"object","x-sallyport":{"visible_to":["admin"]},"properties":{"pan":{"type":"string","x-sallyport":{"kind":"pan"}}}}}}}`
	const body = `[{"id":"1","margin":3,"cost":{"pan":"4111111111111111"}},{"margin":4}]`
	for _, c := range []struct {
		roles []string
		want  string
	}{
		{nil, `[{"id":"1"},{}]`}, {[]string{}, `[{"id":"1"},{}]`}, {[]string{"Staff", "adm"}, `[{"id":"1"},{}]`},
		{[]string{"staff"}, `[{"id":"1","margin":3},{"margin":4}]`},
		{[]string{"x", "admin"}, `[{"id":"1","margin":3,"cost":{"pan":"************1111"}},{"margin":4}]`},
	} {
		if got := left(t, schema, jsonType, body, c.roles...); got != c.want {
			t.Errorf("%v: %s, want %s", c.roles, got, c.want)
		}
	}
}

// A client must not choose a form in which nobody knows what to hide.
func TestNothingHiddenInOtherForms(t *testing.T) {
	const secret = `{"type":"object","properties":{"id":{"type":"string"},"sub":{"type":"object","properties":{"margin":{"type":"integer","x-sallyport":%s}}}}}`
	for marks, refused := range map[string]bool{
		`{"visible_to":["staff"]}`: true, `{"mask":"full"}`: true, `{"kind":"secret"}`: true,
		`{"kind":"email"}`: false, `{"kind":"pan","mask":"none"}`: false, `{}`: false,
	} {
		op := operation(t, fmt.Sprintf(secret, marks), "")
		for _, status := range []int{200, 206, 404} {
			e := answered(t, op, "application/vnd.shop+json", `{"id":"1","sub":{"margin":3}}`)
			e.Response.Status = status
			v, err := newFilter(op).check(t.Context(), e)
			if err != nil || v.Refused() != (refused && status < 300) {
				t.Errorf("%s, %d: refused %v, %v", marks, status, v.Refused(), err)
			}
		}
	}
}

// A whole answer cannot be taken out of anything: who may not see it is refused.
func TestVisibleToOfTheWhole(t *testing.T) {
	op := operation(t, `{"type":"object","x-sallyport":{"visible_to":["staff"]},"properties":{"a":{}}}`, "")
	for role, passes := range map[string]bool{"staff": true, "guest": false} {
		e := answered(t, op, jsonType, `{"a":1}`)
		e.Principal = &exchange.Principal{Roles: []string{role}}
		if protected(t, config.Protect{}, e); e.Verdict.Passed() != passes || !passes && e.Verdict.Reason != exchange.RoleMissing {
			t.Errorf("%s: %+v", role, e.Verdict)
		}
	}
}

// An answer that does not fit its schema is protected all the same: validation may be told to watch only.
func TestProtectsWhatDoesNotFit(t *testing.T) {
	const one = `{"type":"object","required":["kind"],"properties":{"kind":{"const":"a"},"n":{"type":"integer"},"margin":{"type":"integer","x-sallyport":{"visible_to":["staff"]}},"who":{"type":"string","x-sallyport":{"kind":"name","mask":"full"}}}}`
	const two = `{"type":"object","required":["kind"],"properties":{"kind":{"const":"b"},"n":{"type":"integer"}}}`
	for _, c := range []struct{ name, schema, body, want string }{
		{"wrong type", one, `{"kind":"a","n":"x","margin":3,"who":"jane","z":1}`, `{"kind":"a","n":"x","who":"********"}`},
		{"wrong type of the value itself", one, `{"kind":"a","margin":"3","who":{"first":"jane"}}`, `{"kind":"a","who":"********"}`},
		{"no alternative fits", `{"oneOf":[` + one + `,` + two + `]}`, `{"kind":"a","n":"x","margin":3,"who":"jane"}`, `{"kind":"a","n":"x","who":"********"}`},
		{"nor any", `{"anyOf":[` + one + `,` + two + `]}`, `{"kind":"a","n":"x","margin":3,"who":"jane"}`, `{"kind":"a","n":"x","who":"********"}`},
		{"below", `{"type":"array","items":{"oneOf":[` + one + `,` + two + `]}}`, `[{"kind":"a","n":"x","margin":3,"who":"jane"}]`, `[{"kind":"a","n":"x","who":"********"}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := left(t, c.schema, jsonType, c.body); got != c.want {
				t.Errorf("of   %s\ngot  %s\nwant %s", c.body, got, c.want)
			}
		})
	}
}

// A list is protected to its end, however many of its elements do not fit.
func TestProtectsBehindManyMisfits(t *testing.T) {
	const schema = `{"type":"array","items":{"type":"object","properties":{"n":{"type":"integer"},"margin":{"type":"integer","x-sallyport":{"visible_to":["staff"]}}}}}`
	body, want := "[", "["
	for i := range 100 {
		if i > 0 {
			body, want = body+",", want+","
		}
		body, want = body+`{"n":"x","margin":3,"z":1}`, want+`{"n":"x"}`
	}
	if got := left(t, schema, jsonType, body+"]"); got != want+"]" {
		t.Errorf("got %s", got)
	}
}

func TestFilterNotes(t *testing.T) {
	e := protected(t, config.Protect{}, answered(t, operation(t, `{"type":"object","properties":{"a":{}}}`, ""), jsonType, `{"4111111111111111":1,"b/c":2}`))
	var fields []string
	for _, f := range e.Findings {
		if f.Rule == "undeclared" && f.Severity == exchange.Medium {
			fields = append(fields, f.Field)
		}
	}
	if len(fields) != 2 || fields[0] != "response/************1111" || fields[1] != "response/b~1c" {
		t.Errorf("fields %q", fields)
	}
}
