package validate

import (
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

func TestResponse(t *testing.T) {
	const order, problem = `{"item":"evil","id":1}`, "application/problem+json"
	for name, c := range map[string]struct {
		op          string
		status      int
		media, text string
		want        string
		sent        int
	}{
		"as declared":               {"GET /orders/{id}", 200, asJSON, order, "", 0},
		"other declared media":      {"GET /orders/{id}", 200, "text/csv", "a,b", "", 0},
		"undeclared fields":         {"GET /orders/{id}", 200, asJSON, `{"item":"evil","x":1}`, "", 0}, // protect.filter removes them
		"fields that are closed":    {"GET /orders/{id}", 200, asJSON, `{"item":"evil","strict":{"b":1}}`, "", 0},
		"empty":                     {"GET /orders/{id}", 200, asJSON, "", "", 0},
		"wrong type":                {"GET /orders/{id}", 200, asJSON, `{"item":1}`, "validate.response", 502},
		"required is missing":       {"GET /orders/{id}", 200, asJSON, `{}`, "validate.response", 502},
		"write-only":                {"GET /orders/{id}", 200, asJSON, `{"item":"evil","secret":"evil"}`, "", 0},
		"format":                    {"GET /orders/{id}", 200, asJSON, `{"item":"evil","mail":"evil"}`, "validate.response", 502},
		"not JSON":                  {"GET /orders/{id}", 200, asJSON, `{"item"`, "validate.response", 502},
		"two readings":              {"GET /orders/{id}", 200, asJSON, `{"item":"a","item":"b"}`, "validate.response", 502},
		"undeclared media":          {"GET /orders/{id}", 200, "text/html", "<p>evil", "validate.response", 502},
		"undeclared success":        {"GET /orders/{id}", 202, asJSON, order, "validate.response_status", 502},
		"undeclared, empty":         {"GET /orders/{id}", 202, asJSON, "", "", 0},
		"not modified":              {"GET /orders/{id}", 304, asJSON, "", "", 0},
		"redirect":                  {"GET /orders/{id}", 302, "text/html", "evil", "validate.response_status", 302},
		"class":                     {"GET /orders/{id}", 404, problem, `{"title":"none"}`, "", 0},
		"class, other media":        {"GET /orders/{id}", 404, "text/html", "evil", "validate.response", 404},
		"class, wrong":              {"GET /orders/{id}", 429, problem, `{"detail":"evil"}`, "validate.response", 429},
		"class, broken":             {"GET /orders/{id}", 401, problem, `{"title"`, "validate.response", 401},
		"server error":              {"GET /orders/{id}", 503, "text/html", "evil", "", 0}, // for protect.errors
		"made":                      {"POST /orders", 201, asJSON, order, "", 0},
		"no content":                {"POST /orders", 204, "", "", "", 0},
		"undeclared failure":        {"POST /orders", 401, asJSON, `{"evil":1}`, "validate.response_status", 401},
		"undeclared 404":            {"POST /orders", 404, "text/html", "evil", "validate.response_status", 404},
		"undeclared 405":            {"POST /orders", 405, asJSON, `{"evil":1}`, "validate.response_status", 405},
		"silent about bodies":       {"GET /orders", 200, asJSON, `{"any":"thing"}`, "", 0},
		"default":                   {"PUT /orders", 418, asJSON, `[]`, "", 0},
		"default, wrong":            {"PUT /orders", 200, asJSON, `{}`, "validate.response", 502},
		"no responses are declared": {"DELETE /orders", 200, asJSON, `{"any":"thing"}`, "", 0},
	} {
		op := operation(t, c.op)
		v := check(t, op, config.Validate{}, "validate.response")(answered(t, op, c.status, c.media, c.text))
		if code(v) != c.want {
			t.Errorf("%s: %q (%s), want %q", name, code(v), v.Detail, c.want)
			continue
		}
		if c.want == "" {
			continue
		}
		if got := statusOf(v); got != c.sent {
			t.Errorf("%s: the client receives %d, want %d", name, got, c.sent)
		}
		if len(v.Fields) != 0 {
			t.Errorf("%s: the client learns %v of an answer that it must not see", name, v.Fields)
		}
		complete(t, v, "")
	}
}

func statusOf(v exchange.Verdict) int {
	if v.Status != 0 {
		return v.Status
	}
	return v.Reason.Status
}

// A replaced failure keeps what a client needs to act on it, and nothing else of its head.
func TestResponseKeepsWhatStatusesNeed(t *testing.T) {
	op := operation(t, "POST /orders")
	e := answered(t, op, 401, "text/html", "evil")
	for name, value := range map[string]string{"Www-Authenticate": "Bearer", "Retry-After": "7", "Allow": "GET", "Location": "/login", "Set-Cookie": "a=b", "Server": "evil", "X-Powered-By": "evil", "Content-Length": "4"} {
		e.Response.Header.Set(name, value)
	}
	v := check(t, op, config.Validate{}, "validate.response")(e)
	h := http.Header{}
	for _, f := range v.Header {
		h.Add(f.Name, f.Value)
	}
	if len(h) != 5 || h.Get("Www-Authenticate") != "Bearer" || h.Get("Retry-After") != "7" || h.Get("Allow") != "GET" || h.Get("Location") != "/login" || h.Get("Set-Cookie") != "a=b" {
		t.Errorf("%v", h)
	}
	// A success that is refused leaves nothing behind: it is none.
	e = answered(t, op, 200, "text/html", "evil")
	e.Response.Header.Set("Set-Cookie", "a=b")
	if v := check(t, op, config.Validate{}, "validate.response")(e); len(v.Header) != 0 {
		t.Errorf("%v", v.Header)
	}
}

func TestUndeclaredStatusAllowed(t *testing.T) {
	op := operation(t, "POST /orders")
	for _, status := range []int{200, 302, 404} {
		if v := check(t, op, config.Validate{UndeclaredStatus: "allow"}, "validate.response")(answered(t, op, status, "text/html", "any")); !v.Passed() {
			t.Errorf("%d: %s", status, v.Detail)
		}
	}
}
