package admin

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestToken(t *testing.T) {
	s := newStand(t)
	for name, c := range map[string]struct {
		header []string
		ok     bool
	}{
		"right":              {[]string{"Authorization", "Bearer " + token}, true},
		"scheme in any case": {[]string{"Authorization", "bearer " + token}, true},
		"none":               {nil, false},
		"empty":              {[]string{"Authorization", "Bearer "}, false},
		"nothing":            {[]string{"Authorization", ""}, false},
		"wrong":              {[]string{"Authorization", "Bearer " + token[:len(token)-1] + "X"}, false},
		"shorter":            {[]string{"Authorization", "Bearer " + token[:10]}, false},
		"longer":             {[]string{"Authorization", "Bearer " + token + "X"}, false},
		"space before":       {[]string{"Authorization", "Bearer  " + token}, false},
		"space behind":       {[]string{"Authorization", "Bearer " + token + " "}, false},
		"other scheme":       {[]string{"Authorization", "Basic " + token}, false},
		"no scheme":          {[]string{"Authorization", token}, false},
		"twice":              {[]string{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token}, false},
		"second":             {[]string{"Authorization", "Bearer x", "Authorization", "Bearer " + token}, false},
		"cookie":             {[]string{"Cookie", "token=" + token}, false},
		"other field":        {[]string{"X-Api-Key", token}, false},
	} {
		s.reloads = 0
		for target, method := range api {
			w := s.ask(method, target, c.header...)
			if ok := w.Code != http.StatusUnauthorized && w.Code != http.StatusBadRequest; ok != c.ok {
				t.Errorf("%s: %s %s: %d", name, method, target, w.Code)
			}
			if w.Code == http.StatusUnauthorized && (!strings.HasPrefix(code(t, w), "identity.") || w.Header().Get("Www-Authenticate") != `Bearer realm="admin"`) {
				t.Errorf("%s: %s %v", name, w.Body, w.Header())
			}
		}
		if !c.ok && s.reloads > 0 {
			t.Errorf("%s: reloaded", name)
		}
	}
	// In a query a token is in every log.
	if w := s.ask("GET", "/api/v1/reasons?access_token="+token); w.Code != http.StatusUnauthorized {
		t.Error(w.Code)
	}
}

// Whoever configured nothing has no token, and the empty one is not it.
func TestNoTokenOpensNothing(t *testing.T) {
	for name, hash := range map[string][sha256.Size]byte{"zero": {}, "of nothing": sha256.Sum256(nil)} {
		o := newStand(t).options()
		o.TokenHash = hash
		h, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, header := range []string{"", "Bearer", "Bearer ", "Bearer \x00"} {
			r := httptest.NewRequest("GET", "/api/v1/reasons", nil)
			r.Host = "localhost"
			r.Header.Set("Authorization", header)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized && w.Code != http.StatusBadRequest {
				t.Errorf("%s, %q: %d", name, header, w.Code)
			}
		}
	}
}

func TestHost(t *testing.T) {
	s := newStand(t)
	for host, ok := range map[string]bool{
		"127.0.0.1:9901": true, "127.0.0.1": true, "127.8.8.8": true, "localhost": true, "LocalHost:9901": true, "[::1]:9901": true, "[::1]": true,
		"[::ffff:127.0.0.1]:9901": true, "sallyport.internal:9901": true, "Sallyport.Internal": true, "10.0.0.7:9901": true,
		"10.9.8.7:9901": true, "[::ffff:10.9.8.7]:9901": true, // where the connection came in
		"evil.example": false, "evil.example:9901": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "localhost.": false, "": false,
		"0.0.0.0:9901": false, "[::]:9901": false, "10.9.8.8:9901": false, "192.168.1.1": false, "2130706433": false, "127.1": false, "0x7f.0.0.1": false,
		"x.sallyport.internal": false, "sallyport.internal.": false, "127.0.0.1@evil.example": false, "localhost:9901:9901": false, "[localhost]": false, "evil.example#localhost": false,
	} {
		for _, target := range []string{"/healthz", "/metrics", "/api/v1/reasons", "/nothing"} {
			w := s.ask("GET", target, "Host", host, "Authorization", "Bearer "+token)
			if refused := w.Code == http.StatusForbidden; refused == ok {
				t.Errorf("%q: %s: %d", host, target, w.Code)
			}
			if !ok && code(t, w) != "admin.host" {
				t.Errorf("%q: %s", host, w.Body)
			}
		}
	}
}

// A page that an operator looks at must not ask in the operator's name.
func TestOrigin(t *testing.T) {
	s := newStand(t)
	for name, c := range map[string]struct {
		header []string
		ok     bool
	}{
		"none":                  {nil, true},
		"own":                   {[]string{"Origin", "http://127.0.0.1:9901"}, true},
		"own, fetched":          {[]string{"Origin", "http://127.0.0.1:9901", "Sec-Fetch-Site", "same-origin"}, true},
		"typed in":              {[]string{"Sec-Fetch-Site", "none"}, true},
		"other":                 {[]string{"Origin", "http://evil.example"}, false},
		"other port":            {[]string{"Origin", "http://127.0.0.1:8080"}, false},
		"other scheme":          {[]string{"Origin", "https://127.0.0.1:9901"}, false},
		"opaque":                {[]string{"Origin", "null"}, false},
		"empty":                 {[]string{"Origin", ""}, false},
		"garbage":               {[]string{"Origin", "http://%zz"}, false},
		"user in front":         {[]string{"Origin", "http://127.0.0.1:9901@evil.example"}, false},
		"twice":                 {[]string{"Origin", "http://127.0.0.1:9901", "Origin", "http://evil.example"}, false},
		"image of another site": {[]string{"Sec-Fetch-Site", "cross-site"}, false},
		"sibling":               {[]string{"Sec-Fetch-Site", "same-site"}, false},
	} {
		s.reloads = 0
		w := s.ask("POST", "/api/v1/reload", append(c.header, "Authorization", "Bearer "+token)...)
		if ok := w.Code == http.StatusNoContent; ok != c.ok || (s.reloads == 1) != c.ok {
			t.Errorf("%s: %d, %d reloads", name, w.Code, s.reloads)
		}
		if !c.ok && code(t, w) != "admin.origin" {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
}

// Every answer, good or bad, carries the fields that keep browsers from using it, and none that lets other origins in.
func TestHeaders(t *testing.T) {
	s := newStand(t)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"probe": s.ask("GET", "/healthz"), "metrics": s.ask("GET", "/metrics"), "list": s.asOperator("GET", "/api/v1/exchanges"), "no token": s.ask("GET", "/api/v1/exchanges"),
		"unknown": s.asOperator("GET", "/nothing"), "method": s.asOperator("DELETE", "/healthz"), "foreign": s.ask("GET", "/healthz", "Host", "evil.example"),
		"preflight": s.ask("OPTIONS", "/api/v1/reload", "Origin", "http://127.0.0.1:9901", "Access-Control-Request-Method", "POST"),
	} {
		for field, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer"} {
			if got := w.Header()[field]; len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q", name, field, got)
			}
		}
		for field := range w.Header() {
			if strings.HasPrefix(field, "Access-Control-") {
				t.Errorf("%s: %s opens the listener to other origins", name, field)
			}
		}
		if strings.Contains(w.Body.String(), token) {
			t.Errorf("%s: the token is served", name)
		}
	}
}

func TestMethods(t *testing.T) {
	s := newStand(t)
	s.started = true
	for _, target := range []string{"/healthz", "/readyz", "/startupz", "/metrics", "/api/v1/exchanges", "/api/v1/exchanges/x", "/api/v1/posture", "/api/v1/reasons", "/api/v1/reload"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "EVIL"} {
			s.reloads = 0
			w := s.asOperator(method, target)
			reload := target == "/api/v1/reload"
			refused := w.Code == http.StatusMethodNotAllowed || w.Code == http.StatusNotImplemented
			if allowed := method == "POST" && reload || (method == "GET" || method == "HEAD") && !reload; allowed == refused {
				t.Errorf("%s %s: %d", method, target, w.Code)
			}
			if w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") == "" {
				t.Errorf("%s %s: 405 without Allow", method, target)
			}
			if s.reloads > 0 && !(reload && method == "POST") {
				t.Errorf("%s %s reloads", method, target)
			}
		}
	}
}

// A body of any size costs nothing.
func TestBodiesAreBounded(t *testing.T) {
	var read int64
	h := (&admin{Options: newStand(t).options()}).guarded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { read, _ = io.Copy(io.Discard, r.Body) }))
	r := httptest.NewRequest("POST", "/", bytes.NewReader(make([]byte, maxBody+1<<20)))
	r.Host = "localhost"
	h.ServeHTTP(httptest.NewRecorder(), r)
	if read > maxBody {
		t.Errorf("%d bytes are read", read)
	}
}

// The admin API answers nobody without the token, nobody whom a web page sends, and its open pages show nothing else than
// they are for. Lesson 24 of docs/lessons.md.
func TestLesson24(t *testing.T) {
	s := newStand(t)
	s.started = true
	for _, target := range []string{"/api/v1/exchanges", "/api/v1/posture"} {
		for name, header := range map[string][]string{"no token": nil, "wrong token": {"Authorization", "Bearer spa_x"}, "token in the query": nil} {
			if w := s.ask("GET", target+"?token="+token, header...); w.Code != 401 && w.Code != 400 {
				t.Errorf("%s, %s: %d", target, name, w.Code)
			}
		}
	}
	for target := range api {
		if w := s.ask(api[target], target, "Host", "evil.example", "Authorization", "Bearer "+token); w.Code != 403 {
			t.Errorf("%s for another host: %d", target, w.Code)
		}
	}
	for _, target := range []string{"/metrics/../api/v1/exchanges", "/metrics/", "/metrics%2f..%2fapi", "//api/v1/exchanges", "/debug/pprof/", "/config"} {
		if w := s.ask("GET", target); w.Code < 400 && w.Code != 301 && w.Code != 307 {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	open := map[string]bool{"/healthz": true, "/readyz": true, "/startupz": true, "/metrics": true}
	parts := []string{"/", "//", "..", ".", "%2e%2e", "%2f", ";", "%00", "?", "#", "metrics", "healthz", "api", "v1", "exchanges", "posture", "reasons", "reload", "debug", "pprof", "admin", "config", "env", "METRICS", "%6detrics", "\\"}
	h, random := s.handler, rand.New(rand.NewPCG(24, 24)) //nolint:gosec // the same paths each time
	for range 20_000 {
		target := "/"
		for range 1 + random.IntN(6) {
			target += parts[random.IntN(len(parts))]
		}
		r := &http.Request{Method: "GET", Host: "127.0.0.1:9901", Header: http.Header{}, RequestURI: target}
		var err error
		if r.URL, err = url.ParseRequestURI(target); err != nil {
			continue
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code < 300 && !open[r.URL.Path] {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}
