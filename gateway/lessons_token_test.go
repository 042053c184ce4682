package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

// What a token was good for once is asked anew for every operation.
func TestLesson14(t *testing.T) {
	s := openSchool(t, noContent, "")
	token := s.issuer.Token(t, s.issuer.Claims("aud", "shop", "scope", "read"))
	for range 2 { // the second time from the cache
		s.learns(t, get("/read", bearer(token)), outcome{204, "", "/read"})
		s.learns(t, get("/admin", bearer(token)), outcome{403, "policy.scope", ""})
	}
	other := testkit.NewIssuer(t) // same name, other keys
	s.learns(t, get("/read", bearer(other.Token(t, other.Claims("aud", "shop", "scope", "read")))), outcome{401, "identity.token", ""})
	s.learns(t, get("/read", bearer(s.issuer.Token(t, s.issuer.Claims("aud", "other", "scope", "read")))), outcome{401, "identity.token", ""})
}

// The algorithm belongs to the key.
func TestLesson15(t *testing.T) {
	s := openSchool(t, noContent, "")
	payload := encoded(t, s.issuer.Claims("aud", "shop", "scope", "read"))
	unsigned := func(alg string) string {
		return testkit.Encode([]byte(`{"alg":"`+alg+`","typ":"at+jwt","kid":"k2"}`)) + "." + payload
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(s.issuer.Set(), &set); err != nil {
		t.Fatal(err)
	}
	public := testkit.NewKey(t, "k2", "RS256").Private.Public()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), set.Keys[1]} {
		m := unsigned("HS256")
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(m))
		s.learns(t, get("/read", bearer(m+"."+testkit.Encode(mac.Sum(nil)))), outcome{401, "identity.token", ""})
	}
	for _, token := range []string{unsigned("none") + ".", unsigned("nOnE") + ".", unsigned("ES256") + "." + testkit.Encode(make([]byte, 64)), unsigned("RS256") + "." + testkit.Encode(make([]byte, 256))} {
		s.learns(t, get("/read", bearer(token)), outcome{401, "identity.token", ""})
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
	if calls.Load() > 0 {
		t.Errorf("the canary was asked %d times", calls.Load())
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
	whole, err := os.ReadFile("sallyport.yaml") // newGate has changed into its folder
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"no key set":     {"jwks.json", "gone.json"},
		"no spec":        {"openapi.yaml", "gone.yaml"},
		"no rules":       {"modes: { inspect: off }", "inspect: { rules: gone }"},
		"misspelt":       {"refusals:", "refusalz:"},
		"no such scheme": {"corp: corp", "corp: nobody"},
		"no CA":          {"upstream: ", "upstream: { ca: gone.pem, targets: [\"https://127.0.0.1:1\"] } #"},
	} {
		text := strings.Replace(string(whole), change[0], change[1], 1)
		if text == string(whole) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if err := os.WriteFile("next.yaml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, src, problems := config.Load("next.yaml")
		if !problems.Failed() {
			var next *Snapshot
			if next, problems = Build(c, src, s.parts); next != nil {
				t.Errorf("%s: it would be served", name)
			}
		}
		if !problems.Failed() {
			t.Errorf("%s: no problem is told: %v", name, problems)
		}
		s.learns(t, get("/admin"), outcome{401, "identity.missing", ""})
	}
}
