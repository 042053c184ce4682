package identity

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// A challenge is what WWW-Authenticate tells a client that is refused (RFC 9110 section 11.6.1, RFC 6750 section 3).
type challenge struct {
	bearer bool
	key    []string // parameters of the ApiKey challenges: in="header", name="X-API-Key"
	scope  string   // of the operation, for the bearer challenge; "" where it asks for none
}

func newChallenge(c *check, op *openapi.Operation, schemes map[string]*openapi.SecurityScheme) challenge {
	var out challenge
	for _, s := range c.sources {
		if s.place == inBearer {
			out.bearer = true
			continue
		}
		if s.place == inTLS { // no scheme of HTTP stands for what the handshake asks
			continue
		}
		in := map[place]string{inHeader: "header", inQuery: "query", inCookie: "cookie"}[s.place]
		out.key = append(out.key, `in="`+in+`", name="`+quotable(s.name)+`"`)
	}
	if len(op.Ext.Scopes) > 0 {
		out.scope = scopeText(op.Ext.Scopes)
		return out
	}
	for _, r := range op.Security {
		for _, ref := range r.Schemes {
			if s := schemes[ref.Name]; s != nil && s.Type != "apiKey" && len(ref.Scopes) > 0 {
				out.scope = scopeText(ref.Scopes)
				return out
			}
		}
	}
	return out
}

// scopeText joins what is fit for the scope parameter.
func scopeText(scopes []string) string {
	list := slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return !scopeToken(s) })
	return strings.Join(list, " ")
}

// refuse turns a failure into a verdict. What the client reads is the reason's title; the detail stays here.
func (c *check) refuse(e *exchange.Exchange, f *failure) exchange.Verdict {
	v := exchange.Refuse(f.reason, f.detail).WithSetting(f.setting).WithRetry(f.retry)
	switch f.reason.Status {
	case http.StatusUnauthorized, http.StatusBadRequest:
	default:
		return v
	}
	if c.challenge.bearer {
		v = v.WithHeader("WWW-Authenticate", c.challenge.text(e.API, f.reason))
	}
	for _, k := range c.challenge.key {
		v = v.WithHeader("WWW-Authenticate", `ApiKey realm="`+quotable(e.API)+`", `+k)
	}
	return v
}

// text is the Bearer challenge. Without a credential it has no error code (RFC 6750 section 3.1).
func (c *challenge) text(realm string, r *exchange.Reason) string {
	var b strings.Builder
	b.WriteString(`Bearer realm="` + quotable(realm) + `"`)
	switch {
	case r == exchange.CredentialsMissing:
	case r.Status == http.StatusBadRequest:
		b.WriteString(`, error="invalid_request", error_description="` + quotable(r.Title) + `"`)
	default:
		b.WriteString(`, error="invalid_token", error_description="` + quotable(r.Title) + `"`)
	}
	if c.scope != "" {
		b.WriteString(`, scope="` + c.scope + `"`)
	}
	return b.String()
}

// quotable keeps what a quoted-string of RFC 9110 holds without escapes.
func quotable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, s)
}
