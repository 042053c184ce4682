package validate

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
)

func TestBody(t *testing.T) {
	for text, want := range map[string]string{
		`{"item":"evil"}`:                                 "",
		`{"item":"evil","quantity":2}`:                    "",
		`{}`:                                              "validate.body /item",
		`{"item":7}`:                                      "validate.body /item",
		`{"item":null}`:                                   "validate.body /item",
		`{"item":"evil","quantity":0}`:                    "validate.body /quantity",
		`{"item":"evil","quantity":"evil"}`:               "validate.body /quantity",
		`{"item":"evil","quantity":1.5}`:                  "validate.body /quantity",
		`{"item":"evil","mail":"evil"}`:                   "validate.body /mail",
		`{"item":"evil","mail":"a@example.com"}`:          "",
		`{"item":"evil","id":1}`:                          "validate.body /id",
		`{"item":"evil","secret":"s"}`:                    "",
		`{"item":"evil","strict":{"b":1}}`:                "validate.body /strict/b",
		`{"item":"evil","open":{"b":1}}`:                  "",
		`{"item":"evil","open":{"a":"evil"}}`:             "validate.body /open/a",
		`{"item":"evil","role":"admin"}`:                  "validate.undeclared /role",
		`{"item":"evil","address":{"zip":"1","x/y~z":1}}`: "validate.undeclared /address/x~1y~0z",
		`{"item":"evil","Item":"x"}`:                      "content.ambiguous ",
		`{"item":"a","item":"b"}`:                         "content.ambiguous ",
		`{"item":"evil"`:                                  "content.malformed ",
		`{"item":"evil"}{}`:                               "content.malformed ",
		`[]`:                                              "validate.body ",
		`"evil"`:                                          "validate.body ",
		`null`:                                            "validate.body ",
		` `:                                               "content.malformed ",
		``:                                                "validate.body_missing ",
		strings.Repeat(`[`, 500):                          "content.too_complex ",
	} {
		op := operation(t, "POST /orders")
		v := check(t, op, config.Validate{}, "validate.body")(sent(t, op, asJSON, text))
		got := code(v)
		if got != "" {
			got += " " + places(v)
		}
		if got != want {
			t.Errorf("%.60s: %q (%s), want %q", text, got, v.Detail, want)
		}
		complete(t, v, "evil")
	}
}

func TestBodyMedia(t *testing.T) {
	for name, c := range map[string]struct{ op, media, text, want string }{
		"form":                {"POST /orders", asForm, "item=a&quantity=2", ""},
		"form, typed":         {"POST /orders", asForm, "item=a&quantity=x", "validate.body"},
		"form, undeclared":    {"POST /orders", asForm, "item=a&role=admin", "validate.undeclared"},
		"without a schema":    {"POST /orders", "text/plain", "anything", ""},
		"parameters":          {"POST /orders", "application/json; charset=utf-8", `{"item":"a"}`, ""},
		"undeclared":          {"POST /orders", "application/xml", "<a/>", "validate.media_type"},
		"suffix of another":   {"POST /orders", "application/vnd.x+json", `{"item":"a"}`, "validate.media_type"},
		"none expected":       {"GET /orders", asJSON, "{}", "validate.body_unexpected"},
		"nothing said":        {"PATCH /orders", asJSON, " {} ", ""},
		"something said":      {"PATCH /orders", asJSON, `{"a":1}`, "validate.body_unexpected"},
		"a list":              {"PATCH /orders", asJSON, `[]`, "validate.body_unexpected"},
		"nothing as text":     {"PATCH /orders", "text/plain", `{}`, "validate.body_unexpected"},
		"nothing, malformed":  {"PATCH /orders", asJSON, `{`, "validate.body_unexpected"},
		"nothing to delete":   {"DELETE /orders", asJSON, "{}", "validate.body_unexpected"},
		"none expected, none": {"GET /orders", asJSON, "", ""},
		"optional":            {"PUT /orders", asJSON, "", ""},
		"anything":            {"PUT /orders", asJSON, `{"a":[1,{}]}`, ""},
		"octets":              {"PUT /orders", "image/png", "\xff\x00\xff\xff", ""},
		"too many octets":     {"PUT /orders", "image/png", "\xff\x00\xff\xff\xff", "validate.body"},
		"octets as object":    {"PUT /orders", "application/thing", "\xff", ""}, // in a language that nobody here reads
		"not JSON":            {"PUT /orders", asJSON, `{"a":`, "content.malformed"},
	} {
		op := operation(t, c.op)
		v := check(t, op, config.Validate{}, "validate.body")(sent(t, op, c.media, c.text))
		if code(v) != c.want {
			t.Errorf("%s: %q (%s), want %q", name, code(v), v.Detail, c.want)
		}
		complete(t, v, "")
		if c.want == "validate.media_type" {
			if len(v.Header) != 1 || v.Header[0] != (exchange.HeaderField{Name: "Accept", Value: "application/json, application/x-www-form-urlencoded, text/plain"}) {
				t.Errorf("%s: header %v (RFC 9110, section 15.5.16)", name, v.Header)
			}
			if v.Reason.Status != 415 {
				t.Errorf("%s: %d", name, v.Reason.Status)
			}
		}
	}
}

// What content could not read is refused with the setting that would let it pass.
func TestMalformedNamesASetting(t *testing.T) {
	for _, c := range []content.Code{content.TooLarge, content.TooComplex, content.UnsupportedEncoding, content.UnsupportedMedia, content.Ambiguous, content.Incomplete} {
		complete(t, exchange.Malformed(&content.Error{Code: c}), "")
	}
}

// strip forwards the body without the undeclared fields, and every other byte as it came.
func TestBodyStrip(t *testing.T) {
	for name, c := range map[string]struct{ media, text, want string }{
		"nothing to strip": {asJSON, ` {"item" : "a"} `, ` {"item" : "a"} `},
		"first":            {asJSON, `{"role":"admin", "item":"a"}`, `{"item":"a"}`},
		"last":             {asJSON, `{"item":"a", "role":{"x":[1,2]}}`, `{"item":"a"}`},
		"between":          {asJSON, `{"item":"a","role":1,"quantity":2}`, `{"item":"a","quantity":2}`},
		"nested":           {asJSON, `{"item":"a","address":{"zip":"1","geo":[1]}}`, `{"item":"a","address":{"zip":"1"}}`},
		"all of an object": {asJSON, `{"item":"a","address":{"x":1,"y":2}}`, `{"item":"a","address":{}}`},
		"open ones stay":   {asJSON, `{"item":"a","open":{"x":1},"x":1}`, `{"item":"a","open":{"x":1}}`},
		"form":             {asForm, `role=admin&item=a&x=1`, `item=a`},
	} {
		op := operation(t, "POST /orders")
		e := sent(t, op, c.media, c.text)
		v := check(t, op, config.Validate{Undeclared: "strip"}, "validate.body")(e)
		if got := string(e.Body.Result()); !v.Passed() || got != c.want {
			t.Errorf("%s: %q %s, want %q", name, got, v.Detail, c.want)
		}
	}
	// additionalProperties: false is a word of the spec, which strip does not bend.
	op := operation(t, "POST /orders")
	v := check(t, op, config.Validate{Undeclared: "strip"}, "validate.body")(sent(t, op, asJSON, `{"item":"a","strict":{"b":1}}`))
	if code(v) != "validate.body" {
		t.Errorf("%q", code(v))
	}
}

// The announced type is judged before the body is there.
func TestMedia(t *testing.T) {
	for name, c := range map[string]struct {
		op     string
		length int64
		media  []string
		want   string
	}{
		"listed":             {"POST /orders", 5, []string{"application/json; charset=utf-8"}, ""},
		"of unknown length":  {"POST /orders", -1, []string{"text/html"}, "validate.media_type"},
		"not listed":         {"POST /orders", 5, []string{"text/html"}, "validate.media_type"},
		"charset":            {"POST /orders", 5, []string{"application/json; charset=utf-16"}, "validate.media_type"},
		"two":                {"POST /orders", 5, []string{"application/json", "text/plain"}, "validate.media_type"},
		"no type":            {"POST /orders", 5, []string{"json"}, "validate.media_type"},
		"none announced":     {"POST /orders", 5, nil, "validate.media_type"},
		"perhaps none":       {"POST /orders", -1, nil, ""}, // it may be empty
		"none, not declared": {"GET /orders", 5, nil, ""},
		"no body":            {"POST /orders", 0, []string{"text/html"}, ""},
		"none declared":      {"GET /orders", 2, []string{"text/html"}, "validate.body_unexpected"},
		"perhaps no body":    {"GET /orders", -1, []string{"text/html"}, ""},
		"perhaps {}":         {"PATCH /orders", 2, []string{"application/json"}, ""},
		"charset of none":    {"GET /orders", 2, []string{"text/html; charset=utf-7"}, "validate.media_type"},
	} {
		op := operation(t, c.op)
		e := &exchange.Exchange{Operation: op, Request: &http.Request{ContentLength: c.length, Header: http.Header{"Content-Type": c.media}}}
		v := guard(t, op, config.Validate{}, "validate.body", exchange.OnHead)(e)
		if code(v) != c.want {
			t.Errorf("%s: %q, want %q", name, code(v), c.want)
		}
		if op.Body != nil && !v.Passed() && (len(v.Header) != 1 || v.Header[0].Value != "application/json, application/x-www-form-urlencoded, text/plain") {
			t.Errorf("%s: %v does not tell what is accepted", name, v.Header)
		}
		complete(t, v, "")
	}
}

func TestBodyLog(t *testing.T) {
	op := operation(t, "POST /orders")
	const text = `{"item":"a","role":"admin","address":{"geo":1}}`
	e := sent(t, op, asJSON, text)
	v := check(t, op, config.Validate{Undeclared: "log"}, "validate.body")(e)
	if !v.Passed() || string(e.Body.Result()) != text || len(e.Findings) != 2 {
		t.Fatalf("%s %q %v", v.Detail, e.Body.Result(), e.Findings)
	}
	fields := e.Findings[0].Field + " " + e.Findings[1].Field
	if fields != "body/role body/address/geo" && fields != "body/address/geo body/role" {
		t.Error(fields)
	}
}

// A body of nothing but undeclared fields makes neither an answer nor a record of its own size.
func TestBodyBoundsPlaces(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{"item":"a"`)
	for i := range 5000 {
		fmt.Fprintf(&text, `,"f%d":1`, i)
	}
	text.WriteString("}")
	op := operation(t, "POST /orders")
	v := check(t, op, config.Validate{}, "validate.body")(sent(t, op, asJSON, text.String()))
	if code(v) != "validate.undeclared" || len(v.Fields) != maxNamed {
		t.Errorf("%q, %d places", code(v), len(v.Fields))
	}
	e := sent(t, op, asJSON, text.String())
	check(t, op, config.Validate{Undeclared: "log"}, "validate.body")(e)
	if len(e.Findings) != maxNamed {
		t.Errorf("%d findings", len(e.Findings))
	}
	e = sent(t, op, asJSON, text.String())
	check(t, op, config.Validate{Undeclared: "strip"}, "validate.body")(e)
	if got := string(e.Body.Result()); got != `{"item":"a"}` {
		t.Errorf("%.80s is left: stripping knows no bound", got)
	}
}

// Of operations that the spec does not know, only what every reader must agree on is asked.
func TestUndocumented(t *testing.T) {
	op := &openapi.Operation{Key: "undocumented", Undocumented: true}
	for text, want := range map[string]string{`{"a":1}`: "", ``: "", `{"a":1,"a":2}`: "content.ambiguous", `{"a"`: "content.malformed"} {
		v := check(t, op, config.Validate{}, "validate.body")(sent(t, op, asJSON, text))
		if code(v) != want {
			t.Errorf("%s: %q", text, code(v))
		}
		complete(t, v, "")
	}
	if v := check(t, op, config.Validate{}, "validate.response")(answered(t, op, 599, asJSON, `{"a"`)); !v.Passed() {
		t.Error(v.Detail)
	}
}

// Clients that change an object send all of it back. What is read-only goes the way of what is undeclared, by setting.
func TestReadOnlySentBack(t *testing.T) {
	const whole = `{"id":7,"item":"a","role":"x"}`
	for setting, want := range map[string]struct{ code, forwarded string }{
		"": {"validate.body", whole}, "reject": {"validate.body", whole}, "strip": {"", `{"item":"a"}`}, "log": {"", whole},
	} {
		op := operation(t, "POST /orders")
		e := sent(t, op, asJSON, whole)
		v := check(t, op, config.Validate{Undeclared: setting}, "validate.body")(e)
		if code(v) != want.code || string(e.Body.Result()) != want.forwarded {
			t.Errorf("%q: %q, forwarded %s", setting, code(v), e.Body.Result())
		}
		if want.code != "" && v.Setting != "apis[shop].validate.undeclared: strip" {
			t.Errorf("the setting is %q", v.Setting)
		}
		if setting == "log" && len(e.Findings) != 2 {
			t.Errorf("%+v", e.Findings)
		}
	}
	// Beside a real mistake nothing is mended.
	op := operation(t, "POST /orders")
	if v := check(t, op, config.Validate{Undeclared: "strip"}, "validate.body")(sent(t, op, asJSON, `{"id":7,"item":5}`)); code(v) != "validate.body" {
		t.Errorf("%q", code(v))
	}
}
