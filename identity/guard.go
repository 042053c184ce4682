package identity

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/bits"
	"slices"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// maxSources bounds the places of credentials of one operation; they are bits of a word.
const maxSources = 16

// check is the compiled guard of one operation.
type check struct {
	sources      []source
	alternatives []alternative
	certificate  uint16 // the bit of the source that is the connection's certificate, if there is one
	anonymous    bool   // nobody in particular may call
	query        bool   // access_token in the query is a declared API key
	challenge    challenge
}

// An alternative is one entry of the operation's security: all of its schemes are needed.
type alternative struct {
	places  uint16   // bit i: a credential at sources[i]
	schemes []string // to be satisfied by them
}

// Guard compiles the guard of one operation. security maps the spec's schemes to identities by name.
//
// The spec's alternatives are tried as OpenAPI means them: one suffices, and all schemes of it are needed. An
// alternative with a scheme that security does not map is never accepted; it is an error when none is left. An
// operation that may be called anonymously passes without a credential, but a credential that is presented is judged
// all the same: the upstream will see it and may believe it. What stands in places that the operation does not
// declare is not looked at. Exactly the credentials of one alternative must be
// presented; more than one alternative needs are ambiguous.
//
// Guard fails for schemes that cannot be verified (http basic), for identities that do not exist or do not
// fit their scheme, and for operations that say nothing of security at all.
func (p *Providers) Guard(op *openapi.Operation, schemes map[string]*openapi.SecurityScheme, security map[string]string) (exchange.Guard, error) {
	c, err := p.compile(op, schemes, security)
	if err != nil {
		return exchange.Guard{}, fmt.Errorf("%s: %w", op.Key, err)
	}
	return exchange.Guard{Name: "identity", Phase: exchange.OnHead, Check: c.check}, nil
}

// check decides. The credentials that are there must be exactly those of an alternative, each is verified once, and
// together they must satisfy the alternative's schemes.
func (c *check) check(ctx context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if f := c.forbidden(e); f != nil {
		return c.refuse(e, f), nil
	}
	var credentials [maxSources]string
	var presented uint16
	for i := range c.sources {
		credential, present, f := c.sources[i].read(e)
		if f != nil {
			return c.refuse(e, f), nil
		}
		if present {
			credentials[i] = credential
			presented |= 1 << i
		}
	}
	presented = c.wanted(presented)
	if presented == 0 && c.anonymous {
		return exchange.Pass, nil
	}
	if f := c.fits(presented); f != nil {
		return c.refuse(e, f), nil
	}
	principal, f := c.verify(ctx, e, presented, &credentials)
	if f != nil {
		return c.refuse(e, f), nil
	}
	e.Principal = principal
	return exchange.Pass, nil
}

// forbidden refuses tokens in the query (RFC 9700 section 4.3.2), whatever else there is.
func (c *check) forbidden(e *exchange.Exchange) *failure {
	if c.query {
		return nil
	}
	for i := range e.Target.Query {
		if foldsTo(e.Target.Query[i].Name, "access_token") {
			return fail(exchange.CredentialsAmbiguous, "access_token in the query")
		}
	}
	return nil
}

// wanted leaves the certificate of the connection out where only the alternatives without it take the rest: it is
// shown with every request, whatever the operation asks for.
func (c *check) wanted(presented uint16) uint16 {
	without := presented &^ c.certificate
	takes := func(places uint16) bool {
		return slices.ContainsFunc(c.alternatives, func(a alternative) bool { return a.places == places })
	}
	if without != presented && !takes(presented) && takes(without) {
		return without
	}
	return presented
}

// fits says whether an alternative takes exactly the credentials that are presented.
func (c *check) fits(presented uint16) *failure {
	if presented == 0 {
		return fail(exchange.CredentialsMissing, "no credential at all")
	}
	more := false
	for _, a := range c.alternatives {
		if a.places == presented {
			return nil
		}
		more = more || a.places&presented == a.places
	}
	if more {
		return fail(exchange.CredentialsAmbiguous, "%d credentials, more than one alternative of the operation's security takes", bits.OnesCount16(presented))
	}
	return fail(exchange.CredentialsMissing, "the operation wants further credentials beside the one presented")
}

// verify verifies what is presented and says who it is.
func (c *check) verify(ctx context.Context, e *exchange.Exchange, presented uint16, credentials *[maxSources]string) (*exchange.Principal, *failure) {
	var principal *exchange.Principal
	for rest := presented; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros16(rest)
		s := &c.sources[i]
		v, f := s.choose(e, credentials[i])
		if f != nil {
			return nil, f
		}
		known, f := v.verify(ctx, e, credentials[i])
		if f != nil {
			return nil, f
		}
		principal = merge(principal, known.as(v.name, v.satisfies))
	}
	for _, a := range c.alternatives {
		if a.places == presented && satisfied(a.schemes, principal.Satisfies) {
			return principal, nil
		}
	}
	return nil, fail(exchange.TokenIssuer, "identity %s does not satisfy what the operation's security asks for", principal.Issuer).by("apis[].security")
}

// choose picks the voucher of a credential. Where several issuers share a place, the token's iss says which one is
// meant; that is not trusted, it only selects whose rules the token has to satisfy, iss included.
func (s *source) choose(e *exchange.Exchange, credential string) (*voucher, *failure) {
	if len(s.vouch) == 1 {
		return &s.vouch[0], nil
	}
	if s.place == inTLS {
		return chooseCertificate(s.vouch, presented(e)), nil
	}
	if s.vouch[0].jwt == nil {
		return chooseKey(s.vouch, credential), nil
	}
	for i := range s.vouch {
		if s.vouch[i].jwt.knows(credential) {
			return &s.vouch[i], nil
		}
	}
	iss, f := peekIssuer(credential, s.vouch)
	if f != nil {
		return nil, f
	}
	for i := range s.vouch {
		if s.vouch[i].jwt.issuer == iss {
			return &s.vouch[i], nil
		}
	}
	return nil, fail(exchange.TokenIssuer, "iss %s is none of those that the operation trusts", quote(iss)).by("apis[].security")
}

// chooseKey picks the identity that knows the key, or the first one, which will refuse it.
func chooseKey(list []voucher, credential string) *voucher {
	for i := range list {
		if _, f := list[i].keys.verify(context.Background(), credential); f == nil {
			return &list[i]
		}
	}
	return &list[0]
}

// chooseCertificate picks the identity whose authority the certificate has, or the first one, which will refuse it.
func chooseCertificate(list []voucher, shown []*x509.Certificate) *voucher {
	for i := range list {
		if _, f := list[i].certs.verify(shown); f == nil {
			return &list[i]
		}
	}
	return &list[0]
}

// peekIssuer reads iss of a token that was not verified.
func peekIssuer(token string, list []voucher) (iss string, f *failure) {
	limit := 0
	for i := range list {
		limit = max(limit, list[i].jwt.maxSize)
	}
	if len(token) > limit {
		return "", fail(exchange.TokenMalformed, "%d bytes, more than max_size %d", len(token), limit)
	}
	c, f := parseCompact(token)
	if f != nil {
		return "", f
	}
	f = members(c.payload, func(name string, value any) *failure {
		if name == "iss" {
			iss, _ = value.(string)
		}
		return nil
	})
	return iss, f
}

// merge joins the principals of two credentials. The first one is who asks; the second adds which schemes are
// satisfied, what client it is, and an earlier expiry, but no rights: those of a shared key are not the person's.
func merge(a, b *exchange.Principal) *exchange.Principal {
	if a == nil {
		return b
	}
	if a.Kind != "jwt" && b.Kind == "jwt" {
		a, b = b, a
	}
	p := *a
	p.Satisfies = slices.Concat(a.Satisfies, b.Satisfies)
	if p.ClientID == "" {
		p.ClientID = b.ClientID
	}
	if p.Expires.IsZero() || !b.Expires.IsZero() && b.Expires.Before(p.Expires) {
		p.Expires = b.Expires
	}
	return &p
}

func satisfied(want, have []string) bool {
	for _, w := range want {
		if !has(have, w) {
			return false
		}
	}
	return true
}
