package gateway

import (
	"bytes"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

// What a token was good for once is asked anew for every operation, of the one whom the operation believes. A token that was
// good a moment ago, and is in the cache, opens nothing that belongs to another issuer, audience or scope.
func TestLesson14(t *testing.T) {
	s, other := &school{upstream: testkit.NewUpstream(t, noContent), issuer: testkit.NewIssuer(t)}, testkit.NewIssuer(t)
	jwt := `{ name: %s, jwt: { issuer: %q, jwks: "file:%s", audience: [%s], algorithms: [ES256] } }`
	believed := fmt.Sprintf("identity: [ "+jwt+", "+jwt+", "+jwt+" ]",
		"corp", s.issuer.Name, writeFile(t, "jwks.json", string(s.issuer.Set())), "shop",
		"second", s.issuer.Name, writeFile(t, "jwks.json", string(other.Set())), "shop", // the same name, other keys
		"third", s.issuer.Name, writeFile(t, "jwks.json", string(s.issuer.Set())), "elsewhere") // the same issuer, another audience
	spec := lessonSpec[:strings.Index(lessonSpec, "  /health")] + strings.ReplaceAll(lessonSpec[strings.Index(lessonSpec, "  /admin"):], "*none", `{ "204": { description: none } }`)
	s.gate = newGate(t, spec, s.upstream.URL, "    security: { corp: corp, second: second, third: third }\n    refusals: { limit: 0 }\n    modes: { inspect: off }\n", believed).open(t)
	read := func(i *testkit.Issuer, audience string) string {
		return bearer(i.Token(t, i.Claims("aud", audience, "scope", "read")))
	}
	for route, right := range map[string]string{"/read": read(s.issuer, "shop"), "/second": read(other, "shop"), "/third": read(s.issuer, "elsewhere")} {
		for range 2 { // the second time from the cache
			s.learns(t, get(route, right), outcome{204, "", route})
			for _, wrong := range []string{"/read", "/second", "/third"} {
				if wrong != route {
					s.learns(t, get(wrong, right), outcome{401, "identity.token", ""})
				}
			}
			if route == "/read" {
				s.learns(t, get("/admin", right), outcome{403, "policy.scope", ""})
			}
		}
	}
	s.learns(t, get("/read", bearer(other.Token(t, other.Claims("aud", "shop", "scope", "read")))), outcome{401, "identity.token", ""})
}

// The algorithm belongs to the key.
func TestLesson15(t *testing.T) {
	s := openSchool(t, noContent, "")
	claims := s.issuer.Claims("aud", "shop", "scope", "read")
	s.learns(t, get("/read", bearer(s.keys[1].Sign(t, map[string]any{"kid": "k2", "typ": "at+jwt"}, claims))), outcome{204, "", "/read"}) // RS256
	payload := encoded(t, claims)
	unsigned := func(alg, kid string) string {
		return testkit.Encode([]byte(`{"alg":"`+alg+`","typ":"at+jwt","kid":"`+kid+`"}`)) + "." + payload
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(s.issuer.Set(), &set); err != nil {
		t.Fatal(err)
	}
	public := s.keys[1].Private.Public().(*rsa.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	old := x509.MarshalPKCS1PublicKey(public)
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for name, secret := range map[string][]byte{"DER": der, "PKCS #1": old, "PEM": block("PUBLIC KEY", der), "PEM of PKCS #1": block("RSA PUBLIC KEY", old),
		"PEM without its last line break": bytes.TrimSpace(block("PUBLIC KEY", der)), "JWK": set.Keys[1], "modulus": public.N.Bytes(), "nothing": nil} {
		for alg, h := range map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New} {
			m := unsigned(alg, "k2")
			mac := hmac.New(h, secret)
			mac.Write([]byte(m))
			if r, _ := s.learns(t, get("/read", bearer(m+"."+testkit.Encode(mac.Sum(nil)))), outcome{401, "identity.token", ""}); t.Failed() {
				t.Fatalf("%s by %s: %+v", alg, name, r)
			}
		}
	}
	zeros := func(n int) string { return "." + testkit.Encode(make([]byte, n)) }
	for _, token := range []string{unsigned("none", "k2") + ".", unsigned("nOnE", "k2") + ".", unsigned("NONE", "") + ".", unsigned("", "k2") + ".", unsigned("ES256", "k1") + zeros(64),
		unsigned("ES256", "k1") + "." + testkit.Encode([]byte{0x30, 6, 2, 1, 0, 2, 1, 0}), unsigned("RS256", "k2") + zeros(256),
		unsigned("ES256", "k2") + zeros(64), unsigned("RS256", "k1") + zeros(256), unsigned("PS256", "k2") + zeros(256)} {
		s.learns(t, get("/read", bearer(token)), outcome{401, "identity.token", ""})
	}
	// One key, one algorithm: what the right key has signed in another way is not its word.
	otherwise := s.keys[1]
	otherwise.Algorithm = "PS256"
	s.learns(t, get("/read", bearer(otherwise.Sign(t, map[string]any{"typ": "at+jwt"}, claims))), outcome{401, "identity.token", ""})
	s.learns(t, get("/read", bearer(s.keys[1].Sign(t, map[string]any{"alg": "PS256", "typ": "at+jwt"}, claims))), outcome{401, "identity.token", ""})
	for name, change := range map[string][2]string{"HS256 beside a key set": {"[ES256, RS256, PS256]", "[ES256, HS256]"}, "none": {"[ES256, RS256, PS256]", "[none]"}} {
		s.begins(t, name, change, false)
	}
}

func encoded(t *testing.T, v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return testkit.Encode(data)
}

// A token brings no key, and says of none where it is.
func TestLesson16(t *testing.T) {
	s := openSchool(t, noContent, "")
	canary, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer canary.Close()
	var calls atomic.Int64
	go func() {
		for {
			c, err := canary.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			c.Close()
		}
	}()
	mine := testkit.NewKey(t, "mine", "ES256")
	claims := s.issuer.Claims("aud", "shop", "scope", "read")
	url := "http://" + canary.Addr().String() + "/jwks.json"
	for _, header := range []map[string]any{
		{"jku": url, "kid": "mine"}, {"x5u": url}, {"jwk": mine.Public()}, {"x5c": []string{"MIIB"}}, {"kid": "../../dev/null"}, {"kid": "k1"}, {"kid": "' or 1=1"},
	} {
		header["typ"] = "at+jwt"
		s.learns(t, get("/read", bearer(mine.Sign(t, header, claims))), outcome{401, "identity.token", ""})
	}
	s.learns(t, get("/read", bearer(s.issuer.Token(t, claims))), outcome{204, "", "/read"})
	for _, kid := range []string{"k9", "k2"} { // signed by a key of the set, under the name of none, and of another
		s.learns(t, get("/read", bearer(s.keys[0].Sign(t, map[string]any{"kid": kid, "typ": "at+jwt"}, claims))), outcome{401, "identity.token", ""})
	}
	// Where the key set is comes from the config alone: https, no redirects, no private address, whatever the name says.
	for name, where := range map[string]string{"plain": url, "a file of the token's choice": "data:{}", "credentials": "https://u:p@issuer.test/"} {
		s.begins(t, name, [2]string{`"file:` + s.jwks + `"`, fmt.Sprintf("%q", where)}, false)
	}
	for _, private := range []string{strings.Replace(url, "http:", "https:", 1), "https://169.254.169.254/latest/meta-data"} {
		s.blind(t, fmt.Sprintf("jwks: %q", private))
	}
	s.issuer.Answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, http.StatusFound) })
	s.blind(t, fmt.Sprintf("allow_private: true, jwks: %q", s.issuer.URL))
	if s.issuer.Fetches.Load() == 0 {
		t.Error("nobody asked for the key set")
	}
	if calls.Load() > 0 {
		t.Errorf("the canary was asked %d times", calls.Load())
	}
}

// blind opens a gateway whose key set is somewhere where it must not be fetched from: no token is good there.
func (s *school) blind(t *testing.T, where string) {
	t.Helper()
	blind := &school{upstream: s.upstream, issuer: s.issuer}
	blind.gate = newGate(t, lessonSpec, s.upstream.URL, "    security: { corp: corp, second: corp, third: corp }\n    refusals: { limit: 0 }\n    modes: { inspect: off }\n",
		fmt.Sprintf("identity: [ { name: corp, jwt: { issuer: %q, %s, audience: [shop], algorithms: [ES256] } } ]", s.issuer.Name, where)).open(t)
	blind.learns(t, get("/read", bearer(s.issuer.Token(t, s.issuer.Claims("scope", "read")))), outcome{503, "identity.keys_unavailable", ""})
}

// begins changes the config and tells whether a gateway would begin, or a running one take it.
func (s *school) begins(t *testing.T, name string, change [2]string, want bool) {
	t.Helper()
	text := strings.Replace(s.config, change[0], change[1], 1)
	if text == s.config {
		t.Fatalf("%s: nothing was changed in %s", name, s.config)
	}
	if err := os.WriteFile("next.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, src, problems := config.Load("next.yaml")
	var next *Snapshot
	if !problems.Failed() {
		next, problems = Build(c, src, s.parts)
	}
	if (next != nil) != want || problems.Failed() == want {
		t.Errorf("%s: begins is %v: %v", name, next != nil, problems)
	}
}

// What is no token costs nothing.
func TestLesson17(t *testing.T) {
	s := openSchool(t, noContent, "")
	bomb := testkit.Encode([]byte(`{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":2147483648,"p2s":"AAAA","zip":"DEF"}`))
	for _, token := range []string{strings.Repeat(".", 20<<10), strings.Repeat("a.", 8<<10), bomb + ".a.a.a.a", bomb + ".a.a", "a..", "..", strings.Repeat("e", 9<<10) + ".e30.e30"} {
		s.learns(t, get("/read", bearer(token)), outcome{401, "identity.token", ""})
	}
}

// What security is made of is there, or nothing begins; and what enforced goes on enforcing.
func TestLesson18(t *testing.T) {
	s := openSchool(t, noContent, "")
	for name, change := range map[string][2]string{
		"no key set":     {"jwks.json", "gone.json"},
		"no spec":        {"openapi.yaml", "gone.yaml"},
		"no rules":       {"modes: { inspect: off }", "inspect: { rules: gone }"},
		"misspelt":       {"refusals:", "refusalz:"},
		"no such scheme": {"corp: corp", "corp: nobody"},
		"no CA":          {"upstream: ", "upstream: { ca: gone.pem, targets: [\"https://127.0.0.1:1\"] } #"},
	} {
		s.begins(t, name, change, false)
		s.learns(t, get("/admin"), outcome{401, "identity.missing", ""})
	}
}
