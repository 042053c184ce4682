package validate

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

func TestParams(t *testing.T) {
	for target, want := range map[string]string{
		"/orders/7":                         "",
		"/orders/7?limit=100":               "",
		"/orders/7?limit=101":               "query.limit",
		"/orders/7?limit=0":                 "query.limit",
		"/orders/7?limit=1.5":               "query.limit",
		"/orders/7?limit=many":              "query.limit",
		"/orders/7?limit=":                  "query.limit",
		"/orders/7?limit=1&limit=2":         "query.limit",
		"/orders/abc":                       "path.id",
		"/orders/1234567":                   "path.id",
		"/orders/7?since=2026-02-28":        "",
		"/orders/7?since=2026-02-30":        "query.since",
		"/orders/7?sort=asc":                "",
		"/orders/7?sort=up":                 "query.sort",
		"/orders/7?ids=1&ids=2":             "",
		"/orders/7?ids=1&ids=x":             "query.ids/1",
		"/orders/7?ids=1&ids=2&ids=3&ids=4": "query.ids",
		"/orders/7?csv=1,2,3":               "",
		"/orders/7?csv=1,x":                 "query.csv/1",
		"/orders/7?pipes=1%7C2":             "",
		"/orders/7?pipes=1%7Cx":             "query.pipes/1",
		"/orders/7?verbose":                 "",
		"/orders/7?verbose=":                "",
		"/orders/7?verbose=perhaps":         "query.verbose",
		"/orders/7?flags=":                  "",
		"/orders/7?flags=x":                 "query.flags/0",
		"/orders/7?flags=x&flags=y":         "query.flags/0 query.flags/1", // several pairs are not an empty value
		"/orders/7?flags=&flags=y":          "query.flags/0 query.flags/1",
		"/orders/7?filter[status]=open":     "",
		"/orders/7?filter[status]=lost":     "query.filter/status",
		"/orders/7?filter[min]=1":           "",
		"/orders/7?filter[min]=x":           "query.filter/min",
		"/orders/7?filter[role]=admin":      "query.filter[role]",
		"/orders/7?where=%7B%22a%22:1%7D":   "",
		"/orders/7?where=%7B%7D":            "query.where/a",
		"/orders/7?where=%7Ba":              "query.where",
		"/orders/7?admin=true":              "query.admin",
		"/orders/7?Limit=1":                 "query.Limit",
		"/orders/7?a&b&limit=0":             "query.limit query.a query.b",
	} {
		t.Run(target, func(t *testing.T) {
			e := arrived(t, "GET", target, http.Header{})
			v := check(t, e.Operation, config.Validate{}, "validate.params")(e)
			if got := places(v); got != want || v.Passed() != (want == "") {
				t.Errorf("%q %s, want %q", got, v.Detail, want)
			}
			if !v.Passed() && code(v) != "validate.params" {
				t.Error(code(v))
			}
			complete(t, v, "evil")
		})
	}
}

func TestParamsOfHeaderAndCookie(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		want   string
	}{
		"good":            {http.Header{"X-Tenant": {"acme"}, "Cookie": {"theme=dark"}}, ""},
		"short":           {http.Header{"X-Tenant": {"a"}}, "header.X-Tenant"},
		"twice":           {http.Header{"X-Tenant": {"acme", "other"}}, "header.X-Tenant"},
		"cookie":          {http.Header{"Cookie": {"theme=pink"}}, "cookie.theme"},
		"other cookie":    {http.Header{"Cookie": {"session=x"}}, ""},
		"cookie twice":    {http.Header{"Cookie": {"theme=dark; theme=light"}}, "cookie.theme"},
		"not such header": {http.Header{"X-Other": {"x"}}, ""},
	} {
		e := arrived(t, "GET", "/orders/7", c.header)
		v := check(t, e.Operation, config.Validate{}, "validate.params")(e)
		if got := places(v); got != c.want || v.Passed() != (c.want == "") {
			t.Errorf("%s: %q %s, want %q", name, got, v.Detail, c.want)
		}
		complete(t, v, "")
	}
}

func TestUndeclaredParams(t *testing.T) {
	const target = "/orders/7?admin=true&limit=5&debug&admin=2"
	for mode, c := range map[string]struct {
		passes  bool
		dropped int
		found   int
	}{"": {}, "reject": {}, "strip": {true, 2, 0}, "log": {true, 0, 2}} {
		e := arrived(t, "GET", target, http.Header{})
		v := check(t, e.Operation, config.Validate{UndeclaredParams: mode}, "validate.params")(e)
		dropped := 0
		for _, name := range []string{"admin", "debug", "limit"} {
			if e.Outgoing.Drops(name) {
				dropped++
			}
		}
		if v.Passed() != c.passes || dropped != c.dropped || e.Outgoing.Drops("limit") {
			t.Errorf("%q: %s, %d dropped", mode, v.Detail, dropped)
		}
		seen := map[string]bool{}
		for _, f := range e.Findings {
			seen[f.Field] = true
		}
		if len(seen) != c.found {
			t.Errorf("%q: findings %v", mode, e.Findings)
		}
		if !v.Passed() && v.Setting != "apis[shop].validate.undeclared_params: strip" {
			t.Errorf("%q: %s", mode, v.Setting)
		}
	}
}

// What is wrong with a declared parameter is refused, whatever undeclared ones may do.
func TestUndeclaredParamsSpareNoDeclaredOnes(t *testing.T) {
	for _, mode := range []string{"strip", "log"} {
		e := arrived(t, "GET", "/orders/7?admin=true&limit=0", http.Header{})
		v := check(t, e.Operation, config.Validate{UndeclaredParams: mode}, "validate.params")(e)
		if places(v) != "query.limit" || v.Setting != "the parameter's schema in GET /orders/{id}" {
			t.Errorf("%s: %q %s", mode, places(v), v.Setting)
		}
	}
}

// Many mistakes name a few places and tell how many there are.
func TestParamsBoundPlaces(t *testing.T) {
	var q strings.Builder
	for i := range 200 {
		fmt.Fprintf(&q, "&p%d=1", i)
	}
	e := arrived(t, "GET", "/orders/7?"+q.String()[1:], http.Header{})
	v := check(t, e.Operation, config.Validate{}, "validate.params")(e)
	if len(v.Fields) != maxNamed || !strings.Contains(v.Detail, "199 more") {
		t.Errorf("%d places: %s", len(v.Fields), v.Detail)
	}
	e = arrived(t, "GET", "/orders/7?"+q.String()[1:], http.Header{})
	check(t, e.Operation, config.Validate{UndeclaredParams: "log"}, "validate.params")(e)
	if len(e.Findings) != maxNamed {
		t.Errorf("%d findings", len(e.Findings))
	}
}

func TestAccept(t *testing.T) {
	for name, c := range map[string]struct {
		accept []string
		ok     bool
	}{
		"none":               {nil, true},
		"empty":              {[]string{""}, true},
		"everything":         {[]string{"*/*"}, true},
		"json":               {[]string{"application/json"}, true},
		"other declared":     {[]string{"text/csv"}, true},
		"family":             {[]string{"text/*"}, true},
		"vendor's":           {[]string{"application/vnd.shop.v2+json"}, true},
		"case":               {[]string{"Application/JSON;charset=utf-8"}, true},
		"one of many":        {[]string{"image/png, text/csv;q=0.1"}, true},
		"second line":        {[]string{"image/png", "text/csv"}, true},
		"undeclared":         {[]string{"image/png"}, false},
		"excluded":           {[]string{"text/csv;q=0"}, false},
		"excluded precisely": {[]string{"text/csv; q=0.000"}, false},
		"nonsense":           {[]string{"///,;;,q=1"}, false},
		"markup":             {[]string{"text/html, application/xhtml+xml"}, false},
	} {
		e := arrived(t, "GET", "/orders/7", http.Header{"Accept": c.accept})
		v := check(t, e.Operation, config.Validate{}, "validate.params")(e)
		if v.Passed() != c.ok || !c.ok && (code(v) != "validate.accept" || v.Reason.Status != http.StatusNotAcceptable) {
			t.Errorf("%s: %s %s", name, code(v), v.Detail)
		}
		complete(t, v, "")
	}
	// A success without a body suits everybody.
	e := arrived(t, "GET", "/orders", http.Header{"Accept": {"image/png"}})
	if v := check(t, e.Operation, config.Validate{}, "validate.params")(e); !v.Passed() {
		t.Error(v.Detail)
	}
}
