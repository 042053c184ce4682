package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
)

// Reason codes, short.
const (
	malformed = "identity.token_malformed"
	badAlg    = "identity.token_algorithm"
	badKey    = "identity.token_key"
	badSig    = "identity.token_signature"
	expired   = "identity.token_expired"
	notYet    = "identity.token_not_yet"
	badIss    = "identity.token_issuer"
	badAud    = "identity.token_audience"
	badType   = "identity.token_type"
	badClaims = "identity.token_claims"
)

// arms are what an attacker has: public keys, tokens of others, and what the keys of the issuer sign by mistake.
type arms struct {
	t      testing.TB
	issuer *testkit.Issuer
	es     testkit.Key // k1, ES256
	rs     testkit.Key // r1, RS256
	ed     testkit.Key // e1, EdDSA
	p384   testkit.Key // p1, ES384
	own    testkit.Key // the attacker's, with kid k1
	canary string      // host:port that nobody may call
}

type hostile struct {
	name, want string
	token      func(a *arms) string
}

// claim signs good claims with changes by the right key: only the claims are wrong.
func claim(name, want string, pairs ...any) hostile {
	return hostile{name, want, func(a *arms) string { return a.issuer.Token(a.t, a.issuer.Claims(pairs...)) }}
}

// head signs good claims under a changed header by the right key: only the header is wrong.
func head(name, want string, header map[string]any) hostile {
	return hostile{name, want, func(a *arms) string { return a.es.Sign(a.t, header, a.issuer.Claims()) }}
}

// raw signs bytes as payload by the right key; %s stands for the members of good claims.
func raw(name, want, payload string) hostile {
	return hostile{name, want, func(a *arms) string {
		good, _ := json.Marshal(a.issuer.Claims())
		text := strings.ReplaceAll(payload, "%s", string(good[1:len(good)-1]))
		return a.es.SignRaw(a.t, []byte(`{"alg":"ES256","kid":"k1","typ":"at+jwt"}`), []byte(text))
	}}
}

// rawHead likewise for the header.
func rawHead(name, want, header string) hostile {
	return hostile{name, want, func(a *arms) string {
		good, _ := json.Marshal(a.issuer.Claims())
		return a.es.SignRaw(a.t, []byte(header), good)
	}}
}

// bent is a good token, changed after it was signed.
func bent(name, want string, change func(a *arms, header, payload, signature string) string) hostile {
	return hostile{name, want, func(a *arms) string {
		p := strings.Split(a.issuer.Token(a.t, a.issuer.Claims()), ".")
		return change(a, p[0], p[1], p[2])
	}}
}

// unsigned has any header and signature under good claims.
func unsigned(name, want, header, signature string) hostile {
	return hostile{name, want, func(a *arms) string {
		good, _ := json.Marshal(a.issuer.Claims())
		return testkit.Encode([]byte(header)) + "." + testkit.Encode(good) + "." + signature
	}}
}

// hmacWith signs with a shared secret that everybody knows: the issuer's public key in some form.
func hmacWith(name string, secret func(a *arms) []byte) hostile {
	return hostile{name, badAlg, func(a *arms) string {
		good, _ := json.Marshal(a.issuer.Claims())
		text := testkit.Encode([]byte(`{"alg":"HS256","kid":"r1","typ":"at+jwt"}`)) + "." + testkit.Encode(good)
		m := hmac.New(sha256.New, secret(a))
		m.Write([]byte(text))
		return text + "." + testkit.Encode(m.Sum(nil))
	}}
}

func (a *arms) modulus() *rsa.PublicKey { return a.rs.Private.Public().(*rsa.PublicKey) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func corpus() []hostile {
	return slices.Concat(hostileForms(), hostileAlgorithms(), hostileSignatures(), hostileHeaders(), hostileClaims())
}

func hostileForms() []hostile {
	return []hostile{
		{"empty", malformed, func(*arms) string { return "" }},
		{"no dots", malformed, func(*arms) string { return "abc" }},
		{"dots only", malformed, func(*arms) string { return ".." }},
		{"a megabyte of dots", malformed, func(*arms) string { return strings.Repeat(".", 1<<20) }},
		{"8 KiB of dots", malformed, func(*arms) string { return strings.Repeat(".", 8<<10) }},
		bent("truncated", malformed, func(_ *arms, h, p, s string) string { return h + "." + p }),
		bent("no header", malformed, func(_ *arms, h, p, s string) string { return "." + p + "." + s }),
		bent("extra dot", malformed, func(_ *arms, h, p, s string) string { return h + "." + p + "." + s + "." }),
		bent("extra part", malformed, func(_ *arms, h, p, s string) string { return h + "." + p + "." + s + ".AAAA" }),
		bent("padding", malformed, func(_ *arms, h, p, s string) string { return h + "." + p + "." + s + "==" }),
		bent("leading space", malformed, func(_ *arms, h, p, s string) string { return " " + h + "." + p + "." + s }),
		bent("trailing space", malformed, func(_ *arms, h, p, s string) string { return h + "." + p + "." + s + " " }),
		bent("tab inside", malformed, func(_ *arms, h, p, s string) string { return h + ".\t" + p + "." + s }),
		bent("line break inside", malformed, func(_ *arms, h, p, s string) string { return h + "." + p + ".\n" + s }),
		bent("NUL inside", malformed, func(_ *arms, h, p, s string) string { return h + "." + p + "." + s + "\x00" }),
		bent("standard alphabet", malformed, func(_ *arms, h, p, s string) string { return h + "." + p + "." + s[:80] + "+/" + s[82:] }),
		bent("percent-encoded dot", malformed, func(_ *arms, h, p, s string) string { return h + "%2e" + p + "." + s }),
		bent("unused bits of the signature", malformed, func(_ *arms, h, p, s string) string {
			return h + "." + p + "." + s[:85] + string(nextLetter(s[85]))
		}),
		bent("two tokens", malformed, func(_ *arms, h, p, s string) string { t := h + "." + p + "." + s; return t + ", " + t }),
		bent("scheme twice", malformed, func(_ *arms, h, p, s string) string { return "Bearer " + h + "." + p + "." + s }),
		bent("JSON serialization", malformed, func(_ *arms, h, p, s string) string {
			return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, h, p, s)
		}),
		{"JWE of five parts", malformed, func(a *arms) string { return jwe(a, []byte(`{"sub":"u1"}`), "") }},
		{"JWE that inflates a thousandfold", malformed, func(a *arms) string {
			return jwe(a, bytes.Repeat([]byte(" "), 1<<20), jose.DEFLATE)
		}},
		unsigned("PBES2 with 2^31 rounds", badAlg, `{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483648,"p2s":"AAAA"}`, "AAAA"),
		{"larger than 8 KiB, well signed", malformed, func(a *arms) string {
			return a.issuer.Token(a.t, a.issuer.Claims("pad", strings.Repeat("x", 8<<10)))
		}},
		{"nested token", badIss, func(a *arms) string { // cty JWT: the payload is a token, not claims
			return a.es.SignRaw(a.t, []byte(`{"alg":"ES256","kid":"k1","typ":"at+jwt","cty":"JWT"}`), []byte(`{"jwt":"`+a.issuer.Token(a.t, a.issuer.Claims())+`"}`))
		}},
		raw("payload is an array", malformed, `[{%s}]`),
		raw("payload is empty", malformed, ``),
		raw("payload is null", malformed, `null`),
		raw("two objects", malformed, `{%s}{%s}`),
		raw("trailing rubbish", malformed, `{%s}x`),
		raw("comment", malformed, `{/* */%s}`),
		raw("byte order mark", malformed, "\xef\xbb\xbf{%s}"),
		raw("invalid UTF-8", malformed, "{%s,\"x\":\"\xff\"}"),
		raw("lone surrogate", malformed, `{%s,"x":"\ud800"}`),
		raw("NaN", malformed, `{%s,"x":NaN}`),
		raw("deep nesting", malformed, `{%s,"x":`+strings.Repeat("[", 2000)+strings.Repeat("]", 2000)+`}`),
		raw("duplicate claim", malformed, `{%s,"sub":"admin"}`),
		raw("duplicate claim, escaped", malformed, `{%s,"\u0073ub":"admin"}`),
		raw("duplicate claim, nested", malformed, `{%s,"realm_access":{"roles":["a"],"roles":["admin"]}}`),
	}
}

// nextLetter changes a bit that the last character of a 64-byte signature does not use.
func nextLetter(c byte) byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return letters[strings.IndexByte(letters, c)+1]
}

func jwe(a *arms, payload []byte, zip jose.CompressionAlgorithm) string {
	e := must(jose.NewEncrypter(jose.A128GCM, jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: a.modulus()}, &jose.EncrypterOptions{Compression: zip}))
	return must(must(e.Encrypt(payload)).CompactSerialize())
}

func hostileAlgorithms() []hostile {
	list := []hostile{
		hmacWith("HS256 with the RSA key as PEM", func(a *arms) []byte {
			return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(a.modulus()))})
		}),
		hmacWith("HS256 with the RSA key as PKCS #1 PEM", func(a *arms) []byte {
			return pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(a.modulus())})
		}),
		hmacWith("HS256 with the RSA key as DER", func(a *arms) []byte { return must(x509.MarshalPKIXPublicKey(a.modulus())) }),
		hmacWith("HS256 with the RSA key as JWK", func(a *arms) []byte { return must(a.rs.Public().MarshalJSON()) }),
		hmacWith("HS256 with the modulus", func(a *arms) []byte { return a.modulus().N.Bytes() }),
		hmacWith("HS256 with the modulus in base64url", func(a *arms) []byte { return []byte(testkit.Encode(a.modulus().N.Bytes())) }),
		hmacWith("HS256 with an empty secret", func(*arms) []byte { return nil }),
		unsigned("HS384", badAlg, `{"alg":"HS384","kid":"r1"}`, testkit.Encode(make([]byte, sha512.Size384))),
		unsigned("no alg", badAlg, `{"kid":"k1"}`, "AAAA"),
		unsigned("empty alg", badAlg, `{"alg":"","kid":"k1"}`, "AAAA"),
		unsigned("alg is null", malformed, `{"alg":null,"kid":"k1"}`, "AAAA"),
		unsigned("alg is a list", malformed, `{"alg":["ES256"],"kid":"k1"}`, "AAAA"),
		unsigned("alg is a number", malformed, `{"alg":0,"kid":"k1"}`, "AAAA"),
		head("alg in lower case", badAlg, map[string]any{"alg": "es256"}),
		head("alg with a space", badAlg, map[string]any{"alg": "ES256 "}),
		head("alg with a confusable letter", badAlg, map[string]any{"alg": "ЕS256"}), // Cyrillic
		head("alg of another key kind", badAlg, map[string]any{"alg": "RS256"}),
		head("alg that is not allowed", badAlg, map[string]any{"alg": "ES512"}),
		{"PS256 with a key for RS256", badAlg, func(a *arms) string {
			k := a.rs
			k.Algorithm = "PS256"
			return k.Sign(a.t, nil, a.issuer.Claims())
		}},
		{"RS512 with a key for RS256", badAlg, func(a *arms) string {
			k := a.rs
			k.Algorithm = "RS512"
			return k.Sign(a.t, nil, a.issuer.Claims())
		}},
		{"ES256 under the kid of the EdDSA key", badAlg, func(a *arms) string { return a.es.Sign(a.t, map[string]any{"kid": "e1"}, a.issuer.Claims()) }},
		{"ES384 key said to be ES256", badAlg, func(a *arms) string { return a.p384.Sign(a.t, map[string]any{"alg": "ES256"}, a.issuer.Claims()) }},
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE", "none ", "\u0000none", "noNE"} {
		h := string(must(json.Marshal(map[string]string{"alg": none, "kid": "k1"})))
		list = append(list, unsigned("alg "+none+" without signature", badAlg, h, ""), unsigned("alg "+none+" with signature", badAlg, h, "AAAA"))
	}
	return list
}

func hostileSignatures() []hostile {
	n := 32
	zero, order := make([]byte, n), must(hexBytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"))
	forged := func(name string, signature ...[]byte) hostile {
		return bent(name, badSig, func(_ *arms, h, p, _ string) string {
			return h + "." + p + "." + testkit.Encode(slices.Concat(signature...))
		})
	}
	one := append(make([]byte, n-1), 1)
	return []hostile{
		forged("ES256 with r and s zero", zero, zero),
		forged("ES256 with r zero", zero, one),
		forged("ES256 with s zero", one, zero),
		forged("ES256 with r and s one", one, one),
		forged("ES256 with r and s the order", order, order),
		forged("no signature"),
		forged("signature of one byte", []byte{0}),
		bent("DER signature", badSig, func(_ *arms, h, p, s string) string {
			b := must(base64.RawURLEncoding.DecodeString(s))
			der := must(asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(b[:n]), new(big.Int).SetBytes(b[n:])}))
			return h + "." + p + "." + testkit.Encode(der)
		}),
		bent("signature with a byte more", badSig, func(_ *arms, h, p, s string) string {
			return h + "." + p + "." + testkit.Encode(append(must(base64.RawURLEncoding.DecodeString(s)), 0))
		}),
		bent("signature with a leading zero in each half", badSig, func(_ *arms, h, p, s string) string {
			b := must(base64.RawURLEncoding.DecodeString(s))
			return h + "." + p + "." + testkit.Encode(slices.Concat([]byte{0}, b[:n], []byte{0}, b[n:]))
		}),
		bent("s with a leading zero", badSig, func(_ *arms, h, p, s string) string {
			b := must(base64.RawURLEncoding.DecodeString(s))
			return h + "." + p + "." + testkit.Encode(slices.Concat(b[:n], []byte{0}, b[n:]))
		}),
		bent("signature with one bit changed", badSig, func(_ *arms, h, p, s string) string {
			b := must(base64.RawURLEncoding.DecodeString(s))
			b[7] ^= 1
			return h + "." + p + "." + testkit.Encode(b)
		}),
		bent("r and s exchanged", badSig, func(_ *arms, h, p, s string) string {
			b := must(base64.RawURLEncoding.DecodeString(s))
			return h + "." + p + "." + testkit.Encode(slices.Concat(b[n:], b[:n]))
		}),
		bent("payload of somebody else", badSig, func(a *arms, h, _, s string) string {
			return h + "." + testkit.Encode(must(json.Marshal(a.issuer.Claims("sub", "admin")))) + "." + s
		}),
		bent("header of another token", badSig, func(_ *arms, _, p, s string) string {
			return testkit.Encode([]byte(`{"alg":"ES256","kid":"k1"}`)) + "." + p + "." + s
		}),
		{"signed by a stranger under our kid", badSig, func(a *arms) string { return a.own.Sign(a.t, nil, a.issuer.Claims()) }},
		{"RS256 with a signature of zeros", badSig, func(a *arms) string {
			p := strings.Split(a.rs.Sign(a.t, nil, a.issuer.Claims()), ".")
			return p[0] + "." + p[1] + "." + testkit.Encode(make([]byte, 256))
		}},
		{"EdDSA with a signature of zeros", badSig, func(a *arms) string {
			p := strings.Split(a.ed.Sign(a.t, nil, a.issuer.Claims()), ".")
			return p[0] + "." + p[1] + "." + testkit.Encode(make([]byte, 64))
		}},
	}
}

func hexBytes(s string) ([]byte, error) {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		return nil, fmt.Errorf("not hexadecimal")
	}
	return n.Bytes(), nil
}

func hostileHeaders() []hostile {
	// embedded signs with the attacker's own key and offers it in the header.
	embedded := func(name, want string, header func(a *arms) map[string]any) hostile {
		return hostile{name, want, func(a *arms) string { return a.own.Sign(a.t, header(a), a.issuer.Claims()) }}
	}
	return []hostile{
		embedded("jwk in the header", badSig, func(a *arms) map[string]any { return map[string]any{"jwk": a.own.Public()} }),
		embedded("jwk in the header, no kid", badKey, func(a *arms) map[string]any { return map[string]any{"jwk": a.own.Public(), "kid": nil} }),
		embedded("jwk in the header, own kid", badKey, func(a *arms) map[string]any { return map[string]any{"jwk": a.own.Public(), "kid": "own"} }),
		embedded("jku", badSig, func(a *arms) map[string]any { return map[string]any{"jku": "http://" + a.canary + "/jwks.json"} }),
		embedded("jku, own kid", badKey, func(a *arms) map[string]any {
			return map[string]any{"jku": "http://" + a.canary + "/jwks.json", "kid": "own"}
		}),
		embedded("x5u", badSig, func(a *arms) map[string]any { return map[string]any{"x5u": "http://" + a.canary + "/cert.pem"} }),
		embedded("x5c", badSig, func(a *arms) map[string]any {
			return map[string]any{"x5c": []string{base64.StdEncoding.EncodeToString([]byte("no certificate"))}}
		}),
		embedded("kid is a URL", badKey, func(a *arms) map[string]any { return map[string]any{"kid": "http://" + a.canary + "/k1"} }),
		embedded("kid is a path", badKey, func(*arms) map[string]any { return map[string]any{"kid": "../../../dev/null"} }),
		embedded("kid is SQL", badKey, func(*arms) map[string]any { return map[string]any{"kid": "k1' UNION SELECT 'x"} }),
		embedded("kid with NUL", badKey, func(*arms) map[string]any { return map[string]any{"kid": "k1\x00"} }),
		embedded("kid with a confusable letter", badKey, func(*arms) map[string]any { return map[string]any{"kid": "\u212a1"} }), // Kelvin sign
		embedded("kid in upper case", badKey, func(*arms) map[string]any { return map[string]any{"kid": "K1"} }),
		embedded("empty kid", badKey, func(*arms) map[string]any { return map[string]any{"kid": ""} }),
		embedded("kid of a kilobyte", badKey, func(*arms) map[string]any { return map[string]any{"kid": strings.Repeat("k", 1024)} }),
		head("kid is a number", malformed, map[string]any{"kid": 1}),
		head("kid of another key", badAlg, map[string]any{"kid": "r1"}),
		head("crit", malformed, map[string]any{"crit": []string{"exp"}, "exp": 1}),
		head("empty crit", malformed, map[string]any{"crit": []string{}}),
		head("b64 false", malformed, map[string]any{"b64": false, "crit": []string{"b64"}}),
		head("b64 true", malformed, map[string]any{"b64": true}),
		head("zip", malformed, map[string]any{"zip": "DEF"}),
		rawHead("duplicate alg", malformed, `{"alg":"none","kid":"k1","alg":"ES256"}`),
		rawHead("duplicate alg, escaped", malformed, `{"alg":"ES256","kid":"k1","\u0061lg":"none"}`),
		rawHead("duplicate kid", malformed, `{"alg":"ES256","kid":"k1","kid":"k1"}`),
		rawHead("header is an array", malformed, `["ES256"]`),
		rawHead("header with trailing rubbish", malformed, `{"alg":"ES256","kid":"k1"}{}`),
		rawHead("header with invalid UTF-8", malformed, "{\"alg\":\"ES256\",\"kid\":\"k1\",\"x\":\"\xc0\xaf\"}"),
		rawHead("header nested deeply", malformed, `{"alg":"ES256","kid":"k1","x":`+strings.Repeat(`{"x":`, 500)+"1"+strings.Repeat("}", 501)),
		head("typ of a DPoP proof", badType, map[string]any{"typ": "dpop+jwt"}),
		head("typ of a logout token", badType, map[string]any{"typ": "logout+jwt"}),
		head("typ of a security event", badType, map[string]any{"typ": "secevent+jwt"}),
		head("typ of an ID token", badType, map[string]any{"typ": "id_token+jwt"}),
		head("typ JOSE", badType, map[string]any{"typ": "JOSE"}),
		head("typ with a confusable letter", badType, map[string]any{"typ": "at+ĵwt"}),
		head("empty typ", badType, map[string]any{"typ": ""}),
		head("typ is a list", malformed, map[string]any{"typ": []string{"at+jwt"}}),
	}
}

func hostileClaims() []hostile {
	now := time.Now().Unix()
	list := []hostile{
		claim("iss of another", badIss, "iss", "https://evil.test/"),
		claim("iss missing", badIss, "iss", nil),
		claim("iss with a trailing slash more", badIss, "iss", "https://issuer.test//"),
		claim("iss without its trailing slash", badIss, "iss", "https://issuer.test"),
		claim("iss in upper case", badIss, "iss", "HTTPS://ISSUER.TEST/"),
		claim("iss with a confusable letter", badIss, "iss", "https://іssuer.test/"), // Cyrillic
		claim("iss is a list", badIss, "iss", []string{"https://issuer.test/"}),
		claim("iss is null", badIss, "iss", json.RawMessage("null")),
		claim("aud of another API", badAud, "aud", "warehouse"),
		claim("aud missing", badAud, "aud", nil),
		claim("aud is an empty list", badAud, "aud", []string{}),
		claim("aud is an object", badAud, "aud", map[string]any{"shop": true}),
		claim("aud is a list with a number", badAud, "aud", []any{"shop", 1}),
		claim("aud is a prefix", badAud, "aud", "shop.evil.test"),
		claim("aud joined by space", badAud, "aud", "shop warehouse"),
		claim("exp missing", badClaims, "exp", nil),
		claim("exp is null", badClaims, "exp", json.RawMessage("null")),
		claim("exp is a string", badClaims, "exp", fmt.Sprint(now+300)),
		claim("exp is a list", badClaims, "exp", []int64{now + 300}),
		claim("exp is true", badClaims, "exp", true),
		claim("exp is huge", badClaims, "exp", json.RawMessage("1e300")),
		claim("exp overflows int64", badClaims, "exp", json.RawMessage("9223372036854775808")),
		claim("exp overflows float64", malformed, "exp", json.RawMessage("1e999")),
		claim("exp is negative", badClaims, "exp", -1),
		claim("exp in milliseconds", badClaims, "exp", (now+300)*1000),
		claim("exp is a float in the past", expired, "exp", float64(now)-100.5),
		claim("exp is 0", expired, "exp", 0),
		claim("expired by a second beyond the leeway", expired, "exp", now-31),
		claim("nbf in the future", notYet, "nbf", now+60),
		claim("nbf is a string", badClaims, "nbf", fmt.Sprint(now)),
		claim("iat in the future", notYet, "iat", now+3600),
		claim("sub missing", badClaims, "sub", nil),
		claim("sub empty", badClaims, "sub", ""),
		claim("sub is a number", badClaims, "sub", 1),
		claim("sub with CR LF", badClaims, "sub", "u1\r\nX-Admin: 1"),
		claim("sub with NUL", badClaims, "sub", "u1\x00"),
		claim("sub with a direction mark", badClaims, "sub", "u1\u202e"),
		claim("sub with a zero width joiner", badClaims, "sub", "u\u200d1"),
		claim("sub of 2 KiB", badClaims, "sub", strings.Repeat("u", 2048)),
		claim("roles is an object", badClaims, "roles", map[string]any{"admin": true}),
		claim("roles holds a number", badClaims, "roles", []any{"customer", 1}),
		claim("roles holds a list", badClaims, "roles", []any{[]string{"admin"}}),
		claim("a role with a line break", badClaims, "roles", []string{"a\nb"}),
		claim("scope is a number", badClaims, "scope", 7),
		claim("scope with a tab", badClaims, "scope", "a\tb"),
		claim("tenant is a list", badClaims, "tenant", []string{"t1", "t2"}),
		claim("tenant with a line break", badClaims, "tenant", "t1\n"),
		claim("bound to a DPoP key", badClaims, "cnf", map[string]any{"jkt": "x"}),
		claim("bound to a certificate", badClaims, "cnf", map[string]any{"x5t#S256": "x"}),
		{"ID token by at_hash", badType, func(a *arms) string {
			return a.es.Sign(a.t, map[string]any{"typ": "JWT"}, a.issuer.Claims("at_hash", "x"))
		}},
		{"ID token by its audience", badAud, func(a *arms) string {
			return a.es.Sign(a.t, map[string]any{"typ": "JWT"}, a.issuer.Claims("aud", "app", "nonce", "n"))
		}},
		{"ID token by token_use, no typ", badType, func(a *arms) string { return a.es.Sign(a.t, nil, a.issuer.Claims("token_use", "id")) }},
		{"logout token without typ", badType, func(a *arms) string {
			return a.es.Sign(a.t, nil, a.issuer.Claims("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}))
		}},
	}
	return list
}

// Each hostile token is refused for the reason that it deserves, nobody is called, and good kin passes.
func TestHostileTokens(t *testing.T) {
	g, a := armed(t)
	var calls atomic.Int64
	canary, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = canary.Close() })
	go func() {
		for {
			c, err := canary.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			_ = c.Close()
		}
	}()
	a.canary = canary.Addr().String()

	list := corpus()
	names := map[string]bool{}
	for _, h := range list {
		if names[h.name] {
			t.Errorf("%s: twice", h.name)
		}
		names[h.name] = true
		e := withToken(h.token(a))
		v := verdict(t, g, e)
		if code(v) != h.want {
			t.Errorf("%s: %q, want %q: %s", h.name, code(v), h.want, v.Detail)
		}
		if e.Principal != nil {
			t.Errorf("%s: has a principal", h.name)
		}
		if token := e.Request.Header.Get("Authorization"); len(token) > 40 && strings.Contains(v.Detail, token[30:]) {
			t.Errorf("%s: the detail has the token: %s", h.name, v.Detail)
		}
		if v.Refused() && v.Reason.Status == 401 && len(v.Header) == 0 {
			t.Errorf("%s: no challenge", h.name)
		}
	}
	if len(list) < 60 {
		t.Errorf("only %d tokens", len(list))
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d connections to the canary", n)
	}
	if n := a.issuer.Fetches.Load(); n > 2 { // the first load, and one for all the unknown kids
		t.Errorf("%d fetches of the key set", n)
	}
	t.Logf("%d hostile tokens", len(list))
}

// What is close to hostile and fine.
func TestGoodTokens(t *testing.T) {
	g, a := armed(t)
	now := time.Now().Unix()
	for _, h := range []hostile{
		claim("as it is", ""),
		claim("aud is a list", "", "aud", []string{"warehouse", "shop"}),
		claim("exp with a fraction", "", "exp", float64(now)+100.5),
		claim("expired within the leeway", "", "exp", now-20),
		claim("nbf within the leeway", "", "nbf", now+20),
		claim("no nbf and no iat", "", "nbf", nil, "iat", nil),
		claim("a single role as a string", "", "roles", "customer"),
		claim("scope with spare spaces", "", "scope", "orders:read  orders:write "),
		claim("scope as a list", "", "scope", []string{"orders:read", "orders:write"}),
		claim("roles with spaces and commas", "", "roles", []string{"CN=Admins,OU=Groups"}),
		claim("tenant is a number", "", "tenant", 7),
		claim("roles are null", "", "roles", json.RawMessage("null")),
		claim("unknown claims", "", "x", map[string]any{"deep": []any{1, 2.5, true, nil}}),
		claim("sub that is not ASCII", "", "sub", "Zoë"),
		head("typ JWT", "", map[string]any{"typ": "JWT"}),
		head("no typ", "", nil),
		head("typ as a media type", "", map[string]any{"typ": "application/at+jwt"}),
		head("typ in upper case", "", map[string]any{"typ": "AT+JWT"}),
		head("jku that nobody reads", "", map[string]any{"jku": "http://127.0.0.1:1/"}),
		head("x5c that nobody reads", "", map[string]any{"x5c": []string{"rubbish"}}),
		head("jwk that nobody reads", "", map[string]any{"jwk": 7}),
		{"RS256", "", func(a *arms) string { return a.rs.Sign(a.t, nil, a.issuer.Claims()) }},
		{"EdDSA", "", func(a *arms) string { return a.ed.Sign(a.t, nil, a.issuer.Claims()) }},
		{"ES384", "", func(a *arms) string { return a.p384.Sign(a.t, nil, a.issuer.Claims()) }},
		{"RS256 without kid", "", func(a *arms) string { return a.rs.Sign(a.t, map[string]any{"kid": nil}, a.issuer.Claims()) }},
		{"the other s of ECDSA", "", func(a *arms) string { // RFC 7515 has no rule for s; who holds a token can always make this one
			p := strings.Split(a.issuer.Token(a.t, a.issuer.Claims()), ".")
			b := must(base64.RawURLEncoding.DecodeString(p[2]))
			order := a.es.Private.Public().(*ecdsa.PublicKey).Params().N
			s := new(big.Int).Sub(order, new(big.Int).SetBytes(b[32:]))
			s.FillBytes(b[32:])
			return p[0] + "." + p[1] + "." + testkit.Encode(b)
		}},
	} {
		e := withToken(h.token(a))
		v := verdict(t, g, e)
		if code(v) != "" || e.Principal == nil {
			t.Errorf("%s: %q: %s", h.name, code(v), v.Detail)
		}
	}
}

// TestHostileLetter is RFC 9068 to the letter.
func TestHostileLetter(t *testing.T) {
	i := testkit.NewIssuer(t)
	key := testkit.NewKey(t, "k1", "ES256")
	i.Rotate(key)
	c := corp(i, fileSet(t, i.Set()))
	c.JWT.Types = []string{"at+jwt"}
	g := bearerGuard(t, mustNew(t, c))
	for want, token := range map[string]string{
		"":        key.Sign(t, map[string]any{"typ": "at+jwt"}, i.Claims()),
		badType:   key.Sign(t, map[string]any{"typ": "JWT"}, i.Claims()),
		badClaims: key.Sign(t, map[string]any{"typ": "at+jwt"}, i.Claims("jti", nil)),
	} {
		if v := verdict(t, g, withToken(token)); code(v) != want {
			t.Errorf("%q, want %q", code(v), want)
		}
	}
	for _, missing := range []string{"client_id", "iat"} {
		token := key.Sign(t, map[string]any{"typ": "at+jwt"}, i.Claims(missing, nil))
		if v := verdict(t, g, withToken(token)); code(v) != badClaims {
			t.Errorf("without %s: %q", missing, code(v))
		}
	}
}

// An algorithm that is not allowed is refused before a key is looked for.
func TestAllowListComesFirst(t *testing.T) {
	g, a := armed(t)
	v := verdict(t, g, withToken(a.es.Sign(t, map[string]any{"alg": "ES512", "kid": "unknown"}, a.issuer.Claims())))
	if code(v) != badAlg || v.Setting != "identity[0].jwt.algorithms" {
		t.Errorf("%q, %s", code(v), v.Setting)
	}
}

// Only ASCII letters fold: the Kelvin sign is no k, the long s no s.
func TestFolding(t *testing.T) {
	for in, want := range map[string]string{"AbZ-1": "abz-1", "\u212a": "\u212a", "\u017f": "\u017f", "É": "É"} {
		if got := asciiLower(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
		if !foldsTo(in, want) {
			t.Errorf("%q does not fold to %q", in, want)
		}
	}
	if foldsTo("\u212a", "k") || foldsTo("ab", "abc") {
		t.Error("folds to what it is not")
	}
}

// armed is a guard that knows the issuer's four keys from its endpoint, and what an attacker has.
func armed(t testing.TB) (exchange.Guard, *arms) {
	t.Helper()
	a := &arms{
		t: t, issuer: testkit.NewIssuer(t),
		es: testkit.NewKey(t, "k1", "ES256"), rs: testkit.NewKey(t, "r1", "RS256"), ed: testkit.NewKey(t, "e1", "EdDSA"),
		p384: testkit.NewKey(t, "p1", "ES384"), own: testkit.NewKey(t, "k1", "ES256"),
	}
	// A second ES256 key, so that a token without kid names none.
	a.issuer.Rotate(a.es, a.rs, a.ed, a.p384, testkit.NewKey(t, "k2", "ES256"))
	c := corp(a.issuer, a.issuer.URL, "ES256", "RS256", "EdDSA", "ES384", "RS512", "PS256")
	return bearerGuard(t, started(t, mustNew(t, c))), a
}
