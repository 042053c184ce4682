package signature

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// jwk is a key as a directory has it, and its thumbprint.
func jwk(t testing.TB, seed byte) (text, id string) {
	t.Helper()
	public := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), 32))).Public()
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":%q,"use":"sig","kid":"whatever"`, base64.RawURLEncoding.EncodeToString(public.(ed25519.PublicKey))), base64.RawURLEncoding.EncodeToString(sum)
}

func TestDirectory(t *testing.T) {
	a, aid := jwk(t, 0)
	b, bid := jwk(t, 1)
	d, err := ParseDirectory([]byte(`{"keys":[` + a + `},` + b + `,"nbf":100,"exp":200}, {"kty":"oct","k":"AAAA"}, {"kty":"future"}, {"use":"enc"}, 7],"more":1}`))
	if err != nil || d.Len() != 2 || len(d.Unusable) != 4 {
		t.Fatal(d, err)
	}
	for _, c := range []struct {
		id   string
		at   int64
		want bool
	}{{aid, 50, true}, {bid, 99, false}, {bid, 100, true}, {bid, 199, true}, {bid, 200, false}, {"whatever", 150, false}, {"", 150, false}} {
		if got := d.Key(c.id, time.Unix(c.at, 0)); (got != nil) != c.want {
			t.Errorf("%s at %d: %v", c.id, c.at, got)
		}
	}
	if d, err := ParseDirectory([]byte(`{"keys":[]}`)); err != nil || d.Len() != 0 {
		t.Error("keys cannot be taken back", err)
	}
}

func TestWhatIsNoDirectory(t *testing.T) {
	a, _ := jwk(t, 0)
	for _, text := range []string{"", "[]", "{}", "null", `{"keys":null}`, `{"keys":{}}`, `{"keys":[],"keys":[]}`, "<html>", `{"keys":[` + strings.Repeat(a+"},", 65) + a + `}]}`,
		`{"keys":[],"x":"` + strings.Repeat("x", MaxDirectory) + `"}`} {
		if d, err := ParseDirectory([]byte(text)); err == nil {
			t.Errorf("%.60s: %+v", text, d)
		}
	}
}

// The draft's own directory has the key of RFC 9421, of which everybody has the private half.
func TestKeysOfTheRFCAreNobodys(t *testing.T) {
	for _, pem := range []string{ed, rsaPSS, p256} {
		text, err := (&jose.JSONWebKey{Key: key(t, pem)}).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if d, err := ParseDirectory([]byte(`{"keys":[` + string(text) + `]}`)); err != nil || d.Len() != 0 || !strings.Contains(d.Unusable[0], "RFC 9421") {
			t.Error(d, err)
		}
	}
}

func TestAgent(t *testing.T) {
	for _, c := range []struct{ name, covered, field, want string }{
		{"member", `"signature-agent";key="agent2"`, `agent2="https://signature-agent.test"`, "https://signature-agent.test"},
		{"label first", `"signature-agent";key="x" "signature-agent";key="sig"`, `x="https://x.test", sig="https://SIG.test:443/"`, "https://sig.test"},
		{"type", `"signature-agent";key="a"`, `a="https://a.test:8443";type=directory;more`, "https://a.test:8443"},
		{"legacy", `"signature-agent"`, `"https://signature-agent.test"`, "https://signature-agent.test"},
		{"other type", `"signature-agent";key="a"`, `a="https://a.test/x.json";type=jwks_uri`, ""},
		{"type as a string", `"signature-agent";key="a"`, `a="https://a.test";type="directory"`, ""},
		{"not covered", `"@authority"`, `sig="https://a.test"`, ""},
		{"two of others", `"signature-agent";key="x" "signature-agent";key="y"`, `x="https://x.test", y="https://y.test"`, ""},
		{"no such member", `"signature-agent";key="x"`, `y="https://y.test"`, ""},
		{"dictionary as a whole", `"signature-agent"`, `sig="https://a.test"`, ""},
		{"two strings", `"signature-agent"`, `"https://a.test", "https://b.test"`, ""},
		{"string and member", `"signature-agent"`, `"https://a.test", sig="https://b.test"`, ""},
		{"no field", `"signature-agent";key="x"`, "", ""}, {"no legacy field", `"signature-agent"`, "", ""},
		{"token", `"signature-agent";key="x"`, "x=abc", ""}, {"list", `"signature-agent";key="x"`, `x=("https://a.test")`, ""}, {"true", `"signature-agent";key="x"`, "x", ""},
		{"http", `"signature-agent";key="x"`, `x="http://a.test"`, ""}, {"data", `"signature-agent";key="x"`, `x="data:application/json,{}"`, ""},
		{"path", `"signature-agent";key="x"`, `x="https://a.test/keys"`, ""}, {"user", `"signature-agent";key="x"`, `x="https://b@a.test"`, ""}, {"query", `"signature-agent";key="x"`, `x="https://a.test?"`, ""},
	} {
		m := message("sig=("+c.covered+")", "sig=:AAAA:")
		if c.field != "" {
			m.Header["Signature-Agent"] = []string{c.field}
		}
		got, err := one(t, m).Agent(m.Header)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q %v", c.name, got, err)
		}
	}
}

func FuzzDirectory(f *testing.F) {
	a, _ := jwk(f, 0)
	f.Add([]byte(`{"keys":[` + a + `,"nbf":1e300,"exp":-1}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"","y":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseDirectory(data)
		if err != nil {
			return
		}
		for id := range d.keys {
			if algorithmOf(d.keys[id].public) == "" {
				t.Fatalf("%s verifies nothing", id)
			}
			_ = d.Key(id, time.Now())
		}
	})
}

func FuzzAgent(f *testing.F) {
	f.Add(`sig="https://a.test";type=directory, x="https://b.test"`, `"signature-agent";key="sig"`)
	f.Add(`"https://a.test"`, `"signature-agent"`)
	f.Fuzz(func(t *testing.T, field, covered string) {
		h := http.Header{"Signature-Agent": {field}, "Signature-Input": {"sig=(" + covered + ")"}, "Signature": {"sig=:AAAA:"}}
		list, err := Parse(h)
		if err != nil {
			return
		}
		for _, s := range list {
			if of, err := s.Agent(h); err == nil {
				if again, err := Origin(of); err != nil || again != of {
					t.Fatalf("%q is %q, and that %q: %v", field, of, again, err)
				}
			}
		}
	})
}
