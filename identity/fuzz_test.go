package identity

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/internal/testkit"
)

// FuzzJWT: no bytes make the verifier panic, whoever passes has a subject, and whatever it accepts go-jose accepts too.
func FuzzJWT(f *testing.F) {
	_, a := armed(f)
	c := corp(a.issuer, fileSet(f, a.issuer.Set()), "ES256", "RS256", "EdDSA", "ES384")
	g := bearerGuard(f, mustNew(f, c))
	a.canary = "127.0.0.1:1"
	for _, h := range corpus() {
		if token := h.token(a); len(token) < 10_000 {
			f.Add(token)
		}
	}
	for _, k := range []testkit.Key{a.es, a.rs, a.ed, a.p384} {
		f.Add(k.Sign(f, nil, a.issuer.Claims()))
	}
	keys := map[string]testkit.Key{"k1": a.es, "r1": a.rs, "e1": a.ed, "p1": a.p384}
	f.Fuzz(func(t *testing.T, token string) {
		e := ask()
		e.Request.Header["Authorization"] = []string{"Bearer " + token}
		v := verdict(t, g, e)
		if !v.Passed() {
			if v.Reason == nil || e.Principal != nil {
				t.Fatalf("%+v", v)
			}
			return
		}
		if e.Principal.Subject == "" || !e.Principal.Expires.Add(time.Hour).After(time.Now()) {
			t.Fatalf("%+v", e.Principal)
		}
		if err := oracle(token, keys); err != nil {
			t.Fatalf("go-jose does not accept it: %v", err)
		}
	})
}

// oracle verifies by an independent implementation.
func oracle(token string, keys map[string]testkit.Key) error {
	s, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA, jose.ES384})
	if err != nil {
		if strings.Contains(err.Error(), "x5c") || strings.Contains(err.Error(), "JWK") {
			return nil // it reads header members that we do not
		}
		return err
	}
	for _, k := range keys {
		if k.Algorithm == s.Signatures[0].Protected.Algorithm {
			if _, err := s.Verify(k.Private.Public()); err == nil {
				return nil
			}
		}
	}
	return errors.New("no key verifies it")
}

// FuzzKeySet: no bytes make the reader of key sets panic, and what it accepts is strong.
func FuzzKeySet(f *testing.F) {
	for _, a := range []string{"ES256", "ES384", "RS256", "EdDSA"} {
		f.Add([]byte(`{"keys":[` + string(must(testkit.NewKey(f, "k", a).Public().MarshalJSON())) + `]}`))
	}
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQ"},{"kty":"EC","crv":"P-256","x":"","y":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ring, err := parseKeySet(data, []algorithm{es256, es384, rs256, ps256, edDSA})
		if err != nil {
			return
		}
		for _, k := range ring.named {
			if _, err := strength(k.public); err != nil || k.alg == noAlgorithm {
				t.Fatalf("%v: %v", k, err)
			}
			k.verify("x.y", []byte("z"))
		}
	})
}

// FuzzAPIKey: only keys of the form and with the right checksum get as far as a look-up.
func FuzzAPIKey(f *testing.F) {
	key, _ := newKey()
	f.Add(key)
	f.Add(key[:len(key)-1])
	f.Add("sp_")
	f.Fuzz(func(t *testing.T, s string) {
		if hash, err := HashKey(s); err == nil {
			if _, err := parseHash(hash); err != nil || len(s) != keySize {
				t.Fatalf("%q: %v", s, err)
			}
		}
	})
}
