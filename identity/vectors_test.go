package identity

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// vectors is a Wycheproof file: groups of tests that share a key or a key set.
type vectors struct {
	NumberOfTests int `json:"numberOfTests"`
	TestGroups    []struct {
		Comment string          `json:"comment"`
		Private json.RawMessage `json:"private"`
		Public  json.RawMessage `json:"public"`
		Tests   []struct {
			ID      int             `json:"tcId"`
			Comment string          `json:"comment"`
			JWS     json.RawMessage `json:"jws"`
			Result  string          `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

func wycheproof(t *testing.T, name string) (v vectors) {
	t.Helper()
	f, err := os.Open(shared(t, "data/wycheproof-jose/wycheproof-jose.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			t.Fatalf("no %s in the archive", name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != name {
			continue
		}
		if err := json.NewDecoder(r).Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// strayed are the vectors that are marked valid and refused all the same, each with the reason.
var strayed = map[int]string{
	346: "the JWK says PS256, the token PS384: exactly one algorithm per key (RFC 8725bis)",
	350: "the JWK says PS256, the token PS384: exactly one algorithm per key (RFC 8725bis)",
	347: "the JWK says ES521, which is not a registered algorithm",
	351: "the JWK says ES521, which is not a registered algorithm",
}

// Wycheproof signs "foo", which is no JWT, so these vectors meet everything up to the signature.
func TestWycheproof(t *testing.T) {
	all := make([]algorithm, 0, algorithms)
	for a := rs256; a < algorithms; a++ {
		all = append(all, a)
	}
	for _, file := range []string{"json_web_signature_test.json", "json_web_key_test.json"} {
		counts := map[string]int{}
		ran := 0
		v := wycheproof(t, file)
		for _, g := range v.TestGroups {
			public := g.Public
			if public == nil {
				public = g.Private // a shared secret, or a set with one
			}
			if file == "json_web_signature_test.json" {
				public = fmt.Appendf(nil, `{"keys":[%s]}`, public)
			}
			shared := strings.Contains(string(public), `"oct"`)
			ring, setErr := parseKeySet(public, all)
			for _, test := range g.Tests {
				ran++
				var token string
				if json.Unmarshal(test.JWS, &token) != nil {
					token = string(test.JWS) // JSON serialization
				}
				f := fmt.Errorf("key set: %w", setErr)
				if setErr == nil {
					f = accept(ring, token)
				}
				reason, expectedToStray := strayed[test.ID]
				expectedToStray = expectedToStray && file == "json_web_signature_test.json"
				switch {
				case f == nil && test.Result == "valid":
					counts["valid, accepted"]++
				case f != nil && test.Result == "invalid":
					counts["invalid, refused"]++
				case f == nil:
					t.Errorf("%s %d %s: accepted", file, test.ID, test.Comment)
				case shared:
					counts["valid with a shared secret, refused"]++
				case expectedToStray:
					counts["valid, refused: "+reason]++
				default:
					t.Errorf("%s %d %s: refused: %v", file, test.ID, test.Comment, f)
				}
			}
		}
		if ran != v.NumberOfTests {
			t.Errorf("%s: %d of %d tests ran", file, ran, v.NumberOfTests)
		}
		var lines []string
		for what, n := range counts {
			lines = append(lines, fmt.Sprintf("%5d  %s", n, what))
		}
		slices.Sort(lines)
		t.Logf("%s: %d tests\n%s", file, ran, strings.Join(lines, "\n"))
	}
}

// The keys that Wycheproof calls weak are refused for their weakness, not for some other reason.
func TestWeakKeys(t *testing.T) {
	want := map[int]string{7: "CVE-2017-15361", 8: "RSA key of 1024 bits", 9: "bad e value", 19: "alg", 20: "alg", 21: "use", 22: "not a key", 23: "not a key", 24: "not a key"}
	for _, g := range wycheproof(t, "json_web_key_test.json").TestGroups {
		for _, test := range g.Tests {
			reason, listed := want[test.ID]
			if !listed {
				continue
			}
			delete(want, test.ID)
			if _, err := parseKeySet(g.Public, []algorithm{es256, es384, rs256}); err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("%d %s: %v, want %q", test.ID, test.Comment, err, reason)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not met: %v", want)
	}
}

// accept is what [jwt.signature] does with a ring that is known.
func accept(ring *keyRing, token string) error {
	c, f := parseCompact(token)
	if f != nil {
		return f
	}
	k, f := ring.find(&c.header)
	switch {
	case f != nil:
		return f
	case k == nil:
		return errors.New("unknown kid")
	case !k.verify(c.signed, c.signature):
		return errors.New("signature")
	}
	return nil
}

// The tokens of the shared workloads are accepted, their forged and expired kin refused.
func TestSharedTokens(t *testing.T) {
	p := mustNew(t, config.Identity{Name: "corp", JWT: &config.JWT{
		Issuer: "https://issuer.bench.local/", JWKS: "file:" + shared(t, "bench/jwks.json"), Audience: []string{"bench-api"},
	}})
	g := bearerGuard(t, p)
	for name, want := range map[string]string{
		"es256-1000": "", "rs256-1000": "", "eddsa-1000": "",
		"es256-expired": "identity.token_expired", "rs256-expired": "identity.token_expired", "eddsa-expired": "identity.token_expired",
		"es256-forged": "identity.token_signature", "rs256-forged": "identity.token_signature",
	} {
		n := 0
		for _, token := range lines(t, shared(t, "bench/tokens/"+name+".txt")) {
			e := withToken(token)
			v := verdict(t, g, e)
			if code(v) != want {
				t.Errorf("%s: %q, want %q: %s", name, code(v), want, v.Detail)
			}
			if want == "" && (e.Principal.Subject == "" || e.Principal.Tenant == "" || !e.Principal.HasScope("items:read")) {
				t.Errorf("%s: %+v", name, e.Principal)
			}
			if n++; n == 100 {
				break
			}
		}
		if n == 0 {
			t.Errorf("%s is empty", name)
		}
	}
}

func lines(t testing.TB, file string) (list []string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		if text := strings.TrimSpace(s.Text()); text != "" {
			list = append(list, text)
		}
	}
	return list
}
