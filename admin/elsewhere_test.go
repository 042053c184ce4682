package admin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/admin/oidc"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

// elsewhere is a stand whose people sign in at op.
func elsewhere(t *testing.T, op *testkit.OP) *stand {
	t.Helper()
	s := newStand(t)
	var err error
	c := config.AdminOIDC{Issuer: op.URL, ClientID: op.Client, URL: "http://127.0.0.1:9901/", AllowPrivate: true, Roles: map[string]string{"security-team": "operator", "staff": "viewer"}}
	if s.oidc, err = oidc.New(c, op.Secret); err != nil {
		t.Fatal(err)
	}
	s.changes(0)
	return s
}

// leave begins a sign-in and goes to the provider: the cookie, and where the provider sends the browser back to.
func (s *stand) leave(next string) (*http.Cookie, *url.URL) {
	s.t.Helper()
	w := s.ask("GET", "/signin/oidc?next="+url.QueryEscape(next))
	if w.Code != 303 || len(w.Result().Cookies()) != 1 {
		s.t.Fatalf("%d %s", w.Code, w.Body)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(w.Header().Get("Location"))
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		s.t.Fatalf("%v: %s", err, resp.Status)
	}
	return w.Result().Cookies()[0], back
}

// back comes from the provider, as a browser does: from another site.
func (s *stand) back(c *http.Cookie, to *url.URL) *httptest.ResponseRecorder {
	r := s.request("GET", to.RequestURI(), "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	if c != nil {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return s.serve(r)
}

func signedIn(w *httptest.ResponseRecorder) *http.Cookie {
	for _, c := range w.Result().Cookies() {
		if c.Name == "sallyport" && c.MaxAge >= 0 {
			return c
		}
	}
	return nil
}

func TestSignInElsewhere(t *testing.T) {
	op := testkit.NewOP(t)
	s := elsewhere(t, op)
	journey, back := s.leave("/exchanges?api=shop")
	if !journey.HttpOnly || journey.SameSite != http.SameSiteLaxMode || strings.Contains(journey.Value, "exchanges") {
		t.Errorf("%+v", journey)
	}
	w := s.back(journey, back)
	c := signedIn(w)
	if w.Code != 200 || c == nil || c.SameSite != http.SameSiteStrictMode || !strings.Contains(w.Body.String(), "url=/exchanges?api=shop") {
		t.Fatalf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if w := s.ask("GET", "/api/v1/session", "Cookie", c.Name+"="+c.Value); !strings.Contains(w.Body.String(), `"name":"oidc:alice@example.com","role":"operator"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := s.events(); !slices.Equal(got, []string{"admin.signed_in admin:oidc:alice@example.com admin:oidc:alice@example.com"}) {
		t.Errorf("%v", got)
	}
	if w := s.back(journey, back); w.Code != 403 || signedIn(w) != nil {
		t.Errorf("a code twice: %d %s", w.Code, w.Body)
	}
}

// Whoever comes back otherwise than they left does not get in.
func TestStrangersFromElsewhere(t *testing.T) {
	op := testkit.NewOP(t)
	s := elsewhere(t, op)
	other, _ := s.leave("/")
	set := func(name, value string) func(*http.Cookie, url.Values) *http.Cookie {
		return func(c *http.Cookie, q url.Values) *http.Cookie { q.Set(name, value); return c }
	}
	for name, change := range map[string]func(*http.Cookie, url.Values) *http.Cookie{
		"another browser":  func(*http.Cookie, url.Values) *http.Cookie { return other },
		"no cookie":        func(*http.Cookie, url.Values) *http.Cookie { return nil },
		"a made-up cookie": func(c *http.Cookie, _ url.Values) *http.Cookie { c.Value = strings.Repeat("A", len(c.Value)); return c },
		"another state":    set("state", "x"), "another issuer": set("iss", "https://evil.example"), "no code": set("code", ""),
		"a code of nobody": set("code", "none"), "an error": set("error", "access_denied"),
		"a code of somebody": func(c *http.Cookie, q url.Values) *http.Cookie {
			_, b := s.leave("/")
			q.Set("code", b.Query().Get("code"))
			return c
		},
	} {
		c, back := s.leave("/")
		q := back.Query()
		c = change(c, q)
		back.RawQuery = q.Encode()
		if w := s.back(c, back); w.Code != 403 || signedIn(w) != nil || code(t, w) != "admin.oidc" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// A token that says other things than it should lets nobody in.
func TestTokensFromElsewhere(t *testing.T) {
	op := testkit.NewOP(t)
	s := elsewhere(t, op)
	for name, claims := range map[string][]any{
		"no role":              {"roles", []string{"guests"}},
		"no roles at all":      {"roles", nil},
		"roles of a shape":     {"roles", map[string]any{"security-team": true}},
		"an address of others": {"email_verified", false},
		"a text for true":      {"email_verified", "true"},
		"no address":           {"email", nil},
		"an odd address":       {"email", "a\x1b[2Jb"},
		"nonce of others":      {"nonce", "x"},
		"no nonce":             {"nonce", nil},
		"for another client":   {"aud", "other"},
		"from another issuer":  {"iss", "https://evil.example"},
		"expired":              {"exp", 1},
	} {
		op.Claims(claims...)
		c, back := s.leave("/")
		if w := s.back(c, back); w.Code != 403 || signedIn(w) != nil || code(t, w) != "admin.oidc" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	op.Claims("roles", "staff")
	c, back := s.leave("https://evil.example/")
	if w := s.back(c, back); signedIn(w) == nil || !strings.Contains(w.Body.String(), `url=/"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A provider that is down keeps nobody else out.
func TestElsewhereIsDown(t *testing.T) {
	s := elsewhere(t, &testkit.OP{URL: "http://" + testkit.FreeAddress(t)})
	if w := s.ask("GET", "/signin/oidc"); w.Code != 502 || code(t, w) != "admin.oidc" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.asOperator("GET", "/api/v1/reasons"); w.Code != 200 {
		t.Error(w.Code)
	}
}
