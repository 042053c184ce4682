package identity

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
)

func manage(t testing.TB, h *config.IdentityHeaders, forward bool) *Managed {
	t.Helper()
	w := newWorld(t)
	m, err := NewManaged(h, forward, w.schemes, w.security)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// spellings are what some server takes for the name.
func spellings(name string) []string {
	list := []string{name, strings.ToLower(name), strings.ToUpper(name)}
	for _, n := range list {
		list = append(list, strings.ReplaceAll(n, "-", "_"), strings.ReplaceAll(n, "-", "."), strings.Replace(n, "-", "_", 1), strings.Replace(n, "-", ".", 1))
	}
	return list
}

// Whatever a client sends under a managed name never reaches the upstream, with a principal or without, and also
// where the principal lacks what the header would tell (SECURITY-LESSONS 11).
func TestAliasesAreDeleted(t *testing.T) {
	custom := &config.IdentityHeaders{Subject: "X-User-Id", Roles: "X-User-Roles"}
	for _, c := range []struct {
		m     *Managed
		names []string
	}{
		{manage(t, nil, true), []string{SubjectHeader, TenantHeader, RolesHeader, ScopesHeader}},
		{manage(t, custom, true), []string{"X-User-Id", "X-User-Roles", SubjectHeader, ScopesHeader}},
	} {
		for _, p := range []*exchange.Principal{nil, {Subject: "u1"}, {Subject: "bad\nname"}} {
			h := http.Header{"Accept": {"*/*"}}
			for _, n := range c.names {
				for _, s := range spellings(n) {
					h[s] = []string{"admin", "admin"} // as received, not canonical
				}
			}
			c.m.Apply(h, p)
			for name, values := range h {
				if slices.Contains(values, "admin") {
					t.Errorf("%s: %q", name, values)
				}
			}
			if h.Get("Accept") == "" {
				t.Error("deleted too much")
			}
		}
	}
}

func TestApply(t *testing.T) {
	p := &exchange.Principal{Subject: "u1", Tenant: "t1", Roles: []string{"a", "b"}, Scopes: []string{"x", "y"}}
	h := http.Header{"Authorization": {"Bearer x"}, "X-Api-Key": {"k"}, "Cookie": {"sid=k; a=b"}}
	manage(t, nil, true).Apply(h, p)
	for name, want := range map[string]string{SubjectHeader: "u1", TenantHeader: "t1", RolesHeader: "a,b", ScopesHeader: "x y",
		"Authorization": "Bearer x", "X-Api-Key": "k", "Cookie": "sid=k; a=b"} {
		if got := h[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	h = http.Header{}
	manage(t, &config.IdentityHeaders{Subject: "x-user"}, true).Apply(h, p)
	if len(h) != 1 || h.Get("X-User") != "u1" {
		t.Errorf("%v", h)
	}
}

func TestCredentialsAreRemoved(t *testing.T) {
	m := manage(t, nil, false)
	h := http.Header{"Authorization": {"Bearer x"}, "X-Api-Key": {"k"}, "X_api_key": {"k"}, "Cookie": {"sid=k; a=b", "sid=l"}, "Accept": {"*/*"}}
	m.Apply(h, nil)
	if len(h) != 2 || h.Get("Cookie") != "a=b" || h.Get("Accept") == "" {
		t.Errorf("%v", h)
	}
	h = http.Header{"Cookie": {"sid=k"}}
	m.Apply(h, nil)
	if len(h) != 0 {
		t.Errorf("%v", h)
	}
	for raw, want := range map[string]string{
		"": "", "a=1": "a=1", "api_key=k": "", "a=1&api_key=k&b=2": "a=1&b=2", "api_key=k&a=1&api_key=l": "a=1", "api_key2=x": "api_key2=x",
	} {
		target := content.Target{RawQuery: raw}
		for pair := range strings.SplitSeq(raw, "&") {
			if name, value, ok := strings.Cut(pair, "="); ok {
				target.Query = append(target.Query, content.Pair{Name: name, Value: value})
			}
		}
		if got := m.RawQuery(target); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
		if got := manage(t, nil, true).RawQuery(target); got != raw {
			t.Errorf("%s: %q with credentials forwarded", raw, got)
		}
	}
}

// What a header cannot tell unambiguously is refused, and not told where nobody asks the guard.
func TestUntellable(t *testing.T) {
	all, subjectOnly := manage(t, nil, true), manage(t, &config.IdentityHeaders{Subject: "X-User"}, true)
	for name, p := range map[string]*exchange.Principal{
		"comma in a role":   {Subject: "u", Roles: []string{"a", "b,admin"}},
		"space in a scope":  {Subject: "u", Scopes: []string{"a b"}},
		"empty role":        {Subject: "u", Roles: []string{""}},
		"control in tenant": {Subject: "u", Tenant: "t\x7f"},
	} {
		e := &exchange.Exchange{Principal: p}
		if v := verdict(t, all.Guard(), e); code(v) != badClaims || v.Setting == "" {
			t.Errorf("%s: %q", name, code(v))
		}
		h := http.Header{}
		if all.Apply(h, p); len(h) != 0 {
			t.Errorf("%s: %v", name, h)
		}
		if v := verdict(t, subjectOnly.Guard(), e); !v.Passed() {
			t.Errorf("%s: refused where it is not told: %q", name, code(v))
		}
	}
	for name, subject := range map[string]string{"line break": "u\r\nX-Admin: 1", "NUL": "u\x00", "empty": "", "space": " u"} {
		e := &exchange.Exchange{Principal: &exchange.Principal{Subject: subject}}
		if v := verdict(t, subjectOnly.Guard(), e); v.Passed() {
			t.Errorf("%s: passed", name)
		}
	}
	if v := verdict(t, all.Guard(), &exchange.Exchange{}); !v.Passed() {
		t.Error("nobody is refused")
	}
}

func TestManagedNames(t *testing.T) {
	for _, h := range []config.IdentityHeaders{
		{Subject: "Host"}, {Subject: "authorization"}, {Subject: "X User"}, {Subject: "X-A", Tenant: "x_a"}, {Roles: "Content_Length"}, {Scopes: "é"},
	} {
		if _, err := NewManaged(&h, true, nil, nil); err == nil || !strings.Contains(err.Error(), "identity_headers.") {
			t.Errorf("%+v: %v", h, err)
		}
	}
}
