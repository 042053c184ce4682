package admin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/admin/dashboard"
	"github.com/sallyport/sallyport/admin/people"
)

func TestSession(t *testing.T) {
	s := newStand(t)
	s.user("alice", people.Operator)
	c, csrf := s.browser("alice")
	if c.Name != "sallyport" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 || len(c.Value) != 43 {
		t.Errorf("%+v", c)
	}
	mine := []string{"Cookie", c.Name + "=" + c.Value}
	if w := s.ask("GET", "/api/v1/session", mine...); w.Code != 200 || w.Body.String() != fmt.Sprintf(`{"name":"alice","role":"operator","csrf":%q}`+"\n", csrf) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.serve(s.request("POST", "/api/v1/reload", "{}", append(mine, "X-Csrf-Token", csrf)...)); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := s.events(); !slices.Equal(got, []string{"admin.signed_in admin:alice admin:alice", "admin.act admin:alice config"}) {
		t.Errorf("%v", got)
	}
	// The role is the user's of now, not of then.
	if err := s.people.SetRole(t.Context(), "alice", people.Viewer); err != nil {
		t.Fatal(err)
	}
	if w := s.serve(s.request("POST", "/api/v1/reload", "{}", append(mine, "X-Csrf-Token", csrf)...)); w.Code != 403 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w := s.serve(s.request("POST", "/api/v1/session/end", "{}", append(mine, "X-Csrf-Token", csrf)...))
	if gone := w.Result().Cookies(); w.Code != 204 || len(gone) != 1 || gone[0].MaxAge >= 0 {
		t.Errorf("%d %s %v", w.Code, w.Body, gone)
	}
	if w := s.ask("GET", "/api/v1/session", mine...); w.Code != 401 {
		t.Errorf("%d: a session that has ended", w.Code)
	}
}

// A page of somebody else can have the browser send the cookie, not the token.
func TestCSRF(t *testing.T) {
	s := newStand(t)
	s.user("alice", people.Operator)
	s.user("mallory", people.Operator)
	c, csrf := s.browser("alice")
	_, others := s.browser("mallory")
	for name, r := range map[string]*http.Request{
		"none":            s.request("POST", "/api/v1/reload", "{}"),
		"no body either":  s.request("POST", "/api/v1/reload", ""),
		"of others":       s.request("POST", "/api/v1/reload", "{}", "X-Csrf-Token", others),
		"empty":           s.request("POST", "/api/v1/reload", `{"csrf":""}`),
		"begun":           s.request("POST", "/api/v1/reload", `{"csrf":"`+csrf[:42]+`"}`),
		"in the query":    s.request("POST", "/api/v1/reload?csrf="+csrf, "{}"),
		"in a cookie":     s.request("POST", "/api/v1/reload", "{}", "Cookie", "csrf="+csrf),
		"form of a page":  s.request("POST", "/api/v1/reload", "next=%2F", "Content-Type", "application/x-www-form-urlencoded"),
		"text of a page":  s.request("POST", "/api/v1/reload", `{"csrf":"`+csrf+`"}`, "Content-Type", "text/plain"),
		"session's value": s.request("POST", "/api/v1/reload", "{}", "X-Csrf-Token", c.Value),
	} {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		if w := s.serve(r); w.Code < 300 || s.reloads > 0 || w.Code == 303 && !strings.Contains(w.Header().Get("Location"), "failed=policy.rule") {
			t.Fatalf("%s: %d %s, %d reloads", name, w.Code, w.Body, s.reloads)
		}
	}
	form := s.request("POST", "/api/v1/reload", url.Values{"csrf": {csrf}, "next": {"/config?tab=2"}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	form.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	if w := s.serve(form); w.Code != 303 || w.Header().Get("Location") != "/config?tab=2" || s.reloads != 1 {
		t.Errorf("the right one: %d %s %s", w.Code, w.Header(), w.Body)
	}
	// Two credentials at once are none.
	both := s.request("GET", "/api/v1/session", "", "Authorization", "Bearer "+token)
	both.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	if w := s.serve(both); w.Code != 400 || code(t, w) != "identity.ambiguous" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Signing in takes on no session that was there before: somebody may have planted it.
func TestSessionIsNotFixed(t *testing.T) {
	s := newStand(t)
	s.user("alice", people.Viewer)
	planted, _ := s.browser("alice")
	r := s.request("POST", "/api/v1/session", `{"user":"alice","password":"`+password+`"}`)
	r.AddCookie(&http.Cookie{Name: planted.Name, Value: planted.Value})
	w := s.serve(r)
	if fresh := w.Result().Cookies()[0]; fresh.Value == planted.Value {
		t.Error("the value is the same")
	}
	if w := s.ask("GET", "/api/v1/session", "Cookie", planted.Name+"="+planted.Value); w.Code != 401 {
		t.Errorf("the planted session is %d", w.Code)
	}
}

// Over TLS the cookie is bound to host and scheme by its name.
func TestCookieOverTLS(t *testing.T) {
	s := newStand(t)
	s.user("alice", people.Viewer)
	r := s.request("POST", "https://127.0.0.1:9901/api/v1/session", `{"user":"alice","password":"`+password+`"}`)
	r.RequestURI = "/api/v1/session"
	c := s.serve(r).Result().Cookies()
	if len(c) != 1 || c[0].Name != "__Host-sallyport" || !c[0].Secure || c[0].Path != "/" || c[0].Domain != "" {
		t.Errorf("%+v", c)
	}
}

// Guessing is slowed down for the account as one client sees it, and for the client whatever the account.
func TestGuessing(t *testing.T) {
	s := newStand(t)
	s.user("alice", people.Viewer)
	attempt := func(peer, user, pass string) int {
		r := s.request("POST", "/api/v1/session", fmt.Sprintf(`{"user":%q,"password":%q}`, user, pass))
		r.RemoteAddr = peer + ":1"
		return s.serve(r).Code
	}
	for i := range 5 {
		if got := attempt("198.51.100.1", "alice", fmt.Sprint("wrong horse battery ", i)); got != 401 {
			t.Fatalf("attempt %d: %d", i, got)
		}
	}
	if got := attempt("198.51.100.1", "alice", password); got != 429 {
		t.Errorf("the right password after five wrong ones: %d", got)
	}
	if got := attempt("198.51.100.2", "alice", password); got != 201 {
		t.Errorf("the user from elsewhere: %d", got)
	}
	last := 0
	for i := range 70 {
		r := s.request("POST", "/api/v1/session", fmt.Sprintf(`{"user":"user%d","token":"spa_wrong"}`, i))
		r.RemoteAddr = "198.51.100.3:1"
		last = s.serve(r).Code
	}
	if last != 429 {
		t.Errorf("70 guesses for 70 users: %d", last)
	}
	if events := s.events(); !slices.Contains(events, "admin.refused admin:alice") || slices.ContainsFunc(events, func(e string) bool { return strings.Contains(e, "user7") }) {
		t.Errorf("%v", events)
	}
}

// Secrets are in no event and in no answer but the one that makes them.
func TestNoSecretIsTold(t *testing.T) {
	s := newStand(t)
	s.user("alice", people.Admin)
	c, csrf := s.browser("alice")
	secrets := []string{c.Value, csrf, password, token, "wrong horse battery staple"}
	s.serve(s.request("POST", "/api/v1/session", `{"user":"wrong horse battery staple","password":"wrong horse battery staple"}`))
	s.ask("GET", "/api/v1/users", "Authorization", "Bearer wrong horse battery staple")
	s.send("/api/v1/users", `{"name":"bob","role":"viewer","password":"wrong horse battery staple"}`)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.told {
		for _, secret := range secrets {
			if strings.Contains(fmt.Sprintf("%+v", *e), secret) {
				t.Errorf("%+v", *e)
			}
		}
	}
	if len(s.told) < 4 {
		t.Errorf("%d events", len(s.told))
	}
}

// A form of a page goes on to a page of ours, whatever it asks for.
func TestFormsGoOn(t *testing.T) {
	s := newStand(t)
	for next, want := range map[string]string{"/exchanges?api=shop": "/exchanges?api=shop", "": "/", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "evil": "/"} {
		w := s.serve(s.request("POST", "/api/v1/session", url.Values{"token": {token}, "next": {next}}.Encode(), "Content-Type", "application/x-www-form-urlencoded"))
		if w.Code != 303 || w.Header().Get("Location") != want || len(w.Result().Cookies()) != 1 {
			t.Errorf("%q: %d %v", next, w.Code, w.Header())
		}
	}
	for referer, want := range map[string]string{"": "/signin?failed=admin.sign_in", "http://127.0.0.1:9901/signin?next=%2Fx": "/signin?failed=admin.sign_in&next=%2Fx", "https://evil.example/a": "/signin?failed=admin.sign_in",
		"http://127.0.0.1:9901//evil.example": "/?failed=admin.sign_in"} {
		w := s.serve(s.request("POST", "/api/v1/session", "token=spa_wrong", "Content-Type", "application/x-www-form-urlencoded", "Referer", referer))
		if w.Code != 303 || w.Header().Get("Location") != want || len(w.Result().Cookies()) != 0 {
			t.Errorf("%q: %d %v", referer, w.Code, w.Header())
		}
	}
}

func TestOwnPassword(t *testing.T) {
	s := newStand(t)
	s.user("alice", people.Viewer)
	c, csrf := s.browser("alice")
	mine := []string{"Cookie", c.Name + "=" + c.Value, "X-Csrf-Token", csrf}
	for body, want := range map[string]int{
		`{"old":"not the one that I have","new":"another horse battery staple"}`: 403,
		`{"old":"` + password + `","new":"short"}`:                               422,
	} {
		if w := s.serve(s.request("POST", "/api/v1/password", body, mine...)); w.Code != want {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if w := s.serve(s.request("POST", "/api/v1/password", `{"old":"`+password+`","new":"another horse battery staple"}`, mine...)); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.ask("GET", "/api/v1/session", mine[:2]...); w.Code != 401 {
		t.Errorf("%d: the session has not ended", w.Code)
	}
}

// The dashboard learns who looks from the session, and from nothing else.
func TestViewer(t *testing.T) {
	s := newStand(t)
	s.user("alice", people.Analyst)
	c, csrf := s.browser("alice")
	o := s.options()
	o.Dashboard = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, ok := dashboard.ViewerOf(r.Context())
		fmt.Fprint(w, ok, v)
	})
	var err error
	if s.handler, err = New(o); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		header []string
		want   string
	}{
		"nobody":    {nil, "false { }"},
		"session":   {[]string{"Cookie", c.Name + "=" + c.Value}, fmt.Sprintf("true {alice analyst %s}", csrf)},
		"wrong one": {[]string{"Cookie", c.Name + "=" + c.Value + "A"}, "false { }"},
		"two":       {[]string{"Cookie", c.Name + "=x; " + c.Name + "=" + c.Value}, "false { }"},
		"token":     {[]string{"Authorization", "Bearer " + token}, "false { }"},
	} {
		if w := s.ask("GET", "/", c.header...); strings.ReplaceAll(w.Body.String(), "  ", " ") != c.want && w.Body.String() != c.want {
			t.Errorf("%s: %s, want %s", name, w.Body, c.want)
		}
	}
}

// A link in a colleague's message leads to a page; what is not a link of a page does not get through.
func TestLinksFromElsewhere(t *testing.T) {
	s := newStand(t)
	o := s.options()
	o.Dashboard = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "page") })
	var err error
	if s.handler, err = New(o); err != nil {
		t.Fatal(err)
	}
	link := []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	if w := s.ask("GET", `/exchanges?a=b"&c=d`, link...); w.Code != 200 || !strings.Contains(w.Body.String(), `url=/exchanges?a=b&#34;&amp;c=d"`) || strings.Contains(w.Body.String(), "page") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.ask("GET", "/exchanges", "Sec-Fetch-Site", "same-origin"); w.Body.String() != "page" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"the API":        s.ask("GET", "/api/v1/reasons", append(link, "Authorization", "Bearer "+token)...),
		"a form":         s.ask("POST", "/exchanges", link...),
		"with an origin": s.ask("GET", "/exchanges", append(link, "Origin", "https://evil.example")...),
		"a frame":        s.ask("GET", "/exchanges", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"),
		"an image":       s.ask("GET", "/exchanges", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"),
		"a script":       s.ask("GET", "/exchanges", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"),
	} {
		if w.Code != 403 || code(t, w) != "admin.origin" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
