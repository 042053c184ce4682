// Package oidc signs people in at an identity provider: OpenID Connect Core 1.0 by the authorization code, with PKCE
// (RFC 7636), state, nonce and, where the provider sends it, iss (RFC 9207).
//
// Nothing is kept on this side while somebody is away at the provider: what has to be known when they come back is sealed
// into a cookie under a key of the process. Who comes back with another browser, with a code of another sign-in, or after
// ten minutes, is refused.
package oidc

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/config"
)

// ErrRefused is a sign-in that does not let anybody in. What it wraps is for the log.
var ErrRefused = errors.New("the identity provider's answer lets nobody in")

// CallbackPath is where the provider sends people back to.
const CallbackPath = "/signin/oidc/callback"

// A Provider signs people in. It is safe for concurrent use.
type Provider struct {
	c      config.AdminOIDC
	secret string
	client *http.Client
	seal   cipher.AEAD

	mu     sync.Mutex
	known  *oidc.Provider // nil until the provider has described itself
	missed time.Time      // when it last did not
}

// Bounds of what is asked of the provider.
const (
	askTimeout = 10 * time.Second
	maxAnswer  = 1 << 20
	askAgain   = 5 * time.Second // after a failure
)

// away is how long somebody may stay at the provider.
const away = 10 * time.Minute

// New returns a provider. It is asked who it is when somebody signs in for the first time: a provider that is down keeps
// no gateway from starting.
func New(c config.AdminOIDC, secret string) (*Provider, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: askTimeout, Transport: bounded{http.DefaultTransport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirects are not followed") }}
	return &Provider{c: c, secret: secret, client: client, seal: seal}, nil
}

// bounded cuts answers off.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// described asks the provider who it is, once.
func (p *Provider) described(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	if time.Since(p.missed) < askAgain {
		return nil, errors.New("the identity provider did not describe itself a moment ago")
	}
	// Its key set is fetched with this context later, too.
	known, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.c.Issuer)
	if err != nil {
		p.missed = time.Now()
		return nil, fmt.Errorf("couldn't ask the identity provider: %w", err)
	}
	p.known = known
	return known, nil
}

func (p *Provider) flow(known *oidc.Provider) *oauth2.Config {
	scopes := p.c.Scopes
	if len(scopes) == 0 {
		scopes = []string{"profile", "email"}
	}
	return &oauth2.Config{ClientID: p.c.ClientID, ClientSecret: p.secret, Endpoint: known.Endpoint(), RedirectURL: strings.TrimSuffix(p.c.URL, "/") + CallbackPath, Scopes: append([]string{oidc.ScopeOpenID}, scopes...)}
}

// journey is what has to be known when somebody comes back.
type journey struct {
	State, Nonce, Verifier, Next string
	Until                        time.Time
}

// Begin returns where to send the browser, and what its cookie is to hold meanwhile.
func (p *Provider) Begin(ctx context.Context, next string) (to, cookie string, err error) {
	known, err := p.described(ctx)
	if err != nil {
		return "", "", err
	}
	j := journey{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next, Until: time.Now().Add(away)}
	plain, err := json.Marshal(j)
	if err != nil {
		return "", "", err
	}
	cookie = base64.RawURLEncoding.EncodeToString(p.seal.Seal(nil, nil, plain, nil))
	return p.flow(known).AuthCodeURL(j.State, oidc.Nonce(j.Nonce), oauth2.S256ChallengeOption(j.Verifier)), cookie, nil
}

// An Answer is what the browser brings back from the provider.
type Answer struct{ Code, State, Issuer, Error string }

// Finish tells who has come back, and where they wanted to go.
func (p *Provider) Finish(ctx context.Context, cookie string, a Answer) (who people.Person, next string, err error) {
	j, err := p.open(cookie)
	switch {
	case err != nil:
		return who, "", fmt.Errorf("%w: %w", ErrRefused, err)
	case subtle.ConstantTimeCompare([]byte(j.State), []byte(a.State)) != 1:
		return who, "", fmt.Errorf("%w: state is not that of this browser", ErrRefused)
	case a.Error != "":
		return who, "", fmt.Errorf("%w: it said %q", ErrRefused, a.Error)
	case a.Issuer != "" && a.Issuer != p.c.Issuer:
		return who, "", fmt.Errorf("%w: iss is another one", ErrRefused)
	case a.Code == "":
		return who, "", fmt.Errorf("%w: there is no code", ErrRefused)
	}
	known, err := p.described(ctx)
	if err != nil {
		return who, "", err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.flow(known).Exchange(ctx, a.Code, oauth2.VerifierOption(j.Verifier))
	if err != nil {
		return who, "", fmt.Errorf("%w: %w", ErrRefused, err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := known.Verifier(&oidc.Config{ClientID: p.c.ClientID}).Verify(ctx, raw)
	if err != nil {
		return who, "", fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(j.Nonce)) != 1 {
		return who, "", fmt.Errorf("%w: nonce is not that of this browser", ErrRefused)
	}
	who, err = p.person(id)
	return who, j.Next, err
}

// open reads a cookie of Begin.
func (p *Provider) open(cookie string) (j journey, err error) {
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || cookie == "" {
		return j, errors.New("the browser has not begun here")
	}
	plain, err := p.seal.Open(nil, nil, sealed, nil)
	if err == nil {
		err = json.Unmarshal(plain, &j)
	}
	if err != nil {
		return j, errors.New("the browser has not begun here")
	}
	if time.Now().After(j.Until) {
		return j, errors.New("the browser was away for too long")
	}
	return j, nil
}
