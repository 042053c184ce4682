package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/exchange"
)

// identity are the guards that say who asks.
func (a *admin) identity() []exchange.Guard {
	return []exchange.Guard{
		{Name: "identity", Phase: exchange.OnHead, Check: a.who},
		{Name: "identity", Phase: exchange.OnBody, Check: meant},
	}
}

// Kinds of a principal: what vouches for it.
const bySession, byToken = "session", "token"

// who reads the one credential. Whether nobody may ask is for the policy of the operation.
func (a *admin) who(ctx context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if open := e.Operation.Ext.Anonymous; open != nil && *open {
		return exchange.Pass, nil // an old cookie keeps nobody from signing in
	}
	tokens, cookies := e.Request.Header["Authorization"], e.Request.CookiesNamed(cookieName(e.Request))
	if len(tokens)+len(cookies) > 1 {
		return exchange.Refuse(exchange.CredentialsAmbiguous, "more than one credential"), nil
	}
	var p people.Person
	var err error
	kind := byToken
	switch {
	case len(tokens) == 1:
		p, err = a.bearer(ctx, tokens[0])
	case len(cookies) == 1:
		kind = bySession
		p, err = a.People.Session(ctx, cookies[0].Value)
	default:
		return exchange.Pass, nil
	}
	if errors.Is(err, people.ErrRefused) {
		return exchange.Refuse(exchange.KeyInvalid, "the "+kind+" is unknown or has ended").WithHeader("WWW-Authenticate", `Bearer realm="admin"`), nil
	}
	if err != nil {
		return exchange.Verdict{}, err
	}
	e.Principal = &exchange.Principal{Subject: p.Name, Issuer: "sallyport", Kind: kind, Roles: p.Role.Comprised(), Satisfies: []string{"bearer", "session"}}
	return exchange.Pass, nil
}

// bearer tells whose token stands in Authorization. Hashes are compared, in constant time, so that neither the admin
// token's length nor its beginning can be learned.
func (a *admin) bearer(ctx context.Context, authorization string) (people.Person, error) {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return people.Person{}, people.ErrRefused
	}
	if a.bootstraps(token) {
		return people.Person{Name: people.Bootstrap, Role: people.Admin}, nil
	}
	return a.People.Bearer(ctx, token)
}

func (a *admin) bootstraps(token string) bool {
	hash := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(hash[:], a.TokenHash[:]) == 1
}

// meant refuses acts of a session that do not show that a page of ours has asked for them: a browser sends the cookie
// whoever asks it to.
func meant(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if e.Principal == nil || e.Principal.Kind != bySession || e.Request.Method == http.MethodGet || e.Request.Method == http.MethodHead {
		return exchange.Pass, nil
	}
	got := e.Request.Header.Get("X-Csrf-Token")
	if tree, err := e.Body.Tree(); got == "" && err == nil && tree != nil {
		if field := tree.Get("csrf"); field != nil {
			got = field.Text
		}
	}
	if !people.SameCSRF(cookie(e.Request), got) {
		return exchange.Refuse(exchange.RuleDenied, "the session's CSRF token is missing or wrong"), nil
	}
	return exchange.Pass, nil
}

// cookieName is bound to this host, and to HTTPS, by its prefix (RFC 6265bis, section 4.1.3.2) where there is HTTPS.
func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-sallyport"
	}
	return "sallyport"
}

// cookie is the value of the session's cookie, or "".
func cookie(r *http.Request) string {
	if list := r.CookiesNamed(cookieName(r)); len(list) == 1 {
		return list[0].Value
	}
	return ""
}

// keep gives the browser a session; "" takes it away.
func keep(w http.ResponseWriter, r *http.Request, value string) {
	c := &http.Cookie{Name: cookieName(r), Value: value, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
