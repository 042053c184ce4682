package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A keyring holds the signing key of the lab's identity provider.
type keyring struct {
	key    *ecdsa.PrivateKey
	signer jose.Signer
	public []byte // the JWKS document
}

const keyID = "hg-2026-1"

func newKeyring() (*keyring, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	opts := (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", keyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, opts)
	if err != nil {
		return nil, err
	}
	public, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: key.Public(), KeyID: keyID, Algorithm: "ES256", Use: "sig"},
	}})
	return &keyring{key, signer, public}, err
}

// JWKS returns the key set of the lab's identity provider.
func (l *Lab) JWKS() []byte { return l.keys.public }

// Claims of an access token.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	ClientID string   `json:"client_id"`
	ID       string   `json:"jti"`
	Issued   int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	Tenant   string   `json:"tenant"`
	Roles    []string `json:"roles"`
	Scope    string   `json:"scope"`
}

// A TokenOption changes a token before it is signed.
type TokenOption func(*claims)

// ExpiresIn sets the token's lifetime; negative values make an expired token.
func ExpiresIn(d time.Duration) TokenOption {
	return func(c *claims) {
		c.Expires = time.Now().Add(d).Unix()
		c.Issued = min(c.Issued, c.Expires-60)
	}
}

// Roles replaces the token's roles.
func Roles(roles ...string) TokenOption { return func(c *claims) { c.Roles = roles } }

// Scope replaces the token's scopes.
func Scope(scopes ...string) TokenOption {
	return func(c *claims) { c.Scope = strings.Join(scopes, " ") }
}

// Token returns a signed access token (ES256, RFC 9068, 8 hours) of an account. An account that does not exist gets the
// rights of a customer.
func (l *Lab) Token(accountID string, opts ...TokenOption) string {
	c := l.claims(accountID)
	for _, o := range opts {
		o(&c)
	}
	return l.keys.sign(c)
}

func (l *Lab) claims(accountID string) claims {
	now := time.Now()
	c := claims{
		Issuer: Issuer, Subject: accountID, Audience: Audience, ClientID: "web", ID: randomID(),
		Issued: now.Unix(), Expires: now.Add(8 * time.Hour).Unix(), Tenant: tenants[0], Roles: []string{"customer"},
	}
	l.mu.Lock()
	if a := l.store.customers[accountID]; a != nil {
		c.Tenant, c.Roles = a.Tenant, []string{a.Role}
	}
	l.mu.Unlock()
	c.Scope = scopesOf(c.Roles[0])
	return c
}

func scopesOf(role string) string {
	s := "profile orders payments webhooks"
	if role == "support" || role == "admin" {
		s += " customers reports"
	}
	if role == "admin" {
		s += " admin products"
	}
	return s
}

func (k *keyring) sign(c claims) string {
	payload, err := json.Marshal(c)
	if err != nil {
		panic(err) // a struct of strings and numbers always marshals
	}
	jws, err := k.signer.Sign(payload)
	if err != nil {
		panic(err) // only without entropy
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		panic(err) // the signer makes exactly one signature
	}
	return token
}

func randomID() string { return strings.ToLower(rand.Text()) }
