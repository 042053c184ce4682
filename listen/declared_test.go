package listen

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/exchange"
)

func declare(t *testing.T, methods []string, headers ...string) *Declared {
	t.Helper()
	d := &Declared{}
	for _, m := range methods {
		d.Method(m)
	}
	for _, h := range headers {
		if !d.Header(h) {
			t.Fatalf("%s cannot be declared", h)
		}
	}
	return d
}

// SECURITY-LESSONS 11: of all spellings that some server folds into one, the declared one alone is seen.
func TestDeclaredHeaders(t *testing.T) {
	for name, c := range map[string]struct {
		declared []string
		sent     []string
		want     []string         // names left
		reason   *exchange.Reason // nil: pass
	}{
		"declared":                 {[]string{"api_key"}, []string{"api_key: k"}, []string{"Api_key"}, nil},
		"in other case":            {[]string{"api_key"}, []string{"API_KEY: k"}, []string{"Api_key"}, nil},
		"undeclared":               {nil, []string{"api_key: k", "X-A: 1"}, []string{"X-A"}, nil},
		"other odd name":           {[]string{"api_key"}, []string{"user_id: 1", "x.y: 1"}, nil, nil},
		"other spelling, odd":      {[]string{"api_key"}, []string{"api.key: k", "api!key: k"}, nil, nil},
		"other spelling, dashed":   {[]string{"api_key"}, []string{"Api-Key: k"}, nil, nil},
		"both spellings":           {[]string{"api_key"}, []string{"api_key: k", "api-key: evil"}, []string{"Api_key"}, nil},
		"two lines":                {[]string{"api_key"}, []string{"api_key: k", "api_key: evil"}, nil, exchange.BadHeader},
		"two lines in two cases":   {[]string{"api_key"}, []string{"api_key: k", "Api_Key: evil"}, nil, exchange.BadHeader},
		"both are declared":        {[]string{"api_key", "api-key"}, []string{"api-key: k"}, []string{"Api-Key"}, nil},
		"both declared and sent":   {[]string{"api_key", "api-key"}, []string{"api_key: k", "api-key: k"}, nil, exchange.BadHeader},
		"two odd ones, both sent":  {[]string{"api_key", "api.key"}, []string{"api_key: k", "api.key: k"}, nil, exchange.BadHeader},
		"declared dashed only":     {[]string{"X-Tenant"}, []string{"X_Tenant: evil", "X-Tenant: t"}, []string{"X-Tenant"}, nil},
		"dotted":                   {[]string{"x.request.id"}, []string{"x.request.id: 1", "X-Request-Id: 2"}, []string{"X.request.id"}, nil},
		"named by Connection":      {[]string{"api_key"}, []string{"api_key: k", "Connection: api_key"}, []string{"Connection"}, nil},
		"forwarding family, alias": {[]string{"api_key"}, []string{"X_Forwarded_For: 1.1.1.1"}, nil, nil},
	} {
		d := declare(t, nil, c.declared...)
		r := parse(t, append([]string{"GET / HTTP/1.1", "Host: a"}, c.sent...)...)
		v := Check(r, d)
		if v.Passed() {
			v = d.Narrow(r)
		}
		if c.reason != nil {
			if v.Reason != c.reason {
				t.Errorf("%s: %+v", name, v)
			}
			continue
		}
		if got := slices.Sorted(maps.Keys(r.Header)); !v.Passed() || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q are left, want %q (%s)", name, got, c.want, v.Detail)
		}
	}
}

func TestDeclaredHeadersReserved(t *testing.T) {
	d := &Declared{}
	for _, name := range []string{"content_length", "Content.Type", "transfer_encoding", "x_forwarded_for", "X_Real_IP", "x_original_url",
		"x_http_method_override", "proxy_authorization", "accept_encoding", "sec_fetch_site", "user_agent"} {
		if d.Header(name) {
			t.Errorf("%s was declared", name)
		}
	}
	if len(d.headers) != 0 {
		t.Errorf("declared: %v", d.headers)
	}
}

// What one API declares is nothing to another one.
func TestDeclaredNarrow(t *testing.T) {
	shop, files, all := declare(t, nil, "api_key"), declare(t, []string{"PURGE", "CONNECT", "TRACE"}, "file_name"), &Declared{}
	all.Add(shop)
	all.Add(files)
	send := func(method string) *http.Request {
		return parse(t, method+" / HTTP/1.1", "Host: a", "api_key: k", "file_name: f")
	}
	for _, method := range []string{"CONNECT", "TRACE", "TRACK", "purge"} {
		if v := Check(send(method), all); v.Reason != exchange.BadMethod {
			t.Errorf("%s: %+v", method, v)
		}
	}
	r := send("PURGE")
	if v := Check(r, all); !v.Passed() || len(r.Header) != 2 {
		t.Fatalf("%s, left %v", v.Detail, r.Header)
	}
	if v := shop.Narrow(r); v.Reason != exchange.BadMethod {
		t.Errorf("another API's method: %+v", v)
	}
	if v := files.Narrow(r); !v.Passed() || r.Header["File_name"] == nil || len(r.Header) != 1 {
		t.Errorf("%s, left %v", v.Detail, r.Header)
	}
	if v := Check(send("PURGE"), nil); v.Reason != exchange.BadMethod {
		t.Errorf("nothing is declared: %+v", v)
	}
}
