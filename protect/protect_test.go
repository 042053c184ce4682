package protect

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// Bodies of failures as frameworks write them.
var failures = map[string]string{
	"java":   "java.lang.NullPointerException: Cannot invoke \"User.id()\"\n\tat com.shop.OrderService.find(OrderService.java:42)\n\tat com.shop.Api.get(Api.java:17)\n",
	"python": "Traceback (most recent call last):\n  File \"/srv/app/views.py\", line 12, in get\n    return db[order]\nKeyError: 'order'\n",
	"go":     "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 1 [running]:\nmain.main()\n\t/srv/app/main.go:9 +0x1d\n",
	"node":   `{"error":"TypeError: x is undefined\n    at Object.<anonymous> (/srv/app/index.js:10:15)\n    at Module._compile (node:internal/modules/cjs/loader:1376:14)"}`,
	"php":    "<b>Fatal error</b>:  Uncaught PDOException: SQLSTATE[42S02] in /var/www/html/db.php:31\nStack trace:\n#0 /var/www/html/db.php(31): PDO->query()\n",
	"dotnet": "System.InvalidOperationException: Sequence contains no elements\n   at Shop.Api.OrdersController.Get(Int32 id) in C:\\src\\Shop\\OrdersController.cs:line 27\n",
	"ruby":   "NoMethodError (undefined method `id' for nil:NilClass):\napp/controllers/orders_controller.rb:8:in `show'\n",
	"banner": "<html><head><title>502 Bad Gateway</title></head><body><center>nginx/1.18.0 (Ubuntu)</center></body></html>",
	"secret": `{"error":"connect postgres://app:s3cret@10.0.0.7/shop: refused"}`,
}

func TestFailuresBecomeProblems(t *testing.T) {
	for name, body := range failures {
		for _, status := range []int{500, 501, 502, 503, 504, 507, 599} {
			e := answered(t, nil, "text/plain", body)
			e.Response.Status = status
			protected(t, config.Protect{}, e)
			v := e.Verdict
			if !v.Refused() || v.Reason != exchange.UpstreamError || v.Status != status || v.Setting == "" {
				t.Errorf("%s with %d: %+v", name, status, v)
			}
			if strings.Contains(v.Detail, body[:10]) || len(v.Fields)+len(v.Header)+len(e.Findings) > 0 {
				t.Errorf("%s with %d tells of the body: %+v", name, status, v)
			}
		}
	}
}

func TestFailuresKeepRetryAfter(t *testing.T) {
	e := answered(t, nil, "text/plain", "busy")
	e.Response.Status = http.StatusServiceUnavailable
	e.Response.Header.Set("Retry-After", "120")
	if protected(t, config.Protect{}, e); len(e.Verdict.Header) != 1 || e.Verdict.Header[0] != (exchange.HeaderField{Name: "Retry-After", Value: "120"}) {
		t.Errorf("%+v", e.Verdict.Header)
	}
}

func TestWhatIsNoFailurePasses(t *testing.T) {
	for _, status := range []int{200, 204, 301, 400, 404, 418, 499} {
		e := answered(t, nil, "text/plain", failures["java"]) // leaks in these are for inspect.response
		e.Response.Status = status
		if protected(t, config.Protect{}, e); !e.Verdict.Passed() {
			t.Errorf("%d: %s", status, e.Verdict.Detail)
		}
	}
	e := answered(t, nil, jsonType, `{"detail":"card 4111111111111111"}`)
	e.Response.Status = http.StatusInternalServerError
	protected(t, config.Protect{Errors: "pass"}, e)
	if got := string(e.Response.Body.Result()); !e.Verdict.Passed() || got != `{"detail":"card ************1111"}` {
		t.Errorf("errors: pass: %s %s", got, e.Verdict.Detail)
	}
}

func TestSecurityHeaders(t *testing.T) {
	e := answered(t, nil, jsonType, `{}`)
	e.Client.HSTS = "max-age=63072000; includeSubDomains"
	h := header(protected(t, config.Protect{Headers: map[string]string{"x-robots-tag": "noindex", "Referrer-Policy": "same-origin"}}, e))
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Frame-Options": "DENY",
		"Referrer-Policy": "same-origin", "Strict-Transport-Security": "max-age=63072000; includeSubDomains", "X-Robots-Tag": "noindex", "Cache-Control": "",
	} {
		if got := strings.Join(h[name], "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestSecurityHeadersLeavePagesTheirOwn(t *testing.T) {
	for _, c := range []struct{ name, contentType, policy, want, frame string }{
		{"page", "text/html; charset=utf-8", "", "", ""},
		{"page with a policy", "text/html", "default-src 'self'", "default-src 'self'", ""},
		{"data with a policy", jsonType, "sandbox", "sandbox", ""},
		{"image", "image/svg+xml", "", "default-src 'none'; frame-ancestors 'none'", "DENY"},
		{"no type", "", "", "default-src 'none'; frame-ancestors 'none'", "DENY"},
	} {
		e := answered(t, nil, "text/plain", "x")
		e.Response.Header.Set("Content-Type", c.contentType)
		if c.policy != "" {
			e.Response.Header.Set("Content-Security-Policy", c.policy)
		}
		h := header(protected(t, config.Protect{}, e))
		if got := h.Get("Content-Security-Policy"); got != c.want || h.Get("X-Frame-Options") != c.frame || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %v", c.name, h)
		}
	}
}

func TestBannersAreRemoved(t *testing.T) {
	e := answered(t, nil, jsonType, `{}`)
	for name := range banners {
		if http.CanonicalHeaderKey(name) != name {
			t.Errorf("%s is never met: it is not canonical", name)
		}
		e.Response.Header[name] = []string{"nginx/1.18.0"}
	}
	kept := map[string]string{"X-Request-Id": "1", "Etag": `"x"`, "X-Total-Count": "3", "Via": "1.1 x", "X-Ratelimit-Limit": "3"}
	for name, value := range kept {
		e.Response.Header.Set(name, value)
	}
	h := header(protected(t, config.Protect{}, e))
	for name := range banners {
		if _, ok := h[name]; ok {
			t.Errorf("%s is still there", name)
		}
	}
	for name, value := range kept {
		if h.Get(name) != value {
			t.Errorf("%s is gone", name)
		}
	}
}

func TestSensitiveOperationsAreNotStored(t *testing.T) {
	op := &openapi.Operation{Method: http.MethodGet, Ext: config.Operation{Sensitive: true}}
	e := answered(t, nil, jsonType, `{}`)
	e.Operation = op
	e.Response.Header.Set("Cache-Control", "public, max-age=600")
	if got := header(protected(t, config.Protect{}, e))["Cache-Control"]; len(got) != 1 || got[0] != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
}

func TestGuardsInOrder(t *testing.T) {
	guards, err := Guards(operationOf, config.Protect{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range guards {
		if names = append(names, g.Name); g.Name == "protect.filter" && g.Phase != exchange.OnResponseBody {
			t.Error("the filter is asked before there is a body")
		}
	}
	if got := strings.Join(names, " "); got != "protect.errors protect.headers protect.cors protect.filter protect.mask protect.mask" {
		t.Errorf("guards %s", got)
	}
}
