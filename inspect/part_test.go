package inspect

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/openapi"
)

// A body of more text than max_bytes is refused, or inspected as far as max_bytes reach: by choice, of an API or of an
// operation.
func TestBeyondMaxBytes(t *testing.T) {
	const attack = `1 UNION SELECT password FROM users--`
	filler := `"` + strings.Repeat("two pieces, please. ", 400) + `"`
	text := strings.Repeat("two pieces, please. ", 400)
	for name, c := range map[string]struct {
		typ, body string
		beyond    string
		code      string
		rule      string
	}{
		"refused":                           {"application/json", "[" + filler + "]", "", "inspect.too_large", ""},
		"refused, in words":                 {"application/json", "[" + filler + "]", "refuse", "inspect.too_large", ""},
		"harmless":                          {"application/json", "[" + filler + "]", "pass", "passed", "inspect.partial body"},
		"attack first":                      {"application/json", `["` + attack + `",` + filler + "]", "pass", "inspect.sqli", "942100 body[0]"},
		"attack beyond":                     {"application/json", "[" + filler + `,"` + attack + `"]`, "pass", "passed", "inspect.partial body"},
		"attack first in a text":            {"text/plain", attack + text, "pass", "inspect.sqli", "942190 body"},
		"attack beyond in a text":           {"text/plain", text + attack, "pass", "passed", "inspect.partial body"},
		"attack first in a form":            {"application/x-www-form-urlencoded", "a=" + strings.ReplaceAll(attack, " ", "+") + "&b=" + strings.ReplaceAll(text, " ", "+"), "pass", "inspect.sqli", "942100 body.a"},
		"attack in a name":                  {"application/json", `{"<script>alert(1)</script>":1,"b":` + filler + "}", "pass", "inspect.xss", "941100 body"},
		"less than max_bytes":               {"application/json", `["` + text[:2000] + `"]`, "pass", "passed", ""},
		"attack as the last that is within": {"application/json", `["` + text[:2000] + `","` + attack + `"]`, "pass", "inspect.sqli", "942100 body[1]"},
	} {
		code, e := judgeOne(t, config.Inspect{MaxBytes: 4096, Beyond: c.beyond}, post(c.typ, c.body))
		if code != c.code || !strings.Contains(fields(e), c.rule) || c.rule == "" && fields(e) != "" {
			t.Errorf("%s: %s (%s), want %s (%s)", name, code, fields(e), c.code, c.rule)
		}
	}
	head := "GET /?q=" + strings.Repeat("a", 5000) + " HTTP/1.1\r\nHost: a\r\n\r\n"
	if code, _ := judgeOne(t, config.Inspect{MaxBytes: 4096, Beyond: "pass"}, []byte(head)); code != "inspect.too_large" {
		t.Errorf("a head beyond max_bytes: %s", code)
	}
}

func TestBounded(t *testing.T) {
	for _, c := range []struct {
		api  config.Inspect
		op   config.Extent
		want config.Extent
	}{
		{config.Inspect{}, config.Extent{}, config.Extent{MaxBytes: DefaultMaxBytes}},
		{config.Inspect{MaxBytes: 1, Beyond: "pass"}, config.Extent{}, config.Extent{MaxBytes: 1, Beyond: "pass"}},
		{config.Inspect{MaxBytes: 1, Beyond: "pass"}, config.Extent{MaxBytes: 2, Beyond: "refuse"}, config.Extent{MaxBytes: 2, Beyond: "refuse"}},
	} {
		got := Bounded(c.api, &openapi.Operation{Ext: config.Operation{Inspect: c.op}})
		if got.MaxBytes != c.want.MaxBytes || got.Beyond != c.want.Beyond {
			t.Errorf("%+v, %+v: %+v", c.api, c.op, got)
		}
	}
}

// Whatever is cut, what is left costs no more than max_bytes.
func TestPartIsBounded(t *testing.T) {
	for _, body := range []string{times(3000, `"%d"`), times(900, `{"a%d":"x"}`), `"` + strings.Repeat("x", 40_000) + `"`, times(90, `{"`+strings.Repeat("n", 900)+`%d":"x"}`)} {
		e, err := readExchange(post("application/json", body))
		if err != nil {
			t.Fatal(err)
		}
		m := borrow(Body)
		if err := m.readBody(e.Body, nil, nil); err != nil {
			t.Fatal(err)
		}
		m.part(10_000)
		size := len(m.Raw)
		for i := range m.Values {
			size += len(m.Values[i].Text) + m.nameSize(m.Values[i].step) + weight
		}
		if size > 10_000+1000 || size < 5000 || m.size > 10_000 {
			t.Errorf("%.40s…: %d bytes of %d values are left", body, size, len(m.Values))
		}
		release(m)
	}
}
