package gateway

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/testkit/differential"
)

// The numbers are those of docs/lessons.md, which says what each incident was and which mutation each test has noticed.

// Two readings of where a message ends.
func TestLesson01(t *testing.T) {
	corpus, err := differential.Corpus("desync")
	if err != nil {
		t.Fatal(err)
	}
	j, n := judge(t, differential.Kinds[0].Start(t), true), 0
	for _, m := range corpus {
		if !m.Want.Refused || m.Want.Status != 400 {
			continue
		}
		n++
		o, records := j.send(t, m.Name, m.Wire, m.Cut)
		if detail := j.became(m.Want, o, records); detail != "" {
			t.Errorf("%s: %s", m.Name, detail)
		}
		if len(records) != 1 || !records[0].Refused || records[0].Status != 400 || records[0].Detail == "" {
			t.Errorf("%s: %d records: %+v", m.Name, len(records), records)
		}
	}
	if n < 60 || len(j.tally.disagreements) > 0 {
		t.Errorf("%d messages; %v", n, j.tally.disagreements)
	}
}

// A query that we parse and forward otherwise.
func TestLesson02(t *testing.T) {
	s := openSchool(t, noContent, "")
	for _, q := range []string{"id=1&id=%zz", "a;role=admin", "id=1;id=2", "id=%", "id=1#x", strings.Repeat("id=1&", 10001) + "id=1"} {
		target := "/items?" + q
		code, status := "protocol.target", 400
		if len(q) > 32<<10 {
			continue // longer than a head may be; see TestServerLimits of listen
		}
		s.learns(t, get(target), outcome{status, code, ""})
	}
	s.learns(t, get("/items?"+strings.Repeat("id=1&", 1001)+"id=1"), outcome{400, "protocol.target", ""})
	s.learns(t, get("/items?id=1&&id=2"), outcome{204, "", "/items?id=1&id=2"})
}

// Request targets that are no path.
func TestLesson03(t *testing.T) {
	s := openSchool(t, noContent, "")
	for _, target := range []string{"http:http://internal/admin", "foo", "http://h/health", "//h/health", "h:80", "*"} {
		r, _ := s.learns(t, get(target), outcome{400, "protocol.target", ""})
		if r.Path != target {
			t.Errorf("the record says %q of %q", r.Path, target)
		}
	}
}

// Two hundred ways to /admin.
func TestLesson04(t *testing.T) {
	targets, err := differential.Lines("traversal")
	if err != nil {
		t.Fatal(err)
	}
	s := openSchool(t, noContent, "    unknown: inspect\n")
	passed := 0
	for _, target := range targets {
		s.upstream.Reset()
		status := s.say(t, get(target))
		r := s.record(t)
		for _, got := range s.upstream.Requests() {
			passed++
			path, _, _ := strings.Cut(got.Target, "?")
			if r.Path != path || r.Refused || meansAdmin(path) {
				t.Errorf("%s: judged %s, sent %s", target, r.Path, path)
			}
		}
		if r.Status != status || status == 204 && r.Refused {
			t.Errorf("%s: %d, the record says %+v", target, status, r)
		}
	}
	if len(targets) < 200 || passed == 0 || passed > len(targets)/2 {
		t.Errorf("%d of %d passed", passed, len(targets))
	}
}

// Prefixes that are taken away, and what is left then. Ours is not taken away, so that there is one path to judge; whatever
// stands behind it, or is glued to it, in every spelling, is no way out of it.
func TestLesson05(t *testing.T) {
	s := openSchool(t, noContent, "    base_path: /api\n    unknown: inspect\n")
	s.learns(t, get("/api/health"), outcome{204, "", "/api/health"})
	s.learns(t, get("/api/%61dmin"), outcome{401, "identity.missing", ""}) // judged by the path as it is sent
	for _, target := range []string{"/api../admin", "/api%2e%2e/admin", "/api.%2e/admin", "/apihealth", "/api-2/health", "/health", "/admin", "/API/health", "/api%20/health", "/"} {
		s.learns(t, get(target), outcome{404, "openapi.unknown_operation", ""})
	}
	for _, target := range []string{"/api/%2e%2e/admin", "/api/../admin", "/api/..%2fadmin", "/api/./admin", "/api//admin", "/api/..", "/api/.%2e/admin", "/api/%2E%2E%2Fadmin", "/api/..%5cadmin", "/api/..\\admin",
		"/api/..;/admin", "/api..%3b/admin", "/api%2f..%2fadmin", "/api/%252e%252e/admin/..", "//api/admin", "/x/../api/health"} {
		s.learns(t, get(target), outcome{400, "protocol.target", ""})
	}
	lines, err := differential.Lines("traversal")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range lines {
		s.upstream.Reset()
		s.say(t, get("/api"+target))
		for _, got := range s.upstream.Requests() {
			if path, _, _ := strings.Cut(got.Target, "?"); !strings.HasPrefix(path, "/api/") || meansAdmin(strings.TrimPrefix(path, "/api")) || meansAdmin(path) {
				t.Errorf("%s: sent %s", target, path)
			}
		}
		s.forget(t)
	}
}

// Empty segments and backslashes before anything looks at a path.
func TestLesson06(t *testing.T) {
	s := openSchool(t, noContent, "    unknown: inspect\n")
	for _, target := range []string{"//admin", "///admin", "/\\admin", "/%5cadmin", "/%2fadmin", "/.//admin"} {
		s.learns(t, get(target), outcome{400, "protocol.target", ""})
	}
	s.learns(t, get("/%61dmin"), outcome{401, "identity.missing", ""}) // one spelling: the rule of /admin fires
}

// Path and query are split before they are decoded, and both are decoded once.
func TestLesson07(t *testing.T) {
	s := openSchool(t, noContent, "    modes: { validate: enforce }\n")
	for _, target := range []string{"/public/x%3F/../etc/passwd", "/public/x%3fq", "/public/%252e%252e%252fetc%252fpasswd"} {
		s.learns(t, get(target), outcome{400, "protocol.target", ""})
	}
	s.learns(t, get("/public/..;%27%20or%201=1", "User-Agent: x", "Accept: */*"), outcome{400, "protocol.target", ""})
	r, _ := s.learns(t, get("/public/%27%20or%201=1--%20-", "User-Agent: x", "Accept: */*"), outcome{403, "inspect.sqli", ""}) // seen in the path
	if r.Guard != "inspect.head" {
		t.Errorf("refused by %s", r.Guard)
	}
}

// Exemptions by path see nothing else than the path.
func TestLesson08(t *testing.T) {
	s := openSchool(t, noContent, "")
	s.learns(t, get("/admin?x=/health"), outcome{401, "identity.missing", ""})
	s.learns(t, get("/admin%23/health"), outcome{400, "protocol.target", ""})
	s.learns(t, get("/admin#/health"), outcome{400, "protocol.target", ""})
	s.learns(t, get("/health/../admin"), outcome{400, "protocol.target", ""})
}

// A path that only begins like a granted one.
func TestLesson09(t *testing.T) {
	s := openSchool(t, noContent, "")
	s.learns(t, get("/pki/ca/prod"), outcome{204, "", "/pki/ca/prod"})
	for _, target := range []string{"/pki/ca/prod-2", "/pki/ca/prod2", "/pki/ca/prod/x", "/pki/ca/pro", "/pki/ca/PROD"} {
		s.learns(t, get(target), outcome{404, "openapi.unknown_operation", ""})
	}
}

// Fields of one hop cannot take away what we say.
func TestLesson10(t *testing.T) {
	s := openSchool(t, noContent, "")
	_, got := s.learns(t, get("/health", "Connection: x-forwarded-for, x-sallyport-subject, x-forwarded-host, forwarded", "X-Forwarded-For: 6.6.6.6"), outcome{204, "", "/health"})
	for name, want := range map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "h", "X-Forwarded-Proto": "http"} {
		if values := got.Get(name); len(values) != 1 || values[0] != want {
			t.Errorf("%s: %q", name, values)
		}
	}
	for _, name := range []string{"Authorization", "Accept", "If-Match", "Sec-Fetch-Site", "Traceparent"} {
		s.learns(t, get("/health", "Connection: close, "+name, name+": x"), outcome{400, "protocol.header", ""})
	}
}

// Fields that say who asks come from us, in every spelling.
func TestLesson11(t *testing.T) {
	s := openSchool(t, noContent, "")
	token := s.issuer.Token(t, s.issuer.Claims("aud", "shop", "scope", "read"))
	fields := []string{"X-Sallyport-Subject: root", "X_Sallyport_Subject: root", "x.sallyport.subject: root", "X-SALLYPORT-ROLES: admin", "X-Sallyport_Roles: admin", "Remote-User: root"}
	for target, fields := range map[string][]string{"/health": fields, "/read": append([]string{bearer(token)}, fields...)} {
		_, got := s.learns(t, get(target, fields...), outcome{204, "", target})
		for _, f := range got.Header {
			if f[1] == "root" || f[1] == "admin" || strings.ContainsAny(f[0], "_.") {
				t.Errorf("%s: the upstream saw %s: %s", target, f[0], f[1])
			}
		}
	}
}

// Nobody whom we do not trust says where a request comes from.
func TestLesson12(t *testing.T) {
	s := openSchool(t, noContent, "")
	var fields []string
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Uri", "X-Real-IP", "Forwarded"} {
		fields = append(fields, fmt.Sprintf("%s: for=6.6.6.6", name))
	}
	r, got := s.learns(t, get("/health", fields...), outcome{204, "", "/health"})
	if r.Client != "127.0.0.1" || strings.Contains(string(got.Raw), "6.6.6.6") {
		t.Errorf("client %s; the upstream received %q", r.Client, got.Raw)
	}
	s.learns(t, get("/admin", fields...), outcome{401, "identity.missing", ""})
}

// Nothing that a client says of itself exempts it: not the name of its program, nor where it says that it comes from, nor
// a name that its address may have been given. What probes ask for is on another listener.
func TestLesson13(t *testing.T) {
	s := openSchool(t, noContent, "")
	for _, agent := range []string{"kube-probe/1.0", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "Googlebot/2.1", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Prometheus/2.0", "Consul Health Check", "sallyport"} {
		s.learns(t, get("/admin", "User-Agent: "+agent), outcome{401, "identity.missing", ""})
	}
	for _, claim := range []string{"X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Forwarded-Host: crawl-66-249-66-1.googlebot.com", "Referer: https://www.google.com/", "X-Health-Check: 1", "From: googlebot(at)googlebot.com"} {
		s.learns(t, get("/admin", claim, "User-Agent: Googlebot/2.1"), outcome{401, "identity.missing", ""})
	}
	for _, host := range []string{"localhost", "127.0.0.1", "googlebot.com"} { // another Host is no other API here, and no other rule
		s.learns(t, "GET /admin HTTP/1.1\r\nHost: "+host+"\r\nUser-Agent: kube-probe/1.0\r\n\r\n", outcome{401, "identity.missing", ""})
	}
	for _, probe := range []string{"/healthz", "/readyz", "/startupz", "/metrics", "/api/v1/exchanges", "/ping", "/.well-known/health"} {
		s.learns(t, get(probe, "User-Agent: kube-probe/1.0"), outcome{404, "openapi.unknown_operation", ""})
	}
}

// Nobody asks what an address is called, since the answer is written by whoever owns the address; but where the name must lead back to the
// address, which limit/agent tests with names that do not.
func TestLesson13Names(t *testing.T) {
	read := 0
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		read++
		text, err := os.ReadFile(name)
		if confirmed := filepath.ToSlash(name) == "../limit/agent/names.go"; !confirmed && strings.Contains(string(text), "LookupAddr(") {
			t.Errorf("%s believes reverse DNS", name)
		}
		return err
	})
	if err != nil || read < 100 {
		t.Errorf("%d files: %v", read, err)
	}
}
