package inspect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// times repeats a JSON value n times in an array; %d is its index.
func times(n int, format string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = strings.ReplaceAll(format, "%d", fmt.Sprint(i))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func sizeOf(t *testing.T, typ, body string) (size, values int) {
	t.Helper()
	e, err := readExchange(post(typ, body))
	if err != nil {
		t.Fatal(err)
	}
	m := borrow(Body)
	defer release(m)
	if err := m.readBody(e.Body, nil, nil); err != nil {
		t.Fatal(err)
	}
	return m.size, len(m.Values)
}

// What comes again is judged once; what is different is judged.
func TestFoldedValues(t *testing.T) {
	for _, c := range []struct {
		typ, body string
		values    int
	}{
		{"application/json", times(500, `{"id":%d,"price":%d.5,"ok":true,"gone":null,"state":"open"}`), 5},
		{"application/json", times(500, `{"id":"%d","state":"open"}`), 501},
		{"application/json", times(500, `"a"`), 1},
		{"application/json", `{"a":"x","b":"x","c":{"a":"x"},"d":["x","y"]}`, 5}, // four names with one text, and y
		{"application/json", `"x"`, 1},
		{"application/json", `1`, 1}, // its name
		{"application/json", `{"a":"","b":{},"c":[]}`, 1},
		{"application/x-www-form-urlencoded", "a=1&a=1&a=2&b=2", 4}, // rules count the repetitions of a form's field
		{"application/xml", "<a><b>x</b><b>x</b><c>y</c><d/></a>", 2},
	} {
		if _, n := sizeOf(t, c.typ, c.body); n != c.values {
			t.Errorf("%.60s: %d values, want %d", c.body, n, c.values)
		}
	}
}

// Costs grow with what is judged: many short texts, and names that are long because their containers' are.
func TestSizeTellsCost(t *testing.T) {
	short, n := sizeOf(t, "application/json", times(1000, `"%d"`))
	if short < 1000*weight || n != 1000 {
		t.Errorf("1000 short texts cost %d, and are %d values", short, n)
	}
	if size, _ := sizeOf(t, "application/json", times(100_000-10, `7`)); size > 2*weight {
		t.Errorf("numbers cost %d", size)
	}
	long := strings.Repeat("n", 1000)
	deep := strings.Repeat(`{"`+long+`":`, 30)
	members := strings.Trim(times(500, `"m%d":1`), "[]")
	if size, _ := sizeOf(t, "application/json", deep+"{"+members+"}"+strings.Repeat("}", 30)); size < 500*30*1000 {
		t.Errorf("the names of nested members cost %d only", size)
	}
	code, _ := judgeOne(t, config.Inspect{}, post("application/json", times(20_000, `"%d"`)))
	if code != "inspect.too_large" {
		t.Errorf("20,000 short texts: %s", code)
	}
	if code, _ := judgeOne(t, config.Inspect{}, post("application/json", times(5000, `{"n":%d,"state":"open"}`))); code != "passed" {
		t.Errorf("5000 like objects: %s", code)
	}
	orders := times(4000, `{"id":%d,"customer":{"name":"Ann Example %d"},"note":"two pieces, please, for the %d. time","price":12.5}`)
	if code, _ := judgeOne(t, config.Inspect{}, post("application/json", orders)); code != "passed" {
		t.Errorf("a list of orders of %d bytes: %s", len(orders), code)
	}
}

// Exclusions hold for their places only, also where a text or a name is judged once for many places.
func TestFoldedPlacesAreExcludedOneByOne(t *testing.T) {
	quoted := strings.ReplaceAll(sqli, `"`, `\"`)
	text := `{"items":[{"note":"` + quoted + `"},{"note":"` + quoted + `"}],"title":"` + quoted + `"}`
	name := `{"items":[{"<script>alert(1)</script>":1},{"<script>alert(1)</script>":2}]}`
	for _, c := range []struct {
		body string
		off  []string
		pass bool
	}{
		{text, []string{"body.items[*].note"}, false},
		{text, []string{"body.items[0].note", "body.title"}, false},
		{text, []string{"body.items[1].note", "body.title"}, false},
		{text, []string{"body.items[*].note", "body.title"}, true},
		{name, []string{"body.items[0]"}, false},
		{name, []string{"body.items[1]"}, false},
		{name, []string{"body.items[*]"}, true},
	} {
		var list []config.Exclusion
		for _, f := range c.off {
			list = append(list, config.Exclusion{Rule: "OWASP_CRS", Field: f})
		}
		if code, e := judgeOne(t, config.Inspect{Exclude: list}, post("application/json", c.body)); (code == "passed") != c.pass {
			t.Errorf("%v: %s (%s)", c.off, code, fields(e))
		}
	}
	_, e := judgeOne(t, config.Inspect{}, post("application/json", text))
	for _, place := range []string{"body.items[0].note", "body.items[1].note", "body.title"} {
		if !strings.Contains(fields(e), " "+place) {
			t.Errorf("no finding in %s: %s", place, fields(e))
		}
	}
}

// An attack is found wherever it stands among values that come again.
func TestFoldingHidesNothing(t *testing.T) {
	for at := range 5 {
		list := []string{`{"a":"x"}`, `{"a":"x"}`, `{"a":1}`, `{"a":true}`, `{"b":"x"}`}
		for _, attack := range []string{`{"a":"` + sqli + `"}`, `{"b":"` + sqli + `"}`, `{"<script>alert(1)</script>":"x"}`, `{"<script>alert(1)</script>":1}`, `["` + sqli + `"]`} {
			list[at] = attack
			if code, _ := judgeOne(t, config.Inspect{}, post("application/json", "["+strings.Join(list, ",")+"]")); code == "passed" {
				t.Errorf("%s in place %d passes", attack, at)
			}
		}
	}
	for _, body := range []string{`{"a":"%s","0":"x"}`, `{"a":["x"],"b":{"0":"%s"}}`, `[["x"],{"0":"%s"},"%s"]`} {
		if code, _ := judgeOne(t, config.Inspect{}, post("application/json", strings.ReplaceAll(body, "%s", sqli))); code == "passed" {
			t.Errorf("%s passes", body)
		}
	}
	if code, _ := judgeOne(t, config.Inspect{}, post("application/json", `{"a":["x","y"],"b":[{"*":"x"},{"*":"y"},{"<script>alert(1)</script>":"x"}]}`)); code == "passed" {
		t.Error("a name beside an element passes")
	}
}
