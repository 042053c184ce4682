package testkit

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// An Issuer is an identity provider: it has keys, publishes them at a real HTTP endpoint that counts, and signs
// whatever it is asked to sign, right or wrong. It is safe for concurrent use.
type Issuer struct {
	URL     string       // of the JWK Set
	Name    string       // the iss of its tokens
	Fetches atomic.Int64 // requests for the key set

	mu     sync.Mutex
	keys   []Key
	reply  http.HandlerFunc // replaces the endpoint's answer; nil: the key set
	server *httptest.Server
}

// A Key is a key pair of an Issuer.
type Key struct {
	ID        string
	Algorithm string // ES256, ES384, ES512, RS256 … PS512, EdDSA
	Private   crypto.Signer
}

// Public is the key as a JWK Set publishes it.
func (k Key) Public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.Private.Public(), KeyID: k.ID, Algorithm: k.Algorithm, Use: "sig"}
}

// NewIssuer starts an issuer with one ES256 key, "k1"; it ends with the test. Its endpoint is plain HTTP on loopback.
func NewIssuer(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{Name: "https://issuer.test/"}
	i.server = httptest.NewServer(http.HandlerFunc(i.serve))
	i.URL = i.server.URL + "/jwks.json"
	t.Cleanup(i.server.Close)
	i.Rotate(NewKey(t, "k1", "ES256"))
	return i
}

// NewKey makes a key pair for an algorithm.
func NewKey(t testing.TB, id, algorithm string) Key {
	t.Helper()
	var private crypto.Signer
	var err error
	switch algorithm {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, private, err = newEd25519()
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return Key{id, algorithm, private}
}

func newEd25519() (ed25519.PublicKey, crypto.Signer, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	return public, private, err
}

// Rotate replaces the published keys.
func (i *Issuer) Rotate(keys ...Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = keys
}

// Answer replaces what the endpoint answers: an outage, a redirect, rubbish. nil publishes the keys again.
func (i *Issuer) Answer(h http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.reply = h
}

// Set is the published JWK Set.
func (i *Issuer) Set() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, k := range i.keys {
		set.Keys = append(set.Keys, k.Public())
	}
	data, err := json.Marshal(set)
	if err != nil {
		panic(err) // keys of ours
	}
	return data
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.Fetches.Add(1)
	i.mu.Lock()
	reply := i.reply
	i.mu.Unlock()
	if reply != nil {
		reply(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(i.Set())
}

// Claims are those of a good access token for the audience "shop", changed by the pairs of name and value that
// follow; a nil value removes a claim.
func (i *Issuer) Claims(pairs ...any) map[string]any {
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": i.Name, "sub": "u1", "aud": "shop", "client_id": "app", "jti": "t1", "scope": "orders:read orders:write",
		"roles": []string{"customer"}, "tenant": "t1", "iat": now, "nbf": now, "exp": now + 300,
	}
	for n := 0; n+1 < len(pairs); n += 2 {
		name := pairs[n].(string)
		if pairs[n+1] == nil {
			delete(claims, name)
			continue
		}
		claims[name] = pairs[n+1]
	}
	return claims
}

// Token signs claims with the first published key.
func (i *Issuer) Token(t testing.TB, claims map[string]any) string {
	t.Helper()
	i.mu.Lock()
	k := i.keys[0]
	i.mu.Unlock()
	return k.Sign(t, map[string]any{"typ": "at+jwt"}, claims)
}

// Sign makes a compact JWS with the key. header is merged over alg and kid; a nil value removes a member.
func (k Key) Sign(t testing.TB, header, claims map[string]any) string {
	t.Helper()
	merged := map[string]any{"alg": k.Algorithm, "kid": k.ID}
	maps.Copy(merged, header)
	maps.DeleteFunc(merged, func(_ string, v any) bool { return v == nil })
	h, err := json.Marshal(merged)
	if err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return k.SignRaw(t, h, c)
}

// SignRaw makes a compact JWS of any bytes as header and payload, with the key's algorithm whatever the header says.
func (k Key) SignRaw(t testing.TB, header, payload []byte) string {
	t.Helper()
	text := Encode(header) + "." + Encode(payload)
	return text + "." + Encode(k.SignBytes(t, []byte(text)))
}

// SignBytes is the key's JWS signature of a message, raw.
func (k Key) SignBytes(t testing.TB, message []byte) []byte {
	t.Helper()
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[k.Algorithm[2:]]
	var digest []byte
	if hash != 0 {
		h := hash.New()
		h.Write(message)
		digest = h.Sum(nil)
	}
	var signature []byte
	var err error
	switch private := k.Private.(type) {
	case ed25519.PrivateKey:
		signature = ed25519.Sign(private, message)
	case *rsa.PrivateKey:
		if k.Algorithm[0] == 'P' {
			signature, err = rsa.SignPSS(rand.Reader, private, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			signature, err = rsa.SignPKCS1v15(rand.Reader, private, hash, digest)
		}
	case *ecdsa.PrivateKey:
		size := (private.Curve.Params().BitSize + 7) / 8
		r, s, signErr := ecdsa.Sign(rand.Reader, private, digest)
		if err = signErr; err == nil {
			signature = make([]byte, 2*size)
			r.FillBytes(signature[:size])
			s.FillBytes(signature[size:])
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// Encode is base64url without padding.
func Encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
