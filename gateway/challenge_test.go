package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/challenge"
)

const oneOperation = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"servers":[{"url":"/v1"}],"paths":{"/x":{"get":{"security":[],"responses":{"200":{"description":"ok"}}}}}}`

// The endpoint is below the base path, gives and takes whatever the spec says, and asks nothing of the upstream.
func TestChallenge(t *testing.T) {
	var asked atomic.Int64
	g := serve(t, oneOperation, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }), "    challenge: { difficulty: 8 }")
	at := g.url + "/v1" + challenge.Path
	send := func(method, url, body string) (int, http.Header, string) {
		t.Helper()
		r, _ := http.NewRequest(method, url, strings.NewReader(body))
		if body == "" {
			r.Body = http.NoBody
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, resp.Header, string(text)
	}
	status, header, text := send("GET", at, "")
	var given struct {
		Challenge, Algorithm string
		Difficulty           int
	}
	if err := json.Unmarshal([]byte(text), &given); err != nil || status != 200 || given.Algorithm != "sha-256" || given.Difficulty != 8 || header.Get("Cache-Control") != "no-store" || header.Get("X-Request-Id") == "" {
		t.Fatal(status, header, text, err)
	}
	if r := g.record(t); r.API != "shop" || r.Operation != "" || r.Status != 200 || r.Refused {
		t.Errorf("%+v", r)
	}
	number := 0
	for sha256.Sum256([]byte(given.Challenge + "." + fmt.Sprint(number)))[0] != 0 {
		number++
	}
	answer := fmt.Sprintf(`{"challenge":%q,"answer":"%d"}`, given.Challenge, number)
	status, header, text = send("POST", at, answer)
	var got struct{ Token string }
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 || len(got.Token) != 54 || !strings.HasPrefix(header.Get("Set-Cookie"), challenge.Cookie+"="+got.Token+"; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Strict") {
		t.Fatal(status, header, text)
	}
	g.record(t)
	r, _ := http.NewRequest("GET", at, nil)
	r.Header.Set(challenge.Field, got.Token)
	k := g.current.Load().apis[0].challenge
	if e := (&exchange.Exchange{Request: r}); k.Solved(e) {
		t.Error("nobody's address has solved it")
	}
	for _, c := range []struct {
		method, url, body string
		status            int
		code, challenge   string
	}{
		{"POST", at, answer, 403, "limit.challenge", "/v1" + challenge.Path}, // again
		{"POST", at, "", 403, "limit.challenge", "/v1" + challenge.Path}, {"POST", at, "[]", 403, "limit.challenge", "/v1" + challenge.Path},
		{"POST", at, strings.Repeat(" ", 600), 413, "content.too_large", ""},
		{"PUT", at, "", 405, "openapi.method", ""}, {"POST", at + ".js", "", 405, "openapi.method", ""},
		{"GET", at + "/", "", 404, "openapi.unknown_operation", ""}, {"GET", g.url + challenge.Path, "", 404, "openapi.unknown_operation", ""},
	} {
		status, header, text := send(c.method, c.url, c.body)
		var p struct{ Code, Challenge string }
		_ = json.Unmarshal([]byte(text), &p)
		if status != c.status || p.Code != c.code || p.Challenge != c.challenge || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s %.20s: %d %s", c.method, c.url, c.body, status, text)
		}
		g.record(t)
	}
	status, header, text = send("GET", at+".js", "")
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/javascript") || !strings.Contains(text, "sallyport = { solve }") {
		t.Error(status, header)
	}
	if g.record(t); asked.Load() != 0 {
		t.Error("the upstream was asked")
	}
}

// Who is asked for a proof of work finds the endpoint open, gets in with what it got there, and nobody else does.
func TestChallengeLetsIn(t *testing.T) {
	g := serve(t, oneOperation, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "    challenge: { difficulty: 8 }\n    bots: { suspected: challenge }")
	get := func(path, token string) int {
		t.Helper()
		r, _ := http.NewRequest("GET", g.url+path, nil)
		if token != "" {
			r.Header.Set(challenge.Field, token)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if status := get("/v1/x", ""); status != 403 || g.record(t).Code != "limit.challenge" {
		t.Errorf("%d without a token", status)
	}
	if status := get("/v1/x", "made up"); status != 403 || g.record(t).Code != "limit.challenge" {
		t.Errorf("%d with a token made up", status)
	}
	token := solved(t, g.url+"/v1"+challenge.Path)
	<-g.records // asking for it
	g.record(t) // answering it
	if status := get("/v1/x", token); status != 200 {
		t.Errorf("%d with a token: %+v", status, g.record(t))
	}
	g.record(t)
	if status := get("/v1/x"+challenge.Path, ""); status != 403 || g.record(t).Code != "limit.challenge" {
		t.Errorf("%d: what looks like the endpoint is one", status)
	}
}

// solved works for a token, as a program does.
func solved(t testing.TB, at string) string {
	t.Helper()
	resp, err := http.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var given struct{ Challenge string }
	if err := json.NewDecoder(resp.Body).Decode(&given); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp.Status, err)
	}
	number := 0
	for sha256.Sum256([]byte(given.Challenge + "." + fmt.Sprint(number)))[0] != 0 {
		number++
	}
	answer, err := http.Post(at, "application/json", strings.NewReader(fmt.Sprintf(`{"challenge":%q,"answer":"%d"}`, given.Challenge, number)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var got struct{ Token string }
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || answer.StatusCode != 200 {
		t.Fatal(answer.Status, err)
	}
	return got.Token
}

// An API without challenges has no endpoint, and its refusals name none.
func TestNoChallenge(t *testing.T) {
	g := serve(t, oneOperation, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "")
	resp, err := http.Get(g.url + "/v1" + challenge.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 404 {
		t.Error(resp.Status)
	}
	x := &serving{api: g.current.Load().apis[0]}
	if p := x.endpoint(exchange.Refuse(exchange.ChallengeUnsolved, "").WithChallenge()); p != "" {
		t.Error(p)
	}
}

// Admission comes first: who is on a list gets no challenge.
func TestChallengeIsBehindTheDoor(t *testing.T) {
	list := writeFile(t, "list.txt", "127.0.0.1 # test\n")
	g := newGate(t, oneOperation, "http://127.0.0.1:1", "    challenge: {}", `abuse: { lists: [ { name: l, file: "`+list+`" } ] }`).open(t)
	g.parts.Limiter.UseLists(g.current.Load().Lists())
	resp, err := http.Get(g.url + "/v1" + challenge.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 403 || g.record(t).Code != "limit.listed" {
		t.Error(resp.Status)
	}
}
