package protect

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

const (
	shop  = "https://shop.example"
	other = "https://evil.example"
)

var operationOf = &openapi.Operation{Method: http.MethodPut, Params: []*openapi.Param{{Name: "X-Tenant", In: "header"}, {Name: "q", In: "query"}}}

func TestCORSOrigins(t *testing.T) {
	list := &config.CORS{Origins: []string{shop, "http://localhost:3000"}, Credentials: true, Expose: []string{"Etag", "X-Total"}}
	for _, c := range []struct {
		name        string
		settings    *config.CORS
		origin      string
		allow       string
		credentials string
	}{
		{"listed", list, shop, shop, "true"}, {"with a port", list, "http://localhost:3000", "http://localhost:3000", "true"},
		{"foreign", list, other, "", ""}, {"none", list, "", "", ""}, {"null", list, "null", "", ""},
		{"prefix", list, shop + ".evil.example", "", ""}, {"suffix", list, "https://evil-shop.example", "", ""}, {"scheme", list, "http://shop.example", "", ""},
		{"port", list, shop + ":444", "", ""}, {"case", list, "https://SHOP.example", "", ""}, {"slash", list, shop + "/", "", ""}, {"two", list, shop + " " + other, "", ""},
		{"any", &config.CORS{Origins: []string{"*"}}, other, "*", ""}, {"any and null", &config.CORS{Origins: []string{"*"}}, "null", "*", ""},
		{"any with credentials", &config.CORS{Origins: []string{"*"}, Credentials: true}, other, "*", ""},
		{"any among others", &config.CORS{Origins: []string{shop, "*"}, Credentials: true}, shop, "*", ""},
		{"null is listed", &config.CORS{Origins: []string{"null"}, Credentials: true}, "null", "", ""},
		{"empty list", &config.CORS{}, shop, "", ""}, {"no settings", nil, shop, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			op := *operationOf
			op.Ext.CORS = c.settings
			e := answered(t, nil, jsonType, `{}`)
			e.Operation = &op
			e.Request.Header.Set("Origin", c.origin)
			e.Response.Header.Set("Vary", "Accept")
			for _, f := range upstreamFields { // an upstream that reflects
				e.Response.Header.Set(f, c.origin)
			}
			h := header(protected(t, config.Protect{}, e))
			if got := strings.Join(h["Access-Control-Allow-Origin"], "|"); got != c.allow {
				t.Errorf("allowed origin %q, want %q", got, c.allow)
			}
			if got := h.Get("Access-Control-Allow-Credentials"); got != c.credentials {
				t.Errorf("credentials %q, want %q", got, c.credentials)
			}
			for _, f := range []string{"Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age", "Access-Control-Allow-Private-Network"} {
				if h.Get(f) != "" {
					t.Errorf("%s: %s is the upstream's", f, h.Get(f))
				}
			}
			if vary := h["Vary"]; c.settings != nil && !slices.Equal(vary, []string{"Accept", "Origin"}) {
				t.Errorf("Vary %q: a cache would give one origin's answer to another", vary)
			}
			if exposed := h.Get("Access-Control-Expose-Headers"); (exposed == "Etag, X-Total, X-Request-Id") != (c.allow != "" && c.settings == list) {
				t.Errorf("exposed %q", exposed)
			}
		})
	}
}

func TestOperationsHaveTheirOwnCORS(t *testing.T) {
	op := *operationOf
	op.Ext.CORS = &config.CORS{Origins: []string{shop}}
	e := answered(t, nil, jsonType, `{}`)
	e.Operation = &op
	e.Request.Header.Set("Origin", other)
	h := header(protected(t, config.Protect{CORS: &config.CORS{Origins: []string{other}}}, e))
	if got := h.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("the API's setting reaches an operation that has its own: %q", got)
	}
}

func preflight(origin, method, headers string) *http.Request {
	r := httptest.NewRequest(http.MethodOptions, "/", nil)
	for name, value := range map[string]string{"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return r
}

func TestPreflight(t *testing.T) {
	list := NewCORS(&config.CORS{Origins: []string{shop}, Credentials: true, MaxAge: config.Duration(time.Hour)}, operationOf, nil)
	own := NewCORS(&config.CORS{Origins: []string{shop}, Headers: []string{"x-only"}}, operationOf, nil)
	for _, c := range []struct {
		name    string
		policy  *CORS
		origin  string
		headers string
		passes  bool
	}{
		{"plain", list, shop, "", true}, {"default headers", list, shop, "authorization,content-type", true}, {"declared header", list, shop, "x-tenant, Authorization", true},
		{"empty elements", list, shop, ", ,authorization,", true}, {"unknown header", list, shop, "authorization,x-admin", false}, {"query is no header", list, shop, "q", false},
		{"star is no header", list, shop, "*", false},
		{"foreign", list, other, "", false}, {"null", list, "null", "", false}, {"own list", own, shop, "X-Only", true}, {"not in it", own, shop, "authorization", false},
		{"no settings", NewCORS(nil, operationOf, nil), shop, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, v := c.policy.Preflight(preflight(c.origin, http.MethodPut, c.headers))
			if v.Passed() != c.passes {
				t.Fatalf("passes: %v, %s", v.Passed(), v.Detail)
			}
			if !c.passes {
				if v.Reason != exchange.CORSRefused || v.Setting == "" || len(h) > 0 {
					t.Errorf("%+v with header %v", v, h)
				}
				return
			}
			if h.Get("Access-Control-Allow-Origin") != shop || h.Get("Access-Control-Allow-Methods") != http.MethodPut || !strings.Contains(h.Get("Vary"), "Origin") {
				t.Errorf("header %v", h)
			}
		})
	}
	h, _ := list.Preflight(preflight(shop, http.MethodPut, ""))
	if h.Get("Access-Control-Max-Age") != "3600" || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type, X-Tenant" {
		t.Errorf("header %v", h)
	}
	anybody := NewCORS(&config.CORS{Origins: []string{"*"}, Credentials: true}, operationOf, nil)
	if h, v := anybody.Preflight(preflight(other, http.MethodPut, "")); !v.Passed() || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("any origin: %v %v", h, v.Detail)
	}
}

func TestIsPreflight(t *testing.T) {
	post := preflight(shop, http.MethodPut, "")
	post.Method = http.MethodPost
	for _, c := range []struct {
		r    *http.Request
		want bool
	}{
		{preflight(shop, http.MethodPut, ""), true}, {preflight("", http.MethodPut, ""), false}, {preflight(shop, "", ""), false}, {post, false},
	} {
		if IsPreflight(c.r) != c.want {
			t.Errorf("%s %v: %v", c.r.Method, c.r.Header, !c.want)
		}
	}
}

func TestScriptsMayReadWhatIsDeclared(t *testing.T) {
	op := *operationOf
	op.Responses = []*openapi.Response{
		{Status: "200", Headers: []*openapi.Param{{Name: "Link"}, {Name: "x-total"}, {Name: "Content-Language"}, {Name: "Set-Cookie"}}},
		{Status: "429", Headers: []*openapi.Param{{Name: "retry-after"}, {Name: "X-Reason"}}},
	}
	c := NewCORS(&config.CORS{Origins: []string{shop}, Expose: []string{"X-Total", "cache-control"}}, &op, []string{"X-Request-Id", "Retry-After"})
	for origin, want := range map[string]string{shop: "X-Total, X-Request-Id, Retry-After, Link, X-Reason", other: ""} {
		h := http.Header{}
		if c.Expose(origin, h); h.Get("Access-Control-Expose-Headers") != want {
			t.Errorf("%s may read %q, want %q", origin, h.Get("Access-Control-Expose-Headers"), want)
		}
	}
}

func TestExposeOnRefusals(t *testing.T) {
	c := NewCORS(&config.CORS{Origins: []string{shop}}, operationOf, nil)
	for origin, want := range map[string]string{shop: shop, other: "", "": "", "null": ""} {
		h := http.Header{}
		if c.Expose(origin, h); h.Get("Access-Control-Allow-Origin") != want || h.Get("Vary") != "Origin" {
			t.Errorf("%q: %v", origin, h)
		}
	}
	var none *CORS
	h := http.Header{}
	if none.Expose(shop, h); len(h) > 0 || none.Allows(shop) {
		t.Errorf("no policy: %v", h)
	}
}
